/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All records of a table: shown, page by page in the order of their keys, with
 * no connection held while somebody looks at them; and deleted when they have
 * ended, some at a time.
 *
 * Of all who share a table one sweeps at a time: who has the lease, a row of
 * TABLE_meta with the time when it is over.  It saves the others the work; two
 * that swept at once would do no harm.
 */
#include "sx_store_dbd_conn.h"

#include <string.h>
#include <apr_strings.h>
#include <apr_tables.h>

#define SLICE      64 /* rows, as the statement says */
#define LEASE_MS   5000
#define REACHED_MS 60000

/* ---- each --------------------------------------------------------------- */

typedef struct shown {
    unsigned char key[SX_STORE_KEY_LEN];
    sx_record_meta meta;
    size_t bytes;
    bool is_record;
} shown;

typedef struct page {
    unsigned char behind[SX_STORE_KEY_LEN];
    apr_size_t behind_len; /* 0: from the first */
    int64_t now_ms;
    apr_array_header_t *rows; /* of shown */
    apr_pool_t *pool;
} page;

static void show_row(const sx_dbd_store *store, apr_dbd_row_t *row, shown *s)
{
    const char *key = apr_dbd_get_entry(store->driver, row, 10);
    int64_t bytes = sx_dbd_int(store, row, 9);

    s->is_record = sx_dbd_meta(store, row, 0, &s->meta) && bytes >= 0;
    s->bytes = (size_t)bytes;
    if (!key || !sx_unhex(key, sizeof s->key, s->key))
        s->is_record = false;
}

static sx_dbd_outcome read_page(sx_dbd_store *store, sx_dbd_conn *conn,
                                void *baton)
{
    page *p = baton;
    sx_dbd_args args = {0};
    apr_dbd_results_t *results;
    apr_dbd_row_t *row = NULL;
    sx_dbd_outcome outcome;

    apr_array_clear(p->rows);
    sx_dbd_arg_bytes(&args, p->behind, &p->behind_len);
    sx_dbd_arg_int(&args, &p->now_ms);
    outcome = sx_dbd_select(store, conn, SX_DBD_EACH, &args, &results, p->pool);
    while (outcome == SX_DBD_DONE) {
        outcome = sx_dbd_next(store, conn, results, &row, p->pool);
        if (!row)
            break;
        show_row(store, row, apr_array_push(p->rows));
    }
    return outcome;
}

/* False: who looks has enough.  What is damaged is for who asks for it. */
static bool show_page(page *p, sx_store_visit *visit, void *baton)
{
    for (int i = 0; i < p->rows->nelts; i++) {
        const shown *s = &APR_ARRAY_IDX(p->rows, i, shown);

        if (s->is_record && !visit(baton, s->key, &s->meta, s->bytes))
            return false;
        memcpy(p->behind, s->key, sizeof p->behind);
        p->behind_len = sizeof p->behind;
    }
    return p->rows->nelts > 0;
}

sx_answer sx_dbd_each(sx_store *store, sx_store_visit *visit, void *baton,
                      int64_t now_ms, apr_pool_t *pool)
{
    page p = {.now_ms = now_ms};
    sx_answer answer;

    apr_pool_create(&p.pool, pool);
    do {
        apr_pool_clear(p.pool);
        p.rows = apr_array_make(p.pool, 200, sizeof(shown));
        answer = sx_dbd_do((sx_dbd_store *)store, read_page, &p, false, "each");
    } while (answer == SX_STORE_OK && show_page(&p, visit, baton));
    apr_pool_destroy(p.pool);
    return answer;
}

/* ---- sweep -------------------------------------------------------------- */

typedef struct slice {
    int64_t now_ms, until_ms;
    apr_pool_t *pool;
    int rows;
} slice;

static sx_dbd_outcome take_lease(sx_dbd_store *store, sx_dbd_conn *conn,
                                 void *baton)
{
    slice *s = baton;
    sx_dbd_args args = {0};

    s->until_ms = s->now_ms + LEASE_MS;
    s->rows = 0;
    sx_dbd_arg_int(&args, &s->until_ms);
    sx_dbd_arg_int(&args, &s->now_ms);
    /* One that is further away was written by no clock of now. */
    sx_dbd_arg_int(&args, &s->until_ms);
    return sx_dbd_change(store, conn, SX_DBD_LEASE, &args, &s->rows, s->pool);
}

static sx_dbd_outcome sweep_slice(sx_dbd_store *store, sx_dbd_conn *conn,
                                  void *baton)
{
    slice *s = baton;
    const int64_t until_ms = s->now_ms - SX_COMMIT_GRACE_MS;
    sx_dbd_args args = {0};

    s->rows = 0;
    sx_dbd_arg_int(&args, &until_ms);
    sx_dbd_arg_int(&args, &until_ms);
    return sx_dbd_change(store, conn, SX_DBD_SWEEP, &args, &s->rows, s->pool);
}

static sx_dbd_outcome note_reached(sx_dbd_store *store, sx_dbd_conn *conn,
                                   void *baton)
{
    slice *s = baton;
    sx_dbd_args args = {0};

    sx_dbd_arg_int(&args, &s->now_ms);
    sx_dbd_arg_int(&args, &s->now_ms);
    return sx_dbd_change(store, conn, SX_DBD_REACHED, &args, &s->rows, s->pool);
}

/* OK: this handle sweeps, for some seconds more. */
static sx_answer lease(sx_dbd_store *store, slice *s)
{
    int64_t left_ms =
        __atomic_load_n(&store->lease_ms, __ATOMIC_RELAXED) - s->now_ms;
    sx_answer answer;

    if (left_ms > 0 && left_ms <= LEASE_MS)
        return SX_STORE_OK;
    answer = sx_dbd_do(store, take_lease, s, true, "sweep");
    if (answer != SX_STORE_OK)
        return answer;
    if (s->rows == 0)
        return SX_STORE_BUSY;
    __atomic_store_n(&store->lease_ms, s->until_ms, __ATOMIC_RELAXED);
    return SX_STORE_OK;
}

static void end_of_all(sx_dbd_store *store, slice *s)
{
    int64_t noted_ms = __atomic_load_n(&store->reached_ms, __ATOMIC_RELAXED);

    if (s->now_ms - noted_ms < REACHED_MS)
        return;
    if (sx_dbd_do(store, note_reached, s, true, "sweep") == SX_STORE_OK)
        __atomic_store_n(&store->reached_ms, s->now_ms, __ATOMIC_RELAXED);
}

sx_answer sx_dbd_sweep(sx_store *store, int64_t budget_us, int64_t now_ms,
                       sx_sweep_report *report)
{
    sx_dbd_store *dbd = (sx_dbd_store *)store;
    const int64_t end_us = sx_boot_us() + budget_us;
    slice s = {.now_ms = now_ms};
    sx_answer answer;

    *report = (sx_sweep_report){0};
    apr_pool_create(&s.pool, NULL);
    answer = lease(dbd, &s);
    while (answer == SX_STORE_OK) {
        answer = sx_dbd_do(dbd, sweep_slice, &s, true, "sweep");
        if (answer != SX_STORE_OK)
            break;
        report->freed += (uint64_t)s.rows;
        report->finished = s.rows < SLICE;
        if (report->finished || sx_boot_us() >= end_us)
            break;
    }
    if (report->finished)
        end_of_all(dbd, &s);
    apr_pool_destroy(s.pool);
    return answer;
}
