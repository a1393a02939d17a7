/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One engine under the load of load.h:
 *
 *   store ENGINE RECORDS VALUE_BYTES DIRECTORY [ROOM]
 *
 * ROOM is what the store is given for each record beyond key and value, in
 * bytes; ample unless said.  An engine whose library configure did not find is
 * left out of the build, and asked for it says so as if it had been opened.
 */
#include "load.h"

extern const bench_engine engine_shm, engine_table, engine_memcpy;
#ifdef HAVE_LMDB
extern const bench_engine engine_lmdb;
#endif
#ifdef HAVE_HIREDIS
extern const bench_engine engine_redis;
#endif
#ifdef HAVE_LIBMEMCACHED
extern const bench_engine engine_memcached;
#endif

static const bench_engine *const engines[] = {
    &engine_shm,       &engine_table, &engine_memcpy,
#ifdef HAVE_LMDB
    &engine_lmdb,
#endif
#ifdef HAVE_HIREDIS
    &engine_redis,
#endif
#ifdef HAVE_LIBMEMCACHED
    &engine_memcached,
#endif
};

static const char *nothing(const bench_plan *plan)
{
    (void)plan;
    return "not installed";
}

static const bench_engine absent = {.name = "absent", .open = nothing};

static const bench_engine *engine_of(const char *name)
{
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    }
    return &absent;
}

int main(int argc, char **argv)
{
    load_job job = {0};

    if (argc == 5 || argc == 6) {
        job.engine = engine_of(argv[1]);
        job.plan = (bench_plan){
            .records = strtoull(argv[2], NULL, 10),
            .len = strtoull(argv[3], NULL, 10),
            .dir = argv[4],
            .room = argc == 6 ? strtoull(argv[5], NULL, 10) : 0,
        };
    }
    if (job.plan.records < LOAD_WORKERS || job.plan.len < 16 ||
        job.plan.len > BENCH_VALUE_MAX) {
        fputs("usage: store ENGINE RECORDS VALUE_BYTES DIRECTORY [ROOM]\n",
              stderr);
        return 2;
    }
    return bench_serve(&job);
}
