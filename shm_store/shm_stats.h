/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store tells of itself: counters since the segment was begun, what is
 * in it now, and how long operations take.  Any attached process may ask at
 * any time; no lock is taken, so figures may be a moment apart.
 *
 * Counters live in the shards and are stored under their locks, so counting
 * costs no contention; reading sums them.
 */
#ifndef SHM_STATS_H
#define SHM_STATS_H

#include "shm_store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SST_LATENCY_CELLS 32 /* of a histogram: cell n is below 2^n ns */

/* What is timed, one in some hundred times. */
typedef enum shm_op {
    SST_OP_GET,
    SST_OP_PUT,
    SST_OP_TOUCH,
    SST_OP_REMOVE,
    SST_OP_COUNT
} shm_op;

/* One row a counter: name, what it counts.  docs and htsession print these. */
#define SHM_STORE_COUNTERS(X)                                                  \
    X(hits, "get found a live record")                                         \
    X(misses, "get found none")                                                \
    X(creates, "records created")                                              \
    X(replaces, "records replaced")                                            \
    X(touches, "accesses noted")                                               \
    X(removes, "records removed by request")                                   \
    X(conflicts, "put_if or remove found another token")                       \
    X(gones, "put_if found no record to replace")                              \
    X(expired, "records freed after their end")                                \
    X(evicted_anonymous, "live records without a user evicted for room")       \
    X(evicted_user, "live records with a user evicted for room")               \
    X(refused_room, "puts refused for want of room")                           \
    X(refused_anonymous, "puts refused by max_anonymous")                      \
    X(refused_namespace, "puts refused by max_namespace")                      \
    X(moved, "chunks moved to empty a page")                                   \
    X(pages_emptied, "pages emptied for another size or shard")                \
    X(owner_deaths, "shards repaired after their lock's owner died")           \
    X(damaged, "records taken out because they failed a check")

typedef struct shm_stats {
#define X(name, what) uint64_t name;
    SHM_STORE_COUNTERS(X)
#undef X
    uint64_t records; /* now, ended ones not yet swept included */
    uint64_t records_by_kind[SST_KIND_COUNT];
    uint64_t size; /* bytes of the segment */
    uint64_t pages, pages_free;
    uint32_t page_size, shards;
    uint64_t bytes_values; /* bytes of values now */
    uint64_t bytes_chunks; /* bytes of chunks that hold them */
    uint64_t busy;         /* lock waits past their deadline, this process */
    uint32_t max_record;
} shm_stats;

/** Sum the shards' counters.  Takes no lock; figures may be a moment apart. */
shm_status shm_store_stats(shm_store *store, shm_stats *stats) SST_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
