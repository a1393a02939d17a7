/* SPDX-License-Identifier: Apache-2.0 */
/* An empty segment: what attach begins, and what a migration fills.  Nobody
 * else may be inside. */
#ifndef SST_FORMAT_H
#define SST_FORMAT_H

#include "sst_handle.h"

/** The checksum of what never changes in a header. */
uint64_t sst_ident_sum(const sst_header_shm *header);

/** Take over from ${from}, which has been judged, where everything is: from
 *  here on the segment is not asked. */
void sst_handle_load(shm_store *store, const sst_header_shm *from);

/** Make every lock inside anew. */
bool sst_locks_make(const shm_store *store);

/** Make the file an empty segment with the header ${made}, in which the caller
 *  has set state, hash key and clocks, and what else is to be carried over;
 *  each shard's tokens begin behind ${token}.  ${wipe}: there is something else
 *  in its pages.  False if the file's size makes no segment. */
bool sst_format(shm_store *store, sst_header_shm *made, uint64_t token,
                bool wipe);

#endif
