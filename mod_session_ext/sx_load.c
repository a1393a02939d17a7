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

/* One read of a record, and what it was for. */
typedef struct reading {
    const sx_realm *realm;
    sx_id id; /* that was asked for */
    sx_found at;
    sx_now now;
    apr_pool_t *pool;
} reading;

static void judge(const reading *in, sx_answer answer, sx_loaded *loaded)
{
    const sx_realm *realm = in->realm;

    if (answer == SX_STORE_OK)
        answer = sx_epoch_check(realm, &in->at, in->now, in->pool);
    if (answer == SX_STORE_OK)
        answer = sx_registry_check(realm, &in->at, in->now, in->pool);
    if (answer == SX_STORE_OK)
        answer = check_client(realm, &in->at, in->now, loaded, in->pool);
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
            loaded->reuse = is_spent_alias(realm, &in->id, in->now, in->pool);
    }
    else {
        loaded->status = SX_STATUS_ACTIVE;
        loaded->session = in->at.session;
        loaded->meta = in->at.meta;
        loaded->id = in->at.id;
        loaded->via_alias = in->at.via_alias;
        loaded->plain = in->at.plain;
        loaded->has_epoch = in->at.has_epoch;
        loaded->epoch = in->at.epoch;
    }
}

/* Behind the get that has answered ${answer}. */
static void open_and_judge(reading *in, sx_answer answer, sx_loaded *loaded)
{
    if (answer == SX_STORE_OK)
        answer = sx_record_open(in->realm, &in->at, 0, in->now, in->pool);
    memset(loaded, 0, sizeof *loaded);
    judge(in, answer, loaded);
}

/* Does the session live if its record does? */
static bool may_stay_closed(const sx_realm *realm, const sx_record_meta *meta)
{
    return meta->kind == SX_ANONYMOUS && realm->client.bind != SX_BIND_KILL;
}

/* False: there is none, and the status says why. */
static bool find_id(const sx_realm *realm, const sx_str *candidates,
                    size_t cookies, sx_id *found, sx_loaded *loaded)
{
    sx_id id;
    size_t valid = 0;

    memset(loaded, 0, sizeof *loaded);
    loaded->status = cookies ? SX_STATUS_INVALID : SX_STATUS_NONE;
    for (size_t i = 0; i < cookies; i++) {
        if (!sx_id_verify(&id, candidates[i], &realm->scope) ||
            (valid > 0 && !strcmp(id.text, found->text)))
            continue;
        *found = id;
        valid++;
    }
    /* Two genuine ids: somebody planted one.  Never "first wins". */
    return valid == 1;
}

void sx_load_id(const sx_realm *realm, const sx_id *id, sx_now now,
                sx_loaded *loaded, apr_pool_t *pool)
{
    reading in = {realm, *id, {.id = *id}, now, pool};

    open_and_judge(&in, sx_record_get(realm, &in.at, 0, now, pool), loaded);
}

void sx_load(const sx_realm *realm, const sx_str *candidates, size_t cookies,
             sx_now now, sx_loaded *loaded, apr_pool_t *pool)
{
    sx_id id;

    if (find_id(realm, candidates, cookies, &id, loaded))
        sx_load_id(realm, &id, now, loaded, pool);
}

void sx_load_begin(const sx_realm *realm, const sx_str *candidates,
                   size_t cookies, sx_now now, sx_loaded *loaded,
                   apr_pool_t *pool)
{
    reading in = {.realm = realm, .now = now, .pool = pool};
    sx_answer answer;

    if (!find_id(realm, candidates, cookies, &in.id, loaded))
        return;
    in.at.id = in.id;
    answer = sx_record_get(realm, &in.at, 0, now, pool);
    if (answer != SX_STORE_OK || !may_stay_closed(realm, &in.at.meta)) {
        open_and_judge(&in, answer, loaded);
        return;
    }
    loaded->status = SX_STATUS_ACTIVE;
    loaded->is_closed = true;
    loaded->id = in.id;
    loaded->meta = in.at.meta;
    loaded->bytes = in.at.bytes;
}

void sx_load_finish(const sx_realm *realm, sx_now now, sx_loaded *loaded,
                    apr_pool_t *pool)
{
    reading in = {
        realm,
        loaded->id,
        {.id = loaded->id, .meta = loaded->meta, .bytes = loaded->bytes},
        now,
        pool};

    if (loaded->is_closed)
        open_and_judge(&in, SX_STORE_OK, loaded);
}
