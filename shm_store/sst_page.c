/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sst_page.h.
 *
 * Death at any store here costs at most a page that is owned and empty, or off
 * its list, and the next owner of the shard's lock makes lists and counts anew
 * from the index.  The lists are a convenience: each link is checked against
 * the page table before it is followed.
 *
 * The hint says "no free page below n", with a generation, so that a search
 * that ran while another page was given back cannot overwrite the news.
 */
#include "sst_page.h"

static uint32_t owner_word(const sst_shard *shard, uint32_t class_id)
{
    return (shard->no + 1) << 8 | class_id;
}

/* ---- lists of pages with room ------------------------------------------- */

void sst_page_link_locked(sst_shard *shard, uint32_t *head, uint32_t no)
{
    sst_page_shm *page = sst_page(shard->store, no);
    uint32_t ignored;

    SST_STORE(page->next, *head);
    SST_STORE(page->prev, 0u);
    if (*head != 0 && sst_page_owned(shard, *head - 1, &ignored)) {
        SST_STORE(sst_page(shard->store, *head - 1)->prev, no + 1);
    }
    SST_STORE(*head, no + 1);
}

void sst_page_unlink_locked(sst_shard *shard, uint32_t *head, uint32_t no)
{
    sst_page_shm *page = sst_page(shard->store, no);
    uint32_t ignored;

    if (*head == no + 1) {
        SST_STORE(*head, page->next);
    }
    else if (page->prev != 0 &&
             sst_page_owned(shard, page->prev - 1, &ignored)) {
        SST_STORE(sst_page(shard->store, page->prev - 1)->next, page->next);
    }
    if (page->next != 0 && sst_page_owned(shard, page->next - 1, &ignored)) {
        SST_STORE(sst_page(shard->store, page->next - 1)->prev, page->prev);
    }
}

/* ---- claim and release -------------------------------------------------- */

static void hint_reset(const shm_store *store, uint32_t pool, uint32_t page)
{
    uint64_t *hint = &sst_header(store)->free_hint[pool];
    uint64_t old = SST_LOAD(*hint);
    uint64_t new;

    do {
        uint32_t below = (uint32_t)old < page ? (uint32_t)old : page;

        new = ((old >> 32) + 1) << 32 | below;
    } while (!SST_SWAP_IF(*hint, old, new));
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
    SST_ADD(sst_page_use(shard, no)->pages, 1);
}

static bool claim_one(sst_shard *shard, uint32_t no, uint32_t class_id)
{
    uint32_t *owner = &sst_owner(shard->store, no)->owner;
    uint32_t none = 0;

    if (SST_LOAD(*owner) != 0) {
        return false;
    }
    return SST_SWAP_IF(*owner, none, owner_word(shard, class_id));
}

/* Bounded by the pages there are, and by the hint in a full store. */
bool sst_page_claim_locked(sst_shard *shard, uint32_t class_id, uint32_t pool)
{
    shm_store *store = shard->store;
    uint64_t *hint = &sst_header(store)->free_hint[pool];
    uint64_t seen = __atomic_load_n(hint, __ATOMIC_ACQUIRE);
    uint32_t npages = sst_pages_now(store);
    uint32_t general = sst_general_pages(npages);
    uint32_t first = pool == SST_GENERAL ? 0 : general;
    uint32_t end = pool == SST_GENERAL ? general : npages;
    uint32_t no = (uint32_t)seen > first ? (uint32_t)seen : first;

    if (no >= end) {
        return false;
    }
    while (no < end && !claim_one(shard, no, class_id)) {
        no++;
    }
    (void)SST_SWAP_IF(*hint, seen,
                      (seen >> 32) << 32 | (no < end ? no + 1 : end));
    if (no == end) {
        return false;
    }
    SST_STORE(sst_owner(store, no)->bound, SST_NEVER);
    page_begin(shard, no, class_id, pool);
    sst_page_list_locked(shard, no);
    return true;
}

static void page_free(sst_shard *shard, uint32_t no)
{
    sst_owner_shm *entry = sst_owner(shard->store, no);
    uint32_t npages = sst_pages_now(shard->store);

    SST_RELEASE(entry->owner, 0u);
    /* Behind the release: a search that began before it may miss the page,
     * but cannot make the hint forget it. */
    hint_reset(shard->store,
               no < sst_general_pages(npages) ? SST_GENERAL : SST_RESERVE, no);
}

void sst_page_release_locked(sst_shard *shard, uint32_t no)
{
    SST_SUB(sst_page_use(shard, no)->pages, 1);
    page_free(shard, no);
}

/* ---- which page could be emptied ---------------------------------------- */

/* The class with most bytes to spare: more than a page's worth, and one chunk,
 * since what a replacement needs for a moment is not given away. */
static bool spare_class(const sst_shard *shard, uint32_t pool,
                        uint32_t *class_id)
{
    const shm_store *store = shard->store;
    uint64_t best = 0;

    for (uint32_t i = 0; i < store->geo.nclasses; i++) {
        const sst_class *class = &store->classes[i];
        const sst_use_shm *use = &shard->shm->uses[pool][i];
        uint64_t chunks = (uint64_t)SST_LOAD(use->pages) * class->count;
        uint64_t used = SST_LOAD(use->used);

        if (chunks > used + class->count &&
            (chunks - used) * class->size > best) {
            best = (chunks - used) * class->size;
            *class_id = i;
        }
    }
    return best > 0;
}

bool sst_page_may_spare(const sst_shard *shard, uint32_t pool)
{
    uint32_t class_id;

    return spare_class(shard, pool, &class_id);
}

bool sst_page_sparsest(const sst_shard *shard, uint32_t pool, uint32_t *page)
{
    uint32_t link, class_id, really, steps = sst_pages_now(shard->store);
    uint32_t least = UINT32_MAX;

    if (!spare_class(shard, pool, &class_id)) {
        return false;
    }
    link = shard->shm->heads[pool][class_id];
    for (; link != 0 && steps > 0; steps--) {
        const sst_page_shm *at;

        if (!sst_page_owned(shard, link - 1, &really) || really != class_id) {
            return false;
        }
        at = sst_page(shard->store, link - 1);
        if (at->used < least) {
            least = at->used;
            *page = link - 1;
        }
        link = at->next;
    }
    return least != UINT32_MAX;
}

/* ---- repair ------------------------------------------------------------- */

void sst_page_forget_all_locked(sst_shard *shard)
{
    shm_store *store = shard->store;
    uint32_t npages = sst_pages_now(store);
    uint32_t general = sst_general_pages(npages);

    sst_wipe(shard->shm->heads, sizeof(shard->shm->heads));
    sst_wipe(shard->shm->uses, sizeof(shard->shm->uses));
    for (uint32_t no = 0; no < npages; no++) {
        sst_owner_shm *entry = sst_owner(store, no);
        uint32_t word = SST_LOAD(entry->owner);

        if (word >> 8 != shard->no + 1) {
            continue;
        }
        if ((word & 0xff) >= store->geo.nclasses) {
            page_free(shard, no);
            continue;
        }
        SST_STORE(entry->bound, SST_NEVER);
        page_begin(shard, no, word & 0xff,
                   no < general ? SST_GENERAL : SST_RESERVE);
    }
}

void sst_page_settle_all_locked(sst_shard *shard)
{
    const shm_store *store = shard->store;
    uint32_t npages = sst_pages_now(shard->store);
    uint32_t class_id;

    for (uint32_t no = 0; no < npages; no++) {
        uint32_t used;

        if (!sst_page_owned(shard, no, &class_id)) {
            continue;
        }
        used = sst_page(store, no)->used;
        if (used == 0) {
            sst_page_release_locked(shard, no);
        }
        else if (used < store->classes[class_id].count) {
            sst_page_list_locked(shard, no);
        }
    }
    /* The dead may have given a page back and not told. */
    hint_reset(store, SST_GENERAL, 0);
    hint_reset(store, SST_RESERVE, 0);
}
