/* SPDX-License-Identifier: Apache-2.0 */
/* Which live records go first when there is no room. */
#ifndef SST_EVICT_H
#define SST_EVICT_H

#include "sst_record.h"

/* What is wanted, and who may not go for it. */
typedef struct sst_evict {
    uint32_t bytes; /* of the chunk that is wanted */
    shm_kind kind;  /* of the record that it is for */
    bool users;     /* may records with a user go? */
    bool anonymous; /* only records without one may go: their limit is full */
    bool many;      /* it is not the first search of this write */
    bool in_ns;     /* only those of `ns` may go: its limit is full */
    uint32_t ns;
    uint64_t keep; /* the token of a record that stays; 0: none */
    int64_t now_ms;
    unsigned live; /* out, added to: how many went that had not ended */
} sst_evict;

/** End the record of this shard that goes first, and, when its chunk is not
 *  of the size that is wanted, some more of those next in order.  Returns how
 *  many went; 0: nothing may go. */
unsigned sst_evict_locked(sst_shard *shard, sst_evict *want);

#endif
