/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child and a store of some kind: it is opened, or tried again once a second
 * until it can be; then a thread of the child sweeps, of all children's one at
 * a time.  Never in a request's path.
 */
#ifndef MOD_SX_KEEPER_H
#define MOD_SX_KEEPER_H

#include "mod_sx_server.h"

/** In child_init: open ${segment}, whose configuration has a kind, or begin to
 *  try; keep it until the child ends. */
void mod_sx_keep(mod_sx_segment *segment, apr_pool_t *pchild);

#endif
