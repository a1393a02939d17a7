/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_renew.h"

#include "sx_flash.h"

/* Log-in, log-out, Session-Renew: the new record first, then the old one goes
 * by its token; who finds it changed or gone takes the new one back. */
sx_answer sx_renew_now(sx_attempt *a)
{
    const sx_realm *realm = a->realm;
    sx_id old = a->at.id;
    uint64_t token = a->at.meta.token;
    sx_answer answer;

    a->at.session->id_born_ms = a->now.boot_ms;
    sx_flash_move_on(a->at.session->messages, &realm->self, a->now.boot_ms);
    answer = sx_attempt_put(a, sx_attempt_fresh(a), 0);
    if (answer != SX_STORE_OK)
        return answer == SX_STORE_CHANGED ? SX_STORE_UNAVAILABLE : answer;
    answer = realm->store->ops->remove(realm->store, old.store_key, token);
    if (answer != SX_STORE_OK) {
        sx_attempt_drop(a, &a->fresh);
        return answer;
    }
    answer = sx_attempt_settle(a);
    if (answer != SX_STORE_OK)
        return answer;
    a->done->renewed = a->done->wrote = true;
    sx_attempt_send(a, &a->fresh);
    return SX_STORE_OK;
}

/* By age: the old record becomes an alias for the grace.  If that fails,
 * at.meta is the old record's again: a write in place may follow. */
sx_answer sx_renew_silently(sx_attempt *a)
{
    const sx_realm *realm = a->realm;
    sx_id old = a->at.id;
    uint64_t token = a->at.meta.token;
    int64_t alias_end = a->now.boot_ms + realm->times.grace_ms;
    const sx_record_meta before = a->at.meta;
    sx_record_meta alias = before;
    sx_answer answer;

    a->at.session->id_born_ms = a->now.boot_ms;
    answer = sx_attempt_put(a, sx_attempt_fresh(a), 0);
    if (answer != SX_STORE_OK) {
        a->at.meta = before;
        return answer == SX_STORE_CHANGED ? SX_STORE_UNAVAILABLE : answer;
    }
    alias.kind = SX_ALIAS;
    alias.created_ms = alias.last_access_ms = a->now.boot_ms;
    alias.expires_ms = alias.hard_end_ms = alias_end;
    answer = realm->store->ops->put_if(realm->store, old.store_key, token,
                                       sx_record_close(realm, &old, SX_ALIAS,
                                                       sx_str_of(a->fresh.text),
                                                       a->pool),
                                       &alias, a->now.boot_ms);
    if (answer != SX_STORE_OK) {
        sx_attempt_drop(a, &a->fresh);
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
