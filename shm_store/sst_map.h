/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a segment: allocated in the file, and mapped, in huge pages
 * where the kernel has them for tmpfs.
 *
 * A record is anywhere, so with pages of 4 KB most operations begin by missing
 * the TLB, several times, and each process needs page tables of 1/512 of the
 * segment.  Called by the parent; no byte of the file is read.
 */
#ifndef SST_MAP_H
#define SST_MAP_H

#include "sst_handle.h"

/** Let the file, which has ${have} bytes, have ${want}, all of them allocated.
 *  0 or an errno; the length may then be any from ${have} to ${want}. */
int sst_map_allocate(int fd, uint64_t have, uint64_t want) SST_MUST_CHECK;

/** Map ${store}'s file: base and map_len.  False with errno. */
bool sst_map(shm_store *store) SST_MUST_CHECK;
void sst_unmap(shm_store *store);

#endif
