/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index is the truth: a record exists if and only if a word names it, and
 * words change by one store.  So nothing need be known about what the dead
 * owner was doing: clear every bitmap, walk the index, set the bits of what it
 * names, and free the rest.
 *
 * The alternative, an intent record that says what was half done, is faster to
 * finish but has to be written by every operation and has a crash point of its
 * own.  Structure only: checksums cost five times as much and a get verifies
 * them anyway.
 *
 * Idempotent: dying here leaves the lock with a dead owner, and the next one
 * begins again; a word that was dropped stays dropped.
 */
#include "sst_repair.h"

#include "sst_figures.h"
#include "sst_record.h"

#define AHEAD 6u /* buckets */

typedef struct repair {
    sst_shard *shard;
    bool sums;
    uint64_t lost;
    uint64_t token;
} repair;

/* Marks the pieces of a value; none if one of them is somebody else's. */
static bool mark_pieces(sst_shard *shard, const sst_chunk *chunk, uint32_t len,
                        uint64_t *bytes)
{
    sst_pieces pieces = sst_pieces_begin(shard, chunk, len);
    uint32_t marked = 0;
    bool sound = true, more = true;

    *bytes = 0;
    while (more && sound) {
        if (sst_slab_used(shard, &pieces.chunk)) {
            sound = false;
            break;
        }
        sst_slab_mark_locked(shard, &pieces.chunk);
        *bytes += pieces.chunk.size;
        marked++;
        more = sst_pieces_next(&pieces, &sound);
    }
    if (sound) {
        return true;
    }
    pieces = sst_pieces_begin(shard, chunk, len);
    for (sound = true; marked > 0; marked--) {
        sst_slab_unmark_locked(shard, &pieces.chunk);
        (void)sst_pieces_next(&pieces, &sound);
    }
    return false;
}

static bool mark_record(sst_shard *shard, const sst_chunk *chunk,
                        const sst_head *head, uint64_t *bytes)
{
    if (sst_head_single(chunk, head)) {
        sst_slab_mark_locked(shard, chunk);
        *bytes = chunk->size;
        return true;
    }
    if (!mark_pieces(shard, chunk, head->len, bytes)) {
        return false;
    }
    /* Who died may have moved the first chunk and not told the others. */
    sst_record_own_pieces_locked(shard, chunk, head->len);
    return true;
}

static bool accept_word(repair *work, uint32_t bucket, uint64_t word)
{
    sst_shard *shard = work->shard;
    sst_chunk chunk;
    sst_head head;
    sst_hash hash;
    uint64_t bytes;

    if (!sst_word_chunk(shard, word, &chunk) || sst_slab_used(shard, &chunk) ||
        !sst_head_read(&chunk, &head)) {
        return false;
    }
    hash = sst_hash_of(shard->store, chunk.at + sizeof(sst_record_shm));
    if (hash.shard != shard->no || hash.bucket != bucket ||
        sst_word_make(shard->store, &hash, &chunk) != word ||
        (work->sums && !sst_record_sound(shard, &chunk, &head)) ||
        !mark_record(shard, &chunk, &head, &bytes)) {
        return false;
    }
    sst_slab_lower_bound(shard, chunk.page, head.expires);
    sst_figures_add_locked(&shard->shm->figures, &head, bytes);
    if (head.token > work->token) {
        work->token = head.token;
    }
    return true;
}

static void repair_words(repair *work, uint32_t no, sst_bucket_shm *bucket)
{
    for (unsigned i = 0; i < SST_SLOTS; i++) {
        uint64_t word = bucket->words[i];

        if (word != 0 && !accept_word(work, no, word)) {
            sst_publish(&bucket->words[i], 0);
            work->lost++;
        }
    }
}

static void repair_chain(repair *work, uint32_t no)
{
    sst_shard *shard = work->shard;
    sst_bucket_shm *bucket = sst_bucket(shard->store, shard->no, no);
    unsigned depth = 0;

    repair_words(work, no, bucket);
    while (bucket->link != 0) {
        sst_bucket_shm *next;
        sst_chunk chunk;

        if (depth++ == SST_CHAIN_MAX ||
            !sst_slab_at(shard, bucket->link, &chunk) ||
            sst_slab_used(shard, &chunk)) {
            sst_publish(&bucket->link, 0);
            work->lost++;
            return;
        }
        sst_slab_mark_locked(shard, &chunk);
        next = (sst_bucket_shm *)(void *)chunk.at;
        repair_words(work, no, next);
        if (sst_bucket_empty(next)) {
            sst_publish(&bucket->link, next->link);
            sst_slab_unmark_locked(shard, &chunk);
        }
        else {
            bucket = next;
        }
    }
}

/* Nearly all of a repair is waiting for lines of memory: ask early. */
static void look_ahead(const sst_shard *shard, uint32_t no)
{
    const shm_store *store = shard->store;
    const sst_bucket_shm *bucket;

    if (no + 2 * AHEAD >= store->geo.nbuckets) {
        return;
    }
    __builtin_prefetch(sst_bucket(store, shard->no, no + 2 * AHEAD));
    bucket = sst_bucket(store, shard->no, no + AHEAD);
    for (unsigned i = 0; i < SST_SLOTS; i++) {
        if (bucket->words[i] != 0) {
            const unsigned char *at = sst_word_address(store, bucket->words[i]);

            /* Two lines or three: a chunk begins at any 16 bytes. */
            __builtin_prefetch(at);
            __builtin_prefetch(at + 64);
            __builtin_prefetch(at + SST_RECORD_HEAD - 1);
        }
    }
}

uint64_t sst_repair_locked(sst_shard *shard, bool sums)
{
    sst_shard_shm *shm = shard->shm;
    repair work = {
        .shard = shard, .sums = sums, .token = sst_token_last(shm->token)};

    sst_wipe(&shm->figures, sizeof(shm->figures));
    sst_page_forget_all_locked(shard);
    for (uint32_t i = 0; i < shard->store->geo.nbuckets; i++) {
        look_ahead(shard, i);
        repair_chain(&work, i);
    }
    sst_slab_wipe_free_locked(shard);
    sst_page_settle_all_locked(shard);
    if (work.token != shm->token) {
        SST_STORE(shm->token, work.token);
    }
    if (work.lost > 0) {
        SST_ADD(shm->counters.damaged, work.lost);
    }
    shard->repair_wanted = false;
    return work.lost;
}
