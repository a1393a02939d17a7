/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread of a process beside those that answer requests: it works, waits,
 * and goes when it is told to.
 */
#ifndef SX_WORKER_H
#define SX_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed before it is started.  `lock` guards `stop` alone. */
typedef struct sx_worker {
    bool runs;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
} sx_worker;

/** Begin ${run}(${baton}) in a thread that leaves the server's signals to
 *  others.  False: there is none. */
bool sx_worker_start(sx_worker *worker, void *(*run)(void *), void *baton);

/** In the thread: wait, for a time that no step of the wall clock changes.
 *  True, perhaps before that, when it is time to go. */
bool sx_worker_wait(sx_worker *worker, int64_t ms);

/** Tell it to go, and wait until it has gone; nothing if none was started. */
void sx_worker_stop(sx_worker *worker);

#endif
