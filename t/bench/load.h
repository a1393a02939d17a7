/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load of the store benchmarks: the same keys, order and clock for every
 * engine, whatever process it lives in.
 *
 * load_serve fills the engine with records 0..n-1, forks two workers that stay,
 * each bound to a CPU of its own, and then obeys lines on standard input, so
 * that a script can take turns between several engines:
 *
 *   get|put|mix WORKERS MS  ->  get WORKERS OPS WALL_NS CPU_NS FAILED
 *
 * mix is nine gets to one put.  Workers are forked once because every page of a
 * shared mapping is a fault for each new process, which would be all that a
 * short run measures.  With two workers each puts to records of its own half;
 * gets go everywhere.
 *
 * Keys are 32 random-looking bytes computed from the number: no table of keys
 * takes part in the cache misses.  A value begins with its record's number, so
 * that a get of the wrong record is a failure; which record comes next depends
 * on it, so that no engine has several gets under way at once.
 *
 * One benchmark is one translation unit, hence the code in a header.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOAD_WORKERS   2
#define LOAD_KEY_LEN   32
#define LOAD_VALUE_MAX 4096
#define LOAD_BATCH     32 /* operations between two looks at the clock */
#define LOAD_WARM_NS   (2 * (int64_t)1000000000)

/* What is measured.  `get` copies the record's value out and returns its
 * length, 0 if it was not had; `put` replaces it, or makes it when filling;
 * `child` (may be NULL) runs once in each worker. */
typedef struct load_engine {
    size_t (*get)(void *self, uint64_t record, unsigned char *buf, size_t cap);
    bool (*put)(void *self, uint64_t record, const unsigned char *value,
                size_t len);
    bool (*child)(void *self);
} load_engine;

typedef struct load_job {
    const load_engine *engine;
    void *self;
    uint64_t records;
    size_t len;
} load_job;

typedef struct load_order {
    char what; /* 'g', 'p', 'm' */
    int workers;
    int64_t ns;
} load_order;

typedef struct load_result {
    uint64_t ops, failed;
    int64_t wall_ns, cpu_ns;
} load_result;

typedef struct load_worker {
    int index, order_fd, result_fd;
    uint64_t random;
    const load_job *job;
    atomic_int *ready; /* shared: how many have come to the start line */
} load_worker;

static inline uint64_t load_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline void load_key(uint64_t record, unsigned char *key)
{
    for (unsigned i = 0; i < LOAD_KEY_LEN / 8; i++) {
        uint64_t word = load_mix(record * 4 + i);

        memcpy(key + (size_t)8 * i, &word, 8);
    }
}

static inline int64_t load_clock(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void *load_shared(size_t len)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

/* ${dependence} becomes 0 by way of the value: what is computed from it has to
 * wait for the value, as a request has to. */
static inline bool load_get(const load_job *job, uint64_t record,
                            uint64_t *dependence)
{
    unsigned char buf[LOAD_VALUE_MAX];
    uint64_t seen = record;
    bool had = job->engine->get(job->self, record, buf, sizeof buf) == job->len;

    if (had)
        memcpy(&seen, buf, sizeof seen);
    had = had && seen == record;
    /* Hidden from the compiler, which would else use that they are equal. */
    __asm__ volatile("" : "+r"(seen));
    *dependence = seen ^ record;
    return had;
}

static inline bool load_put(const load_job *job, uint64_t record,
                            unsigned char *value)
{
    memcpy(value, &record, sizeof record);
    return job->engine->put(job->self, record, value, job->len);
}

/* A number below ${below}, by multiplication: a division would be seen. */
static inline uint64_t load_pick(load_worker *worker, uint64_t below)
{
    uint64_t x = worker->random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    worker->random = x;
    return ((x >> 32) * below) >> 32;
}

static inline bool load_one(load_worker *worker, const load_order *order,
                            unsigned char *value)
{
    const load_job *job = worker->job;
    uint64_t share = job->records / (uint64_t)order->workers;
    uint64_t dependence;
    bool is_put = order->what == 'p', had;

    if (order->what == 'm')
        is_put = load_pick(worker, 10) == 0;
    if (!is_put) {
        had = load_get(job, load_pick(worker, job->records), &dependence);
        worker->random ^= dependence;
        return had;
    }
    return load_put(
        job, (uint64_t)worker->index * share + load_pick(worker, share), value);
}

static inline load_result load_run(load_worker *worker, const load_order *order)
{
    unsigned char value[LOAD_VALUE_MAX];
    load_result result = {0};
    int64_t begin, cpu;

    memset(value, 'v', sizeof value);
    atomic_fetch_add(worker->ready, 1);
    while (atomic_load(worker->ready) < order->workers)
        sched_yield();
    cpu = load_clock(CLOCK_PROCESS_CPUTIME_ID);
    begin = load_clock(CLOCK_MONOTONIC);
    do {
        for (int i = 0; i < LOAD_BATCH; i++)
            result.failed += !load_one(worker, order, value);
        result.ops += LOAD_BATCH;
        result.wall_ns = load_clock(CLOCK_MONOTONIC) - begin;
    } while (result.wall_ns < order->ns);
    result.cpu_ns = load_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    return result;
}

/* See every page once, within a limit for engines that are slow. */
static inline void load_warm(const load_job *job)
{
    int64_t end = load_clock(CLOCK_MONOTONIC) + LOAD_WARM_NS;
    uint64_t unused;

    for (uint64_t i = 0; i < job->records; i++) {
        (void)load_get(job, i, &unused);
        if (i % LOAD_BATCH == 0 && load_clock(CLOCK_MONOTONIC) > end)
            break;
    }
}

static inline void load_worker_main(load_worker *worker)
{
    const load_job *job = worker->job;
    load_order order;
    load_result result;
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET((size_t)worker->index, &cpus);
    (void)sched_setaffinity(0, sizeof cpus, &cpus);
    if (job->engine->child && !job->engine->child(job->self))
        _exit(1);
    load_warm(job);
    memset(&result, 0, sizeof result);
    while (write(worker->result_fd, &result, sizeof result) ==
               (ssize_t)sizeof result &&
           read(worker->order_fd, &order, sizeof order) ==
               (ssize_t)sizeof order)
        result = load_run(worker, &order);
    _exit(0);
}

/* Fork ${worker}; the parent keeps its ends of the two pipes in it. */
static inline bool load_fork(load_worker *worker)
{
    int order[2], result[2];
    pid_t pid;

    if (pipe(order) != 0 || pipe(result) != 0)
        return false;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        close(order[1]);
        close(result[0]);
        worker->order_fd = order[0];
        worker->result_fd = result[1];
        load_worker_main(worker);
    }
    close(order[0]);
    close(result[1]);
    worker->order_fd = order[1];
    worker->result_fd = result[0];
    return pid > 0;
}

/* The sum of what ${count} workers report; its wall time is the longest. */
static inline bool load_collect(load_worker *workers, int count,
                                load_result *sum)
{
    load_result one;

    memset(sum, 0, sizeof *sum);
    for (int i = 0; i < count; i++) {
        if (read(workers[i].result_fd, &one, sizeof one) != (ssize_t)sizeof one)
            return false;
        sum->ops += one.ops;
        sum->failed += one.failed;
        sum->cpu_ns += one.cpu_ns;
        if (one.wall_ns > sum->wall_ns)
            sum->wall_ns = one.wall_ns;
    }
    return true;
}

static inline bool load_obey(load_worker *workers, const char *line)
{
    char what[8];
    int count, ms;
    load_order order;
    load_result sum;

    if (sscanf(line, "%7s %d %d", what, &count, &ms) != 3 || count < 1 ||
        count > LOAD_WORKERS || !strchr("gpm", what[0]))
        return false;
    order = (load_order){what[0], count, (int64_t)ms * 1000000};
    atomic_store(workers[0].ready, 0);
    for (int i = 0; i < count; i++) {
        if (write(workers[i].order_fd, &order, sizeof order) !=
            (ssize_t)sizeof order)
            return false;
    }
    if (!load_collect(workers, count, &sum))
        return false;
    printf("%s %d %llu %lld %lld %llu\n", what, count,
           (unsigned long long)sum.ops, (long long)sum.wall_ns,
           (long long)sum.cpu_ns, (unsigned long long)sum.failed);
    fflush(stdout);
    return true;
}

static inline void load_fill(const load_job *job)
{
    unsigned char value[LOAD_VALUE_MAX];
    int64_t begin = load_clock(CLOCK_MONOTONIC);
    uint64_t failed = 0;

    memset(value, 'v', sizeof value);
    for (uint64_t i = 0; i < job->records; i++)
        failed += !load_put(job, i, value);
    printf("filled %llu %lld %llu\n", (unsigned long long)job->records,
           (long long)(load_clock(CLOCK_MONOTONIC) - begin),
           (unsigned long long)failed);
    fflush(stdout);
}

/** Fill, fork, obey until standard input ends.  Returns an exit status. */
static inline int load_serve(const load_job *job)
{
    load_worker workers[LOAD_WORKERS] = {0};
    atomic_int *ready = load_shared(sizeof *ready);
    load_result unused;
    char line[64];
    int status = 0;

    load_fill(job);
    for (int i = 0; i < LOAD_WORKERS; i++) {
        workers[i] = (load_worker){.index = i,
                                   .random = load_mix((uint64_t)i + 1),
                                   .job = job,
                                   .ready = ready};
        if (!load_fork(&workers[i]))
            return 1;
    }
    if (!load_collect(workers, LOAD_WORKERS, &unused))
        return 1;
    puts("ready");
    fflush(stdout);
    while (status == 0 && fgets(line, sizeof line, stdin))
        status = !load_obey(workers, line);
    for (int i = 0; i < LOAD_WORKERS; i++)
        close(workers[i].order_fd);
    while (wait(NULL) > 0)
        continue;
    return status;
}

#endif
