/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages, lists and bitmaps; see sst_slab.h.
 *
 * Death at any store here costs at most a chunk or page that is marked used
 * and referenced by nobody, and the next owner of the shard's lock rebuilds
 * bitmaps and lists from the index.  The lists are a convenience: each link
 * is checked against the page table before it is followed.
 *
 * Free pages are found by a hint, not a list: "no free page below n", with a
 * generation so that a search that ran while another page was given back
 * cannot overwrite the news.
 */
#include "sst_slab.h"

static uint32_t owner_word(const sst_shard *shard, uint32_t class_id)
{
    return (shard->no + 1) << 8 | class_id;
}

bool sst_slab_owned(const sst_shard *shard, uint32_t page, uint32_t *class_id)
{
    uint32_t word;

    if (page >= SST_LOAD(shard->store->npages_seen) &&
        page >= sst_pages_now(shard->store)) {
        return false;
    }
    word = SST_LOAD(sst_owner(shard->store, page)->owner);
    *class_id = word & 0xff;
    return word >> 8 == shard->no + 1 && *class_id < shard->store->geo.nclasses;
}

static void chunk_make(const shm_store *store, uint32_t page, uint32_t index,
                       uint32_t class_id, sst_chunk *chunk)
{
    const sst_class *class = &store->classes[class_id];

    chunk->page = page;
    chunk->index = index;
    chunk->class_id = class_id;
    chunk->size = class->size;
    chunk->at = (unsigned char *)sst_page(store, page) + class->first +
                (size_t)index * class->size;
}

bool sst_slab_nth(const sst_shard *shard, uint32_t page, uint32_t index,
                  sst_chunk *chunk)
{
    uint32_t class_id;

    if (!sst_slab_owned(shard, page, &class_id) ||
        index >= shard->store->classes[class_id].count) {
        return false;
    }
    chunk_make(shard->store, page, index, class_id, chunk);
    return true;
}

bool sst_slab_at(const sst_shard *shard, uint64_t units, sst_chunk *chunk)
{
    const shm_store *store = shard->store;
    uint64_t offset = units * 16;
    uint64_t page;
    const sst_class *class;
    uint32_t class_id, in_page;

    if (offset < store->geo.pages_off) {
        return false;
    }
    offset -= store->geo.pages_off;
    page = offset >> store->page_shift;
    if (page >= store->geo.max_pages ||
        !sst_slab_owned(shard, (uint32_t)page, &class_id)) {
        return false;
    }
    class = &store->classes[class_id];
    in_page = (uint32_t)offset & (store->geo.page_size - 1);
    if (in_page < class->first || (in_page - class->first) % class->size != 0 ||
        (in_page - class->first) / class->size >= class->count) {
        return false;
    }
    chunk_make(store, (uint32_t)page, (in_page - class->first) / class->size,
               class_id, chunk);
    return true;
}

uint64_t sst_slab_units(const shm_store *store, const sst_chunk *chunk)
{
    return (uint64_t)(chunk->at - store->base) / 16;
}

bool sst_slab_used(const sst_shard *shard, const sst_chunk *chunk)
{
    const sst_page_shm *page = sst_page(shard->store, chunk->page);

    return page->bitmap[chunk->index / 64] >> (chunk->index % 64) & 1;
}

void sst_slab_lower_bound(const sst_shard *shard, uint32_t page, uint32_t tick)
{
    sst_owner_shm *entry = sst_owner(shard->store, page);

    if (tick < entry->bound) {
        SST_STORE(entry->bound, tick);
    }
}

/* ---- lists of partial pages --------------------------------------------- */

static uint32_t pool_of(const sst_page_shm *page)
{
    return page->pool == SST_RESERVE ? SST_RESERVE : SST_GENERAL;
}

static void list_push(sst_shard *shard, uint32_t no, uint32_t class_id)
{
    sst_page_shm *page = sst_page(shard->store, no);
    uint32_t *head = &shard->shm->heads[pool_of(page)][class_id];
    uint32_t ignored;

    SST_STORE(page->next, *head);
    SST_STORE(page->prev, 0u);
    if (*head != 0 && sst_slab_owned(shard, *head - 1, &ignored)) {
        SST_STORE(sst_page(shard->store, *head - 1)->prev, no + 1);
    }
    SST_STORE(*head, no + 1);
}

static void list_remove(sst_shard *shard, uint32_t no, uint32_t class_id)
{
    sst_page_shm *page = sst_page(shard->store, no);
    uint32_t *head = &shard->shm->heads[pool_of(page)][class_id];
    uint32_t ignored;

    if (*head == no + 1) {
        SST_STORE(*head, page->next);
    }
    else if (page->prev != 0 &&
             sst_slab_owned(shard, page->prev - 1, &ignored)) {
        SST_STORE(sst_page(shard->store, page->prev - 1)->next, page->next);
    }
    if (page->next != 0 && sst_slab_owned(shard, page->next - 1, &ignored)) {
        SST_STORE(sst_page(shard->store, page->next - 1)->prev, page->prev);
    }
}

/* ---- pages -------------------------------------------------------------- */

static void hint_reset(const shm_store *store, uint32_t pool, uint32_t page)
{
    uint64_t *hint = &sst_header(store)->free_hint[pool];
    uint64_t old = SST_LOAD(*hint);
    uint64_t new;

    sst_fault_point();
    do {
        uint32_t below = (uint32_t)old < page ? (uint32_t)old : page;

        new = ((old >> 32) + 1) << 32 | below;
    } while (!__atomic_compare_exchange_n(hint, &old, new, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

static void page_begin(sst_shard *shard, uint32_t no, uint32_t class_id,
                       uint32_t pool)
{
    sst_page_shm *page = sst_page(shard->store, no);

    SST_STORE(page->magic, SST_PAGE_MAGIC);
    SST_STORE(page->class_id, (uint16_t)class_id);
    SST_STORE(page->used, (uint16_t)0);
    SST_STORE(page->pool, pool);
    sst_wipe(page->bitmap, (size_t)shard->store->classes[class_id].words * 8);
}

/* Bounded by the pages there are, and by the hint in a full store. */
static bool page_claim(sst_shard *shard, uint32_t class_id, uint32_t pool)
{
    shm_store *store = shard->store;
    uint64_t *hint = &sst_header(store)->free_hint[pool];
    uint64_t seen = __atomic_load_n(hint, __ATOMIC_ACQUIRE);
    uint32_t npages = sst_pages_now(store);
    uint32_t general = sst_general_pages(npages);
    uint32_t first = pool == SST_GENERAL ? 0 : general;
    uint32_t end = pool == SST_GENERAL ? general : npages;
    uint32_t no = (uint32_t)seen > first ? (uint32_t)seen : first;
    bool found = false;

    for (; no < end && !found; no++) {
        uint32_t none = 0;
        uint32_t *owner = &sst_owner(store, no)->owner;

        if (SST_LOAD(*owner) != 0) {
            continue;
        }
        sst_fault_point();
        found = __atomic_compare_exchange_n(owner, &none,
                                            owner_word(shard, class_id), false,
                                            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
    sst_fault_point();
    __atomic_compare_exchange_n(hint, &seen, (seen >> 32) << 32 | no, false,
                                __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    if (!found) {
        return false;
    }
    no--;
    SST_STORE(sst_owner(store, no)->bound, SST_NEVER);
    page_begin(shard, no, class_id, pool);
    list_push(shard, no, class_id);
    return true;
}

static void page_release(sst_shard *shard, uint32_t no)
{
    sst_owner_shm *entry = sst_owner(shard->store, no);
    uint32_t npages = sst_pages_now(shard->store);

    sst_fault_point();
    __atomic_store_n(&entry->owner, 0, __ATOMIC_RELEASE);
    /* Behind the release: a search that began before it may miss the page,
     * but cannot make the hint forget it. */
    hint_reset(shard->store,
               no < sst_general_pages(npages) ? SST_GENERAL : SST_RESERVE, no);
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
    uint32_t no = *head - 1, really;
    sst_page_shm *page;
    int index;

    if (*head == 0) {
        return false;
    }
    if (!sst_slab_owned(shard, no, &really) || really != class_id) {
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
    chunk_make(shard->store, no, (uint32_t)index, class_id, chunk);
    /* Free chunks were wiped when freed; not so the pages of a file whose
     * header alone was good. */
    sst_wipe(chunk->at, SST_CHUNK_MIN);
    SST_STORE(page->bitmap[index / 64],
              page->bitmap[index / 64] | UINT64_C(1) << (index % 64));
    SST_STORE(page->used, (uint16_t)(page->used + 1));
    if (page->used >= class->count) {
        list_remove(shard, no, class_id);
    }
    return true;
}

/* Whether what the class has is its very last chunk. */
static bool only_one_left(const sst_shard *shard, uint32_t class_id)
{
    uint32_t head = shard->shm->heads[SST_GENERAL][class_id];
    const sst_page_shm *page;
    uint32_t really;

    if (head == 0 || !sst_slab_owned(shard, head - 1, &really)) {
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
        bool claimed = may_claim && page_claim(shard, class_id, SST_GENERAL);

        if (!claimed && use == SST_USE_CREATE) {
            return false;
        }
    }
    if (take_from_head(shard, SST_GENERAL, class_id, chunk)) {
        return true;
    }
    if (use == SST_USE_CREATE) {
        return false;
    }
    if (shard->shm->heads[SST_RESERVE][class_id] == 0 && may_claim) {
        (void)page_claim(shard, class_id, SST_RESERVE);
    }
    return take_from_head(shard, SST_RESERVE, class_id, chunk);
}

bool sst_slab_take_locked(sst_shard *shard, uint32_t bytes, sst_use use,
                          sst_chunk *chunk)
{
    const shm_store *store = shard->store;
    uint32_t units = (bytes + 15) / 16;
    uint32_t class_id = store->class_of[units];

    if (take_class(shard, class_id, use, true, chunk)) {
        return true;
    }
    /* Better a chunk with room to spare than a refusal. */
    while (++class_id < store->geo.nclasses &&
           store->classes[class_id].size <= 2 * bytes) {
        if (take_class(shard, class_id, use, false, chunk)) {
            return true;
        }
    }
    return false;
}

bool sst_slab_take_class_locked(sst_shard *shard, uint32_t class_id,
                                sst_chunk *chunk)
{
    return take_from_head(shard, SST_GENERAL, class_id, chunk);
}

bool sst_slab_in_reserve(const sst_shard *shard, const sst_chunk *chunk)
{
    return pool_of(sst_page(shard->store, chunk->page)) == SST_RESERVE;
}

void sst_slab_give_locked(sst_shard *shard, const sst_chunk *chunk)
{
    const sst_class *class = &shard->store->classes[chunk->class_id];
    sst_page_shm *page = sst_page(shard->store, chunk->page);
    uint64_t *word = &page->bitmap[chunk->index / 64];
    bool was_full = page->used >= class->count;

    if (!sst_slab_used(shard, chunk) || page->used == 0) {
        shard->repair_wanted = true;
        return;
    }
    sst_wipe(chunk->at, chunk->size);
    SST_STORE(*word, *word & ~(UINT64_C(1) << (chunk->index % 64)));
    SST_STORE(page->used, (uint16_t)(page->used - 1));
    if (page->used == 0) {
        if (!was_full) {
            list_remove(shard, chunk->page, chunk->class_id);
        }
        page_release(shard, chunk->page);
    }
    else if (was_full) {
        list_push(shard, chunk->page, chunk->class_id);
    }
}

/* ---- repair ------------------------------------------------------------- */

void sst_slab_forget_locked(sst_shard *shard)
{
    shm_store *store = shard->store;
    uint32_t npages = sst_pages_now(store);
    uint32_t general = sst_general_pages(npages);

    sst_wipe(shard->shm->heads, sizeof(shard->shm->heads));
    for (uint32_t no = 0; no < npages; no++) {
        sst_owner_shm *entry = sst_owner(store, no);
        uint32_t word = SST_LOAD(entry->owner);

        if (word >> 8 != shard->no + 1) {
            continue;
        }
        if ((word & 0xff) >= store->geo.nclasses) {
            page_release(shard, no);
            continue;
        }
        SST_STORE(entry->bound, SST_NEVER);
        page_begin(shard, no, word & 0xff,
                   no < general ? SST_GENERAL : SST_RESERVE);
    }
}

void sst_slab_mark_locked(sst_shard *shard, const sst_chunk *chunk)
{
    sst_page_shm *page = sst_page(shard->store, chunk->page);
    uint64_t *word = &page->bitmap[chunk->index / 64];

    SST_STORE(*word, *word | UINT64_C(1) << (chunk->index % 64));
    SST_STORE(page->used, (uint16_t)(page->used + 1));
}

void sst_slab_unmark_locked(sst_shard *shard, const sst_chunk *chunk)
{
    sst_page_shm *page = sst_page(shard->store, chunk->page);
    uint64_t *word = &page->bitmap[chunk->index / 64];

    SST_STORE(*word, *word & ~(UINT64_C(1) << (chunk->index % 64)));
    SST_STORE(page->used, (uint16_t)(page->used - 1));
}

static void settle_page(sst_shard *shard, uint32_t no, uint32_t class_id)
{
    const sst_class *class = &shard->store->classes[class_id];
    sst_page_shm *page = sst_page(shard->store, no);
    sst_chunk chunk;

    for (uint32_t i = 0; i < class->count; i++) {
        chunk_make(shard->store, no, i, class_id, &chunk);
        if (page->used == class->count) {
            break;
        }
        if (!sst_slab_used(shard, &chunk)) {
            sst_wipe(chunk.at, chunk.size);
        }
    }
    if (page->used == 0) {
        page_release(shard, no);
    }
    else if (page->used < class->count) {
        list_push(shard, no, class_id);
    }
}

void sst_slab_settle_locked(sst_shard *shard)
{
    uint32_t npages = sst_pages_now(shard->store);
    uint32_t class_id;

    for (uint32_t no = 0; no < npages; no++) {
        if (sst_slab_owned(shard, no, &class_id)) {
            settle_page(shard, no, class_id);
        }
    }
    /* The dead may have given a page back and not told. */
    hint_reset(shard->store, SST_GENERAL, 0);
    hint_reset(shard->store, SST_RESERVE, 0);
}
