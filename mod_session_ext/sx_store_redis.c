/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_store_redis.h.  The calls, each one question. */
#include "sx_store_redis_walk.h"

#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <apr_strings.h>
#include "sx_store_redis_record.h"

/* Redis keeps a record so long behind its end: a process may be late, and its
 * clock another one by SX_REDIS_STEP_MS. */
#define EXPIRY_MS (SX_COMMIT_GRACE_MS + 60000)

static sx_redis_store *redis_of(sx_store *store)
{
    return (sx_redis_store *)store;
}

static sx_str number(char buf[24], int64_t n)
{
    int len = snprintf(buf, 24, "%lld", (long long)n);

    return (sx_str){buf, (size_t)len};
}

static sx_str string_of(const redisReply *reply)
{
    return (sx_str){reply->str, (size_t)reply->len};
}

/* ---- get ----------------------------------------------------------------- */

/* It goes, if it is what we have seen: nothing, or the beginning of it. */
static sx_answer forget(sx_redis_store *store, sx_str key, sx_str seen,
                        int64_t len)
{
    sx_redis_command command;
    char text[24];
    redisReply *reply;
    sx_answer answer;

    if (seen.len > SX_REDIS_HEAD_LEN)
        seen.len = SX_REDIS_HEAD_LEN;
    sx_redis_begin(store, &command, SX_REDIS_FORGET, "1");
    sx_redis_add(&command, key);
    sx_redis_add(&command, seen);
    sx_redis_add(&command, number(text, len));
    answer = sx_redis_ask(store, &command, true, &reply);
    if (answer != SX_STORE_OK)
        return answer;
    freeReplyObject(reply);
    sx_log(SX_LOG_WARN,
           "the store at %s: a value that is no record was removed",
           store->config.shown);
    return SX_STORE_DAMAGED;
}

/* What Redis has under ${key}: a string, nothing, or something else. */
static sx_answer take(sx_redis_store *store, sx_str key,
                      const redisReply *reply, sx_store_read *read,
                      apr_pool_t *pool)
{
    if (reply->type == REDIS_REPLY_NIL)
        return SX_STORE_MISS;
    if (reply->type != REDIS_REPLY_STRING)
        return forget(store, key, (sx_str){"", 0}, -1);
    if (!sx_redis_record_open(string_of(reply), &read->meta, &read->bytes))
        return forget(store, key, string_of(reply), (int64_t)reply->len);
    read->bytes = sx_str_dup(read->bytes, pool);
    return SX_STORE_OK;
}

static sx_answer take_living(sx_redis_store *store, sx_str key,
                             const redisReply *reply, sx_store_read *read,
                             int64_t after_ms, apr_pool_t *pool)
{
    sx_answer answer = take(store, key, reply, read, pool);

    return answer == SX_STORE_OK && read->meta.expires_ms <= after_ms
               ? SX_STORE_MISS
               : answer;
}

static sx_answer get(sx_store *base, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    sx_redis_store *store = redis_of(base);
    sx_redis_command command = {.script = SX_REDIS_SCRIPTS};
    char buf[SX_REDIS_KEY_MAX];
    sx_str name = sx_redis_key(store, key, buf);
    sx_store_read read = {0};
    redisReply *reply;
    sx_answer answer;

    sx_redis_add(&command, sx_str_of("GET"));
    sx_redis_add(&command, name);
    answer = sx_redis_ask(store, &command, false, &reply);
    if (answer != SX_STORE_OK)
        return answer;
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL &&
        reply->type != REDIS_REPLY_ERROR)
        return sx_redis_nonsense(store, false, reply);
    answer = take_living(store, name, reply, &read, now_ms - grace_ms, pool);
    freeReplyObject(reply);
    *bytes = read.bytes;
    *meta = read.meta;
    return answer;
}

/* An answer of its script: a string, nothing, or 0. */
static bool is_value(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ||
           reply->type == REDIS_REPLY_NIL || reply->type == REDIS_REPLY_INTEGER;
}

static sx_answer get_with_epoch(sx_store *base, const unsigned char *key,
                                sx_store_read *record, sx_store_read *epoch,
                                int64_t grace_ms, int64_t now_ms,
                                apr_pool_t *pool)
{
    sx_redis_store *store = redis_of(base);
    unsigned char of_user[SX_STORE_KEY_LEN];
    char buf[SX_REDIS_KEY_MAX];
    sx_str name = sx_redis_key(store, key, buf);
    sx_redis_command command;
    redisReply *reply;

    *epoch = (sx_store_read){.answer = SX_STORE_MISS};
    *record = *epoch;
    sx_redis_begin(store, &command, SX_REDIS_GET, "1");
    sx_redis_add(&command, name);
    sx_redis_add(&command, (sx_str){store->epoch_key,
                                    store->prefix_len + SX_STORE_KEY_LEN - 8});
    record->answer = sx_redis_ask(store, &command, false, &reply);
    if (record->answer != SX_STORE_OK)
        return record->answer;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        !is_value(reply->element[0]) || !is_value(reply->element[1]))
        return record->answer = sx_redis_nonsense(store, false, reply);
    record->answer = take_living(store, name, reply->element[0], record,
                                 now_ms - grace_ms, pool);
    if (record->answer == SX_STORE_OK && record->meta.kind == SX_USER) {
        sx_epoch_key(record->meta.user_tag, of_user);
        epoch->answer = take_living(store, sx_redis_key(store, of_user, buf),
                                    reply->element[1], epoch, now_ms, pool);
    }
    freeReplyObject(reply);
    return record->answer;
}

/* ---- put ----------------------------------------------------------------- */

/* The first number of an answer, and how many follow; or nonsense. */
static int code_of(const redisReply *reply, size_t more)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
        reply->element[0]->type != REDIS_REPLY_INTEGER ||
        reply->element[0]->integer < SX_REDIS_DONE ||
        reply->element[0]->integer > SX_REDIS_CHANGED)
        return -1;
    if (reply->element[0]->integer == SX_REDIS_DONE &&
        reply->elements != 1 + more)
        return -1;
    return (int)reply->element[0]->integer;
}

/* What a script that writes has answered.  Frees the reply. */
static sx_answer written(sx_redis_store *store, redisReply *reply,
                         sx_answer missing, uint64_t *token)
{
    int code = code_of(reply, token ? 1 : 0);
    const redisReply *second =
        code == SX_REDIS_DONE && token ? reply->element[1] : NULL;

    if (code < 0 || (second && (second->type != REDIS_REPLY_STRING ||
                                second->len != SX_REDIS_TOKEN)))
        return sx_redis_nonsense(store, true, reply);
    if (second)
        *token = sx_redis_get64(second->str);
    freeReplyObject(reply);
    return code == SX_REDIS_DONE      ? SX_STORE_OK
           : code == SX_REDIS_MISSING ? missing
                                      : SX_STORE_CHANGED;
}

/* Redis puts the new token between the two. */
typedef struct parts {
    char before[SX_REDIS_TOKEN_AT];
    sx_str behind;
} parts;

static parts parts_of(const sx_record_meta *meta, sx_str bytes,
                      apr_pool_t *pool)
{
    const size_t rest = SX_REDIS_TOKEN_AT + SX_REDIS_TOKEN;
    unsigned char *all = apr_palloc(pool, SX_REDIS_HEAD_LEN + bytes.len);
    sx_record_meta put = *meta;
    parts p;

    sx_record_meta_order(&put);
    sx_redis_head_make(all, &put, bytes.len);
    if (bytes.len)
        memcpy(all + SX_REDIS_HEAD_LEN, bytes.p, bytes.len);
    memcpy(p.before, all, sizeof p.before);
    p.behind =
        (sx_str){(char *)all + rest, SX_REDIS_HEAD_LEN + bytes.len - rest};
    return p;
}

/* With the token of an epoch to compare, or NULL. */
static sx_answer put(sx_redis_store *store, const unsigned char *key,
                     uint64_t token, const uint64_t *epoch, sx_str bytes,
                     sx_record_meta *meta, int64_t now_ms)
{
    char name[SX_REDIS_KEY_MAX], of_user[SX_REDIS_KEY_MAX];
    char old[SX_REDIS_TOKEN], seen[SX_REDIS_TOKEN], expiry[24], now[24];
    unsigned char epoch_key[SX_STORE_KEY_LEN];
    sx_redis_command command;
    redisReply *reply;
    apr_pool_t *pool;
    sx_answer answer;
    parts p;

    if (!sx_redis_meta_ok(meta))
        return SX_STORE_UNAVAILABLE;
    if (bytes.len > SX_REDIS_RECORD_MAX)
        return SX_STORE_TOOBIG;
    apr_pool_create(&pool, NULL);
    p = parts_of(meta, bytes, pool);
    sx_redis_put64(old, token);
    sx_redis_begin(store, &command, SX_REDIS_PUT, epoch ? "3" : "2");
    sx_redis_add(&command, sx_redis_key(store, key, name));
    sx_redis_add(&command, sx_str_of(store->state_key));
    if (epoch) {
        sx_epoch_key(meta->user_tag, epoch_key);
        sx_redis_add(&command, sx_redis_key(store, epoch_key, of_user));
        sx_redis_put64(seen, *epoch);
    }
    sx_redis_add(&command, (sx_str){old, token ? sizeof old : 0});
    sx_redis_add(&command, (sx_str){p.before, sizeof p.before});
    sx_redis_add(&command, p.behind);
    sx_redis_add(
        &command,
        number(expiry, sx_max64(meta->expires_ms - now_ms, 0) + EXPIRY_MS));
    sx_redis_add(&command, number(now, now_ms));
    if (epoch)
        sx_redis_add(&command, (sx_str){seen, *epoch ? sizeof seen : 0});
    answer = sx_redis_ask(store, &command, true, &reply);
    if (answer == SX_STORE_OK)
        answer = written(store, reply, SX_STORE_GONE, &meta->token);
    apr_pool_destroy(pool);
    return answer;
}

static sx_answer put_if(sx_store *base, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    return put(redis_of(base), key, token, NULL, bytes, meta, now_ms);
}

static sx_answer put_if_epoch(sx_store *base, const unsigned char *key,
                              uint64_t token, uint64_t epoch, sx_str bytes,
                              sx_record_meta *meta, int64_t now_ms)
{
    return put(redis_of(base), key, token, &epoch, bytes, meta, now_ms);
}

/* ---- touch, remove ------------------------------------------------------- */

static sx_answer touch(sx_store *base, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    sx_redis_store *store = redis_of(base);
    char name[SX_REDIS_KEY_MAX], to[24], now[24];
    sx_redis_command command;
    redisReply *reply;
    sx_answer answer;

    sx_redis_begin(store, &command, SX_REDIS_TOUCH, "1");
    sx_redis_add(&command, sx_redis_key(store, key, name));
    sx_redis_add(&command, number(to, sx_min64(expires_ms, SX_REDIS_TIME_MAX)));
    sx_redis_add(&command, number(now, now_ms));
    answer = sx_redis_ask(store, &command, true, &reply);
    return answer == SX_STORE_OK ? written(store, reply, SX_STORE_MISS, NULL)
                                 : answer;
}

static sx_answer remove_any(sx_redis_store *store, sx_str name)
{
    sx_redis_command command = {.script = SX_REDIS_SCRIPTS};
    redisReply *reply;
    sx_answer answer;

    sx_redis_add(&command, sx_str_of("DEL"));
    sx_redis_add(&command, name);
    answer = sx_redis_ask(store, &command, true, &reply);
    if (answer != SX_STORE_OK)
        return answer;
    if (reply->type != REDIS_REPLY_INTEGER)
        return sx_redis_nonsense(store, true, reply);
    answer = reply->integer ? SX_STORE_OK : SX_STORE_MISS;
    freeReplyObject(reply);
    return answer;
}

static sx_answer remove_record(sx_store *base, const unsigned char *key,
                               uint64_t token)
{
    sx_redis_store *store = redis_of(base);
    char buf[SX_REDIS_KEY_MAX], old[SX_REDIS_TOKEN];
    sx_str name = sx_redis_key(store, key, buf);
    sx_redis_command command;
    redisReply *reply;
    sx_answer answer;

    if (token == 0)
        return remove_any(store, name);
    sx_redis_put64(old, token);
    sx_redis_begin(store, &command, SX_REDIS_REMOVE, "1");
    sx_redis_add(&command, name);
    sx_redis_add(&command, (sx_str){old, sizeof old});
    answer = sx_redis_ask(store, &command, true, &reply);
    return answer == SX_STORE_OK ? written(store, reply, SX_STORE_MISS, NULL)
                                 : answer;
}

/* ---- the rest ------------------------------------------------------------ */

/* Redis has done it. */
static sx_answer sweep(sx_store *store, int64_t budget_us, int64_t now_ms,
                       sx_sweep_report *report)
{
    (void)store;
    (void)budget_us;
    (void)now_ms;
    *report = (sx_sweep_report){.finished = true};
    return SX_STORE_OK;
}

static int64_t clock_ms(sx_store *base)
{
    return sx_redis_clock_ms(&redis_of(base)->clock);
}

static uint64_t life(sx_store *base)
{
    return __atomic_load_n(&redis_of(base)->clock.life, __ATOMIC_RELAXED);
}

static const sx_store_ops redis_ops = {
    .name = "redis",
    .get = get,
    .put_if = put_if,
    .touch = touch,
    .remove = remove_record,
    .each = sx_redis_each,
    .sweep = sweep,
    .clock_ms = clock_ms,
    .life = life,
    .get_with_epoch = get_with_epoch,
    .put_if_epoch = put_if_epoch,
};

/* ---- open ---------------------------------------------------------------- */

static apr_status_t close_store(void *baton)
{
    sx_redis_store *store = baton;

    sx_redis_leave(store);
    if (store->hosts)
        freeaddrinfo(store->hosts);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->clock.lock);
    return APR_SUCCESS;
}

static void name_keys(sx_redis_store *store)
{
    unsigned char key[SX_STORE_KEY_LEN];

    store->prefix_len = strlen(store->config.prefix);
    sx_epoch_key(0, key);
    (void)sx_redis_key(store, key, store->epoch_key);
    snprintf(store->state_key, sizeof store->state_key, "%sstore",
             store->config.prefix);
    snprintf(store->db, sizeof store->db, "%u", store->config.db);
    for (int i = 0; i < SX_REDIS_SCRIPTS; i++)
        sx_redis_script_sha((sx_redis_script)i, store->shas[i]);
}

sx_store *sx_store_redis_open(const sx_redis_config *config, const char **why,
                              apr_pool_t *pool)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG};
    sx_redis_store *store = apr_pcalloc(pool, sizeof *store);
    sx_redis_why reason;
    int failed = 0;

    store->base.ops = &redis_ops;
    store->config = *config;
    store->pid = getpid();
    if (!config->path)
        failed = getaddrinfo(config->host, config->port, &hints, &store->hosts);
    if (failed) {
        *why =
            apr_psprintf(pool, "%s: %s", config->shown, gai_strerror(failed));
        return NULL;
    }
    name_keys(store);
    pthread_mutex_init(&store->lock, NULL);
    sx_redis_clock_init(&store->clock, store->config.shown);
    apr_pool_cleanup_register(pool, store, close_store, apr_pool_cleanup_null);
    if (!sx_redis_meet(store, &reason)) {
        *why = apr_pstrcat(pool, config->shown, ": ", reason.text, NULL);
        return NULL;
    }
    return &store->base;
}
