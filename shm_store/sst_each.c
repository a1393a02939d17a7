/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the whole: each.
 *
 * A visit has to show every record once although records move from chunk to
 * chunk (each replacement does) and overflow buckets come and go.  So the
 * cursor goes by what cannot move: shard, bucket and, within a long chain, the
 * key.  Visitors run outside the lock and may call the store.
 */
#include "sst_lock.h"
#include "sst_record.h"

typedef struct shown {
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;
} shown;

typedef struct cursor {
    uint32_t bucket;
    bool inside; /* `after` holds the last key shown of this bucket */
    unsigned char after[SST_KEY_LEN];
    int64_t now_ms;
    unsigned count;
    shown batch[SST_EACH_BATCH];
} cursor;

/* Keeps the batch's entries from ${first} on the smallest keys, in order. */
static void insert_by_key(cursor *at, unsigned first, const shown *one,
                          bool *more)
{
    unsigned place = at->count;

    while (place > first &&
           memcmp(at->batch[place - 1].key, one->key, SST_KEY_LEN) > 0) {
        place--;
    }
    if (place == SST_EACH_BATCH) {
        *more = true;
        return;
    }
    if (at->count == SST_EACH_BATCH) {
        *more = true;
        at->count--;
    }
    memmove(&at->batch[place + 1], &at->batch[place],
            (at->count - place) * sizeof(*at->batch));
    at->batch[place] = *one;
    at->count++;
}

static void show_word(sst_shard *shard, cursor *at, unsigned first,
                      uint64_t word, bool *more)
{
    sst_chunk chunk;
    sst_head head;
    shown one;

    if (word == 0 || !sst_word_chunk(shard, word, &chunk) ||
        !sst_head_read(&chunk, &head) ||
        sst_head_ended(shard->store, &head, 0, at->now_ms)) {
        return;
    }
    memcpy(one.key, chunk.at + sizeof(sst_record_shm), SST_KEY_LEN);
    if (at->inside && memcmp(one.key, at->after, SST_KEY_LEN) <= 0) {
        return;
    }
    sst_record_meta(shard->store, &head, &one.meta);
    insert_by_key(at, first, &one, more);
}

/* False when the batch had no room for all of the bucket's records. */
static bool show_bucket(sst_shard *shard, cursor *at)
{
    sst_chain chain = sst_chain_begin(shard, at->bucket);
    unsigned first = at->count;
    bool more = false;

    do {
        for (unsigned i = 0; i < SST_SLOTS; i++) {
            show_word(shard, at, first, chain.bucket->words[i], &more);
        }
    } while (sst_chain_next(&chain));
    if (more) {
        at->inside = true;
        memcpy(at->after, at->batch[at->count - 1].key, SST_KEY_LEN);
        return false;
    }
    at->inside = false;
    at->bucket++;
    return true;
}

static void fill_batch(sst_shard *shard, cursor *at)
{
    const uint32_t nbuckets = shard->store->geo.nbuckets;
    /* An empty shard must not be one long hold either. */
    uint32_t end = nbuckets - at->bucket > 4096 ? at->bucket + 4096 : nbuckets;

    at->count = 0;
    while (at->bucket < end && at->count < SST_EACH_BATCH &&
           show_bucket(shard, at)) {
    }
}

/* No lock is held: the visitor may take its time, or call the store. */
static bool hand_out(const cursor *at, shm_store_visit *visit, void *baton)
{
    for (unsigned i = 0; i < at->count; i++) {
        if (!visit(baton, at->batch[i].key, &at->batch[i].meta)) {
            return false;
        }
    }
    return true;
}

shm_status shm_store_each(shm_store *store, shm_store_visit *visit, void *baton,
                          int64_t now_ms)
{
    cursor at = {.now_ms = now_ms};

    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        at.bucket = 0;
        at.inside = false;
        while (at.bucket < store->geo.nbuckets) {
            sst_shard shard;
            shm_status status =
                sst_shard_lock(store, no, SST_LOCK_WAIT_MS, &shard);

            if (status != SST_OK) {
                return status;
            }
            fill_batch(&shard, &at);
            sst_shard_unlock(&shard);
            if (!sst_usable(store)) {
                return SST_UNAVAILABLE;
            }
            if (!hand_out(&at, visit, baton)) {
                return SST_OK;
            }
        }
    }
    return sst_answer(store, SST_OK);
}
