/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns: one process after the other, for whatever a number stands for.  They
 * guard nothing of the store and keep nobody out who does not ask for one.
 *
 * A turn is a lock of the process (fcntl, F_SETLKW) on one byte of the store's
 * file, behind all that a segment may have: so the kernel makes others wait and
 * gives it back with the process, however that ends, and it costs no memory.
 * It is one of the descriptor that the handle has anyway: closing any other one
 * of that file would give up all of them.
 */
#ifndef SHM_TURN_H
#define SHM_TURN_H

#include "shm_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Take the turn ${number} in this process, which has it again if it has it.
 * Waits, and asks ${gives_up}, if not NULL, whenever a signal comes in between.
 * False: gave up, or there can be no turns.  The handle need not be attached.
 * Two numbers may meet in one turn.
 */
bool shm_turn_take(shm_store *store, uint64_t number, bool (*gives_up)(void));

/** Give it back. */
void shm_turn_end(shm_store *store, uint64_t number);

#ifdef __cplusplus
}
#endif

#endif
