/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a full store lets go first: visitors who looked in once. */
#include "util.h"

#define NOW        START_MS
#define RESERVE_MS 300000
#define FIRST      900000

static unsigned char value[256], out[256];

static shm_status put(shm_store *store, uint64_t number, int64_t life_ms,
                      int64_t now, unsigned *evicted)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_ANONYMOUS, now, life_ms);
    shm_put_report report;
    shm_status status;

    meta.hard_end_ms = now + HOUR_MS;
    status = shm_store_put_if(store, key_of(number, key), 0, value, 250, &meta,
                              &report, now);
    *evicted = report.evicted;
    return status;
}

static unsigned left(shm_store *store, uint64_t from, int64_t now)
{
    unsigned char key[SST_KEY_LEN];
    unsigned found = 0;
    shm_meta meta;

    for (uint64_t i = 0; i < 50; i++)
        found += shm_store_get(store, key_of(from + i, key), out, sizeof(out),
                               &meta, 0, now) == SST_OK;
    return found;
}

int main(void)
{
    scratch at;
    shm_store_config config;
    shm_store *store;
    unsigned char key[SST_KEY_LEN];
    unsigned evicted = 0;
    uint64_t n = 0;
    int64_t now = NOW;

    scratch_make(&at);
    config = config_of(&at, MIB);
    store = store_with(&config, NOW);
    while (put(store, n, HOUR_MS, now, &evicted) == SST_OK && evicted == 0 &&
           n < 100000)
        n++;
    shm_store_close(store);
    scratch_unlink(&at, "");
    ok(n > 500, "it takes %llu records", (unsigned long long)n);

    /* Long ones first, so that by their last use they would have to go. */
    store = store_with(&config, NOW);
    for (uint64_t i = 0; i < n - 120; i++)
        (void)put(store, i, HOUR_MS, now, &evicted);
    now += 10000;
    for (uint64_t i = 0; i < 100; i++)
        (void)put(store, FIRST + i, RESERVE_MS, now, &evicted);
    now += 1000;
    for (uint64_t i = 50; i < 100; i++)
        (void)!shm_store_touch(store, key_of(FIRST + i, key), now + HOUR_MS,
                               now);
    is_int(left(store, 0, now) + left(store, FIRST, now), 100,
           "all are there while there is room");
    evicted = 0;
    for (uint64_t i = 0, gone = 0; gone < 20 && i < 200; i++, gone += evicted)
        (void)put(store, FIRST + 1000 + i, HOUR_MS, now, &evicted);
    /* Whom it meets in a sample of the store, a few others may go, too. */
    n = left(store, FIRST, now);
    ok(n <= 40, "one of five minutes goes first (%llu left)",
       (unsigned long long)n);
    is_int(left(store, FIRST + 50, now), 50, "but not if it was used again");
    n = left(store, 0, now);
    ok(n >= 45, "before those that are older (%llu left)",
       (unsigned long long)n);
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
