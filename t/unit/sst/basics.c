/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of one record, one call at a time. */
#include "util.h"

#define NOW START_MS

static unsigned char big[SST_MAX_RECORD_MAX], out[SST_MAX_RECORD_MAX];

static void test_create_and_get(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS), got;
    char buf[16];

    meta.user_tag = 11;
    meta.handle = 22;
    is_int(shm_store_get(store, key_of(1, key), buf, sizeof(buf), &got, 0, NOW),
           SST_MISS, "a key that was never put is a miss");
    is_int(shm_store_put_if(store, key, 99, "x", 1, &meta, NULL, NOW), SST_GONE,
           "a put with a token creates nothing");
    is_int(shm_store_put_if(store, key, 0, "hello", 5, &meta, NULL, NOW),
           SST_OK, "a put with token 0 creates");
    ok(meta.token != 0, "and gives a token");
    is_int(shm_store_get(store, key, buf, sizeof(buf), &got, 0, NOW), SST_OK,
           "the record is found");
    ok(got.value_len == 5 && memcmp(buf, "hello", 5) == 0,
       "with the value that was put");
    ok(got.kind == SST_USER && got.ns == 7 && got.user_tag == 11 &&
           got.handle == 22 && got.token == meta.token &&
           got.created_ms == meta.created_ms &&
           got.expires_ms == meta.expires_ms &&
           got.hard_end_ms == meta.hard_end_ms &&
           got.last_access_ms == meta.last_access_ms,
       "and all that was put beside it");
    is_int(shm_store_get(store, key, buf, 4, &got, 0, NOW), SST_TOOBIG,
           "a buffer that is too small is told");
    is_int(got.value_len, 5, "together with the length that is needed");
}

static void test_compare_and_put(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS), got;
    uint64_t first;
    char buf[16];

    is_int(shm_store_put_if(store, key_of(2, key), 0, "a", 1, &meta, NULL, NOW),
           SST_OK, "a second record is created");
    first = meta.token;
    is_int(shm_store_put_if(store, key, 0, "b", 1, &meta, NULL, NOW),
           SST_CHANGED, "a live record cannot be created again");
    is_int(shm_store_put_if(store, key, first + 1, "b", 1, &meta, NULL, NOW),
           SST_CHANGED, "nor replaced with another token");
    is_int(shm_store_put_if(store, key, first, "bb", 2, &meta, NULL, NOW),
           SST_OK, "it is replaced with its own");
    ok(meta.token > first, "and gets a larger one");
    is_int(shm_store_put_if(store, key, first, "c", 1, &meta, NULL, NOW),
           SST_CHANGED, "the old token has had its day");
    is_int(shm_store_get(store, key, buf, sizeof(buf), &got, 0, NOW), SST_OK,
           "the record is there");
    ok(got.value_len == 2 && memcmp(buf, "bb", 2) == 0,
       "with the value of the one put that succeeded");
    is_int(shm_store_remove(store, key, first), SST_CHANGED,
           "remove with an old token does nothing");
    is_int(shm_store_remove(store, key, meta.token), SST_OK,
           "remove with the token removes");
    is_int(shm_store_remove(store, key, 0), SST_MISS, "and once only");
    first = meta.token;
    is_int(shm_store_put_if(store, key, first, "d", 1, &meta, NULL, NOW),
           SST_GONE, "a removed record is not revived");
    is_int(shm_store_put_if(store, key, 0, "d", 1, &meta, NULL, NOW), SST_OK,
           "its key can be used anew");
    ok(meta.token > first, "with a token larger than every earlier one");
}

static void test_touch(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS), got;
    char buf[16];

    is_int(shm_store_put_if(store, key_of(3, key), 0, "t", 1, &meta, NULL, NOW),
           SST_OK, "a record to touch");
    is_int(shm_store_touch(store, key, NOW + 2 * HOUR_MS, NOW + 5000), SST_OK,
           "is touched");
    is_int(shm_store_get(store, key, buf, sizeof(buf), &got, 0, NOW), SST_OK,
           "and still there");
    ok(got.expires_ms == NOW + 2 * HOUR_MS && got.last_access_ms == NOW + 5000,
       "with the new end and the time of the access");
    is_int(got.token, meta.token, "a touch is no change: the token stays");
    is_int(shm_store_touch(store, key, NOW + HOUR_MS, NOW + 4800), SST_OK,
           "a touch that comes late is no error");
    is_int(shm_store_get(store, key, buf, sizeof(buf), &got, 0, NOW), SST_OK,
           "and what it found");
    is_int(got.expires_ms, NOW + 2 * HOUR_MS,
           "keeps the later end of the access that came before it");
    is_int(shm_store_touch(store, key, NOW + 1000, NOW - 5000), SST_OK,
           "a touch from before the creation is none, either");
    is_int(shm_store_get(store, key, buf, sizeof(buf), &got, 0, NOW), SST_OK,
           "the record is there");
    is_int(got.expires_ms, NOW + 2 * HOUR_MS, "and keeps its end");
    is_int(shm_store_touch(store, key, NOW + 99 * HOUR_MS, NOW + 100), SST_OK,
           "a touch may ask for more than there is");
    is_int(shm_store_get(store, key, buf, sizeof(buf), &got, 0, NOW), SST_OK,
           "the record is found");
    is_int(got.expires_ms, meta.hard_end_ms, "but the absolute end holds");
    is_int(got.last_access_ms, NOW + 5000,
           "and an access noted late does not turn the time back");
    is_int(shm_store_touch(store, key, NOW + HOUR_MS, NOW + 6000), SST_OK,
           "a later access");
    is_int(shm_store_get(store, key, buf, sizeof(buf), &got, 0, NOW), SST_OK,
           "of a shorter idle time");
    is_int(got.expires_ms, NOW + HOUR_MS, "may bring the end nearer");
    is_int(shm_store_touch(store, key_of(4, key), NOW + 1, NOW), SST_MISS,
           "what is not there cannot be touched");
}

static void test_sizes(shm_store *store)
{
    static const size_t sizes[] = {0,    1,    7,     8,     3991,   3992,
                                   3993, 4080, 8063,  8064,  8065,   12137,
                                   8300, 9000, 20000, 65536, 100000, 1 << 20};
    bool same = true, stored = true, replaced = true;
    unsigned char key[SST_KEY_LEN];
    shm_meta got;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        uint64_t token = 0;

        stored &= put_number(store, 100 + i, &token, sizes[i], NOW) == SST_OK;
        same &= shm_store_get(store, key_of(100 + i, key), out, sizeof(out),
                              &got, 0, NOW) == SST_OK &&
                got.value_len == sizes[i] && value_is(out, sizes[i], 100 + i);
        replaced &= put_number(store, 100 + i, &token,
                               sizes[sizeof(sizes) / sizeof(*sizes) - 1 - i],
                               NOW) == SST_OK;
        if (i % 2 == 0) {
            stored &= shm_store_remove(store, key, 0) == SST_OK;
        }
    }
    ok(stored, "values of every length are stored and removed");
    ok(same, "and come back as they were");
    ok(replaced, "and are replaced by values of another length");
    check_clean(store, "the store is sound after all that");
}

static void test_bad_arguments(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS);

    is_int(shm_store_put_if(store, key_of(5, key), 0, big, (1 << 20) + 1, &meta,
                            NULL, NOW),
           SST_TOOBIG, "a value longer than max_record is refused");
    meta.kind = SST_KIND_COUNT;
    is_int(shm_store_put_if(store, key, 0, "x", 1, &meta, NULL, NOW),
           SST_BADARG, "a kind that does not exist is refused");
    meta = meta_of(SST_USER, NOW, HOUR_MS);
    meta.expires_ms = meta.hard_end_ms + 1;
    is_int(shm_store_put_if(store, key, 0, "x", 1, &meta, NULL, NOW),
           SST_BADARG, "an end beyond the absolute end is refused");
    meta = meta_of(SST_USER, NOW, HOUR_MS);
    meta.hard_end_ms = NOW + SST_LIFETIME_MAX_MS + 1;
    is_int(shm_store_put_if(store, key, 0, "x", 1, &meta, NULL, NOW),
           SST_BADARG, "a life beyond ten years is refused");
    meta.hard_end_ms = NOW + SST_LIFETIME_MAX_MS;
    meta.expires_ms = meta.hard_end_ms;
    is_int(shm_store_put_if(store, key, 0, "x", 1, &meta, NULL, NOW), SST_OK,
           "ten years are accepted");
    is_int(shm_store_get(store, key, out, 1, &meta, 0,
                         NOW + SST_LIFETIME_MAX_MS - SST_TICK_MS),
           SST_OK, "and kept");
}

typedef struct visits {
    shm_store *store;
    unsigned seen[2000];
    uint64_t tokens[2000];
    bool meddle;
    unsigned stop_after;
} visits;

/* Replaces each record while it is shown, so that all of them move, and makes
 * and removes others, so that overflow buckets come and go. */
static bool visit(void *baton, const unsigned char *key, const shm_meta *meta)
{
    visits *on = baton;
    uint64_t number;

    (void)meta;
    memcpy(&number, key, sizeof(number));
    number -= 10000;
    if (number < 2000) {
        on->seen[number]++;
        if (on->meddle) {
            uint64_t other = (number * 7 + 1) % 2000, none = 0;
            unsigned char fresh[SST_KEY_LEN];

            (void)put_number(on->store, 10000 + other, &on->tokens[other],
                             300 + number % 500, NOW);
            (void)put_number(on->store, 20000 + number, &none, 100, NOW);
            if (shm_store_remove(on->store, key_of(20000 + other, fresh), 0) ==
                SST_BUSY) {
                return false;
            }
        }
    }
    return on->stop_after == 0 || --on->stop_after > 0;
}

static void test_each(shm_store *store)
{
    static visits on;
    bool stored = true, once = true;
    unsigned shown = 0;

    on.store = store;
    for (uint64_t i = 0; i < 2000; i++) {
        stored &=
            put_number(store, 10000 + i, &on.tokens[i], 200, NOW) == SST_OK;
    }
    ok(stored, "two thousand records are put");
    on.meddle = true;
    is_int(shm_store_each(store, visit, &on, NOW), SST_OK, "each visits");
    for (unsigned i = 0; i < 2000; i++) {
        once &= on.seen[i] == 1;
    }
    ok(once, "each record that stays is seen once, though all of them move");
    memset(on.seen, 0, sizeof(on.seen));
    on.meddle = false;
    on.stop_after = 70;
    is_int(shm_store_each(store, visit, &on, NOW), SST_OK,
           "a visitor may stop it");
    for (unsigned i = 0; i < 2000; i++) {
        shown += on.seen[i];
    }
    ok(shown <= 70, "and is not called again");
    on.stop_after = 0;
    memset(on.seen, 0, sizeof(on.seen));
    is_int(shm_store_each(store, visit, &on, NOW + 2 * HOUR_MS), SST_OK,
           "each runs when all have ended");
    is_int(on.seen[0] + on.seen[999] + on.seen[1999], 0,
           "and does not show what has ended");
    check_clean(store, "the store is sound after the meddling");
}

static void test_stats(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    shm_stats before, after;
    shm_meta got;
    uint64_t token = 0;

    is_int(shm_store_stats(store, &before), SST_OK, "stats are told");
    (void)put_number(store, 50000, &token, 100, NOW);
    (void)put_number(store, 50000, &token, 120, NOW);
    (void)put_number(store, 50001, &(uint64_t){5}, 1, NOW);
    (void)!shm_store_get(store, key_of(50000, key), out, 200, &got, 0, NOW);
    (void)!shm_store_touch(store, key, NOW + 10, NOW);
    (void)!shm_store_remove(store, key, 1);
    is_int(shm_store_stats(store, &after), SST_OK, "and again");
    is_int(after.creates - before.creates, 1, "one creation was counted");
    is_int(after.replaces - before.replaces, 1, "one replacement");
    is_int(after.gones - before.gones, 1, "one that was gone");
    is_int(after.hits - before.hits, 1, "one hit");
    is_int(after.touches - before.touches, 1, "one touch");
    is_int(after.conflicts - before.conflicts, 1, "one conflict");
    is_int(after.records - before.records, 1, "one record more");
    is_int(after.bytes_values - before.bytes_values, 120, "of 120 bytes");
    ok(after.bytes_chunks > after.bytes_values && after.pages > 0 &&
           after.pages_free < after.pages && after.shards > 0,
       "and the figures of the segment make sense");
}

static void test_commit_locks(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    int64_t began;

    is_int(shm_store_commit_lock(store, key_of(1, key), 10), SST_OK,
           "a commit lock is had");
    began = shm_store_clock_ms();
    is_int(shm_store_commit_lock(store, key, 30), SST_BUSY,
           "once: the next one waits and is told");
    ok(shm_store_clock_ms() - began >= 29, "after the time it would wait");
    is_int(shm_store_put_if(store, key, 1, "x", 1,
                            &(shm_meta){.kind = SST_USER,
                                        .created_ms = NOW,
                                        .hard_end_ms = NOW},
                            NULL, NOW),
           SST_CHANGED, "it keeps nobody from the store itself");
    shm_store_commit_unlock(store, key);
    is_int(shm_store_commit_lock(store, key, 0), SST_OK,
           "and can be had again when it was given back");
    if (fork() == 0) {
        /* The robust list is the parent thread's: die holding another one. */
        if (shm_store_commit_lock(store, key_of(77, key), 0) == SST_OK) {
            kill(getpid(), SIGKILL);
        }
        _exit(1);
    }
    wait(NULL);
    is_int(shm_store_commit_lock(store, key_of(77, key), 50), SST_OK,
           "one whose holder was killed can be had");
    shm_store_commit_unlock(store, key);
    shm_store_commit_unlock(store, key_of(1, key));
}

/* All stand still for longer than the waiter would wait; then the holder has
 * its turn, too. */
static void test_standstill(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    int status = 0;
    pid_t pid;

    is_int(shm_store_commit_lock(store, key_of(1, key), 0), SST_OK,
           "a lock is held");
    pid = fork();
    if (pid == 0) {
        _exit(shm_store_commit_lock(store, key, 200) == SST_OK ? 0 : 1);
    }
    usleep(20000);
    kill(pid, SIGSTOP);
    usleep(400000);
    kill(pid, SIGCONT);
    usleep(10000);
    shm_store_commit_unlock(store, key);
    waitpid(pid, &status, 0);
    is_int(status, 0, "a machine that stood still is no deadline that passed");
    is_int(shm_store_commit_lock(store, key, 0), SST_OK,
           "(the waiter ended with it)");
    shm_store_commit_unlock(store, key);
}

int main(void)
{
    scratch at;
    shm_store *store;

    scratch_make(&at);
    store = store_new(&at, 8 * MIB);
    test_create_and_get(store);
    test_compare_and_put(store);
    test_touch(store);
    test_sizes(store);
    test_bad_arguments(store);
    test_each(store);
    test_stats(store);
    test_commit_locks(store);
    test_standstill(store);
    check_clean(store, "the store is sound at the end");
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
