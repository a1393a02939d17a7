/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_attach.h"

#include <errno.h>
#include <string.h>
#include "mod_sx_keeper.h"
#include "mod_sx_kind.h"
#include "mod_sx_snapshot.h"
#include "shm_stats.h"
#include "sx_store_shm.h"
#include "sx_worker.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

#define TRY_SHARE 20 /* ms of trying for each second of waiting: 2 % */
#define TRY_PAUSE 60 /* s; it may only have waited for others */

/* The pool belongs to the worker, which tries, while it runs. */
typedef struct membership {
    mod_sx_segment *segment;
    apr_pool_t *pool;
    shm_cleanup *cleanup;
    sx_worker worker;
    char told[160]; /* why it is unavailable: said once */
} membership;

static void log_attach(const mod_sx_store_conf *conf,
                       const shm_attach_report *report)
{
    server_rec *s = ap_server_conf;

    if (report->result == SST_ATTACH_FORMATTED)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "ShmStore '%s': an empty store was begun", conf->name);
    else if (report->result == SST_ATTACH_ADOPTED && report->layout)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "ShmStore '%s': carried over from layout version %u with "
                     "%" APR_UINT64_T_FMT " records, %" APR_UINT64_T_FMT
                     " lost",
                     conf->name, (unsigned)report->layout,
                     (apr_uint64_t)report->records, (apr_uint64_t)report->lost);
    else if (report->result == SST_ATTACH_ADOPTED)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     "ShmStore '%s': taken over with %" APR_UINT64_T_FMT
                     " records, %" APR_UINT64_T_FMT " lost",
                     conf->name, (apr_uint64_t)report->records,
                     (apr_uint64_t)report->lost);
    else if (report->result == SST_ATTACH_RESET)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "ShmStore '%s': begun afresh: %s", conf->name,
                     report->why);
    if (report->journal[0])
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "ShmStore '%s': there will be no snapshots: %s",
                     conf->name, report->journal);
}

/* Once a process, in the cleanup thread or by an attach; the log gets it once a
 * server. */
static void log_lost(void *baton)
{
    const mod_sx_segment *segment = baton;

    if (segment->told &&
        __atomic_exchange_n(segment->told, 1, __ATOMIC_RELAXED))
        return;
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, ap_server_conf,
                 "ShmStore '%s' is unavailable: its file %s was cut off while "
                 "in use, and what it held is lost. Stop and start the server "
                 "to begin it anew%s, and see who may write to that file",
                 segment->conf->name, segment->conf->path,
                 segment->conf->snapshot ? " from its snapshot" : "");
}

static void log_unavailable(membership *m, const shm_attach_report *report)
{
    if (!strcmp(m->told, report->why))
        return;
    apr_cpystrn(m->told, report->why, sizeof m->told);
    if (shm_store_is_lost(m->segment->segment)) {
        log_lost(m->segment);
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, ap_server_conf,
                 "ShmStore '%s' is unavailable in this process, which tries "
                 "again every second: %s",
                 m->segment->conf->name, report->why);
}

static void join_segment(membership *m)
{
    mod_sx_segment *segment = m->segment;
    sx_store *backend = sx_store_shm_create(segment->segment, m->pool);

    m->cleanup = shm_store_cleanup_start(
        segment->segment, mod_sx_snapshot_chore(segment, m->pool));
    if (!m->cleanup)
        ap_log_error(APLOG_MARK, APLOG_WARNING, errno, ap_server_conf,
                     "ShmStore '%s': no cleanup thread in this process",
                     segment->conf->name);
    /* Requests of other threads may be waiting for it. */
    __atomic_store_n(&segment->backend, backend, __ATOMIC_RELEASE);
}

static bool try_attach(membership *m)
{
    shm_attach_report report = {0};

    if (shm_store_attach(m->segment->segment, shm_store_clock_ms(), &report) !=
        SST_OK) {
        log_unavailable(m, &report);
        return false;
    }
    log_attach(m->segment->conf, &report);
    if (m->told[0])
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                     "ShmStore '%s' is available in this process now",
                     m->segment->conf->name);
    join_segment(m);
    return true;
}

static void *try_again(void *baton)
{
    membership *m = baton;
    int64_t pause = 1;

    while (!sx_worker_wait(&m->worker, pause * 1000)) {
        int64_t began = shm_store_clock_ms();

        if (try_attach(m))
            break;
        /* To find out that there is no room for another layout takes time,
         * which requests want, too. */
        pause = 1 + (shm_store_clock_ms() - began) / TRY_SHARE;
        if (pause > TRY_PAUSE)
            pause = TRY_PAUSE;
    }
    return NULL;
}

static apr_status_t leave(void *baton)
{
    membership *m = baton;

    sx_worker_stop(&m->worker);
    shm_store_cleanup_stop(m->cleanup);
    return APR_SUCCESS;
}

void mod_sx_attach(mod_sx_segment *segment, apr_pool_t *pchild)
{
    membership *m;

    if (segment->conf->kind && segment->conf->kind->open)
        mod_sx_keep(segment, pchild);
    if (!segment->segment)
        return;
    m = apr_pcalloc(pchild, sizeof *m);
    m->segment = segment;
    shm_store_on_lost(segment->segment, log_lost, segment);
    apr_pool_create(&m->pool, pchild);
    mod_sx_snapshot_prepare(segment, m->pool);
    /* Before the pools below this one are cleared: threads use them. */
    apr_pool_pre_cleanup_register(pchild, m, leave);
    if (!try_attach(m))
        (void)sx_worker_start(&m->worker, try_again, m);
}

sx_store *mod_sx_attached(const mod_sx_segment *segment)
{
    return __atomic_load_n(&segment->backend, __ATOMIC_ACQUIRE);
}
