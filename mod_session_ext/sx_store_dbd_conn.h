/* SPDX-License-Identifier: Apache-2.0 */
/* A database store as a process has it open, its connections, and a statement
 * on one of them.  For the files of sx_store_dbd alone. */
#ifndef SX_STORE_DBD_CONN_H
#define SX_STORE_DBD_CONN_H

#include <pthread.h>
#include <sys/types.h>
#include <apr_dbd.h>
#include "sx_store_dbd.h"
#include "sx_store_dbd_sql.h"

/* Used by one thread at a time. */
typedef struct sx_dbd_conn {
    struct sx_dbd_conn
        *next; /* of those that rest, or of those that are lent */
    apr_pool_t *pool;
    apr_pool_t *prepared; /* below it: statements end before the connection */
    apr_dbd_t *handle;
    apr_dbd_prepared_t *statements[SX_DBD_STATEMENTS];
    int64_t rested_us; /* since when */
    int lock;          /* SQLite: of writers; -1 */
    int socket;        /* a descriptor of ours; -1: none is known */
    int64_t limit_ms;  /* of a statement */
    int64_t late_us;   /* the one under way is then; 0: none is; atomic */
    bool is_cut;       /* with the lock: a statement was late */
    bool is_durable;   /* what it confirms now is on the disk */
} sx_dbd_conn;

typedef struct sx_dbd_store {
    sx_store base;
    const sx_dbd_config *config;
    const sx_dbd_dialect *dialect;
    const apr_dbd_driver_t *driver;
    const char *table;
    int64_t wait_ms;
    sx_dbd_figures *figures, own_figures;
    const char *statements[SX_DBD_STATEMENTS]; /* their texts */
    struct sx_dbd_store *next;                 /* of all in this process */

    pthread_mutex_t lock; /* of all from here to `told` */
    pthread_cond_t rests; /* a connection does, or there may be another */
    sx_dbd_conn *idle;
    unsigned count; /* of connections, those in use included */
    pid_t pid;      /* whose they are: a fork has none */
    bool is_down;   /* the last attempt to connect has failed */
    bool is_trying;
    int64_t again_us;   /* when it is worth another */
    int64_t suspect_us; /* who rested before may be dead */
    int64_t silent_us;  /* until then nobody is asked: it did not answer */
    sx_dbd_conn *lent;
    pthread_t watcher; /* sx_store_dbd_watch.h */
    pthread_cond_t watch;
    bool is_watched, watch_sleeps, watch_ends;

    int64_t told; /* the second of the last line in the log; atomic */
    int64_t offset_ms, life;
    int64_t lease_ms; /* until when this handle sweeps; atomic */
    int64_t reached_ms;
} sx_dbd_store;

/** One more, of those that processes may share. */
static inline void sx_dbd_count(uint64_t *figure)
{
    __atomic_fetch_add(figure, 1, __ATOMIC_RELAXED);
}

/* Arguments of a statement, in the order of its text.  They are not copied. */
typedef struct sx_dbd_args {
    const void *v[32];
    unsigned n;
} sx_dbd_args;

void sx_dbd_arg_int(sx_dbd_args *args, const int64_t *value);
/** ${bytes} is never NULL, ${len} lives as long. */
void sx_dbd_arg_bytes(sx_dbd_args *args, const void *bytes,
                      const apr_size_t *len);

/** The other side of a statement that changes: how many ${rows}. */
sx_dbd_outcome sx_dbd_change(sx_dbd_store *store, sx_dbd_conn *conn,
                             sx_dbd_statement which, sx_dbd_args *args,
                             int *rows, apr_pool_t *pool);

/** And of one that reads.  It has changed nothing, so that it is never LOST but
 *  STALE. */
sx_dbd_outcome sx_dbd_select(sx_dbd_store *store, sx_dbd_conn *conn,
                             sx_dbd_statement which, sx_dbd_args *args,
                             apr_dbd_results_t **results, apr_pool_t *pool);

/** The next row of ${results}.  DONE, and ${*row} is NULL behind the last. */
sx_dbd_outcome sx_dbd_next(sx_dbd_store *store, sx_dbd_conn *conn,
                           apr_dbd_results_t *results, apr_dbd_row_t **row,
                           apr_pool_t *pool);

/** A number of a row: INT64_MIN if it is none. */
int64_t sx_dbd_int(const sx_dbd_store *store, const apr_dbd_row_t *row,
                   int column);

/** Run ${sql} as it is, and take no notice of what it gives. */
int sx_dbd_run(const sx_dbd_store *store, sx_dbd_conn *conn, const char *sql);

/** Let what is confirmed from now on be on the disk, or not, if this is ours to
 *  decide. */
void sx_dbd_durable(const sx_dbd_store *store, sx_dbd_conn *conn, bool on);

/** What the database says of its last error, without what it may quote. */
const char *sx_dbd_last_words(const sx_dbd_store *store,
                              const sx_dbd_conn *conn, apr_pool_t *pool);

/** Tell the log, once a second. */
void sx_dbd_tell(sx_dbd_store *store, const char *what, const char *words);

/* ---- of the pool -------------------------------------------------------- */

/** A connection that nobody else has: OK, BUSY or UNAVAILABLE. */
sx_answer sx_dbd_acquire(sx_dbd_store *store, sx_dbd_conn **conn);
void sx_dbd_release(sx_dbd_store *store, sx_dbd_conn *conn, bool is_broken);

/** Begin with no connection, and end all when ${pool} is cleared. */
void sx_dbd_conns_begin(sx_dbd_store *store, apr_pool_t *pool);

/** Connect; NULL: ${*why} says why.  With ${make} tables are made that are not
 *  there. */
sx_dbd_conn *sx_dbd_connect(sx_dbd_store *store, bool make, const char **why,
                            apr_pool_t *pool);
void sx_dbd_disconnect(sx_dbd_store *store, sx_dbd_conn *conn);

/** What a call does on a connection; it may be called again, on another, unless
 *  it was done or lost. */
typedef sx_dbd_outcome sx_dbd_call(sx_dbd_store *store, sx_dbd_conn *conn,
                                   void *baton);

/** Do ${call} on a connection; OK if it was done.  ${writes}: SQLite's writers
 *  queue.  ${what} for the log. */
sx_answer sx_dbd_do(sx_dbd_store *store, sx_dbd_call *call, void *baton,
                    bool writes, const char *what);

int64_t sx_dbd_clock_us(const sx_dbd_store *store);

extern const sx_store_ops sx_dbd_ops;

/** See sx_store_ops. */
sx_answer sx_dbd_each(sx_store *store, sx_store_visit *visit, void *baton,
                      int64_t now_ms, apr_pool_t *pool);
sx_answer sx_dbd_sweep(sx_store *store, int64_t budget_us, int64_t now_ms,
                       sx_sweep_report *report);

/** What lies beside the bytes, from the columns of ${row} that begin with the
 *  one numbered ${first}.  False: no record has that. */
bool sx_dbd_meta(const sx_dbd_store *store, const apr_dbd_row_t *row, int first,
                 sx_record_meta *meta);

#endif
