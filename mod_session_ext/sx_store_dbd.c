/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_store_dbd.h.  The calls, each a statement or two. */
#include "sx_store_dbd_conn.h"

#include <string.h>
#include <apr_buckets.h>
#include <apr_strings.h>

/* The kind of a row that is no record any more. */
#define REMOVED 0

static const apr_size_t key_len = SX_STORE_KEY_LEN, no_len = 0;

static sx_dbd_store *dbd_of(sx_store *store)
{
    return (sx_dbd_store *)store;
}

static void arg_key(sx_dbd_args *args, const unsigned char *key)
{
    sx_dbd_arg_bytes(args, key, &key_len);
}

/* ---- a row -------------------------------------------------------------- */

bool sx_dbd_meta(const sx_dbd_store *store, const apr_dbd_row_t *row, int first,
                 sx_record_meta *meta)
{
    int64_t n[9];

    for (int i = 0; i < 9; i++)
        n[i] = sx_dbd_int(store, row, first + i);
    *meta = (sx_record_meta){.kind = (sx_kind)n[0],
                             .ns = (uint32_t)n[1],
                             .user_tag = (uint64_t)n[2],
                             .handle = (uint64_t)n[3],
                             .created_ms = n[4],
                             .last_access_ms = n[5],
                             .expires_ms = n[6],
                             .hard_end_ms = n[7],
                             .token = (uint64_t)n[8]};
    /* Behind the last token there would be none. */
    return n[0] >= SX_ANONYMOUS && n[0] <= SX_TOMBSTONE && n[1] >= 0 &&
           n[1] <= UINT32_MAX && n[8] > 0 && n[8] < INT64_MAX &&
           sx_record_meta_ok(meta);
}

/* ---- get ---------------------------------------------------------------- */

#define COLUMNS 10 /* of a row, as a statement shows it; the bytes are last */

typedef struct getting {
    const unsigned char *key;
    bool both; /* the epoch, too */
    sx_store_read record, epoch;
    apr_pool_t *own, *pool; /* of this call, and of whoever calls */
} getting;

static bool take_bytes(const sx_dbd_store *store, apr_dbd_row_t *row,
                       int column, const getting *g, sx_str *bytes)
{
    apr_bucket_brigade *parts;
    apr_size_t len;
    char *value;

    if (store->dialect->hex) {
        const char *hex = apr_dbd_get_entry(store->driver, row, column);

        len = hex ? strlen(hex) / 2 : 0;
        value = apr_palloc(g->pool, len + 1);
        *bytes = (sx_str){value, len};
        return hex && sx_unhex(hex, len, value);
    }
    parts = apr_brigade_create(g->own, apr_bucket_alloc_create(g->own));
    if (apr_dbd_datum_get(store->driver, row, column, APR_DBD_TYPE_BLOB,
                          parts) != APR_SUCCESS)
        return false;
    *bytes = (sx_str){"", 0};
    if (apr_brigade_pflatten(parts, &value, &len, g->pool) != APR_SUCCESS)
        return false;
    if (len)
        *bytes = (sx_str){value, len};
    return true;
}

/* NULL is nothing to some drivers, and no text to PostgreSQL's. */
static bool is_null(const sx_dbd_store *store, apr_dbd_row_t *row, int column)
{
    const char *text = apr_dbd_get_entry(store->driver, row, column);

    return !text || !*text;
}

/* The record in the columns that begin with ${first}. */
static sx_store_read take(const sx_dbd_store *store, apr_dbd_row_t *row,
                          int first, const getting *g)
{
    sx_store_read read = {.answer = SX_STORE_MISS};

    if (sx_dbd_int(store, row, first) == REMOVED)
        return read;
    read.answer =
        sx_dbd_meta(store, row, first, &read.meta) &&
                take_bytes(store, row, first + COLUMNS - 1, g, &read.bytes)
            ? SX_STORE_OK
            : SX_STORE_DAMAGED;
    return read;
}

static sx_dbd_outcome get_row(sx_dbd_store *store, sx_dbd_conn *conn,
                              void *baton)
{
    getting *g = baton;
    apr_dbd_results_t *results;
    apr_dbd_row_t *row = NULL;
    sx_dbd_args args = {0};
    sx_dbd_outcome outcome;

    arg_key(&args, g->key);
    outcome = sx_dbd_select(store, conn, g->both ? SX_DBD_GET_BOTH : SX_DBD_GET,
                            &args, &results, g->own);
    if (outcome == SX_DBD_DONE)
        outcome = sx_dbd_next(store, conn, results, &row, g->own);
    if (outcome != SX_DBD_DONE)
        return outcome;
    g->record = g->epoch = (sx_store_read){.answer = SX_STORE_MISS};
    if (row)
        g->record = take(store, row, 0, g);
    if (row && g->both && g->record.answer == SX_STORE_OK &&
        !is_null(store, row, COLUMNS))
        g->epoch = take(store, row, COLUMNS, g);
    return SX_DBD_DONE;
}

static sx_dbd_outcome forget_row(sx_dbd_store *store, sx_dbd_conn *conn,
                                 void *baton)
{
    getting *g = baton;
    sx_dbd_args args = {0};
    int rows;

    arg_key(&args, g->key);
    return sx_dbd_change(store, conn, SX_DBD_FORGET, &args, &rows, g->own);
}

/* What ${read} comes to, of a record that ends at ${after_ms} or later: one
 * that is damaged is taken out. */
static void settle(sx_dbd_store *store, sx_store_read *read,
                   const unsigned char *key, int64_t after_ms)
{
    getting g = {.key = key};
    sx_answer answer;

    if (read->answer == SX_STORE_OK && read->meta.expires_ms <= after_ms)
        read->answer = SX_STORE_MISS;
    if (read->answer != SX_STORE_DAMAGED)
        return;
    sx_dbd_count(&store->figures->damaged);
    sx_dbd_tell(store, "get", "a row that is no record was deleted");
    apr_pool_create(&g.own, NULL);
    answer = sx_dbd_do(store, forget_row, &g, true, "delete");
    apr_pool_destroy(g.own);
    if (answer != SX_STORE_OK)
        read->answer = answer;
}

static void read_record(sx_dbd_store *store, getting *g, int64_t after_ms)
{
    sx_answer answer;

    apr_pool_create(&g->own, NULL);
    answer = sx_dbd_do(store, get_row, g, false, "get");
    apr_pool_destroy(g->own);
    if (answer == SX_STORE_OK)
        settle(store, &g->record, g->key, after_ms);
    else
        g->record = (sx_store_read){.answer = answer};
}

static sx_answer get(sx_store *base, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    getting g = {.key = key, .pool = pool};

    read_record(dbd_of(base), &g, now_ms - grace_ms);
    *bytes = g.record.bytes;
    *meta = g.record.meta;
    return g.record.answer;
}

static sx_answer get_with_epoch(sx_store *base, const unsigned char *key,
                                sx_store_read *record, sx_store_read *epoch,
                                int64_t grace_ms, int64_t now_ms,
                                apr_pool_t *pool)
{
    getting g = {.key = key, .both = true, .pool = pool};
    unsigned char of_user[SX_STORE_KEY_LEN];

    read_record(dbd_of(base), &g, now_ms - grace_ms);
    *record = g.record;
    *epoch = (sx_store_read){.answer = SX_STORE_MISS};
    if (record->answer == SX_STORE_OK) {
        *epoch = g.epoch;
        sx_epoch_key(record->meta.user_tag, of_user);
        settle(dbd_of(base), epoch, of_user, now_ms);
    }
    return record->answer;
}

/* ---- put ---------------------------------------------------------------- */

/* Why was no row changed? */
typedef struct look {
    bool is_there, is_record;
    int64_t token, expires_ms;
} look;

static sx_dbd_outcome look_at(sx_dbd_store *store, sx_dbd_conn *conn,
                              const unsigned char *key, look *seen,
                              apr_pool_t *pool)
{
    apr_dbd_results_t *results;
    apr_dbd_row_t *row = NULL;
    sx_dbd_args args = {0};
    sx_dbd_outcome outcome;

    arg_key(&args, key);
    outcome = sx_dbd_select(store, conn, SX_DBD_LOOK, &args, &results, pool);
    if (outcome == SX_DBD_DONE)
        outcome = sx_dbd_next(store, conn, results, &row, pool);
    *seen = (look){.is_there = row != NULL};
    if (row) {
        seen->is_record = sx_dbd_int(store, row, 0) != REMOVED;
        seen->token = sx_dbd_int(store, row, 1);
        seen->expires_ms = sx_dbd_int(store, row, 2);
    }
    return outcome;
}

typedef struct putting {
    const unsigned char *key;
    int64_t token;        /* 0: create */
    const int64_t *epoch; /* the token that it has to have; NULL: whichever */
    unsigned char epoch_key[SX_STORE_KEY_LEN];
    sx_str bytes;
    const sx_record_meta *meta;
    int64_t now_ms;
    apr_pool_t *own;
    int64_t put; /* the new token */
    sx_answer answer;
} putting;

/* What INSERT and REPLACE begin with, in their order. */
typedef struct values {
    int64_t n[8];
    sx_dbd_args args;
} values;

static void values_of(values *v, const putting *p)
{
    sx_record_meta put = *p->meta;

    sx_record_meta_order(&put);
    *v = (values){.n = {put.kind, put.ns, (int64_t)put.user_tag,
                        (int64_t)put.handle, put.created_ms, put.last_access_ms,
                        put.expires_ms, put.hard_end_ms}};
    for (int i = 0; i < 8; i++)
        sx_dbd_arg_int(&v->args, &v->n[i]);
    sx_dbd_arg_int(&v->args, &p->put);
    sx_dbd_arg_bytes(&v->args, p->bytes.len ? p->bytes.p : "", &p->bytes.len);
    arg_key(&v->args, p->key);
}

static sx_dbd_outcome insert(sx_dbd_store *store, sx_dbd_conn *conn, putting *p)
{
    sx_dbd_outcome outcome;
    int rows = 0;
    values v;

    p->put = sx_dbd_clock_us(store);
    values_of(&v, p);
    outcome = sx_dbd_change(store, conn, SX_DBD_INSERT, &v.args, &rows, p->own);
    if (outcome == SX_DBD_DUPLICATE)
        return SX_DBD_DONE;
    if (outcome == SX_DBD_DONE && rows > 0)
        p->answer = SX_STORE_OK;
    return outcome;
}

/* The row that has ${token}, of ${kind} or above. */
static sx_dbd_outcome replace(sx_dbd_store *store, sx_dbd_conn *conn,
                              putting *p, int64_t token, int64_t kind)
{
    sx_dbd_outcome outcome;
    int rows = 0;
    values v;

    p->put = sx_max64(token + 1, sx_dbd_clock_us(store));
    values_of(&v, p);
    sx_dbd_arg_int(&v.args, &token);
    sx_dbd_arg_int(&v.args, &kind);
    if (p->epoch) {
        arg_key(&v.args, p->epoch_key);
        sx_dbd_arg_int(&v.args, &p->now_ms);
        sx_dbd_arg_int(&v.args, p->epoch);
    }
    outcome = sx_dbd_change(store, conn,
                            p->epoch ? SX_DBD_REPLACE_IF : SX_DBD_REPLACE,
                            &v.args, &rows, p->own);
    if (outcome == SX_DBD_DONE && rows > 0)
        p->answer = SX_STORE_OK;
    return outcome;
}

/* What has ended, or was removed, makes way.  One round is enough unless others
 * are at the same key. */
static sx_dbd_outcome create(sx_dbd_store *store, sx_dbd_conn *conn, putting *p)
{
    sx_dbd_outcome outcome;
    look seen;

    p->answer = SX_STORE_CHANGED;
    for (int i = 0; i < 3; i++) {
        outcome = insert(store, conn, p);
        if (outcome != SX_DBD_DONE || p->answer == SX_STORE_OK)
            return outcome;
        outcome = look_at(store, conn, p->key, &seen, p->own);
        if (outcome != SX_DBD_DONE ||
            (seen.is_record && seen.expires_ms > p->now_ms))
            return outcome;
        if (!seen.is_there)
            continue;
        outcome = replace(store, conn, p, seen.token, REMOVED);
        if (outcome != SX_DBD_DONE || p->answer == SX_STORE_OK)
            return outcome;
    }
    return SX_DBD_DONE;
}

static sx_dbd_outcome put_row(sx_dbd_store *store, sx_dbd_conn *conn,
                              void *baton)
{
    putting *p = baton;
    sx_dbd_outcome outcome;
    look seen;

    sx_dbd_durable(store, conn,
                   p->meta->kind != SX_ANONYMOUS && p->meta->kind != SX_USER);
    if (!p->token)
        return create(store, conn, p);
    p->answer = SX_STORE_GONE;
    outcome = replace(store, conn, p, p->token, SX_ANONYMOUS);
    if (outcome != SX_DBD_DONE || p->answer == SX_STORE_OK)
        return outcome;
    outcome = look_at(store, conn, p->key, &seen, p->own);
    if (seen.is_record)
        p->answer = SX_STORE_CHANGED;
    return outcome;
}

/* One that was never given is none that there is. */
static int64_t given(uint64_t token)
{
    return token < INT64_MAX ? (int64_t)token : -1;
}

static sx_answer put(sx_dbd_store *store, putting *p, sx_record_meta *meta)
{
    sx_answer answer;

    if (!sx_record_meta_ok(meta))
        return SX_STORE_UNAVAILABLE;
    if (p->bytes.len > SX_DBD_RECORD_MAX)
        return SX_STORE_TOOBIG;
    p->meta = meta;
    apr_pool_create(&p->own, NULL);
    answer = sx_dbd_do(store, put_row, p, true, "put");
    apr_pool_destroy(p->own);
    if (answer != SX_STORE_OK)
        return answer;
    if (p->answer == SX_STORE_OK)
        meta->token = (uint64_t)p->put;
    return p->answer;
}

static sx_answer put_if(sx_store *base, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    putting p = {
        .key = key, .token = given(token), .bytes = bytes, .now_ms = now_ms};

    return put(dbd_of(base), &p, meta);
}

static sx_answer put_if_epoch(sx_store *base, const unsigned char *key,
                              uint64_t token, uint64_t epoch, sx_str bytes,
                              sx_record_meta *meta, int64_t now_ms)
{
    const int64_t epoch_token = given(epoch);
    putting p = {.key = key,
                 .token = given(token),
                 .epoch = &epoch_token,
                 .bytes = bytes,
                 .now_ms = now_ms};

    sx_epoch_key(meta->user_tag, p.epoch_key);
    return put(dbd_of(base), &p, meta);
}

/* ---- touch, remove ------------------------------------------------------ */

typedef struct touching {
    const unsigned char *key;
    int64_t expires_ms, now_ms, token;
    apr_pool_t *own;
    sx_answer answer;
} touching;

/* MySQL counts no row that is as it was before. */
static sx_dbd_outcome touch_row(sx_dbd_store *store, sx_dbd_conn *conn,
                                void *baton)
{
    touching *t = baton;
    sx_dbd_args args = {0};
    sx_dbd_outcome outcome;
    int rows = 0;
    look seen;

    sx_dbd_arg_int(&args, &t->expires_ms);
    sx_dbd_arg_int(&args, &t->now_ms);
    sx_dbd_arg_int(&args, &t->now_ms);
    arg_key(&args, t->key);
    sx_dbd_arg_int(&args, &t->now_ms);
    t->answer = SX_STORE_OK;
    outcome = sx_dbd_change(store, conn, SX_DBD_TOUCH, &args, &rows, t->own);
    if (outcome != SX_DBD_DONE || rows > 0)
        return outcome;
    outcome = look_at(store, conn, t->key, &seen, t->own);
    if (!seen.is_record || seen.expires_ms <= t->now_ms)
        t->answer = SX_STORE_MISS;
    return outcome;
}

static sx_answer touch(sx_store *base, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    touching t = {.key = key, .expires_ms = expires_ms, .now_ms = now_ms};
    sx_answer answer;

    apr_pool_create(&t.own, NULL);
    answer = sx_dbd_do(dbd_of(base), touch_row, &t, true, "touch");
    apr_pool_destroy(t.own);
    return answer == SX_STORE_OK ? t.answer : answer;
}

static sx_dbd_outcome remove_row(sx_dbd_store *store, sx_dbd_conn *conn,
                                 void *baton)
{
    touching *t = baton;
    sx_dbd_args args = {0};
    sx_dbd_outcome outcome;
    int rows = 0;
    look seen;

    sx_dbd_durable(store, conn, true);
    sx_dbd_arg_bytes(&args, "", &no_len);
    arg_key(&args, t->key);
    if (t->token)
        sx_dbd_arg_int(&args, &t->token);
    t->answer = SX_STORE_OK;
    outcome =
        sx_dbd_change(store, conn, t->token ? SX_DBD_REMOVE_IF : SX_DBD_REMOVE,
                      &args, &rows, t->own);
    if (outcome != SX_DBD_DONE || rows > 0)
        return outcome;
    outcome = look_at(store, conn, t->key, &seen, t->own);
    t->answer = seen.is_record ? SX_STORE_CHANGED : SX_STORE_MISS;
    return outcome;
}

/* Where there is no room for a new version of the row, there may be for none
 * at all. */
static sx_dbd_outcome delete_row(sx_dbd_store *store, sx_dbd_conn *conn,
                                 void *baton)
{
    touching *t = baton;
    getting g = {.key = t->key, .own = t->own};

    return forget_row(store, conn, &g);
}

static sx_answer remove_record(sx_store *base, const unsigned char *key,
                               uint64_t token)
{
    touching t = {.key = key, .token = given(token)};
    sx_answer answer;

    apr_pool_create(&t.own, NULL);
    answer = sx_dbd_do(dbd_of(base), remove_row, &t, true, "remove");
    if (answer == SX_STORE_FULL && !token)
        answer = sx_dbd_do(dbd_of(base), delete_row, &t, true, "remove");
    apr_pool_destroy(t.own);
    return answer == SX_STORE_OK ? t.answer : answer;
}

/* ---- clock, life -------------------------------------------------------- */

int64_t sx_dbd_clock_us(const sx_dbd_store *store)
{
    return sx_boot_us() + store->offset_ms * 1000;
}

static int64_t clock_ms(sx_store *store)
{
    return sx_dbd_clock_us(dbd_of(store)) / 1000;
}

static uint64_t life(sx_store *store)
{
    return (uint64_t)dbd_of(store)->life;
}

const sx_store_ops sx_dbd_ops = {
    .name = "dbd",
    .get = get,
    .put_if = put_if,
    .touch = touch,
    .remove = remove_record,
    .each = sx_dbd_each,
    .sweep = sx_dbd_sweep,
    .life = life,
    .clock_ms = clock_ms,
    .get_with_epoch = get_with_epoch,
    .put_if_epoch = put_if_epoch,
};
