/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocate, fill, checksum, publish by one store, free the old: all in one
 * lock hold, so that nothing allocated is ever unreferenced outside it and a
 * repair may free whatever no index word names.  If making room takes longer
 * than a hold should, nothing is kept but the room, and all begins anew.
 *
 * Making room can end other records and move all of them, the one that is
 * being replaced too, which only its token keeps from being ended.  So places
 * are looked up again when all chunks are there.
 */
#include "sst_write.h"

#include "sst_figures.h"
#include "sst_room.h"

/* What remembers an end, and a record that began before now, a session that
 * goes on under another key, may use the reserve: a log-out must not fail for
 * want of room that new sessions took. */
static bool is_new(const sst_write *write)
{
    return write->create && write->meta->created_ms >= write->now_ms &&
           write->meta->kind != SST_EPOCH && write->meta->kind != SST_TOMBSTONE;
}

/* What a hold before this one has found out is kept. */
static void room_begin(sst_write *write)
{
    sst_room *room = &write->room;

    room->use.create = is_new(write);
    room->want.kind = write->meta->kind;
    room->want.ns = write->meta->ns;
    room->want.keep = write->old.word != NULL ? write->old_head.token : 0;
    room->want.now_ms = write->now_ms;
    room->held = 0;
    room->again = false;
    room->moved = false;
}

static bool take_record(sst_shard *shard, const sst_write *write,
                        sst_room *room, sst_chunk *chunk)
{
    uint32_t missing;

    while (!sst_record_take_locked(shard, write->len, room->use, chunk,
                                   &missing)) {
        if (!sst_room_make_locked(shard, room, missing)) {
            return false;
        }
    }
    return true;
}

/* For the bucket chunk behind a full chain.  Room may also appear in the
 * chain itself meanwhile; then none is needed. */
static bool take_bucket(sst_shard *shard, const sst_write *write,
                        sst_room *room, sst_chunk *chunk)
{
    chunk->at = NULL;
    room->step = SST_ROOM_SWEEP;
    while (sst_index_room_locked(shard, write->hash) == NULL) {
        if (sst_slab_take_locked(shard, sizeof(sst_bucket_shm), room->use,
                                 chunk)) {
            return true;
        }
        if (!sst_room_make_locked(shard, room, sizeof(sst_bucket_shm))) {
            return false;
        }
    }
    return true;
}

static bool publish_new(sst_shard *shard, sst_write *write)
{
    uint64_t *place;
    sst_chunk bucket;

    if (!take_bucket(shard, write, &write->room, &bucket)) {
        return false;
    }
    place = sst_index_room_locked(shard, write->hash);
    if (place != NULL) {
        sst_publish(place, write->word);
        return true;
    }
    if (!sst_index_extend_locked(shard, write->hash, &bucket, write->word)) {
        sst_slab_give_locked(shard, &bucket);
        return false;
    }
    return true;
}

/* What it would add to what counts against a limit: nothing if it shrinks. */
static uint64_t growth_of(const sst_shard *shard, const sst_write *write)
{
    uint64_t bytes = SST_RECORD_HEAD + (uint64_t)write->len;
    uint64_t had = 0;

    if (write->old.word != NULL) {
        had = sst_record_bytes(shard, &write->old.chunk, write->old_head.len);
    }
    return bytes > had ? bytes - had : 0;
}

static bool has_limits(const shm_store *store)
{
    return store->max_anonymous != 0 || store->max_namespace != 0;
}

static shm_refusal limits(sst_shard *shard, const sst_write *write,
                          sst_room *room)
{
    uint64_t growth = 0;

    if (!has_limits(shard->store)) {
        return SST_REFUSED_NOT;
    }
    if (room->use.create || (!write->create && write->old.word != NULL)) {
        growth = growth_of(shard, write);
    }
    return growth > 0 ? sst_room_limits_locked(shard, room, growth)
                      : SST_REFUSED_NOT;
}

static void fill(sst_shard *shard, sst_write *write, const sst_chunk *chunk)
{
    sst_record_fill_locked(shard, chunk, &write->draft, write->token,
                           write->value);
    sst_slab_lower_bound(shard, chunk->page,
                         (uint32_t)(write->draft.head.times >> 32));
    write->word = sst_word_make(shard->store, write->hash, chunk);
}

static void write_out(sst_shard *shard, sst_write *write)
{
    /* Before the record: a token is never given twice, even if we die. */
    write->token = sst_token_last(shard->shm->token) + 1;
    SST_STORE(shard->shm->token, write->token);
    fill(shard, write, &write->chunk);
    write->filled = true;
}

void sst_write_ahead_locked(sst_shard *shard, sst_write *write)
{
    static const sst_use use = {false, false, false};
    uint32_t bytes = SST_RECORD_HEAD + write->len;

    if (bytes <= sst_slab_largest(shard->store) &&
        sst_slab_take_locked(shard, bytes, use, &write->chunk)) {
        write_out(shard, write);
    }
}

void sst_write_undo_locked(sst_shard *shard, sst_write *write)
{
    if (write->filled) {
        (void)sst_record_give_locked(shard, &write->chunk, write->len);
        write->filled = false;
    }
}

/*
 * A replacement that had to borrow from the reserve, or a chunk that is too
 * large, moves on into the chunk that its old record just left.  Otherwise a
 * full store would be eaten up by its own updates: each takes a chunk of the
 * reserve and leaves one that a creation takes.
 */
static void move_home(sst_shard *shard, sst_write *write)
{
    const sst_chunk *old = &write->old.chunk;
    sst_chunk *chunk = &write->chunk;
    sst_chunk home;

    if (old->size < SST_RECORD_HEAD + write->len ||
        (chunk->size <= old->size &&
         sst_slab_pool(shard, chunk) == SST_GENERAL) ||
        !sst_slab_take_class_locked(shard, SST_GENERAL, old->class_id, &home)) {
        return;
    }
    fill(shard, write, &home);
    sst_publish(write->old.word, write->word);
    sst_slab_give_locked(shard, chunk);
    *chunk = home;
}

static shm_status refuse(sst_shard *shard, sst_write *write, shm_refusal why)
{
    sst_counters_shm *counters = &shard->shm->counters;
    uint64_t *count =
        why == SST_REFUSED_NAMESPACE   ? &counters->refused_namespace
        : why == SST_REFUSED_ANONYMOUS ? &counters->refused_anonymous
                                       : &counters->refused_room;

    SST_ADD(*count, 1);
    write->report->refusal = why;
    return SST_FULL;
}

/* The figures are told last, when it is known where the record stays. */
static void replace(sst_shard *shard, sst_write *write)
{
    sst_figures_shm *figures = &shard->shm->figures;
    const sst_head *old = &write->old_head;
    sst_head new = sst_draft_head(&write->draft);
    uint64_t old_bytes, bytes;

    sst_publish(write->old.word, write->word);
    old_bytes = sst_record_free_locked(shard, &write->old.chunk, old);
    move_home(shard, write);
    bytes = sst_record_bytes(shard, &write->chunk, new.len);
    if (old_bytes > 0) {
        sst_figures_replace_locked(figures, old, old_bytes, &new, bytes);
    }
    else {
        sst_figures_add_locked(figures, &new, bytes);
    }
}

static bool create(sst_shard *shard, sst_write *write)
{
    sst_head new = sst_draft_head(&write->draft);

    if (!publish_new(shard, write)) {
        return false;
    }
    sst_figures_add_locked(&shard->shm->figures, &new,
                           sst_record_bytes(shard, &write->chunk, new.len));
    return true;
}

static void find_again(sst_shard *shard, sst_write *write)
{
    if (!sst_index_find_locked(shard, write->hash, write->key, &write->old)) {
        write->old.word = NULL;
    }
    else if (!sst_head_read(&write->old.chunk, &write->old_head)) {
        sst_record_damaged_locked(shard, &write->old);
        write->old.word = NULL;
    }
}

/* Room for all of it; the place of the old record is then up to date. */
static shm_refusal make_room(sst_shard *shard, sst_write *write)
{
    sst_room *room = &write->room;
    shm_refusal why;

    if (write->filled && !has_limits(shard->store)) {
        return SST_REFUSED_NOT;
    }
    room_begin(write);
    why = limits(shard, write, room);
    if (why == SST_REFUSED_NOT && !write->filled &&
        !take_record(shard, write, room, &write->chunk)) {
        why = SST_REFUSED_ROOM;
    }
    if (room->moved && write->old.word != NULL) {
        find_again(shard, write);
    }
    return why;
}

shm_status sst_write_locked(sst_shard *shard, sst_write *write)
{
    sst_room *room = &write->room;
    shm_refusal why = make_room(shard, write);

    if (why == SST_REFUSED_NOT) {
        if (!write->filled) {
            write_out(shard, write);
        }
        if (write->old.word != NULL) {
            replace(shard, write);
        }
        else if (!create(shard, write)) {
            why = SST_REFUSED_ROOM;
        }
    }
    write->report->evicted = room->want.live;
    if (why == SST_REFUSED_NOT) {
        return SST_OK;
    }
    sst_write_undo_locked(shard, write);
    return room->again ? SST_BUSY : refuse(shard, write, why);
}
