/* SPDX-License-Identifier: Apache-2.0 */
/* Ends: exact, never late, and freed by sweeps that open due pages only. */
#include "util.h"

#define NOW START_MS

static unsigned char out[4096];

static shm_status get_at(shm_store *store, uint64_t number, int64_t grace,
                         int64_t now)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    return shm_store_get(store, key_of(number, key), out, sizeof(out), &meta,
                         grace, now);
}

static uint64_t put_life(shm_store *store, uint64_t number, int64_t life,
                         int64_t now)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, now, life);

    return shm_store_put_if(store, key_of(number, key), 0, "value", 5, &meta,
                            NULL, now) == SST_OK
               ? meta.token
               : 0;
}

static void test_exact(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS);
    uint64_t token = put_life(store, 1, 1000, NOW);

    is_int(get_at(store, 1, 0, NOW + 999), SST_OK,
           "a record lives up to the millisecond before its end");
    is_int(get_at(store, 1, 0, NOW + 1000), SST_MISS, "and not at its end");
    is_int(get_at(store, 1, 500, NOW + 1499), SST_OK,
           "a grace lets it be read a little longer");
    is_int(get_at(store, 1, 500, NOW + 1500), SST_MISS, "and no longer");
    is_int(shm_store_touch(store, key_of(1, key), NOW + 9000, NOW + 1000),
           SST_MISS, "a touch does not make an ended record live");
    is_int(
        shm_store_put_if(store, key, token, "late", 4, &meta, NULL, NOW + 2000),
        SST_OK, "a put with its token still replaces it");
    (void)put_life(store, 2, 1049, NOW);
    is_int(get_at(store, 2, 0, NOW + 1048), SST_MISS,
           "an end between two ticks comes early");
    is_int(get_at(store, 2, 0, NOW + 949), SST_OK, "by less than a tick");
    ok(put_life(store, 2, 1000, NOW + 5000) != 0,
       "a key whose record has ended can be created again");
}

static void test_sweep(shm_store *store)
{
    int64_t due = NOW + 10000 + SST_COMMIT_GRACE_MS;
    shm_sweep_report report;
    shm_stats stats;

    for (uint64_t i = 0; i < 500; i++) {
        (void)put_life(store, 1000 + i, i % 2 ? 10000 : HOUR_MS, NOW);
    }
    is_int(shm_store_sweep(store, 1000000, due - 1, &report), SST_OK,
           "a sweep before the grace is over");
    ok(report.finished &&
           get_at(store, 1001, SST_COMMIT_GRACE_MS, due - 1) == SST_OK,
       "leaves the ended ones for those who are late");
    is_int(shm_store_sweep(store, 1000000, due, &report), SST_OK,
           "a sweep after it");
    is_int(report.freed, 250, "frees what is over, and only that");
    is_int(get_at(store, 1001, 10 * HOUR_MS, due), SST_MISS, "it is gone");
    is_int(get_at(store, 1000, 0, due), SST_OK, "the others are there");
    is_int(shm_store_sweep(store, 1000000, due, &report), SST_OK, "once more");
    is_int(report.pages, 0, "there is no page left to open");
    is_int(shm_store_stats(store, &stats), SST_OK, "stats");
    ok(stats.expired >= 250, "what went was counted as expired");
    check_clean(store, "the store is sound");
}

static void test_bound(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    int64_t late = NOW + 20 * HOUR_MS;
    shm_sweep_report report;

    (void)put_life(store, 5000, 100000, late);
    is_int(shm_store_touch(store, key_of(5000, key), late + 1000, late), SST_OK,
           "a touch may bring an end nearer");
    check_clean(store, "and then the page's bound is still true");
    (void)!shm_store_sweep(store, 1000000, late + 1000 + SST_COMMIT_GRACE_MS,
                           &report);
    is_int(get_at(store, 5000, HOUR_MS, late), SST_MISS,
           "so that the sweep finds it");
    (void)put_life(store, 5001, 1000, late);
    is_int(shm_store_touch(store, key_of(5001, key), late + HOUR_MS, late),
           SST_OK, "a touch moves an end away");
    (void)!shm_store_sweep(store, 1000000, late + 1000 + SST_COMMIT_GRACE_MS,
                           &report);
    is_int(get_at(store, 5001, 0, late + 100000), SST_OK,
           "and the sweep that opens its page in vain leaves it");
}

static void test_budget(shm_store *store)
{
    int64_t late = NOW + 40 * HOUR_MS;
    shm_sweep_report report;
    uint64_t freed = 0;
    int calls = 0;

    for (uint64_t i = 0; i < 3000; i++) {
        (void)put_life(store, 10000 + i, 1000, late);
    }
    late += 1000 + SST_COMMIT_GRACE_MS;
    do {
        (void)!shm_store_sweep(store, 0, late, &report);
        freed += report.freed;
        calls++;
    } while (freed < 3000 && calls < 1000);
    ok(freed >= 3000 && calls > 1,
       "a sweep of a page at a time gets there, too (%d calls)", calls);
    (void)!shm_store_sweep(store, 1000000, late, &report);
    (void)!shm_store_sweep(store, 1000000, late + 24 * HOUR_MS, &report);
    check_clean(store, "the store is sound at the end");
}

int main(void)
{
    scratch at;
    shm_store *store;

    scratch_make(&at);
    store = store_new(&at, 4 * MIB);
    test_exact(store);
    test_sweep(store);
    test_bound(store);
    test_budget(store);
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
