/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_socache_shmcb under the load of load.h, used as mod_ssl uses it: created
 * and initialised in post_config of a real httpd, every call inside the global
 * mutex that AP_SOCACHE_FLAG_NOTMPSAFE asks for, of the kind that httpd chooses
 * by default.
 *
 * The second post_config serves standard input and ends the process, before
 * any worker of httpd's own begins.  BENCH_RECORDS and BENCH_BYTES say what to
 * store.  Keys are random bytes, which is the best case: shmcb chooses the
 * subcache by the first byte.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <ap_provider.h>
#include <ap_socache.h>
#include <util_mutex.h>
#include <apr_strings.h>
#include "../load.h"

module AP_MODULE_DECLARE_DATA bench_shmcb_module;

#define MUTEX_TYPE "bench-shmcb"

typedef struct shmcb_self {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    apr_global_mutex_t *mutex;
    server_rec *server;
    apr_pool_t *pool;
    apr_time_t expiry;
} shmcb_self;

static size_t shmcb_get(void *baton, uint64_t record, unsigned char *buf,
                        size_t cap)
{
    shmcb_self *self = baton;
    unsigned char key[LOAD_KEY_LEN];
    unsigned int len = (unsigned int)cap;
    apr_status_t rv;

    load_key(record, key);
    if (apr_global_mutex_lock(self->mutex) != APR_SUCCESS)
        return 0;
    rv = self->provider->retrieve(self->instance, self->server, key, sizeof key,
                                  buf, &len, self->pool);
    apr_global_mutex_unlock(self->mutex);
    return rv == APR_SUCCESS ? len : 0;
}

static bool shmcb_put(void *baton, uint64_t record, const unsigned char *value,
                      size_t len)
{
    shmcb_self *self = baton;
    unsigned char key[LOAD_KEY_LEN], copy[LOAD_VALUE_MAX];
    apr_status_t rv;

    load_key(record, key);
    memcpy(copy, value, len); /* store() wants bytes it might write */
    if (apr_global_mutex_lock(self->mutex) != APR_SUCCESS)
        return false;
    rv = self->provider->store(self->instance, self->server, key, sizeof key,
                               self->expiry, copy, (unsigned int)len,
                               self->pool);
    apr_global_mutex_unlock(self->mutex);
    return rv == APR_SUCCESS;
}

static bool shmcb_child(void *baton)
{
    shmcb_self *self = baton;

    return apr_global_mutex_child_init(&self->mutex,
                                       apr_global_mutex_lockfile(self->mutex),
                                       self->pool) == APR_SUCCESS;
}

static const load_engine shmcb_engine = {shmcb_get, shmcb_put, shmcb_child};

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : 0;
}

/* NULL, or what went wrong. */
static const char *shmcb_open(shmcb_self *self, const load_job *job,
                              server_rec *s, apr_pool_t *pool)
{
    struct ap_socache_hints hints = {LOAD_KEY_LEN, LOAD_KEY_LEN + job->len, 0};
    /* Subcaches fill unevenly; a third more keeps nearly all records. */
    uint64_t size = job->records * (LOAD_KEY_LEN + job->len + 32) * 4 / 3;
    const char *why;

    self->server = s;
    self->pool = pool;
    self->expiry = apr_time_now() + apr_time_from_sec(3600);
    self->provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, "shmcb",
                                        AP_SOCACHE_PROVIDER_VERSION);
    if (!self->provider)
        return "mod_socache_shmcb is not loaded";
    why = self->provider->create(
        &self->instance,
        apr_psprintf(pool, "bench-shmcb(%" APR_UINT64_T_FMT ")", size), pool,
        pool);
    if (why)
        return why;
    if (ap_global_mutex_create(&self->mutex, NULL, MUTEX_TYPE, NULL, s, pool,
                               0) != APR_SUCCESS)
        return "no global mutex";
    if (self->provider->init(self->instance, MUTEX_TYPE, &hints, s, pool) !=
        APR_SUCCESS)
        return "shmcb could not be initialised";
    return NULL;
}

static int bench_post_config(apr_pool_t *pconf, apr_pool_t *plog,
                             apr_pool_t *ptemp, server_rec *s)
{
    shmcb_self self = {0};
    load_job job = {&shmcb_engine, &self, number_of("BENCH_RECORDS"),
                    number_of("BENCH_BYTES")};
    const char *why;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    if (job.records < LOAD_WORKERS || job.len < 8 || job.len > LOAD_VALUE_MAX)
        why = "BENCH_RECORDS or BENCH_BYTES is out of range";
    else
        why = shmcb_open(&self, &job, s, pconf);
    if (why) {
        fprintf(stderr, "mod_bench_shmcb: %s\n", why);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    exit(load_serve(&job));
}

static int bench_pre_config(apr_pool_t *pconf, apr_pool_t *plog,
                            apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    return ap_mutex_register(pconf, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT, 0) ==
                   APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static void bench_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_pre_config(bench_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(bench_post_config, NULL, NULL, APR_HOOK_LAST);
}

AP_DECLARE_MODULE(bench_shmcb) = {.version = MODULE_MAGIC_NUMBER_MAJOR,
                                  .minor_version = MODULE_MAGIC_NUMBER_MINOR,
                                  .module_index = -1,
                                  .name = __FILE__,
                                  .magic = MODULE_MAGIC_COOKIE,
                                  .register_hooks = bench_hooks};
