/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commit: where id, keys, seal, session, delta, lifetimes and store meet.
 * Nothing is locked between load and commit, however long the app takes:
 *
 *   load:    id token -> store key -> bytes -> session
 *   commit:  read again {bytes, token} -> open -> apply the delta -> seal ->
 *            put_if(token); another writer was first?  Once more from the top.
 *
 * A renewal on request writes the record of the new id, then removes the old
 * one by its token: of parallel renewals one wins, the others find nothing.
 * A silent renewal (by age) replaces the old record by an alias that holds the
 * new id, sealed so that only who has the old cookie can follow it, and that
 * ends after the grace.  A destroyed session is simply gone: put_if on a
 * missing record never creates one.
 */
#ifndef SX_COMMIT_H
#define SX_COMMIT_H

#include "sx_load.h"

/** A session that begins empty (sx_delta.reserve) ends this soon, unless it is
 *  used again. */
#define SX_RESERVE_MS 300000

typedef enum sx_cookie_action {
    SX_COOKIE_KEEP, /* send none */
    SX_COOKIE_SEND, /* the id in `id` */
    SX_COOKIE_DELETE
} sx_cookie_action;

typedef enum sx_verdict {
    SX_COMMIT_OK,          /* done, or nothing to do */
    SX_COMMIT_CONFLICT,    /* If-Version does not hold: 409, nothing applied */
    SX_COMMIT_REFUSED,     /* data commands over a limit: nothing applied */
    SX_COMMIT_DROPPED,     /* the session is gone; the data commands with it */
    SX_COMMIT_FULL,        /* no room: nothing applied */
    SX_COMMIT_NOT_RENEWED, /* no room for a log-in, log-out or Renew: 503 */
    SX_COMMIT_CONTENDED,   /* too many writers for too long: 503 */
    SX_COMMIT_OUTAGE,      /* store not reached: nothing was applied */
    SX_COMMIT_UNKNOWN,     /* its answer was lost, and nobody can tell: 503 */
    SX_COMMIT_DENIED,      /* a log-in beyond the limit of its user: 403 */
    SX_COMMIT_NOT_ENDED    /* a Destroy did not reach the store: 503 */
} sx_verdict;

/* How this response may treat the session besides its delta. */
typedef struct sx_commit_mode {
    bool may_send_cookie; /* false after the headers have left */
    bool may_renew;       /* a page, not a static file or sub-resource */
} sx_commit_mode;

typedef struct sx_committed {
    sx_verdict verdict;
    sx_cookie_action cookie;
    sx_id id;     /* for SX_COOKIE_SEND */
    bool persist; /* the cookie is kept up to hard_end_ms */
    int64_t hard_end_ms;
    uint64_t handle; /* of the session it was done to; 0: none */
    bool created, renewed, destroyed, wrote; /* for logs and counters */
    bool old_id;      /* it is due for another one, which this response may not
                  * send */
    bool logged_out;  /* the other sessions of its user */
    unsigned evicted; /* older sessions of the user that has logged in */
    unsigned client_changed; /* parts of it (sx_client.h), noted by us */
    unsigned retries;
    const char *why;  /* REFUSED: names header and reason */
    sx_answer answer; /* FULL, OUTAGE, UNKNOWN: what the store said */
} sx_committed;

/**
 * Commit ${delta} (may be empty) to the session that ${loaded} found; notes
 * the access and renews the id by age when due.  Never blocks longer than the
 * store's deadlines and SX_COMMIT_WAIT_MS (sx_retry.h) of contention.
 * ${loaded} is not changed.
 */
void sx_commit(const sx_realm *realm, const sx_loaded *loaded,
               const sx_delta *delta, sx_commit_mode mode, sx_now now,
               sx_committed *done, apr_pool_t *pool);

#endif
