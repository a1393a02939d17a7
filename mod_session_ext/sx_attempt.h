/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try of a commit: what it starts from and works on, and the steps that all
 * ways of a commit take.  Inside sx_commit.c and sx_renew.c; callers of a
 * commit need sx_commit.h.
 */
#ifndef SX_ATTEMPT_H
#define SX_ATTEMPT_H

#include "sx_commit.h"
#include "sx_registry.h"

typedef struct sx_attempt {
    const sx_realm *realm;
    const sx_loaded *loaded;
    const sx_delta *delta;
    sx_commit_mode mode;
    sx_now now;
    sx_committed *done;
    apr_pool_t *pool; /* of this try */
    sx_found at;      /* what this try starts from, and changes; the first one
                       * trusts what load has read: its token tells if it may */
    sx_change change;
    sx_id fresh; /* the id of a renewal: one for all tries */
    bool has_fresh;
    bool fresh_spoiled; /* a call under it may still arrive */
    unsigned lost;      /* fresh ids that were given up for that */
    bool in_doubt;  /* the write that decides may have been done, or may be */
    bool new_user;  /* it appeared, changed or went by this try */
    bool logs_in;   /* it appeared, changed or began anew */
    sx_claim claim; /* on a seat: one for all tries */
    unsigned client_changed; /* parts of it */
    bool reserves;           /* it begins with nothing in it */
    bool must_renew;   /* this try was one for a new id, not only for data */
    bool epoch_by_put; /* a write in place compares at.epoch */
} sx_attempt;

/** Let it be a session that begins now. */
void sx_attempt_begin(sx_attempt *a);

/** Put the session of this try in its place: SX_STORE_CHANGED means to try
 *  again, and everything else ends the commit. */
sx_answer sx_attempt_put(sx_attempt *a);

/**
 * Put it under a fresh id: one for all tries, unless an answer was lost.  Then
 * SX_STORE_CHANGED means to try again, with another one: of what may lie under
 * this one, or come to, no client ever hears.
 */
sx_answer sx_attempt_put_fresh(sx_attempt *a);

/** Let the response send the cookie of ${id}. */
void sx_attempt_send(sx_attempt *a, const sx_id *id);

/** Let it send it again if it carries its session, and that has changed. */
void sx_attempt_carry(sx_attempt *a);

/** Take back the record of the fresh id, which no client has heard of.  False:
 *  it could not be made sure, and the log says so. */
bool sx_attempt_drop(sx_attempt *a);

/**
 * It is there under its new id, and the old one is not: say so to the registry.
 * Who has been ended meanwhile, or cannot log in, is taken back.  The place of
 * one that goes on is told again by its next request.
 */
sx_answer sx_attempt_settle(sx_attempt *a);

#endif
