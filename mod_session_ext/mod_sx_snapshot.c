/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_snapshot.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unixd.h"
#include "mod_sx_parse.h"
#include "sx_snapshot.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

#define INTERVAL_MIN ((apr_int64_t)10000)
#define SENTENCE     512

/* ---- configuration ------------------------------------------------------ */

const char *mod_sx_snapshot_parse(mod_sx_store_conf *store, const char *value,
                                  apr_pool_t *pool)
{
    const char *comma = strrchr(value, ',');
    const char *file =
        comma ? apr_pstrmemdup(pool, value, (apr_size_t)(comma - value))
              : value;

    store->snapshot_ms = MOD_SX_SNAPSHOT_DEFAULT;
    if (comma && (mod_sx_parse_duration(comma + 1, &store->snapshot_ms) ||
                  store->snapshot_ms < INTERVAL_MIN))
        return "behind the comma an interval is accepted, from 10s to 10 years";
    store->snapshot = *file ? ap_server_root_relative(pool, file) : NULL;
    return store->snapshot ? NULL : "snapshot is FILE or FILE,INTERVAL";
}

/* Who the children run as. */
static uid_t user_of_children(void)
{
    return geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
}

static bool may_write(const struct stat *st)
{
    gid_t group = geteuid() == 0 ? ap_unixd_config.group_id : getegid();

    return user_of_children() == 0 ||
           (st->st_uid == user_of_children()
                ? (st->st_mode & S_IWUSR) != 0
                : st->st_gid == group && (st->st_mode & S_IWGRP));
}

const char *mod_sx_snapshot_check(const mod_sx_store_conf *store,
                                  const mod_sx_server *keys_of,
                                  apr_pool_t *pool)
{
    const char *slash = store->snapshot ? strrchr(store->snapshot, '/') : NULL;
    const char *dir;
    struct stat st;

    if (!slash)
        return NULL;
    dir = slash == store->snapshot
              ? "/"
              : apr_pstrmemdup(pool, store->snapshot,
                               (apr_size_t)(slash - store->snapshot));
    if (!strcmp(store->snapshot, store->path))
        return apr_psprintf(pool,
                            "ShmStore '%s': snapshot=%s is the store's own "
                            "file: it needs another one",
                            store->name, store->snapshot);
    if (stat(dir, &st) || !S_ISDIR(st.st_mode))
        return apr_psprintf(pool,
                            "ShmStore '%s': there is no directory for its "
                            "snapshot %s",
                            store->name, store->snapshot);
    if (st.st_mode & S_IWOTH)
        return apr_psprintf(pool,
                            "ShmStore '%s': the directory of its snapshot %s "
                            "is writable to others: one that only the User of "
                            "this server may write to is needed",
                            store->name, store->snapshot);
    if (!may_write(&st))
        return apr_psprintf(pool,
                            "ShmStore '%s': the directory of its snapshot %s "
                            "is not writable to uid %ld, the User of this "
                            "server, which writes it",
                            store->name, store->snapshot,
                            (long)user_of_children());
    if (!keys_of || !keys_of->key_file)
        return apr_psprintf(pool,
                            "ShmStore '%s': its snapshot outlives a reboot, "
                            "the generated keys do not: servers that use it "
                            "need a SessionExtKeyFile",
                            store->name);
    return NULL;
}

/* ---- restore ------------------------------------------------------------ */

static sx_snapshot snapshot_of(const mod_sx_segment *segment)
{
    return (sx_snapshot){.store = segment->segment,
                         .path = shm_store_snapshot_path(segment->segment),
                         .keys = segment->keys,
                         .journal = true};
}

static void log_restored(const mod_sx_segment *segment,
                         const shm_load_report *report)
{
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                 "ShmStore '%s': %" APR_UINT64_T_FMT
                 " records came back from the snapshot %s, which is "
                 "%" APR_INT64_T_FMT " seconds old; %" APR_UINT64_T_FMT
                 " had ended by their time, %" APR_UINT64_T_FMT
                 " were ended since, %" APR_UINT64_T_FMT " found no room",
                 segment->conf->name, (apr_uint64_t)report->records,
                 shm_store_snapshot_path(segment->segment),
                 (apr_int64_t)report->age_ms / 1000, (apr_uint64_t)report->over,
                 (apr_uint64_t)report->ended, (apr_uint64_t)report->refused);
}

/* The next snapshot would overwrite what somebody may still want to force. */
static void log_refused(const mod_sx_segment *segment, const char *why)
{
    const char *path = shm_store_snapshot_path(segment->segment);
    bool aside = sx_snapshot_set_aside(path);

    ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                 "ShmStore '%s': nothing is restored and the store begins "
                 "empty: %s; %s%s%s",
                 segment->conf->name, why,
                 aside ? "it is now " : "it could not be moved aside", path,
                 aside ? ".refused" : "");
}

static bool refill(void *baton, shm_store *store, int64_t now_ms)
{
    const mod_sx_segment *segment = baton;
    sx_snapshot snapshot = snapshot_of(segment);
    shm_load_report report;
    char why[SENTENCE];

    (void)store;
    switch (sx_snapshot_restore(&snapshot, false, now_ms, &report, why,
                                sizeof why)) {
    case SX_RESTORE_DONE:
        log_restored(segment, &report);
        return true;
    case SX_RESTORE_NONE:
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, ap_server_conf,
                     "ShmStore '%s': there is no snapshot %s to restore",
                     segment->conf->name, snapshot.path);
        return true;
    case SX_RESTORE_REFUSED:
        break;
    }
    log_refused(segment, why);
    return false;
}

void mod_sx_snapshot_prepare(mod_sx_segment *segment, apr_pool_t *pchild)
{
    if (shm_store_snapshot_path(segment->segment) && segment->keys)
        shm_store_on_fresh(segment->segment, refill,
                           apr_pmemdup(pchild, segment, sizeof *segment));
}

/* ---- the chore ---------------------------------------------------------- */

static bool still_runner(void *baton)
{
    const shm_cleanup *cleanup = baton;

    return shm_store_cleanup_holds(cleanup);
}

/* Without ${cleanup} this is the last process: there is no lease to ask. */
static bool take_snapshot(void *baton, const shm_cleanup *cleanup)
{
    const mod_sx_segment *segment = baton;
    sx_snapshot snapshot = snapshot_of(segment);
    shm_dump_report report;
    char why[SENTENCE];

    if (cleanup) {
        snapshot.still = still_runner;
        snapshot.baton = (void *)(uintptr_t)cleanup;
    }
    if (!sx_snapshot_write(&snapshot, shm_store_clock_ms(), &report, why,
                           sizeof why)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "ShmStore '%s': no snapshot: %s", segment->conf->name,
                     why);
        return false;
    }
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, ap_server_conf,
                 "ShmStore '%s': snapshot of %" APR_UINT64_T_FMT
                 " records, %" APR_UINT64_T_FMT " damaged ones left out",
                 segment->conf->name, (apr_uint64_t)report.records,
                 (apr_uint64_t)report.damaged);
    return true;
}

const shm_chore *mod_sx_snapshot_chore(const mod_sx_segment *segment,
                                       apr_pool_t *pchild)
{
    shm_chore *chore;

    if (!shm_store_snapshot_path(segment->segment) || !segment->keys)
        return NULL;
    chore = apr_pcalloc(pchild, sizeof *chore);
    /* A restart may have taken snapshot= away: not before the next start. */
    chore->every_ms = segment->conf->snapshot_ms ? segment->conf->snapshot_ms
                                                 : MOD_SX_SNAPSHOT_DEFAULT;
    chore->work = take_snapshot;
    chore->baton = apr_pmemdup(pchild, segment, sizeof *segment);
    return chore;
}
