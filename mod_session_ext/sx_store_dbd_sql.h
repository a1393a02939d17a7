/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between databases: their SQL, and what their errors mean.  For
 * the files of sx_store_dbd alone. */
#ifndef SX_STORE_DBD_SQL_H
#define SX_STORE_DBD_SQL_H

#include "sx_store.h"

/* Prepared once a connection; the arguments of each stand in its text. */
typedef enum sx_dbd_statement {
    SX_DBD_GET,
    SX_DBD_GET_BOTH, /* and the epoch of its user */
    SX_DBD_LOOK,
    SX_DBD_INSERT,
    SX_DBD_REPLACE,
    SX_DBD_REPLACE_IF, /* that epoch is the same */
    SX_DBD_TOUCH,
    SX_DBD_REMOVE,
    SX_DBD_REMOVE_IF,
    SX_DBD_FORGET,
    SX_DBD_EACH,
    SX_DBD_SWEEP,
    SX_DBD_LEASE,
    SX_DBD_REACHED,
    SX_DBD_STATEMENTS
} sx_dbd_statement;

/* What has become of a statement.  But for LOST it is known: it was done, or
 * it has changed nothing. */
typedef enum sx_dbd_outcome {
    SX_DBD_DONE,
    SX_DBD_DUPLICATE,
    SX_DBD_AGAIN, /* it gave way to another: the connection is good */
    SX_DBD_STALE, /* nothing was done, and the connection is of no use */
    SX_DBD_LOST,  /* nor is it; what was sent may have been done */
    SX_DBD_WAITED,
    SX_DBD_NO_ROOM,
    SX_DBD_TOO_LARGE,
    SX_DBD_REFUSED,
    SX_DBD_PERHAPS_LOST /* REFUSED if the connection lives, else LOST */
} sx_dbd_outcome;

/* A setting: with milliseconds between its two parts, if there are two. */
typedef struct sx_dbd_limit {
    const char *before, *behind;
} sx_dbd_limit;

typedef struct sx_dbd_dialect {
    const char *driver;
    int seek;     /* what apr_dbd's selects are told so that errors are seen */
    bool hex;     /* bytes come as such */
    bool is_file; /* of this host: writers queue, and forks begin anew */
    const char *params;         /* put before those of the administrator */
    const char *const *tables;  /* to be made, in this order */
    const char *const *session; /* for a new connection, must not fail */
    const sx_dbd_limit *limits; /* and these may */
    int64_t row_ms; /* it waits for a row for no less; 0: for as long as told */
    const char *unprepare; /* forgets what a connection has; NULL: as is */
    const char *wall_ms;   /* the database's clock */
    const char *absent;    /* a row of TABLE_meta, unless it is there */
    const char *least, *greatest; /* functions of two */
    const char *bytes[2];         /* before and behind the column */
    const char *epoch;            /* the key of the epoch of s.user_tag */
    const char *get_key, *insert, *sweep;
    const char *durable[2]; /* off, on; NULL: as the database does */
    sx_dbd_outcome (*judge)(int code, const char *text);
} sx_dbd_dialect;

/** NULL: none of ours. */
const sx_dbd_dialect *sx_dbd_dialect_of(const char *driver);

/** ${sql} with what stands in braces replaced: {table} and {meta} by the quoted
 *  names of ${table} and of TABLE_meta, {name} by the bare one, others by what
 *  the dialect says. */
const char *sx_dbd_text(const sx_dbd_dialect *dialect, const char *sql,
                        const char *table, apr_pool_t *pool);

/** The same for a prepared statement, as apr_dbd_prepare wants it. */
const char *sx_dbd_statement_text(const sx_dbd_dialect *dialect,
                                  sx_dbd_statement which, const char *table,
                                  apr_pool_t *pool);

/** All that makes the tables, for a person to run. */
const char *sx_dbd_tables_text(const sx_dbd_dialect *dialect, const char *table,
                               apr_pool_t *pool);

#endif
