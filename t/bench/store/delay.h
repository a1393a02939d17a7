/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the scheduler has kept processes waiting for a CPU: the one that is
 * timed, and the one behind whose lock it may wait meanwhile.
 */
#ifndef BENCH_DELAY_H
#define BENCH_DELAY_H

#include <stdint.h>
#include <sys/types.h>

#define DELAY_PROCESSES 2

typedef struct delay_watch {
    int fds[DELAY_PROCESSES];
    int64_t seen_ns;   /* of both so far, at... */
    int64_t looked_ns; /* ...this time of the monotonic clock */
} delay_watch;

/** Watch ${pids}.  Where the kernel does not tell, there is no delay. */
void delay_begin(delay_watch *watch, const pid_t pids[DELAY_PROCESSES]);

/** What they have waited since the last look, in ns.  Takes microseconds. */
int64_t delay_look(delay_watch *watch, int64_t now_ns);

#endif
