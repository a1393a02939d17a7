/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a dump.  The walk is that of shm_store_each, whose promise becomes
 * ours; each value is read by itself, under a lock that is held for that read
 * and no longer.
 */
#include "sst_dump.h"

#include <stdlib.h>

#include "sst_file.h"
#include "sst_get.h"
#include "sst_lock.h"

#define BUSY_TRIES 20 /* a stopped holder is not waited for any longer */

typedef struct dumping {
    shm_store *store;
    const shm_dump_sink *sink;
    shm_dump_report *report;
    int64_t now_ms;
    shm_status status;
    unsigned char *value; /* room for max_record bytes */
} dumping;

static shm_status read_one(const dumping *at, const unsigned char *key,
                           shm_meta *meta)
{
    sst_get get = {.key = key,
                   .buf = at->value,
                   .buflen = SST_MAX_RECORD_MAX,
                   .meta = meta,
                   .now_ms = at->now_ms};
    sst_hash hash = sst_hash_of(at->store, key);
    shm_status status = SST_BUSY;
    sst_shard shard;

    sst_index_prefetch(at->store, &hash);
    for (int i = 0; i < BUSY_TRIES && status == SST_BUSY; i++) {
        status =
            sst_shard_lock(at->store, hash.shard, SST_LOCK_WAIT_MS, &shard);
    }
    if (status == SST_OK) {
        status = sst_get_locked(&shard, &hash, &get);
        sst_shard_unlock(&shard);
    }
    return sst_answer(at->store, status);
}

static bool write_record(dumping *at, const unsigned char *key,
                         const shm_meta *meta)
{
    const shm_dump_sink *sink = at->sink;
    sst_dump_record record = {
        .type = SST_DUMP_RECORD,
        .value_len = meta->value_len,
        .kind = (uint32_t)meta->kind,
        .ns = meta->ns,
        .user_tag = meta->user_tag,
        .handle = meta->handle,
        .token = meta->token,
        .created_ms = sst_own_ms(at->store, meta->created_ms),
        .last_access_ms = sst_own_ms(at->store, meta->last_access_ms),
        .expires_ms = sst_own_ms(at->store, meta->expires_ms),
        .hard_end_ms = sst_own_ms(at->store, meta->hard_end_ms),
    };

    memcpy(record.key, key, SST_KEY_LEN);
    record.sum = sst_dump_record_sum(&record, at->value, at->report->records);
    at->report->records++;
    return sink->write(sink->baton, &record, sizeof(record)) &&
           (meta->value_len == 0 ||
            sink->write(sink->baton, at->value, meta->value_len));
}

/* What the walk has seen may have been replaced or have gone since. */
static bool visit(void *baton, const unsigned char *key, const shm_meta *seen)
{
    dumping *at = baton;
    shm_meta meta;
    shm_status status = read_one(at, key, &meta);

    (void)seen;
    switch (status) {
    case SST_OK:
        if (write_record(at, key, &meta)) {
            return true;
        }
        at->status = SST_UNAVAILABLE;
        return false;
    case SST_MISS:
        return true;
    case SST_DAMAGED:
        at->report->damaged++;
        return true;
    default:
        at->status = status;
        return false;
    }
}

static bool write_head(const dumping *at)
{
    const shm_store *store = at->store;
    sst_dump_head head = {.magic = SST_DUMP_MAGIC,
                          .version = SST_DUMP_VERSION,
                          .generation = at->sink->generation,
                          .life = shm_store_life(store),
                          .own_ms = sst_own_ms(store, at->now_ms),
                          .real_ms = sst_real_ms(),
                          .boot_ms = at->now_ms};

    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        uint64_t token =
            sst_token_last(SST_LOAD(sst_shard_header(store, no)->token));

        head.token = token > head.token ? token : head.token;
    }
    sst_boot_id(head.boot_id);
    head.sum = sst_dump_head_sum(&head);
    return at->sink->write(at->sink->baton, &head, sizeof(head));
}

static bool write_end(const dumping *at)
{
    sst_dump_record end = {.type = SST_DUMP_END, .token = at->report->records};

    end.sum = sst_dump_record_sum(&end, "", at->report->records);
    return at->sink->write(at->sink->baton, &end, sizeof(end));
}

shm_status shm_store_dump(shm_store *store, const shm_dump_sink *sink,
                          int64_t now_ms, shm_dump_report *report)
{
    dumping at = {.store = store,
                  .sink = sink,
                  .report = report,
                  .now_ms = now_ms,
                  .status = SST_OK};
    shm_status status;

    *report = (shm_dump_report){0};
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    at.value = malloc(SST_MAX_RECORD_MAX);
    if (at.value == NULL || !write_head(&at)) {
        free(at.value);
        return SST_UNAVAILABLE;
    }
    status = shm_store_each(store, visit, &at, now_ms);
    if (status == SST_OK) {
        status = at.status;
    }
    /* An end behind half of the records would make them look like all. */
    status = sst_answer(store, status);
    if (status == SST_OK && !write_end(&at)) {
        status = SST_UNAVAILABLE;
    }
    free(at.value);
    return sst_answer(store, status);
}
