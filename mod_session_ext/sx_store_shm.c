/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translates between the two contracts and does nothing else: statuses, kinds
 * and the buffer that a value is copied into.
 */
#include "sx_store_shm.h"

#include <apr_strings.h>
#include "shm_snapshot.h"

_Static_assert(SX_COMMIT_GRACE_MS <= SST_COMMIT_GRACE_MS &&
                   SX_RECORD_LIFE_MAX_MS <= SST_LIFETIME_MAX_MS,
               "the segment keeps records for as long as the core asks");

/* Most sessions are smaller: one read, no second look for the size. */
#define FIRST_READ 4096

typedef struct shm_backend {
    sx_store base;
    shm_store *segment;
} shm_backend;

static shm_store *segment_of(sx_store *store)
{
    return ((shm_backend *)store)->segment;
}

static sx_answer answer_of(shm_status status)
{
    switch (status) {
    case SST_OK:
        return SX_STORE_OK;
    case SST_MISS:
        return SX_STORE_MISS;
    case SST_GONE:
        return SX_STORE_GONE;
    case SST_CHANGED:
        return SX_STORE_CHANGED;
    case SST_FULL:
        return SX_STORE_FULL;
    case SST_TOOBIG:
        return SX_STORE_TOOBIG;
    case SST_DAMAGED:
        return SX_STORE_DAMAGED;
    case SST_BUSY:
        return SX_STORE_BUSY;
    case SST_UNAVAILABLE:
    case SST_BADARG:
        break;
    }
    return SX_STORE_UNAVAILABLE;
}

static const shm_kind kind_to_shm[] = {
    [SX_ANONYMOUS] = SST_ANONYMOUS, [SX_USER] = SST_USER,
    [SX_ALIAS] = SST_ALIAS,         [SX_EPOCH] = SST_EPOCH,
    [SX_TOMBSTONE] = SST_TOMBSTONE,
};

static sx_kind kind_from_shm(shm_kind kind)
{
    return kind == SST_ALIAS       ? SX_ALIAS
           : kind == SST_USER      ? SX_USER
           : kind == SST_EPOCH     ? SX_EPOCH
           : kind == SST_TOMBSTONE ? SX_TOMBSTONE
                                   : SX_ANONYMOUS;
}

static void meta_from_shm(sx_record_meta *meta, const shm_meta *from)
{
    *meta = (sx_record_meta){
        .kind = kind_from_shm(from->kind),
        .ns = from->ns,
        .user_tag = from->user_tag,
        .handle = from->handle,
        .created_ms = from->created_ms,
        .last_access_ms = from->last_access_ms,
        .expires_ms = from->expires_ms,
        .hard_end_ms = from->hard_end_ms,
        .token = from->token,
    };
}

static sx_answer get(sx_store *store, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    size_t room = FIRST_READ;
    char *buf = apr_palloc(pool, room);
    shm_meta found;
    shm_status status;

    /* A value may grow between two reads; it cannot outgrow max_record. */
    while ((status = shm_store_get(segment_of(store), key, buf, room, &found,
                                   grace_ms, now_ms)) == SST_TOOBIG &&
           found.value_len > room) {
        room = found.value_len;
        buf = apr_palloc(pool, room);
    }
    if (status == SST_OK) {
        *bytes = (sx_str){buf, found.value_len};
        meta_from_shm(meta, &found);
    }
    return answer_of(status);
}

static sx_answer put_if(sx_store *store, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    shm_meta put = {
        .kind = kind_to_shm[meta->kind],
        .ns = meta->ns,
        .user_tag = meta->user_tag,
        .handle = meta->handle,
        .created_ms = meta->created_ms,
        .last_access_ms = meta->last_access_ms,
        .expires_ms = meta->expires_ms,
        .hard_end_ms = meta->hard_end_ms,
    };
    shm_put_report report;
    shm_status status = shm_store_put_if(segment_of(store), key, token, bytes.p,
                                         bytes.len, &put, &report, now_ms);

    if (report.evicted > 0)
        sx_log(SX_LOG_WARN, "store full: %u live records evicted for one write",
               report.evicted);
    if (status == SST_FULL)
        sx_log(SX_LOG_WARN, "store full: a write was refused: %s",
               shm_refusal_str(report.refusal));
    if (status == SST_OK)
        meta->token = put.token;
    return answer_of(status);
}

static sx_answer touch(sx_store *store, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    return answer_of(
        shm_store_touch(segment_of(store), key, expires_ms, now_ms));
}

static sx_answer remove_record(sx_store *store, const unsigned char *key,
                               uint64_t token)
{
    return answer_of(shm_store_remove(segment_of(store), key, token));
}

typedef struct walk {
    sx_store_visit *visit;
    void *baton;
} walk;

static bool show(void *baton, const unsigned char *key, const shm_meta *found)
{
    const walk *w = baton;
    sx_record_meta meta;

    meta_from_shm(&meta, found);
    return w->visit(w->baton, key, &meta, found->value_len);
}

static sx_answer each(sx_store *store, sx_store_visit *visit, void *baton,
                      int64_t now_ms, apr_pool_t *pool)
{
    walk w = {visit, baton};

    (void)pool;
    return answer_of(shm_store_each(segment_of(store), show, &w, now_ms));
}

static sx_answer sweep(sx_store *store, int64_t budget_us, int64_t now_ms,
                       sx_sweep_report *report)
{
    shm_sweep_report swept;
    shm_status status =
        shm_store_sweep(segment_of(store), budget_us, now_ms, &swept);

    if (status == SST_OK)
        *report = (sx_sweep_report){swept.freed, swept.finished};
    return answer_of(status);
}

static sx_answer queue_enter(sx_store *store, const unsigned char *key,
                             int64_t wait_ms)
{
    return answer_of(shm_store_commit_lock(segment_of(store), key, wait_ms));
}

static void queue_leave(sx_store *store, const unsigned char *key)
{
    shm_store_commit_unlock(segment_of(store), key);
}

static uint64_t life(sx_store *store)
{
    return shm_store_life(segment_of(store));
}

static int64_t clock_ms(sx_store *store)
{
    (void)store;
    return shm_store_clock_ms();
}

static const sx_store_ops shm_ops = {
    .name = "shm",
    .get = get,
    .put_if = put_if,
    .touch = touch,
    .remove = remove_record,
    .each = each,
    .sweep = sweep,
    .queue_enter = queue_enter,
    .queue_leave = queue_leave,
    .clock_ms = clock_ms,
    .life = life,
};

sx_store *sx_store_shm_create(shm_store *segment, apr_pool_t *pool)
{
    shm_backend *backend = apr_pcalloc(pool, sizeof *backend);

    backend->base.ops = &shm_ops;
    backend->segment = segment;
    return &backend->base;
}
