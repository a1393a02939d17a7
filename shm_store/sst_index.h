/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: buckets of seven tagged words, one cache line each, with
 * overflow buckets (64-byte chunks of the slab) behind a full one.
 *
 * Invariants: a word names the chunk of a record whose key hashes to this
 * shard, bucket and tag.  Storing one word makes a record exist, replaces it,
 * or ends it.  A chain has at most SST_CHAIN_MAX overflow buckets; no walk
 * goes further, whatever the links say.  Called with the shard's lock held.
 */
#ifndef SST_INDEX_H
#define SST_INDEX_H

#include "sst_slab.h"

/* Of a word; the rest is the tag. */
#define SST_WORD_OFFSET ((UINT64_C(1) << 40) - 1)

typedef struct sst_hash {
    uint64_t bits;
    uint64_t tag; /* already in its place in the word */
    uint32_t shard;
    uint32_t bucket;
} sst_hash;

/* Where a record is: its word, and the chunk that it names. */
typedef struct sst_slot {
    uint64_t *word;
    sst_chunk chunk;
} sst_slot;

/* A walk along one chain, overflow buckets included. */
typedef struct sst_chain {
    sst_shard *shard;
    sst_bucket_shm *bucket;
    sst_chunk chunk; /* of an overflow bucket; chunk.at is NULL for the first */
    unsigned depth;
} sst_chain;

/** Keyed hash of a key. */
uint64_t sst_hash_bits(const shm_store *store, const unsigned char *key);

/* 28 bits as a fraction of the buckets: their number is any, not a power of
 * two, or the index would be up to a half too large or too small. */
static inline uint32_t sst_bucket_for(uint64_t bits, uint32_t nbuckets)
{
    uint64_t fraction = bits >> 24 & ((UINT64_C(1) << 28) - 1);

    return (uint32_t)(fraction * nbuckets >> 28);
}

/** Keyed hash of a key and what follows from it. */
static inline sst_hash sst_hash_of(const shm_store *store,
                                   const unsigned char *key)
{
    uint64_t bits = sst_hash_bits(store, key);

    return (sst_hash){
        .bits = bits,
        .tag = bits << 40,
        .shard = (uint32_t)(bits >> 52) & (store->geo.nshards - 1),
        .bucket = sst_bucket_for(bits, store->geo.nbuckets),
    };
}

/** Ask for the lines of the record, as its bucket names it now, before the lock
 *  is taken: the wait for them overlaps with the lock and with what a write can
 *  do first.  What is seen without the lock is not believed. */
void sst_index_prefetch(const shm_store *store, const sst_hash *hash);

/** Begin at bucket ${bucket}; step to the next, false at the end. */
sst_chain sst_chain_begin(sst_shard *shard, uint32_t bucket);
bool sst_chain_next(sst_chain *chain);

/** The chunk that a word names, if it may hold a record of this shard. */
static inline bool sst_word_chunk(const sst_shard *shard, uint64_t word,
                                  sst_chunk *chunk)
{
    return sst_slab_at(shard, word & SST_WORD_OFFSET, chunk) &&
           chunk->size >= SST_RECORD_HEAD;
}

/** Where a word points, believed or not: for prefetches only. */
const unsigned char *sst_word_address(const shm_store *store, uint64_t word);

/** The word for a record of hash ${hash} in ${chunk}. */
static inline uint64_t sst_word_make(const shm_store *store,
                                     const sst_hash *hash,
                                     const sst_chunk *chunk)
{
    return hash->tag | sst_slab_units(store, chunk);
}

/** The same word when its record lies in ${chunk}. */
static inline uint64_t sst_word_moved(const shm_store *store, uint64_t word,
                                      const sst_chunk *chunk)
{
    return (word & ~SST_WORD_OFFSET) | sst_slab_units(store, chunk);
}

/** The link that names the overflow bucket in ${chunk}, or NULL if there is
 *  none in it. */
uint64_t *sst_index_link_to(sst_shard *shard, const sst_chunk *chunk);

/** Find the record of ${key}. */
bool sst_index_find_locked(sst_shard *shard, const sst_hash *hash,
                           const unsigned char *key, sst_slot *slot);

/** Find the word that names the record in ${chunk}, if it is one: this is how
 *  a sweep tells records from the other things that lie in a page. */
bool sst_index_reverse_locked(sst_shard *shard, const sst_chunk *chunk,
                              sst_slot *slot);

/** An empty word in the chain, or NULL when every bucket of it is full. */
uint64_t *sst_index_room_locked(sst_shard *shard, const sst_hash *hash);

/** Hang ${chunk}, with ${word} as its only entry, behind the chain's last
 *  bucket: the same store links the bucket and publishes the record. */
bool sst_index_extend_locked(sst_shard *shard, const sst_hash *hash,
                             const sst_chunk *chunk, uint64_t word);

/** Unlink the overflow buckets of a chain that hold nothing. */
void sst_index_trim_locked(sst_shard *shard, uint32_t bucket);

/** Is no word of the bucket in use? */
bool sst_bucket_empty(const sst_bucket_shm *bucket);

#endif
