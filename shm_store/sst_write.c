/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocate, fill, checksum, publish by one store, free the old: all in one
 * lock hold, so that nothing allocated is ever unreferenced outside it and a
 * repair may free whatever no index word names.
 *
 * Making room can end other records, and with them overflow buckets of the
 * very chain that we write to.  So the place in the index is looked up when
 * all chunks are there, and the record being replaced is kept out of it.
 */
#include "sst_write.h"

#include "sst_evict.h"
#include "sst_sweep.h"

#define ROUNDS_MAX 64u /* evictions for one write */

static bool make_room(sst_shard *shard, sst_write *write, uint32_t bytes,
                      unsigned round)
{
    const unsigned char *keep =
        write->old.word != NULL ? write->old.chunk.at : NULL;

    if (sst_sweep_shard_locked(shard, keep, write->now_ms) > 0) {
        return true;
    }
    return shard->store->on_full == SST_EVICT && round < ROUNDS_MAX &&
           sst_evict_locked(shard, bytes, write->meta->kind, keep,
                            write->now_ms, &write->evicted) > 0;
}

/* A record that began before now is a session that goes on under another key:
 * its log-out must not fail for want of room that new sessions took. */
static sst_use use_of(const sst_write *write)
{
    return write->create && write->meta->created_ms >= write->now_ms
               ? SST_USE_CREATE
               : SST_USE_REPLACE;
}

static bool take_record(sst_shard *shard, sst_write *write, sst_chunk *chunk)
{
    sst_use use = use_of(write);
    uint32_t missing;

    for (unsigned round = 0;; round++) {
        if (sst_record_take_locked(shard, write->meta->value_len, use, chunk,
                                   &missing)) {
            return true;
        }
        if (!make_room(shard, write, missing, round)) {
            return false;
        }
    }
}

/* For the bucket chunk behind a full chain.  Room may also appear in the
 * chain itself meanwhile; then none is needed. */
static bool take_bucket(sst_shard *shard, sst_write *write, sst_chunk *chunk)
{
    sst_use use = use_of(write);

    chunk->at = NULL;
    for (unsigned round = 0; sst_index_room_locked(shard, write->hash) == NULL;
         round++) {
        if (sst_slab_take_locked(shard, sizeof(sst_bucket_shm), use, chunk)) {
            return true;
        }
        if (!make_room(shard, write, sizeof(sst_bucket_shm), round)) {
            return false;
        }
    }
    return true;
}

static bool publish_new(sst_shard *shard, sst_write *write, uint64_t word)
{
    uint64_t *room;
    sst_chunk bucket;

    if (!take_bucket(shard, write, &bucket)) {
        return false;
    }
    room = sst_index_room_locked(shard, write->hash);
    if (room != NULL) {
        sst_publish(room, word);
        return true;
    }
    if (!sst_index_extend_locked(shard, write->hash, &bucket, word)) {
        sst_slab_give_locked(shard, &bucket);
        return false;
    }
    return true;
}

static void free_old(sst_shard *shard, const sst_chunk *chunk)
{
    sst_head head;

    /* A chain that is not sound could lead into somebody else's chunks. */
    if (!sst_head_read(chunk, &head) ||
        ((head.at->next != 0 || head.len > chunk->size - SST_RECORD_HEAD) &&
         !sst_record_sound(shard, chunk, &head))) {
        shard->repair_wanted = true;
        return;
    }
    sst_figures_sub_locked(shard, &head,
                           sst_record_give_locked(shard, chunk, head.len));
}

static uint64_t fill(sst_shard *shard, const sst_write *write,
                     const sst_chunk *chunk)
{
    sst_record_fill_locked(shard, chunk, write->key, write->value, write->meta);
    sst_slab_lower_bound(shard, chunk->page,
                         sst_tick(shard->store, write->meta->expires_ms));
    return sst_word_make(shard->store, write->hash, chunk);
}

/*
 * A replacement that had to borrow from the reserve, or a chunk that is too
 * large, moves on into the chunk that its old record just left.  Otherwise a
 * full store would be eaten up by its own updates: each takes a chunk of the
 * reserve and leaves one that a creation takes.
 */
static void move_home(sst_shard *shard, const sst_write *write,
                      sst_chunk *chunk)
{
    const sst_chunk *old = &write->old.chunk;
    sst_chunk home;

    if (old->size < SST_RECORD_HEAD + write->meta->value_len ||
        (chunk->size <= old->size && !sst_slab_in_reserve(shard, chunk)) ||
        !sst_slab_take_class_locked(shard, old->class_id, &home)) {
        return;
    }
    sst_publish(write->old.word, fill(shard, write, &home));
    sst_slab_give_locked(shard, chunk);
    *chunk = home;
}

shm_status sst_write_locked(sst_shard *shard, sst_write *write)
{
    sst_shard_shm *shm = shard->shm;
    shm_meta *meta = write->meta;
    sst_chunk chunk;
    sst_head head;
    uint64_t word;

    if (!take_record(shard, write, &chunk)) {
        SST_ADD(shm->counters.refused, 1);
        return SST_FULL;
    }
    /* Before the record: a token is never given twice, even if we die now. */
    meta->token = shm->token + 1;
    SST_STORE(shm->token, meta->token);
    word = fill(shard, write, &chunk);
    if (write->old.word != NULL) {
        sst_publish(write->old.word, word);
        free_old(shard, &write->old.chunk);
        move_home(shard, write, &chunk);
    }
    else if (!publish_new(shard, write, word)) {
        (void)sst_record_give_locked(shard, &chunk, meta->value_len);
        SST_ADD(shm->counters.refused, 1);
        return SST_FULL;
    }
    if (sst_head_read(&chunk, &head)) {
        sst_figures_add_locked(
            shard, &head, sst_record_bytes(shard, &chunk, meta->value_len));
    }
    return SST_OK;
}
