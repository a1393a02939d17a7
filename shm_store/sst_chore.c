/* SPDX-License-Identifier: Apache-2.0 */
#include "sst_chore.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "sst_file.h"
#include "sst_journal.h"

#define SYNC_MS       250
#define RETRY_MS      10000
#define LEAVE_WAIT_MS 5000 /* longer than anybody's part of leaving */
#define LEAVE_POLL_MS 2

int sst_thread_start(pthread_t *thread, void *(*run)(void *), void *baton)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    /* A fault that is blocked ends the process, whoever handles it. */
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    rc = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (rc == 0) {
        rc = pthread_create(thread, NULL, run, baton);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return rc;
}

int sst_cond_wait_ms(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t ms)
{
    int64_t until = sst_monotonic_ns() + ms * 1000000;
    struct timespec end = {.tv_sec = until / 1000000000,
                           .tv_nsec = until % 1000000000};

    return pthread_cond_clockwait(wake, lock, CLOCK_MONOTONIC, &end);
}

/* ---- the threads -------------------------------------------------------- */

/* True when it is time to go. */
static bool rest(sst_chores *chores)
{
    bool stop;

    pthread_mutex_lock(&chores->lock);
    if (!chores->stop) {
        (void)sst_cond_wait_ms(&chores->wake, &chores->lock, SYNC_MS);
    }
    stop = chores->stop;
    pthread_mutex_unlock(&chores->lock);
    return stop;
}

static void *syncer_run(void *baton)
{
    sst_chores *chores = baton;

    do {
        sst_journal_sync(chores->store);
    } while (!rest(chores) && shm_store_cleanup_holds(chores->cleanup));
    sst_journal_sync(chores->store);
    __atomic_store_n(&chores->syncing, false, __ATOMIC_RELEASE);
    return NULL;
}

static void *worker_run(void *baton)
{
    sst_chores *chores = baton;
    const shm_chore *chore = &chores->chore;
    int64_t pause = chore->every_ms < RETRY_MS ? chore->every_ms : RETRY_MS;

    if (!chore->work(chore->baton, chores->cleanup)) {
        __atomic_store_n(&chores->retry_ms, shm_store_clock_ms() + pause,
                         __ATOMIC_RELAXED);
    }
    __atomic_store_n(&chores->working, false, __ATOMIC_RELEASE);
    return NULL;
}

/* Start it unless it is at it already. */
static void start(pthread_t *thread, bool *has, bool *running,
                  void *(*run)(void *), sst_chores *chores)
{
    if (__atomic_load_n(running, __ATOMIC_ACQUIRE)) {
        return;
    }
    if (*has) {
        pthread_join(*thread, NULL);
    }
    __atomic_store_n(running, true, __ATOMIC_RELAXED);
    *has = sst_thread_start(thread, run, chores) == 0;
    if (!*has) {
        __atomic_store_n(running, false, __ATOMIC_RELAXED);
    }
}

/* By what the segment remembers: a new runner goes on where the old one was. */
static bool due(const sst_chores *chores, int64_t now_ms)
{
    int64_t done = SST_LOAD(sst_header(chores->store)->snap_done);
    int64_t age = sst_own_ms(chores->store, now_ms) - done;

    return chores->chore.work != NULL &&
           now_ms >= __atomic_load_n(&chores->retry_ms, __ATOMIC_RELAXED) &&
           (done == 0 || age < 0 || age >= chores->chore.every_ms);
}

/* ---- what the cleanup thread calls -------------------------------------- */

void sst_chores_init(sst_chores *chores, shm_store *store,
                     const shm_cleanup *cleanup, const shm_chore *chore)
{
    chores->store = store;
    chores->cleanup = cleanup;
    if (chore != NULL) {
        chores->chore = *chore;
    }
    pthread_mutex_init(&chores->lock, NULL);
    pthread_cond_init(&chores->wake, NULL);
}

void sst_chores_tick(sst_chores *chores, int64_t now_ms)
{
    if (!chores->store->journal.ours ||
        SST_LOAD(sst_header(chores->store)->snap_gen) == 0) {
        return;
    }
    start(&chores->syncer, &chores->has_syncer, &chores->syncing, syncer_run,
          chores);
    if (due(chores, now_ms)) {
        start(&chores->worker, &chores->has_worker, &chores->working,
              worker_run, chores);
    }
}

/* One leaves at a time; who finds nobody else inside is the last. */
static void leave(sst_chores *chores)
{
    const int fd = chores->store->fd;
    bool queued = false;

    for (int waited = 0; waited < LEAVE_WAIT_MS && !queued;
         waited += LEAVE_POLL_MS) {
        queued = sst_process_lock(fd, F_WRLCK, SST_BYTE_LEAVE);
        if (!queued) {
            sst_pause_ms(LEAVE_POLL_MS);
        }
    }
    if (queued && chores->chore.work != NULL &&
        SST_LOAD(sst_header(chores->store)->snap_gen) != 0 &&
        !sst_file_locked(fd, SST_BYTE_INSIDE, true)) {
        (void)chores->chore.work(chores->chore.baton, NULL);
    }
    (void)sst_process_lock(fd, F_UNLCK, SST_BYTE_INSIDE);
    (void)sst_process_lock(fd, F_UNLCK, SST_BYTE_LEAVE);
}

void sst_chores_stop(sst_chores *chores)
{
    pthread_mutex_lock(&chores->lock);
    chores->stop = true;
    pthread_cond_broadcast(&chores->wake);
    pthread_mutex_unlock(&chores->lock);
    if (chores->has_syncer) {
        pthread_join(chores->syncer, NULL);
    }
    if (chores->has_worker) {
        pthread_join(chores->worker, NULL);
    }
    leave(chores);
    pthread_cond_destroy(&chores->wake);
    pthread_mutex_destroy(&chores->lock);
}
