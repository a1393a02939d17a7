/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a table: its driver, its name, its life and its clock. */
#include "sx_store_dbd_conn.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <apr_errno.h>
#include <apr_general.h>
#include <apr_strings.h>

#define NAME_CHARS                                                             \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* ---- what it may be ----------------------------------------------------- */

const char *sx_store_dbd_check_driver(const char *driver, apr_pool_t *pool)
{
    return sx_dbd_dialect_of(driver)
               ? NULL
               : apr_psprintf(pool,
                              "accepted is sqlite3, pgsql or mysql, and not "
                              "'%s'",
                              driver);
}

const char *sx_store_dbd_check_table(const char *table, apr_pool_t *pool)
{
    size_t len = strlen(table);

    if (len == 0 || len > SX_DBD_TABLE_MAX || table[strspn(table, NAME_CHARS)])
        return apr_psprintf(pool,
                            "accepted as the name of a table are 1 to %d "
                            "letters, digits and underscores",
                            SX_DBD_TABLE_MAX);
    return NULL;
}

static const char *load_driver(sx_dbd_store *store, apr_pool_t *pool)
{
    apr_status_t status = apr_dbd_init(pool);
    char reason[120];

    if (status == APR_SUCCESS)
        status =
            apr_dbd_get_driver(pool, store->config->driver, &store->driver);
    if (status == APR_SUCCESS)
        return NULL;
    return apr_psprintf(pool,
                        "APR's driver for %s cannot be loaded (Debian: "
                        "libaprutil1-dbd-%s): %s",
                        store->config->driver, store->config->driver,
                        apr_strerror(status, reason, sizeof reason));
}

/* ---- numbers of the table itself ---------------------------------------- */

/* The first column of the first row; INT64_MIN: there is none. */
static int64_t ask(const sx_dbd_store *store, sx_dbd_conn *conn,
                   const char *sql, apr_pool_t *pool)
{
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    int64_t number = INT64_MIN;

    sql = sx_dbd_text(store->dialect, sql, store->table, pool);
    if (apr_dbd_select(store->driver, pool, conn->handle, &results, sql, 1) ==
            0 &&
        results && apr_dbd_get_row(store->driver, pool, results, &row, 1) == 0)
        number = sx_dbd_int(store, row, 0);
    return number;
}

/* ${name} is this one from now on, unless it was another: that it is. */
static int64_t settle(const sx_dbd_store *store, sx_dbd_conn *conn,
                      const char *name, int64_t number, apr_pool_t *pool)
{
    const char *absent =
        sx_dbd_text(store->dialect, store->dialect->absent, store->table, pool);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    absent = apr_psprintf(pool, absent, name, number);
#pragma GCC diagnostic pop
    (void)sx_dbd_run(store, conn, absent);
    return ask(
        store, conn,
        apr_psprintf(pool, "SELECT number FROM {meta} WHERE name = '%s'", name),
        pool);
}

/* Of the kernel, and of what else has clocks of its own. */
static const char *boot_of(const sx_dbd_config *config, apr_pool_t *pool)
{
    char id[40] = "", ns[40] = "";
    FILE *file;
    ssize_t len;

    if (config->boot_id)
        return config->boot_id;
    file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file) {
        if (!fgets(id, sizeof id, file))
            id[0] = '\0';
        fclose(file);
    }
    id[strspn(id, "0123456789abcdef-")] = '\0';
    len = readlink("/proc/self/ns/time", ns, sizeof ns - 1);
    ns[len > 0 ? len : 0] = '\0';
    return apr_pstrcat(pool, id, " ", ns, NULL);
}

/* NULL, or what went wrong. */
static const char *read_meta(sx_dbd_store *store, sx_dbd_conn *conn,
                             apr_pool_t *pool)
{
    const sx_dbd_config *config = store->config;
    const char *boot = apr_pstrcat(pool, "boot ", boot_of(config, pool), NULL);
    int64_t reached, wall_ms, life;

    apr_generate_random_bytes((unsigned char *)&life, sizeof life);
    store->life = settle(store, conn, "life", life & INT64_MAX, pool);
    reached = settle(store, conn, "reached", 0, pool);
    (void)settle(store, conn, "sweep", 0, pool);
    wall_ms = ask(store, conn, store->dialect->wall_ms, pool);
    if (reached == INT64_MIN || wall_ms == INT64_MIN)
        return sx_dbd_last_words(store, conn, pool);
    if (wall_ms < reached)
        wall_ms = reached;
    store->offset_ms =
        settle(store, conn, boot, wall_ms - config->boot_ms, pool);
    store->reached_ms = reached;
    return store->offset_ms == INT64_MIN || store->life == INT64_MIN
               ? sx_dbd_last_words(store, conn, pool)
               : NULL;
}

/* ---- opening ------------------------------------------------------------ */

static bool is_wal(const sx_dbd_store *store, sx_dbd_conn *conn,
                   apr_pool_t *pool)
{
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    const char *mode = NULL;

    if (!store->dialect->is_file)
        return true;
    if (apr_dbd_select(store->driver, pool, conn->handle, &results,
                       "PRAGMA journal_mode", 1) == 0 &&
        apr_dbd_get_row(store->driver, pool, results, &row, 1) == 0)
        mode = apr_dbd_get_entry(store->driver, row, 0);
    return mode && !strcmp(mode, "wal");
}

static const char *first_look(sx_dbd_store *store, apr_pool_t *own,
                              apr_pool_t *pool)
{
    const char *why;
    sx_dbd_conn *conn = sx_dbd_connect(store, true, &why, pool);

    if (!conn)
        return why;
    if (!is_wal(store, conn, own))
        why =
            "sqlite3 cannot have its database in WAL mode, which wants a file "
            "on a file system of this host";
    else if ((why = read_meta(store, conn, own)) != NULL)
        why = apr_psprintf(pool,
                           "the table '%s_meta' of %s is not as it must "
                           "be: %s",
                           store->table, store->dialect->driver, why);
    apr_pool_clear(own);
    store->count = 1;
    sx_dbd_release(store, conn, why != NULL);
    return why;
}

sx_store *sx_store_dbd_open(const sx_dbd_config *config, const char **why,
                            apr_pool_t *pool)
{
    sx_dbd_store *store = apr_pcalloc(pool, sizeof *store);
    apr_pool_t *own;

    store->base.ops = &sx_dbd_ops;
    store->config = config;
    store->table = config->table ? config->table : SX_DBD_TABLE;
    store->wait_ms = config->wait_ms ? config->wait_ms : SX_DBD_WAIT_MS;
    store->figures = config->figures ? config->figures : &store->own_figures;
    *why = sx_store_dbd_check_driver(config->driver, pool);
    if (!*why)
        *why = sx_store_dbd_check_table(store->table, pool);
    if (*why)
        return NULL;
    store->dialect = sx_dbd_dialect_of(config->driver);
    *why = load_driver(store, pool);
    if (*why)
        return NULL;
    for (int i = 0; i < SX_DBD_STATEMENTS; i++)
        store->statements[i] = sx_dbd_statement_text(
            store->dialect, (sx_dbd_statement)i, store->table, pool);
    sx_dbd_conns_begin(store, pool);
    apr_pool_create(&own, NULL);
    *why = first_look(store, own, pool);
    apr_pool_destroy(own);
    return *why ? NULL : &store->base;
}
