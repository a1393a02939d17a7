/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking about a session from inside httpd: for access control, expressions
 * and logs.  Who asks here has consulted the session, and caches are told so
 * (mod_sx_consulted): whatever part of the client's request it was that asked,
 * each answer from then on may have been decided by it.
 */
#ifndef MOD_SX_ASK_H
#define MOD_SX_ASK_H

#include "mod_sx_visit.h"

/** The session of the scope that ${r} is in, loaded; NULL where sessions are
 *  off.  If its store cannot be asked while access is being decided, access is
 *  refused with 503, whatever else allows it. */
const mod_sx_visit *mod_sx_ask(request_rec *r);

/** The value of a data key as a C string of ${pool}; NULL: there is none, or
 *  its value is opaque or a secret, or has a NUL in it, which a C string would
 *  hide. */
const char *mod_sx_ask_key(const mod_sx_visit *visit, const char *key,
                           apr_pool_t *pool);

/** The same with its bytes counted, of any kind; a `p` of NULL: there is none,
 *  or it is opaque or a secret. */
sx_str mod_sx_ask_bytes(const mod_sx_visit *visit, const char *key,
                        apr_pool_t *pool);

/** What SESSION_${name} says in the environment; NULL: nothing. */
const char *mod_sx_ask_fact(const mod_sx_visit *visit, const char *name,
                            apr_pool_t *pool);

/** The names for mod_sx_ask_fact; ends with NULL. */
const char *const *mod_sx_ask_facts(void);

#endif
