/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_keeper.h"

#include <string.h>
#include "ap_mpm.h"
#include "mod_sx_attach.h"
#include "mod_sx_kind.h"
#include "sx_worker.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

/* Of the process that sweeps: 5 ms in each 100 while it passes over the store,
 * and then it rests.  The others look every 2 s whether they are wanted. */
#define SLICE_US   5000
#define BETWEEN_MS 100
#define REST_MS    10000
#define OTHERS_MS  2000
#define TRY_MS     1000

/* The pool belongs to the worker. */
typedef struct keeper {
    mod_sx_segment *segment;
    apr_pool_t *pool;
    sx_worker worker;
    char told[300]; /* why it is unavailable: said once */
} keeper;

/* One store that says nothing does not get all threads. */
static unsigned half_of_threads(void)
{
    int threads = 0;

    (void)ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return threads > 2 * SX_BREAKER_OUTAGES ? (unsigned)threads / 2
                                            : SX_BREAKER_OUTAGES;
}

static sx_store *open_kind(const mod_sx_segment *segment, const char **why,
                           apr_pool_t *pool)
{
    const mod_sx_kind *kind = segment->conf->kind;
    const sx_breaker_config config = {.name = segment->conf->name,
                                      .figures = segment->breaker,
                                      .places = half_of_threads()};
    sx_store *store = kind->open(segment, why, pool);

    return store && kind->remote ? sx_store_breaker_create(store, &config, pool)
                                 : store;
}

static bool try_open(keeper *k)
{
    const mod_sx_segment *segment = k->segment;
    const char *why;
    sx_store *store = open_kind(segment, &why, k->pool);

    if (!store && strncmp(k->told, why, sizeof k->told - 1)) {
        apr_cpystrn(k->told, why, sizeof k->told);
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, ap_server_conf,
                     "SessionExtStore '%s' is unavailable in this process, "
                     "which tries again every second: %s",
                     k->segment->conf->name, why);
    }
    if (!store)
        apr_pool_clear(k->pool);
    else if (k->told[0])
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                     "SessionExtStore '%s' is available in this process now",
                     k->segment->conf->name);
    /* Requests of other threads may be waiting for it. */
    __atomic_store_n(&k->segment->backend, store, __ATOMIC_RELEASE);
    return store != NULL;
}

/* How long to wait for the next slice. */
static int64_t sweep(sx_store *store)
{
    sx_sweep_report report = {0};
    sx_answer answer;

    if (!store->ops->sweep)
        return REST_MS;
    answer = store->ops->sweep(store, SLICE_US, store->ops->clock_ms(store),
                               &report);
    if (answer != SX_STORE_OK)
        return OTHERS_MS;
    return report.finished ? REST_MS : BETWEEN_MS;
}

static void *run(void *baton)
{
    keeper *k = baton;
    int64_t pause_ms = TRY_MS;

    while (!sx_worker_wait(&k->worker, pause_ms)) {
        sx_store *store = mod_sx_attached(k->segment);

        if (store)
            pause_ms = sweep(store);
        else
            pause_ms = try_open(k) ? BETWEEN_MS : TRY_MS;
    }
    return NULL;
}

static apr_status_t leave(void *baton)
{
    keeper *k = baton;

    sx_worker_stop(&k->worker);
    return APR_SUCCESS;
}

void mod_sx_keep(mod_sx_segment *segment, apr_pool_t *pchild)
{
    keeper *k = apr_pcalloc(pchild, sizeof *k);

    k->segment = segment;
    apr_pool_create(&k->pool, pchild);
    (void)try_open(k);
    /* Before the pools below this one are cleared: the thread uses them. */
    apr_pool_pre_cleanup_register(pchild, k, leave);
    if (!sx_worker_start(&k->worker, run, k))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "SessionExtStore '%s': nothing is swept by this process, "
                     "which can have no thread for it",
                     segment->conf->name);
}
