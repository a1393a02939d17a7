/* SPDX-License-Identifier: Apache-2.0 */
/* A connection: how it begins and ends, and a statement on it. */
#include "sx_store_dbd_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* ---- errors ------------------------------------------------------------- */

/* Nothing between quotes or brackets: there a database shows keys and values,
 * and libpq a piece of what it was told to connect with. */
static const char *without_values(const char *text, apr_pool_t *pool)
{
    char *words = apr_palloc(pool, strlen(text) + 1), *to = words;
    char last = ' ';

    for (; *text && *text != '\n'; last = *text++) {
        const char *close = *text == '(' ? ")" : *text == '\'' ? "'" : "\"";

        *to++ = *text;
        if (!strchr("('\"", *text) || (*text == '\'' && apr_isalpha(last)))
            continue;
        text += 1 + strcspn(text + 1, close);
        if (!*text)
            break;
        *to++ = *text;
    }
    *to = '\0';
    return words;
}

/* Before a key or a value is on its way there is more to be said; but not of
 * parameters that libpq cannot read. */
static const char *of_opening(const char *text, apr_pool_t *pool)
{
    if (strstr(text, "invalid") || strstr(text, "connection info"))
        return without_values(text, pool);
    return apr_pstrndup(pool, text, strcspn(text, "\n"));
}

static const char *why_not(const sx_dbd_store *store, const sx_dbd_conn *conn,
                           apr_pool_t *pool)
{
    const char *text = apr_dbd_error(store->driver, conn->handle, 0);

    return of_opening(text && *text ? text : "it gives no reason", pool);
}

const char *sx_dbd_last_words(const sx_dbd_store *store,
                              const sx_dbd_conn *conn, apr_pool_t *pool)
{
    const char *text = apr_dbd_error(store->driver, conn->handle, 0);

    return text && *text ? without_values(text, pool) : "it gives no reason";
}

void sx_dbd_tell(sx_dbd_store *store, const char *what, const char *words)
{
    const int64_t second = sx_boot_us() / 1000000;

    if (__atomic_exchange_n(&store->told, second, __ATOMIC_RELAXED) != second)
        sx_log(SX_LOG_ERR, "the store in table '%s' of %s: %s: %s",
               store->table, store->dialect->driver, what, words);
}

static sx_dbd_outcome failed(sx_dbd_store *store, sx_dbd_conn *conn, int code,
                             apr_pool_t *pool)
{
    const char *text = apr_dbd_error(store->driver, conn->handle, code);
    sx_dbd_outcome outcome = store->dialect->judge(code, text ? text : "");

    if (outcome == SX_DBD_REFUSED)
        sx_dbd_tell(store, "a statement was refused",
                    sx_dbd_last_words(store, conn, pool));
    if (outcome != SX_DBD_PERHAPS_LOST)
        return outcome;
    text = sx_dbd_last_words(store, conn, pool);
    outcome =
        sx_dbd_run(store, conn, "SELECT 1") ? SX_DBD_LOST : SX_DBD_REFUSED;
    sx_dbd_tell(store,
                outcome == SX_DBD_LOST ? "a connection was lost"
                                       : "a statement was refused",
                text);
    return outcome;
}

/* ---- statements --------------------------------------------------------- */

void sx_dbd_arg_int(sx_dbd_args *args, const int64_t *value)
{
    args->v[args->n++] = value;
}

/* Behind the length the drivers expect the names of a table and a column. */
void sx_dbd_arg_bytes(sx_dbd_args *args, const void *bytes,
                      const apr_size_t *len)
{
    args->v[args->n++] = bytes;
    args->v[args->n++] = len;
    args->v[args->n++] = NULL;
    args->v[args->n++] = NULL;
}

int sx_dbd_run(const sx_dbd_store *store, sx_dbd_conn *conn, const char *sql)
{
    apr_dbd_results_t *results = NULL;
    apr_pool_t *pool;
    int code;

    apr_pool_create(&pool, conn->pool);
    sx_dbd_watch_statement(conn);
    code = apr_dbd_select(store->driver, pool, conn->handle, &results, sql, 1);
    sx_dbd_watch_answer(conn);
    apr_pool_destroy(pool);
    return code;
}

sx_dbd_outcome sx_dbd_change(sx_dbd_store *store, sx_dbd_conn *conn,
                             sx_dbd_statement which, sx_dbd_args *args,
                             int *rows, apr_pool_t *pool)
{
    int code;

    sx_dbd_count(&store->figures->statements);
    sx_dbd_watch_statement(conn);
    code = apr_dbd_pbquery(store->driver, pool, conn->handle, rows,
                           conn->statements[which], args->v);
    sx_dbd_watch_answer(conn);
    return code ? failed(store, conn, code, pool) : SX_DBD_DONE;
}

static sx_dbd_outcome of_reading(sx_dbd_outcome outcome)
{
    return outcome == SX_DBD_LOST ? SX_DBD_STALE : outcome;
}

sx_dbd_outcome sx_dbd_select(sx_dbd_store *store, sx_dbd_conn *conn,
                             sx_dbd_statement which, sx_dbd_args *args,
                             apr_dbd_results_t **results, apr_pool_t *pool)
{
    int code;

    *results = NULL;
    sx_dbd_count(&store->figures->statements);
    sx_dbd_watch_statement(conn);
    code = apr_dbd_pbselect(store->driver, pool, conn->handle, results,
                            conn->statements[which], store->dialect->seek,
                            args->v);
    sx_dbd_watch_answer(conn);
    return code ? of_reading(failed(store, conn, code, pool)) : SX_DBD_DONE;
}

sx_dbd_outcome sx_dbd_next(sx_dbd_store *store, sx_dbd_conn *conn,
                           apr_dbd_results_t *results, apr_dbd_row_t **row,
                           apr_pool_t *pool)
{
    int code = apr_dbd_get_row(store->driver, pool, results, row, -1);

    if (code == 0)
        return SX_DBD_DONE;
    *row = NULL;
    return code == -1 ? SX_DBD_DONE
                      : of_reading(failed(store, conn, code, pool));
}

int64_t sx_dbd_int(const sx_dbd_store *store, const apr_dbd_row_t *row,
                   int column)
{
    const char *text = apr_dbd_get_entry(
        store->driver, (apr_dbd_row_t *)(uintptr_t)row, column);
    int64_t value;

    return text && sx_parse_int64(sx_str_of(text), &value) ? value : INT64_MIN;
}

void sx_dbd_durable(const sx_dbd_store *store, sx_dbd_conn *conn, bool on)
{
    const char *sql = store->dialect->durable[on];

    if (sql && conn->is_durable != on && sx_dbd_run(store, conn, sql) == 0)
        conn->is_durable = on;
}

/* ---- connecting --------------------------------------------------------- */

/* A URL of libpq has its options behind, and they are the administrator's. */
static const char *params_of(const sx_dbd_store *store, apr_pool_t *pool)
{
    const char *params = store->config->params;

    return strstr(params, "://")
               ? params
               : apr_pstrcat(pool, store->dialect->params, params, NULL);
}

static bool run_all(const sx_dbd_store *store, sx_dbd_conn *conn,
                    const char *const *sql)
{
    for (; sql && *sql; sql++)
        if (sx_dbd_run(store, conn, *sql) != 0)
            return false;
    return true;
}

/* -1: none is there, or they have other columns. */
static int prepare(const sx_dbd_store *store, sx_dbd_conn *conn)
{
    int code = 0;

    apr_pool_clear(conn->prepared);
    memset(conn->statements, 0, sizeof conn->statements);
    for (int i = 0; i < SX_DBD_STATEMENTS && code == 0; i++) {
        sx_dbd_watch_statement(conn);
        code = apr_dbd_prepare(
            store->driver, conn->prepared, conn->handle, store->statements[i],
            apr_psprintf(conn->prepared, "sx_%d", i), &conn->statements[i]);
        sx_dbd_watch_answer(conn);
    }
    return code;
}

/* Nobody waits for who makes the same at the same time: NULL, or the first
 * error of this round. */
static const char *make_once(sx_dbd_store *store, sx_dbd_conn *conn,
                             apr_pool_t *pool)
{
    const char *words = NULL;

    for (const char *const *sql = store->dialect->tables; *sql; sql++)
        if (sx_dbd_run(store, conn,
                       sx_dbd_text(store->dialect, *sql, store->table, pool)) &&
            !words)
            words = why_not(store, conn, pool);
    if (store->dialect->unprepare)
        (void)sx_dbd_run(store, conn, store->dialect->unprepare);
    if (prepare(store, conn) == 0)
        return NULL;
    return words ? words : why_not(store, conn, pool);
}

static const char *make_tables(sx_dbd_store *store, sx_dbd_conn *conn,
                               apr_pool_t *pool)
{
    const char *words = make_once(store, conn, pool);

    for (int i = 0; words && i < 3; i++) {
        apr_sleep(20000);
        words = make_once(store, conn, pool);
    }
    if (!words)
        return NULL;
    return apr_psprintf(
        pool,
        "%s has no table '%s' as it must be, and it cannot be made (%s); who "
        "may do so, has to run: %s",
        store->dialect->driver, store->table, words,
        sx_dbd_tables_text(store->dialect, store->table, pool));
}

/* SQLite alone has a file to lock, and one to make: for its user alone, which
 * the library would not.  One that is there is not opened here: to close it
 * would take away the locks that this process has on it. */
static const char *open_files(const sx_dbd_store *store, sx_dbd_conn *conn,
                              apr_pool_t *pool)
{
    const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    const char *path;
    char reason[100];
    int fd;

    if (!store->dialect->is_file)
        return NULL;
    path = apr_pstrcat(pool, store->config->params, "-lock", NULL);
    conn->lock = open(path, flags, 0600);
    if (conn->lock < 0)
        return apr_psprintf(pool, "%s, at which its writers queue: %s", path,
                            strerror_r(errno, reason, sizeof reason));
    fd = store->config->params[0] == '/'
             ? open(store->config->params, flags | O_EXCL, 0600)
             : -1;
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* Who changes how SQLite's file is written is refused at once while others do
 * the same, whatever time it was told to wait. */
static bool set_session(sx_dbd_store *store, sx_dbd_conn *conn)
{
    bool done = run_all(store, conn, store->dialect->session);

    for (int i = 0; !done && store->dialect->is_file && i < 10; i++) {
        apr_sleep(20000);
        done = run_all(store, conn, store->dialect->session);
    }
    return done;
}

/* NULL, or why it is of no use. */
static const char *begin(sx_dbd_store *store, sx_dbd_conn *conn, bool make,
                         apr_pool_t *pool)
{
    const char *why = NULL;

    if (!run_all(store, conn, store->config->init) || !set_session(store, conn))
        return apr_psprintf(pool, "%s refuses the settings of a session: %s",
                            store->dialect->driver, why_not(store, conn, pool));
    if (prepare(store, conn) != 0)
        why =
            make ? make_tables(store, conn, pool) : why_not(store, conn, pool);
    /* They hold for what comes now; each may be of another version. */
    for (const sx_dbd_limit *limit = store->dialect->limits; limit->before;
         limit++)
        (void)sx_dbd_run(store, conn,
                         apr_pstrcat(pool, limit->before,
                                     limit->behind
                                         ? sx_int64_str(store->wait_ms, pool).p
                                         : NULL,
                                     limit->behind, NULL));
    return why;
}

sx_dbd_conn *sx_dbd_connect(sx_dbd_store *store, bool make, const char **why,
                            apr_pool_t *pool)
{
    const char *words = "it gives no reason";
    apr_pool_t *own;
    sx_dbd_conn *conn;

    /* Below no other pool: it is used by whichever thread has it.  And not even
     * below APR's own, which would end it before the store. */
    apr_pool_create_unmanaged_ex(&own, apr_pool_abort_get(pool), NULL);
    conn = apr_pcalloc(own, sizeof *conn);
    conn->pool = own;
    conn->lock = conn->socket = -1;
    conn->limit_ms = make ? SX_DBD_MAKING_MS : sx_dbd_limit_ms(store);
    *why = open_files(store, conn, pool);
    if (!*why && apr_dbd_open_ex(store->driver, own, params_of(store, own),
                                 &conn->handle, &words) != APR_SUCCESS) {
        *why = apr_psprintf(pool, "%s cannot be reached: %s",
                            store->dialect->driver, of_opening(words, pool));
        conn->handle = NULL;
    }
    apr_pool_create(&conn->prepared, own);
    if (!*why) {
        sx_dbd_watch_socket(store, conn);
        pthread_mutex_lock(&store->lock);
        sx_dbd_watch_locked(store, conn);
        pthread_mutex_unlock(&store->lock);
        *why = begin(store, conn, make, pool);
        pthread_mutex_lock(&store->lock);
        sx_dbd_unwatch_locked(store, conn);
        pthread_mutex_unlock(&store->lock);
        conn->limit_ms = sx_dbd_limit_ms(store);
    }
    sx_dbd_count(*why ? &store->figures->not_connected
                      : &store->figures->connected);
    if (!*why)
        return conn;
    sx_dbd_disconnect(store, conn);
    return NULL;
}

void sx_dbd_disconnect(sx_dbd_store *store, sx_dbd_conn *conn)
{
    apr_pool_destroy(conn->prepared);
    if (conn->handle)
        apr_dbd_close(store->driver, conn->handle);
    if (conn->lock >= 0)
        close(conn->lock);
    if (conn->socket >= 0)
        close(conn->socket);
    apr_pool_destroy(conn->pool);
}
