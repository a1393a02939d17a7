/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sessions of one user.  A store holds no name: what lies beside a session
 * is a hash of namespace and user by a key of the key file.
 */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sx_patient.h"
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

bool tool_is_of(const tool_who *who, const sx_record_meta *meta)
{
    for (size_t i = 0; i < who->count; i++) {
        if (meta->ns == who->ns && meta->user_tag == who->tags[i]) {
            return true;
        }
    }
    return false;
}

bool tool_has_ended(const tool *t, const sx_record_meta *meta)
{
    unsigned char key[SX_STORE_KEY_LEN];
    sx_store *store = t->at.sx;
    sx_record_meta epoch;
    apr_pool_t *pool;
    sx_str bytes;
    bool ended;

    if (meta->kind != SX_USER) {
        return false;
    }
    sx_epoch_key(meta->user_tag, key);
    apr_pool_create(&pool, t->pool);
    ended = sx_patient_get(store, key, &bytes, &epoch, pool) == SX_STORE_OK &&
            bytes.len == SX_EPOCH_BYTES &&
            meta->last_access_ms < epoch.created_ms &&
            meta->handle != sx_epoch_spares((const unsigned char *)bytes.p);
    apr_pool_destroy(pool);
    return ended;
}

/* ---- logout ------------------------------------------------------------- */

typedef struct counting {
    tool *t;
    tool_who who;
    uint64_t sessions;
} counting;

static bool count_one(void *baton, const unsigned char *key,
                      const sx_record_meta *meta, size_t bytes)
{
    counting *c = baton;

    (void)key;
    (void)bytes;
    tool_progress(c->t);
    c->sessions += meta->kind == SX_USER && tool_is_of(&c->who, meta) &&
                   !tool_has_ended(c->t, meta);
    return true;
}

static void count_again(void *baton)
{
    ((counting *)baton)->sessions = 0;
}

/* A name that nobody has would be remembered for years: so whoever has no
 * session is not logged out. */
static outcome logout(tool *t, const sx_keys *keys, void *baton)
{
    counting c = {.t = t, .who = tool_who_of(t, keys)};
    sx_realm realm = {.scope = {.keys = keys, .ns = t->ns}, .store = t->at.sx};
    outcome result = tool_each(t, count_one, count_again, &c);
    sx_answer answer;

    (void)baton;
    if (result != DONE) {
        return result;
    }
    if (c.sessions == 0) {
        tool_fail(t, "no live session of that user in that namespace");
        return NOT_FOUND;
    }
    tool_read_clocks(t);
    answer = sx_epoch_turn(&realm, sx_str_of(t->user), 0,
                           (sx_now){t->now_ms, t->wall_ms / 1000}, t->pool);
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
