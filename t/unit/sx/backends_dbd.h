/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases as stages: SQLite with a file of its own each time, and those that
 * have a server on the one that SXTEST_PARAMS says, with the table of this
 * process emptied.  t/guard/databases.t starts them.
 */
#ifndef BACKENDS_DBD_H
#define BACKENDS_DBD_H

#include "stage.h"

#include "sx_store_dbd.h"
#include "sx_store_dbd_conn.h"

/* The store that is open, behind whatever a test has put in front of it. */
static sx_dbd_store *dbd_inner;

/* ${sql}, with {table} in it: the first number that it gives, if any. */
static inline long long dbd_sql(stage *at, const char *sql)
{
    sx_dbd_store *store = dbd_inner;
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    const char *number = NULL;
    sx_dbd_conn *conn;

    if (sx_dbd_acquire(store, &conn) != SX_STORE_OK)
        stage_give_up("no connection");
    sql = sx_dbd_text(store->dialect, sql, store->table, at->pool);
    if (apr_dbd_select(store->driver, at->pool, conn->handle, &results, sql,
                       1) != 0)
        stage_give_up(apr_dbd_error(store->driver, conn->handle, 0));
    if (results &&
        apr_dbd_get_row(store->driver, at->pool, results, &row, 1) == 0)
        number = apr_dbd_get_entry(store->driver, row, 0);
    sx_dbd_release(store, conn, false);
    return number ? strtoll(number, NULL, 10) : -1;
}

/* How long calls wait: not so long that a busy host fails a test, but where
 * waiting is what is tested. */
static int64_t dbd_wait_ms = 5000;

static inline sx_store *dbd_open(stage *at, const char *driver,
                                 const char *params, const char **why)
{
    sx_dbd_config *config = apr_pcalloc(at->pool, sizeof(*config));

    config->driver = driver;
    config->params = params;
    config->table = apr_psprintf(at->pool, "sx_%d", (int)getpid());
    config->wait_ms = dbd_wait_ms;
    config->boot_ms = at->now.boot_ms;
    config->boot_id = "a boot";
    dbd_inner = (sx_dbd_store *)sx_store_dbd_open(config, why, at->pool);
    return dbd_inner ? &dbd_inner->base : NULL;
}

static inline long long dbd_records(stage *at)
{
    return dbd_sql(at, "SELECT count(*) FROM {table} WHERE kind <> 0");
}

/* ---- SQLite ------------------------------------------------------------- */

static inline const char *sqlite_path(stage *at)
{
    return apr_pstrcat(at->pool, at->path, "/sessions", NULL);
}

static inline void sqlite_open(stage *at, uint64_t size, shm_on_full on_full)
{
    const char *why = NULL;

    (void)size;
    (void)on_full;
    snprintf(at->path, sizeof(at->path), "%s/sx-test-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(at->path))
        stage_give_up("no scratch directory");
    at->realm.store = dbd_open(at, "sqlite3", sqlite_path(at), &why);
    if (!at->realm.store)
        stage_give_up(why);
}

static inline void sqlite_unlink(stage *at, const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-lock"};

    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++)
        unlink(apr_pstrcat(at->pool, path, tails[i], NULL));
}

static inline void sqlite_close(stage *at)
{
    sqlite_unlink(at, sqlite_path(at));
    if (rmdir(at->path) != 0)
        stage_give_up("the scratch directory cannot be removed");
}

#define DBD_CANNOT (CANNOT_QUEUE | CANNOT_SPOIL)

static const stage_backend stage_sqlite = {.name = "sqlite3",
                                           .cannot = DBD_CANNOT,
                                           .max_record = SX_DBD_RECORD_MAX,
                                           .open = sqlite_open,
                                           .close = sqlite_close,
                                           .records = dbd_records};

/* ---- servers ------------------------------------------------------------ */

static inline void dbd_open_server(stage *at, uint64_t size,
                                   shm_on_full on_full)
{
    const char *why = NULL, *params = getenv("SXTEST_PARAMS");

    (void)size;
    (void)on_full;
    at->realm.store =
        params ? dbd_open(at, stage_on->name, params, &why) : NULL;
    if (!at->realm.store)
        stage_give_up(why ? why : "SXTEST_PARAMS is not set");
    dbd_sql(at, "DELETE FROM {table}");
    dbd_sql(at, "UPDATE {meta} SET number = 0 WHERE name = 'sweep'");
}

static inline void dbd_close_server(stage *at)
{
    (void)at;
}

static const stage_backend stage_pgsql = {.name = "pgsql",
                                          .cannot = DBD_CANNOT,
                                          .max_record = SX_DBD_RECORD_MAX,
                                          .open = dbd_open_server,
                                          .close = dbd_close_server,
                                          .records = dbd_records};

static const stage_backend stage_mysql = {.name = "mysql",
                                          .cannot = DBD_CANNOT,
                                          .max_record = SX_DBD_RECORD_MAX,
                                          .open = dbd_open_server,
                                          .close = dbd_close_server,
                                          .records = dbd_records};

#endif
