/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shm_store, every put a compare-and-put.  A caller has read the token before
 * it puts.  Here tokens lie in an array that the workers share by halves, so
 * that a put is one call; each is asked for one put ahead, or the wait for the
 * array would be taken for the store's.  One whose token a killed writer did
 * not live to note is read again.
 */
#include <stdatomic.h>
#include <unistd.h>
#include "engine.h"
#include "shm_stats.h"
#include "shm_store.h"

#define HOUR_MS  3600000
#define MEGABYTE ((uint64_t)1 << 20)
#define AMPLE    200  /* bytes a record */
#define SHORT    1000 /* records of one step of upkeep */
#define LIFE_MS  1000 /* theirs */
#define SLICE_US 1000
#define SLICES   32

#define ANSWERS (SST_BADARG + 1)

static shm_store *store;
static shm_store_config config;
static char path[512];
static uint64_t *tokens; /* shared */
static uint64_t records;
static int64_t now_ms;
static atomic_ullong *answers; /* shared: how often each that is not OK came */

static bool ok(shm_status status)
{
    if (status != SST_OK)
        atomic_fetch_add(&answers[status], 1);
    return status == SST_OK;
}

static const char *attach(void)
{
    static char why[512];
    shm_attach_report report;

    why[0] = '\0';
    store = shm_store_open(&config, why, sizeof why);
    if (!store)
        return why;
    now_ms = shm_store_clock_ms();
    if (shm_store_attach(store, now_ms, &report) == SST_OK)
        return NULL;
    snprintf(why, sizeof why, "%s", report.why);
    return why;
}

static const char *shm_open_store(const bench_plan *plan)
{
    size_t room = plan->room ? plan->room : AMPLE;
    uint64_t bytes = plan->records * (BENCH_KEY_LEN + plan->len + room);

    /* What a small segment has beside its pages is much of it. */
    if (!plan->room)
        bytes += 16 * MEGABYTE;
    records = plan->records;
    snprintf(path, sizeof path, "%s/bench-%d.shm", plan->dir, (int)getpid());
    config = (shm_store_config){
        .path = path,
        .size = bytes + MEGABYTE - bytes % MEGABYTE,
        .max_record = 1 << 20,
        .owner = geteuid(),
        .is_server = true,
    };
    tokens = bench_shared(plan->records * sizeof *tokens);
    answers = bench_shared(ANSWERS * sizeof *answers);
    return attach();
}

static size_t shm_get(uint64_t record, unsigned char *buf, size_t cap)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    bench_key(record, key);
    if (!ok(shm_store_get(store, key, buf, cap, &meta, 0, now_ms)))
        return 0;
    return meta.value_len;
}

/* The one place that knows put_if's arguments. */
static shm_status put_once(const unsigned char *key, uint64_t *token,
                           const unsigned char *value, size_t len,
                           int64_t life_ms)
{
    shm_meta meta = {
        .kind = SST_USER,
        .ns = 1,
        .user_tag = 1,
        .handle = 1,
        .created_ms = now_ms,
        .last_access_ms = now_ms,
        .expires_ms = now_ms + life_ms,
        .hard_end_ms = now_ms + life_ms,
    };
    shm_status status =
        shm_store_put_if(store, key, *token, value, len, &meta, NULL, now_ms);

    if (status == SST_OK)
        *token = meta.token;
    return status;
}

static void shm_soon(uint64_t record)
{
    __builtin_prefetch(&tokens[record], 1);
}

static bool shm_put(uint64_t record, const unsigned char *value, size_t len)
{
    unsigned char key[SST_KEY_LEN], old[BENCH_VALUE_MAX];
    shm_meta meta;
    shm_status status;

    bench_key(record, key);
    status = put_once(key, &tokens[record], value, len, HOUR_MS);
    if (status == SST_CHANGED && shm_store_get(store, key, old, sizeof old,
                                               &meta, 0, now_ms) == SST_OK) {
        tokens[record] = meta.token;
        status = put_once(key, &tokens[record], value, len, HOUR_MS);
    }
    return ok(status);
}

/* All that is not free pages: the index and the headers too. */
static uint64_t shm_used(void)
{
    shm_stats stats;

    if (shm_store_stats(store, &stats) != SST_OK)
        return 0;
    return stats.size - stats.pages_free * stats.page_size;
}

/* Make records that end soon, and sweep at a time when they have, in slices
 * like the cleanup thread's.  A shard whose lock was taken keeps its ended
 * records until the next time. */
static bool shm_upkeep(void)
{
    unsigned char key[SST_KEY_LEN], value[256] = {0};
    int64_t then_ms = now_ms + LIFE_MS + SST_COMMIT_GRACE_MS + 1000;
    shm_sweep_report report = {0};
    bool done = true;

    for (uint64_t i = 0; i < SHORT; i++) {
        uint64_t token = 0;
        shm_status status;

        bench_key(records + i, key);
        status = put_once(key, &token, value, sizeof value, LIFE_MS);
        done = (status == SST_CHANGED || ok(status)) && done;
    }
    for (unsigned i = 0; i < SLICES && !report.finished; i++)
        done = ok(shm_store_sweep(store, SLICE_US, then_ms, &report)) && done;
    return done;
}

static bool shm_reopen(void)
{
    shm_store_close(store);
    return attach() == NULL;
}

/* Why operations failed is not told by how many did. */
static void shm_close(void)
{
    for (int i = 0; i < ANSWERS; i++) {
        unsigned long long count = atomic_load(&answers[i]);

        if (count)
            fprintf(stderr, "store: %llu times %s\n", count,
                    shm_status_str((shm_status)i));
    }
    unlink(path);
}

const bench_engine engine_shm = {
    .name = "shm",
    .open = shm_open_store,
    .get = shm_get,
    .put = shm_put,
    .soon = shm_soon,
    .used = shm_used,
    .upkeep = shm_upkeep,
    .reopen = shm_reopen,
    .close = shm_close,
};
