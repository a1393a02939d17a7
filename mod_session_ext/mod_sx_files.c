/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_files.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "unixd.h"
#include "mod_sx_attach.h"
#include "mod_sx_worker.h"
#include "sx_store_file.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

/* Of the process that sweeps: 5 ms in each 100 while it passes over the store,
 * and then it rests.  The others look every 2 s whether they are wanted. */
#define SLICE_US   5000
#define BETWEEN_MS 100
#define REST_MS    10000
#define OTHERS_MS  2000
#define TRY_MS     1000

/* The pool belongs to the worker. */
typedef struct sweeper {
    mod_sx_segment *segment;
    apr_pool_t *pool;
    mod_sx_worker worker;
    char told[300]; /* why it is unavailable: said once */
} sweeper;

static uid_t owner(void)
{
    return geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
}

const char *mod_sx_files_check(const mod_sx_store_conf *store, bool make,
                               apr_pool_t *pool)
{
    const char *why = sx_store_file_check(store->path, owner(), make, pool);

    return why ? apr_pstrcat(pool, "SessionExtStore '", store->name, "': ", why,
                             NULL)
               : NULL;
}

static apr_status_t unmap_figures(void *figures)
{
    munmap(figures, sizeof(sx_file_figures));
    return APR_SUCCESS;
}

static sx_file_figures *share_figures(apr_pool_t *pool)
{
    void *figures = mmap(NULL, sizeof(sx_file_figures), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (figures == MAP_FAILED)
        return NULL;
    apr_pool_cleanup_register(pool, figures, unmap_figures,
                              apr_pool_cleanup_null);
    return figures;
}

bool mod_sx_files_prepare(mod_sx_segment *segment, server_rec *server,
                          apr_pool_t *pool)
{
    const char *why = mod_sx_files_check(segment->conf, true, pool);

    if (why)
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, "%s", why);
    segment->figures = share_figures(pool);
    return !why;
}

/* ---- in a child --------------------------------------------------------- */

static bool try_open(sweeper *s)
{
    const sx_file_config config = {
        .path = s->segment->conf->path,
        .figures = s->segment->figures,
        .boot_ms = shm_store_clock_ms(),
        .wall_ms = (int64_t)(apr_time_now() / 1000),
    };
    const char *why;
    sx_store *store = sx_store_file_open(&config, &why, s->pool);

    if (!store && strncmp(s->told, why, sizeof s->told - 1)) {
        apr_cpystrn(s->told, why, sizeof s->told);
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, ap_server_conf,
                     "SessionExtStore '%s' is unavailable in this process, "
                     "which tries again every second: %s",
                     s->segment->conf->name, why);
    }
    if (!store)
        apr_pool_clear(s->pool);
    else if (s->told[0])
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                     "SessionExtStore '%s' is available in this process now",
                     s->segment->conf->name);
    /* Requests of other threads may be waiting for it. */
    __atomic_store_n(&s->segment->backend, store, __ATOMIC_RELEASE);
    return store != NULL;
}

/* How long to wait for the next slice. */
static int64_t sweep(sx_store *store)
{
    sx_sweep_report report = {0};
    sx_answer answer = store->ops->sweep(store, SLICE_US,
                                         store->ops->clock_ms(store), &report);

    if (answer != SX_STORE_OK)
        return OTHERS_MS;
    return report.finished ? REST_MS : BETWEEN_MS;
}

static void *run(void *baton)
{
    sweeper *s = baton;
    int64_t pause_ms = TRY_MS;

    while (!mod_sx_worker_wait(&s->worker, pause_ms)) {
        sx_store *store = mod_sx_attached(s->segment);

        if (store)
            pause_ms = sweep(store);
        else
            pause_ms = try_open(s) ? BETWEEN_MS : TRY_MS;
    }
    return NULL;
}

static apr_status_t leave(void *baton)
{
    sweeper *s = baton;

    mod_sx_worker_stop(&s->worker);
    return APR_SUCCESS;
}

void mod_sx_files_attach(mod_sx_segment *segment, apr_pool_t *pchild)
{
    sweeper *s = apr_pcalloc(pchild, sizeof *s);

    s->segment = segment;
    apr_pool_create(&s->pool, pchild);
    (void)try_open(s);
    /* Before the pools below this one are cleared: the thread uses them. */
    apr_pool_pre_cleanup_register(pchild, s, leave);
    if (!mod_sx_worker_start(&s->worker, run, s))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "SessionExtStore '%s': nothing is swept by this process, "
                     "which can have no thread for it",
                     segment->conf->name);
}
