/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened, in numbers: counters of this server and of its stores, shown
 * by mod_status.  The counters lie in memory that all children share and that
 * outlives a restart; the parent never reads them.
 */
#ifndef MOD_SX_STATUS_H
#define MOD_SX_STATUS_H

#include <stdint.h>
#include "httpd.h"

/* One row a counter: its name, what it counts. */
#define MOD_SX_COUNTERS(X)                                                     \
    X(created, "sessions begun")                                               \
    X(renewed, "ids renewed")                                                  \
    X(ended, "sessions ended by Session-Destroy")                              \
    X(logouts, "users whose sessions were ended by Session-Logout")            \
    X(invalid, "requests whose id cookie led to no session")                   \
    X(reused, "of these, old ids used after their grace")                      \
    X(unavailable, "requests that met a store which could not be asked")       \
    X(conflicts, "responses turned into 409 by Session-If-Version")            \
    X(refused, "responses whose commands were malformed or over a limit")      \
    X(dropped, "responses whose session had ended meanwhile")                  \
    X(full, "responses whose commands found no room")                          \
    X(contended, "responses turned into 503 by too many writers")              \
    X(lost, "responses whose commands could not reach the store")              \
    X(unknown, "responses turned into 503 by a lost answer of the store")      \
    X(retries, "commits tried again because another writer was first")         \
    X(evicted, "sessions ended by a log-in beyond SessionExtMaxPerUser")       \
    X(denied, "log-ins refused beyond SessionExtMaxPerUser")                   \
    X(rebound, "sessions whose client had changed, by SessionExtBind")         \
    X(seal_broken, "sealed cookies of clients that were not accepted")         \
    X(seal_unsent, "cookies of apps that could not be sealed and sent")        \
    X(seal_reissued, "sealed cookies sent again under the first key")

typedef enum mod_sx_counter {
#define X(name, what) MOD_SX_COUNT_##name,
    MOD_SX_COUNTERS(X)
#undef X
        MOD_SX_COUNTER_COUNT
} mod_sx_counter;

/** Bytes that the counters need. */
#define MOD_SX_COUNTERS_SIZE (MOD_SX_COUNTER_COUNT * sizeof(uint64_t))

/** Where the counters are: shared memory of MOD_SX_COUNTERS_SIZE.  NULL until
 *  set; counting is then a no-op. */
void mod_sx_counters_set(uint64_t *counters);

/** Add ${n} to a counter.  Any thread of any child. */
void mod_sx_count(mod_sx_counter counter, uint64_t n);

/** Register with mod_status if it is there.  Call from pre_config. */
int mod_sx_status_register(apr_pool_t *pconf, apr_pool_t *plog,
                           apr_pool_t *ptemp);

#endif
