/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emptying a page: what lives in it moves to other pages of its class, so that
 * memory given to one size of record, or to one shard, can serve another.
 */
#ifndef SST_MOVE_H
#define SST_MOVE_H

#include "sst_record.h"

/** Empty one page of ${pool}, if the shard has one whose chunks all find room
 *  elsewhere in it, and give it back.  True if a page is free now. */
bool sst_move_page_out_locked(sst_shard *shard, uint32_t pool);

#endif
