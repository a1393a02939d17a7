/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks.  A page belongs to one shard and one size class; which of its
 * chunks are in use is a bitmap at its start, so taking or giving back a
 * chunk is one store and there is no list of free chunks to tear.
 *
 * Invariants: a chunk that is not in use is all zero.  A page with no chunk
 * in use is given back.  Everything here is called with the shard's lock held.
 */
#ifndef SST_SLAB_H
#define SST_SLAB_H

#include "sst_page.h"

typedef struct sst_chunk {
    unsigned char *at;
    uint32_t page;
    uint32_t index;
    uint32_t class_id;
    uint32_t size;
} sst_chunk;

/* What may be taken.  Creations leave the last chunk of a class and the
 * reserve alone, so that an existing record can still be replaced, renewed or
 * ended in a store that is full of new ones. */
typedef struct sst_use {
    bool create;
    bool reserve;  /* pages of the reserve, too */
    bool generous; /* better a chunk with room to spare than none */
} sst_use;

/** Take a chunk of at least ${bytes} (at most a quarter page).  It is zero.
 *  False when there is no room for this use.  When no page is free it may come
 *  from a class that is up to a quarter larger, or if generous, twice. */
bool sst_slab_take_locked(sst_shard *shard, uint32_t bytes, sst_use use,
                          sst_chunk *chunk);

/** Take a chunk of class ${class_id} from a page of ${pool} that has one. */
bool sst_slab_take_class_locked(sst_shard *shard, uint32_t pool,
                                uint32_t class_id, sst_chunk *chunk);

/** Wipe a chunk and give it back; the page too, if it was its last. */
void sst_slab_give_locked(sst_shard *shard, const sst_chunk *chunk);

/** Tell a page that a record in it ends at ${tick}. */
void sst_slab_lower_bound(const sst_shard *shard, uint32_t page, uint32_t tick);

/* For repair, between forgetting and settling all pages: what is in use; then
 * wipe the rest. */
void sst_slab_mark_locked(sst_shard *shard, const sst_chunk *chunk);
void sst_slab_unmark_locked(sst_shard *shard, const sst_chunk *chunk);
void sst_slab_wipe_free_locked(sst_shard *shard);

/* ---- where chunks are --------------------------------------------------- */

/** Chunk ${index} of ${page}, whose class has so many. */
static inline void sst_chunk_make(const shm_store *store, uint32_t page,
                                  uint32_t index, uint32_t class_id,
                                  sst_chunk *chunk)
{
    const sst_class *class = &store->classes[class_id];

    chunk->page = page;
    chunk->index = index;
    chunk->class_id = class_id;
    chunk->size = class->size;
    chunk->at = (unsigned char *)sst_page(store, page) + class->first +
                (size_t)index * class->size;
}

/** Chunk ${index} of ${page}, which must be this shard's. */
static inline bool sst_slab_nth(const sst_shard *shard, uint32_t page,
                                uint32_t index, sst_chunk *chunk)
{
    uint32_t class_id;

    if (!sst_page_owned(shard, page, &class_id) ||
        index >= shard->store->classes[class_id].count) {
        return false;
    }
    sst_chunk_make(shard->store, page, index, class_id, chunk);
    return true;
}

/** The chunk that begins at ${units} * 16 bytes.  False if there is none:
 *  outside the pages, another shard's, or not at a chunk's start. */
static inline bool sst_slab_at(const sst_shard *shard, uint64_t units,
                               sst_chunk *chunk)
{
    const shm_store *store = shard->store;
    uint64_t offset = units * 16;
    uint64_t page;
    const sst_class *class;
    uint32_t class_id, in_page, index;

    if (offset < store->geo.pages_off) {
        return false;
    }
    offset -= store->geo.pages_off;
    page = offset >> store->page_shift;
    if (page >= store->geo.max_pages ||
        !sst_page_owned(shard, (uint32_t)page, &class_id)) {
        return false;
    }
    class = &store->classes[class_id];
    /* Of what lies before the first chunk this makes a huge number. */
    in_page = ((uint32_t)offset & (store->geo.page_size - 1)) - class->first;
    index = (uint32_t)((uint64_t)in_page * class->inverse >> 32);
    if (index >= class->count || index * class->size != in_page) {
        return false;
    }
    sst_chunk_make(store, (uint32_t)page, index, class_id, chunk);
    return true;
}

/** Where a chunk lies, in units of 16 bytes. */
static inline uint64_t sst_slab_units(const shm_store *store,
                                      const sst_chunk *chunk)
{
    return (uint64_t)(chunk->at - store->base) / 16;
}

/** Is its bit set? */
static inline bool sst_slab_used(const sst_shard *shard, const sst_chunk *chunk)
{
    const sst_page_shm *page = sst_page(shard->store, chunk->page);

    return page->bitmap[chunk->index / 64] >> (chunk->index % 64) & 1;
}

/** The class of ${bytes}, which fit a chunk. */
static inline uint32_t sst_slab_class(const shm_store *store, uint32_t bytes)
{
    return store->class_of[(bytes + 15) / 16];
}

/** The pool that the chunk lies in. */
static inline uint32_t sst_slab_pool(const sst_shard *shard,
                                     const sst_chunk *chunk)
{
    return sst_page_pool(sst_page(shard->store, chunk->page));
}

/** The largest class's chunk size. */
static inline uint32_t sst_slab_largest(const shm_store *store)
{
    return store->classes[store->geo.nclasses - 1].size;
}

#endif
