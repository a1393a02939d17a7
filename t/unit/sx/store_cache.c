/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions in a cache (sx_store_cache.h), a real memcached: that an outage of
 * it is no miss, that it may forget what it likes and revives nobody, and that
 * no byte of it is believed that was not put there.
 */
#include "contract.h"

static sx_cache cache; /* what the backend is over */

/* Another handle, as another process or server would have it. */
static sx_store *over(sx_store *beside)
{
    return sx_store_cache_create(&cache, beside, at.now.boot_ms, at.pool);
}

static sx_store *beside(void)
{
    return sx_store_shm_create(at.segment, at.pool);
}

/* ---- an outage ---------------------------------------------------------- */

static void test_outage(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("kept", &meta), *other = stage_key(&at);
    sx_answer answers[4];
    sx_str got;

    memcached_stop();
    ok(get(key, &got, &found) == SX_STORE_UNAVAILABLE &&
           get(other, &got, &found) == SX_STORE_UNAVAILABLE,
       "without its server nothing is missing: it cannot be asked");
    answers[0] = put(key, meta.token, sx_str_of("x"), &meta);
    answers[1] = put(other, 0, sx_str_of("x"), &meta);
    answers[2] = touch(key, at.now.boot_ms + MINUTE);
    answers[3] = drop(key, 0);
    for (int i = 0; i < 4; i++)
        ok(sx_answer_is_outage(answers[i]), "call %d is an outage: %s", i,
           sx_answer_str(answers[i]));
    memcached_start();
    /* Its client looks once in five seconds. */
    for (int i = 0; i < 100 && get(key, &got, &found) != SX_STORE_MISS; i++)
        usleep(100000);
    ok(is_missing(key), "when it is back, without what it had, that is gone");
    ok(put(stage_key(&at), 0, sx_str_of("new"), &meta) == SX_STORE_OK,
       "and it works again");
}

/* ---- what it forgets ---------------------------------------------------- */

static void test_forgetting(void)
{
    const char *first = begin(&at, "Session-Set: user=alice"), *second;
    sx_loaded *late = load(&at, first);
    sx_record_meta meta = meta_of(SX_EPOCH);
    const unsigned char *key = made("never forgotten", &meta);

    ok(request(&at, first, "Session-Logout: all")->verdict == SX_COMMIT_OK &&
           dead(&at, first),
       "alice is logged out everywhere");
    second = begin(&at, "Session-Set: user=alice");
    memcached_flush();
    ok(dead(&at, second), "the cache has forgotten her new session");
    ok(dead(&at, first), "and the old one");
    ok(holds(key, "never forgotten"), "but no epoch");
    ok(commit(&at, late, "Session-Set: a=1")->verdict != SX_COMMIT_OK ||
           dead(&at, first),
       "so that who comes late brings nobody back");
}

/* ---- what it might say -------------------------------------------------- */

static size_t raw(const unsigned char *key, unsigned char *bytes, size_t room)
{
    if (memcached_retrieve(NULL, key, bytes, &room) != SX_STORE_OK)
        stage_give_up("nothing is in memcached");
    return room;
}

static void lay(const unsigned char *key, const unsigned char *bytes,
                size_t len)
{
    sx_str text = {(const char *)bytes, len};

    if (memcached_store(NULL, key, text, 60) != SX_STORE_OK)
        stage_give_up("memcached takes nothing");
}

static void test_bytes(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("a value", &meta), *other;
    unsigned char bytes[200], good[200];
    size_t len = raw(key, good, sizeof(good));
    int believed = 0, stayed = 0;
    sx_str got;

    for (size_t i = 0; i < 8 * len; i++) {
        sx_answer answer;

        memcpy(bytes, good, len);
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        lay(key, bytes, len);
        answer = get(key, &got, &found);
        believed += answer != SX_STORE_DAMAGED && answer != SX_STORE_MISS;
        stayed += get(key, &got, &found) != SX_STORE_MISS;
    }
    for (size_t i = 0; i < len; i++) {
        lay(key, good, i);
        believed += get(key, &got, &found) != SX_STORE_DAMAGED;
    }
    ok(believed == 0 && stayed == 0,
       "each bit and each length of it is checked, and what fails is gone");
    lay(key, good, len);
    ok(holds(key, "a value"), "as it was it is believed");
    other = stage_key(&at);
    lay(other, good, len);
    ok(get(other, &got, &found) == SX_STORE_DAMAGED,
       "and nothing is under another key");
}

/* ---- lives -------------------------------------------------------------- */

static void test_lives(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("ours", &meta);
    sx_store *same = over(beside()), *foreign;
    stage next = {.now = at.now, .pool = at.pool};
    sx_str got;

    ok(same->ops->get(same, key, &got, &found, 0, at.now.boot_ms, at.pool) ==
               SX_STORE_OK &&
           sx_str_eq(got, sx_str_of("ours")),
       "who comes later knows the secret");
    stage_open_shm(&next, 2 * MIB, SST_REFUSE);
    foreign = over(next.realm.store);
    ok(foreign->ops->get(foreign, key, &got, &found, 0, at.now.boot_ms,
                         at.pool) == SX_STORE_MISS,
       "beside another segment, without the epochs of this, it is a miss");
    ok(holds(key, "ours"), "which leaves it where it is");
    ok(foreign->ops->life(foreign) != same->ops->life(same),
       "and another life");
    cache.boot = 1;
    foreign = over(beside());
    ok(foreign->ops->get(foreign, key, &got, &found, 0, at.now.boot_ms,
                         at.pool) == SX_STORE_MISS,
       "so it is after a boot, whose clock is another");
    cache.boot = 0;
    stage_close_shm(&next);
}

/* ---- no room ------------------------------------------------------------ */

static int
    full; /* so many calls of store are refused, and drop what is there */

static sx_answer store_or_not(void *baton, const unsigned char *id,
                              sx_str bytes, int64_t life_s)
{
    if (full > 0) {
        full--;
        memcached_remove(baton, id);
        return SX_STORE_FULL;
    }
    return memcached_store(baton, id, bytes, life_s);
}

static void test_full(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("before", &meta), *other = stage_key(&at);
    sx_str got;

    full = 1;
    ok(put(other, 0, sx_str_of("x"), &meta) == SX_STORE_FULL &&
           is_missing(other),
       "without room nothing is made");
    full = 1;
    ok(get(key, &got, &found) == SX_STORE_OK &&
           put(key, found.token, sx_str_of("x"), &meta) == SX_STORE_FULL &&
           holds(key, "before"),
       "and what was there is put back");
    full = 2;
    ok(put(key, found.token, sx_str_of("x"), &meta) == SX_STORE_UNKNOWN,
       "if that is possible");
    full = 0;
}

/* ---- order -------------------------------------------------------------- */

static void test_order(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("x", &meta);
    sx_store *queue = beside(), *slow = over(beside());
    int status;
    pid_t pid;

    if (queue->ops->queue_enter(queue, key, 1000) != SX_STORE_OK)
        stage_give_up("no queue");
    pid = fork();
    if (pid == 0)
        _exit(put(key, meta.token, sx_str_of("y"), &meta) == SX_STORE_BUSY &&
                      holds(key, "x")
                  ? 0
                  : 1);
    ok(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
       "a writer waits for the one before, and not for ever; a reader does "
       "not");
    queue->ops->queue_leave(queue, key);
    cache.one_at_a_time = true;
    ok(slow->ops->queue_enter == NULL && holds(key, "x") &&
           put(key, meta.token, sx_str_of("y"), &meta) == SX_STORE_OK &&
           holds(key, "y"),
       "where nobody may read beside others, it works as well");
    cache.one_at_a_time = false;
}

int main(void)
{
    apr_initialize();
    cache = memcached_cache;
    cache.store = store_or_not;
    stage_use(&stage_cache);
    stage_begin(&at);
    at.realm.store = over(beside());
    test_bytes();
    test_lives();
    test_full();
    test_order();
    test_forgetting();
    test_outage();
    stage_end(&at);
    return done_testing();
}
