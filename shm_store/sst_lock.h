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

#include "sst_handle.h"

/** Make a lock anew.  Only when nobody can hold it. */
bool sst_lock_init(sst_lock_shm *lock);

/** Lock shard ${no}, repairing it if its last owner died inside.  Waits
 *  ${wait_ms} at most; 0 only tries.  SST_OK, SST_BUSY (counted unless only
 *  tried), SST_UNAVAILABLE. */
shm_status sst_shard_lock(shm_store *store, uint32_t no, int64_t wait_ms,
                          sst_shard *shard) SST_MUST_CHECK;

/** Unlock, after repairing what was found damaged meanwhile. */
void sst_shard_unlock(sst_shard *shard);

#endif
