/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured: one interface to every store, a file for each.
 *
 * A process runs one engine, so an engine keeps its state in statics of its
 * file.  `open` runs once; the process fills the store and then forks workers,
 * which call `child` and share the store with their parent.
 *
 * Keys are 32 random-looking bytes computed from the record's number: no table
 * of keys takes part in the cache misses.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>

#define BENCH_KEY_LEN   32
#define BENCH_VALUE_MAX 4096
#define BENCH_NS        INT64_C(1000000000)

typedef struct bench_plan {
    uint64_t records;
    size_t len;      /* of each value */
    const char *dir; /* for files and sockets; in memory */
    size_t room;     /* bytes a record beside key and value; 0: ample */
} bench_plan;

/* What may be NULL says so. */
typedef struct bench_engine {
    const char *name;
    /* NULL, or a sentence why this store cannot be measured here. */
    const char *(*open)(const bench_plan *plan);
    /* In each worker, first of all.  May be NULL. */
    bool (*child)(void);
    /* Copy the record's value out: its length, 0 if it was not had. */
    size_t (*get)(uint64_t record, unsigned char *buf, size_t cap);
    /* Replace the record's value, or make the record. */
    bool (*put)(uint64_t record, const unsigned char *value, size_t len);
    /* The record that is put after this one: have at hand what a caller has of
     * it by then.  May be NULL. */
    void (*soon)(uint64_t record);
    /* Begin or end many puts of which none must be answered before the end;
     * false if one of them failed.  May be NULL. */
    bool (*bulk)(bool on);
    /* Bytes that keys, values and what the store adds take up.  May be NULL. */
    uint64_t (*used)(void);
    /* A step of the store's upkeep, such as expiry.  May be NULL. */
    bool (*upkeep)(void);
    /* Let go of a store that nobody else uses and take it up again, checked
     * as after a crash.  May be NULL. */
    bool (*reopen)(void);
    /* The process that does the work where that is not the caller, and its
     * end and new start.  Both or neither. */
    pid_t (*server)(void);
    bool (*restart)(void);
    void (*close)(void); /* may be NULL */
} bench_engine;

static inline uint64_t bench_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline void bench_key(uint64_t record, unsigned char *key)
{
    for (unsigned i = 0; i < BENCH_KEY_LEN / 8; i++) {
        uint64_t word = bench_mix(record * 4 + i);

        memcpy(key + (size_t)8 * i, &word, 8);
    }
}

static inline int64_t bench_clock(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * BENCH_NS + t.tv_nsec;
}

/* Memory that the workers and their parent share. */
static inline void *bench_shared(size_t len)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

#endif
