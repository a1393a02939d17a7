/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of a store, as httpd sees them: what may be configured, the restore
 * before the first child serves, and the work of the child that holds the
 * lease.  The parent reads no segment: all of it is done under User.
 */
#ifndef MOD_SX_SNAPSHOT_H
#define MOD_SX_SNAPSHOT_H

#include "mod_sx_server.h"

/** The value of snapshot=: FILE or FILE,INTERVAL.  NULL or what is accepted. */
const char *mod_sx_snapshot_parse(mod_sx_store_conf *store, const char *value,
                                  apr_pool_t *pool);

/** What `httpd -t` says of it, once paths are known: NULL or a sentence. */
const char *mod_sx_snapshot_check(const mod_sx_store_conf *store,
                                  const mod_sx_server *keys_of,
                                  apr_pool_t *pool);

/** In a child, before it attaches: a fresh segment gets what the snapshot
 *  holds. */
void mod_sx_snapshot_prepare(mod_sx_segment *segment, apr_pool_t *pchild);

/** The chore for the cleanup thread, or NULL. */
const shm_chore *mod_sx_snapshot_chore(const mod_sx_segment *segment,
                                       apr_pool_t *pchild);

#endif
