/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cleanup thread.  The lease in the segment's header is a nonce and a
 * heartbeat on the boot clock; whoever sees the heartbeat stand still takes
 * the lease by compare-and-swap.  Not a lock: a lock's holder that was stopped
 * would keep it, and not kill(pid, 0): pids are used again.
 *
 * A holder that was stopped and wakes up finds another nonce and goes back to
 * waiting; the slice it may run until then is harmless, since any process may
 * sweep at any time.
 *
 * `lock` guards `stop` and nothing else; it is never held while sweeping.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "sst_bus.h"
#include "sst_chore.h"

#define TICK_MS    250
#define LAPSED_MS  800 /* three ticks missed */
#define WAIT_MS    800 /* others look this often, plus a random part */
#define JITTER_MS  400
#define SLICE_US   1000
#define SLICES_MAX 32 /* a tick: at most an eighth of a processor */

struct shm_cleanup {
    shm_store *store;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    bool runner; /* atomic */
    uint64_t nonce;
    sst_chores chores; /* the cleanup thread's alone, but for what it starts */
};

/* Hold the lease, or get it: free, ours, or lapsed. */
static bool lease_hold(shm_cleanup *cleanup, int64_t now_ms)
{
    sst_header_shm *header = sst_header(cleanup->store);
    uint64_t holder = SST_LOAD(header->lease_nonce);
    int64_t age = now_ms - SST_LOAD(header->lease_beat_ms);

    if (holder != cleanup->nonce) {
        /* A heartbeat from the future is of another boot, or damage. */
        if (holder != 0 && age >= 0 && age < LAPSED_MS) {
            return false;
        }
        if (!SST_SWAP_IF(header->lease_nonce, holder, cleanup->nonce)) {
            return false;
        }
    }
    SST_STORE(header->lease_beat_ms, now_ms);
    return true;
}

static void lease_drop(shm_cleanup *cleanup)
{
    sst_header_shm *header = sst_header(cleanup->store);
    uint64_t mine = cleanup->nonce;

    (void)SST_SWAP_IF(header->lease_nonce, mine, 0);
}

/* After a reboot, time goes on from here: the younger the better. */
static void anchor_move(shm_cleanup *cleanup, int64_t now_ms)
{
    sst_header_shm *header = sst_header(cleanup->store);
    sst_clock_shm clock = *sst_clock(header);

    clock.anchor_boot_ms = now_ms;
    clock.anchor_real_ms = sst_real_ms();
    sst_clock_set(header, &clock);
}

static bool told_to_stop(shm_cleanup *cleanup)
{
    bool stop;

    pthread_mutex_lock(&cleanup->lock);
    stop = cleanup->stop;
    pthread_mutex_unlock(&cleanup->lock);
    return stop;
}

/* True when it is time to go. */
static bool sleep_ms(shm_cleanup *cleanup, int64_t ms)
{
    int64_t until = sst_monotonic_ns() + ms * 1000000;
    bool stop;
    int rc = 0;

    pthread_mutex_lock(&cleanup->lock);
    while (!cleanup->stop && rc != ETIMEDOUT) {
        rc = sst_cond_wait_ms(&cleanup->wake, &cleanup->lock,
                              (until - sst_monotonic_ns()) / 1000000);
    }
    stop = cleanup->stop;
    pthread_mutex_unlock(&cleanup->lock);
    return stop;
}

static void tick(shm_cleanup *cleanup, int64_t now_ms)
{
    shm_sweep_report report = {0};

    anchor_move(cleanup, now_ms);
    for (int i = 0; i < SLICES_MAX && !report.finished; i++) {
        if (told_to_stop(cleanup) ||
            shm_store_sweep(cleanup->store, SLICE_US, now_ms, &report) !=
                SST_OK) {
            return;
        }
        (void)sleep_ms(cleanup, 1);
    }
}

static void *cleanup_run(void *baton)
{
    shm_cleanup *cleanup = baton;
    bool stop = false;

    while (!stop && !sst_bus_look(cleanup->store)) {
        int64_t now_ms = shm_store_clock_ms();
        bool runner = lease_hold(cleanup, now_ms);

        __atomic_store_n(&cleanup->runner, runner, __ATOMIC_RELAXED);
        if (runner) {
            sst_chores_tick(&cleanup->chores, now_ms);
            tick(cleanup, now_ms);
        }
        stop = sleep_ms(cleanup,
                        runner ? TICK_MS
                               : WAIT_MS + randombytes_uniform(JITTER_MS));
    }
    if (!stop) {
        sst_bus_tell(cleanup->store);
    }
    sst_chores_stop(&cleanup->chores);
    lease_drop(cleanup);
    __atomic_store_n(&cleanup->runner, false, __ATOMIC_RELAXED);
    return NULL;
}

shm_cleanup *shm_store_cleanup_start(shm_store *store, const shm_chore *chore)
{
    shm_cleanup *cleanup;
    int rc;

    if (!sst_usable(store)) {
        errno = EINVAL;
        return NULL;
    }
    cleanup = calloc(1, sizeof(*cleanup));
    if (cleanup == NULL) {
        return NULL;
    }
    cleanup->store = store;
    while (cleanup->nonce == 0) {
        randombytes_buf(&cleanup->nonce, sizeof(cleanup->nonce));
    }
    pthread_mutex_init(&cleanup->lock, NULL);
    pthread_cond_init(&cleanup->wake, NULL);
    sst_chores_init(&cleanup->chores, store, cleanup, chore);
    rc = sst_thread_start(&cleanup->thread, cleanup_run, cleanup);
    if (rc != 0) {
        pthread_cond_destroy(&cleanup->wake);
        pthread_mutex_destroy(&cleanup->lock);
        free(cleanup);
        errno = rc;
        return NULL;
    }
    return cleanup;
}

void shm_store_cleanup_stop(shm_cleanup *cleanup)
{
    if (cleanup == NULL) {
        return;
    }
    pthread_mutex_lock(&cleanup->lock);
    cleanup->stop = true;
    pthread_cond_signal(&cleanup->wake);
    pthread_mutex_unlock(&cleanup->lock);
    pthread_join(cleanup->thread, NULL);
    pthread_cond_destroy(&cleanup->wake);
    pthread_mutex_destroy(&cleanup->lock);
    free(cleanup);
}

bool shm_store_cleanup_is_runner(const shm_cleanup *cleanup)
{
    return __atomic_load_n(&cleanup->runner, __ATOMIC_RELAXED);
}

bool shm_store_cleanup_holds(const shm_cleanup *cleanup)
{
    return SST_LOAD(sst_header(cleanup->store)->lease_nonce) == cleanup->nonce;
}
