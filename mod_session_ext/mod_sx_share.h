/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the children of one generation share, to count in. */
#ifndef MOD_SX_SHARE_H
#define MOD_SX_SHARE_H

#include "httpd.h"

/** ${size} bytes of zeros, made by the parent before there are children, for as
 *  long as ${pool} lives.  NULL: there is none, and nothing is counted. */
void *mod_sx_share(apr_size_t size, apr_pool_t *pool);

#endif
