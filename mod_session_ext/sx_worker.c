/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_worker.h"

#include <signal.h>

#include "sx.h"

bool sx_worker_start(sx_worker *worker, void *(*run)(void *), void *baton)
{
    sigset_t all, before;

    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, NULL);
    /* The server's signals are for its own threads, but not a fault. */
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGSEGV);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->runs = pthread_create(&worker->thread, NULL, run, baton) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return worker->runs;
}

bool sx_worker_wait(sx_worker *worker, int64_t ms)
{
    const struct timespec end = sx_monotonic_in(ms);
    bool stop;
    int rc = 0;

    pthread_mutex_lock(&worker->lock);
    while (!worker->stop && rc == 0)
        rc = pthread_cond_clockwait(&worker->wake, &worker->lock,
                                    CLOCK_MONOTONIC, &end);
    stop = worker->stop;
    pthread_mutex_unlock(&worker->lock);
    return stop;
}

void sx_worker_stop(sx_worker *worker)
{
    if (!worker->runs)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->stop = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
}
