/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sessions of one user.  A store holds no name: what lies beside a session
 * is a hash of namespace and user by a key of the key file.
 */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <apr_pools.h>

#include "sx_store_shm.h"
#include "sx_tag.h"
#include "sx_user.h"

/* Hashes are made once and not for each record that is looked at. */
tool_who tool_who_of(const tool *t, const sx_keys *keys)
{
    const sx_realm realm = {.scope = {.keys = keys, .ns = t->ns}};
    tool_who who = {.ns = sx_ns_number(t->ns)};

    for (unsigned kid = 0; kid < 256; kid++) {
        if (sx_keys_get(keys, (unsigned char)kid, SX_PURPOSE_USER) != NULL) {
            who.tags[who.count++] =
                sx_user_tag(&realm, (unsigned char)kid, sx_str_of(t->user));
        }
    }
    return who;
}

bool tool_is_of(const tool_who *who, const shm_meta *meta)
{
    for (size_t i = 0; i < who->count; i++) {
        if (meta->ns == who->ns && meta->user_tag == who->tags[i]) {
            return true;
        }
    }
    return false;
}

bool tool_has_ended(const tool *t, const shm_meta *meta)
{
    unsigned char key[SST_KEY_LEN], bytes[SX_EPOCH_BYTES];
    shm_meta epoch;

    if (meta->kind != SST_USER) {
        return false;
    }
    sx_epoch_key(meta->user_tag, key);
    return shm_store_get(t->store, key, bytes, sizeof(bytes), &epoch, 0,
                         t->now_ms) == SST_OK &&
           epoch.value_len == sizeof(bytes) &&
           meta->last_access_ms < epoch.created_ms &&
           meta->handle != sx_epoch_spares(bytes);
}

/* ---- logout ------------------------------------------------------------- */

typedef struct counting {
    tool *t;
    tool_who who;
    uint64_t sessions;
} counting;

static bool count_one(void *baton, const unsigned char *key,
                      const shm_meta *meta)
{
    counting *c = baton;

    (void)key;
    tool_progress(c->t);
    c->sessions += meta->kind == SST_USER && tool_is_of(&c->who, meta) &&
                   !tool_has_ended(c->t, meta);
    return true;
}

/* A name that nobody has would be remembered for years: so whoever has no
 * session is not logged out. */
static outcome logout(tool *t, const sx_keys *keys, void *baton)
{
    counting c = {.t = t, .who = tool_who_of(t, keys)};
    sx_realm realm = {.scope = {.keys = keys, .ns = t->ns}};
    sx_answer answer;
    apr_pool_t *pool;
    shm_status status;

    (void)baton;
    status = shm_store_each(t->store, count_one, &c, t->now_ms);
    tool_progress_end(t);
    if (status != SST_OK) {
        return tool_fail_status(t, status);
    }
    if (c.sessions == 0) {
        tool_fail(t, "no live session of that user in that namespace");
        return NOT_FOUND;
    }
    tool_read_clocks(t);
    apr_pool_create(&pool, NULL);
    realm.store = sx_store_shm_create(t->store, pool);
    answer = sx_epoch_turn(&realm, sx_str_of(t->user), 0,
                           (sx_now){t->now_ms, t->wall_s}, pool);
    apr_pool_destroy(pool);
    if (answer != SX_STORE_OK) {
        return tool_fail(t, "the user could not be logged out: %s",
                         sx_answer_str(answer));
    }
    printf(t->json ? "{\"sessions\": %" PRIu64 "}\n"
                   : "logged out; sessions ended: %" PRIu64 "\n",
           c.sessions);
    return DONE;
}

outcome tool_logout(tool *t)
{
    t->user = t->arg;
    return tool_with_keys(t, t->keys, logout, NULL);
}
