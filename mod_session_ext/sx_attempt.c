/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_attempt.h"

#include "sx_client.h"
#include "sx_owner.h"
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

/* In place: and unless all of its user have been ended since at.epoch was
 * read, if nobody else looks. */
static sx_answer put(sx_attempt *a, const sx_id *id, uint64_t token,
                     sx_str bytes)
{
    sx_store *store = a->realm->store;

    if (a->epoch_by_put && token)
        return store->ops->put_if_epoch(
            store, id->store_key, token,
            a->at.epoch.answer == SX_STORE_OK ? a->at.epoch.meta.token : 0,
            bytes, &a->at.meta, a->now.boot_ms);
    return store->ops->put_if(store, id->store_key, token, bytes, &a->at.meta,
                              a->now.boot_ms);
}

sx_answer sx_attempt_put(sx_attempt *a, const sx_id *id, uint64_t token)
{
    const sx_realm *realm = a->realm;
    sx_record_meta *meta = &a->at.meta;
    sx_sitting who = sitting_of(a, id);
    sx_answer answer = sx_owner_set(&who, &a->claim);
    sx_str bytes;

    if (answer != SX_STORE_OK)
        return answer;
    sx_client_note(realm, id,
                   id->kid == a->at.id.kid ? a->client_changed : SX_CLIENT_ALL,
                   a->at.session);
    bytes = sx_record_session(realm, id, meta, a->at.session, a->pool);
    if (bytes.len == 0)
        return SX_STORE_TOOBIG;
    meta->last_access_ms = a->now.boot_ms;
    meta->expires_ms = sx_lifetime_end(&realm->times, a->at.session,
                                       meta->hard_end_ms, a->now.boot_ms);
    if (a->reserves && meta->expires_ms > a->now.boot_ms + SX_RESERVE_MS)
        meta->expires_ms = a->now.boot_ms + SX_RESERVE_MS;
    return put(a, id, token, bytes);
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

const sx_id *sx_attempt_fresh(sx_attempt *a)
{
    if (!a->has_fresh && a->delta->fresh)
        a->fresh = *a->delta->fresh;
    else if (!a->has_fresh)
        sx_id_mint(&a->fresh, &a->realm->scope);
    a->has_fresh = true;
    return &a->fresh;
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

void sx_attempt_drop(sx_attempt *a, const sx_id *id)
{
    sx_answer answer =
        a->realm->store->ops->remove(a->realm->store, id->store_key, 0);

    if (sx_answer_is_outage(answer))
        sx_log(SX_LOG_WARN,
               "the record of a renewal that failed could not be "
               "removed (%s); it ends by its idle timeout",
               sx_answer_str(answer));
}

sx_answer sx_attempt_settle(sx_attempt *a)
{
    sx_sitting who = sitting_of(a, &a->fresh);
    sx_answer answer = sx_registry_settle(&who, &a->done->evicted);

    if (sx_answer_is_outage(answer) && !a->logs_in)
        return SX_STORE_OK;
    if (answer != SX_STORE_OK)
        sx_attempt_drop(a, &a->fresh);
    return answer;
}
