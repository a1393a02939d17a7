/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ticket for who is near: mod_php runs the PHP extension in the very process
 * of the module, so nothing need be sealed, sent and opened again.  The module
 * has a function that hands out the ticket of the request at hand as it is,
 * with what it has opened of the session, and a place for the reply.
 *
 * The function is found by its name in APR's registry of optional functions.
 * Who has asked for a ticket in this way once gets it so from then on, and no
 * longer in the environment; until then nobody knows if there is somebody to
 * take it.  Both sides must be of one build, which they tell each other.
 *
 * One thread: that of a process of prefork.
 */
#ifndef SX_NEAR_H
#define SX_NEAR_H

#include <apr_optional.h>
#include "sx_ticket.h"

typedef struct sx_near {
    sx_ticket ticket;
    sx_opened opened;  /* what the module has of the session, if anything */
    sx_committed done; /* the reply... */
    bool is_answered;  /* ...if there is one */
} sx_near;

/* Raised when what is in these structures means something else. */
#define SX_NEAR_LAYOUT 1

/* What both sides must have alike. */
typedef struct sx_near_build {
    unsigned layout;
    size_t near, realm, committed, keys; /* bytes */
} sx_near_build;

/** The ticket of the request at hand, once; NULL: there is none, or ${build} is
 *  another one.  It lives as long as the request. */
APR_DECLARE_OPTIONAL_FN(sx_near *, session_ext_near_ticket,
                        (const sx_near_build *build));

/** This build. */
sx_near_build sx_near_build_of(void);
bool sx_near_same(const sx_near_build *a, const sx_near_build *b);

#endif
