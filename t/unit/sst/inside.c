/* SPDX-License-Identifier: Apache-2.0 */
/* What a store tells of itself: times, classes, namespaces, and how the
 * cleanup keeps up. */
#include "util.h"

#include "sst_latency.h"

#define NOW     START_MS
#define GETS    (SST_LATENCY_EVERY * 40)
#define RECORDS 3000

static shm_stats stats;

static void read_stats(shm_store *store)
{
    if (shm_store_stats(store, &stats) != SST_OK) {
        ok(false, "stats are told");
    }
}

static void test_quantile(void)
{
    shm_latency times = {0};

    is_int(shm_latency_quantile(&times, 500), 0, "no times have no median");
    times.cells[8] = 980;
    times.cells[12] = 15;
    times.cells[20] = 5;
    is_int(shm_latency_samples(&times), 1000, "all cells are summed");
    is_int(shm_latency_quantile(&times, 500), 1 << 8, "the median");
    is_int(shm_latency_quantile(&times, 980), 1 << 8, "the last of a cell");
    is_int(shm_latency_quantile(&times, 981), 1 << 12, "the first of the next");
    is_int(shm_latency_quantile(&times, 995), 1 << 12, "995 of 1000");
    is_int(shm_latency_quantile(&times, 999), 1 << 20, "999 of 1000");
    is_int(shm_latency_quantile(&times, 1000), 1 << 20, "and the slowest");
    times = (shm_latency){0};
    times.cells[4] = 9;
    times.cells[9] = 1;
    is_int(shm_latency_quantile(&times, 990), 1 << 9,
           "of ten, the slowest is what 99 of 100 are below");
    times = (shm_latency){0};
    times.cells[3] = 1;
    is_int(shm_latency_quantile(&times, 1), 8, "one is every quantile");
}

static void test_latency(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    char buf[64];
    shm_meta meta;
    uint64_t token = 0, median;

    (void)put_number(store, 1, &token, 32, NOW);
    memset(sst_latency_turn, 0, sizeof(sst_latency_turn));
    read_stats(store);
    is_int(shm_latency_samples(&stats.latency[SST_OP_GET]), 0,
           "nothing was timed yet");
    for (unsigned i = 0; i < GETS; i++) {
        (void)!shm_store_get(store, key_of(1 + i % 2, key), buf, sizeof(buf),
                             &meta, 0, NOW);
    }
    for (unsigned i = 0; i < SST_LATENCY_EVERY * 3; i++) {
        (void)put_number(store, 1, &token, 32, NOW);
        (void)!shm_store_touch(store, key_of(1, key), NOW + 1000, NOW);
        (void)!shm_store_remove(store, key, 1);
    }
    read_stats(store);
    is_int(shm_latency_samples(&stats.latency[SST_OP_GET]), 40,
           "one get of 127 is timed, found or not");
    is_int(shm_latency_samples(&stats.latency[SST_OP_PUT]), 3, "and one put");
    is_int(shm_latency_samples(&stats.latency[SST_OP_TOUCH]), 3,
           "and one touch");
    is_int(shm_latency_samples(&stats.latency[SST_OP_REMOVE]), 3,
           "and one remove");
    median = shm_latency_quantile(&stats.latency[SST_OP_GET], 500);
    ok(median >= 16 && median <= 1 << 24, "a get takes a while: below %llu ns",
       (unsigned long long)median);
}

static void fill(shm_store *store)
{
    static unsigned char value[60000];
    unsigned char key[SST_KEY_LEN];
    unsigned stored = 0;

    for (uint64_t i = 0; i < RECORDS; i++) {
        shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS);
        size_t len = i % 100 == 0 ? sizeof(value) : i % 700;

        meta.ns = i % 3 == 0 ? 100 : 200;
        stored += shm_store_put_if(store, key_of(1000 + i, key), 0, value, len,
                                   &meta, NULL, NOW) == SST_OK;
    }
    is_int(stored, RECORDS, "records of many sizes are stored");
}

static void test_classes(shm_store *store)
{
    uint64_t pages = 0, bytes = 0, used = 0, free_bytes = 0;
    bool fits = true;

    fill(store);
    read_stats(store);
    for (uint32_t i = 0; i < stats.classes; i++) {
        const shm_class_stats *class = &stats.by_class[i];

        pages += class->pages;
        bytes += class->used * class->size;
        used += class->used;
        free_bytes += class->bytes_free;
        fits &= class->used + class->free == class->pages * class->per_page &&
                class->bytes_free == class->free * class->size &&
                (i == 0 || class->size > class[-1].size);
    }
    is_int(pages + stats.pages_free, stats.pages,
           "pages of the classes and free ones are all pages");
    ok(fits, "used and free chunks fill the pages of each class");
    ok(used > stats.records && bytes >= stats.bytes_chunks &&
           bytes - stats.bytes_chunks < stats.bytes_chunks / 50,
       "chunks in use are those of the records, and some overflow buckets");
    is_int(free_bytes + stats.pages_free * stats.page_size, stats.bytes_free,
           "free chunks and free pages are all that is free");
    is_int(stats.bytes_values + stats.bytes_heads + stats.bytes_wasted,
           stats.bytes_chunks, "values, heads and waste fill the chunks");
    ok(stats.bytes_heads >= stats.records * 88 &&
           stats.bytes_heads < stats.records * 96,
       "a record has a head of 88 bytes, and pieces have some");
    ok(stats.bytes_wasted > 0 && stats.bytes_wasted < stats.bytes_chunks / 8,
       "and less than an eighth is wasted");
}

static void test_namespaces(shm_store *store)
{
    shm_ns_stats list[8];
    uint64_t rest, sum = 0;
    size_t count;

    is_int(shm_store_namespaces(store, list, 8, &count, &rest), SST_OK,
           "namespaces are told");
    for (size_t i = 0; i < count; i++) {
        sum += list[i].bytes;
    }
    is_int(count, 3, "three of them");
    ok(list[0].ns == 200 && list[1].ns == 100 && list[2].ns == 7,
       "the largest first");
    is_int(sum + rest, stats.bytes_chunks, "and they hold all that there is");
    is_int(shm_store_namespaces(store, list, 1, &count, &rest), SST_OK,
           "into a short list");
    ok(count == 1 && list[0].bytes + rest == sum, "go some, and the rest");
}

static void test_upkeep(shm_store *store)
{
    shm_sweep_report report = {0};
    shm_upkeep_stats upkeep;

    is_int(shm_store_upkeep(store, NOW, &upkeep), SST_OK, "upkeep is told");
    ok(upkeep.behind_ms == 0 && upkeep.pages_due == 0 && !upkeep.held,
       "nothing is due while all live, and nobody has the lease");
    is_int(shm_store_upkeep(store, NOW + HOUR_MS + SST_COMMIT_GRACE_MS + 5000,
                            &upkeep),
           SST_OK, "upkeep is told later");
    /* The record that test_latency touched ended first. */
    ok(upkeep.behind_ms >= HOUR_MS && upkeep.pages_due > 10,
       "what ended and its grace is counted from the first end");
    while (!report.finished) {
        (void)!shm_store_sweep(
            store, 100000, NOW + 1000 + SST_COMMIT_GRACE_MS + 1000, &report);
    }
    (void)!shm_store_upkeep(store, NOW + HOUR_MS + SST_COMMIT_GRACE_MS + 5000,
                            &upkeep);
    ok(upkeep.behind_ms >= 5000 && upkeep.behind_ms <= 5000 + SST_TICK_MS,
       "when that is swept, from the next: %lld ms",
       (long long)upkeep.behind_ms);
    report = (shm_sweep_report){0};
    while (!report.finished) {
        (void)!shm_store_sweep(
            store, 100000, NOW + HOUR_MS + SST_COMMIT_GRACE_MS + 5000, &report);
    }
    (void)!shm_store_upkeep(store, NOW + HOUR_MS + SST_COMMIT_GRACE_MS + 5000,
                            &upkeep);
    ok(upkeep.behind_ms == 0 && upkeep.pages_due == 0,
       "and a sweep leaves nothing due");
}

static void test_lease(shm_store *store)
{
    shm_cleanup *cleanup = shm_store_cleanup_start(store, NULL);
    shm_upkeep_stats upkeep = {0};

    for (int i = 0; i < 500 && !upkeep.held; i++) {
        usleep(10000);
        (void)!shm_store_upkeep(store, shm_store_clock_ms(), &upkeep);
    }
    ok(upkeep.held && upkeep.beat_age_ms >= 0 && upkeep.beat_age_ms < 5000,
       "a cleanup thread has the lease, its heart beat %lld ms ago",
       (long long)upkeep.beat_age_ms);
    shm_store_cleanup_stop(cleanup);
}

/* A lock that another process holds and does not give back. */
static void test_busy(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;
    char buf[8];
    pid_t pid;

    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        pthread_mutex_lock(&sst_shard_header(store, no)->lock.mutex);
    }
    pid = fork();
    if (pid == 0) {
        _exit(shm_store_get(store, key_of(1, key), buf, sizeof(buf), &meta, 0,
                            NOW) == SST_BUSY
                  ? 0
                  : 1);
    }
    waitpid(pid, &(int){0}, 0);
    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        pthread_mutex_unlock(&sst_shard_header(store, no)->lock.mutex);
    }
    read_stats(store);
    is_int(stats.busy, 1, "a wait of another process in vain is counted");
}

int main(void)
{
    scratch at;
    shm_store *store;

    scratch_make(&at);
    store = store_new(&at, 16 * MIB);
    test_quantile();
    test_latency(store);
    test_classes(store);
    test_namespaces(store);
    test_upkeep(store);
    test_busy(store);
    check_clean(store, "the store is sound after all that");
    test_lease(store);
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
