/* SPDX-License-Identifier: Apache-2.0 */
/* From what $_SESSION was and what it has become to what is committed: only
 * the keys that have changed, so that others may change others. */
#ifndef SXP_CHANGES_H
#define SXP_CHANGES_H

#include "sxp.h"

/** What turns ${before} into ${after} (of sx_entry), in ${space}. */
sx_delta *sxp_changes(const char *space, const apr_array_header_t *before,
                      const apr_array_header_t *after, apr_pool_t *pool);

/** Does a session hold ${entries}?  NULL, or a sentence that names key and
 *  limit. */
const char *sxp_changes_limit(const char *space,
                              const apr_array_header_t *entries,
                              const sx_limits *limits, apr_pool_t *pool);

#endif
