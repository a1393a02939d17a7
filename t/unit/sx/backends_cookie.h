/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in cookies as a stage: a wrapper around a segment. */
#ifndef BACKENDS_COOKIE_H
#define BACKENDS_COOKIE_H

#include "stage.h"

#include "sx_store_cookie.h"

/* What the client holds, sent with its next request. */
static void cookie_turn(stage *at)
{
    sx_store *store = at->realm.store;
    apr_array_header_t *values = apr_array_make(at->pool, 4, sizeof(sx_str));

    for (int i = 0; at->jar && i < at->jar->nelts; i++) {
        sx_str *held = &APR_ARRAY_IDX(at->jar, i, sx_str);
        sx_str text = {held->p, SX_ID_LEN};
        const char *load;
        sx_id id;

        if (!sx_id_verify(&id, text, &at->realm.scope)) {
            stage_give_up("a cookie of the jar is none");
        }
        load = store->ops->carry(store, id.store_key);
        if (load) {
            *held = sx_str_of(
                apr_pstrcat(at->pool, id.text, *load ? "." : "", load, NULL));
        }
        APR_ARRAY_PUSH(values, sx_str) = *held;
    }
    at->realm.store =
        stage_on->arrive(at, (sx_str *)values->elts, (size_t)values->nelts);
}

/* Of all that begin on one stage, `inner` is the segment, or what a test has
 * put in front of it. */
static sx_store *cookie_inner;

static sx_store *cookie_arrive(stage *at, sx_str *values, size_t count)
{
    sx_store *store =
        sx_store_cookie_create(cookie_inner, &at->realm.scope, at->pool);

    sx_store_cookie_take(store, values, count, at->now);
    return store;
}

static sx_store **cookie_slot(stage *at)
{
    (void)at;
    return &cookie_inner;
}

static void cookie_open(stage *at, uint64_t size, shm_on_full on_full)
{
    stage_open_shm(at, size, on_full);
    cookie_inner = at->realm.store;
    at->realm.store = cookie_arrive(at, NULL, 0);
}

static const stage_backend stage_cookie = {
    .name = "cookie",
    .cannot = CANNOT_EACH | CANNOT_SWEEP | CANNOT_COUNT | CANNOT_COMPARE |
              CANNOT_SPOIL,
    .max_record = 256 * 1024 - 17, /* it spills, with a head of its own */
    .open = cookie_open,
    .close = stage_close_shm,
    .records = stage_records_shm,
    .turn = cookie_turn,
    .inner = cookie_slot,
    .arrive = cookie_arrive};

#endif
