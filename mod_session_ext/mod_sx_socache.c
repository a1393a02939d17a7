/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_socache.h"

#include <pthread.h>
#include <string.h>
#include "ap_provider.h"
#include "ap_socache.h"
#include "mod_status.h"
#include "mod_sx_attach.h"
#include "mod_sx_parse.h"
#include "mod_sx_path.h"
#include "mod_sx_server.h"
#include "shm_stats.h"
#include "sx_object.h"
#include "sx_tag.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

#define SIZE_DEFAULT ((apr_uint64_t)8 << 20)

/* On the stack, since mod_ssl's pool may live as long as a connection: larger
 * than the objects of it, of mod_authn_socache and their like. */
#define SMALL_RECORD 16384

/* Attempts to replace an object that others replace, too. */
#define TRIES 8

/* A file, with all instances that name it.  `secret` is what keys are made
 * with: it lies in the segment, and so lives as long as the objects there. */
typedef struct cache_file {
    mod_sx_store_conf conf;
    mod_sx_segment segment;
    pthread_mutex_t lock; /* guards the loading of `secret` */
    uint32_t loaded;      /* child only, atomic */
    unsigned char secret[SX_SECRET_LEN];
} cache_file;

struct ap_socache_instance_t {
    const char *path;  /* as it was said; NULL: by who uses it */
    apr_uint64_t size; /* 0: not said */
    sx_str owner;
    uint32_t ns;
    cache_file *file; /* NULL before init, and at a rehearsal */
};

static apr_array_header_t *files; /* of cache_file *, in pconf */

static const unsigned char secret_key[SST_KEY_LEN]; /* of no object */

/* ---- configuration ------------------------------------------------------ */

static const char *refusal(const char *arg, const char *why, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "shm_store: '%s' cannot be taken: %s. Accepted are "
                        "PATH, PATH(SIZE) and (SIZE), with a SIZE of 1m to "
                        "256g",
                        arg, why);
}

static const char *parse_size(const char *word, apr_uint64_t *size)
{
    const char *why, *value = word;
    apr_int64_t bytes;

    mod_sx_parse_option(word, "size", &value);
    why = mod_sx_parse_size(value, &bytes);
    if (why)
        return why;
    if (!shm_store_size_ok((apr_uint64_t)bytes))
        return "the size is outside the range";
    *size = (apr_uint64_t)bytes;
    return NULL;
}

static const char *create(ap_socache_instance_t **instance, const char *arg,
                          apr_pool_t *tmp, apr_pool_t *pool)
{
    ap_socache_instance_t *cache = apr_pcalloc(pool, sizeof *cache);
    const char *open, *why;
    apr_size_t len;

    *instance = cache;
    if (!arg || !*arg)
        return NULL;
    len = strlen(arg);
    open = strrchr(arg, '(');
    if (!open != (arg[len - 1] != ')'))
        return refusal(arg, "a parenthesis is missing", tmp);
    if (open) {
        why = parse_size(
            apr_pstrmemdup(tmp, open + 1, (apr_size_t)(arg + len - open) - 2),
            &cache->size);
        if (why)
            return refusal(arg, why, tmp);
        len = (apr_size_t)(open - arg);
    }
    if (len > 0)
        cache->path = apr_pstrmemdup(pool, arg, len);
    return NULL;
}

/* DefaultRuntimeDir may stand behind the line of the instance, so this is not
 * known before all lines are read. */
static const char *path_of(const ap_socache_instance_t *cache, apr_pool_t *pool)
{
    const char *name = cache->path;

    if (!name)
        name = apr_pstrcat(pool, "session_ext-socache-", cache->owner.p, ".shm",
                           NULL);
    name = ap_runtime_dir_relative(pool, name);
    return name ? mod_sx_resolve_directory(name, pool) : NULL;
}

static cache_file *find_file(const char *path)
{
    for (int i = 0; i < files->nelts; i++) {
        cache_file *file = APR_ARRAY_IDX(files, i, cache_file *);
        if (!strcmp(file->conf.path, path))
            return file;
    }
    return NULL;
}

static cache_file *add_file(const char *path, apr_uint64_t size)
{
    cache_file *file = apr_pcalloc(files->pool, sizeof *file);

    /* Its path is its name: no ShmStore has one with a slash in it. */
    file->conf = (mod_sx_store_conf){
        .name = path,
        .path = path,
        .size = size ? size : SIZE_DEFAULT,
        .max_record = SST_MAX_RECORD_MAX,
        .on_full = SST_EVICT,
    };
    file->segment.conf = &file->conf;
    pthread_mutex_init(&file->lock, NULL);
    APR_ARRAY_PUSH(files, cache_file *) = file;
    return file;
}

/* mod_cache_socache makes an instance for each virtual host, all with one name;
 * so one path is one file.  Two sizes are a mistake, but none for which a
 * server that runs should end. */
static apr_status_t share_file(const ap_socache_instance_t *cache,
                               server_rec *server)
{
    const mod_sx_store_conf *conf = &cache->file->conf;

    if (!cache->size || cache->size == conf->size)
        return APR_SUCCESS;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server,
                 "shm_store: %s is wanted with %" APR_UINT64_T_FMT
                 " bytes by %s, and with %" APR_UINT64_T_FMT
                 " bytes by an earlier line; accepted is one size for one file",
                 conf->path, cache->size, cache->owner.p, conf->size);
    return mod_sx_is_restart() ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t init(ap_socache_instance_t *cache, const char *cname,
                         const struct ap_socache_hints *hints,
                         server_rec *server, apr_pool_t *pool)
{
    const char *path;

    (void)hints;
    /* At start the configuration is read twice: the first is a rehearsal. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return APR_SUCCESS;
    cache->owner = sx_str_of(apr_pstrdup(pool, cname));
    cache->ns = sx_ns_number(cname);
    path = path_of(cache, pool);
    if (!path || !sx_crypto_init()) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server,
                     path ? "libsodium cannot be used on this host"
                          : "shm_store: there is no such path");
        return APR_EGENERAL;
    }
    cache->file = find_file(path);
    if (cache->file)
        return share_file(cache, server);
    cache->file = add_file(path, cache->size);
    return mod_sx_open_segment(&cache->file->segment, server, files->pool)
               ? APR_SUCCESS
               : APR_EGENERAL;
}

/* The file stays as it is, for the next generation and the next start. */
static void destroy(ap_socache_instance_t *cache, server_rec *server)
{
    (void)server;
    cache->file = NULL;
}

/* ---- objects ------------------------------------------------------------ */

static apr_status_t answer_of(shm_status status)
{
    switch (status) {
    case SST_OK:
        return APR_SUCCESS;
    case SST_MISS:
    case SST_GONE:
    case SST_CHANGED:
    case SST_DAMAGED:
        return APR_NOTFOUND;
    case SST_FULL:
    case SST_TOOBIG:
        return APR_ENOSPC;
    case SST_BUSY:
        return APR_EAGAIN;
    case SST_BADARG:
        return APR_EINVAL;
    case SST_UNAVAILABLE:
        break;
    }
    return APR_EGENERAL;
}

static shm_meta meta_of(shm_kind kind, uint32_t ns, int64_t life_ms,
                        int64_t now_ms)
{
    return (shm_meta){
        .kind = kind,
        .ns = ns,
        .created_ms = now_ms,
        .last_access_ms = now_ms,
        .expires_ms = now_ms + life_ms,
        .hard_end_ms = now_ms + life_ms,
    };
}

/* The first child makes it, as a record that is never evicted. */
static shm_status agree_on_secret(shm_store *segment, unsigned char *secret)
{
    int64_t now_ms = shm_store_clock_ms();
    shm_meta meta;
    shm_status status = shm_store_get(segment, secret_key, secret,
                                      SX_SECRET_LEN, &meta, 0, now_ms);

    if (status == SST_OK && meta.value_len != SX_SECRET_LEN)
        return SST_UNAVAILABLE;
    if (status != SST_MISS && status != SST_DAMAGED)
        return status;
    sx_random(secret, SX_SECRET_LEN);
    meta = meta_of(SST_EPOCH, 0, SST_LIFETIME_MAX_MS, now_ms);
    status = shm_store_put_if(segment, secret_key, 0, secret, SX_SECRET_LEN,
                              &meta, NULL, now_ms);
    if (status == SST_CHANGED) /* another child was first */
        status = shm_store_get(segment, secret_key, secret, SX_SECRET_LEN,
                               &meta, 0, now_ms);
    return status;
}

static shm_status load_secret(cache_file *file)
{
    shm_status status = SST_OK;

    if (__atomic_load_n(&file->loaded, __ATOMIC_ACQUIRE))
        return SST_OK;
    pthread_mutex_lock(&file->lock);
    if (!file->loaded) {
        status = agree_on_secret(file->segment.segment, file->secret);
        __atomic_store_n(&file->loaded, status == SST_OK, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&file->lock);
    return status;
}

/* Where ${id} lies, if the file can be asked. */
static shm_status find_key(const ap_socache_instance_t *cache, sx_str id,
                           unsigned char *key)
{
    shm_status status;

    if (!cache->file || !mod_sx_attached(&cache->file->segment))
        return SST_UNAVAILABLE;
    status = load_secret(cache->file);
    if (status == SST_OK)
        sx_object_key(cache->file->secret, cache->owner, id, key);
    return status;
}

/* Create or replace.  Who meets others at it each time has been first, and what
 * they wrote behind him stands. */
static shm_status put(shm_store *segment, const unsigned char *key,
                      sx_str record, const shm_meta *wanted)
{
    shm_status status = SST_OK;
    int64_t now_ms = wanted->created_ms;
    uint64_t token = 0;

    for (int i = 0; i < TRIES; i++) {
        shm_meta meta = *wanted;
        status = shm_store_put_if(segment, key, token, record.p, record.len,
                                  &meta, NULL, now_ms);
        if (status != SST_CHANGED && status != SST_GONE)
            return status;
        token = 0;
        status = shm_store_get(segment, key, NULL, 0, &meta, 0, now_ms);
        if (status == SST_TOOBIG)
            token = meta.token;
        else if (status != SST_MISS && status != SST_DAMAGED)
            return status;
    }
    return SST_OK;
}

static apr_status_t store(ap_socache_instance_t *cache, server_rec *server,
                          const unsigned char *id, unsigned int idlen,
                          apr_time_t expiry, unsigned char *data,
                          unsigned int datalen, apr_pool_t *pool)
{
    unsigned char key[SST_KEY_LEN], small[SMALL_RECORD];
    sx_str name = {(const char *)id, idlen};
    size_t len = sx_object_size(idlen, datalen);
    unsigned char *record = len <= sizeof small ? small : apr_palloc(pool, len);
    int64_t life_ms = apr_time_as_msec(expiry - apr_time_now());
    shm_status status = find_key(cache, name, key);
    shm_meta meta;

    if (status != SST_OK)
        return answer_of(status);
    /* An object that has ended takes the one before it away. */
    if (life_ms <= 0) {
        status = shm_store_remove(cache->file->segment.segment, key, 0);
        return status == SST_MISS ? APR_SUCCESS : answer_of(status);
    }
    if (life_ms > SST_LIFETIME_MAX_MS)
        life_ms = SST_LIFETIME_MAX_MS;
    sx_object_write(record, name, (sx_str){(const char *)data, datalen});
    meta = meta_of(SST_ANONYMOUS, cache->ns, life_ms, shm_store_clock_ms());
    status = put(cache->file->segment.segment, key,
                 (sx_str){(const char *)record, len}, &meta);
    if (status != SST_OK)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     "shm_store: an object of %u bytes of %s was not kept in "
                     "%s: %s",
                     datalen, cache->owner.p, cache->file->conf.path,
                     shm_status_str(status));
    return answer_of(status);
}

/* An object and its id into ${small}, of SMALL_RECORD bytes, or if it is larger
 * into memory of ${pool}; ${room} is what its record has at most. */
static shm_status get(shm_store *segment, const unsigned char *key,
                      unsigned char *small, size_t room, sx_str *record,
                      apr_pool_t *pool)
{
    int64_t now_ms = shm_store_clock_ms();
    size_t first = room < SMALL_RECORD ? room : SMALL_RECORD;
    unsigned char *buf = small;
    shm_meta meta;
    shm_status status =
        shm_store_get(segment, key, buf, first, &meta, 0, now_ms);

    if (status == SST_TOOBIG && first < room) {
        buf = apr_palloc(pool, room);
        status = shm_store_get(segment, key, buf, room, &meta, 0, now_ms);
    }
    if (status == SST_OK)
        *record = (sx_str){(const char *)buf, meta.value_len};
    return status;
}

static apr_status_t retrieve(ap_socache_instance_t *cache, server_rec *server,
                             const unsigned char *id, unsigned int idlen,
                             unsigned char *data, unsigned int *datalen,
                             apr_pool_t *pool)
{
    unsigned char key[SST_KEY_LEN], small[SMALL_RECORD];
    sx_str name = {(const char *)id, idlen}, record, found, value;
    shm_status status = find_key(cache, name, key);

    (void)server;
    if (status == SST_OK)
        status = get(cache->file->segment.segment, key, small,
                     sx_object_size(idlen, *datalen), &record, pool);
    if (status != SST_OK)
        return answer_of(status);
    if (!sx_object_read((const unsigned char *)record.p, record.len, &found,
                        &value) ||
        !sx_str_eq(found, name))
        return APR_NOTFOUND;
    if (value.len > 0)
        memcpy(data, value.p, value.len);
    *datalen = (unsigned int)value.len;
    return APR_SUCCESS;
}

static apr_status_t remove_object(ap_socache_instance_t *cache,
                                  server_rec *server, const unsigned char *id,
                                  unsigned int idlen, apr_pool_t *pool)
{
    unsigned char key[SST_KEY_LEN];
    shm_status status = find_key(cache, (sx_str){(const char *)id, idlen}, key);

    (void)server;
    (void)pool;
    if (status == SST_OK)
        status = shm_store_remove(cache->file->segment.segment, key, 0);
    return answer_of(status);
}

/* ---- all of them -------------------------------------------------------- */

typedef struct walk {
    ap_socache_instance_t *cache;
    server_rec *server;
    void *userctx;
    ap_socache_iterator_t *iterator;
    apr_pool_t *pool; /* of one object */
    int64_t now_ms;
    apr_status_t answer;
} walk;

static bool visit(void *baton, const unsigned char *key, const shm_meta *seen)
{
    walk *w = baton;
    shm_meta meta;
    sx_str id, value;
    unsigned char *record;

    if (seen->ns != w->cache->ns || seen->kind != SST_ANONYMOUS)
        return true;
    apr_pool_clear(w->pool);
    record = apr_palloc(w->pool, (apr_size_t)seen->value_len + 1);
    /* It may have gone or grown since it was seen: then it is another one. */
    if (shm_store_get(w->cache->file->segment.segment, key, record,
                      seen->value_len, &meta, 0, w->now_ms) != SST_OK ||
        !sx_object_read(record, meta.value_len, &id, &value))
        return true;
    record[meta.value_len] = '\0';
    w->answer = w->iterator(w->cache, w->server, w->userctx,
                            (const unsigned char *)id.p, (unsigned int)id.len,
                            (const unsigned char *)value.p,
                            (unsigned int)value.len, w->pool);
    return w->answer == APR_SUCCESS;
}

static apr_status_t iterate(ap_socache_instance_t *cache, server_rec *server,
                            void *userctx, ap_socache_iterator_t *iterator,
                            apr_pool_t *pool)
{
    walk w = {.cache = cache,
              .server = server,
              .userctx = userctx,
              .iterator = iterator,
              .now_ms = shm_store_clock_ms(),
              .answer = APR_SUCCESS};
    shm_status status;

    if (!cache->file || !mod_sx_attached(&cache->file->segment))
        return answer_of(SST_UNAVAILABLE);
    apr_pool_create(&w.pool, pool);
    status = shm_store_each(cache->file->segment.segment, visit, &w, w.now_ms);
    apr_pool_destroy(w.pool);
    return status == SST_OK ? w.answer : answer_of(status);
}

static void figure(request_rec *r, int flags, const char *name,
                   const char *what, uint64_t value)
{
    if (flags & AP_STATUS_SHORT)
        ap_rprintf(r, "%s: %" APR_UINT64_T_FMT "\n", name, value);
    else
        ap_rprintf(r, "%s: <b>%" APR_UINT64_T_FMT "</b><br>\n", what, value);
}

/* The names that mod_socache_shmcb has, where it has one: what watches them
 * goes on. */
static void show_figures(request_rec *r, int flags, const shm_stats *s)
{
    figure(r, flags, "CacheSharedMemory", "shared memory, bytes", s->size);
    figure(r, flags, "CacheCurrentEntries", "current entries",
           s->records_by_kind[SST_ANONYMOUS]);
    figure(r, flags, "CacheBytesFree", "bytes free", s->bytes_free);
    figure(r, flags, "CacheStoreCount", "entries stored", s->creates);
    figure(r, flags, "CacheReplaceCount", "entries replaced", s->replaces);
    figure(r, flags, "CacheExpireCount", "entries expired", s->expired);
    figure(r, flags, "CacheDiscardCount", "entries that had to go for others",
           s->evicted_anonymous);
    figure(r, flags, "CacheRetrieveHitCount", "retrieves that found one",
           s->hits);
    figure(r, flags, "CacheRetrieveMissCount", "retrieves that found none",
           s->misses);
    figure(r, flags, "CacheRemoveHitCount", "entries removed", s->removes);
}

static void show_status(ap_socache_instance_t *cache, request_rec *r, int flags)
{
    shm_stats stats;
    bool known =
        cache->file && mod_sx_attached(&cache->file->segment) &&
        shm_store_stats(cache->file->segment.segment, &stats) == SST_OK;

    if (flags & AP_STATUS_SHORT)
        ap_rprintf(r, "CacheType: SHM_STORE\nCacheAvailable: %d\n", known);
    else
        ap_rprintf(r, "cache type: <b>SHM_STORE</b>%s<br>\n",
                   known ? "" : ", unavailable");
    if (known)
        show_figures(r, flags, &stats);
}

/* ---- hooks -------------------------------------------------------------- */

static const ap_socache_provider_t provider = {
    .name = "shm_store",
    .flags = 0, /* not AP_SOCACHE_FLAG_NOTMPSAFE: nobody need lock for us */
    .create = create,
    .init = init,
    .destroy = destroy,
    .store = store,
    .retrieve = retrieve,
    .remove = remove_object,
    .status = show_status,
    .iterate = iterate,
};

void mod_sx_socache_register(apr_pool_t *pool)
{
    ap_register_provider(pool, AP_SOCACHE_PROVIDER_GROUP, provider.name,
                         AP_SOCACHE_PROVIDER_VERSION, &provider);
}

int mod_sx_socache_pre_config(apr_pool_t *pconf, apr_pool_t *plog,
                              apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    files = apr_array_make(pconf, 2, sizeof(cache_file *));
    return OK;
}

void mod_sx_socache_child_init(apr_pool_t *pchild, server_rec *server)
{
    (void)server;
    for (int i = 0; i < files->nelts; i++)
        mod_sx_attach(&APR_ARRAY_IDX(files, i, cache_file *)->segment, pchild);
}
