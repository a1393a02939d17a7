/* SPDX-License-Identifier: Apache-2.0 */
/* See alone.h. */
#include "alone.h"

#include <pthread.h>
#include "engine.h"

#define TURN_STEPS   500
#define UPKEEP_STEPS 1000
#define UPKEEP_TURNS 1000

static pthread_mutex_t *mutex;

void alone_begin(void)
{
    pthread_mutexattr_t how;

    mutex = bench_shared(sizeof(pthread_mutex_t));
    pthread_mutexattr_init(&how);
    pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mutex, &how);
    pthread_mutexattr_destroy(&how);
}

static void work(int steps)
{
    for (volatile int i = 0; i < steps; i++)
        ;
}

static void turn(int steps)
{
    if (pthread_mutex_lock(mutex) != 0)
        return;
    work(steps);
    pthread_mutex_unlock(mutex);
}

void alone_turn(void)
{
    turn(TURN_STEPS);
}

bool alone_upkeep(void)
{
    for (int i = 0; i < UPKEEP_TURNS; i++) {
        turn(UPKEEP_STEPS);
        work(UPKEEP_STEPS);
    }
    return true;
}
