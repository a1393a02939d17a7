/* SPDX-License-Identifier: Apache-2.0 */
/* Repair: bring a shard to a state that its index alone decides. */
#ifndef SST_REPAIR_H
#define SST_REPAIR_H

#include "sst_slab.h"

/** Rebuild bitmaps, lists, bounds and figures of a shard from its index; drop
 *  what does not verify; wipe every chunk that is not in use.  With ${sums}
 *  each record's checksum is verified, too.  Returns how many index words had
 *  to go, and clears shard->repair_wanted.  May be begun again at any point. */
uint64_t sst_repair_locked(sst_shard *shard, bool sums);

#endif
