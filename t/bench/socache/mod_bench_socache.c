/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of socache providers, as mod_ssl and mod_authn_socache are: it makes
 * its caches where they do, and takes the global mutex of each that asks for
 * one.  Its handler puts n objects, or finds them again, and says how many
 * that were and how long it took; tests and the benchmark ask it.
 *
 *   BenchSocache NAME PROVIDER[:ARGUMENTS]
 *
 *   /?cache=NAME&do=fill&keys=hex&n=1000&len=150     store each
 *   /?cache=NAME&do=find&keys=hex&n=1000&len=150     find each again
 *   /?cache=NAME&do=drop&keys=hex&n=1000             remove each
 *   /?cache=NAME&do=walk&keys=hex&n=1000&len=150     see all there are
 *   /?cache=NAME&do=squeeze&keys=hex&n=1000&len=150  find with too little room
 *
 * keys: `random` bytes, as TLS ids are; the same in `hex`; `text` with a long
 * beginning in common, as URLs have and what mod_authn_socache makes.  `from`
 * is the first number, else 0.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_strings.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <util_mutex.h>
#include <util_script.h>

/* Everything else is hidden (-fvisibility=hidden); httpd looks this up. */
extern module AP_MODULE_DECLARE_DATA __attribute__((visibility("default")))
bench_socache_module;

#define MUTEX_TYPE "bench-socache"
#define VALUE_MAX  65536
#define KEY_MAX    64

typedef struct cache {
    const char *name;
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex; /* NULL: not asked for */
} cache;

/* What one request wants. */
typedef struct job {
    request_rec *r;
    const cache *cache;
    const char *keys;
    uint64_t from, n;
    unsigned int len;
    uint64_t done, wrong, refused;
} job;

static apr_array_header_t *caches;

/* splitmix64: a good hash of a small number. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static unsigned int make_key(const job *j, uint64_t no, unsigned char *key)
{
    if (!strcmp(j->keys, "text"))
        return (unsigned int)apr_snprintf(
            (char *)key, KEY_MAX,
            "http://www.example.com/shop/%" APR_UINT64_T_FMT, no);
    if (!strcmp(j->keys, "hex"))
        return (unsigned int)apr_snprintf((char *)key, KEY_MAX,
                                          "%016" APR_UINT64_T_HEX_FMT
                                          "%016" APR_UINT64_T_HEX_FMT,
                                          mix(no), mix(~no));
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t word = mix(no * 4 + i);
        memcpy(key + i * 8, &word, 8);
    }
    return 32;
}

static void make_value(uint64_t no, unsigned char *value, unsigned int len)
{
    uint64_t word = mix(no ^ 0x5555);

    memset(value, (int)(no & 0x7f), len);
    memcpy(value, &word, len < sizeof word ? len : sizeof word);
}

static bool lock(const cache *c)
{
    return !c->mutex || apr_global_mutex_lock(c->mutex) == APR_SUCCESS;
}

static void unlock(const cache *c)
{
    if (c->mutex)
        apr_global_mutex_unlock(c->mutex);
}

/* ---- orders ------------------------------------------------------------- */

static void note(job *j, apr_status_t answer, bool right)
{
    if (answer == APR_SUCCESS && right)
        j->done++;
    else if (answer == APR_SUCCESS)
        j->wrong++;
    else if (answer != APR_NOTFOUND)
        j->refused++;
}

static void fill(job *j, uint64_t no)
{
    unsigned char key[KEY_MAX], value[VALUE_MAX];
    unsigned int len = make_key(j, no, key);

    make_value(no, value, j->len);
    note(j,
         j->cache->provider->store(j->cache->instance, j->r->server, key, len,
                                   apr_time_now() + apr_time_from_sec(3600),
                                   value, j->len, j->r->pool),
         true);
}

static void find(job *j, uint64_t no)
{
    unsigned char key[KEY_MAX], value[VALUE_MAX], want[VALUE_MAX];
    unsigned int len = make_key(j, no, key), got = VALUE_MAX;
    apr_status_t answer = j->cache->provider->retrieve(
        j->cache->instance, j->r->server, key, len, value, &got, j->r->pool);

    make_value(no, want, j->len);
    note(j, answer, got == j->len && !memcmp(value, want, got));
}

/* All but one byte of the room it needs: APR_ENOSPC, and not a byte beyond. */
static void squeeze(job *j, uint64_t no)
{
    unsigned char key[KEY_MAX], value[VALUE_MAX];
    unsigned int len = make_key(j, no, key), got = j->len - 1;
    apr_status_t answer;

    value[got] = 0xa5;
    answer = j->cache->provider->retrieve(j->cache->instance, j->r->server, key,
                                          len, value, &got, j->r->pool);
    note(j, APR_STATUS_IS_ENOSPC(answer) ? APR_SUCCESS : APR_EGENERAL,
         value[j->len - 1] == 0xa5);
}

static void drop(job *j, uint64_t no)
{
    unsigned char key[KEY_MAX];
    unsigned int len = make_key(j, no, key);

    note(j,
         j->cache->provider->remove(j->cache->instance, j->r->server, key, len,
                                    j->r->pool),
         true);
}

/* Is it one of ours, whole, with the NULs that are promised behind it? */
static apr_status_t see(ap_socache_instance_t *instance, server_rec *server,
                        void *userctx, const unsigned char *id,
                        unsigned int idlen, const unsigned char *data,
                        unsigned int datalen, apr_pool_t *pool)
{
    job *j = userctx;
    unsigned char key[KEY_MAX], want[VALUE_MAX];

    (void)instance;
    (void)server;
    (void)pool;
    for (uint64_t no = j->from; no < j->from + j->n; no++) {
        if (make_key(j, no, key) != idlen || memcmp(key, id, idlen))
            continue;
        make_value(no, want, j->len);
        note(j, APR_SUCCESS,
             datalen == j->len && !memcmp(data, want, datalen) && !id[idlen] &&
                 !data[datalen]);
        return APR_SUCCESS;
    }
    j->wrong++;
    return APR_SUCCESS;
}

static void each(job *j, void (*order)(job *, uint64_t))
{
    for (uint64_t no = j->from; no < j->from + j->n; no++) {
        if (!lock(j->cache))
            return;
        order(j, no);
        unlock(j->cache);
    }
}

static bool obey(job *j, const char *order)
{
    if (!strcmp(order, "fill"))
        each(j, fill);
    else if (!strcmp(order, "find"))
        each(j, find);
    else if (!strcmp(order, "drop"))
        each(j, drop);
    else if (!strcmp(order, "squeeze"))
        each(j, squeeze);
    else if (strcmp(order, "walk"))
        return false;
    else if (lock(j->cache)) {
        if (j->cache->provider->iterate(j->cache->instance, j->r->server, j,
                                        see, j->r->pool) != APR_SUCCESS)
            j->refused++;
        unlock(j->cache);
    }
    return true;
}

/* ---- httpd -------------------------------------------------------------- */

static const cache *find_cache(const char *name)
{
    for (int i = 0; i < caches->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(caches, i, cache *)->name, name))
            return APR_ARRAY_IDX(caches, i, cache *);
    return NULL;
}

static const char *word(const apr_table_t *args, const char *name,
                        const char *otherwise)
{
    const char *value = apr_table_get(args, name);

    return value ? value : otherwise;
}

static int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int handler(request_rec *r)
{
    apr_table_t *args;
    job j = {.r = r};
    int64_t began;

    if (!r->handler || strcmp(r->handler, MUTEX_TYPE))
        return DECLINED;
    ap_args_to_table(r, &args);
    j.cache = find_cache(word(args, "cache", ""));
    j.keys = word(args, "keys", "random");
    j.from = strtoull(word(args, "from", "0"), NULL, 10);
    j.n = strtoull(word(args, "n", "1"), NULL, 10);
    j.len = (unsigned int)strtoul(word(args, "len", "150"), NULL, 10);
    if (!j.cache || j.len < 1 || j.len > VALUE_MAX)
        return HTTP_BAD_REQUEST;
    began = clock_ns();
    if (!obey(&j, word(args, "do", "")))
        return HTTP_BAD_REQUEST;
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r,
               "done %" APR_UINT64_T_FMT " wrong %" APR_UINT64_T_FMT
               " refused %" APR_UINT64_T_FMT " ns %" APR_INT64_T_FMT "\n",
               j.done, j.wrong, j.refused, clock_ns() - began);
    return OK;
}

static const char *add_cache(cmd_parms *cmd, void *dir, const char *name,
                             const char *arg)
{
    cache *c = apr_pcalloc(cmd->pool, sizeof *c);
    const char *colon = ap_strchr_c(arg, ':');

    (void)dir;
    c->name = name;
    c->provider = ap_lookup_provider(
        AP_SOCACHE_PROVIDER_GROUP,
        colon ? apr_pstrmemdup(cmd->pool, arg, (apr_size_t)(colon - arg)) : arg,
        AP_SOCACHE_PROVIDER_VERSION);
    if (!c->provider)
        return "there is no such provider";
    APR_ARRAY_PUSH(caches, cache *) = c;
    return c->provider->create(&c->instance, colon ? colon + 1 : NULL,
                               cmd->temp_pool, cmd->pool);
}

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    caches = apr_array_make(pconf, 4, sizeof(cache *));
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0) ==
                   APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *server)
{
    struct ap_socache_hints hints = {32, 150, 0};

    (void)plog;
    (void)ptemp;
    for (int i = 0; i < caches->nelts; i++) {
        cache *c = APR_ARRAY_IDX(caches, i, cache *);
        if (c->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE &&
            ap_global_mutex_create(&c->mutex, NULL, MUTEX_TYPE, c->name, server,
                                   pconf, 0) != APR_SUCCESS)
            return HTTP_INTERNAL_SERVER_ERROR;
        if (c->provider->init(c->instance, c->name, &hints, server, pconf) !=
            APR_SUCCESS)
            return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

static void child_init(apr_pool_t *pchild, server_rec *server)
{
    (void)server;
    for (int i = 0; i < caches->nelts; i++) {
        cache *c = APR_ARRAY_IDX(caches, i, cache *);
        if (c->mutex)
            apr_global_mutex_child_init(
                &c->mutex, apr_global_mutex_lockfile(c->mutex), pchild);
    }
}

static void hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

static const command_rec directives[] = {
    AP_INIT_TAKE2("BenchSocache", add_cache, NULL, RSRC_CONF,
                  "NAME PROVIDER[:ARGUMENTS]"),
    {.name = NULL}};

AP_DECLARE_MODULE(bench_socache) = {.version = MODULE_MAGIC_NUMBER_MAJOR,
                                    .minor_version = MODULE_MAGIC_NUMBER_MINOR,
                                    .module_index = -1,
                                    .name = __FILE__,
                                    .magic = MODULE_MAGIC_COOKIE,
                                    .cmds = directives,
                                    .register_hooks = hooks};
