/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database backend: a table with a row for each record, by APR's drivers
 * (apr_dbd) for SQLite, PostgreSQL, and MariaDB or MySQL.
 *
 *   TABLE       the records, by store key; indexes by end and by user tag
 *   TABLE_meta  numbers of the table itself: its life, the clocks of the hosts
 *               that use it, the latest time that was seen, who sweeps
 *
 * A call is a statement by itself, without a transaction around it, but that
 * some look afterwards why no row was changed.  So each isolation level that
 * shows what was committed will do, and READ COMMITTED is told: stricter ones
 * answer with PostgreSQL's errors that say "again", or with InnoDB's locks on
 * what is not there, which a log-out of all would wait for.  (InnoDB keeps its
 * own where the server logs statements, and accepts no other.)  A read replica
 * is not the database, nor is another node of a cluster that does not wait for
 * what it has not seen.
 *
 * A load has the epoch of its user beside it, and a commit compares it, each in
 * one statement: get_with_epoch, put_if_epoch.  With SQLite that is one moment.
 * Elsewhere a commit that waits for its row has looked for the epoch before:
 * what it then writes had ended meanwhile, and stays so.
 *
 * What is removed stays, without its bytes and as no record, until its time
 * would have been over: so tokens grow over an end and a new beginning.  A new
 * token is the store's clock in microseconds, or the old one and 1.  A row that
 * is there no more has ended at least a minute ago, so that hosts whose clocks
 * agree to a minute give no token twice.
 *
 * The clock is that of the boot with an offset, by the database's wall clock
 * when a host first opened the table since it was booted, and at least such
 * that no time comes twice.  So no step of a host's own clock moves it, nor one
 * of the database's while a host runs.
 *
 * Connections are this backend's own, a process has at most so many, and one
 * that fails is closed.  mod_dbd lends connections, too, but who asks it for
 * one waits without end where all are lent, it cannot be told that one failed,
 * and it makes a dead one anew with neither its settings nor its statements.
 *
 * Who waits.  A call waits for others at most ${wait_ms}, for a connection or
 * for a row, but for a row of MySQL one second, the least that it knows.
 * What the database itself takes for a statement is bounded to the same by
 * PostgreSQL (statement_timeout) and MariaDB (max_statement_time).  To connect
 * is bounded by the driver: PostgreSQL two seconds, libpq's least; MySQL's
 * driver knows it only from a group of an option file (group= in ${params});
 * meanwhile and half a second later nobody else tries, and is told UNAVAILABLE.
 * No driver of APR gives up on a server that holds a connection open and says
 * nothing: a statement that is not answered within twice ${wait_ms} is cut off
 * (sx_store_dbd_watch.h), but not an attempt to connect.
 *
 * SQLite.  The file is made, in WAL mode; writers queue at the file PATH-lock,
 * since APR meets a locked database with sleep.  It should have no other
 * writers.  What ends something is on the disk before it is confirmed; what
 * changes a session survives every death of a process, and a power cut may take
 * the last of it.  All other databases decide that by themselves.
 */
#ifndef SX_STORE_DBD_H
#define SX_STORE_DBD_H

#include "sx_store.h"

#define SX_DBD_RECORD_MAX  ((size_t)1 << 20)
#define SX_DBD_WAIT_MS     INT64_C(250)
#define SX_DBD_TABLE       "session_ext"
#define SX_DBD_TABLE_MAX   48
#define SX_DBD_CONNECTIONS 10 /* of a process, if nothing is said */

/* What happened, in numbers: one row a counter, its name and what it counts. */
#define SX_DBD_FIGURES(X)                                                      \
    X(connected, "connections that were made")                                 \
    X(not_connected, "connections that could not be made")                     \
    X(dropped, "connections that were given up for what happened on them")     \
    X(statements, "statements of calls that were run")                         \
    X(damaged, "rows that were no records and were deleted")                   \
    X(full, "writes refused for want of room")                                 \
    X(busy, "calls that waited for others in vain")                            \
    X(failed, "calls that the database did not serve")

typedef struct sx_dbd_figures {
#define X(name, what) uint64_t name;
    SX_DBD_FIGURES(X)
#undef X
} sx_dbd_figures;

typedef struct sx_dbd_config {
    const char *driver;      /* of apr_dbd: sqlite3, pgsql or mysql */
    const char *params;      /* as it wants them; for sqlite3 a path */
    const char *table;       /* NULL: SX_DBD_TABLE */
    const char *const *init; /* SQL for each new connection, up to a NULL; or
                              * NULL */
    unsigned connections;    /* at most; 0: SX_DBD_CONNECTIONS */
    int64_t wait_ms;         /* 0: SX_DBD_WAIT_MS */
    sx_dbd_figures *figures; /* shared by who likes, atomic; NULL: none */
    int64_t boot_ms;         /* CLOCK_BOOTTIME, now */
    const char *boot_id;     /* text; NULL: the kernel's */
} sx_dbd_config;

/** NULL, or what a driver, or the name of a table, has to be instead. */
const char *sx_store_dbd_check_driver(const char *driver, apr_pool_t *pool);
const char *sx_store_dbd_check_table(const char *table, apr_pool_t *pool);

/**
 * Open or begin the store: in each process, or before it forks (SQLite: while
 * no call is under way).  ${config} and all in it must live as long as ${pool},
 * as the handle does.  NULL: ${*why} says why, with the SQL to be run if it is
 * the table that is missing; it holds no password.
 */
sx_store *sx_store_dbd_open(const sx_dbd_config *config, const char **why,
                            apr_pool_t *pool);

#endif
