/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long operations take, one in SST_LATENCY_EVERY of each kind and thread.
 *
 * Two readings of the clock cost as much as a tenth of a get, so all but the
 * sampled ones must cost next to nothing: no call, and no store to a line that
 * another thread writes.  Hence the thread's own countdown, found by one load
 * (the initial-exec model; 16 bytes of what the C library keeps for libraries
 * that are loaded late).  The stride is a prime, so that a load of some
 * regular pattern is not always met at the same place.
 */
#ifndef SST_LATENCY_H
#define SST_LATENCY_H

#include "sst_handle.h"

#define SST_LATENCY_EVERY 127u

extern _Thread_local uint32_t sst_latency_turn[SST_OP_COUNT]
    __attribute__((tls_model("initial-exec")));

/** It is this one's turn: the clock now. */
int64_t sst_latency_start(shm_op op);

/** Count an operation that began at ${began}. */
void sst_latency_note_locked(const sst_shard *shard, shm_op op, int64_t began);

/** At the entry of an operation: 0 if it is not one that is timed. */
static inline int64_t sst_latency_begin(shm_op op)
{
    return __builtin_expect(++sst_latency_turn[op] < SST_LATENCY_EVERY, 1)
               ? 0
               : sst_latency_start(op);
}

/** Just before the unlock. */
static inline void sst_latency_end_locked(const sst_shard *shard, shm_op op,
                                          int64_t began)
{
    if (__builtin_expect(began != 0, 0)) {
        sst_latency_note_locked(shard, op, began);
    }
}

#endif
