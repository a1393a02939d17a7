/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs all configuration lines to be judged: which stores are used, do
 * they exist and fit, do key files suit them, do a scope's values agree.
 */
#ifndef MOD_SX_CHECK_H
#define MOD_SX_CHECK_H

#include "httpd.h"
#include "mod_sx_config.h"

/** Is the module used at all: a scope with sessions or sealed cookies, or a
 *  ShmStore? */
bool mod_sx_in_use(server_rec *server);

/** Give every store its path, and make the default store if a scope uses it
 *  without a ShmStore line. */
void mod_sx_complete_stores(server_rec *server, apr_pool_t *pool);

/** The first server with a scope that uses ${store}; if none does, the main
 *  one. */
const mod_sx_server *mod_sx_first_user_of(server_rec *first,
                                          const mod_sx_store_conf *store,
                                          apr_pool_t *pool);

/** The key file of a server: the configured one or the generated one, whose
 *  `where` is NULL. */
const mod_sx_key_file *mod_sx_key_file_of(const mod_sx_server *conf);

/** sx_keys_load with this server's rules; the sentence names the directive. */
sx_keys *mod_sx_load_key_file(const mod_sx_key_file *file, const char **why,
                              apr_pool_t *pool);

#endif
