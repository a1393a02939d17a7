/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_record.h"

#include <string.h>
#include "sx_codec.h"
#include "sx_seal.h"
#include "sx_sure.h"

/* An alias may lead to an id that has been renewed since.  A slow request
 * follows as many as were made in the grace of the first and its own, and an
 * interval may be as short as a second. */
#define HOPS_MAX 128

#define TRIES_MAX 100

/* Kind, namespace and store key: a value copied to another place in the store
 * does not open there. */
static sx_str binding(const sx_realm *realm, const sx_id *id, sx_kind kind,
                      apr_pool_t *pool)
{
    size_t ns_len = strlen(realm->scope.ns);
    size_t len = 1 + SX_STORE_KEY_LEN + ns_len;
    char *p = apr_palloc(pool, len);

    p[0] = kind == SX_ALIAS ? 'a' : 's';
    memcpy(p + 1, id->store_key, SX_STORE_KEY_LEN);
    memcpy(p + 1 + SX_STORE_KEY_LEN, realm->scope.ns, ns_len);
    return (sx_str){p, len};
}

sx_str sx_record_close(const sx_realm *realm, const sx_id *id, sx_kind kind,
                       sx_str plain, apr_pool_t *pool)
{
    /* An alias holds an id: it is sealed whatever the scope says. */
    if (!realm->encrypt && kind != SX_ALIAS)
        return sx_seal_clear(plain, pool);
    return sx_seal(id->seal_key, binding(realm, id, kind, pool), plain, pool);
}

static int64_t sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* From times of the store to times since the creation, and back. */
static void move_times(sx_session *session, int64_t by_ms)
{
    session->id_born_ms = sum(session->id_born_ms, by_ms);
    for (int i = 0; i < session->messages->nelts; i++) {
        sx_flash_claim *claim =
            &APR_ARRAY_IDX(session->messages, i, sx_message).claim;

        if (claim->id)
            claim->since_ms = sum(claim->since_ms, by_ms);
    }
}

sx_str sx_record_session(const sx_realm *realm, const sx_id *id,
                         const sx_record_meta *meta, sx_session *session,
                         apr_pool_t *pool)
{
    sx_str plain;

    move_times(session, (int64_t)(0 - (uint64_t)meta->created_ms));
    plain = sx_encode(session, pool);
    move_times(session, meta->created_ms);
    return plain.len ? sx_record_close(realm, id, SX_USER, plain, pool) : plain;
}

sx_answer sx_record_get(const sx_realm *realm, sx_found *at, int64_t grace_ms,
                        sx_now now, apr_pool_t *pool)
{
    const sx_store_ops *ops = realm->store->ops;
    sx_store_read record = {0};

    at->has_epoch = ops->get_with_epoch != NULL;
    if (!at->has_epoch)
        return ops->get(realm->store, at->id.store_key, &at->bytes, &at->meta,
                        grace_ms, now.boot_ms, pool);
    record.answer =
        ops->get_with_epoch(realm->store, at->id.store_key, &record, &at->epoch,
                            grace_ms, now.boot_ms, pool);
    at->bytes = record.bytes;
    at->meta = record.meta;
    return record.answer;
}

static bool is_opened(const sx_realm *realm, const sx_found *at)
{
    const sx_opened *opened = realm->opened;

    return opened && opened->token && opened->token == at->meta.token &&
           !memcmp(opened->store_key, at->id.store_key, SX_STORE_KEY_LEN);
}

static bool unseal(const sx_realm *realm, sx_found *at, apr_pool_t *pool)
{
    if (is_opened(realm, at)) {
        at->plain = realm->opened->plain;
        return true;
    }
    return sx_unseal(at->id.seal_key,
                     binding(realm, &at->id, at->meta.kind, pool), at->bytes,
                     !realm->encrypt && at->meta.kind != SX_ALIAS, &at->plain,
                     pool);
}

sx_answer sx_record_open(const sx_realm *realm, sx_found *at, int64_t grace_ms,
                         sx_now now, apr_pool_t *pool)
{
    for (int hop = 0; hop < HOPS_MAX; hop++) {
        sx_answer answer;

        if (!unseal(realm, at, pool))
            return SX_STORE_DAMAGED;
        if (at->meta.kind != SX_ALIAS) {
            at->session = sx_decode(at->plain, pool);
            if (!at->session)
                return SX_STORE_DAMAGED;
            move_times(at->session, at->meta.created_ms);
            return SX_STORE_OK;
        }
        if (!sx_id_verify(&at->id, at->plain, &realm->scope))
            return SX_STORE_DAMAGED;
        at->via_alias = true;
        answer = sx_record_get(realm, at, grace_ms, now, pool);
        if (answer != SX_STORE_OK)
            return answer;
    }
    return SX_STORE_MISS;
}

sx_answer sx_record_read(const sx_realm *realm, sx_found *at, int64_t grace_ms,
                         sx_now now, apr_pool_t *pool)
{
    sx_answer answer = sx_record_get(realm, at, grace_ms, now, pool);

    return answer == SX_STORE_OK
               ? sx_record_open(realm, at, grace_ms, now, pool)
               : answer;
}

static sx_answer end_once(const sx_realm *realm, const sx_id *id, sx_now now,
                          apr_pool_t *pool)
{
    sx_found at = {.id = *id};
    sx_answer answer =
        sx_record_read(realm, &at, SX_COMMIT_GRACE_MS, now, pool);

    if (answer == SX_STORE_OK)
        return realm->store->ops->remove(realm->store, at.id.store_key,
                                         at.meta.token);
    /* What cannot be read must not stay either. */
    if (answer == SX_STORE_DAMAGED)
        return realm->store->ops->remove(realm->store, at.id.store_key, 0);
    return answer;
}

sx_answer sx_record_end(const sx_realm *realm, const sx_id *id, sx_now now,
                        apr_pool_t *pool)
{
    sx_answer answer = SX_STORE_CHANGED;
    apr_pool_t *each;
    int lost = 0;

    apr_pool_create(&each, pool);
    for (int i = 0; i < TRIES_MAX && answer == SX_STORE_CHANGED; i++) {
        apr_pool_clear(each);
        answer = end_once(realm, id, now, each);
        if (answer == SX_STORE_UNKNOWN && lost++ < SX_LOST_MAX)
            answer = SX_STORE_CHANGED;
        else if (answer == SX_STORE_MISS && lost)
            answer = SX_STORE_OK; /* whose remove it was makes no difference */
    }
    apr_pool_destroy(each);
    return answer;
}
