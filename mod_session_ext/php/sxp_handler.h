/* SPDX-License-Identifier: Apache-2.0 */
/* The save handler `session_ext`, as PHP's session module calls it. */
#ifndef SXP_HANDLER_H
#define SXP_HANDLER_H

#include "sxp.h"

/** Headers are about to leave: write what an open session has become so far,
 *  or begin the one that it will be. */
void sxp_handler_headers_leave(sxp_request *request);

/** Is the session that is open now one of ours, whoever is around it? */
bool sxp_handler_is_open(void);

/** End the session of ${request}: false, after a warning, if it lives on or its
 *  client keeps the cookie. */
bool sxp_handler_destroy(sxp_request *request);

#endif
