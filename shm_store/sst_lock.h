/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks inside the segment: robust, process-shared, never waited for longer
 * than a deadline.  One shard lock an operation is waited for; a second is only
 * tried, by a write that found no room.  So there is no order to keep and
 * nothing to deadlock.
 *
 * Commit locks guard no memory of ours; they are never taken under a shard
 * lock, nor a shard lock waited for by who holds only one for long.
 */
#ifndef SST_LOCK_H
#define SST_LOCK_H

#include "sst_bus.h"
#include "sst_repair.h"

/** Make a lock anew.  Only when nobody can hold it. */
bool sst_lock_init(sst_lock_shm *lock);

/** Ask for the lines of shard ${no} that every operation writes: they may lie
 *  in the cache of the process that had its lock last. */
static inline void sst_shard_prefetch(const shm_store *store, uint32_t no)
{
    const sst_shard_shm *shm = sst_shard_header(store, no);

    __builtin_prefetch(&shm->lock, 1);
    __builtin_prefetch(&shm->token, 1);
}

/** The rest of sst_shard_lock if the first try came to ${rc}, or if the segment
 *  is lost. */
shm_status sst_shard_lock_late(sst_shard *shard, int rc, int64_t wait_ms);

/** Lock shard ${no}, repairing it if its last owner died inside.  Waits
 *  ${wait_ms} at most; 0 only tries.  SST_OK, SST_BUSY (counted unless only
 *  tried), SST_UNAVAILABLE. */
SST_MUST_CHECK static inline shm_status sst_shard_lock(shm_store *store,
                                                       uint32_t no,
                                                       int64_t wait_ms,
                                                       sst_shard *shard)
{
    int rc;

    shard->store = store;
    shard->shm = sst_shard_header(store, no);
    shard->no = no;
    shard->repair_wanted = false;
    shard->emptying = 0;
    rc = pthread_mutex_trylock(&shard->shm->lock.mutex);
    return __builtin_expect(rc == 0 && !SST_LOAD(store->lost), 1)
               ? SST_OK
               : sst_shard_lock_late(shard, rc, wait_ms);
}

/** Unlock, after repairing what was found damaged meanwhile. */
static inline void sst_shard_unlock(sst_shard *shard)
{
    if (__builtin_expect(shard->repair_wanted, 0)) {
        (void)sst_repair_locked(shard, false);
    }
    sst_fault_settle();
    pthread_mutex_unlock(&shard->shm->lock.mutex);
    if (__builtin_expect(SST_LOAD(shard->store->lost), 0)) {
        sst_bus_forget_locks(shard->store);
    }
}

#endif
