/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_store_cache.h.  First the calls of the cache, then what is done behind
 * the lock of a key, then the slots of the backend. */
#include "sx_store_cache.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>
#include <apr_strings.h>
#include "sx_store_cache_record.h"

/* memcached takes what is longer for a date, of 1970. */
#define LIFE_MAX_S   ((int64_t)30 * 86400 - 1)
#define PROBE_S      60
#define SECRET_TRIES 3

static const unsigned char probe_id[SX_STORE_KEY_LEN] = "is the cache there";
static const unsigned char secret_key[SX_STORE_KEY_LEN] = "secret of a cache";
static const unsigned char lock_of_all[SX_STORE_KEY_LEN] = "lock of a cache";

typedef struct cache_backend {
    sx_store base;
    const sx_cache *cache;
    sx_store *beside;
    sx_cache_facts facts;
} cache_backend;

/* A record as the cache gave it.  ${whole} has to be freed. */
typedef struct kept {
    unsigned char *whole;
    size_t len;
    sx_str bytes;
    sx_record_meta meta;
} kept;

static cache_backend *backend_of(sx_store *store)
{
    return (cache_backend *)store;
}

/* ---- the cache ---------------------------------------------------------- */

/* It has nothing of that: because it is not there? */
static sx_answer missing(const cache_backend *backend)
{
    const sx_cache *cache = backend->cache;

    return cache->always_there ||
                   cache->store(cache->baton, probe_id, sx_str_of("yes"),
                                PROBE_S) == SX_STORE_OK
               ? SX_STORE_MISS
               : SX_STORE_UNAVAILABLE;
}

/* OK; MISS, of a cache that may not be there; DAMAGED; UNAVAILABLE. */
static sx_answer fetch(const cache_backend *backend, const unsigned char *key,
                       kept *found)
{
    const sx_cache *cache = backend->cache;
    sx_answer answer;

    found->len = cache->max_record + SX_CACHE_HEAD_LEN;
    found->whole = malloc(found->len);
    if (!found->whole)
        return SX_STORE_UNAVAILABLE;
    answer = cache->retrieve(cache->baton, key, found->whole, &found->len);
    if (answer != SX_STORE_OK)
        return answer;
    return sx_cache_record_open(
        &backend->facts, key, (sx_str){(const char *)found->whole, found->len},
        &found->bytes, &found->meta);
}

/* For as long as it may be asked for. */
static int64_t life_of(const sx_record_meta *meta, int64_t now_ms)
{
    int64_t ms = sx_max64(meta->expires_ms - now_ms, 0) + SX_COMMIT_GRACE_MS;

    return sx_min64(ms / 1000 + 1, LIFE_MAX_S);
}

static sx_answer keep(const cache_backend *backend, const unsigned char *key,
                      sx_str bytes, const sx_record_meta *meta, int64_t now_ms)
{
    const sx_cache *cache = backend->cache;
    const size_t len = SX_CACHE_HEAD_LEN + bytes.len;
    unsigned char *whole = malloc(len);
    sx_answer answer;

    if (!whole)
        return SX_STORE_UNAVAILABLE;
    sx_cache_head_make(&backend->facts, whole, key, bytes, meta);
    if (bytes.len)
        memcpy(whole + SX_CACHE_HEAD_LEN, bytes.p, bytes.len);
    answer = cache->store(cache->baton, key, (sx_str){(const char *)whole, len},
                          life_of(meta, now_ms));
    free(whole);
    return answer;
}

/* ---- behind the lock ---------------------------------------------------- */

static const unsigned char *lock_key(const cache_backend *backend,
                                     const unsigned char *key)
{
    return backend->cache->one_at_a_time ? lock_of_all : key;
}

static sx_answer lock(const cache_backend *backend, const unsigned char *key)
{
    sx_store *beside = backend->beside;

    return beside->ops->queue_enter(beside, lock_key(backend, key),
                                    SX_CACHE_WAIT_MS);
}

static void unlock(const cache_backend *backend, const unsigned char *key)
{
    sx_store *beside = backend->beside;

    beside->ops->queue_leave(beside, lock_key(backend, key));
}

/* What is damaged goes. */
static sx_answer fetch_locked(const cache_backend *backend,
                              const unsigned char *key, kept *found)
{
    const sx_cache *cache = backend->cache;
    sx_answer answer = fetch(backend, key, found), gone;

    if (answer != SX_STORE_DAMAGED)
        return answer;
    sx_log(SX_LOG_WARN, "a record in the cache failed its check and was "
                        "taken out");
    gone = cache->remove(cache->baton, key);
    return gone == SX_STORE_OK || gone == SX_STORE_MISS ? SX_STORE_DAMAGED
                                                        : SX_STORE_UNAVAILABLE;
}

static uint64_t token_after(uint64_t last)
{
    struct timespec now;
    uint64_t token = 1;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec > 0)
        token = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    return token > last ? token : last + 1;
}

/* A cache may have dropped what did not make way for the new one. */
static sx_answer put_back(const cache_backend *backend,
                          const unsigned char *key, const kept *old,
                          int64_t now_ms)
{
    return keep(backend, key, old->bytes, &old->meta, now_ms) == SX_STORE_OK
               ? SX_STORE_FULL
               : SX_STORE_UNKNOWN;
}

static sx_answer put_locked(const cache_backend *backend,
                            const unsigned char *key, uint64_t token,
                            sx_str bytes, sx_record_meta *meta, kept *old,
                            int64_t now_ms)
{
    sx_answer answer = fetch_locked(backend, key, old);
    const bool is_there = answer == SX_STORE_OK;
    sx_record_meta put = *meta;

    if (answer == SX_STORE_MISS && token)
        answer = missing(backend);
    if (answer == SX_STORE_MISS || answer == SX_STORE_DAMAGED)
        answer = token ? SX_STORE_GONE : SX_STORE_OK;
    if (answer != SX_STORE_OK)
        return answer;
    if (is_there && !sx_record_meta_yields(&old->meta, token, now_ms))
        return SX_STORE_CHANGED;
    put.token = token_after(is_there ? old->meta.token : 0);
    sx_record_meta_order(&put);
    answer = keep(backend, key, bytes, &put, now_ms);
    if (answer == SX_STORE_OK)
        meta->token = put.token;
    return answer == SX_STORE_FULL && is_there
               ? put_back(backend, key, old, now_ms)
               : answer;
}

static sx_answer touch_locked(const cache_backend *backend,
                              const unsigned char *key, int64_t expires_ms,
                              int64_t now_ms, kept *found)
{
    sx_answer answer = fetch_locked(backend, key, found);

    if (answer == SX_STORE_MISS)
        return missing(backend);
    if (answer != SX_STORE_OK)
        return answer;
    if (!sx_record_meta_touch(&found->meta, expires_ms, now_ms))
        return SX_STORE_MISS;
    answer = keep(backend, key, found->bytes, &found->meta, now_ms);
    return answer == SX_STORE_FULL ? SX_STORE_UNKNOWN : answer;
}

static sx_answer remove_locked(const cache_backend *backend,
                               const unsigned char *key, uint64_t token,
                               kept *found)
{
    const sx_cache *cache = backend->cache;
    sx_answer answer = fetch_locked(backend, key, found);

    if (answer == SX_STORE_MISS)
        return missing(backend);
    if (answer == SX_STORE_DAMAGED && !token)
        return SX_STORE_OK; /* it is out */
    if (answer != SX_STORE_OK)
        return answer;
    if (token && found->meta.token != token)
        return SX_STORE_CHANGED;
    answer = cache->remove(cache->baton, key);
    return answer == SX_STORE_MISS ? SX_STORE_OK : answer;
}

/* ---- the slots ---------------------------------------------------------- */

/* With the lock, where nobody may read beside others. */
static sx_answer fetch_any(const cache_backend *backend,
                           const unsigned char *key, kept *found, bool locked)
{
    sx_answer answer = locked ? lock(backend, key) : SX_STORE_OK;

    if (answer != SX_STORE_OK)
        return answer;
    free(found->whole);
    answer =
        locked ? fetch_locked(backend, key, found) : fetch(backend, key, found);
    if (answer == SX_STORE_MISS)
        answer = missing(backend);
    if (locked)
        unlock(backend, key);
    return answer;
}

static sx_answer get(sx_store *store, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    const cache_backend *backend = backend_of(store);
    const bool locked = backend->cache->one_at_a_time;
    kept found = {0};
    sx_answer answer = backend->beside->ops->get(backend->beside, key, bytes,
                                                 meta, grace_ms, now_ms, pool);

    if (answer != SX_STORE_MISS)
        return answer;
    answer = fetch_any(backend, key, &found, locked);
    /* It may be whole by now: only behind the lock it goes. */
    if (answer == SX_STORE_DAMAGED && !locked)
        answer = fetch_any(backend, key, &found, true);
    if (answer == SX_STORE_OK && found.meta.expires_ms <= now_ms - grace_ms)
        answer = SX_STORE_MISS;
    if (answer == SX_STORE_OK) {
        *bytes = sx_str_dup(found.bytes, pool);
        *meta = found.meta;
    }
    free(found.whole);
    return answer;
}

static sx_answer put_if(sx_store *store, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    const cache_backend *backend = backend_of(store);
    sx_store *beside = backend->beside;
    kept old = {0};
    sx_answer answer;

    if (!sx_record_meta_ok(meta))
        return SX_STORE_UNAVAILABLE;
    if (meta->kind == SX_EPOCH || meta->kind == SX_TOMBSTONE)
        return beside->ops->put_if(beside, key, token, bytes, meta, now_ms);
    if (bytes.len > backend->cache->max_record)
        return SX_STORE_TOOBIG;
    answer = lock(backend, key);
    if (answer != SX_STORE_OK)
        return answer;
    answer = put_locked(backend, key, token, bytes, meta, &old, now_ms);
    unlock(backend, key);
    free(old.whole);
    return answer;
}

static sx_answer touch(sx_store *store, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    const cache_backend *backend = backend_of(store);
    sx_store *beside = backend->beside;
    kept found = {0};
    sx_answer answer = beside->ops->touch(beside, key, expires_ms, now_ms);

    if (answer != SX_STORE_MISS)
        return answer;
    answer = lock(backend, key);
    if (answer != SX_STORE_OK)
        return answer;
    answer = touch_locked(backend, key, expires_ms, now_ms, &found);
    unlock(backend, key);
    free(found.whole);
    return answer;
}

static sx_answer remove_record(sx_store *store, const unsigned char *key,
                               uint64_t token)
{
    const cache_backend *backend = backend_of(store);
    sx_store *beside = backend->beside;
    kept found = {0};
    sx_answer answer = beside->ops->remove(beside, key, token);

    if (answer != SX_STORE_MISS)
        return answer;
    answer = lock(backend, key);
    if (answer != SX_STORE_OK)
        return answer;
    answer = remove_locked(backend, key, token, &found);
    unlock(backend, key);
    free(found.whole);
    return answer;
}

static int64_t clock_ms(sx_store *store)
{
    sx_store *beside = backend_of(store)->beside;

    return beside->ops->clock_ms(beside);
}

static uint64_t life(sx_store *store)
{
    return backend_of(store)->facts.life;
}

static const sx_store_ops cache_ops = {
    .name = "socache",
    .get = get,
    .put_if = put_if,
    .touch = touch,
    .remove = remove_record,
    .clock_ms = clock_ms,
    .life = life,
};

/* ---- the secret --------------------------------------------------------- */

/* The first to ask makes it.  It lives as long as its segment, as all epochs
 * do. */
static sx_answer make_secret(sx_store *beside, uint64_t token,
                             unsigned char secret[SX_CACHE_SECRET_LEN],
                             int64_t now_ms)
{
    sx_record_meta meta = {.kind = SX_EPOCH,
                           .created_ms = now_ms,
                           .last_access_ms = now_ms,
                           .expires_ms = now_ms + SX_RECORD_LIFE_MAX_MS,
                           .hard_end_ms = now_ms + SX_RECORD_LIFE_MAX_MS};

    randombytes_buf(secret, SX_CACHE_SECRET_LEN);
    return beside->ops->put_if(
        beside, secret_key, token,
        (sx_str){(const char *)secret, SX_CACHE_SECRET_LEN}, &meta, now_ms);
}

static bool know_secret(sx_store *beside,
                        unsigned char secret[SX_CACHE_SECRET_LEN],
                        int64_t now_ms, apr_pool_t *pool)
{
    sx_answer answer = SX_STORE_CHANGED;
    sx_record_meta meta;
    sx_str bytes;

    for (int i = 0; i < SECRET_TRIES && answer == SX_STORE_CHANGED; i++) {
        answer = beside->ops->get(beside, secret_key, &bytes, &meta, 0, now_ms,
                                  pool);
        if (answer == SX_STORE_OK && bytes.len == SX_CACHE_SECRET_LEN) {
            memcpy(secret, bytes.p, SX_CACHE_SECRET_LEN);
            return true;
        }
        if (answer == SX_STORE_OK || answer == SX_STORE_MISS ||
            answer == SX_STORE_DAMAGED)
            answer = make_secret(beside, answer == SX_STORE_OK ? meta.token : 0,
                                 secret, now_ms);
    }
    return answer == SX_STORE_OK;
}

sx_store *sx_store_cache_create(const sx_cache *cache, sx_store *beside,
                                int64_t now_ms, apr_pool_t *pool)
{
    cache_backend *backend = apr_pcalloc(pool, sizeof *backend);

    backend->base.ops = &cache_ops;
    backend->cache = cache;
    backend->beside = beside;
    backend->facts.life = beside->ops->life(beside) ^ cache->boot;
    return know_secret(beside, backend->facts.secret, now_ms, pool)
               ? &backend->base
               : NULL;
}
