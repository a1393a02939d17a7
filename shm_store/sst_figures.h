/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shard holds, counted as it changes: records, kinds, bytes, and bytes
 * by namespace, which is what limits go by.  Under the shard's lock; repair
 * counts anew what a death may have left uncounted.
 */
#ifndef SST_FIGURES_H
#define SST_FIGURES_H

#include "sst_record.h"

/** Count a record whose chunks have ${bytes}, or count it no longer. */
void sst_figures_add_locked(sst_figures_shm *figures, const sst_head *head,
                            uint64_t bytes);
void sst_figures_sub_locked(sst_figures_shm *figures, const sst_head *head,
                            uint64_t bytes);

/** Count ${new}, of ${new_bytes}, in the place of ${old}. */
void sst_figures_replace_locked(sst_figures_shm *figures, const sst_head *old,
                                uint64_t old_bytes, const sst_head *new,
                                uint64_t new_bytes);

/** Bytes of a namespace.  Namespaces that found no cell count as one. */
uint64_t sst_figures_of_ns(const sst_figures_shm *figures, uint32_t ns);

/** This shard's share of ${percent} of all pages, in bytes. */
uint64_t sst_figures_share(shm_store *store, unsigned percent);

#endif
