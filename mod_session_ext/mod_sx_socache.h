/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socache provider `shm_store`: what mod_ssl, mod_authn_socache,
 * mod_cache_socache and others want to keep for a while, in a store like those
 * of sessions but in a file of its own.
 *
 * Any thread of any child may call it at any time, so it does not ask its
 * users for a global mutex.  Instances that name one file share it, and the
 * objects of each user are apart.  When a file is full, the oldest objects go;
 * nothing is refused for what was stored before.
 */
#ifndef MOD_SX_SOCACHE_H
#define MOD_SX_SOCACHE_H

#include "httpd.h"

/** Register the provider: when hooks are, before any directive is read. */
void mod_sx_socache_register(apr_pool_t *pool);

/** Hook: forget the files of the configuration before. */
int mod_sx_socache_pre_config(apr_pool_t *pconf, apr_pool_t *plog,
                              apr_pool_t *ptemp);

/** Hook: look inside the files that the parent has opened. */
void mod_sx_socache_child_init(apr_pool_t *pchild, server_rec *server);

#endif
