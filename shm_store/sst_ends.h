/* SPDX-License-Identifier: Apache-2.0 */
/* What the journals beside a snapshot say has ended: read at a restore. */
#ifndef SST_ENDS_H
#define SST_ENDS_H

#include "sst_dump.h"

typedef struct sst_ends sst_ends;

/**
 * Read the journals of ${snapshot} from ${generation} on.  Returns NULL, with
 * a sentence in ${why} (${whylen} bytes), if there is no journal of that
 * generation or one cannot be read or believed; with ${force} a set of what
 * could be read all the same, beside the sentence.  Free with sst_ends_free.
 */
sst_ends *sst_ends_read(const char *snapshot, uint64_t generation, bool force,
                        char *why, size_t whylen);
void sst_ends_free(sst_ends *ends);

/** Was the record ended?  ${life} is that of its dump. */
bool sst_ends_has(const sst_ends *ends, const sst_dump_record *record,
                  uint64_t life);

#endif
