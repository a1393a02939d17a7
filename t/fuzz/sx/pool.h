/* SPDX-License-Identifier: Apache-2.0 */
/* A pool for one input. */
#ifndef POOL_H
#define POOL_H

#include <apr_general.h>
#include <apr_pools.h>

#include "fuzz.h"
#include "sx.h"

static inline apr_pool_t *pool_for_one(void)
{
    static bool ready;
    apr_pool_t *pool;

    if (!ready) {
        MUST(apr_initialize() == APR_SUCCESS);
        ready = true;
    }
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

#endif
