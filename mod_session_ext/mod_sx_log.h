/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in access logs: %{NAME}^SX of mod_log_config. */
#ifndef MOD_SX_LOG_H
#define MOD_SX_LOG_H

#include "httpd.h"

/** Hook, before lines of a configuration are read: make the format known, where
 *  there is mod_log_config. */
int mod_sx_log_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

#endif
