/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sst_index.h.  The hash is SipHash under a key of the segment's own, so
 * nobody can choose keys that share a bucket.  Shard, bucket and tag are
 * different bits of it: 12, 28 and 24.
 */
#include "sst_index.h"

#include <sodium.h>

#define PREFETCH 1280u /* bytes */

_Static_assert(crypto_shorthash_KEYBYTES == 16, "the header's key");
_Static_assert(crypto_shorthash_BYTES == 8, "one word");

uint64_t sst_hash_bits(const shm_store *store, const unsigned char *key)
{
    uint64_t bits;

    crypto_shorthash((unsigned char *)&bits, key, SST_KEY_LEN, store->hash_key);
    return bits;
}

sst_chain sst_chain_begin(sst_shard *shard, uint32_t bucket)
{
    return (sst_chain){
        .shard = shard,
        .bucket = sst_bucket(shard->store, shard->no, bucket),
    };
}

bool sst_chain_next(sst_chain *chain)
{
    uint64_t link = chain->bucket->link;

    if (link == 0 || chain->depth >= SST_CHAIN_MAX) {
        return false;
    }
    if (!sst_slab_at(chain->shard, link, &chain->chunk)) {
        chain->shard->repair_wanted = true;
        return false;
    }
    chain->bucket = (sst_bucket_shm *)(void *)chain->chunk.at;
    chain->depth++;
    return true;
}

const unsigned char *sst_word_address(const shm_store *store, uint64_t word)
{
    /* By integers: the offset may be one that no object has. */
    return (const unsigned char *)((uintptr_t)store->base +
                                   (word & SST_WORD_OFFSET) * 16);
}

static inline bool has_tag(uint64_t word, uint64_t tag)
{
    return ((word ^ tag) & ~SST_WORD_OFFSET) == 0;
}

/* All of a typical record at once, instead of line after line: so much as the
 * chunks of its page hold, and the head of that page, which who replaces it
 * needs last.  A prefetch does not fault, so nothing need be believed. */
static void prefetch_record(const shm_store *store, uint64_t word)
{
    const unsigned char *at = sst_word_address(store, word);
    uint64_t page = ((word & SST_WORD_OFFSET) * 16 - store->geo.pages_off) >>
                    store->page_shift;
    uint32_t class_id, size;

    if (page >= store->geo.max_pages) {
        return;
    }
    class_id = SST_LOAD(sst_owner(store, (uint32_t)page)->owner) & 0xff;
    size = class_id < SST_CLASS_MAX ? store->classes[class_id].size : 0;
    size = size < PREFETCH ? size : PREFETCH;
    for (uint32_t i = 0; i < size; i += 64) {
        __builtin_prefetch(at + i);
    }
    __builtin_prefetch(sst_page(store, (uint32_t)page));
}

static void prefetch_bucket(const shm_store *store,
                            const sst_bucket_shm *bucket, uint64_t tag)
{
    for (unsigned i = 0; i < SST_SLOTS; i++) {
        uint64_t word = SST_LOAD(bucket->words[i]);

        if (has_tag(word, tag)) {
            prefetch_record(store, word);
            return;
        }
    }
}

void sst_index_prefetch(const shm_store *store, const sst_hash *hash)
{
    prefetch_bucket(store, sst_bucket(store, hash->shard, hash->bucket),
                    hash->tag);
}

static const unsigned char *key_in(const sst_chunk *chunk)
{
    return chunk->at + sizeof(sst_record_shm);
}

/* Keys are already keyed hashes: no need for constant time.  In words, which is
 * half of what memcmp takes to come to the same. */
static bool same_key(const unsigned char *one, const unsigned char *other)
{
    uint64_t a[SST_KEY_LEN / 8], b[SST_KEY_LEN / 8];

    memcpy(a, one, SST_KEY_LEN);
    memcpy(b, other, SST_KEY_LEN);
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

static inline bool find_in(sst_shard *shard, sst_bucket_shm *bucket,
                           const sst_hash *hash, const unsigned char *key,
                           sst_slot *slot)
{
    const uint64_t tag = hash->tag;

    for (unsigned i = 0; i < SST_SLOTS; i++) {
        uint64_t word = bucket->words[i];

        /* An empty word names no chunk. */
        if (has_tag(word, tag) && sst_word_chunk(shard, word, &slot->chunk) &&
            same_key(key_in(&slot->chunk), key)) {
            slot->word = &bucket->words[i];
            return true;
        }
    }
    return false;
}

bool sst_index_find_locked(sst_shard *shard, const sst_hash *hash,
                           const unsigned char *key, sst_slot *slot)
{
    sst_bucket_shm *first = sst_bucket(shard->store, shard->no, hash->bucket);
    sst_chain chain;

    if (find_in(shard, first, hash, key, slot)) {
        return true;
    }
    if (first->link == 0) {
        return false;
    }
    chain = sst_chain_begin(shard, hash->bucket);
    while (sst_chain_next(&chain)) {
        prefetch_bucket(shard->store, chain.bucket, hash->tag);
        if (find_in(shard, chain.bucket, hash, key, slot)) {
            return true;
        }
    }
    return false;
}

/* Which chain a bucket belongs to is told by any record that it names. */
static bool bucket_of(const sst_shard *shard, const sst_bucket_shm *bucket,
                      uint32_t *no)
{
    for (unsigned i = 0; i < SST_SLOTS; i++) {
        sst_chunk chunk;

        if (bucket->words[i] != 0 &&
            sst_word_chunk(shard, bucket->words[i], &chunk)) {
            *no = sst_hash_of(shard->store, key_in(&chunk)).bucket;
            return true;
        }
    }
    return false;
}

uint64_t *sst_index_link_to(sst_shard *shard, const sst_chunk *chunk)
{
    uint64_t wanted = sst_slab_units(shard->store, chunk);
    sst_chain chain;
    uint32_t no;

    if (!bucket_of(shard, (const sst_bucket_shm *)(void *)chunk->at, &no)) {
        return NULL;
    }
    chain = sst_chain_begin(shard, no);
    do {
        if (chain.bucket->link == wanted) {
            return &chain.bucket->link;
        }
    } while (sst_chain_next(&chain));
    return NULL;
}

bool sst_index_reverse_locked(sst_shard *shard, const sst_chunk *chunk,
                              sst_slot *slot)
{
    sst_hash hash;
    sst_chain chain;
    uint64_t wanted;

    if (chunk->size < SST_RECORD_HEAD) {
        return false;
    }
    hash = sst_hash_of(shard->store, key_in(chunk));
    if (hash.shard != shard->no) {
        return false;
    }
    wanted = sst_word_make(shard->store, &hash, chunk);
    chain = sst_chain_begin(shard, hash.bucket);
    do {
        for (unsigned i = 0; i < SST_SLOTS; i++) {
            if (chain.bucket->words[i] == wanted) {
                slot->word = &chain.bucket->words[i];
                slot->chunk = *chunk;
                return true;
            }
        }
    } while (sst_chain_next(&chain));
    return false;
}

uint64_t *sst_index_room_locked(sst_shard *shard, const sst_hash *hash)
{
    sst_chain chain = sst_chain_begin(shard, hash->bucket);

    do {
        for (unsigned i = 0; i < SST_SLOTS; i++) {
            if (chain.bucket->words[i] == 0) {
                return &chain.bucket->words[i];
            }
        }
    } while (sst_chain_next(&chain));
    return NULL;
}

bool sst_index_extend_locked(sst_shard *shard, const sst_hash *hash,
                             const sst_chunk *chunk, uint64_t word)
{
    sst_chain chain = sst_chain_begin(shard, hash->bucket);
    sst_bucket_shm *made = (sst_bucket_shm *)(void *)chunk->at;

    while (sst_chain_next(&chain)) {
    }
    if (chain.depth >= SST_CHAIN_MAX || chain.bucket->link != 0) {
        return false;
    }
    SST_STORE(made->words[0], word);
    sst_publish(&chain.bucket->link, sst_slab_units(shard->store, chunk));
    return true;
}

bool sst_bucket_empty(const sst_bucket_shm *bucket)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < SST_SLOTS; i++) {
        all |= bucket->words[i];
    }
    return all == 0;
}

void sst_index_trim_locked(sst_shard *shard, uint32_t bucket)
{
    sst_chain chain = sst_chain_begin(shard, bucket);
    sst_bucket_shm *before = chain.bucket;

    while (sst_chain_next(&chain)) {
        sst_chunk gone = chain.chunk;

        if (!sst_bucket_empty(chain.bucket)) {
            before = chain.bucket;
            continue;
        }
        /* Past it first: its own link is about to be wiped. */
        sst_publish(&before->link, chain.bucket->link);
        chain.bucket = before;
        sst_slab_give_locked(shard, &gone);
    }
}
