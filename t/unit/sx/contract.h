/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of a store as the contract suite makes them, on the stage `at`. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "backends.h"
#include "sx_tag.h"

static stage at;

#define says(condition, sentence)                                              \
    ok((condition), "%s: %s", stage_on->name, (sentence))

/* ---- calls, each by a request of its own where a handle is of one ------- */

static inline sx_record_meta meta_of(sx_kind kind)
{
    return (sx_record_meta){.kind = kind,
                            .ns = sx_ns_number(at.realm.scope.ns),
                            .user_tag = 88,
                            .handle = 99,
                            .created_ms = at.now.boot_ms,
                            .last_access_ms = at.now.boot_ms,
                            .expires_ms = at.now.boot_ms + MINUTE,
                            .hard_end_ms = at.now.boot_ms + HOUR};
}

static inline sx_answer get_within(const unsigned char *key, int64_t grace_ms,
                                   sx_str *bytes, sx_record_meta *meta)
{
    stage_turn(&at);
    return at.realm.store->ops->get(at.realm.store, key, bytes, meta, grace_ms,
                                    at.now.boot_ms, at.pool);
}

static inline sx_answer get(const unsigned char *key, sx_str *bytes,
                            sx_record_meta *meta)
{
    return get_within(key, 0, bytes, meta);
}

/* Those that follow a get are of the same request. */
static inline sx_answer put(const unsigned char *key, uint64_t token,
                            sx_str bytes, sx_record_meta *meta)
{
    return at.realm.store->ops->put_if(at.realm.store, key, token, bytes, meta,
                                       at.now.boot_ms);
}

static inline sx_answer touch(const unsigned char *key, int64_t expires_ms)
{
    return at.realm.store->ops->touch(at.realm.store, key, expires_ms,
                                      at.now.boot_ms);
}

static inline sx_answer drop(const unsigned char *key, uint64_t token)
{
    return at.realm.store->ops->remove(at.realm.store, key, token);
}

/* A record under a new key. */
static inline const unsigned char *made(const char *bytes, sx_record_meta *meta)
{
    const unsigned char *key = stage_key(&at);

    if (put(key, 0, sx_str_of(bytes), meta) != SX_STORE_OK)
        stage_give_up("a record could not be made");
    return key;
}

static inline bool holds(const unsigned char *key, const char *bytes)
{
    sx_record_meta found;
    sx_str got;

    return get(key, &got, &found) == SX_STORE_OK &&
           sx_str_eq(got, sx_str_of(bytes));
}

static inline bool is_missing(const unsigned char *key)
{
    sx_record_meta found;
    sx_str got;

    return get_within(key, SX_COMMIT_GRACE_MS, &got, &found) == SX_STORE_MISS;
}

#endif
