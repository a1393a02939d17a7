/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_redis_link.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- messages ------------------------------------------------------------ */

static void note(sx_redis_why *why, const char *what, sx_str word)
{
    snprintf(why->text, sizeof why->text, "%s%.*s", what, (int)word.len,
             word.p);
}

/* Once a second, unless it is something else. */
static void tell(sx_redis_store *store, const sx_redis_why *why)
{
    int64_t told =
        sx_monotonic_us() / 1000000 * 128 + (int64_t)strlen(why->text);

    if (__atomic_exchange_n(&store->told, told, __ATOMIC_RELAXED) != told)
        sx_log(SX_LOG_ERR, "the store at %s: %s", store->config.shown,
               why->text);
}

/* Of an error only the word that it begins with: the rest may tell a key. */
static sx_str error_word(const redisReply *reply)
{
    size_t len = strspn(reply->str, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    return (sx_str){reply->str, len < 20 ? len : 20};
}

static bool is_error(const redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_ERROR &&
           !strncmp(reply->str, word, strlen(word));
}

/* ---- commands ------------------------------------------------------------ */

sx_str sx_redis_key(const sx_redis_store *store, const unsigned char *key,
                    char buf[SX_REDIS_KEY_MAX])
{
    memcpy(buf, store->config.prefix, store->prefix_len);
    memcpy(buf + store->prefix_len, key, SX_STORE_KEY_LEN);
    return (sx_str){buf, store->prefix_len + SX_STORE_KEY_LEN};
}

void sx_redis_add(sx_redis_command *command, sx_str arg)
{
    command->args[command->count++] = arg;
}

void sx_redis_begin(const sx_redis_store *store, sx_redis_command *command,
                    sx_redis_script script, const char *keys)
{
    command->script = script;
    command->count = 0;
    sx_redis_add(command, sx_str_of("EVALSHA"));
    sx_redis_add(command, (sx_str){store->shas[script], SX_REDIS_SHA - 1});
    sx_redis_add(command, sx_str_of(keys));
}

/* So seldom that the whole text may go each time. */
static void begin_look(sx_redis_store *store, sx_redis_look *look)
{
    look->command = (sx_redis_command){.script = SX_REDIS_SCRIPTS};
    sx_redis_add(&look->command, sx_str_of("EVAL"));
    sx_redis_add(&look->command,
                 sx_str_of(sx_redis_script_text(SX_REDIS_LOOK)));
    sx_redis_add(&look->command, sx_str_of("1"));
    sx_redis_add(&look->command, sx_str_of(store->state_key));
    sx_redis_look_begin(&store->clock, look);
}

/* ---- connections --------------------------------------------------------- */

/* Behind a fork nothing is taken over: those of the parent are its own, and its
 * locks may have been held. */
static void own(sx_redis_store *store)
{
    const pid_t me = getpid();
    pid_t was = __atomic_load_n(&store->pid, __ATOMIC_ACQUIRE);

    while (was != me) {
        if (was == 0 ||
            !__atomic_compare_exchange_n(&store->pid, &was, 0, false,
                                         __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
            sched_yield();
            was = __atomic_load_n(&store->pid, __ATOMIC_ACQUIRE);
            continue;
        }
        pthread_mutex_init(&store->lock, NULL);
        pthread_mutex_init(&store->clock.lock, NULL);
        while (store->idle_count > 0)
            sx_redis_close(store->idle[--store->idle_count]);
        __atomic_store_n(&store->pid, me, __ATOMIC_RELEASE);
        return;
    }
}

static sx_redis_conn *take_idle(sx_redis_store *store)
{
    sx_redis_conn *conn = NULL;

    pthread_mutex_lock(&store->lock);
    if (store->idle_count > 0)
        conn = store->idle[--store->idle_count];
    pthread_mutex_unlock(&store->lock);
    return conn;
}

static void give_back(sx_redis_store *store, sx_redis_conn *conn)
{
    pthread_mutex_lock(&store->lock);
    if (store->idle_count < SX_REDIS_IDLE_MAX) {
        store->idle[store->idle_count++] = conn;
        conn = NULL;
    }
    pthread_mutex_unlock(&store->lock);
    if (conn)
        sx_redis_close(conn);
}

void sx_redis_leave(sx_redis_store *store)
{
    sx_redis_conn *conn;

    own(store);
    while ((conn = take_idle(store)))
        sx_redis_close(conn);
}

/* Who we are, and which database. */
static int greeting(const sx_redis_store *store, sx_redis_command commands[2])
{
    const sx_redis_config *config = &store->config;
    int count = 0;

    if (config->password) {
        sx_redis_command *auth = &commands[count++];

        *auth = (sx_redis_command){.script = SX_REDIS_SCRIPTS};
        sx_redis_add(auth, sx_str_of("AUTH"));
        if (config->user)
            sx_redis_add(auth, sx_str_of(config->user));
        sx_redis_add(auth, sx_str_of(config->password));
    }
    if (config->db) {
        sx_redis_command *select = &commands[count++];

        *select = (sx_redis_command){.script = SX_REDIS_SCRIPTS};
        sx_redis_add(select, sx_str_of("SELECT"));
        sx_redis_add(select, sx_str_of(store->db));
    }
    return count;
}

static bool greet(const sx_redis_store *store, sx_redis_conn *conn,
                  int64_t until_us, sx_redis_why *why)
{
    sx_redis_command commands[2];
    redisReply *replies[2];
    int count = greeting(store, commands);
    const char *what;
    bool good = true;

    if (count == 0)
        return true;
    if (sx_redis_exchange(conn, commands, count, replies, until_us, &what) !=
        SX_REDIS_REPLIED) {
        note(why, what, (sx_str){"", 0});
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (replies[i]->type != REDIS_REPLY_STATUS && good) {
            note(why, "it does not let us in: ",
                 replies[i]->type == REDIS_REPLY_ERROR ? error_word(replies[i])
                                                       : sx_str_of("?"));
            good = false;
        }
        freeReplyObject(replies[i]);
    }
    return good;
}

static sx_redis_conn *make_conn(sx_redis_store *store, int64_t until_us,
                                sx_redis_why *why)
{
    int64_t soon_us = sx_monotonic_us() + SX_REDIS_CONNECT_MS * INT64_C(1000);
    sx_redis_conn *conn;
    const char *what;

    if (soon_us > until_us)
        soon_us = until_us;
    conn = sx_redis_connect(&store->config, store->hosts, soon_us, &what);
    if (!conn)
        note(why, what, (sx_str){"", 0});
    if (conn && !greet(store, conn, soon_us, why)) {
        sx_redis_close(conn);
        conn = NULL;
    }
    return conn;
}

/* One that nobody else uses: of those that wait, if it is good. */
static sx_redis_conn *take(sx_redis_store *store, int64_t until_us,
                           bool *is_new, sx_redis_why *why)
{
    sx_redis_conn *conn;

    own(store);
    while (!*is_new && (conn = take_idle(store))) {
        if (!sx_redis_is_stale(conn))
            return conn;
        sx_redis_close(conn);
    }
    *is_new = true;
    return make_conn(store, until_us, why);
}

/* ---- asking -------------------------------------------------------------- */

static void by_text(const sx_redis_command *command, sx_redis_command *text)
{
    *text = *command;
    text->args[0] = sx_str_of("EVAL");
    text->args[1] = sx_str_of(sx_redis_script_text(command->script));
}

/* The command, and before it a look at the time if one is due. */
static sx_redis_sent exchange(sx_redis_store *store, sx_redis_conn *conn,
                              const sx_redis_command *command,
                              redisReply **reply, int64_t until_us,
                              const char **why)
{
    const bool looks = sx_redis_look_due(&store->clock);
    sx_redis_command commands[2];
    redisReply *replies[2];
    sx_redis_look look;
    sx_redis_sent sent;
    int count = 0;

    if (looks) {
        begin_look(store, &look);
        commands[count++] = look.command;
    }
    commands[count++] = *command;
    sent = sx_redis_exchange(conn, commands, count, replies, until_us, why);
    if (sent != SX_REDIS_REPLIED)
        return sent;
    *reply = replies[count - 1];
    if (looks) {
        (void)sx_redis_look_end(&store->clock, &look, replies[0]);
        freeReplyObject(replies[0]);
    }
    return sent;
}

/* What the reply comes to; frees it unless it is OK. */
static sx_answer judge(const sx_redis_command *command, redisReply **reply,
                       sx_redis_why *why)
{
    const redisReply *r = *reply;
    sx_answer answer;

    if (r->type != REDIS_REPLY_ERROR ||
        (command->script == SX_REDIS_SCRIPTS && is_error(r, "WRONGTYPE")))
        return SX_STORE_OK;
    answer = strstr(r->str, "OOM command not allowed") ? SX_STORE_FULL
                                                       : SX_STORE_UNAVAILABLE;
    note(why, answer == SX_STORE_FULL ? "its memory is full: " : "it refuses: ",
         error_word(r));
    freeReplyObject(*reply);
    *reply = NULL;
    return answer;
}

/* As exchange, and again with the text of a script that Redis does not know. */
static sx_redis_sent exchange_script(sx_redis_store *store, sx_redis_conn *conn,
                                     const sx_redis_command *command,
                                     redisReply **reply, int64_t until_us,
                                     const char **why)
{
    sx_redis_sent sent = exchange(store, conn, command, reply, until_us, why);
    sx_redis_command text;

    if (sent != SX_REDIS_REPLIED || command->script == SX_REDIS_SCRIPTS ||
        !is_error(*reply, "NOSCRIPT"))
        return sent;
    freeReplyObject(*reply);
    by_text(command, &text);
    return sx_redis_exchange(conn, &text, 1, reply, until_us, why);
}

/* ${why} is set unless it is OK. */
static sx_answer ask(sx_redis_store *store, const sx_redis_command *command,
                     bool writes, redisReply **reply, sx_redis_why *why)
{
    const int64_t until_us =
        sx_monotonic_us() + SX_REDIS_CALL_MS * INT64_C(1000);
    sx_redis_sent sent = SX_REDIS_NOT_SENT;
    bool is_new = false, again = true;
    sx_redis_conn *conn;
    const char *what;
    sx_answer answer;

    while (again && (conn = take(store, until_us, &is_new, why))) {
        sent = exchange_script(store, conn, command, reply, until_us, &what);
        if (sent == SX_REDIS_REPLIED) {
            answer = judge(command, reply, why);
            if (answer == SX_STORE_UNAVAILABLE)
                sx_redis_close(conn);
            else
                give_back(store, conn);
            return answer;
        }
        note(why, what, (sx_str){"", 0});
        sx_redis_close(conn);
        /* One that has waited may have been broken since, without its knowing,
         * and so may the others. */
        again = !is_new && (sent == SX_REDIS_NOT_SENT || !writes);
        is_new = true;
        sx_redis_leave(store);
    }
    return writes && sent == SX_REDIS_LOST ? SX_STORE_UNKNOWN
                                           : SX_STORE_UNAVAILABLE;
}

sx_answer sx_redis_ask(sx_redis_store *store, const sx_redis_command *command,
                       bool writes, redisReply **reply)
{
    sx_redis_why why = {""};
    sx_answer answer = ask(store, command, writes, reply, &why);

    if (answer != SX_STORE_OK)
        tell(store, &why);
    return answer;
}

sx_answer sx_redis_nonsense(sx_redis_store *store, bool writes,
                            redisReply *reply)
{
    sx_redis_why why = {""};

    freeReplyObject(reply);
    sx_redis_leave(store); /* the one that it came by is among these */
    note(&why, "what it sent is no answer", (sx_str){"", 0});
    tell(store, &why);
    return writes ? SX_STORE_UNKNOWN : SX_STORE_UNAVAILABLE;
}

/* A store that drops what it likes may drop what ended a session.  Who may not
 * ask is not told. */
static void judge_eviction(sx_redis_store *store)
{
    static const char limit[] = "\nmaxmemory:", policy[] = "maxmemory_policy:";
    sx_redis_command command = {.script = SX_REDIS_SCRIPTS};
    const char *found = NULL;
    sx_redis_why why = {""};
    redisReply *reply;

    sx_redis_add(&command, sx_str_of("INFO"));
    sx_redis_add(&command, sx_str_of("memory"));
    if (ask(store, &command, false, &reply, &why) != SX_STORE_OK)
        return;
    if (reply->type == REDIS_REPLY_STRING && strstr(reply->str, limit) &&
        !strstr(reply->str, "\nmaxmemory:0\r"))
        found = strstr(reply->str, policy);
    if (found && strncmp(found + strlen(policy), "noeviction", 10) != 0)
        sx_log(SX_LOG_WARN,
               "the store at %s evicts what it has no room for: with it "
               "may go that a session has ended.  Set maxmemory-policy "
               "noeviction",
               store->config.shown);
    freeReplyObject(reply);
}

bool sx_redis_meet(sx_redis_store *store, sx_redis_why *why)
{
    sx_redis_look look;
    redisReply *reply;
    bool good;

    (void)sx_redis_look_due(&store->clock); /* this is it */
    begin_look(store, &look);
    if (ask(store, &look.command, false, &reply, why) != SX_STORE_OK)
        return false;
    good = sx_redis_look_end(&store->clock, &look, reply);
    freeReplyObject(reply);
    note(why, "it does not tell the time", (sx_str){"", 0});
    if (good)
        judge_eviction(store);
    return good;
}
