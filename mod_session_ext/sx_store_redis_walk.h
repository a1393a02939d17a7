/* SPDX-License-Identifier: Apache-2.0 */
/* Showing all records of a Redis store.  For the files of sx_store_redis. */
#ifndef SX_STORE_REDIS_WALK_H
#define SX_STORE_REDIS_WALK_H

#include "sx_store_redis_link.h"

/** See sx_store_ops.  By SCAN, which may show a key twice: which were shown is
 *  kept in ${pool}, some 100 bytes each. */
sx_answer sx_redis_each(sx_store *store, sx_store_visit *visit, void *baton,
                        int64_t now_ms, apr_pool_t *pool);

#endif
