/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_session over our sessions.  mod_session holds a table of names and values
 * for the length of a request, and leaves to other modules where that comes
 * from (hook session_load) and where it goes (session_save).  Where
 * SessionExtProvideModSession is On, from and to our session: mod_auth_form,
 * mod_auth_gssapi, SessionEnv and SessionHeader keep their data there.
 *
 * One table a visit, at one address: who has it keeps it through everything
 * that happens to the session.  What was changed in it goes into the visit's
 * delta, key by key, and is committed with what apps ask for.  So nothing here
 * writes, and of two requests that set different keys both win.
 *
 *   name in the table           is the data key of the same name, as text
 *   ...-user                    is a log-in: the id is renewed
 *   ...-pw, ...-site and alike  are that, too, and kept as SX_SECRET
 *   expiry                      is mod_session's own word, and no key
 *
 * mod_session need not be there: its functions are weak references, bound if it
 * was loaded before this module.
 */
#ifndef MOD_SX_SESSION_BRIDGE_H
#define MOD_SX_SESSION_BRIDGE_H

#include "mod_sx_visit.h"

/** Hook session_load and session_save, if there is a mod_session. */
void mod_sx_bridge_register(void);

/** Hook: look whether there is one in this configuration. */
int mod_sx_bridge_pre_config(apr_pool_t *pconf, apr_pool_t *plog,
                             apr_pool_t *ptemp);

/** Is there, and was it loaded before this module? */
bool mod_sx_bridge_is_bound(void);

/** The SessionMaxAge that rules here in ms, where mod_session's sessions are
 *  ours; 0: none. */
apr_int64_t mod_sx_bridge_max_age_ms(request_rec *r, const mod_sx_dir *dir);

/** Has the table of ${visit} been changed since it was harvested? */
bool mod_sx_bridge_is_changed(const mod_sx_visit *visit);

/** Put what was changed in the table of ${visit} into its delta.  Call before
 *  each commit, and where that drops data behind it: what modules keep is not
 *  the app's, whose 5xx unsays its own.  Returns whether anything was. */
bool mod_sx_bridge_harvest(mod_sx_visit *visit);

/** Behind mod_session's fixup: take secrets out of the HTTP_SESSION that it has
 *  made, and a client's header that would pose as it. */
void mod_sx_bridge_hide(request_rec *r);

#endif
