/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs all configuration lines to be judged: do the stores that are used
 * exist and fit, do key files suit them, do a scope's values agree.
 */
#ifndef MOD_SX_CHECK_H
#define MOD_SX_CHECK_H

#include "httpd.h"
#include "mod_sx_config.h"

/** The key file of a server: the configured one or the generated one, whose
 *  `where` is NULL. */
const mod_sx_key_file *mod_sx_key_file_of(const mod_sx_server *conf);

/** sx_keys_load with this server's rules; the sentence names the directive. */
sx_keys *mod_sx_load_key_file(const mod_sx_key_file *file, const char **why,
                              apr_pool_t *pool);

#endif
