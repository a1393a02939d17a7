/* SPDX-License-Identifier: Apache-2.0 */
/* A store without room: who is refused, who goes, and what still works. */
#include "util.h"

#define NOW START_MS

static unsigned char value[65536], out[65536];

static shm_status put(shm_store *store, uint64_t number, shm_kind kind,
                      size_t len, int64_t now, unsigned *evicted)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(kind, now, HOUR_MS);

    value_fill(value, len, number);
    return shm_store_put_if(store, key_of(number, key), 0, value, len, &meta,
                            evicted, now);
}

/* How many it took until one was refused or displaced another. */
static uint64_t fill(shm_store *store, uint64_t from, shm_kind kind, size_t len)
{
    unsigned evicted = 0;
    uint64_t n = 0;

    while (put(store, from + n, kind, len, NOW + (int64_t)n * 100, &evicted) ==
               SST_OK &&
           evicted == 0 && n < 1000000) {
        n++;
    }
    return n;
}

static bool has(shm_store *store, uint64_t number)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    return shm_store_get(store, key_of(number, key), out, sizeof(out), &meta,
                         HOUR_MS, NOW) == SST_OK;
}

static shm_status replace(shm_store *store, uint64_t number, size_t len)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;
    shm_status status = shm_store_get(store, key_of(number, key), out,
                                      sizeof(out), &meta, 0, NOW);

    value_fill(value, len, number);
    return status != SST_OK ? status
                            : shm_store_put_if(store, key, meta.token, value,
                                               len, &meta, NULL, NOW);
}

static void test_refuse(const scratch *at)
{
    shm_store_config config = config_of(at, 2 * MIB);
    shm_store *store = store_with(&config, NOW);
    unsigned char key[SST_KEY_LEN];
    shm_sweep_report report;
    bool all = true;
    uint64_t n = fill(store, 0, SST_USER, 250);

    ok(n > 4500, "a segment of 2 MiB takes %llu records of 250 bytes",
       (unsigned long long)n);
    is_int(put(store, 900000, SST_USER, 250, NOW, NULL), SST_FULL,
           "then a creation is refused");
    ok(!has(store, 900000), "and leaves nothing behind");
    for (uint64_t i = 0; i < n; i++) {
        all &= replace(store, i, 240 + i % 20) == SST_OK;
    }
    ok(all, "every record in it can still be replaced");
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < n; i += 3) {
            all &= replace(store, i, 240 + i % 20) == SST_OK;
            (void)put(store, 910000 + i, SST_USER, 250, NOW, NULL);
        }
    }
    ok(all, "also while creations go on to ask");
    all = true;
    for (uint64_t i = 0; i < 20; i++) {
        all &= replace(store, i, 500) == SST_OK;
    }
    ok(all, "and some may grow, out of the reserve");
    ok(shm_store_touch(store, key_of(7, key), NOW + HOUR_MS, NOW) == SST_OK,
       "a full store notes accesses");
    all = true;
    for (uint64_t i = 0; i < n; i++) {
        all &= shm_store_remove(store, key_of(i, key), 0) == SST_OK;
    }
    ok(all, "and removes");
    check_clean(store, "the store is sound");
    (void)!shm_store_sweep(store, 1000000, NOW + 90 * HOUR_MS, &report);
    n = fill(store, 0, SST_USER, 2000);
    ok(n > 700, "emptied, it takes %llu records of another size",
       (unsigned long long)n);
    shm_store_close(store);
    scratch_unlink(at, "");
}

static void test_expired_first(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    shm_store *store = store_with(&config, NOW);
    uint64_t n = fill(store, 0, SST_USER, 250);
    unsigned evicted = 9;

    is_int(put(store, 500000, SST_USER, 250,
               NOW + HOUR_MS + SST_COMMIT_GRACE_MS + (int64_t)n * 100,
               &evicted),
           SST_OK, "when records have ended, a put finds room by itself");
    is_int(evicted, 0, "and no live one had to go");
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_unlink(at, "");
}

static void test_order(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    shm_store *store;
    unsigned evicted = 0, gone = 0;
    shm_stats stats;
    uint64_t n, m;

    config.on_full = SST_EVICT;
    store = store_with(&config, NOW);
    for (uint64_t i = 0; i < 50; i++) {
        (void)put(store, 700000 + i, SST_EPOCH, 250, NOW, NULL);
        (void)put(store, 710000 + i, SST_USER, 250, NOW, NULL);
    }
    n = fill(store, 0, SST_ANONYMOUS, 250);
    for (m = 0; m < 100; m++) {
        gone += (unsigned)!has(store, m);
    }
    is_int(gone, 1, "an anonymous session displaces one of the oldest");
    gone = 0;
    for (uint64_t i = 0; i < 400; i++) {
        if (put(store, 600000 + i, SST_ANONYMOUS, 250, NOW + HOUR_MS / 2,
                &evicted) == SST_OK) {
            gone += evicted;
        }
    }
    ok(gone >= 390, "and says so (%u times)", gone);
    for (m = 0, gone = 0; m < 300; m++) {
        gone += has(store, m);
    }
    ok(gone <= 20, "the oldest went first (%u of the 300 oldest left)", gone);
    for (m = 0, gone = 0; m < 50; m++) {
        gone += (unsigned)!has(store, 700000 + m);
        gone += (unsigned)!has(store, 710000 + m);
    }
    is_int(gone, 0, "no user and no epoch had to go for them");
    is_int(put(store, 800000, SST_ANONYMOUS, 2000, NOW, &evicted), SST_OK,
           "a larger one finds room, too, by emptying a page");
    (void)fill(store, 1000000, SST_USER, 250);
    for (uint64_t i = 0; i < n; i++) {
        (void)put(store, 2000000 + i, SST_USER, 250, NOW, NULL);
    }
    is_int(shm_store_stats(store, &stats), SST_OK, "stats");
    is_int(stats.records_by_kind[SST_ANONYMOUS], 0,
           "users displace all anonymous sessions before");
    ok(stats.records_by_kind[SST_USER] > 1000,
       "they displace each other (%llu of them)",
       (unsigned long long)stats.records_by_kind[SST_USER]);
    is_int(stats.records_by_kind[SST_EPOCH], 50, "no epoch is ever evicted");
    is_int(put(store, 830000, SST_ANONYMOUS, 250, NOW, &evicted), SST_FULL,
           "a full house of users is closed to anonymous sessions");
    is_int(evicted, 0, "and none had to go for the refusal");
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_unlink(at, "");
}

/* Sizes shift from one class to all others: no memory may be stranded. */
static void test_shift(const scratch *at)
{
    shm_store_config config = config_of(at, 2 * MIB);
    shm_store *store;
    unsigned refused = 0;

    config.on_full = SST_EVICT;
    store = store_with(&config, NOW);
    (void)fill(store, 0, SST_ANONYMOUS, 200);
    for (uint64_t i = 0; i < 2000; i++) {
        refused += put(store, 400000 + i, SST_ANONYMOUS, 300 + i * 3, NOW,
                       NULL) != SST_OK;
    }
    ok(refused == 0, "a shift in sizes is followed (%u of 2000 refused)",
       refused);
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_unlink(at, "");
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    test_refuse(&at);
    test_expired_first(&at);
    test_order(&at);
    test_shift(&at);
    scratch_remove(&at);
    return done_testing();
}
