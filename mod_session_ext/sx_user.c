/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_user.h. */
#include "sx_user.h"

#include <endian.h>
#include <string.h>
#include "sx_sure.h"
#include "sx_tag.h"

/* Longer than any session lives (ten years is what a directive accepts), or
 * one that was logged out would come back when its epoch is forgotten. */
#define EPOCH_LIFE_MS ((int64_t)10 * 365 * 86400 * 1000)
#define TRIES_MAX     100

/* epoch 8 | handle 8, little-endian */
_Static_assert(SX_EPOCH_BYTES == 16, "format");

typedef struct epoch {
    uint64_t number;
    uint64_t except; /* a handle, or 0 */
    uint64_t token;  /* of its record; 0: there is none */
} epoch;

uint64_t sx_user_tag(const sx_realm *realm, unsigned char kid, sx_str user)
{
    return sx_tag(sx_keys_get(realm->scope.keys, kid, SX_PURPOSE_USER),
                  sx_str_of(realm->scope.ns), user);
}

uint64_t sx_epoch_spares(const unsigned char bytes[SX_EPOCH_BYTES])
{
    uint64_t handle;

    memcpy(&handle, bytes + 8, sizeof handle);
    return le64toh(handle);
}

static sx_answer take_epoch(const sx_store_read *read, epoch *found)
{
    *found = (epoch){0};
    if (read->answer == SX_STORE_MISS)
        return SX_STORE_OK;
    if (read->answer != SX_STORE_OK)
        return read->answer;
    if (read->bytes.len != SX_EPOCH_BYTES || read->meta.kind != SX_EPOCH)
        return SX_STORE_DAMAGED;
    memcpy(&found->number, read->bytes.p, 8);
    found->number = le64toh(found->number);
    found->except = sx_epoch_spares((const unsigned char *)read->bytes.p);
    found->token = read->meta.token;
    return SX_STORE_OK;
}

static sx_answer read_epoch(const sx_realm *realm, uint64_t tag, epoch *found,
                            sx_now now, apr_pool_t *pool)
{
    unsigned char key[SX_STORE_KEY_LEN];
    sx_store_read read;

    sx_epoch_key(tag, key);
    read.answer = realm->store->ops->get(realm->store, key, &read.bytes,
                                         &read.meta, 0, now.boot_ms, pool);
    return take_epoch(&read, found);
}

/* As it is now, and not as the store remembers it. */
static sx_answer read_epoch_anew(const sx_realm *realm, uint64_t tag,
                                 epoch *found, sx_now now, apr_pool_t *pool)
{
    unsigned char key[SX_STORE_KEY_LEN];

    sx_epoch_key(tag, key);
    if (realm->store->ops->refresh)
        realm->store->ops->refresh(realm->store, key);
    return read_epoch(realm, tag, found, now, pool);
}

static uint64_t random_epoch(void)
{
    uint64_t number = 0;

    while (number == 0)
        sx_random(&number, sizeof number);
    return number;
}

/* Whoever turned it meanwhile ended the same sessions, but may have spared
 * another one: so this one is put in its place, whatever was there. */
static sx_answer turn_one(const sx_realm *realm, uint64_t tag, uint64_t number,
                          uint64_t except, sx_now now, apr_pool_t *pool)
{
    const uint64_t value[2] = {htole64(number), htole64(except)};
    sx_str bytes = {(const char *)value, sizeof value};
    sx_answer answer = SX_STORE_CHANGED;
    unsigned char key[SX_STORE_KEY_LEN];

    sx_epoch_key(tag, key);
    for (int i = 0; i < TRIES_MAX && answer == SX_STORE_CHANGED; i++) {
        sx_record_meta meta = {
            .kind = SX_EPOCH,
            .ns = sx_ns_number(realm->scope.ns),
            .user_tag = tag,
            .created_ms = now.boot_ms,
            .last_access_ms = now.boot_ms,
            .expires_ms = now.boot_ms + EPOCH_LIFE_MS,
            .hard_end_ms = now.boot_ms + EPOCH_LIFE_MS,
        };
        epoch present;

        answer = read_epoch(realm, tag, &present, now, pool);
        if (answer != SX_STORE_OK && answer != SX_STORE_DAMAGED)
            break;
        answer = sx_sure_put(realm->store,
                             &(sx_put){.key = key,
                                       .token = present.token,
                                       .bytes = bytes,
                                       .meta = &meta},
                             now.boot_ms, pool);
        if (answer == SX_STORE_GONE) /* it ended between the two */
            answer = SX_STORE_CHANGED;
    }
    return answer;
}

static bool has_ended(const sx_session *session, const epoch *present)
{
    return session->epoch != present->number &&
           (present->except == 0 || session->handle != present->except);
}

sx_answer sx_epoch_check(const sx_realm *realm, const sx_found *at, sx_now now,
                         apr_pool_t *pool)
{
    epoch present;
    sx_answer answer;

    if (at->meta.kind != SX_USER)
        return SX_STORE_OK;
    answer = at->has_epoch
                 ? take_epoch(&at->epoch, &present)
                 : read_epoch(realm, at->meta.user_tag, &present, now, pool);
    /* What is remembered may be older than this session. */
    if (answer == SX_STORE_OK && has_ended(at->session, &present) &&
        realm->store->ops->refresh)
        answer = read_epoch_anew(realm, at->meta.user_tag, &present, now, pool);
    if (answer == SX_STORE_OK && has_ended(at->session, &present))
        return SX_STORE_GONE;
    if (answer != SX_STORE_DAMAGED)
        return answer;
    /* What it said is lost, and nobody can tell who had ended: all have. */
    sx_log(SX_LOG_WARN, "the record of a user's logout is damaged; all "
                        "sessions of that user are ended");
    (void)turn_one(realm, at->meta.user_tag, random_epoch(), 0, now, pool);
    return SX_STORE_GONE;
}

sx_answer sx_epoch_join(const sx_realm *realm, uint64_t tag,
                        sx_session *session, sx_now now, apr_pool_t *pool)
{
    epoch present;
    sx_answer answer = read_epoch_anew(realm, tag, &present, now, pool);

    if (answer == SX_STORE_OK)
        session->epoch = present.number;
    return answer;
}

sx_answer sx_epoch_follow(const sx_realm *realm, uint64_t tag,
                          sx_session *session, sx_now now, apr_pool_t *pool)
{
    epoch present;
    sx_answer answer = read_epoch_anew(realm, tag, &present, now, pool);

    if (answer != SX_STORE_OK)
        return answer;
    /* None there: the key is younger than the last logout. */
    if (present.token != 0 && has_ended(session, &present))
        return SX_STORE_GONE;
    session->epoch = present.number;
    return SX_STORE_OK;
}

static sx_answer turn_all(const sx_realm *realm, sx_str user, uint64_t except,
                          sx_now now, apr_pool_t *pool)
{
    uint64_t number = random_epoch();
    sx_answer answer = SX_STORE_OK;

    for (unsigned kid = 0; kid < 256 && answer == SX_STORE_OK; kid++)
        if (sx_keys_get(realm->scope.keys, (unsigned char)kid, SX_PURPOSE_USER))
            answer =
                turn_one(realm, sx_user_tag(realm, (unsigned char)kid, user),
                         number, except, now, pool);
    return answer;
}

/* Where nobody can tell whether the epoch was turned it is turned again, to
 * another number: the first may have been there, and have been ended, and who
 * had joined it must not come back. */
sx_answer sx_epoch_turn(const sx_realm *realm, sx_str user, uint64_t except,
                        sx_now now, apr_pool_t *pool)
{
    sx_answer answer = SX_STORE_UNKNOWN;

    for (int i = 0; i <= SX_LOST_MAX && answer == SX_STORE_UNKNOWN; i++)
        answer = turn_all(realm, user, except, now, pool);
    return answer;
}

sx_answer sx_user_logout(const sx_realm *realm, const sx_found *at, bool spare,
                         sx_now now, apr_pool_t *pool)
{
    sx_str user = sx_session_user(at->session, realm->user_key);
    sx_found present = *at;
    sx_answer answer;

    if (user.len == 0)
        return SX_STORE_MISS;
    present.has_epoch = false; /* not what it was at load */
    answer = sx_epoch_check(realm, &present, now, pool);
    return answer == SX_STORE_OK
               ? sx_epoch_turn(realm, user, spare ? at->session->handle : 0,
                               now, pool)
               : answer;
}
