/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast path is one trylock.  A short spin follows, because a lock is held
 * for a fraction of a microsecond and a sleep costs fifty; then a wait with a
 * deadline, because a stopped owner is not a dead one.  The deadline is spent
 * in slices of the monotonic clock: while the whole machine stands still (a
 * paused guest, a stolen processor) the owner cannot go on either, and that
 * costs the one slice in which it happened.
 */
#include "sst_lock.h"

#include <errno.h>
#include <time.h>

#include "sst_index.h"

#define SPINS    200
#define SLICE_MS 10

#if defined(__SANITIZE_THREAD__)
#include <sched.h>
#define SST_RACE_DETECTOR
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <sched.h>
#define SST_RACE_DETECTOR
#endif
#endif

bool sst_lock_init(sst_lock_shm *lock)
{
    pthread_mutexattr_t attr;
    bool done;

    if (pthread_mutexattr_init(&attr) != 0) {
        return false;
    }
    sst_wipe(lock, sizeof(*lock));
    done = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
           pthread_mutex_init(&lock->mutex, &attr) == 0;
    pthread_mutexattr_destroy(&attr);
    return done;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    sst_order();
#endif
}

#ifdef SST_RACE_DETECTOR
/* It does not know clocklock and would see no lock taken. */
static int lock_until(pthread_mutex_t *mutex, const struct timespec *end)
{
    int64_t end_ns = (int64_t)end->tv_sec * 1000000000 + end->tv_nsec;
    int rc = pthread_mutex_trylock(mutex);

    while (rc == EBUSY && sst_monotonic_ns() < end_ns) {
        sched_yield();
        rc = pthread_mutex_trylock(mutex);
    }
    return rc;
}
#else
static int lock_until(pthread_mutex_t *mutex, const struct timespec *end)
{
    return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, end);
}
#endif

static struct timespec after_ms(int64_t ms)
{
    int64_t ns = sst_monotonic_ns() + ms * 1000000;

    return (struct timespec){.tv_sec = ns / 1000000000,
                             .tv_nsec = ns % 1000000000};
}

static int lock_wait(pthread_mutex_t *mutex, int64_t wait_ms)
{
    int rc = EBUSY;

    for (int i = 0; i < SPINS && rc == EBUSY; i++) {
        relax();
        rc = pthread_mutex_trylock(mutex);
    }
    while (wait_ms > 0 && (rc == EBUSY || rc == ETIMEDOUT)) {
        int64_t slice_ms = wait_ms < SLICE_MS ? wait_ms : SLICE_MS;
        struct timespec end = after_ms(slice_ms);

        rc = lock_until(mutex, &end);
        wait_ms -= slice_ms;
    }
    return rc;
}

static int lock_mutex(pthread_mutex_t *mutex, int64_t wait_ms)
{
    int rc = pthread_mutex_trylock(mutex);

    return rc == EBUSY && wait_ms > 0 ? lock_wait(mutex, wait_ms) : rc;
}

/* Without the lock, which is what was not had. */
static void count_busy(sst_shard_shm *shm)
{
    uint64_t seen = SST_LOAD(shm->busy);

    while (!SST_SWAP_IF(shm->busy, seen, seen + 1)) {
    }
}

/* Not at once. */
static shm_status not_had(sst_shard *shard, int rc, int64_t wait_ms)
{
    if (rc == EBUSY || rc == ETIMEDOUT) {
        if (wait_ms > 0) {
            count_busy(shard->shm);
            /* Its owner may have let go of the segment, lock and all. */
            (void)sst_bus_look(shard->store);
        }
        return SST_BUSY;
    }
    if (rc != EOWNERDEAD) {
        return SST_UNAVAILABLE;
    }
    (void)sst_repair_locked(shard, false);
    SST_ADD(shard->shm->counters.owner_deaths, 1);
    /* Last: if we die before it, the next owner repairs again. */
    return pthread_mutex_consistent(&shard->shm->lock.mutex) == 0
               ? SST_OK
               : SST_UNAVAILABLE;
}

shm_status sst_shard_lock_late(sst_shard *shard, int rc, int64_t wait_ms)
{
    shm_store *store = shard->store;
    pthread_mutex_t *mutex = &shard->shm->lock.mutex;
    shm_status status;

    if (rc == EBUSY && wait_ms > 0) {
        rc = lock_wait(mutex, wait_ms);
    }
    status = rc == 0 ? SST_OK : not_had(shard, rc, wait_ms);
    if (__builtin_expect(!SST_LOAD(store->lost), 1)) {
        return status;
    }
    if (status == SST_OK) {
        pthread_mutex_unlock(mutex);
    }
    sst_bus_forget_locks(store);
    return SST_UNAVAILABLE;
}

static pthread_mutex_t *commit_mutex(const shm_store *store,
                                     const unsigned char *key)
{
    sst_lock_shm *all = sst_at(store, store->geo.commit_off);

    return &all[sst_hash_of(store, key).bits % SST_COMMIT_LOCKS].mutex;
}

shm_status shm_store_commit_lock(shm_store *store,
                                 const unsigned char key[SST_KEY_LEN],
                                 int64_t wait_ms)
{
    pthread_mutex_t *mutex;
    int rc;

    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    mutex = commit_mutex(store, key);
    rc = lock_mutex(mutex, wait_ms);
    if (rc == EOWNERDEAD) {
        rc = pthread_mutex_consistent(mutex);
    }
    if (SST_LOAD(store->lost)) {
        sst_bus_forget_locks(store);
        return SST_UNAVAILABLE;
    }
    if (rc == EBUSY || rc == ETIMEDOUT) {
        return SST_BUSY;
    }
    return rc == 0 ? SST_OK : SST_UNAVAILABLE;
}

void shm_store_commit_unlock(shm_store *store,
                             const unsigned char key[SST_KEY_LEN])
{
    if (store->attached) {
        pthread_mutex_unlock(commit_mutex(store, key));
    }
    if (SST_LOAD(store->lost)) {
        sst_bus_forget_locks(store);
    }
}
