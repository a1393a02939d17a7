/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What shm_stats.h promises, read without a lock: a look must cost the living
 * nothing.  Figures that were stored one after the other may so be seen a
 * moment apart, and no difference of two of them is trusted to be positive.
 */
#include "sst_handle.h"

_Static_assert(sizeof(shm_latency) == sizeof(sst_latency_shm), "one histogram");

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* ---- stats -------------------------------------------------------------- */

static void add_shard(const sst_shard_shm *shm, shm_stats *stats)
{
#define X(name, what) stats->name += SST_LOAD(shm->counters.name);
    SHM_STORE_COUNTERS(X)
#undef X
    stats->busy += SST_LOAD(shm->busy);
    stats->records += SST_LOAD(shm->figures.records);
    stats->bytes_values += SST_LOAD(shm->figures.bytes_values);
    stats->bytes_chunks += SST_LOAD(shm->figures.bytes_chunks);
    for (unsigned kind = 0; kind < SST_KIND_COUNT; kind++) {
        stats->records_by_kind[kind] += SST_LOAD(shm->figures.kinds[kind]);
    }
    for (unsigned op = 0; op < SST_OP_COUNT; op++) {
        for (unsigned i = 0; i < SST_LATENCY_CELLS; i++) {
            stats->latency[op].cells[i] += SST_LOAD(shm->latency[op].cells[i]);
        }
    }
    for (unsigned pool = 0; pool < SST_POOLS; pool++) {
        for (unsigned i = 0; i < stats->classes; i++) {
            stats->by_class[i].pages += SST_LOAD(shm->uses[pool][i].pages);
            stats->by_class[i].used += SST_LOAD(shm->uses[pool][i].used);
        }
    }
}

/* Of the chunks only pieces and overflow buckets are not counted as they come
 * and go.  The buckets are what chunks have in all beyond those of records. */
static void count_heads(shm_stats *stats)
{
    uint64_t chunks = 0, bytes = 0, buckets, pieces;

    for (unsigned i = 0; i < stats->classes; i++) {
        chunks += stats->by_class[i].used;
        bytes += stats->by_class[i].used * stats->by_class[i].size;
    }
    buckets = minus(bytes, stats->bytes_chunks) / sizeof(sst_bucket_shm);
    pieces = minus(chunks, stats->records + buckets);
    stats->bytes_heads =
        stats->records * SST_RECORD_HEAD + pieces * sizeof(sst_piece_shm);
    stats->bytes_wasted =
        minus(stats->bytes_chunks, stats->bytes_values + stats->bytes_heads);
}

static void count_classes(const shm_store *store, shm_stats *stats)
{
    for (unsigned i = 0; i < stats->classes; i++) {
        shm_class_stats *class = &stats->by_class[i];

        class->size = store->classes[i].size;
        class->per_page = store->classes[i].count;
        class->free = minus(class->pages * class->per_page, class->used);
        class->bytes_free = class->free * class->size;
        stats->bytes_free += class->bytes_free;
    }
}

static void count_pages(shm_store *store, shm_stats *stats)
{
    uint32_t npages = sst_pages_now(store);

    for (uint32_t page = 0; page < npages; page++) {
        stats->pages_free += SST_LOAD(sst_owner(store, page)->owner) == 0;
    }
    stats->pages = npages;
    stats->size =
        store->geo.pages_off + (uint64_t)npages * store->geo.page_size;
    stats->bytes_free += stats->pages_free * store->geo.page_size;
}

shm_status shm_store_stats(shm_store *store, shm_stats *stats)
{
    *stats = (shm_stats){0};
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    stats->page_size = store->geo.page_size;
    stats->shards = store->geo.nshards;
    stats->max_record = store->max_record;
    stats->classes = store->geo.nclasses;
    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        add_shard(sst_shard_header(store, no), stats);
    }
    count_classes(store, stats);
    count_heads(stats);
    count_pages(store, stats);
    return sst_answer(store, SST_OK);
}

/* ---- namespaces --------------------------------------------------------- */

static void add_ns(shm_ns_stats *list, size_t room, size_t *count,
                   uint64_t *rest, const sst_ns_shm *cell)
{
    uint64_t bytes = SST_LOAD(cell->bytes);
    uint32_t ns = SST_LOAD(cell->ns);
    size_t at = 0;

    if (SST_LOAD(cell->taken) == 0 || bytes == 0) {
        return;
    }
    while (at < *count && list[at].ns != ns) {
        at++;
    }
    if (at == room) {
        *rest += bytes;
        return;
    }
    if (at == *count) {
        list[(*count)++] = (shm_ns_stats){.ns = ns};
    }
    list[at].bytes += bytes;
}

static void sort_ns(shm_ns_stats *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        shm_ns_stats one = list[i];
        size_t place = i;

        for (; place > 0 && list[place - 1].bytes < one.bytes; place--) {
            list[place] = list[place - 1];
        }
        list[place] = one;
    }
}

shm_status shm_store_namespaces(shm_store *store, shm_ns_stats *list,
                                size_t room, size_t *count, uint64_t *rest)
{
    *count = 0;
    *rest = 0;
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        const sst_shard_shm *shm = sst_shard_header(store, no);

        for (unsigned i = 0; i < SST_NS_CELLS; i++) {
            add_ns(list, room, count, rest, &shm->figures.ns[i]);
        }
        *rest += SST_LOAD(shm->figures.ns[SST_NS_CELLS].bytes);
    }
    sort_ns(list, *count);
    return sst_answer(store, SST_OK);
}

/* ---- upkeep ------------------------------------------------------------- */

shm_status shm_store_upkeep(shm_store *store, int64_t now_ms,
                            shm_upkeep_stats *upkeep)
{
    const sst_header_shm *header;
    uint32_t npages;

    *upkeep = (shm_upkeep_stats){0};
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    header = sst_header(store);
    npages = sst_pages_now(store);
    upkeep->held = SST_LOAD(header->lease_nonce) != 0;
    upkeep->beat_age_ms = SST_LOAD(header->lease_beat_ms) == 0
                              ? -1
                              : now_ms - SST_LOAD(header->lease_beat_ms);
    for (uint32_t page = 0; page < npages; page++) {
        const sst_owner_shm *entry = sst_owner(store, page);
        uint32_t bound = SST_LOAD(entry->bound);
        int64_t late;

        if (SST_LOAD(entry->owner) == 0 || bound == SST_NEVER) {
            continue;
        }
        late = now_ms - sst_tick_ms(store, bound) - SST_COMMIT_GRACE_MS;
        if (late < 0) {
            continue;
        }
        upkeep->pages_due++;
        if (late > upkeep->behind_ms) {
            upkeep->behind_ms = late;
        }
    }
    return sst_answer(store, SST_OK);
}
