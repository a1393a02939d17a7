/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is cut off under a process that maps it.
 *
 * Whoever may write the file may shorten it, and then the next look at a page
 * that is gone is a SIGBUS.  For the range of an attached segment, and for
 * nothing else, a handler takes it: the range becomes private memory that is
 * all zero, and the handle is marked as lost.  The operation under way goes on
 * over zeros, which it has to stand as any other damage, and whatever it comes
 * to is answered as SST_UNAVAILABLE, as is every call behind it.  Nothing is
 * brought back: what the file held is gone.
 *
 * Locks are the difficulty.  The robust mutexes that a thread holds are linked,
 * by pointers that lie in the mutexes themselves, and unlocking follows them.
 * A thread may be between two instructions of an unlock when its memory
 * changes.  So the locks do not become zero: the pages that take their place,
 * all at once, are made with links that lead to a place of our own, and an
 * unlock is then harmless wherever it was.  The thread's list still begins
 * inside the range; who finds the handle lost cuts it off, by the address that
 * the kernel knows.  If the thread held locks of others before ours, the kernel
 * no longer learns of these should it die before it unlocks them.
 *
 * What is left: a thread that is about to sleep for a lock when the file is cut
 * asks the kernel to look at a page that is gone, which the C library takes for
 * a fatal error.  It dies as it would have without all this.
 *
 * A SIGBUS anywhere else is given to whoever handled it before, or ends the
 * process as it would have.
 */
#ifndef SST_BUS_H
#define SST_BUS_H

#include "sst_handle.h"

/** Guard ${store} in this process from now on, until the other one.  Best
 *  effort: without a place for it, a cut file ends the process. */
void sst_bus_watch(shm_store *store);
void sst_bus_unwatch(const shm_store *store);

/** Is the file shorter than it was?  Then the segment is given up. */
bool sst_bus_look(shm_store *store);

/** It was given up: call what shm_store_on_lost was given, if anything. */
void sst_bus_tell(const shm_store *store);

/** Behind an unlock: this thread's list of locks leads to no lost one. */
void sst_bus_forget_locks(const shm_store *store);

#endif
