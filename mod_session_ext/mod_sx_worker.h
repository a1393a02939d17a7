/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread of a child beside those that answer requests: it works, waits, and
 * goes when it is told to.
 */
#ifndef MOD_SX_WORKER_H
#define MOD_SX_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed before it is started.  `lock` guards `stop` alone. */
typedef struct mod_sx_worker {
    bool runs;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
} mod_sx_worker;

/** Begin ${run}(${baton}) in a thread that leaves the server's signals to
 *  others.  False: there is none. */
bool mod_sx_worker_start(mod_sx_worker *worker, void *(*run)(void *),
                         void *baton);

/** In the thread: wait.  True, perhaps before that, when it is time to go. */
bool mod_sx_worker_wait(mod_sx_worker *worker, int64_t ms);

/** Tell it to go, and wait until it has gone; nothing if none was started. */
void mod_sx_worker_stop(mod_sx_worker *worker);

#endif
