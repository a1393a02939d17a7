/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child and its stores: looking inside for the first time, trying again
 * while that cannot be done yet, and leaving.
 *
 * A store is unavailable to a child while others keep it in a way that the
 * child cannot join: another layout, as a new build of the module may have,
 * another pid namespace, a lock that does not come free.  When they let go it
 * becomes available by itself, so a thread asks once a second, in such a child
 * only and never in a request's path.
 */
#ifndef MOD_SX_ATTACH_H
#define MOD_SX_ATTACH_H

#include "mod_sx_server.h"

/** In child_init: attach ${segment}, or begin to try; leave it with the child.
 *  ${segment} must live as long as ${pchild}. */
void mod_sx_attach(mod_sx_segment *segment, apr_pool_t *pchild);

/** The backend of a segment, once it is attached; else NULL.  Any thread. */
sx_store *mod_sx_attached(const mod_sx_segment *segment);

#endif
