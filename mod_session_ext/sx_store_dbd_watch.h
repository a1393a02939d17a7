/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements that a database does not answer.  A driver waits for as long as
 * its connection is there, and that is there for as long as the server's host
 * says so, whatever has become of the server: one that was stopped, or swaps,
 * or is behind a proxy that has lost it.  So a thread of the process looks
 * every 50 ms whether a statement is late, and shuts its socket down; then the
 * driver finds the connection lost.
 *
 * A statement is late after twice ${wait_ms}: that long the database itself may
 * take for it (MySQL waits a second for a row), and as long again; one that
 * makes a table, after SX_DBD_MAKING_MS.  Connections that rested meanwhile are
 * asked before they are lent, and if one of them does not answer either, nobody
 * asks for SX_DBD_SILENT_MS.  What a driver does to connect cannot be seen, nor
 * cut.
 *
 * The thread has a descriptor of its own for each socket, so that it never
 * meets one that the driver has closed and another file has got.  It waits
 * while nothing is lent, begins with the first connection, and ends with the
 * store; a fork has none.  SQLite needs none.
 */
#ifndef SX_STORE_DBD_WATCH_H
#define SX_STORE_DBD_WATCH_H

#include "sx_store_dbd_conn.h"

#define SX_DBD_SILENT_MS INT64_C(500)
#define SX_DBD_MAKING_MS INT64_C(10000)

void sx_dbd_watch_begin(sx_dbd_store *store);
/** No statement is under way. */
void sx_dbd_watch_end(sx_dbd_store *store);
/** In a fork, with the lock. */
void sx_dbd_watch_forget_locked(sx_dbd_store *store);

/** ${conn} has just been opened: find its socket. */
void sx_dbd_watch_socket(const sx_dbd_store *store, sx_dbd_conn *conn);

/** With the lock: it is lent from now on, and no more. */
void sx_dbd_watch_locked(sx_dbd_store *store, sx_dbd_conn *conn);
void sx_dbd_unwatch_locked(sx_dbd_store *store, sx_dbd_conn *conn);

/** Of a statement. */
int64_t sx_dbd_limit_ms(const sx_dbd_store *store);

/** Around each statement. */
void sx_dbd_watch_statement(sx_dbd_conn *conn);
void sx_dbd_watch_answer(sx_dbd_conn *conn);

#endif
