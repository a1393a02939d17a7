/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every backend of the contract in sx_store.h, for tests that hold all of them
 * to it, by stage_each.
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

static const stage_backend *const stage_all[] = {&stage_shm,
                                                 &stage_cookie,
                                                 &stage_file,
                                                 &stage_sqlite,
                                                 &stage_breaker,
                                                 &stage_tier,
                                                 &stage_tier_aged,
                                                 &stage_cache,
#ifdef SX_HAVE_REDIS
                                                 &stage_redis,
                                                 &stage_tier_redis,
#endif
                                                 NULL};
/* Only if they are asked for, by who has started their server. */
static const stage_backend *const stage_served[] = {&stage_pgsql, &stage_mysql,
                                                    NULL};

/* Where ${name} is in ${list}, or NULL. */
static inline const stage_backend *const *stage_named(
    const stage_backend *const *list, const char *name)
{
    while (*list && strcmp((*list)->name, name) != 0) {
        list++;
    }
    return *list ? list : NULL;
}

/* SXTEST_BACKEND names one: it alone is tested. */
static inline const stage_backend *const *stage_chosen(void)
{
    const char *name = getenv("SXTEST_BACKEND");
    const stage_backend *const *chosen = stage_all;

    if (name) {
        chosen = stage_named(stage_all, name);
        chosen = chosen ? chosen : stage_named(stage_served, name);
    }
    if (!chosen) {
        stage_give_up("SXTEST_BACKEND names none");
    }
    return chosen;
}

/* All that a program does: ${test} on each of them. */
static inline int stage_each(void (*test)(void))
{
    const stage_backend *const *on = stage_chosen();

    apr_initialize();
    do {
        stage_use(*on);
        test();
    } while (!getenv("SXTEST_BACKEND") && *++on);
    return done_testing();
}

#endif
