/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages: whose they are, the lists of those with room, and how many there are
 * of each class.
 *
 * Invariants: the owner word is the truth about a page; 0 is free, and any
 * shard may claim it for any class.  A page that is neither empty nor full is
 * on one list of its shard, unless it is being emptied.  Free pages are found
 * by a hint and not by a list.  Everything here but the owner words and the
 * hints is under the lock of the page's shard.
 */
#ifndef SST_PAGE_H
#define SST_PAGE_H

#include "sst_handle.h"

/** Is ${page} this shard's, and of which class? */
static inline bool sst_page_owned(const sst_shard *shard, uint32_t page,
                                  uint32_t *class_id)
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

/** Which pool a page of ours is in. */
static inline uint32_t sst_page_pool(const sst_page_shm *page)
{
    return page->pool == SST_RESERVE ? SST_RESERVE : SST_GENERAL;
}

/** The class of a page of ours, by the owner word: of a page's own head not a
 *  byte is believed as an index.  Nor is the word, since it was last looked
 *  at. */
static inline uint32_t sst_page_class(const sst_shard *shard, uint32_t page)
{
    uint32_t word = SST_LOAD(sst_owner(shard->store, page)->owner);

    return (word & 0xff) < SST_CLASS_MAX ? word & 0xff : 0;
}

/** How many pages and used chunks the class of page ${no} has in its pool. */
static inline sst_use_shm *sst_page_use(const sst_shard *shard, uint32_t no)
{
    uint32_t pool = sst_page_pool(sst_page(shard->store, no));

    return &shard->shm->uses[pool][sst_page_class(shard, no)];
}

/** Make a free page of the pool ours, of this class, empty and listed. */
bool sst_page_claim_locked(sst_shard *shard, uint32_t class_id, uint32_t pool);

/** Give back an empty page that is on no list. */
void sst_page_release_locked(sst_shard *shard, uint32_t no);

/** Put page ${no} on the list of pages with room that begins at ${head}, or
 *  take it off; then the same for the list of its pool and class. */
void sst_page_link_locked(sst_shard *shard, uint32_t *head, uint32_t no);
void sst_page_unlink_locked(sst_shard *shard, uint32_t *head, uint32_t no);

static inline uint32_t *sst_page_list_of(const sst_shard *shard, uint32_t no)
{
    uint32_t pool = sst_page_pool(sst_page(shard->store, no));

    return &shard->shm->heads[pool][sst_page_class(shard, no)];
}

static inline void sst_page_list_locked(sst_shard *shard, uint32_t no)
{
    sst_page_link_locked(shard, sst_page_list_of(shard, no), no);
}

static inline void sst_page_unlist_locked(sst_shard *shard, uint32_t no)
{
    sst_page_unlink_locked(shard, sst_page_list_of(shard, no), no);
}

/** A listed page of ${pool} that can be emptied into others of its class, of
 *  the class that has most chunks to spare.  False if there is none. */
bool sst_page_sparsest(const sst_shard *shard, uint32_t pool, uint32_t *page);

/** Whether there may be one; reads counts only, so no lock is needed to ask. */
bool sst_page_may_spare(const sst_shard *shard, uint32_t pool);

/** For repair: all pages of the shard empty and on no list; then, when chunks
 *  have been marked, list each that has room and release the empty ones. */
void sst_page_forget_all_locked(sst_shard *shard);
void sst_page_settle_all_locked(sst_shard *shard);

#endif
