/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each page has a bound: no record in it ends before that tick.  A sweep reads
 * the dense table of bounds and opens only pages where something is due; a
 * touch that moves an end later leaves the bound as it is, so a page may be
 * opened once for nothing.  No list of ends has to be kept in order, and
 * nothing is lost with the bounds: repair computes them again.
 */
#include "sst_sweep.h"

#include "sst_lock.h"

#define PUT_PAGES_MAX   4u     /* swept by one put that needs room */
#define PUT_ENTRIES_MAX 16384u /* of the page table that it looks at */
#define CLOCK_EVERY     256u   /* table entries between looks at the clock */

/* Ends at or before this tick, and their grace, are over at ${now_ms}. */
static bool is_due(const shm_store *store, uint32_t tick, int64_t now_ms)
{
    return tick != SST_NEVER &&
           sst_tick_ms(store, tick) + SST_COMMIT_GRACE_MS <= now_ms;
}

static unsigned end_record(sst_shard *shard, const sst_slot *slot, bool sane)
{
    if (!sane) {
        sst_record_damaged_locked(shard, slot);
        return 0;
    }
    sst_record_drop_locked(shard, slot);
    SST_ADD(shard->shm->counters.expired, 1);
    return 1;
}

uint64_t sst_sweep_page_locked(sst_shard *shard, uint32_t page, uint64_t keep,
                               int64_t now_ms)
{
    shm_store *store = shard->store;
    uint32_t bound = SST_NEVER;
    uint64_t freed = 0;
    uint32_t class_id;
    sst_slot slot;

    if (!sst_page_owned(shard, page, &class_id)) {
        return 0;
    }
    for (uint32_t i = 0; i < store->classes[class_id].count; i++) {
        sst_head head;
        sst_chunk chunk;
        bool sane;

        /* The page may be given back when its last record goes. */
        if (!sst_slab_nth(shard, page, i, &chunk)) {
            return freed;
        }
        if (!sst_slab_used(shard, &chunk) || chunk.size < SST_RECORD_HEAD) {
            continue;
        }
        /* Most are not due and need no second look.  What is no record at
         * all may look like one: it is believed only if the index says so. */
        sane = sst_head_read(&chunk, &head);
        if (sane &&
            (head.token == keep || !is_due(store, head.expires, now_ms))) {
            bound = head.expires < bound ? head.expires : bound;
        }
        else if (sst_index_reverse_locked(shard, &chunk, &slot)) {
            freed += end_record(shard, &slot, sane);
        }
    }
    if (sst_page_owned(shard, page, &class_id)) {
        SST_STORE(sst_owner(store, page)->bound, bound);
    }
    return freed;
}

uint64_t sst_sweep_shard_locked(sst_shard *shard, uint64_t keep, int64_t now_ms)
{
    shm_store *store = shard->store;
    uint32_t npages = sst_pages_now(store);
    uint32_t page = shard->shm->sweep_page, opened = 0;
    uint32_t entries = npages < PUT_ENTRIES_MAX ? npages : PUT_ENTRIES_MAX;
    uint64_t freed = 0;

    for (; entries > 0 && opened < PUT_PAGES_MAX; entries--, page++) {
        uint32_t class_id;

        page = page < npages ? page : 0;
        if (sst_page_owned(shard, page, &class_id) &&
            is_due(store, SST_LOAD(sst_owner(store, page)->bound), now_ms)) {
            freed += sst_sweep_page_locked(shard, page, keep, now_ms);
            opened++;
        }
    }
    SST_STORE(shard->shm->sweep_page, page);
    return freed;
}

static void sweep_entry(shm_store *store, uint32_t page, int64_t now_ms,
                        shm_sweep_report *report)
{
    sst_owner_shm *entry = sst_owner(store, page);
    uint32_t owner = SST_LOAD(entry->owner);
    sst_shard shard;

    if (owner == 0 || !is_due(store, SST_LOAD(entry->bound), now_ms) ||
        (owner >> 8) - 1 >= store->geo.nshards ||
        sst_shard_lock(store, (owner >> 8) - 1, 0, &shard) != SST_OK) {
        return;
    }
    report->pages++;
    report->freed += sst_sweep_page_locked(&shard, page, 0, now_ms);
    sst_shard_unlock(&shard);
}

shm_status shm_store_sweep(shm_store *store, int64_t budget_us, int64_t now_ms,
                           shm_sweep_report *report)
{
    int64_t end = sst_monotonic_ns() + budget_us * 1000;
    uint32_t npages, page, done;
    sst_header_shm *header;

    *report = (shm_sweep_report){0};
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    header = sst_header(store);
    npages = sst_pages_now(store);
    page = SST_LOAD(header->sweep_page);
    for (done = 0; done < npages; done++) {
        uint64_t opened = report->pages;

        page = page < npages ? page : 0;
        sweep_entry(store, page, now_ms, report);
        page++;
        if (page == npages) {
            /* With the calls before this one. */
            report->finished = true;
        }
        if ((opened != report->pages || done % CLOCK_EVERY == 0) &&
            sst_monotonic_ns() >= end) {
            done++;
            break;
        }
    }
    report->finished = report->finished || done == npages;
    SST_STORE(header->sweep_page, page);
    return sst_answer(store, SST_OK);
}
