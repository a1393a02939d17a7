/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is the Redis backend's own, on a real server: round trips, scripts that
 * are forgotten, expiry, tokens, the clock, a server that is full, read-only,
 * stopped or begun anew, and who is let in.  What it has in common with others
 * is in contract*.c; its URL in store_redis_url.c, bad replies in
 * store_redis_wire.c, steps of a clock in store_redis_clock.c.
 */
#include <time.h>

#include "contract.h"

static void told(redisReply *reply)
{
    if (!reply || reply->type == REDIS_REPLY_ERROR) {
        diag("redis: %s", reply ? reply->str : "no reply");
        stage_give_up("redis does not do what it is told");
    }
    freeReplyObject(reply);
}

#define tell(...) told(redis_say(__VA_ARGS__))

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static sx_store *another(const char *more)
{
    return redis_store(apr_pstrcat(at.pool, "unix:", redis.socket, more, NULL),
                       at.pool);
}

/* ---- round trips --------------------------------------------------------- */

/* How often redis has read from a connection: what came in one piece is one. */
static long long reads(void)
{
    return redis_figure("total_reads_processed");
}

#define ROUNDS 200

static void test_round_trips(void)
{
    const char *cookie = begin(&at, "Session-Set: user=alice&n=0");
    long long before, between, behind;
    int good = 0;

    (void)load(&at, cookie);
    (void)request(&at, cookie, "Session-Incr: n=1");
    before = reads();
    for (int i = 0; i < ROUNDS; i++)
        good += load(&at, cookie)->status == SX_STATUS_ACTIVE;
    between = reads();
    for (int i = 0; i < ROUNDS; i++)
        good +=
            request(&at, cookie, "Session-Incr: n=1")->verdict == SX_COMMIT_OK;
    behind = reads();
    is_int(good, 2 * ROUNDS, "a logged-in session is loaded and committed");
    is_int(between - before - 1, ROUNDS, "a load is one round trip");
    is_int(behind - between - 1, 2 * ROUNDS,
           "and load and commit are one each");
}

static void test_script_forgotten(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("x", &meta);

    tell("SCRIPT FLUSH");
    ok(put(key, meta.token, sx_str_of("y"), &meta) == SX_STORE_OK &&
           holds(key, "y"),
       "a script that redis does not know is sent whole");
}

/* ---- what redis does by itself ------------------------------------------- */

static long long expiry(const unsigned char *key)
{
    return redis_number("PTTL sx:%b", key, (size_t)SX_STORE_KEY_LEN);
}

static bool is_about(long long ms, long long wanted)
{
    return ms <= wanted && ms > wanted - 5000;
}

static void test_expiry(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("x", &meta);
    const long long grace = SX_COMMIT_GRACE_MS + MINUTE;

    ok(is_about(expiry(key), MINUTE + grace),
       "redis drops a record a grace and a minute behind its end");
    touch(key, at.now.boot_ms + 30 * MINUTE);
    ok(is_about(expiry(key), 30 * MINUTE + grace), "which an access moves");
    touch(key, at.now.boot_ms + 30 * HOUR);
    ok(is_about(expiry(key), HOUR + grace), "but not behind the absolute end");
    ok(redis_number("STRLEN sx:%b", key, (size_t)SX_STORE_KEY_LEN) == 69,
       "a record has 68 bytes beside its own");
}

static void test_tokens(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("x", &meta);
    uint64_t first = meta.token;

    tell("HSET sx:store token 4000000000000000");
    ok(put(key, first, sx_str_of("y"), &meta) == SX_STORE_OK &&
           meta.token == 4000000000000001,
       "a clock of redis that went back makes no token come again");
    tell("HDEL sx:store token");
    first = meta.token;
    ok(put(key, first, sx_str_of("z"), &meta) == SX_STORE_OK &&
           meta.token == first + 1,
       "nor do tokens that are lost");
    drop(key, 0);
    tell("HDEL sx:store token");
}

static void test_other_types(void)
{
    const unsigned char *key = stage_key(&at);
    sx_store *store = at.realm.store;
    sx_store_read record, epoch;
    sx_record_meta meta = meta_of(SX_USER);
    sx_str got;

    redis_number("LPUSH sx:%b a", key, (size_t)SX_STORE_KEY_LEN);
    ok(get(key, &got, &meta) == SX_STORE_DAMAGED && is_missing(key),
       "what is no string is damaged, and taken out");
    redis_number("LPUSH sx:%b a", key, (size_t)SX_STORE_KEY_LEN);
    ok(store->ops->get_with_epoch(store, key, &record, &epoch, 0,
                                  at.now.boot_ms,
                                  at.pool) == SX_STORE_DAMAGED &&
           is_missing(key),
       "by each of the two reads");
    redis_number("SADD sx:%b a", key, (size_t)SX_STORE_KEY_LEN);
    meta = meta_of(SX_USER);
    ok(drop(key, 7) == SX_STORE_MISS && is_missing(key) &&
           put(key, 0, sx_str_of("x"), &meta) == SX_STORE_OK,
       "and counts as missing for who writes");
}

/* ---- epochs -------------------------------------------------------------- */

/* A damaged epoch ends all, and what it was is not read from the session's. */
static void test_damaged_epoch(void)
{
    const char *cookie = begin(&at, "Session-Set: user=carl"),
               *other = begin(&at, "Session-Set: user=carl");
    unsigned char key[SX_STORE_KEY_LEN];
    sx_loaded *loaded = load(&at, cookie);

    sx_epoch_key(loaded->meta.user_tag, key);
    request(&at, other, "Session-Logout: others");
    redis_spoil(&at, key);
    ok(commit(&at, loaded, "Session-Set: a=1")->verdict == SX_COMMIT_DROPPED &&
           dead(&at, cookie) && dead(&at, other),
       "an epoch that is damaged ends its user's sessions");
}

/* ---- the clock ----------------------------------------------------------- */

static int64_t clock_of(sx_store *store)
{
    return store->ops->clock_ms(store);
}

static void look(sx_store *store)
{
    unsigned char key[SX_STORE_KEY_LEN] = "nobody";
    sx_record_meta meta;
    sx_str bytes;

    (void)store->ops->get(store, key, &bytes, &meta, 0, 0, at.pool);
}

static bool agree(sx_store *a, sx_store *b)
{
    int64_t apart = clock_of(a) - clock_of(b);

    return apart < 100 && apart > -100;
}

static void test_clock(void)
{
    sx_store *one = another(""), *two = another("");
    int64_t began = clock_of(one), wall = (int64_t)time(NULL) * 1000;
    uint64_t life = one->ops->life(one);

    ok(agree(one, two) && began > wall - 5000 && began < wall + 5000,
       "who opens the store takes over redis' time");
    ok(life != 0 && two->ops->life(two) == life, "and its life");
    tell("FLUSHALL");
    usleep(1100000);
    look(one);
    usleep(1100000);
    look(two);
    ok(one->ops->life(one) != life &&
           one->ops->life(one) == two->ops->life(two) && agree(one, two) &&
           clock_of(one) - began < 60000,
       "a database that was flushed has another life, and the same time");
}

/* ---- a server in trouble ------------------------------------------------- */

static void test_full(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("x", &meta);

    tell("CONFIG SET maxmemory 1");
    ok(put(stage_key(&at), 0, sx_str_of("y"), &meta) == SX_STORE_FULL &&
           holds(key, "x"),
       "a server without memory is full");
    ok(drop(key, meta.token) == SX_STORE_OK && is_missing(key),
       "and what ends, ends");
    tell("CONFIG SET maxmemory 0");
}

static int warned;

static void count_warning(sx_log_level level, const char *message)
{
    warned += level == SX_LOG_WARN && strstr(message, "noeviction") != NULL;
}

static void test_evicting(void)
{
    sx_log_set(count_warning);
    tell("CONFIG SET maxmemory-policy allkeys-lru");
    another("");
    is_int(warned, 0, "who has all the memory there is evicts nothing");
    tell("CONFIG SET maxmemory 1gb");
    another("");
    is_int(warned, 1, "a server that evicts is told of");
    tell("CONFIG SET maxmemory-policy noeviction");
    another("");
    is_int(warned, 1, "one that does not is not");
    tell("CONFIG SET maxmemory 0");
    sx_log_set(NULL);
}

static void test_read_only(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("x", &meta);

    tell("REPLICAOF 127.0.0.1 1");
    ok(put(key, meta.token, sx_str_of("y"), &meta) == SX_STORE_UNAVAILABLE &&
           drop(key, 0) == SX_STORE_UNAVAILABLE,
       "a replica writes nothing");
    tell("REPLICAOF NO ONE");
    ok(put(key, meta.token, sx_str_of("y"), &meta) == SX_STORE_OK,
       "until it is one no more");
}

static void test_stopped(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("x", &meta);
    int64_t began;
    sx_str got;

    kill(redis.pid, SIGSTOP);
    began = now_us();
    ok(get(key, &got, &found) == SX_STORE_UNAVAILABLE,
       "a server that has stopped answers no get");
    ok(put(key, meta.token, sx_str_of("y"), &meta) == SX_STORE_UNKNOWN,
       "of a put nobody knows");
    ok(now_us() - began < (2 * SX_REDIS_CALL_MS + 1000) * 1000,
       "after 250 ms each: %lld us", (long long)(now_us() - began));
    kill(redis.pid, SIGCONT);
    usleep(50000);
    ok(get(key, &got, &found) == SX_STORE_OK && got.len == 1 &&
           found.handle == 99,
       "then it answers what it is asked, and not what it was asked before");
}

/* It goes on, some time after this has returned. */
static void awake_soon(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        usleep(100000);
        kill(redis.pid, SIGCONT);
        _exit(0);
    }
}

static void test_late_reply(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("x", &meta), *none = stage_key(&at);
    sx_answer first, second;
    sx_str got;

    kill(redis.pid, SIGSTOP);
    first = get(key, &got, &found);
    awake_soon();
    second = get(none, &got, &found);
    wait(NULL);
    ok(first == SX_STORE_UNAVAILABLE && second == SX_STORE_MISS,
       "a reply that comes late is not that to the next question");
}

static void test_begun_anew(void)
{
    const char *port =
        apr_psprintf(at.pool, "%d", 20000 + (int)(getpid() % 20000));
    const char *const by_tcp[] = {"--port", port, NULL};
    sx_record_meta meta = meta_of(SX_USER), found;
    int64_t began;
    sx_str got;

    redis_stop();
    began = now_us();
    ok(get(stage_key(&at), &got, &found) == SX_STORE_UNAVAILABLE &&
           put(stage_key(&at), 0, sx_str_of("x"), &meta) ==
               SX_STORE_UNAVAILABLE,
       "a server that is gone is unavailable");
    ok(now_us() - began < 2 * SX_REDIS_CALL_MS * 1000, "at once");
    redis_start(by_tcp);
    ok(put(stage_key(&at), 0, sx_str_of("x"), &meta) == SX_STORE_OK,
       "one that is back is there again");
    at.realm.store = redis_store(
        apr_pstrcat(at.pool, "redis://127.0.0.1:", port, NULL), at.pool);
    redis_stop();
    redis_start(by_tcp);
    ok(put(stage_key(&at), 0, sx_str_of("x"), &meta) == SX_STORE_OK,
       "a connection that was closed meanwhile loses no write");
}

/* ---- who is let in, and where to ----------------------------------------- */

static const char *refusal(const char *url)
{
    sx_redis_config config;
    const char *why = sx_redis_config_read(&config, url, at.pool);

    return !why && sx_store_redis_open(&config, &why, at.pool) ? "" : why;
}

static void test_databases(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("x", &meta);
    sx_store *first = at.realm.store;

    at.realm.store = another("?db=3");
    ok(is_missing(key), "another database is another store");
    at.realm.store = another("?prefix=shop:");
    ok(is_missing(key), "and so is another prefix");
    at.realm.store = first;
}

static bool count_one(void *baton, const unsigned char *key,
                      const sx_record_meta *meta, size_t bytes)
{
    (void)key;
    (void)meta;
    (void)bytes;
    ++*(int *)baton;
    return true;
}

/* Each call, by this store's user. */
static bool does_all(void)
{
    sx_store *store = at.realm.store;
    const char *cookie = begin(&at, "Session-Set: user=eve&a=1");
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("x", &meta);
    int count = 0;

    return request(&at, cookie, "Session-Set: a=2")->verdict == SX_COMMIT_OK &&
           holds(key, "x") &&
           touch(key, at.now.boot_ms + HOUR) == SX_STORE_OK &&
           drop(key, meta.token) == SX_STORE_OK &&
           request(&at, cookie, "Session-Logout: all")->logged_out &&
           dead(&at, cookie) &&
           store->ops->each(store, count_one, &count, at.now.boot_ms,
                            at.pool) == SX_STORE_OK &&
           count > 0;
}

static void test_users(void)
{
    const char *socket = apr_psprintf(at.pool, "unix:%s", redis.socket);
    sx_record_meta meta = meta_of(SX_USER);
    sx_store *first = at.realm.store;
    char file[80];
    FILE *out;
    int port = 20000 + (int)(getpid() % 20000);

    /* As docs/directives.md says. */
    tell("ACL SETUSER web on >secret ~sx:* +select +get +del +eval +evalsha "
         "+getrange +strlen +set +setrange +exists +pexpire +hget +hset "
         "+hmget +scan +time");
    while (redis_number("DBSIZE") >= 0) {
        redisReply *reply = redis_say("CONFIG SET port %d", port);
        bool good = reply && reply->type != REDIS_REPLY_ERROR;

        freeReplyObject(reply);
        if (good)
            break;
        port++;
    }
    at.realm.store = redis_store(
        apr_psprintf(at.pool, "redis://web:secret@127.0.0.1:%d/1", port),
        at.pool);
    ok(does_all(), "a user with a password is let in, by TCP, and may do all");
    ok(strstr(refusal(apr_psprintf(at.pool, "redis://web:wrong@127.0.0.1:%d",
                                   port)),
              "does not let us in") != NULL,
       "one with another is not, and is told so");
    tell("CONFIG SET requirepass hidden");
    ok(*refusal(socket) != '\0', "nor is who has none");
    snprintf(file, sizeof(file), "%s/password", redis.dir);
    out = fopen(file, "w");
    if (!out || fputs("hidden\n", out) < 0 || fclose(out) != 0 ||
        chmod(file, 0600) != 0)
        stage_give_up("no file for a password");
    at.realm.store = another(apr_psprintf(at.pool, "?password-file=%s", file));
    ok(put(stage_key(&at), 0, sx_str_of("x"), &meta) == SX_STORE_OK,
       "whose password is in a file is");
    tell("CONFIG SET requirepass %s", "");
    at.realm.store = first;
}

int main(void)
{
    apr_initialize();
    stage_use(&stage_redis);
    stage_begin(&at);
    test_round_trips();
    test_script_forgotten();
    test_expiry();
    test_tokens();
    test_other_types();
    test_damaged_epoch();
    test_clock();
    test_full();
    test_evicting();
    test_read_only();
    test_stopped();
    test_late_reply();
    test_databases();
    test_users();
    test_begun_anew();
    stage_end(&at);
    return done_testing();
}
