/* SPDX-License-Identifier: Apache-2.0 */
/* The load, in a worker: see load.h. */
#include <sched.h>
#include <unistd.h>
#include "alone.h"
#include "delay.h"
#include "load.h"

#define BATCH   32     /* operations between two looks at the clock */
#define SLOW_NS 100000 /* an operation that somebody may have held up */
#define LOOK_NS (BENCH_NS / 1000) /* between two looks at the other worker */

void load_value(uint64_t record, unsigned char *value, size_t len)
{
    memset(value, 'v', len);
    memcpy(value, &record, sizeof record);
}

uint64_t load_pick(uint64_t *random, uint64_t below)
{
    uint64_t x = *random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *random = x;
    return ((x >> 32) * below) >> 32;
}

/* ---- one operation ------------------------------------------------------ */

/* ${dependence} becomes 0 by way of the value: what is computed from it has to
 * wait for the value, as a request has to. */
static bool get_one(const load_job *job, uint64_t record, uint64_t *dependence)
{
    unsigned char buf[BENCH_VALUE_MAX];
    uint64_t seen = record;
    bool had = job->engine->get(record, buf, sizeof buf) == job->plan.len;

    if (had)
        memcpy(&seen, buf, sizeof seen);
    had = had && seen == record;
    /* Hidden from the compiler, which would else use that they are equal. */
    __asm__ volatile("" : "+r"(seen));
    *dependence = seen ^ record;
    return had;
}

/* Choose what is put after this one. */
static void choose_put(load_worker *worker, const load_order *order)
{
    const load_job *job = worker->job;
    uint64_t share = job->plan.records / (uint64_t)order->workers;

    worker->next_put =
        (uint64_t)worker->index * share + load_pick(&worker->random, share);
    if (job->engine->soon)
        job->engine->soon(worker->next_put);
}

static bool do_one(load_worker *worker, const load_order *order, bool is_put,
                   unsigned char *value)
{
    const load_job *job = worker->job;
    uint64_t dependence, record;
    bool had;

    if (order->what == 'a') {
        alone_turn();
        return true;
    }
    if (!is_put) {
        had = get_one(job, load_pick(&worker->random, job->plan.records),
                      &dependence);
        worker->random ^= dependence;
        return had;
    }
    record = worker->next_put;
    choose_put(worker, order);
    memcpy(value, &record, sizeof record);
    return job->engine->put(record, value, job->plan.len);
}

static bool next_is_put(load_worker *worker, const load_order *order)
{
    if (order->what == 'm')
        return load_pick(&worker->random, 10) == 0;
    return order->what == 'p';
}

/* ---- timing of single operations ---------------------------------------- */

/* What two looks at the clock take by themselves: the shortest. */
static int64_t clock_cost(void)
{
    int64_t least = BENCH_NS, begin, ns;

    for (int i = 0; i < 1000; i++) {
        begin = bench_clock(CLOCK_MONOTONIC);
        ns = bench_clock(CLOCK_MONOTONIC) - begin;
        if (ns < least)
            least = ns;
    }
    return least;
}

/* What the scheduler took says nothing of the store, also from the other
 * worker: who waits for a lock waits for its holder to have a CPU. */
static bool time_one(load_worker *worker, const load_order *order, bool is_put,
                     unsigned char *value, load_result *result)
{
    static int64_t cost = -1;
    int64_t begin = bench_clock(CLOCK_MONOTONIC), ns;
    bool had;

    if (cost < 0)
        cost = clock_cost();
    if (begin - worker->delay.looked_ns > LOOK_NS)
        (void)delay_look(&worker->delay, begin);
    begin = bench_clock(CLOCK_MONOTONIC);
    had = do_one(worker, order, is_put, value);
    ns = bench_clock(CLOCK_MONOTONIC) - begin - cost;
    if (ns > SLOW_NS)
        ns -= delay_look(&worker->delay, begin + ns);
    if (result->samples < LOAD_SAMPLES)
        worker->samples[result->samples++] =
            (uint32_t)(ns < 0            ? 0
                       : ns < UINT32_MAX ? ns
                                         : UINT32_MAX);
    return had;
}

/* Of a sampled load only gets are timed; when all are timed, so are puts. */
static bool load_one(load_worker *worker, const load_order *order,
                     unsigned char *value, load_result *result)
{
    bool is_put = next_is_put(worker, order);

    if (order->timed == 1 ||
        (order->timed && !is_put && result->ops % order->timed == 0))
        return time_one(worker, order, is_put, value, result);
    return do_one(worker, order, is_put, value);
}

/* ---- a run -------------------------------------------------------------- */

static load_result run_load(load_worker *worker, const load_order *order)
{
    unsigned char value[BENCH_VALUE_MAX];
    load_result result = {0};
    int64_t begin, cpu;

    load_value(0, value, sizeof value);
    choose_put(worker, order);
    atomic_fetch_add(worker->ready, 1);
    while (atomic_load(worker->ready) < order->workers)
        sched_yield();
    if (order->timed && worker->delay.looked_ns == 0)
        delay_begin(&worker->delay, worker->pids);
    cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
    begin = bench_clock(CLOCK_MONOTONIC);
    do {
        for (int i = 0; i < BATCH; i++) {
            result.failed += !load_one(worker, order, value, &result);
            result.ops++;
        }
        result.wall_ns = bench_clock(CLOCK_MONOTONIC) - begin;
    } while (result.wall_ns < order->ns);
    result.cpu_ns = bench_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    return result;
}

static load_result run_upkeep(load_worker *worker, const load_order *order)
{
    bool (*upkeep)(void) =
        order->what == 'a' ? alone_upkeep : worker->job->engine->upkeep;
    load_result result = {0};
    int64_t end;

    atomic_fetch_add(worker->ready, 1);
    while (atomic_load(worker->ready) < order->workers)
        sched_yield();
    end = bench_clock(CLOCK_MONOTONIC) + order->ns;
    while (bench_clock(CLOCK_MONOTONIC) < end)
        result.failed += !upkeep();
    return result;
}

/* See every page once, within a limit for engines that are slow. */
static void warm(const load_job *job)
{
    int64_t limit = BENCH_NS + (int64_t)job->plan.records * 2000;
    int64_t end = bench_clock(CLOCK_MONOTONIC) + limit;
    uint64_t unused;

    for (uint64_t i = 0; i < job->plan.records; i++) {
        (void)get_one(job, i, &unused);
        if (i % BATCH == 0 && bench_clock(CLOCK_MONOTONIC) > end)
            break;
    }
}

void load_worker_main(load_worker *worker)
{
    const load_job *job = worker->job;
    load_order order;
    load_result result;
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET((size_t)worker->index, &cpus);
    (void)sched_setaffinity(0, sizeof cpus, &cpus);
    worker->pids[worker->index] = getpid();
    if (job->engine->child && !job->engine->child())
        _exit(1);
    if (!job->engine->server)
        warm(job);
    memset(&result, 0, sizeof result);
    while (write(worker->result_fd, &result, sizeof result) ==
               (ssize_t)sizeof result &&
           read(worker->order_fd, &order, sizeof order) ==
               (ssize_t)sizeof order) {
        if (order.upkeep && worker->index == order.workers - 1)
            result = run_upkeep(worker, &order);
        else
            result = run_load(worker, &order);
    }
    _exit(0);
}
