/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_flash_claim.h"

#include "sx_flash.h"
#include "sx_retry.h"
#include "sx_sure.h"

typedef struct taking {
    const sx_realm *realm;
    const sx_loaded *loaded;
    sx_flash_claim claim;
    sx_now now;
    int lost;         /* answers, so far */
    apr_pool_t *pool; /* of this try */
    sx_found at;
} taking;

/* Where nobody can tell, the session is read again: what was taken has our
 * claim, and is not taken twice. */
static sx_answer put_taken(taking *t)
{
    sx_found *at = &t->at;
    sx_put put = {.key = at->id.store_key,
                  .token = at->meta.token,
                  .bytes = sx_record_session(t->realm, &at->id, &at->meta,
                                             at->session, t->pool),
                  .meta = &at->meta};
    sx_answer answer;

    if (put.bytes.len == 0)
        return SX_STORE_TOOBIG;
    answer = sx_sure_put(t->realm->store, &put, t->now.boot_ms, t->pool);
    return answer == SX_STORE_UNKNOWN && t->lost++ < SX_LOST_MAX
               ? SX_STORE_CHANGED
               : answer;
}

/* The first try trusts what load has read: its token tells if it may. */
static sx_answer take_try(void *baton, unsigned i)
{
    taking *t = baton;
    const sx_loaded *loaded = t->loaded;
    sx_answer answer = SX_STORE_OK;

    t->at = (sx_found){.id = loaded->id,
                       .via_alias = loaded->via_alias,
                       .has_epoch = loaded->has_epoch,
                       .epoch = loaded->epoch};
    if (i == 0) {
        t->at.meta = loaded->meta;
        t->at.session = sx_session_clone(loaded->session, t->pool);
    }
    else {
        apr_pool_clear(t->pool);
        answer = sx_record_read(t->realm, &t->at, SX_COMMIT_GRACE_MS, t->now,
                                t->pool);
    }
    if (answer == SX_STORE_OK &&
        sx_flash_take(t->at.session->messages, &t->claim))
        answer = put_taken(t);
    return answer;
}

sx_answer sx_flash_claim_for(const sx_realm *realm, sx_loaded *loaded,
                             uint64_t id, sx_now now, apr_pool_t *pool)
{
    taking t = {
        .realm = realm,
        .loaded = loaded,
        .claim = {id, now.boot_ms, realm->self},
        .now = now,
    };
    sx_answer answer;

    if (loaded->status != SX_STATUS_ACTIVE ||
        loaded->session->messages->nelts == 0)
        return SX_STORE_OK;
    apr_pool_create(&t.pool, pool);
    answer = sx_retry(realm->store, loaded->id.store_key, take_try, &t);
    if (answer != SX_STORE_OK) {
        apr_pool_destroy(t.pool);
        /* So that the commit finds them to give back. */
        if (answer == SX_STORE_UNKNOWN)
            (void)sx_flash_take(loaded->session->messages, &t.claim);
        return answer;
    }
    /* With a pool of its own, which lives as long as ${pool} does. */
    loaded->session = t.at.session;
    loaded->plain = (sx_str){NULL, 0}; /* of before */
    loaded->meta = t.at.meta;
    loaded->id = t.at.id;
    loaded->via_alias = t.at.via_alias;
    loaded->has_epoch = t.at.has_epoch;
    loaded->epoch = t.at.epoch;
    return SX_STORE_OK;
}
