/* SPDX-License-Identifier: Apache-2.0 */
/* Orders in, answers out, and the workers between: see load.h. */
#include <limits.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>
#include "alone.h"
#include "load.h"

#define FOUND_MAX    20000          /* records that `found` looks at */
#define FOUND_NS     (5 * BENCH_NS) /* and how long, at most */
#define LATENCY_EACH 8 /* of a sampled load, each n-th get is timed */

typedef struct crew {
    const load_job *job;
    load_worker workers[LOAD_WORKERS];
    uint64_t timed[LOAD_WORKERS]; /* operations, in the newest order */
    bool working;
} crew;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* ---- what the parent does itself ---------------------------------------- */

static void fill(const load_job *job)
{
    const bench_engine *engine = job->engine;
    unsigned char value[BENCH_VALUE_MAX];
    int64_t begin = bench_clock(CLOCK_MONOTONIC);
    uint64_t failed = 0;

    if (engine->bulk)
        failed += !engine->bulk(true);
    for (uint64_t i = 0; i < job->plan.records; i++) {
        load_value(i, value, job->plan.len);
        failed += !engine->put(i, value, job->plan.len);
    }
    if (engine->bulk)
        failed += !engine->bulk(false);
    say("filled records %llu wall %lld failed %llu",
        (unsigned long long)job->plan.records,
        (long long)(bench_clock(CLOCK_MONOTONIC) - begin),
        (unsigned long long)failed);
}

/* Every record, or so many of them at even distances. */
static bool say_found(const load_job *job)
{
    unsigned char want[BENCH_VALUE_MAX], have[BENCH_VALUE_MAX];
    uint64_t step = job->plan.records / FOUND_MAX + 1;
    uint64_t found = 0, looked = 0;
    int64_t end = bench_clock(CLOCK_MONOTONIC) + FOUND_NS;

    for (uint64_t i = 0; i < job->plan.records; i += step) {
        load_value(i, want, job->plan.len);
        looked++;
        found += job->engine->get(i, have, sizeof have) == job->plan.len &&
                 memcmp(have, want, job->plan.len) == 0;
        if (bench_clock(CLOCK_MONOTONIC) > end)
            break;
    }
    say("found found %llu looked %llu", (unsigned long long)found,
        (unsigned long long)looked);
    return true;
}

static bool say_used(const load_job *job)
{
    if (!job->engine->used)
        return false;
    say("used bytes %llu", (unsigned long long)job->engine->used());
    return true;
}

static bool say_reopen(const load_job *job)
{
    int64_t begin = bench_clock(CLOCK_MONOTONIC);

    if (!job->engine->reopen || !job->engine->reopen())
        return false;
    say("reopen wall %lld", (long long)(bench_clock(CLOCK_MONOTONIC) - begin));
    return true;
}

static bool say_restart(const load_job *job)
{
    return job->engine->restart && job->engine->restart() && say_found(job);
}

/* ---- workers ------------------------------------------------------------ */

/* Fork ${worker}; the parent keeps its ends of the two pipes in it. */
static bool fork_worker(load_worker *worker)
{
    int order[2], result[2];

    if (pipe(order) != 0 || pipe(result) != 0)
        return false;
    fflush(stdout);
    worker->pid = fork();
    if (worker->pid == 0) {
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
    return worker->pid > 0;
}

/* The sum of what ${count} workers report; its wall time is the longest. */
static bool collect(crew *all, int count, load_result *sum)
{
    load_result one;

    memset(sum, 0, sizeof *sum);
    for (int i = 0; i < count; i++) {
        if (read(all->workers[i].result_fd, &one, sizeof one) !=
            (ssize_t)sizeof one)
            return false;
        sum->ops += one.ops;
        sum->failed += one.failed;
        sum->cpu_ns += one.cpu_ns;
        sum->samples += one.samples;
        all->timed[i] = one.samples;
        if (one.wall_ns > sum->wall_ns)
            sum->wall_ns = one.wall_ns;
    }
    return true;
}

/* With the first order that needs them: what runs before has the store for
 * itself. */
static bool begin_work(crew *all)
{
    atomic_int *ready = bench_shared(sizeof *ready);
    pid_t *pids = bench_shared(LOAD_WORKERS * sizeof *pids);
    load_result unused;

    if (all->working)
        return true;
    all->working = true;
    alone_begin();
    for (int i = 0; i < LOAD_WORKERS; i++) {
        all->workers[i] = (load_worker){
            .index = i,
            .random = bench_mix((uint64_t)i + 1),
            .job = all->job,
            .ready = ready,
            .pids = pids,
            .samples = bench_shared(LOAD_SAMPLES * sizeof(uint32_t)),
        };
        if (!fork_worker(&all->workers[i]))
            return false;
    }
    return collect(all, LOAD_WORKERS, &unused);
}

static int64_t server_cpu(const load_job *job)
{
    clockid_t clock;

    if (!job->engine->server ||
        clock_getcpuclockid(job->engine->server(), &clock) != 0)
        return 0;
    return bench_clock(clock);
}

/* The CPU time of a server counts with that of its clients. */
static bool work(crew *all, const load_order *order, load_result *sum)
{
    int64_t cpu;

    if (!begin_work(all))
        return false;
    cpu = server_cpu(all->job);
    atomic_store(all->workers[0].ready, 0);
    for (int i = 0; i < order->workers; i++) {
        if (write(all->workers[i].order_fd, order, sizeof *order) !=
            (ssize_t)sizeof *order)
            return false;
    }
    if (!collect(all, order->workers, sum))
        return false;
    sum->cpu_ns += server_cpu(all->job) - cpu;
    return true;
}

static void end_work(crew *all)
{
    if (!all->working)
        return;
    /* All before the first wait: a worker has the ends of those before it. */
    for (int i = 0; i < LOAD_WORKERS; i++)
        close(all->workers[i].order_fd);
    for (int i = 0; i < LOAD_WORKERS; i++)
        waitpid(all->workers[i].pid, NULL, 0);
    all->working = false;
}

static bool say_load(crew *all, const char *what, int workers, int ms)
{
    load_order order = {what[0], workers, (int64_t)ms * 1000000, 0, false};
    load_result sum;

    if (!work(all, &order, &sum))
        return false;
    say("%s workers %d ops %llu wall %lld cpu %lld failed %llu", what, workers,
        (unsigned long long)sum.ops, (long long)sum.wall_ns,
        (long long)sum.cpu_ns, (unsigned long long)sum.failed);
    return true;
}

/* ---- latency ------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t at_share(const uint32_t *samples, uint64_t count, double share)
{
    uint64_t at = (uint64_t)((double)count * share);

    return count == 0 ? 0 : samples[at < count ? at : count - 1];
}

/* What the workers timed, in one piece: the second one's after the first's. */
static uint32_t *samples_of(crew *all, const load_result *sum)
{
    uint64_t count = 0;
    uint32_t *samples = calloc(sum->samples + 1, sizeof *samples);

    if (!samples)
        return NULL;
    for (int i = 0; i < LOAD_WORKERS; i++) {
        memcpy(samples + count, all->workers[i].samples,
               all->timed[i] * sizeof *samples);
        count += all->timed[i];
    }
    return samples;
}

/* Of a sampled mix; or of every operation, while the other worker keeps the
 * store up. */
static bool say_latency(crew *all, const char *what, int ms)
{
    const bool upkeep = *what != 'l';
    load_order order = {*what == 'a' ? 'a' : 'm', LOAD_WORKERS,
                        (int64_t)ms * 1000000, upkeep ? 1 : LATENCY_EACH,
                        upkeep};
    load_result sum;
    uint32_t *samples;

    if ((upkeep && !all->job->engine->upkeep) || !work(all, &order, &sum))
        return false;
    samples = samples_of(all, &sum);
    if (!samples)
        return false;
    qsort(samples, sum.samples, sizeof *samples, by_size);
    say("%s samples %llu p50 %u p99 %u p999 %u worst %u failed %llu", what,
        (unsigned long long)sum.samples, at_share(samples, sum.samples, 0.5),
        at_share(samples, sum.samples, 0.99),
        at_share(samples, sum.samples, 0.999),
        at_share(samples, sum.samples, 1), (unsigned long long)sum.failed);
    free(samples);
    return true;
}

/* ---- orders ------------------------------------------------------------- */

/* A line's word, and how many numbers came behind it. */
static int parse(char *line, int *first, int *second)
{
    char *at = line + strcspn(line, " \n"), *end;
    int *numbers[] = {first, second};
    int count = 0;

    while (count < 2 && *at == ' ') {
        long number = strtol(at + 1, &end, 10);

        if (end == at + 1 || number < 0 || number > INT_MAX)
            return -1;
        *numbers[count++] = (int)number;
        *at = '\0';
        at = end;
    }
    if (*at != '\n')
        return -1;
    *at = '\0';
    return count;
}

static bool obey(crew *all, char *line)
{
    int first = 0, second = 0;
    int count = parse(line, &first, &second);

    if (count == 2 && first >= 1 && first <= LOAD_WORKERS &&
        (strcmp(line, "get") == 0 || strcmp(line, "put") == 0 ||
         strcmp(line, "mix") == 0))
        return say_load(all, line, first, second);
    if (count == 1 &&
        (strcmp(line, "latency") == 0 || strcmp(line, "upkeep") == 0 ||
         strcmp(line, "alone") == 0))
        return say_latency(all, line, first);
    if (count == 1 && strcmp(line, "storm") == 0)
        return storm_run(all->job, (unsigned)first);
    if (count != 0)
        return false;
    if (strcmp(line, "found") == 0)
        return say_found(all->job);
    if (strcmp(line, "used") == 0)
        return say_used(all->job);
    if (strcmp(line, "reopen") == 0 && !all->working)
        return say_reopen(all->job);
    if (strcmp(line, "restart") == 0)
        return say_restart(all->job);
    return false;
}

int bench_serve(const load_job *job)
{
    crew all = {.job = job};
    const char *why = job->engine->open(&job->plan);
    char line[64];

    if (why) {
        say("absent %s", why);
        return 0;
    }
    fill(job);
    /* An order that this engine does not know is answered, so that nobody
     * waits for it. */
    while (fgets(line, sizeof line, stdin)) {
        if (!obey(&all, line))
            say("cannot %s", line);
    }
    end_work(&all);
    if (job->engine->close)
        job->engine->close();
    return 0;
}
