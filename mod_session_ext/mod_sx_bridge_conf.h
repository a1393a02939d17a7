/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only all lines together can tell about SessionExtProvideModSession.
 * Each check returns NULL or a sentence.
 */
#ifndef MOD_SX_BRIDGE_CONF_H
#define MOD_SX_BRIDGE_CONF_H

#include "mod_sx_config.h"

/** An On at ${use}, in a scope that comes to ${dir}.  ${sessions}: there are
 *  some in some scope. */
const char *mod_sx_bridge_check(const mod_sx_use *use, const mod_sx_dir *dir,
                                bool sessions, apr_pool_t *pool);

/** A scope ${dir}, beside scopes of the same server that have an On:
 *  ${provided} is of const mod_sx_dir *. */
const char *mod_sx_bridge_check_seal(const mod_sx_dir *dir,
                                     const apr_array_header_t *provided);

#endif
