/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_load.h"

#include <string.h>
#include "sx_client.h"
#include "sx_registry.h"
#include "sx_user.h"

/* One that still leads somewhere is no reuse: it is the session that ended. */
static bool is_spent_alias(const sx_realm *realm, const sx_id *id, sx_now now,
                           apr_pool_t *pool)
{
    sx_str bytes;
    sx_record_meta meta;

    return realm->store->ops->get(realm->store, id->store_key, &bytes, &meta,
                                  SX_COMMIT_GRACE_MS, now.boot_ms,
                                  pool) == SX_STORE_OK &&
           meta.kind == SX_ALIAS && meta.expires_ms <= now.boot_ms;
}

/* Who has the cookie of another client ends its session.  Only one of many
 * such requests does, and tells. */
static sx_answer check_client(const sx_realm *realm, const sx_found *at,
                              sx_now now, sx_loaded *loaded, apr_pool_t *pool)
{
    unsigned changed;
    sx_answer answer;

    if (realm->client.bind != SX_BIND_KILL)
        return SX_STORE_OK;
    changed = sx_client_changed(realm, &at->id, at->session);
    if (!changed)
        return SX_STORE_OK;
    answer = sx_record_end(realm, &at->id, now, pool);
    if (answer == SX_STORE_OK) {
        loaded->killed = changed;
        loaded->meta.handle = at->meta.handle;
    }
    else if (answer != SX_STORE_MISS)
        sx_log(SX_LOG_WARN,
               "a session whose client has changed could not be ended (%s)",
               sx_answer_str(answer));
    return SX_STORE_GONE;
}

static void load_id(const sx_realm *realm, const sx_id *id, sx_now now,
                    sx_loaded *loaded, apr_pool_t *pool)
{
    sx_found at = {.id = *id};
    sx_answer answer = sx_record_read(realm, &at, 0, now, pool);

    if (answer == SX_STORE_OK)
        answer = sx_epoch_check(realm, &at, now, pool);
    if (answer == SX_STORE_OK)
        answer = sx_registry_check(realm, &at, now, pool);
    if (answer == SX_STORE_OK)
        answer = check_client(realm, &at, now, loaded, pool);
    if (sx_answer_is_outage(answer)) {
        loaded->status = SX_STATUS_UNAVAILABLE;
        loaded->outage = answer;
    }
    else if (answer != SX_STORE_OK) {
        loaded->status = SX_STATUS_INVALID;
        if (answer == SX_STORE_DAMAGED)
            sx_log(SX_LOG_WARN, "a session record did not open; its session "
                                "is treated as ended");
        else
            loaded->reuse = is_spent_alias(realm, id, now, pool);
    }
    else {
        loaded->status = SX_STATUS_ACTIVE;
        loaded->session = at.session;
        loaded->meta = at.meta;
        loaded->id = at.id;
        loaded->via_alias = at.via_alias;
        loaded->has_epoch = at.has_epoch;
        loaded->epoch = at.epoch;
    }
}

void sx_load(const sx_realm *realm, const sx_str *candidates, size_t cookies,
             sx_now now, sx_loaded *loaded, apr_pool_t *pool)
{
    sx_id id, genuine;
    size_t valid = 0;

    memset(loaded, 0, sizeof *loaded);
    loaded->status = cookies ? SX_STATUS_INVALID : SX_STATUS_NONE;
    for (size_t i = 0; i < cookies; i++) {
        if (!sx_id_verify(&id, candidates[i], &realm->scope) ||
            (valid > 0 && !strcmp(id.text, genuine.text)))
            continue;
        genuine = id;
        valid++;
    }
    /* Two genuine ids: somebody planted one.  Never "first wins". */
    if (valid == 1)
        load_id(realm, &genuine, now, loaded, pool);
}
