/* SPDX-License-Identifier: Apache-2.0 */
/* One request: from ticket or cookie to a loaded session, and from changes to
 * what httpd or the client is told. */
#ifndef SXP_REQUEST_H
#define SXP_REQUEST_H

#include "sxp.h"

/** At the module's start and end: store and keys. */
void sxp_request_begin(void);
void sxp_request_end(void);
sx_place *sxp_request_place(void);

/** The request under way; made at the first call. */
sxp_request *sxp_request_get(void);

/** It is over.  Not before its headers have left. */
void sxp_request_over(void);

/** Load what the client has, again if it has been written since.  False, after
 *  a warning: the store cannot be asked. */
bool sxp_request_load(sxp_request *request);

/** What session_id() will be if the id of the client is that of a session: the
 *  store is not asked.  NULL: it has none. */
const char *sxp_request_peek(sxp_request *request);

/** Let the next commit give the session another id, and session_id() be that
 *  one's. */
void sxp_request_renew(sxp_request *request);

/** May a cookie still be sent? */
bool sxp_request_may_send(const sxp_request *request);

/** Is httpd to be told that the session was read, which it has left closed? */
bool sxp_request_is_unnoted(const sxp_request *request);

/** Commit ${delta} and what functions have asked for.  False, after a warning:
 *  nothing of it is there. */
bool sxp_request_commit(sxp_request *request, sx_delta *delta);

/** A delta to which functions add. */
sx_delta *sxp_request_wanted(sxp_request *request);

/** Headers leave now: a line for httpd, or one for the client; NULL: none. */
const char *sxp_request_answer(sxp_request *request);

#endif
