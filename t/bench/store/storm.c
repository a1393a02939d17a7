/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kill -9 leaves.  Two writers replace records of their own halves and a
 * third process reads everybody's, while one writer after the other is killed
 * in the midst of it and another takes its place.  Every value says whose it is
 * and how many times it was written, and its bytes follow from both; memory
 * that is no part of the store says which write of each record was the last
 * that its writer was told to have happened.  So these are told apart:
 *
 *   lost    an acknowledged write is not there: the record is gone, or older
 *   torn    bytes that nobody wrote as one value
 *   mixed   another record's value, whole
 *
 * Nothing here waits for ever: whoever makes no progress in HANG_NS is taken
 * for stuck, and the storm ends.
 */
#include <signal.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include "load.h"

#define RECORDS   10000
#define WRITERS   2
#define PROCESSES (WRITERS + 1)
#define HANG_NS   (5 * BENCH_NS)
#define CHECK_NS  (10 * BENCH_NS)
#define CALM_US   200000 /* of load when there are no kills */

typedef struct storm {
    atomic_ullong progress[PROCESSES];
    atomic_ullong failed, torn, mixed, lost;
    atomic_bool stop, checked;
    atomic_ullong acknowledged[RECORDS]; /* write; 0: none */
} storm;

typedef struct storm_self {
    const load_job *job;
    storm *shared;
    uint64_t records;
    pid_t pids[PROCESSES];
} storm_self;

/* ---- values ------------------------------------------------------------- */

typedef struct head {
    uint64_t record, write;
} head;

static void make_value(head whose, unsigned char *value, size_t len)
{
    uint64_t seed = bench_mix(whose.record * RECORDS + whose.write);

    memcpy(value, &whose, sizeof whose);
    for (size_t i = sizeof whose; i < len; i += sizeof seed) {
        size_t part = len - i < sizeof seed ? len - i : sizeof seed;

        memcpy(value + i, &seed, part);
        seed = bench_mix(seed);
    }
}

/* Read ${record}, count what is wrong with it, return which write it is. */
static uint64_t look(const storm_self *self, uint64_t record)
{
    unsigned char have[BENCH_VALUE_MAX], want[BENCH_VALUE_MAX];
    size_t len = self->job->plan.len;
    size_t got = self->job->engine->get(record, have, sizeof have);
    head whose;

    if (got == 0)
        return 0;
    memcpy(&whose, have, sizeof whose);
    make_value(whose, want, len);
    if (got != len || memcmp(have, want, len) != 0) {
        atomic_fetch_add(&self->shared->torn, 1);
        return 0;
    }
    if (whose.record != record) {
        atomic_fetch_add(&self->shared->mixed, 1);
        return 0;
    }
    return whose.write;
}

/* ---- processes ---------------------------------------------------------- */

static bool write_next(storm_self *self, uint64_t record)
{
    unsigned char value[BENCH_VALUE_MAX];
    unsigned long long write =
        atomic_load(&self->shared->acknowledged[record]) + 1;

    make_value((head){record, write}, value, self->job->plan.len);
    if (!self->job->engine->put(record, value, self->job->plan.len))
        return false;
    atomic_store(&self->shared->acknowledged[record], write);
    return true;
}

static void process_main(storm_self *self, unsigned index)
{
    storm *shared = self->shared;
    uint64_t random = bench_mix((uint64_t)getpid());
    uint64_t half = self->records / WRITERS;

    if (self->job->engine->child && !self->job->engine->child())
        _exit(1);
    while (!atomic_load(&shared->stop)) {
        if (index == WRITERS)
            (void)look(self, load_pick(&random, self->records));
        else if (!write_next(self, index * half + load_pick(&random, half)))
            atomic_fetch_add(&shared->failed, 1);
        atomic_fetch_add(&shared->progress[index], 1);
    }
    _exit(0);
}

static bool spawn(storm_self *self, unsigned index)
{
    fflush(stdout);
    self->pids[index] = fork();
    if (self->pids[index] == 0)
        process_main(self, index);
    return self->pids[index] > 0;
}

/* Until process ${index} has got on, or HANG_NS have passed. */
static bool gets_on(const storm_self *self, unsigned index)
{
    unsigned long long was = atomic_load(&self->shared->progress[index]);
    int64_t end = bench_clock(CLOCK_MONOTONIC) + HANG_NS;

    while (atomic_load(&self->shared->progress[index]) == was) {
        if (bench_clock(CLOCK_MONOTONIC) > end)
            return false;
        sched_yield();
    }
    return true;
}

/* Kill and replace one writer, when it works and at no certain moment.
 * Returns how long the other one then took for its next step, or -1 if it is
 * stuck. */
static int64_t one_kill(storm_self *self, unsigned victim, uint64_t *random)
{
    int64_t begin;

    usleep((useconds_t)(200 + load_pick(random, 3000)));
    kill(self->pids[victim], SIGKILL);
    waitpid(self->pids[victim], NULL, 0);
    begin = bench_clock(CLOCK_MONOTONIC);
    if (!gets_on(self, 1 - victim))
        return -1;
    begin = bench_clock(CLOCK_MONOTONIC) - begin;
    return spawn(self, victim) ? begin : -1;
}

/* True if the process ended in time; else it is ended. */
static bool ends(pid_t pid, int64_t ns)
{
    int64_t end = bench_clock(CLOCK_MONOTONIC) + ns;

    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (bench_clock(CLOCK_MONOTONIC) > end) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
            return false;
        }
        usleep(1000);
    }
    return true;
}

/* ---- before and after --------------------------------------------------- */

/* In a process of its own: a damaged store may hang or crash it. */
static bool check(storm_self *self)
{
    storm *shared = self->shared;
    pid_t pid = fork();

    if (pid != 0)
        return pid > 0 && ends(pid, CHECK_NS) && atomic_load(&shared->checked);
    if (self->job->engine->child && !self->job->engine->child())
        _exit(1);
    for (uint64_t i = 0; i < self->records; i++) {
        unsigned long long last = atomic_load(&shared->acknowledged[i]);

        if (look(self, i) < last)
            atomic_fetch_add(&shared->lost, 1);
    }
    atomic_store(&shared->checked, true);
    _exit(0);
}

static bool blow(storm_self *self, unsigned kills, unsigned *done,
                 int64_t *longest)
{
    uint64_t random = bench_mix(kills);

    for (*done = 0; *done < kills;) {
        unsigned victim = *done % WRITERS;
        int64_t ns;

        if (!gets_on(self, victim))
            return false;
        ++*done;
        ns = one_kill(self, victim, &random);
        if (ns < 0)
            return false;
        if (ns > *longest)
            *longest = ns;
    }
    if (kills == 0)
        usleep(CALM_US);
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (!gets_on(self, i))
            return false;
    }
    return true;
}

bool storm_run(const load_job *job, unsigned kills)
{
    storm_self self = {job,
                       bench_shared(sizeof(storm)),
                       job->plan.records < RECORDS ? job->plan.records
                                                   : RECORDS,
                       {0}};
    storm *shared = self.shared;
    int64_t longest = 0;
    unsigned done;
    bool answers;

    for (uint64_t i = 0; i < self.records; i++) {
        if (!write_next(&self, i))
            return false;
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (!spawn(&self, i))
            return false;
    }
    answers = blow(&self, kills, &done, &longest);
    atomic_store(&shared->stop, true);
    for (unsigned i = 0; i < PROCESSES; i++)
        (void)ends(self.pids[i], answers ? HANG_NS : 0);
    answers = answers && check(&self);
    printf("storm kills %u answers %d lost %llu torn %llu mixed %llu "
           "failed %llu longest %lld\n",
           done, answers, atomic_load(&shared->lost),
           atomic_load(&shared->torn), atomic_load(&shared->mixed),
           atomic_load(&shared->failed), (long long)longest);
    fflush(stdout);
    return true;
}
