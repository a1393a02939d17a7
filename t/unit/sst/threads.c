/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of one process on one store: increments are not lost, and a race
 * detector has something to look at. */
#include "util.h"

#include <pthread.h>

#define THREADS    4
#define INCREMENTS 2000
#define OTHERS     300

typedef struct worker {
    shm_store *store;
    unsigned no;
    unsigned wrong;
} worker;

static bool increment(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    uint64_t count = 0;
    shm_meta meta;
    shm_status status;

    do {
        status = shm_store_get(store, key_of(0, key), &count, sizeof(count),
                               &meta, 0, START_MS);
        if (status != SST_OK) {
            return false;
        }
        count++;
        status = shm_store_put_if(store, key, meta.token, &count, sizeof(count),
                                  &meta, NULL, START_MS);
    } while (status == SST_CHANGED);
    return status == SST_OK;
}

static void churn(worker *on, uint64_t *seed)
{
    uint64_t number = 1000 + next_random(seed) % OTHERS;
    unsigned char key[SST_KEY_LEN], value[600], out[600];
    size_t len = 50 + next_random(seed) % 500;
    shm_meta meta = meta_of(SST_USER, START_MS, HOUR_MS);
    shm_status status;

    value_fill(value, len, number);
    (void)!shm_store_put_if(on->store, key_of(number, key), 0, value, len,
                            &meta, NULL, START_MS);
    status =
        shm_store_get(on->store, key, out, sizeof(out), &meta, 0, START_MS);
    on->wrong +=
        (unsigned)(status == SST_OK && !value_is(out, meta.value_len, number));
    if (next_random(seed) % 3 == 0) {
        (void)!shm_store_remove(on->store, key, 0);
    }
}

static void *work(void *baton)
{
    worker *on = baton;
    uint64_t seed = on->no * 7919 + 17;
    shm_sweep_report report;
    shm_stats stats;

    for (unsigned i = 0; i < INCREMENTS; i++) {
        on->wrong += (unsigned)!increment(on->store);
        churn(on, &seed);
        if (i % 100 == 0) {
            (void)!shm_store_stats(on->store, &stats);
            (void)!shm_store_sweep(on->store, 100, START_MS, &report);
        }
    }
    return NULL;
}

int main(void)
{
    uint64_t count = 0;
    unsigned char key[SST_KEY_LEN];
    worker workers[THREADS];
    pthread_t threads[THREADS];
    shm_cleanup *cleanup;
    shm_store *store;
    unsigned wrong = 0;
    shm_meta meta = meta_of(SST_USER, START_MS, HOUR_MS);
    scratch at;

    scratch_make(&at);
    store = store_new(&at, 16 * MIB);
    is_int(shm_store_put_if(store, key_of(0, key), 0, &count, sizeof(count),
                            &meta, NULL, START_MS),
           SST_OK, "a counter");
    cleanup = shm_store_cleanup_start(store, NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (worker){.store = store, .no = i};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong += workers[i].wrong;
    }
    shm_store_cleanup_stop(cleanup);
    is_int(wrong, 0, "no thread saw anything wrong");
    is_int(shm_store_get(store, key, &count, sizeof(count), &meta, 0, START_MS),
           SST_OK, "the counter is there");
    is_int(count, THREADS * INCREMENTS, "and counted every increment");
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
