/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load: the same order of records, mix and clock for every engine.
 *
 * bench_serve fills an engine and then obeys lines on standard input, so that
 * a script can take turns between several engines.  Each answer is a line: the
 * order's word, then names with their numbers.
 *
 *   get|put|mix WORKERS MS  how many, how long, how many failed
 *   latency MS              of gets among a mix by two workers, sampled
 *   upkeep MS               of every operation while another process does
 *                           the store's upkeep
 *   alone MS                the same of a lock without a store behind it
 *   found                   how much of what was put is there (a sample)
 *   used                    bytes
 *   reopen                  how long it took; before any load
 *   storm KILLS             see storm.c; the last order
 *   restart                 the server's, where there is one; the last order
 *
 * mix is nine gets to one put.  Workers are forked once because every page of a
 * shared mapping is a fault for each new process, which would be all that a
 * short run measures.  With two workers each puts to records of its own half;
 * gets go everywhere.  A value begins with its record's number, so that a get
 * of the wrong record is a failure; which record comes next depends on it, so
 * that no engine has several gets under way at once.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdatomic.h>
#include "delay.h"
#include "engine.h"

#define LOAD_WORKERS DELAY_PROCESSES

typedef struct load_job {
    const bench_engine *engine;
    bench_plan plan;
} load_job;

typedef struct load_order {
    char what; /* 'g', 'p', 'm'; 'a': a lock alone, and no store */
    int workers;
    int64_t ns;
    unsigned timed; /* time each n-th operation; 0: none */
    bool upkeep;    /* the last worker does the store's upkeep instead */
} load_order;

typedef struct load_result {
    uint64_t ops, failed;
    int64_t wall_ns, cpu_ns;
    uint64_t samples; /* timed */
} load_result;

#define LOAD_SAMPLES ((uint64_t)1 << 21)

typedef struct load_worker {
    int index, order_fd, result_fd;
    pid_t pid;
    uint64_t random, next_put;
    const load_job *job;
    atomic_int *ready; /* shared: how many have come to the start line */
    pid_t *pids;       /* shared: of each, written by itself */
    delay_watch delay; /* of all workers */
    uint32_t *samples; /* shared: ns of each timed operation */
} load_worker;

/** The value that every record has unless a storm wrote it. */
void load_value(uint64_t record, unsigned char *value, size_t len);

/** A number below ${below}, by multiplication: a division would be seen. */
uint64_t load_pick(uint64_t *random, uint64_t below);

/** A worker's life: obeys orders from its pipe until that ends. */
void load_worker_main(load_worker *worker);

/** Fill, fork, obey until standard input ends.  Returns an exit status. */
int bench_serve(const load_job *job);

/** Kill ${kills} writers amid their work and print what is left. */
bool storm_run(const load_job *job, unsigned kills);

#endif
