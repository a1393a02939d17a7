/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between PHP and the server that it runs in.  The ticket is taken from the
 * environment before anybody else sees it; what goes back is added when headers
 * are about to leave, and not before: until then the app may clear them.
 */
#ifndef SXP_SAPI_H
#define SXP_SAPI_H

#include "sxp.h"

/** At the module's start and end: step in between, and out again. */
void sxp_sapi_begin(void);
void sxp_sapi_end(void);

/** At the start of a request, before any script. */
void sxp_sapi_request(void);

/** A variable of the server, or NULL; never the ticket. */
const char *sxp_sapi_variable(const char *name);

/** The Cookie header as the server has it, or NULL. */
const char *sxp_sapi_cookies(void);

/** Did the request come over TLS, as far as the server says? */
bool sxp_sapi_is_secure(void);

/** Is there a client that gets headers at all? */
bool sxp_sapi_has_client(void);

/** Take the ticket out of the environment, so that nothing that runs finds it;
 *  it is in SXP(ticket) then, if there is one.  Again is no harm. */
void sxp_sapi_take_ticket(void);

/** session.name is another now: let $_COOKIE have the session under it, too. */
void sxp_sapi_named(void);

#endif
