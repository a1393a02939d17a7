/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that nobody ends, in a store where all else comes and goes: processes
 * count in them and change their sizes while others fill the store with
 * anonymous records of sizes that shift, so that pages change hands, chunks
 * move and the oldest are evicted, beside a cleanup thread.  No counted record
 * may be missed, damaged, refused or lose a count for a moment.
 */
#include "util.h"

#include <sys/mman.h>

#define COUNTED  6
#define COUNTERS 4
#define FILLERS  3

typedef struct notes {
    bool stop;
    uint64_t counts[COUNTED];
    uint64_t wrong[SST_BADARG + 1];
    uint64_t torn, conflicts, filled, evicted;
} notes;

static void add(uint64_t *to, uint64_t n)
{
    __atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

/* The value is the count, then bytes that follow from it. */
static void count_once(shm_store *store, notes *on, unsigned no, uint64_t *seed)
{
    static unsigned char value[40000];
    unsigned char key[SST_KEY_LEN];
    uint64_t count;
    shm_meta meta;
    shm_status status;

    for (;;) {
        size_t len;

        status = shm_store_get(store, key_of(no, key), value, sizeof(value),
                               &meta, 0, START_MS);
        if (status != SST_OK) {
            break;
        }
        memcpy(&count, value, sizeof(count));
        if (!value_is(value + sizeof(count), meta.value_len - sizeof(count),
                      count)) {
            add(&on->torn, 1);
        }
        count++;
        len = sizeof(count) + next_random(seed) % (no % 2 ? 600 : 30000);
        memcpy(value, &count, sizeof(count));
        value_fill(value + sizeof(count), len - sizeof(count), count);
        status = shm_store_put_if(store, key, meta.token, value, len, &meta,
                                  NULL, START_MS);
        if (status != SST_CHANGED) {
            break;
        }
        add(&on->conflicts, 1);
    }
    add(status == SST_OK ? &on->counts[no] : &on->wrong[status], 1);
}

static void counter(shm_store *store, notes *on, uint64_t seed)
{
    while (!__atomic_load_n(&on->stop, __ATOMIC_RELAXED)) {
        count_once(store, on, (unsigned)(next_random(&seed) % COUNTED), &seed);
    }
}

static void filler(shm_store *store, notes *on, uint64_t seed)
{
    static unsigned char value[8192];
    static const size_t sizes[] = {40, 250, 1100, 8000};
    shm_put_report report;
    unsigned char key[SST_KEY_LEN];

    for (uint64_t i = 0; !__atomic_load_n(&on->stop, __ATOMIC_RELAXED); i++) {
        shm_meta meta = meta_of(SST_ANONYMOUS, START_MS, HOUR_MS);
        uint64_t number = 1000 + next_random(&seed) % 1000000;

        (void)!shm_store_put_if(store, key_of(number, key), 0, value,
                                sizes[i / 3000 % 4], &meta, &report, START_MS);
        add(&on->filled, 1);
        add(&on->evicted, report.evicted);
        if (i % 4 == 0) {
            (void)!shm_store_remove(store, key, 0);
        }
    }
}

static void run(shm_store *store, notes *on, unsigned seconds, uint64_t seed)
{
    pid_t pids[COUNTERS + FILLERS];
    shm_cleanup *cleanup = shm_store_cleanup_start(store, NULL);

    for (unsigned i = 0; i < COUNTERS + FILLERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            (i < COUNTERS ? counter : filler)(store, on, seed + i * 7919 + 1);
            _exit(0);
        }
    }
    sleep(seconds);
    __atomic_store_n(&on->stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < COUNTERS + FILLERS; i++) {
        waitpid(pids[i], &(int){0}, 0);
    }
    shm_store_cleanup_stop(cleanup);
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv);
    notes *on = mmap(NULL, sizeof(*on), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shm_store *store;
    scratch at;

    scratch_make(&at);
    store = store_new(&at, 4 * MIB);
    for (uint64_t no = 0; no < COUNTED; no++) {
        shm_meta meta = meta_of(SST_USER, START_MS, HOUR_MS);
        unsigned char key[SST_KEY_LEN];
        uint64_t none = 0;

        (void)!shm_store_put_if(store, key_of(no, key), 0, &none, sizeof(none),
                                &meta, NULL, START_MS);
    }
    run(store, on, is_long() ? 120 : 3, seed);
    for (int status = SST_OK; status <= SST_BADARG; status++) {
        if (status != SST_OK && status != SST_CHANGED && status != SST_BUSY) {
            ok(on->wrong[status] == 0, "never: %s (%llu)",
               shm_status_str((shm_status)status),
               (unsigned long long)on->wrong[status]);
        }
    }
    is_int(on->torn, 0, "no value is another one's");
    for (uint64_t no = 0; no < COUNTED; no++) {
        static unsigned char value[40000];
        unsigned char key[SST_KEY_LEN];
        uint64_t count = 0;
        shm_meta meta;

        (void)!shm_store_get(store, key_of(no, key), value, sizeof(value),
                             &meta, 0, START_MS);
        memcpy(&count, value, sizeof(count));
        ok(count == on->counts[no], "no count of record %u is lost (%llu)",
           (unsigned)no, (unsigned long long)count);
    }
    ok(on->evicted > 0, "%llu anonymous records were evicted meanwhile",
       (unsigned long long)on->evicted);
    diag("%llu filled, %llu conflicts, %llu busy",
         (unsigned long long)on->filled, (unsigned long long)on->conflicts,
         (unsigned long long)on->wrong[SST_BUSY]);
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
