/* SPDX-License-Identifier: Apache-2.0 */
/* See sst_latency.h. */
#include "sst_latency.h"

_Thread_local uint32_t sst_latency_turn[SST_OP_COUNT];

int64_t sst_latency_start(shm_op op)
{
    sst_latency_turn[op] = 0;
    return sst_monotonic_ns();
}

void sst_latency_note_locked(const sst_shard *shard, shm_op op, int64_t began)
{
    int64_t took = sst_monotonic_ns() - began;
    unsigned cell =
        took > 0 ? 64u - (unsigned)__builtin_clzll((uint64_t)took) : 0;

    /* The last one holds all that took longer, too. */
    if (cell >= SST_LATENCY_CELLS) {
        cell = SST_LATENCY_CELLS - 1;
    }
    SST_ADD(shard->shm->latency[op].cells[cell], 1);
}

uint64_t shm_latency_samples(const shm_latency *latency)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < SST_LATENCY_CELLS; i++) {
        all += latency->cells[i];
    }
    return all;
}

uint64_t shm_latency_quantile(const shm_latency *latency, unsigned per_mille)
{
    uint64_t all = shm_latency_samples(latency);
    /* The rank, rounded up: p99 of ten is the slowest. */
    uint64_t rank =
        all / 1000 * per_mille + (all % 1000 * per_mille + 999) / 1000;
    uint64_t seen = 0;

    for (unsigned i = 0; i < SST_LATENCY_CELLS; i++) {
        seen += latency->cells[i];
        if (seen > 0 && seen >= rank) {
            return UINT64_C(1) << i;
        }
    }
    return 0;
}
