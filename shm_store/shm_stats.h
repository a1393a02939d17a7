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

#define SST_CLASSES_MAX 96

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

/* Sampled durations of one operation: cell n counts those below 2^n ns that
 * are in no cell before it; the last one all that took longer, too. */
typedef struct shm_latency {
    uint64_t cells[SST_LATENCY_CELLS];
} shm_latency;

/* A size of chunks, and the pages that are cut into them. */
typedef struct shm_class_stats {
    uint32_t size; /* bytes of a chunk */
    uint32_t per_page;
    uint64_t pages;
    uint64_t used, free; /* chunks */
    uint64_t bytes_free; /* in those chunks */
} shm_class_stats;

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
    uint64_t bytes_heads;  /* of these, heads with their keys, and what lies
                            * before each further piece.  How many pieces
                            * there are is not counted as they come and go,
                            * but told from chunks in use less records less
                            * overflow buckets, these taken as 64 bytes each:
                            * a chunk of another size shifts it by as much */
    uint64_t bytes_wasted; /* of these, the rest: beyond the ends of values */
    uint64_t bytes_free;   /* in free pages and free chunks */
    uint64_t busy;         /* lock waits past their deadline */
    uint32_t max_record;
    uint32_t classes;
    shm_class_stats by_class[SST_CLASSES_MAX]; /* of both pools */
    shm_latency latency[SST_OP_COUNT];
} shm_stats;

/** Sum the shards' counters.  Takes no lock; figures may be a moment apart. */
shm_status shm_store_stats(shm_store *store, shm_stats *stats) SST_MUST_CHECK;

/** How many durations there are. */
uint64_t shm_latency_samples(const shm_latency *latency);

/** A bound in ns that ${per_mille} of 1000 durations are below: 500 is the
 *  median, 1000 the slowest.  0 if there are none. */
uint64_t shm_latency_quantile(const shm_latency *latency, unsigned per_mille);

typedef struct shm_ns_stats {
    uint32_t ns;
    uint64_t bytes; /* of chunks */
} shm_ns_stats;

/**
 * What each namespace holds, largest first: up to ${room} in ${list}, how many
 * in ${count}.  ${rest} gets the bytes of all that found no place there, or no
 * cell of their own in a shard.  Takes no lock.
 */
shm_status shm_store_namespaces(shm_store *store, shm_ns_stats *list,
                                size_t room, size_t *count,
                                uint64_t *rest) SST_MUST_CHECK;

/* How the cleanup keeps up. */
typedef struct shm_upkeep_stats {
    bool held;           /* somebody has the lease of the cleanup thread */
    int64_t beat_age_ms; /* since the last heartbeat; -1: never */
    int64_t behind_ms;   /* since the first page that is due was due; 0: none */
    uint64_t pages_due;
} shm_upkeep_stats;

/** Look at the lease and at the bounds of all pages.  Takes no lock. */
shm_status shm_store_upkeep(shm_store *store, int64_t now_ms,
                            shm_upkeep_stats *upkeep) SST_MUST_CHECK;

/**
 * What the cleanup thread calls, once, when it finds that the file has become
 * shorter under this process, within two seconds.  Before the thread starts.
 */
typedef void shm_store_lost(void *baton);
void shm_store_on_lost(shm_store *store, shm_store_lost *lost, void *baton);

/** Was it given up for that?  An attach that finds it does so, too. */
bool shm_store_is_lost(const shm_store *store);

#ifdef __cplusplus
}
#endif

#endif
