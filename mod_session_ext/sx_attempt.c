/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_attempt.h"

#include "sx_client.h"
#include "sx_owner.h"
#include "sx_sure.h"
#include "sx_tag.h"

/* As the one to be written under ${id}. */
static sx_sitting sitting_of(sx_attempt *a, const sx_id *id)
{
    return (sx_sitting){.realm = a->realm,
                        .meta = &a->at.meta,
                        .session = a->at.session,
                        .id = id,
                        .logs_in = a->logs_in,
                        .moves = id != &a->at.id,
                        .now = a->now,
                        .pool = a->pool};
}

static sx_answer put_under(sx_attempt *a, const sx_id *id, uint64_t token)
{
    const sx_realm *realm = a->realm;
    sx_record_meta *meta = &a->at.meta;
    sx_sitting who = sitting_of(a, id);
    sx_answer answer = sx_owner_set(&who, &a->claim);
    sx_put put = {.key = id->store_key, .token = token, .meta = meta};

    a->in_doubt = false;
    if (answer != SX_STORE_OK)
        return answer;
    sx_client_note(realm, id,
                   id->kid == a->at.id.kid ? a->client_changed : SX_CLIENT_ALL,
                   a->at.session);
    put.bytes = sx_record_session(realm, id, meta, a->at.session, a->pool);
    if (put.bytes.len == 0)
        return SX_STORE_TOOBIG;
    meta->last_access_ms = a->now.boot_ms;
    meta->expires_ms = sx_lifetime_end(&realm->times, a->at.session,
                                       meta->hard_end_ms, a->now.boot_ms);
    if (a->reserves && meta->expires_ms > a->now.boot_ms + SX_RESERVE_MS)
        meta->expires_ms = a->now.boot_ms + SX_RESERVE_MS;
    /* In place: and unless all of its user have been ended since at.epoch was
     * read, if nobody else looks. */
    put.with_epoch = a->epoch_by_put && token;
    if (put.with_epoch && a->at.epoch.answer == SX_STORE_OK)
        put.epoch_token = a->at.epoch.meta.token;
    answer = sx_sure_put(realm->store, &put, a->now.boot_ms, a->pool);
    /* Of a fresh id no client has heard: what lies there was not written. */
    a->in_doubt = answer == SX_STORE_UNKNOWN && token != 0;
    return answer;
}

sx_answer sx_attempt_put(sx_attempt *a)
{
    return put_under(a, &a->at.id, a->at.meta.token);
}

void sx_attempt_begin(sx_attempt *a)
{
    sx_session *session = sx_session_create(a->pool);

    do
        sx_random(&session->handle, sizeof session->handle);
    while (session->handle == 0);
    session->created_s = a->now.wall_s;
    session->id_born_ms = a->now.boot_ms;
    a->at.session = session;
    a->at.meta = (sx_record_meta){
        .ns = sx_ns_number(a->realm->scope.ns),
        .handle = session->handle,
        .created_ms = a->now.boot_ms,
        .hard_end_ms = a->now.boot_ms + a->realm->times.absolute_ms,
    };
}

/* One that the app has been told already cannot be another. */
static bool choose_fresh(sx_attempt *a)
{
    if (a->fresh_spoiled && (a->delta->fresh || a->lost++ >= SX_LOST_MAX))
        return false;
    if (a->delta->fresh)
        a->fresh = *a->delta->fresh;
    else if (!a->has_fresh || a->fresh_spoiled)
        sx_id_mint(&a->fresh, &a->realm->scope);
    a->has_fresh = true;
    a->fresh_spoiled = false;
    return true;
}

sx_answer sx_attempt_put_fresh(sx_attempt *a)
{
    sx_answer answer;

    if (!choose_fresh(a))
        return SX_STORE_UNKNOWN;
    answer = put_under(a, &a->fresh, 0);
    /* Another record under a new random id: that store is not right. */
    if (answer == SX_STORE_CHANGED)
        return SX_STORE_UNAVAILABLE;
    if (answer != SX_STORE_UNKNOWN)
        return answer;
    a->fresh_spoiled = true;
    return sx_attempt_drop(a) ? SX_STORE_CHANGED : SX_STORE_UNKNOWN;
}

void sx_attempt_send(sx_attempt *a, const sx_id *id)
{
    a->done->cookie = SX_COOKIE_SEND;
    a->done->id = *id;
    a->done->persist = a->at.session->persist;
    a->done->hard_end_ms = a->at.meta.hard_end_ms;
}

void sx_attempt_carry(sx_attempt *a)
{
    const sx_store_ops *ops = a->realm->store->ops;

    /* For an access alone no picture of a page gets a cookie. */
    if (ops->carry && a->done->cookie == SX_COOKIE_KEEP &&
        a->mode.may_send_cookie && (a->mode.may_renew || a->done->wrote) &&
        a->at.session && ops->carry(a->realm->store, a->at.id.store_key))
        sx_attempt_send(a, &a->at.id);
}

bool sx_attempt_drop(sx_attempt *a)
{
    sx_answer answer =
        a->realm->store->ops->remove(a->realm->store, a->fresh.store_key, 0);

    if (!sx_answer_is_outage(answer))
        return true;
    a->fresh_spoiled = true;
    sx_log(SX_LOG_WARN,
           "a record that came to nothing could not be removed (%s); it ends "
           "by its idle timeout",
           sx_answer_str(answer));
    return false;
}

sx_answer sx_attempt_settle(sx_attempt *a)
{
    sx_sitting who = sitting_of(a, &a->fresh);
    sx_answer answer = sx_registry_settle(&who, &a->done->evicted);

    if (sx_answer_is_outage(answer) && !a->logs_in)
        return SX_STORE_OK;
    if (answer != SX_STORE_OK)
        (void)sx_attempt_drop(a);
    return answer;
}
