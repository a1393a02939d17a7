/* SPDX-License-Identifier: Apache-2.0 */
/* The session and sealed cookies in the environment, the session also in
 * X-Session request headers. */
#ifndef MOD_SX_ENV_H
#define MOD_SX_ENV_H

#include "mod_sx_visit.h"

/** Remove request headers by which a client could pose as us. */
void mod_sx_env_strip_client(request_rec *r);

/** Make the variables of ${r} from its loaded ${visit} (NULL: no sessions here)
 *  and its sealed cookies; kept in the part. */
void mod_sx_env_make(request_rec *r, mod_sx_visit *visit);

/** What the environment says of the session itself, whatever is exported: an
 *  array of sx_var, SESSION_STATUS first. */
apr_array_header_t *mod_sx_env_facts(const mod_sx_visit *visit,
                                     apr_pool_t *pool);

/** Unset every variable of ours and set those of this part: our word wins over
 *  SetEnv, also by absence. */
void mod_sx_env_expose(request_rec *r);

/** Set those of this part, of which none is set. */
void mod_sx_env_add(request_rec *r);

/** Is the environment of ${r} still as mod_sx_env_expose has left it? */
bool mod_sx_env_is_exposed(request_rec *r);

/** Drop the REDIRECT_ doubles that an internal redirect makes of ours. */
void mod_sx_env_drop_doubles(request_rec *r);

#endif
