/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores of files (SessionExtStore file:DIR) in httpd: the directory is judged
 * and made by the parent, which reads only names in it; each child opens it and
 * has a thread that sweeps, of all children's one at a time.
 */
#ifndef MOD_SX_FILES_H
#define MOD_SX_FILES_H

#include "mod_sx_server.h"

/** What begins so in SessionExtStore is a directory. */
#define MOD_SX_FILES "file:"

/** NULL, or a sentence about the directory of ${store}; with ${make} it is
 *  made if it is not there. */
const char *mod_sx_files_check(const mod_sx_store_conf *store, bool make,
                               apr_pool_t *pool);

/** In the parent: make the directory of ${segment} fit for the children, and
 *  what they count with.  False, after a line in the log: it is not. */
bool mod_sx_files_prepare(mod_sx_segment *segment, server_rec *server,
                          apr_pool_t *pool);

/** In child_init: open it, or begin to try, and sweep until the child ends. */
void mod_sx_files_attach(mod_sx_segment *segment, apr_pool_t *pchild);

#endif
