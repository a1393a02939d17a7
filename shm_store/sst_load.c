/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a dump.  Nothing in the stream is believed before its sum is right,
 * and nothing is kept if the stream does not come to its end: what was put is
 * remembered, and taken out again by its token.
 *
 * Tokens.  A new segment's counters begin at the wall clock, beyond all that
 * an earlier one gave.  A clock that went back would break that, so the dump
 * carries the highest token, and the counters are set TOKENS_MORE beyond it:
 * more than a shard can give between a snapshot and its restore.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sst_ends.h"
#include "sst_file.h"
#include "sst_lock.h"

#define TOKENS_MORE ((uint64_t)1 << 40)
#define BUSY_TRIES  20

typedef struct put {
    unsigned char key[SST_KEY_LEN];
    uint64_t token;
} put;

typedef struct loading {
    shm_store *store;
    const shm_load_source *source;
    shm_load_report *report;
    int64_t now_ms;
    int64_t shift_ms; /* from the dump's clock to the boot clock */
    sst_dump_head head;
    sst_ends *ends; /* NULL: nothing has ended */
    uint64_t number;
    unsigned char *value;
    put *puts;
    size_t count, room;
} loading;

__attribute__((format(printf, 2, 3))) static shm_status damaged(
    const loading *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(at->report->why, sizeof(at->report->why), format, args);
    va_end(args);
    return SST_DAMAGED;
}

static bool read_bytes(const loading *at, void *bytes, size_t len)
{
    return len == 0 || at->source->read(at->source->baton, bytes, len);
}

/* ---- head --------------------------------------------------------------- */

/* How long ago the dump was begun: by the boot clock within one boot, else by
 * the wall clock, and never less than nothing. */
static int64_t age_of(const loading *at)
{
    uint8_t boot_id[16];
    int64_t age;
    bool bad;

    sst_boot_id(boot_id);
    bad = memcmp(boot_id, at->head.boot_id, sizeof(boot_id)) == 0
              ? __builtin_sub_overflow(at->now_ms, at->head.boot_ms, &age)
              : __builtin_sub_overflow(sst_real_ms(), at->head.real_ms, &age);
    return bad || age < 0 ? 0 : age;
}

static shm_status read_head(loading *at)
{
    sst_dump_head *head = &at->head;

    if (!read_bytes(at, head, sizeof(*head)) || head->magic != SST_DUMP_MAGIC) {
        return damaged(at, "its first bytes are not those of a dump");
    }
    if (head->version != SST_DUMP_VERSION) {
        return damaged(at, "it has dump version %u, this program knows %u",
                       head->version, SST_DUMP_VERSION);
    }
    at->report->generation = head->generation;
    at->report->age_ms = age_of(at);
    if (head->sum != sst_dump_head_sum(head) ||
        __builtin_sub_overflow(at->now_ms, at->report->age_ms, &at->shift_ms) ||
        __builtin_sub_overflow(at->shift_ms, head->own_ms, &at->shift_ms)) {
        return damaged(at, "its head is damaged");
    }
    return SST_OK;
}

static shm_status read_journals(loading *at)
{
    const char *snapshot = at->source->snapshot;

    if (snapshot == NULL) {
        return SST_OK;
    }
    if (at->head.generation == 0) {
        (void)damaged(at, "it has no journal: what was ended since is not "
                          "known");
        return at->source->force ? SST_OK : SST_DAMAGED;
    }
    at->ends = sst_ends_read(snapshot, at->head.generation, at->source->force,
                             at->report->why, sizeof(at->report->why));
    return at->ends != NULL ? SST_OK : SST_DAMAGED;
}

static shm_status lock(loading *at, uint32_t no, sst_shard *shard)
{
    shm_status status = SST_BUSY;

    for (int i = 0; i < BUSY_TRIES && status == SST_BUSY; i++) {
        status = sst_shard_lock(at->store, no, SST_LOCK_WAIT_MS, shard);
    }
    return status;
}

static shm_status raise_tokens(loading *at)
{
    uint64_t least;

    if (at->head.life == shm_store_life(at->store)) {
        return SST_OK;
    }
    if (__builtin_add_overflow(at->head.token, TOKENS_MORE, &least) ||
        least > SST_TOKEN_MAX) {
        return damaged(at, "its head is damaged");
    }
    for (uint32_t no = 0; no < at->store->geo.nshards; no++) {
        sst_shard shard;
        shm_status status = lock(at, no, &shard);

        if (status != SST_OK) {
            return status;
        }
        if (shard.shm->token < least) {
            SST_STORE(shard.shm->token, least);
        }
        sst_shard_unlock(&shard);
    }
    return SST_OK;
}

/* ---- records ------------------------------------------------------------ */

static bool remember(loading *at, const unsigned char *key, uint64_t token)
{
    if (at->count == at->room) {
        size_t room = at->room * 2 + 256;
        put *more = reallocarray(at->puts, room, sizeof(*more));

        if (more == NULL) {
            return false;
        }
        at->puts = more;
        at->room = room;
    }
    memcpy(at->puts[at->count].key, key, SST_KEY_LEN);
    at->puts[at->count++].token = token;
    return true;
}

/* What a holder of locks that does not let go keeps us from taking out is
 * counted still. */
static void undo(loading *at)
{
    at->report->records = 0;
    for (size_t i = 0; i < at->count; i++) {
        const put *one = &at->puts[i];
        shm_status status = SST_BUSY;

        for (int j = 0; j < BUSY_TRIES && status == SST_BUSY; j++) {
            status = shm_store_remove(at->store, one->key, one->token);
        }
        at->report->records += status == SST_BUSY;
    }
}

static bool meta_make(const loading *at, const sst_dump_record *record,
                      shm_meta *meta)
{
    const int64_t shift = at->shift_ms;

    *meta = (shm_meta){.kind = (shm_kind)record->kind,
                       .ns = record->ns,
                       .user_tag = record->user_tag,
                       .handle = record->handle};
    return record->kind < SST_KIND_COUNT &&
           !__builtin_add_overflow(record->created_ms, shift,
                                   &meta->created_ms) &&
           !__builtin_add_overflow(record->last_access_ms, shift,
                                   &meta->last_access_ms) &&
           !__builtin_add_overflow(record->expires_ms, shift,
                                   &meta->expires_ms) &&
           !__builtin_add_overflow(record->hard_end_ms, shift,
                                   &meta->hard_end_ms);
}

/* The time that counts for a put is the record's birth: so it is a creation
 * like any other, which leaves the last room to those who work.  An epoch may
 * have that room. */
static shm_status put_record(loading *at, const sst_dump_record *record,
                             shm_meta *meta)
{
    int64_t now_ms = record->kind == SST_EPOCH ? at->now_ms : meta->created_ms;
    shm_status status = SST_BUSY;

    for (int i = 0; i < BUSY_TRIES && status == SST_BUSY; i++) {
        status = shm_store_put_if(at->store, record->key, 0, at->value,
                                  record->value_len, meta, NULL, now_ms);
    }
    return status;
}

static shm_status load_record(loading *at, const sst_dump_record *record)
{
    shm_load_report *report = at->report;
    shm_status status;
    shm_meta meta;

    if (!meta_make(at, record, &meta)) {
        return damaged(at, "record %llu is none that can be",
                       (unsigned long long)at->number);
    }
    if (meta.expires_ms <= at->now_ms) {
        report->over++;
        return SST_OK;
    }
    if (at->ends != NULL && sst_ends_has(at->ends, record, at->head.life)) {
        report->ended++;
        return SST_OK;
    }
    status = put_record(at, record, &meta);
    if (status == SST_OK) {
        report->records++;
        return remember(at, record->key, meta.token) ? SST_OK : SST_UNAVAILABLE;
    }
    if (status == SST_CHANGED) {
        report->present++;
        return SST_OK;
    }
    /* Without its epoch a session that was ended would live again. */
    if (record->kind != SST_EPOCH &&
        (status == SST_FULL || status == SST_TOOBIG)) {
        report->refused++;
        return SST_OK;
    }
    return status == SST_BADARG ? damaged(at, "record %llu is none that can be",
                                          (unsigned long long)at->number)
                                : status;
}

/* The next record or the end, whole and right. */
static shm_status read_record(const loading *at, sst_dump_record *record)
{
    unsigned long long number = at->number;

    if (!read_bytes(at, record, sizeof(*record))) {
        return damaged(at, "it is cut short behind %llu records", number);
    }
    if (record->value_len > SST_MAX_RECORD_MAX ||
        (record->type != SST_DUMP_RECORD && record->type != SST_DUMP_END) ||
        !read_bytes(at, at->value, record->value_len) ||
        record->sum != sst_dump_record_sum(record, at->value, number)) {
        return damaged(at, "record %llu is damaged or cut short", number);
    }
    return SST_OK;
}

static shm_status load_records(loading *at)
{
    sst_dump_record record;
    shm_status status;

    for (;;) {
        status = read_record(at, &record);
        if (status != SST_OK) {
            return status;
        }
        if (record.type == SST_DUMP_END) {
            return record.token == at->number
                       ? SST_OK
                       : damaged(at, "it does not hold all of its records");
        }
        status = load_record(at, &record);
        if (status != SST_OK) {
            return status;
        }
        at->number++;
    }
}

static shm_status load(loading *at)
{
    shm_status status = read_head(at);

    if (status == SST_OK) {
        status = read_journals(at);
    }
    if (status == SST_OK) {
        status = raise_tokens(at);
    }
    return status == SST_OK ? load_records(at) : status;
}

shm_status shm_store_load(shm_store *store, const shm_load_source *source,
                          int64_t now_ms, shm_load_report *report)
{
    loading at = {
        .store = store, .source = source, .report = report, .now_ms = now_ms};
    shm_status status;

    *report = (shm_load_report){0};
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    at.value = malloc(SST_MAX_RECORD_MAX);
    if (at.value == NULL) {
        return SST_UNAVAILABLE;
    }
    status = load(&at);
    if (status == SST_DAMAGED && source->force && at.number > 0) {
        status = SST_OK;
    }
    if (status != SST_OK) {
        undo(&at);
    }
    /* A journal that is begun behind this goes on from there. */
    if (store->journal.fd < 0 &&
        store->journal.generation < report->generation) {
        store->journal.generation = report->generation;
    }
    sst_ends_free(at.ends);
    free(at.value);
    free(at.puts);
    return sst_answer(store, status);
}
