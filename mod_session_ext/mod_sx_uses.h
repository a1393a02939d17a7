/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses what: the scopes of each server as they are there, and the stores
 * that they name.  For what needs all configuration lines.
 */
#ifndef MOD_SX_USES_H
#define MOD_SX_USES_H

#include "mod_sx_config.h"

/** Is the module used at all: a scope with sessions or sealed cookies, or a
 *  ShmStore? */
bool mod_sx_in_use(server_rec *server);

/** Does some scope of any server say SessionExt On? */
bool mod_sx_some_scope_is_on(server_rec *server);

/** What ${server} says for all of itself. */
mod_sx_dir *mod_sx_defaults_of(server_rec *server);

/** The scopes of ${server}, of mod_sx_use: its own, and those that it has from
 *  the main one, ${first}. */
apr_array_header_t *mod_sx_scopes_of(server_rec *server, server_rec *first,
                                     apr_pool_t *pool);

/** A scope as it is in ${server}, or NULL if sessions are off in it. */
const mod_sx_dir *mod_sx_effective(const mod_sx_use *use, server_rec *server,
                                   apr_pool_t *pool);

/** The name of a scope's store. */
const char *mod_sx_store_name_of(const mod_sx_dir *dir);

/** What is known of the store ${name}, or NULL. */
mod_sx_store_conf *mod_sx_find_store(const mod_sx_server *main_conf,
                                     const char *name);

/** Some scope, or another store, uses the store ${name}: make it, if it is one
 *  that needs no ShmStore line and is not there. */
void mod_sx_want_store(mod_sx_server *main_conf, const char *name,
                       apr_pool_t *pool);

/** Make the stores that scopes use without a ShmStore line, and give every one
 *  its path. */
void mod_sx_complete_stores(server_rec *server, apr_pool_t *pool);

/** The first server with a scope that uses ${store}; if none does, the main
 *  one. */
const mod_sx_server *mod_sx_first_user_of(server_rec *first,
                                          const mod_sx_store_conf *store,
                                          apr_pool_t *pool);

#endif
