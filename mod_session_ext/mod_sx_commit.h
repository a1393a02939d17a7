/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a response to a commit and back: which commands count, what the client
 * is told.  Three moments, one function each.
 */
#ifndef MOD_SX_COMMIT_H
#define MOD_SX_COMMIT_H

#include "mod_sx_visit.h"

/**
 * The response of ${r} is about to leave: harvest, commit, set cookie and
 * caching headers.  Returns OK, or the status that must be answered instead.
 */
int mod_sx_commit_response(request_rec *r);

/** Count and log what became of a session, by ${r} or by an app of it. */
void mod_sx_commit_tell(request_rec *r, const sx_committed *done);

/** ${r} ends in an internal redirect or an ErrorDocument: do what its app
 *  asked for now; nothing if it asked for nothing.  Returns OK, or the status
 *  that must be answered instead of the target. */
int mod_sx_commit_redirected(request_rec *r);

/** The request is over: note the access where no filter ever ran, and settle
 *  what it has taken of messages. */
void mod_sx_commit_unfinished(request_rec *r);

#endif
