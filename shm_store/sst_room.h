/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room for a write, from what costs nobody anything to what ends sessions:
 * sweep what has ended, empty a page of ours, have one of another shard
 * emptied, go to the reserve, take a chunk that is too large, evict.
 *
 * A large value may need hundreds of others to go.  The lock is not held for
 * all of it: after a few steps `again` is set, and the write begins anew in
 * another hold, with the room that was made so far, but for what others have
 * taken of it meanwhile.
 */
#ifndef SST_ROOM_H
#define SST_ROOM_H

#include "sst_evict.h"

/* What has been tried for one write; later steps cost more. */
typedef enum sst_room_step {
    SST_ROOM_SWEEP,
    SST_ROOM_MOVE,
    SST_ROOM_STEAL,
    SST_ROOM_RESERVE,
    SST_ROOM_GENEROUS,
    SST_ROOM_EVICT,
    SST_ROOM_FOREIGN,
    SST_ROOM_USERS,
    SST_ROOM_NONE
} sst_room_step;

typedef struct sst_room {
    sst_evict want;
    sst_use use;
    sst_room_step step;
    unsigned rounds; /* searches for victims */
    unsigned held;   /* steps in this hold of the lock */
    bool again;      /* enough for one hold: unlock and go on in another */
    bool moved;      /* records may lie elsewhere than before */
} sst_room;

/** Do one thing that may make a take of ${bytes} succeed; it may not, and then
 *  this is called again.  False when nothing is left to do.  With room->moved,
 *  slots and chunks known before are no longer valid. */
bool sst_room_make_locked(sst_shard *shard, sst_room *room, uint32_t bytes);

/** Keep the limits: end what is under a limit that ${bytes} more of namespace
 *  and kind would break.  What it answers is why not. */
shm_refusal sst_room_limits_locked(sst_shard *shard, sst_room *room,
                                   uint64_t bytes);

#endif
