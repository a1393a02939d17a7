/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bitmaps; see sst_slab.h.
 *
 * Death at any store here costs at most a chunk that is marked used and
 * referenced by nobody, and the next owner of the shard's lock makes the
 * bitmaps anew from the index.
 */
#include "sst_slab.h"

void sst_slab_lower_bound(const sst_shard *shard, uint32_t page, uint32_t tick)
{
    sst_owner_shm *entry = sst_owner(shard->store, page);

    if (tick < entry->bound) {
        SST_STORE(entry->bound, tick);
    }
}

/* How many chunks of the class are in use in the page's pool. */
static uint32_t *used_of(const sst_shard *shard, const sst_page_shm *page,
                         uint32_t class_id)
{
    return &shard->shm->uses[sst_page_pool(page)][class_id].used;
}

/* ---- take --------------------------------------------------------------- */

static int first_free(const sst_page_shm *page, const sst_class *class)
{
    for (uint32_t i = 0; i < class->words; i++) {
        uint64_t free_bits = ~page->bitmap[i];

        if (free_bits != 0) {
            uint32_t index = i * 64 + (uint32_t)__builtin_ctzll(free_bits);

            return index < class->count ? (int)index : -1;
        }
    }
    return -1;
}

static bool take_from_head(sst_shard *shard, uint32_t pool, uint32_t class_id,
                           sst_chunk *chunk)
{
    const sst_class *class = &shard->store->classes[class_id];
    uint32_t *head = &shard->shm->heads[pool][class_id];
    uint32_t no = *head - 1, *used, really;
    sst_page_shm *page;
    int index;

    if (*head == 0) {
        return false;
    }
    if (!sst_page_owned(shard, no, &really) || really != class_id) {
        SST_STORE(*head, 0u);
        shard->repair_wanted = true;
        return false;
    }
    page = sst_page(shard->store, no);
    index = first_free(page, class);
    if (index < 0) {
        SST_STORE(*head, page->next);
        shard->repair_wanted = true;
        return false;
    }
    sst_chunk_make(shard->store, no, (uint32_t)index, class_id, chunk);
    /* Free chunks were wiped when freed; not so the pages of a file whose
     * header alone was good. */
    sst_wipe(chunk->at, SST_CHUNK_MIN);
    SST_STORE(page->bitmap[index / 64],
              page->bitmap[index / 64] | UINT64_C(1) << (index % 64));
    SST_STORE(page->used, (uint16_t)(page->used + 1));
    used = used_of(shard, page, class_id);
    SST_ADD(*used, 1);
    if (page->used >= class->count) {
        head = &shard->shm->heads[sst_page_pool(page)][class_id];
        sst_page_unlink_locked(shard, head, no);
    }
    return true;
}

/* Whether what the class has is its very last chunk. */
static bool only_one_left(const sst_shard *shard, uint32_t class_id)
{
    uint32_t head = shard->shm->heads[SST_GENERAL][class_id];
    const sst_page_shm *page;
    uint32_t really;

    if (head == 0 || !sst_page_owned(shard, head - 1, &really)) {
        return true;
    }
    page = sst_page(shard->store, head - 1);
    return page->next == 0 &&
           page->used + 1u >= shard->store->classes[class_id].count;
}

/*
 * A creation leaves the last chunk of a class alone when no page can be had:
 * a replacement needs one chunk more for a moment and then gives one back, so
 * that one chunk is what keeps a full store writable.
 */
static bool take_class(sst_shard *shard, uint32_t class_id, sst_use use,
                       bool may_claim, sst_chunk *chunk)
{
    if (only_one_left(shard, class_id)) {
        bool claimed =
            may_claim && sst_page_claim_locked(shard, class_id, SST_GENERAL);

        if (!claimed && use.create) {
            return false;
        }
    }
    if (take_from_head(shard, SST_GENERAL, class_id, chunk)) {
        return true;
    }
    if (!use.reserve) {
        return false;
    }
    if (shard->shm->heads[SST_RESERVE][class_id] == 0 && may_claim) {
        (void)sst_page_claim_locked(shard, class_id, SST_RESERVE);
    }
    return take_from_head(shard, SST_RESERVE, class_id, chunk);
}

bool sst_slab_take_locked(sst_shard *shard, uint32_t bytes, sst_use use,
                          sst_chunk *chunk)
{
    const shm_store *store = shard->store;
    const uint32_t most = use.generous ? 2 * bytes : bytes + bytes / 4;
    uint32_t class_id = sst_slab_class(store, bytes);

    if (take_class(shard, class_id, use, true, chunk)) {
        return true;
    }
    while (++class_id < store->geo.nclasses &&
           store->classes[class_id].size <= most) {
        if (take_class(shard, class_id, use, false, chunk)) {
            return true;
        }
    }
    return false;
}

bool sst_slab_take_class_locked(sst_shard *shard, uint32_t pool,
                                uint32_t class_id, sst_chunk *chunk)
{
    return take_from_head(shard, pool, class_id, chunk);
}

void sst_slab_give_locked(sst_shard *shard, const sst_chunk *chunk)
{
    const sst_class *class = &shard->store->classes[chunk->class_id];
    sst_page_shm *page = sst_page(shard->store, chunk->page);
    uint32_t *head = &shard->shm->heads[sst_page_pool(page)][chunk->class_id];
    uint32_t *used = used_of(shard, page, chunk->class_id);
    uint64_t *word = &page->bitmap[chunk->index / 64];
    const uint64_t bit = UINT64_C(1) << (chunk->index % 64);
    bool was_full = page->used >= class->count;

    if ((*word & bit) == 0 || page->used == 0) {
        shard->repair_wanted = true;
        return;
    }
    sst_wipe(chunk->at, chunk->size);
    SST_STORE(*word, *word & ~bit);
    SST_STORE(page->used, (uint16_t)(page->used - 1));
    SST_SUB(*used, 1);
    if (page->used == 0) {
        if (!was_full && shard->emptying != chunk->page + 1) {
            sst_page_unlink_locked(shard, head, chunk->page);
        }
        sst_page_release_locked(shard, chunk->page);
    }
    else if (was_full) {
        sst_page_link_locked(shard, head, chunk->page);
    }
}

/* ---- repair ------------------------------------------------------------- */

void sst_slab_mark_locked(sst_shard *shard, const sst_chunk *chunk)
{
    sst_page_shm *page = sst_page(shard->store, chunk->page);
    uint64_t *word = &page->bitmap[chunk->index / 64];
    uint32_t *used = used_of(shard, page, chunk->class_id);

    SST_STORE(*word, *word | UINT64_C(1) << (chunk->index % 64));
    SST_STORE(page->used, (uint16_t)(page->used + 1));
    SST_ADD(*used, 1);
}

void sst_slab_unmark_locked(sst_shard *shard, const sst_chunk *chunk)
{
    sst_page_shm *page = sst_page(shard->store, chunk->page);
    uint64_t *word = &page->bitmap[chunk->index / 64];
    uint32_t *used = used_of(shard, page, chunk->class_id);

    SST_STORE(*word, *word & ~(UINT64_C(1) << (chunk->index % 64)));
    SST_STORE(page->used, (uint16_t)(page->used - 1));
    SST_SUB(*used, 1);
}

void sst_slab_wipe_free_locked(sst_shard *shard)
{
    const shm_store *store = shard->store;
    uint32_t npages = sst_pages_now(shard->store);
    uint32_t class_id;
    sst_chunk chunk;

    for (uint32_t no = 0; no < npages; no++) {
        if (!sst_page_owned(shard, no, &class_id) ||
            sst_page(store, no)->used == store->classes[class_id].count) {
            continue;
        }
        for (uint32_t i = 0; i < store->classes[class_id].count; i++) {
            sst_chunk_make(store, no, i, class_id, &chunk);
            if (!sst_slab_used(shard, &chunk)) {
                sst_wipe(chunk.at, chunk.size);
            }
        }
    }
}
