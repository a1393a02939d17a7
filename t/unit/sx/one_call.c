/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store that brings a user's epoch with a session, and compares it with a
 * write, is asked once by a load and once by a commit; and what ends all of a
 * user is seen as by the two calls of any other store.  The slots are here in
 * front of a segment, in whose one thread two calls are one moment.
 */
#include "stage.h"

typedef struct counted {
    sx_store base;
    sx_store *real;
    int calls, puts; /* all; those with an epoch */
} counted;

static stage at;
static counted store;

static sx_answer get(sx_store *s, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    (void)s;
    store.calls++;
    return store.real->ops->get(store.real, key, bytes, meta, grace_ms, now_ms,
                                pool);
}

static sx_answer put_if(sx_store *s, const unsigned char *key, uint64_t token,
                        sx_str bytes, sx_record_meta *meta, int64_t now_ms)
{
    (void)s;
    store.calls++;
    return store.real->ops->put_if(store.real, key, token, bytes, meta, now_ms);
}

static sx_answer touch(sx_store *s, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    (void)s;
    store.calls++;
    return store.real->ops->touch(store.real, key, expires_ms, now_ms);
}

static sx_answer remove_record(sx_store *s, const unsigned char *key,
                               uint64_t token)
{
    (void)s;
    store.calls++;
    return store.real->ops->remove(store.real, key, token);
}

static void read_into(sx_store_read *read, const unsigned char *key,
                      int64_t grace_ms, int64_t now_ms, apr_pool_t *pool)
{
    read->answer = store.real->ops->get(store.real, key, &read->bytes,
                                        &read->meta, grace_ms, now_ms, pool);
}

static sx_answer get_with_epoch(sx_store *s, const unsigned char *key,
                                sx_store_read *record, sx_store_read *epoch,
                                int64_t grace_ms, int64_t now_ms,
                                apr_pool_t *pool)
{
    unsigned char of_user[SX_STORE_KEY_LEN];

    (void)s;
    store.calls++;
    read_into(record, key, grace_ms, now_ms, pool);
    epoch->answer = SX_STORE_MISS;
    if (record->answer == SX_STORE_OK && record->meta.kind == SX_USER) {
        sx_epoch_key(record->meta.user_tag, of_user);
        read_into(epoch, of_user, 0, now_ms, pool);
    }
    return record->answer;
}

static sx_answer put_if_epoch(sx_store *s, const unsigned char *key,
                              uint64_t token, uint64_t epoch, sx_str bytes,
                              sx_record_meta *meta, int64_t now_ms)
{
    unsigned char of_user[SX_STORE_KEY_LEN];
    sx_store_read present;
    apr_pool_t *pool;

    (void)s;
    store.calls++;
    store.puts++;
    apr_pool_create(&pool, at.pool);
    sx_epoch_key(meta->user_tag, of_user);
    read_into(&present, of_user, 0, now_ms, pool);
    apr_pool_destroy(pool);
    if ((present.answer == SX_STORE_OK ? present.meta.token : 0) != epoch)
        return SX_STORE_CHANGED;
    return store.real->ops->put_if(store.real, key, token, bytes, meta, now_ms);
}

static void begin_stage(void)
{
    static const sx_store_ops ops = {.name = "counted",
                                     .get = get,
                                     .put_if = put_if,
                                     .touch = touch,
                                     .remove = remove_record,
                                     .get_with_epoch = get_with_epoch,
                                     .put_if_epoch = put_if_epoch};

    stage_begin(&at);
    store = (counted){.base = {&ops}, .real = at.realm.store};
    at.realm.store = &store.base;
}

static int calls(void)
{
    int n = store.calls;

    store.calls = 0;
    return n;
}

static void test_one_each(const char *who)
{
    const char *cookie = begin(&at, who);
    sx_loaded *loaded;

    calls();
    loaded = load(&at, cookie);
    ok(loaded->status == SX_STATUS_ACTIVE && calls() == 1,
       "a load asks once: %s", who);
    ok(commit(&at, loaded, "Session-Set: a=2")->verdict == SX_COMMIT_OK &&
           calls() == 1,
       "and so does a commit");
    is_str(value_of(&at, cookie, "a"), "2", "which is done");
}

/* The other one ends all sessions between this one's load and its commit. */
static void test_ended_between(void)
{
    const char *mine = begin(&at, "Session-Set: user=bob&a=1"),
               *other = begin(&at, "Session-Set: user=bob");
    sx_loaded *loaded = load(&at, mine);
    sx_committed *done;

    store.puts = 0;
    request(&at, other, "Session-Logout: others");
    done = commit(&at, loaded, "Session-Set: a=2");
    ok(done->verdict == SX_COMMIT_DROPPED && !done->wrote && store.puts == 1,
       "who was ended between writes nothing, by the compare of the write");
    ok(load(&at, mine)->status == SX_STATUS_INVALID, "and has ended");
    calls();
    ok(load(&at, other)->status == SX_STATUS_ACTIVE && calls() == 1,
       "who was spared goes on, and still asks once");
    is_int(commit(&at, load(&at, other), "Session-Set: a=3")->verdict,
           SX_COMMIT_OK, "and writes");
}

/* Who was ended between may not end others, by what it has seen at load. */
static void test_ended_ends_nobody(void)
{
    const char *mine = begin(&at, "Session-Set: user=dora"),
               *other = begin(&at, "Session-Set: user=dora");
    sx_loaded *loaded = load(&at, mine);

    request(&at, other, "Session-Logout: others");
    commit(&at, loaded, "Session-Logout: all");
    ok(load(&at, other)->status == SX_STATUS_ACTIVE,
       "who was ended between ends nobody");
}

/* Another writer was first, and then the epoch was turned. */
static void test_conflict(void)
{
    const char *cookie = begin(&at, "Session-Set: user=cleo&n=1");
    sx_loaded *loaded = load(&at, cookie);

    request(&at, cookie, "Session-Incr: n=1");
    calls();
    is_int(commit(&at, loaded, "Session-Incr: n=1")->verdict, SX_COMMIT_OK,
           "who finds another write tries again");
    is_int(calls(), 3, "with one call to read, and one to write");
    is_str(value_of(&at, cookie, "n"), "3", "and both are done");
}

int main(void)
{
    apr_initialize();
    begin_stage();
    test_one_each("Session-Set: a=1");
    test_one_each("Session-Set: user=alice&a=1");
    test_ended_between();
    test_ended_ends_nobody();
    test_conflict();
    stage_end(&at);
    return done_testing();
}
