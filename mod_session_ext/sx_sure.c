/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_sure.h"

static sx_answer put_once(sx_store *store, const sx_put *put, int64_t now_ms)
{
    if (put->with_epoch)
        return store->ops->put_if_epoch(store, put->key, put->token,
                                        put->epoch_token, put->bytes, put->meta,
                                        now_ms);
    return store->ops->put_if(store, put->key, put->token, put->bytes,
                              put->meta, now_ms);
}

/* What has become of a put?  OK: it is there.  CHANGED: not yet, the record
 * that it replaces still lies there.  GONE: nothing does, and nothing comes
 * back.  UNKNOWN: nobody can tell. */
static sx_answer look(sx_store *store, const sx_put *put, int64_t now_ms,
                      apr_pool_t *pool)
{
    sx_record_meta found;
    sx_str bytes;
    sx_answer answer = store->ops->get(store, put->key, &bytes, &found,
                                       SX_COMMIT_GRACE_MS, now_ms, pool);

    if (answer == SX_STORE_MISS && put->token != 0)
        return SX_STORE_GONE;
    if (answer != SX_STORE_OK)
        return SX_STORE_UNKNOWN;
    if (found.token == put->token)
        return SX_STORE_CHANGED;
    if (!sx_str_eq(bytes, put->bytes))
        return SX_STORE_UNKNOWN;
    put->meta->token = found.token;
    return SX_STORE_OK;
}

sx_answer sx_sure_put(sx_store *store, const sx_put *put, int64_t now_ms,
                      apr_pool_t *pool)
{
    sx_answer answer = put_once(store, put, now_ms);

    if (answer != SX_STORE_UNKNOWN)
        return answer;
    for (int i = 0; i < SX_LOST_MAX; i++) {
        answer = look(store, put, now_ms, pool);
        if (answer != SX_STORE_CHANGED)
            return answer;
        /* Whatever else it says, the first one may have been why. */
        if (put_once(store, put, now_ms) == SX_STORE_OK)
            return SX_STORE_OK;
    }
    answer = look(store, put, now_ms, pool);
    return answer == SX_STORE_CHANGED ? SX_STORE_UNKNOWN : answer;
}

sx_answer sx_sure_remove(sx_store *store, const unsigned char *key,
                         uint64_t token)
{
    sx_answer answer = SX_STORE_UNKNOWN;

    for (int i = 0; i <= SX_LOST_MAX && answer == SX_STORE_UNKNOWN; i++)
        answer = store->ops->remove(store, key, token);
    return answer;
}
