/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_socache_shmcb under the load of load.h, used as mod_ssl uses it: created
 * and initialised in post_config of a real httpd, every call inside the global
 * mutex that AP_SOCACHE_FLAG_NOTMPSAFE asks for, of the kind that httpd chooses
 * by default.
 *
 * The second post_config serves standard input and ends the process, before
 * any worker of httpd's own begins.  BENCH_RECORDS, BENCH_BYTES and BENCH_ROOM
 * are what t/bench/store/main.c has as arguments.  Keys are random bytes, which
 * is the best case: shmcb chooses the subcache by the first byte.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <ap_provider.h>
#include <ap_socache.h>
#include <util_mutex.h>
#include <apr_strings.h>
#include <limits.h>
#include "../store/load.h"

/* Everything else is hidden (-fvisibility=hidden); httpd looks this up. */
extern module AP_MODULE_DECLARE_DATA __attribute__((visibility("default")))
bench_shmcb_module;

#define MUTEX_TYPE "bench-shmcb"

static const ap_socache_provider_t *provider;
static ap_socache_instance_t *instance;
static apr_global_mutex_t *mutex;
static server_rec *server;
static apr_pool_t *pool;
static apr_time_t expiry;
static uint64_t size;

static size_t shmcb_get(uint64_t record, unsigned char *buf, size_t cap)
{
    unsigned char key[BENCH_KEY_LEN];
    unsigned int len = (unsigned int)cap;
    apr_status_t rv;

    bench_key(record, key);
    if (apr_global_mutex_lock(mutex) != APR_SUCCESS)
        return 0;
    rv = provider->retrieve(instance, server, key, sizeof key, buf, &len, pool);
    apr_global_mutex_unlock(mutex);
    return rv == APR_SUCCESS ? len : 0;
}

static bool shmcb_put(uint64_t record, const unsigned char *value, size_t len)
{
    unsigned char key[BENCH_KEY_LEN], copy[BENCH_VALUE_MAX];
    apr_status_t rv;

    bench_key(record, key);
    memcpy(copy, value, len); /* store() wants bytes it might write */
    if (apr_global_mutex_lock(mutex) != APR_SUCCESS)
        return false;
    rv = provider->store(instance, server, key, sizeof key, expiry, copy,
                         (unsigned int)len, pool);
    apr_global_mutex_unlock(mutex);
    return rv == APR_SUCCESS;
}

static bool shmcb_child(void)
{
    return apr_global_mutex_child_init(&mutex, apr_global_mutex_lockfile(mutex),
                                       pool) == APR_SUCCESS;
}

/* It does not tell; this is what it was given. */
static uint64_t shmcb_used(void)
{
    return size;
}

static const char *shmcb_open(const bench_plan *plan)
{
    struct ap_socache_hints hints = {BENCH_KEY_LEN, BENCH_KEY_LEN + plan->len,
                                     0};
    const char *why;

    expiry = apr_time_now() + apr_time_from_sec(3600);
    size = plan->records * (BENCH_KEY_LEN + plan->len + plan->room);
    /* Subcaches fill unevenly; a third more keeps nearly all records. */
    if (!plan->room)
        size = plan->records * (BENCH_KEY_LEN + plan->len + 32) * 4 / 3;
    if (size > UINT_MAX)
        return "its segment ends at 4 GiB";
    provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, "shmcb",
                                  AP_SOCACHE_PROVIDER_VERSION);
    if (!provider)
        return "not installed";
    why = provider->create(
        &instance,
        apr_psprintf(pool, "bench-shmcb(%" APR_UINT64_T_FMT ")", size), pool,
        pool);
    if (why)
        return why;
    if (ap_global_mutex_create(&mutex, NULL, MUTEX_TYPE, NULL, server, pool,
                               0) != APR_SUCCESS)
        return "no global mutex";
    if (provider->init(instance, MUTEX_TYPE, &hints, server, pool) !=
        APR_SUCCESS)
        return "shmcb could not be initialised";
    return NULL;
}

static const bench_engine shmcb_engine = {
    .name = "shmcb",
    .open = shmcb_open,
    .child = shmcb_child,
    .get = shmcb_get,
    .put = shmcb_put,
    .used = shmcb_used,
};

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : 0;
}

static int bench_post_config(apr_pool_t *pconf, apr_pool_t *plog,
                             apr_pool_t *ptemp, server_rec *s)
{
    load_job job = {
        .engine = &shmcb_engine,
        .plan =
            {
                .records = number_of("BENCH_RECORDS"),
                .len = number_of("BENCH_BYTES"),
                .room = number_of("BENCH_ROOM"),
            },
    };

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    if (job.plan.records < LOAD_WORKERS || job.plan.len < 16 ||
        job.plan.len > BENCH_VALUE_MAX) {
        fputs("mod_bench_shmcb: BENCH_RECORDS or BENCH_BYTES is out of range\n",
              stderr);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    server = s;
    pool = pconf;
    exit(bench_serve(&job));
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

static void bench_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_pre_config(bench_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(bench_post_config, NULL, NULL, APR_HOOK_LAST);
}

AP_DECLARE_MODULE(bench_shmcb) = {.version = MODULE_MAGIC_NUMBER_MAJOR,
                                  .minor_version = MODULE_MAGIC_NUMBER_MINOR,
                                  .module_index = -1,
                                  .name = __FILE__,
                                  .magic = MODULE_MAGIC_COOKIE,
                                  .register_hooks = bench_hooks};
