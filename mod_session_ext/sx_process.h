/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process is that, and does it live?  For what a process leaves in a
 * store and would have taken back if it had not been killed.
 *
 * A pid alone is no name: it is used again, and means something else in
 * another container.  So a process is named by its place (this boot of this
 * host, and the pid namespace), its pid there, and the moment it began, which
 * /proc keeps to a hundredth of a second.
 */
#ifndef SX_PROCESS_H
#define SX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sx_process {
    uint64_t place; /* 0: not known, there is no /proc */
    uint64_t born;  /* clock ticks since the boot */
    uint32_t pid;
} sx_process;

/** This process.  Reads /proc: once for each process is often enough, but not
 *  before a fork that matters. */
sx_process sx_process_self(void);

/**
 * Does ${process}, which is of the place of this one, still run?  A zombie does
 * not.  True also where that cannot be found out (/proc with hidepid, and
 * another user's process): nobody is taken for dead without proof.
 */
bool sx_process_lives(const sx_process *process);

#endif
