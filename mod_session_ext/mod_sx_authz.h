/* SPDX-License-Identifier: Apache-2.0 */
/* Access by session: Require session, -user, -key, -age. */
#ifndef MOD_SX_AUTHZ_H
#define MOD_SX_AUTHZ_H

#include "httpd.h"

/** Make the providers known. */
void mod_sx_authz_register(apr_pool_t *pool);

/** Something in the configuration asks for sessions when access is decided. */
void mod_sx_authz_use(void);

/** Run the hooks that decide about access, ours left out, and return what they
 *  say, or the status by which a session's state has refused it meanwhile. */
int mod_sx_authz_decide(request_rec *r, int (*hooks)(request_rec *r));

#endif
