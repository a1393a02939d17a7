/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runner of a segment does besides sweeping: it brings the journal to
 * the disk four times a second and has the long work done, each in a thread of
 * its own, because a disk may take its time and the heartbeat must not wait.
 * The threads exist only in the process that is the runner.
 */
#ifndef SST_CHORE_H
#define SST_CHORE_H

#include "sst_handle.h"

typedef struct sst_chores {
    shm_store *store;
    const shm_cleanup *cleanup;
    shm_chore chore; /* work NULL: none */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* under lock */
    pthread_t syncer, worker;
    bool has_syncer, has_worker; /* threads to be joined: the owner's alone */
    bool syncing, working;       /* atomic: they are at it */
    int64_t retry_ms;            /* atomic: not before, after a failure */
} sst_chores;

void sst_chores_init(sst_chores *chores, shm_store *store,
                     const shm_cleanup *cleanup, const shm_chore *chore);

/** A tick of the runner: start what is not there and due. */
void sst_chores_tick(sst_chores *chores, int64_t now_ms);

/** Wait for the threads; in the last process that is inside the segment do the
 *  work once more; leave the segment. */
void sst_chores_stop(sst_chores *chores);

/** Make a thread that gets no signal: those are for the server's own.  Returns
 *  0 or an errno. */
int sst_thread_start(pthread_t *thread, void *(*run)(void *), void *baton);

/** pthread_cond_clockwait for ${ms}, whatever the wall clock does. */
int sst_cond_wait_ms(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t ms);

#endif
