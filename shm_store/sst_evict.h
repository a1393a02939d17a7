/* SPDX-License-Identifier: Apache-2.0 */
/* Making room by ending live records. */
#ifndef SST_EVICT_H
#define SST_EVICT_H

#include "sst_record.h"

/** Evict records of this shard until a chunk of ${bytes} should be had, but
 *  never the one at ${keep}.  ${kind} is what the room is for: anonymous
 *  sessions displace no users.  Returns how many records went, and in ${live}
 *  (added to) how many of them had not ended; 0: nothing may go. */
unsigned sst_evict_locked(sst_shard *shard, uint32_t bytes, shm_kind kind,
                          const unsigned char *keep, int64_t now_ms,
                          unsigned *live);

#endif
