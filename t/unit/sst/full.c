/* SPDX-License-Identifier: Apache-2.0 */
/* A store without room: who is refused, who goes, and what still works. */
#include "util.h"

#include "sst_handle.h"

#define NOW START_MS

static unsigned char value[65536], out[65536];
static uint32_t put_ns = 7;
static shm_refusal refusal; /* of the last put */

static shm_status put(shm_store *store, uint64_t number, shm_kind kind,
                      size_t len, int64_t now, unsigned *evicted)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(kind, now, HOUR_MS);
    shm_put_report report;
    shm_status status;

    meta.ns = put_ns;
    value_fill(value, len, number);
    status = shm_store_put_if(store, key_of(number, key), 0, value, len, &meta,
                              &report, now);
    refusal = report.refusal;
    if (evicted != NULL) {
        *evicted = report.evicted;
    }
    return status;
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
    is_int(refusal, SST_REFUSED_ROOM, "for want of room");
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
    uint32_t page = sst_shard_header(store, 0)->sweep_page;
    unsigned evicted = 9;

    is_int(put(store, 500000, SST_USER, 250,
               NOW + HOUR_MS + SST_COMMIT_GRACE_MS + (int64_t)n * 100,
               &evicted),
           SST_OK, "when records have ended, a put finds room by itself");
    is_int(evicted, 0, "and no live one had to go");
    ok(sst_shard_header(store, 0)->sweep_page != page,
       "the next one looks on where it stopped");
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

/* Two stores of the same policy differ in nothing but a limit. */
static void test_anonymous_limit(const scratch *at)
{
    shm_store_config config = config_of(at, 2 * MIB);
    uint64_t free_n, limited_n;
    shm_store *store;
    shm_stats stats;

    store = store_with(&config, NOW);
    free_n = fill(store, 0, SST_ANONYMOUS, 250);
    shm_store_close(store);
    scratch_unlink(at, "");
    config.max_anonymous = 50;
    store = store_with(&config, NOW);
    limited_n = fill(store, 0, SST_ANONYMOUS, 250);
    ok(limited_n > free_n * 45 / 100 && limited_n < free_n * 60 / 100,
       "half a store holds %llu anonymous sessions, all of it %llu",
       (unsigned long long)limited_n, (unsigned long long)free_n);
    for (uint64_t i = 0; i < 500; i++) {
        (void)put(store, 10000 + i, SST_ANONYMOUS, 250, NOW + HOUR_MS / 2,
                  NULL);
    }
    is_int(shm_store_stats(store, &stats), SST_OK, "stats");
    ok(stats.evicted_anonymous >= 500 && !has(store, 1) && has(store, 10499),
       "at the limit the oldest make room for new ones");
    is_int(put(store, 20000, SST_ANONYMOUS, 60000, NOW + HOUR_MS / 2, NULL),
           SST_OK, "for large ones, too");
    (void)fill(store, 30000, SST_USER, 250);
    is_int(shm_store_stats(store, &stats), SST_OK, "stats");
    ok(stats.records_by_kind[SST_USER] > free_n * 40 / 100,
       "the other half takes %llu sessions with a user before one goes",
       (unsigned long long)stats.records_by_kind[SST_USER]);
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_unlink(at, "");
}

static void test_namespace_limit(const scratch *at)
{
    shm_store_config config = config_of(at, 2 * MIB);
    shm_store *store;
    uint64_t n;

    config.max_namespace = 25;
    store = store_with(&config, NOW);
    put_ns = 8;
    (void)put(store, 900000, SST_ANONYMOUS, 250, NOW, NULL);
    put_ns = 7;
    n = fill(store, 0, SST_USER, 250);
    is_int(refusal, SST_REFUSED_NAMESPACE,
           "a namespace that has its share is told so");
    ok(n > 1000 && n < 2000, "with %llu records in a quarter of 2 MiB",
       (unsigned long long)n);
    is_int(replace(store, 3, 240), SST_OK, "what is there can be replaced");
    is_int(replace(store, 4, 20000), SST_FULL, "but not by more than fits");
    is_int(put(store, 800000, SST_EPOCH, 16, NOW, NULL), SST_OK,
           "an epoch is under no limit");
    put_ns = 9;
    ok(fill(store, 100000, SST_ANONYMOUS, 250) > 1000,
       "another namespace has its own share");
    (void)put(store, 700000, SST_ANONYMOUS, 250, NOW + HOUR_MS, NULL);
    ok(has(store, 700000) && has(store, 900000),
       "and at its limit only its own sessions go");
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_unlink(at, "");
}

/* More namespaces than cells: the rest is one, and nothing is lost count of. */
static void test_many_namespaces(const scratch *at)
{
    shm_store_config config = config_of(at, 2 * MIB);
    shm_store *store = store_with(&config, NOW);
    unsigned char key[SST_KEY_LEN];

    for (uint64_t i = 0; i < 1500; i++) {
        put_ns = (uint32_t)i * 2654435761u;
        (void)put(store, i, SST_USER, 100, NOW, NULL);
    }
    check_clean(store, "1500 namespaces are counted");
    for (uint64_t i = 0; i < 1500; i++) {
        (void)!shm_store_remove(store, key_of(i, key), 0);
    }
    check_clean(store, "and counted down");
    put_ns = 7;
    shm_store_close(store);
    scratch_unlink(at, "");
}

/* A million visitors do not push out anybody who has logged in, and whoever is
 * in can go on, renew and log out. */
static void test_flood(const scratch *at)
{
    shm_store_config config = config_of(at, 4 * MIB);
    const uint64_t users = 2000, flood = is_long() ? 1000000 : 60000;
    shm_store *store = store_with(&config, NOW);
    uint64_t lost = 0, refused = 0, kept = 0;
    unsigned char key[SST_KEY_LEN];

    for (uint64_t i = 0; i < users; i++) {
        refused += put(store, i, SST_USER, 300, NOW, NULL) != SST_OK;
    }
    for (uint64_t i = 0; i < flood; i++) {
        refused += put(store, 100000 + i, SST_ANONYMOUS, 100 + i % 400,
                       NOW + (int64_t)(i / 10), NULL) != SST_OK;
    }
    ok(refused == 0, "each of %llu visitors found room (%llu did not)",
       (unsigned long long)flood, (unsigned long long)refused);
    for (uint64_t i = 0; i < users; i++) {
        lost += !has(store, i);
    }
    ok(lost == 0, "all %llu users are still in (%llu are not)",
       (unsigned long long)users, (unsigned long long)lost);
    for (uint64_t i = 0; i < users; i++) {
        shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS);

        kept += replace(store, i, 320) == SST_OK;
        /* Renewal: the new record is written before the old one goes. */
        kept += shm_store_put_if(store, key_of(50000 + i, key), 0, "again", 5,
                                 &meta, NULL, NOW + 10) == SST_OK;
        kept += shm_store_remove(store, key_of(i, key), 0) == SST_OK;
        kept += put(store, 70000 + i, SST_EPOCH, 16, NOW, NULL) == SST_OK;
    }
    is_int((long long)kept, (long long)users * 4,
           "each goes on, renews, logs out and is remembered");
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
    test_anonymous_limit(&at);
    test_namespace_limit(&at);
    test_many_namespaces(&at);
    test_flood(&at);
    scratch_remove(&at);
    return done_testing();
}
