/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread beside those that answer requests: what it waits for comes in time
 * although the wall clock is set back meanwhile, the server's signals are not
 * its own, and it goes when it is told to.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sx_worker.h"
#include "tap.h"

#define HOUR_S  3600
#define HOUR_MS (HOUR_S * 1000)

static sx_worker worker;
static unsigned rounds;
static sigset_t blocked;

/* In this program: the wall clock was an hour ahead when anybody looked, and
 * is set back while they wait.  libc names the arguments as only libc may. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    long rc = syscall(SYS_clock_gettime, clock, now);

    if (clock == CLOCK_REALTIME)
        now->tv_sec += HOUR_S;
    return (int)rc;
}

static void *work(void *baton)
{
    const int64_t *pause_ms = baton;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    do
        __atomic_add_fetch(&rounds, 1, __ATOMIC_RELEASE);
    while (!sx_worker_wait(&worker, *pause_ms));
    return NULL;
}

/* Until that was so often done, but no longer than 10 s. */
static bool has_worked(unsigned often)
{
    int ms = 0;

    while (__atomic_load_n(&rounds, __ATOMIC_ACQUIRE) < often && ms++ < 10000)
        usleep(1000);
    return ms < 10000;
}

static void begin(int64_t *pause_ms)
{
    rounds = 0;
    worker = (sx_worker){0};
    ok(sx_worker_start(&worker, work, pause_ms), "a worker is started");
}

int main(void)
{
    int64_t moment_ms = 20, hour_ms = HOUR_MS;

    alarm(60); /* one that does not go is a failure, not a wait */
    sx_worker_stop(&worker);
    begin(&moment_ms);
    ok(has_worked(3), "it goes on in time, though the wall clock is set back");
    sx_worker_stop(&worker);
    ok(sigismember(&blocked, SIGTERM) && !sigismember(&blocked, SIGBUS),
       "the server's signals are for others, its own faults are not");
    begin(&hour_ms);
    ok(has_worked(1), "one that has time");
    sx_worker_stop(&worker);
    is_int(rounds, 1, "goes at once when it is told to");
    return done_testing();
}
