/* SPDX-License-Identifier: Apache-2.0 */
/* Freeing what has ended, page by page. */
#ifndef SST_SWEEP_H
#define SST_SWEEP_H

#include "sst_record.h"

/** Free the records of ${page} that ended more than the commit grace before
 *  ${now_ms}, except the one whose token is ${keep} (0: none), and store
 *  the page's new bound.  Returns how many went. */
uint64_t sst_sweep_page_locked(sst_shard *shard, uint32_t page, uint64_t keep,
                               int64_t now_ms);

/** Sweep due pages of this shard only, a bounded number of them: what a put
 *  does that found no room.  Returns how many records went. */
uint64_t sst_sweep_shard_locked(sst_shard *shard, uint64_t keep,
                                int64_t now_ms);

#endif
