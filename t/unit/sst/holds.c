/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much is done in one hold of a lock, counted in stores and not in time: a
 * sweep, a search for victims, a page that is emptied, and above all a large
 * value that hundreds of others have to go for.
 */
#include "util.h"

#include <dlfcn.h>
#include <pthread.h>

#include "sst_fault.h"

#define NOW        START_MS
#define SMALL      104
#define LARGE      65536
#define STORES_MAX 5500 /* well below a millisecond */
#define NESTED_MAX 8

static pthread_mutex_t *held[NESTED_MAX];
static unsigned nheld, holds;
static long held_since, longest;

/* ---- the C library's, with a look --------------------------------------- */

typedef int lock_call(pthread_mutex_t *mutex);

static lock_call *next_of(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    lock_call *call;

    memcpy(&call, &found, sizeof(call));
    return call;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    static lock_call *next;
    int rc;

    next = next != NULL ? next : next_of("pthread_mutex_trylock");
    rc = next(mutex);
    if (rc == 0 && nheld < NESTED_MAX) {
        held_since = nheld == 0 ? sst_test.count : held_since;
        held[nheld++] = mutex;
    }
    return rc;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    static lock_call *next;

    if (nheld > 0 && held[nheld - 1] == mutex && --nheld == 0) {
        long stores = sst_test.count - held_since;

        longest = stores > longest ? stores : longest;
        holds++;
    }
    next = next != NULL ? next : next_of("pthread_mutex_unlock");
    return next(mutex);
}

/* ---- what is done ------------------------------------------------------- */

static shm_status put(shm_store *store, uint64_t number, size_t len,
                      shm_kind kind, unsigned *evicted)
{
    static unsigned char value[LARGE];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(kind, NOW, HOUR_MS);
    shm_put_report report;
    shm_status status = shm_store_put_if(store, key_of(number, key), 0, value,
                                         len, &meta, &report, NOW);

    *evicted = report.evicted;
    return status;
}

/* Full: the first that somebody had to go for is the last. */
static uint64_t fill(shm_store *store, shm_kind kind)
{
    unsigned evicted = 0;
    uint64_t number = 0;

    while (evicted == 0 &&
           put(store, number, SMALL, kind, &evicted) == SST_OK) {
        number++;
    }
    return number;
}

static void begin(void)
{
    longest = 0;
    holds = 0;
}

static void test_large(shm_store *store)
{
    uint64_t number = fill(store, SST_ANONYMOUS);
    bool stored = true, told = true;
    unsigned evicted;

    begin();
    for (unsigned i = 0; i < 10; i++) {
        stored &= put(store, number + i, LARGE, SST_USER, &evicted) == SST_OK;
        told &= evicted > 100;
    }
    ok(stored && told, "large values find room, and it is told how many went");
    ok(holds > 20, "they let others in on the way: %u holds", holds);
    ok(longest < STORES_MAX, "none of which is long: %ld stores", longest);
    check_clean(store, "and the store is sound");
}

static void test_sweep(shm_store *store)
{
    shm_sweep_report report;

    begin();
    (void)!shm_store_sweep(store, 10000000, NOW + 3 * HOUR_MS, &report);
    ok(report.freed > 1000, "a sweep frees all: %llu",
       (unsigned long long)report.freed);
    ok(longest < STORES_MAX, "in holds that are short: %ld stores", longest);
}

/* One record in eight is left in each page. */
static void test_move(shm_store *store)
{
    uint64_t number = fill(store, SST_USER);
    unsigned char key[SST_KEY_LEN];
    unsigned evicted;

    for (uint64_t i = 0; i < number; i++) {
        if (i % 8 != 0) {
            (void)!shm_store_remove(store, key_of(i, key), 0);
        }
    }
    begin();
    for (unsigned i = 0; i < 500; i++) {
        (void)!put(store, number + i, 2000, SST_USER, &evicted);
    }
    ok(longest > 100 && longest < STORES_MAX,
       "pages are emptied in holds that are short: %ld stores", longest);
    check_clean(store, "and the store is sound");
}

/* The limits of the configuration may need many to go, too. */
static void test_limit(const scratch *at)
{
    shm_store_config config = config_of(at, 4 * MIB);
    unsigned evicted = 0;
    uint64_t number = 0;
    shm_store *store;

    config.max_anonymous = 50;
    store = store_with(&config, NOW);
    while (evicted == 0 &&
           put(store, number, SMALL, SST_ANONYMOUS, &evicted) == SST_OK) {
        number++;
    }
    begin();
    is_int(put(store, number + 1, LARGE, SST_ANONYMOUS, &evicted), SST_OK,
           "a large value at a limit");
    ok(evicted > 100, "has others go: %u", evicted);
    ok(holds > 2 && longest < STORES_MAX, "in %u holds of up to %ld stores",
       holds, longest);
    check_clean(store, "and the store is sound");
    shm_store_close(store);
    scratch_unlink(at, "");
}

int main(void)
{
    shm_store *store;
    scratch at;

    scratch_make(&at);
    store = store_new(&at, 8 * MIB);
    test_large(store);
    test_sweep(store);
    test_move(store);
    shm_store_close(store);
    scratch_unlink(&at, "");
    test_limit(&at);
    scratch_remove(&at);
    return done_testing();
}
