/* SPDX-License-Identifier: Apache-2.0 */
/* Who has time asks again: a store that is away for a moment is no failure, a
 * write whose answer was lost is done once, and a walk begins anew. */
#include <apr_general.h>

#include "stage.h"

#include "sx_patient.h"

static stage at;
static sx_store_ops ops;
static const sx_store_ops *real;
static int failures, asked, again;
static bool does_it; /* but the answer is lost */

static int64_t clock_ms(sx_store *store)
{
    (void)store;
    return at.now.boot_ms;
}

static bool fails(void)
{
    asked++;
    return failures-- > 0;
}

static sx_answer get(sx_store *store, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    return fails() ? SX_STORE_UNAVAILABLE
                   : real->get(store, key, bytes, meta, grace_ms, now_ms, pool);
}

static sx_answer put_if(sx_store *store, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    bool failed = fails();
    sx_answer answer = SX_STORE_BUSY;

    if (!failed || does_it)
        answer = real->put_if(store, key, token, bytes, meta, now_ms);
    return failed && does_it ? SX_STORE_UNKNOWN : answer;
}

static sx_answer each(sx_store *store, sx_store_visit *visit, void *baton,
                      int64_t now_ms, apr_pool_t *pool)
{
    sx_answer answer = real->each(store, visit, baton, now_ms, pool);

    return fails() ? SX_STORE_UNAVAILABLE : answer;
}

static sx_answer drop(sx_store *store, const unsigned char *key, uint64_t token)
{
    return fails() ? SX_STORE_UNKNOWN : real->remove(store, key, token);
}

static bool count(void *baton, const unsigned char *key,
                  const sx_record_meta *meta, size_t bytes)
{
    (void)key;
    (void)meta;
    (void)bytes;
    ++*(int *)baton;
    return true;
}

static void forget(void *baton)
{
    *(int *)baton = 0;
    again++;
}

static void set(int times, bool done)
{
    failures = times;
    does_it = done;
    asked = 0;
}

int main(void)
{
    static const unsigned char key[SX_STORE_KEY_LEN] = "a key";
    sx_store *store;
    sx_record_meta meta = {.kind = SX_USER}, found;
    sx_str bytes;
    int shown;

    apr_initialize();
    stage_begin(&at);
    store = at.realm.store;
    real = store->ops;
    ops = *real;
    ops.clock_ms = clock_ms;
    ops.get = get;
    ops.put_if = put_if;
    ops.each = each;
    ops.remove = drop;
    store->ops = &ops;
    meta.created_ms = meta.last_access_ms = at.now.boot_ms;
    meta.expires_ms = meta.hard_end_ms = at.now.boot_ms + HOUR;
    set(3, false);
    is_int(sx_patient_put(store, key, 0, sx_str_of("one"), &meta, at.pool),
           SX_STORE_OK, "a write that met a lock is done");
    is_int(asked, 4, "as soon as it can be");
    set(1, true);
    is_int(sx_patient_put(store, key, meta.token, sx_str_of("two"), &meta,
                          at.pool),
           SX_STORE_OK, "one whose answer was lost");
    set(3, false);
    is_int(sx_patient_get(store, key, &bytes, &found, at.pool), SX_STORE_OK,
           "a store that was away is read");
    ok(sx_str_eq(bytes, sx_str_of("two")) && found.token == meta.token,
       "it was done, by the token that was told");
    set(2, false);
    is_int(sx_patient_each(store, count, forget, &shown, at.pool), SX_STORE_OK,
           "a walk that was broken off");
    ok(shown == 1 && again == 3,
       "begins anew, and what was shown is forgotten");
    set(0, false);
    is_int(sx_patient_put(store, key, 1, sx_str_of("three"), &meta, at.pool),
           SX_STORE_CHANGED, "what is no outage is told at once");
    set(2, false);
    is_int(sx_patient_remove(store, key, meta.token), SX_STORE_OK,
           "a record is removed");
    is_int(sx_patient_remove(store, key, meta.token), SX_STORE_MISS, "once");
    set(1, false);
    is_int(sx_patient_remove(store, key, meta.token), SX_STORE_OK,
           "and one that is gone when the answer was lost was removed");
    meta.token = 0;
    set(0, false);
    is_int(sx_patient_put(store, key, 0, sx_str_of("four"), &meta, at.pool),
           SX_STORE_OK, "there is one again");
    set(2, false);
    shown = 0;
    is_int(sx_patient_each(store, count, NULL, &shown, at.pool),
           SX_STORE_UNAVAILABLE, "who cannot forget is shown nothing twice");
    is_int(shown, 1, "but what there is, once");
    stage_end(&at);
    return done_testing();
}
