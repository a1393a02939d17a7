/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_renew.h"

#include "sx_flash.h"
#include "sx_sure.h"

/* The old record goes by its token: of rivals one removes it.  Whoever lost the
 * answer and finds it missing cannot tell if it was they, and has not won. */
static sx_answer remove_old(sx_attempt *a, const sx_id *old, uint64_t token)
{
    sx_store *store = a->realm->store;
    sx_answer answer = store->ops->remove(store, old->store_key, token);

    if (answer != SX_STORE_UNKNOWN)
        return answer;
    answer = sx_sure_remove(store, old->store_key, token);
    if (answer == SX_STORE_OK || answer == SX_STORE_CHANGED)
        return answer;
    a->in_doubt = true;
    return SX_STORE_UNKNOWN;
}

/* Log-in, log-out, Session-Renew: the new record first, then the old one goes;
 * who finds it changed or gone takes the new one back. */
sx_answer sx_renew_now(sx_attempt *a)
{
    sx_id old = a->at.id;
    uint64_t token = a->at.meta.token;
    sx_answer answer;

    a->at.session->id_born_ms = a->now.boot_ms;
    sx_flash_move_on(a->at.session->messages, &a->realm->self, a->now.boot_ms);
    answer = sx_attempt_put_fresh(a);
    if (answer != SX_STORE_OK)
        return answer;
    answer = remove_old(a, &old, token);
    if (answer != SX_STORE_OK) {
        (void)sx_attempt_drop(a);
        return answer;
    }
    answer = sx_attempt_settle(a);
    if (answer != SX_STORE_OK)
        return answer;
    a->done->renewed = a->done->wrote = true;
    sx_attempt_send(a, &a->fresh);
    return SX_STORE_OK;
}

static sx_answer put_alias(sx_attempt *a, const sx_id *old,
                           const sx_record_meta *before)
{
    const sx_realm *realm = a->realm;
    sx_record_meta alias = *before;
    const sx_put put = {.key = old->store_key,
                        .token = before->token,
                        .bytes =
                            sx_record_close(realm, old, SX_ALIAS,
                                            sx_str_of(a->fresh.text), a->pool),
                        .meta = &alias};

    alias.kind = SX_ALIAS;
    alias.created_ms = alias.last_access_ms = a->now.boot_ms;
    alias.expires_ms = alias.hard_end_ms =
        a->now.boot_ms + realm->times.grace_ms;
    return sx_sure_put(realm->store, &put, a->now.boot_ms, a->pool);
}

/* By age: the old record becomes an alias for the grace.  If that fails,
 * at.meta is the old record's again: a write in place may follow.  If nobody
 * can tell, the new record stays: the alias may lead to it. */
sx_answer sx_renew_silently(sx_attempt *a)
{
    sx_id old = a->at.id;
    const sx_record_meta before = a->at.meta;
    sx_answer answer;

    a->at.session->id_born_ms = a->now.boot_ms;
    answer = sx_attempt_put_fresh(a);
    if (answer != SX_STORE_OK) {
        a->at.meta = before;
        return answer;
    }
    answer = put_alias(a, &old, &before);
    a->in_doubt = answer == SX_STORE_UNKNOWN;
    if (answer != SX_STORE_OK && !a->in_doubt)
        (void)sx_attempt_drop(a);
    if (answer != SX_STORE_OK) {
        a->at.meta = before;
        return answer;
    }
    answer = sx_attempt_settle(a);
    if (answer != SX_STORE_OK)
        return answer;
    a->done->renewed = a->done->wrote = true;
    sx_attempt_send(a, &a->fresh);
    return SX_STORE_OK;
}
