/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks.  A page belongs to one shard and one size class; which of its
 * chunks are in use is a bitmap at its start, so taking or giving back a
 * chunk is one store and there is no list of free chunks to tear.
 *
 * Invariants: a chunk that is not in use is all zero.  A page with no chunk
 * in use is free (owner word 0) and any shard may claim it for any class.
 * A page that is neither empty nor full is on one list of its shard.
 * Everything here is called with the shard's lock held.
 */
#ifndef SST_SLAB_H
#define SST_SLAB_H

#include "sst_handle.h"

typedef struct sst_chunk {
    unsigned char *at;
    uint32_t page;
    uint32_t index;
    uint32_t class_id;
    uint32_t size;
} sst_chunk;

/* Creations stop where the reserve begins; an existing record can still be
 * replaced, renewed or ended in a store that is full of new ones. */
typedef enum sst_use { SST_USE_CREATE, SST_USE_REPLACE } sst_use;

/** Take a chunk of at least ${bytes} (at most a quarter page).  It is zero.
 *  False when there is no room for this use. */
bool sst_slab_take_locked(sst_shard *shard, uint32_t bytes, sst_use use,
                          sst_chunk *chunk);

/** Take a chunk of class ${class_id} from a general page that has one. */
bool sst_slab_take_class_locked(sst_shard *shard, uint32_t class_id,
                                sst_chunk *chunk);

/** Does the chunk lie in the reserve? */
bool sst_slab_in_reserve(const sst_shard *shard, const sst_chunk *chunk);

/** Wipe a chunk and give it back; the page too, if it was its last. */
void sst_slab_give_locked(sst_shard *shard, const sst_chunk *chunk);

/** The chunk that begins at ${units} * 16 bytes.  False if there is none:
 *  outside the pages, another shard's, or not at a chunk's start. */
bool sst_slab_at(const sst_shard *shard, uint64_t units, sst_chunk *chunk);

/** Chunk ${index} of ${page}, which must be this shard's. */
bool sst_slab_nth(const sst_shard *shard, uint32_t page, uint32_t index,
                  sst_chunk *chunk);

/** Where a chunk lies, in units of 16 bytes. */
uint64_t sst_slab_units(const shm_store *store, const sst_chunk *chunk);

/** Is its bit set? */
bool sst_slab_used(const sst_shard *shard, const sst_chunk *chunk);

/** Is ${page} this shard's, and of which class? */
bool sst_slab_owned(const sst_shard *shard, uint32_t page, uint32_t *class_id);

/** Tell a page that a record in it ends at ${tick}. */
void sst_slab_lower_bound(const sst_shard *shard, uint32_t page, uint32_t tick);

/* For repair: forget what is in the pages, then rebuild from what is found. */
void sst_slab_forget_locked(sst_shard *shard);
void sst_slab_mark_locked(sst_shard *shard, const sst_chunk *chunk);
void sst_slab_unmark_locked(sst_shard *shard, const sst_chunk *chunk);
void sst_slab_settle_locked(sst_shard *shard);

/** The largest class's chunk size. */
static inline uint32_t sst_slab_largest(const shm_store *store)
{
    return store->classes[store->geo.nclasses - 1].size;
}

#endif
