/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public operations on records: check the arguments, lock the key's
 * shard, do one thing, unlock.  What each promises is in shm_store.h.
 *
 * A write frees old chunks only behind the store that publishes the new
 * record.  What ends a record goes round once more if a journal is kept: the
 * end is written there between two looks under the lock (sst_journal.h).  A
 * record that fails its check is taken out of the index here and
 * its chunks are freed by the repair that runs before the unlock.
 */
#include "shm_store.h"

#include <time.h>

#include "sst_get.h"
#include "sst_journal.h"
#include "sst_latency.h"
#include "sst_lock.h"
#include "sst_write.h"

static const char *const status_words[] = {
    [SST_OK] = "ok",
    [SST_MISS] = "miss",
    [SST_GONE] = "gone",
    [SST_CHANGED] = "changed",
    [SST_BUSY] = "busy",
    [SST_FULL] = "full",
    [SST_TOOBIG] = "too big",
    [SST_DAMAGED] = "damaged",
    [SST_UNAVAILABLE] = "unavailable",
    [SST_BADARG] = "bad argument",
};

const char *shm_status_str(shm_status status)
{
    unsigned no = (unsigned)status;

    return no < sizeof(status_words) / sizeof(*status_words) ? status_words[no]
                                                             : "unknown";
}

static const char *const refusals[] = {
    [SST_REFUSED_NOT] = "it was not",
    [SST_REFUSED_ROOM] = "there is no room, and nothing that may go for it",
    [SST_REFUSED_ANONYMOUS] = "the limit of anonymous records is reached",
    [SST_REFUSED_NAMESPACE] = "the limit of its namespace is reached",
};

const char *shm_refusal_str(shm_refusal refusal)
{
    unsigned no = (unsigned)refusal;

    return no < SST_REFUSED_COUNT ? refusals[no] : "unknown";
}

static shm_status enter(shm_store *store, const sst_hash *hash,
                        sst_shard *shard)
{
    sst_index_prefetch(store, hash);
    return sst_shard_lock(store, hash->shard, SST_LOCK_WAIT_MS, shard);
}

/* The record of ${key}, its head read.  SST_MISS; SST_DAMAGED if it cannot be
 * believed, and then it is out of the index. */
static shm_status find_locked(sst_shard *shard, const sst_hash *hash,
                              const unsigned char *key, sst_slot *slot,
                              sst_head *head)
{
    if (!sst_index_find_locked(shard, hash, key, slot)) {
        return SST_MISS;
    }
    if (!sst_head_read(&slot->chunk, head)) {
        sst_record_damaged_locked(shard, slot);
        return SST_DAMAGED;
    }
    return SST_OK;
}

/* ---- get ---------------------------------------------------------------- */

static void copy_out(const sst_shard *shard, const sst_chunk *chunk,
                     uint32_t len, unsigned char *to)
{
    sst_pieces pieces;
    bool sound = true, more = true;

    if (sst_chunk_holds(chunk, len)) {
        memcpy(to, chunk->at + SST_RECORD_HEAD, len);
        return;
    }
    pieces = sst_pieces_begin(shard, chunk, len);
    while (more) {
        if (pieces.len > 0) {
            memcpy(to, pieces.bytes, pieces.len);
            to += pieces.len;
        }
        more = sst_pieces_next(&pieces, &sound);
    }
}

shm_status sst_get_locked(sst_shard *shard, const sst_hash *hash,
                          const sst_get *get)
{
    sst_slot slot;
    sst_head head;
    shm_status status = find_locked(shard, hash, get->key, &slot, &head);

    if (status != SST_OK) {
        return status;
    }
    if (sst_head_ended(shard->store, &head, get->grace_ms, get->now_ms)) {
        return SST_MISS;
    }
    if (!sst_record_sound(shard, &slot.chunk, &head)) {
        sst_record_damaged_locked(shard, &slot);
        return SST_DAMAGED;
    }
    sst_record_meta(shard->store, &head, get->meta);
    if (head.len > get->buflen) {
        return SST_TOOBIG;
    }
    copy_out(shard, &slot.chunk, head.len, get->buf);
    return SST_OK;
}

shm_status shm_store_get(shm_store *store, const unsigned char key[SST_KEY_LEN],
                         void *buf, size_t buflen, shm_meta *meta,
                         int64_t grace_ms, int64_t now_ms)
{
    int64_t began = sst_latency_begin(SST_OP_GET);
    sst_get args = {key, buf, buflen, meta, grace_ms, now_ms};
    shm_status status;
    sst_shard shard;
    sst_hash hash;

    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    hash = sst_hash_of(store, key);
    sst_shard_prefetch(store, hash.shard);
    status = enter(store, &hash, &shard);
    if (status != SST_OK) {
        return status;
    }
    status = sst_get_locked(&shard, &hash, &args);
    if (status == SST_OK) {
        SST_ADD(shard.shm->counters.hits, 1);
    }
    else if (status == SST_MISS) {
        SST_ADD(shard.shm->counters.misses, 1);
    }
    sst_latency_end_locked(&shard, SST_OP_GET, began);
    sst_shard_unlock(&shard);
    return sst_answer(store, status);
}

/* ---- put ---------------------------------------------------------------- */

static bool meta_ok(const shm_meta *meta)
{
    return meta->kind >= SST_ANONYMOUS && meta->kind < SST_KIND_COUNT &&
           meta->created_ms <= meta->hard_end_ms &&
           meta->expires_ms <= meta->hard_end_ms &&
           (uint64_t)meta->hard_end_ms - (uint64_t)meta->created_ms <=
               (uint64_t)SST_LIFETIME_MAX_MS;
}

/* Who waits for the lock sleeps by now, and would find it taken again. */
static void let_others_in(void)
{
    struct timespec moment = {.tv_nsec = 20000};

    nanosleep(&moment, NULL);
}

/* Is there, or is there not, what the token asks for? */
static shm_status judge_locked(sst_shard *shard, sst_write *write,
                               uint64_t token, sst_noted *noted)
{
    sst_counters_shm *counters = &shard->shm->counters;
    const sst_head *head = &write->old_head;
    shm_status status = find_locked(shard, write->hash, write->key, &write->old,
                                    &write->old_head);

    if (status != SST_OK) {
        write->old.word = NULL;
        if (token != 0) {
            SST_ADD(counters->gones, 1);
            return SST_GONE;
        }
    }
    else if (token != 0
                 ? token != head->token
                 : !sst_head_ended(shard->store, head, 0, write->now_ms)) {
        SST_ADD(counters->conflicts, 1);
        return SST_CHANGED;
    }
    return sst_journal_may_put(shard->store, noted, token, write->meta)
               ? SST_OK
               : SST_BUSY;
}

static shm_status put_locked(sst_shard *shard, sst_write *write, uint64_t token,
                             sst_noted *noted)
{
    sst_counters_shm *counters = &shard->shm->counters;
    shm_status status;

    write->create = token == 0;
    write->filled = false;
    if (!write->create) {
        sst_write_ahead_locked(shard, write);
    }
    status = judge_locked(shard, write, token, noted);
    if (status != SST_OK) {
        sst_write_undo_locked(shard, write);
        return status;
    }
    status = sst_write_locked(shard, write);
    if (status == SST_OK && write->create) {
        SST_ADD(counters->creates, 1);
    }
    else if (status == SST_OK) {
        SST_ADD(counters->replaces, 1);
    }
    return status;
}

/* One hold of the lock; it may take more than one. */
static shm_status put_once(shm_store *store, sst_write *write, uint64_t token,
                           sst_noted *noted, int64_t began)
{
    shm_status status;
    sst_shard shard;

    noted->wanted = false;
    write->room.again = false;
    status = enter(store, write->hash, &shard);
    if (status != SST_OK) {
        return status;
    }
    status = put_locked(&shard, write, token, noted);
    if (!noted->wanted && !write->room.again) {
        sst_latency_end_locked(&shard, SST_OP_PUT, began);
    }
    sst_shard_unlock(&shard);
    return status;
}

shm_status shm_store_put_if(shm_store *store,
                            const unsigned char key[SST_KEY_LEN],
                            uint64_t token, const void *value, size_t len,
                            shm_meta *meta, shm_put_report *report,
                            int64_t now_ms)
{
    int64_t began = sst_latency_begin(SST_OP_PUT);
    shm_put_report unasked = {0};
    sst_noted noted = {0};
    shm_status status;
    sst_write write;
    sst_hash hash;

    write.report = report != NULL ? report : &unasked;
    *write.report = (shm_put_report){0};
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    if (!meta_ok(meta)) {
        return SST_BADARG;
    }
    if (len > store->max_record) {
        return SST_TOOBIG;
    }
    write.key = key;
    write.hash = &hash;
    write.value = value;
    write.len = (uint32_t)len;
    write.meta = meta;
    write.now_ms = now_ms;
    write.room = (sst_room){0};
    hash = sst_hash_of(store, key);
    sst_draft_make(store, key, meta, write.len, &write.draft);
    do {
        status = put_once(store, &write, token, &noted, began);
        if (write.room.again) {
            let_others_in();
        }
        if (noted.wanted) {
            sst_journal_note_put(store, key, &noted, meta, now_ms);
        }
    } while ((noted.wanted || write.room.again) && sst_usable(store));
    status = sst_answer(store, status);
    if (status == SST_OK) {
        meta->token = write.token;
        meta->value_len = write.len;
    }
    return status;
}

/* ---- touch, remove ------------------------------------------------------ */

static uint32_t clamp_tick(uint32_t tick, uint32_t low, uint32_t high)
{
    return tick < low ? low : tick > high ? high : tick;
}

static shm_status touch_locked(sst_shard *shard, const sst_hash *hash,
                               const unsigned char *key, int64_t expires_ms,
                               int64_t now_ms)
{
    const shm_store *store = shard->store;
    sst_slot slot;
    sst_head head;
    uint32_t expires, access, now;
    shm_status status = find_locked(shard, hash, key, &slot, &head);

    if (status != SST_OK) {
        return status;
    }
    if (sst_head_ended(store, &head, 0, now_ms)) {
        return SST_MISS;
    }
    now = sst_tick(store, now_ms);
    access = clamp_tick(now, head.last_access, head.hard_end);
    /* Who comes late, or with a clock behind, knows nothing newer: what was
     * noted since then is not taken back. */
    expires = clamp_tick(sst_tick(store, expires_ms),
                         now < head.last_access ? head.expires : head.created,
                         head.hard_end);
    /* Only an end that moves nearer can break the bound. */
    sst_slab_lower_bound(shard, slot.chunk.page, expires);
    sst_publish(&head.at->times, (uint64_t)expires << 32 | access);
    SST_ADD(shard->shm->counters.touches, 1);
    return SST_OK;
}

shm_status shm_store_touch(shm_store *store,
                           const unsigned char key[SST_KEY_LEN],
                           int64_t expires_ms, int64_t now_ms)
{
    int64_t began = sst_latency_begin(SST_OP_TOUCH);
    shm_status status;
    sst_shard shard;
    sst_hash hash;

    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    hash = sst_hash_of(store, key);
    status = enter(store, &hash, &shard);
    if (status == SST_OK) {
        status = touch_locked(&shard, &hash, key, expires_ms, now_ms);
        sst_latency_end_locked(&shard, SST_OP_TOUCH, began);
        sst_shard_unlock(&shard);
    }
    return sst_answer(store, status);
}

static shm_status remove_locked(sst_shard *shard, const sst_hash *hash,
                                const unsigned char *key, uint64_t token,
                                sst_noted *noted)
{
    sst_slot slot;
    const sst_record_shm *at;

    /* A damaged record can be removed, so its head is not asked for. */
    if (!sst_index_find_locked(shard, hash, key, &slot)) {
        return SST_MISS;
    }
    at = (const sst_record_shm *)(void *)slot.chunk.at;
    if (token != 0 && at->token != token) {
        SST_ADD(shard->shm->counters.conflicts, 1);
        return SST_CHANGED;
    }
    if (!sst_journal_may_end(shard->store, noted, at->token)) {
        return SST_BUSY;
    }
    sst_record_drop_locked(shard, &slot);
    SST_ADD(shard->shm->counters.removes, 1);
    return SST_OK;
}

shm_status shm_store_remove(shm_store *store,
                            const unsigned char key[SST_KEY_LEN],
                            uint64_t token)
{
    int64_t began = sst_latency_begin(SST_OP_REMOVE);
    sst_noted noted = {0};
    shm_status status;
    sst_shard shard;
    sst_hash hash;

    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    hash = sst_hash_of(store, key);
    do {
        noted.wanted = false;
        status = enter(store, &hash, &shard);
        if (status != SST_OK) {
            return status;
        }
        status = remove_locked(&shard, &hash, key, token, &noted);
        if (!noted.wanted) {
            sst_latency_end_locked(&shard, SST_OP_REMOVE, began);
        }
        sst_shard_unlock(&shard);
        if (noted.wanted) {
            sst_journal_note(store, key, &noted);
        }
    } while (noted.wanted);
    return sst_answer(store, status);
}
