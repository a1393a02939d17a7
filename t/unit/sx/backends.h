/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every backend of the contract in sx_store.h, for tests that hold all of them
 * to it:
 *
 *   for (size_t i = 0; i < BACKENDS; i++)
 *       stage_use(stage_backends[i]); ...
 *
 * A new one is a stage_backend in a backends_NAME.h, and a line in the table.
 */
#ifndef BACKENDS_H
#define BACKENDS_H

#include "backends_breaker.h"
#include "backends_cache.h"
#include "backends_cookie.h"
#include "backends_dbd.h"
#include "backends_file.h"
#ifdef SX_HAVE_REDIS
#include "backends_redis.h"
#endif
#include "backends_tier.h"
#include "stage.h"

static const stage_backend *const stage_all[] = {
    &stage_shm,     &stage_cookie,     &stage_file,      &stage_sqlite,
    &stage_breaker, &stage_tier,       &stage_tier_aged, &stage_cache,
#ifdef SX_HAVE_REDIS
    &stage_redis,   &stage_tier_redis,
#endif
};
/* Only if they are asked for, by who has started their server. */
static const stage_backend *const stage_served[] = {
    &stage_pgsql,
    &stage_mysql,
};

#define STAGE_COUNT(list) (sizeof(list) / sizeof(*(list)))
/* SXTEST_BACKEND names one: it alone is tested. */
#define BACKENDS       (getenv("SXTEST_BACKEND") ? 1 : STAGE_COUNT(stage_all))
#define stage_backends stage_chosen()

static inline const stage_backend *const *stage_chosen(void)
{
    const char *name = getenv("SXTEST_BACKEND");

    if (!name)
        return stage_all;
    for (size_t i = 0; i < STAGE_COUNT(stage_all); i++)
        if (!strcmp(stage_all[i]->name, name))
            return &stage_all[i];
    for (size_t i = 0; i < STAGE_COUNT(stage_served); i++)
        if (!strcmp(stage_served[i]->name, name))
            return &stage_served[i];
    stage_give_up("SXTEST_BACKEND names none");
}

#endif
