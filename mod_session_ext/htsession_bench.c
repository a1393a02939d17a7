/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a store is on this host: a segment of its own in a directory of its
 * own beside the given one, so on the same file system.  Its name is gone as
 * soon as it is mapped, so nothing stays behind a kill; the given store is not
 * even opened.
 */
#include "htsession.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shm_stats.h"

#define VALUE            256
#define SIZE_MAX_DEFAULT ((uint64_t)64 << 20)
#define RECORDS_MAX      100000u
#define RUN_MS           500
#define LIFE_MS          ((int64_t)3600 * 1000)
#define SUB_BITS         4 /* 16 cells from one power of two to the next */
#define CELLS            ((65 - SUB_BITS) << SUB_BITS)

typedef enum mix { MIX_GET, MIX_PUT, MIX_BOTH, MIXES } mix;

static const char *const mix_words[MIXES] = {"get", "put", "90:10"};

/* How long operations took, each of them. */
typedef struct durations {
    uint64_t cells[CELLS];
    uint64_t max;
} durations;

/* What a run tells; its memory is shared with the processes that run. */
typedef struct shared {
    durations took[2];
    shm_status failed[2];
    uint64_t tokens[RECORDS_MAX];
} shared;

typedef struct result {
    double rate;            /* a second */
    uint64_t p50, p99, max; /* ns */
} result;

typedef struct bench {
    tool *t;
    shm_store *store;
    shared *all;
    uint64_t size;
    uint32_t records;
    result results[MIXES][2]; /* of one process and of two */
} bench;

/* ---- durations ---------------------------------------------------------- */

/* Small ones have a cell each, others share it with those that differ from
 * them by a sixteenth. */
static unsigned cell_of(uint64_t ns)
{
    unsigned shift = 0;

    while (ns >> shift >= UINT64_C(2) << SUB_BITS) {
        shift++;
    }
    return (shift << SUB_BITS) + (unsigned)(ns >> shift);
}

static uint64_t top_of(unsigned cell)
{
    unsigned shift = cell >> SUB_BITS > 1 ? (cell >> SUB_BITS) - 1 : 0;

    return (((uint64_t)cell - ((uint64_t)shift << SUB_BITS) + 1) << shift) - 1;
}

static void note(durations *took, uint64_t ns)
{
    took->cells[cell_of(ns)]++;
    if (ns > took->max) {
        took->max = ns;
    }
}

static uint64_t add(durations *to, const durations *from)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < CELLS; i++) {
        to->cells[i] += from->cells[i];
        count += from->cells[i];
    }
    to->max = from->max > to->max ? from->max : to->max;
    return count;
}

/* A bound that ${percent} of all are not above. */
static uint64_t quantile(const durations *of, uint64_t count, unsigned percent)
{
    uint64_t rank = (count * percent + 99) / 100, seen = 0;
    unsigned cell = 0;

    while (cell < CELLS - 1 && (seen += of->cells[cell]) < rank) {
        cell++;
    }
    return top_of(cell) < of->max ? top_of(cell) : of->max;
}

/* ---- operations --------------------------------------------------------- */

/* The clock of every `now_ms`. */
static int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const unsigned char *key_of(uint32_t no, unsigned char key[SST_KEY_LEN])
{
    memset(key, 0x5a, SST_KEY_LEN);
    memcpy(key, &no, sizeof(no));
    return key;
}

static shm_status put(const bench *b, uint32_t no, int64_t now_ms)
{
    static unsigned char value[VALUE];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = {.kind = SST_USER,
                     .created_ms = now_ms,
                     .last_access_ms = now_ms,
                     .expires_ms = now_ms + LIFE_MS,
                     .hard_end_ms = now_ms + LIFE_MS};
    shm_status status =
        shm_store_put_if(b->store, key_of(no, key), b->all->tokens[no], value,
                         VALUE, &meta, NULL, now_ms);

    if (status == SST_OK) {
        b->all->tokens[no] = meta.token;
    }
    return status;
}

static shm_status get(const bench *b, uint32_t no, int64_t now_ms)
{
    unsigned char key[SST_KEY_LEN], value[VALUE];
    shm_meta meta;

    return shm_store_get(b->store, key_of(no, key), value, VALUE, &meta, 0,
                         now_ms);
}

/* One process: it writes records of its own half only, so that none is lost to
 * the other one, and reads all.  One that waits too long for the other is slow,
 * as the quantiles say, but has not failed.  The one look at the clock that an
 * operation needs anyway ends the one before it, so that all are timed for
 * nothing. */
static void work(const bench *b, mix what, uint32_t me, uint32_t processes)
{
    durations *took = &b->all->took[me];
    int64_t now = clock_ns(), end = now + (int64_t)RUN_MS * 1000000;
    uint64_t random = 88172645463325252u + me;
    shm_status status = SST_OK;

    while ((status == SST_OK || status == SST_BUSY) && now < end) {
        int64_t began = now, now_ms = began / 1000000;
        uint32_t no;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        no = (uint32_t)(random >> 33) % (b->records / 2);
        status = what == MIX_PUT || (what == MIX_BOTH && random % 10 == 0)
                     ? put(b, no * 2 + me % processes, now_ms)
                     : get(b, no * 2 + (uint32_t)(random & 1), now_ms);
        now = clock_ns();
        note(took, now > began ? (uint64_t)(now - began) : 0);
    }
    b->all->failed[me] = status == SST_BUSY ? SST_OK : status;
}

static result result_of(const bench *b, uint32_t processes)
{
    durations all = {.max = 0};
    uint64_t count = 0;

    for (uint32_t me = 0; me < processes; me++) {
        count += add(&all, &b->all->took[me]);
    }
    return (result){.rate = (double)count * 1000 / RUN_MS,
                    .p50 = quantile(&all, count, 50),
                    .p99 = quantile(&all, count, 99),
                    .max = all.max};
}

static outcome run(bench *b, mix what, uint32_t processes)
{
    pid_t pids[2];
    outcome ended = DONE;

    if (b->t->terminal) {
        fprintf(stderr, "\r\033[K%s, %u process%s", mix_words[what], processes,
                processes > 1 ? "es" : "");
    }
    memset(b->all->took, 0, sizeof(b->all->took));
    fflush(stdout);
    for (uint32_t me = 0; me < processes; me++) {
        b->all->failed[me] = SST_UNAVAILABLE;
        pids[me] = fork();
        if (pids[me] == 0) {
            work(b, what, me, processes);
            _exit(0);
        }
    }
    for (uint32_t me = 0; me < processes; me++) {
        if (pids[me] < 0 || waitpid(pids[me], NULL, 0) < 0 ||
            b->all->failed[me] != SST_OK) {
            ended = tool_fail(b->t, "%s: %s", mix_words[what],
                              shm_status_str(b->all->failed[me]));
        }
    }
    b->results[what][processes - 1] = result_of(b, processes);
    return ended;
}

static void put_json(const bench *b)
{
    static const char *const words[2] = {"one", "two"};

    printf("{\"size\": %" PRIu64
           ", \"records\": %u, \"value_bytes\": %d, \"runs\": [",
           b->size, b->records, VALUE);
    for (unsigned i = 0; i < MIXES; i++) {
        printf("%s{\"what\": \"%s\", \"ratio\": %.2f", i ? ", " : "",
               mix_words[i], b->results[i][1].rate / b->results[i][0].rate);
        for (unsigned two = 0; two < 2; two++) {
            const result *of = &b->results[i][two];

            printf(", \"%s\": %.0f", words[two], of->rate);
            printf(", \"%s_p50_ns\": %" PRIu64 ", \"%s_p99_ns\": %" PRIu64
                   ", \"%s_max_ns\": %" PRIu64,
                   words[two], of->p50, words[two], of->p99, words[two],
                   of->max);
        }
        putchar('}');
    }
    puts("]}");
}

static void put_text(const bench *b)
{
    printf("%u records of %d bytes in %" PRIu64 " bytes; thousands a second, "
           "and how long each took\n"
           "%-6s %9s %7s %7s %9s  %9s %7s %7s %9s %6s\n",
           b->records, VALUE, b->size, "", "one", "p50 ns", "p99 ns", "max ns",
           "two", "p50 ns", "p99 ns", "max ns", "ratio");
    for (unsigned i = 0; i < MIXES; i++) {
        const result *one = &b->results[i][0], *two = &b->results[i][1];

        printf("%-6s %9.0f %7" PRIu64 " %7" PRIu64 " %9" PRIu64
               "  %9.0f %7" PRIu64 " %7" PRIu64 " %9" PRIu64 " %6.2f\n",
               mix_words[i], one->rate / 1000, one->p50, one->p99, one->max,
               two->rate / 1000, two->p50, two->p99, two->max,
               two->rate / one->rate);
    }
}

static outcome measure(bench *b)
{
    outcome ended = DONE;

    for (uint32_t no = 0; no < b->records; no++) {
        shm_status status = put(b, no, shm_store_clock_ms());

        if (status != SST_OK) {
            return tool_fail_status(b->t, status);
        }
    }
    for (unsigned what = 0; what < MIXES && ended == DONE; what++) {
        ended = run(b, (mix)what, 1);
        if (ended == DONE) {
            ended = run(b, (mix)what, 2);
        }
    }
    if (b->t->terminal) {
        fputs("\r\033[K", stderr);
    }
    if (ended == DONE && b->t->json) {
        put_json(b);
    }
    else if (ended == DONE) {
        put_text(b);
    }
    return ended;
}

/* ---- the segment -------------------------------------------------------- */

static outcome bench_size(bench *b)
{
    struct stat st;
    char *end = NULL;

    if (stat(b->t->file, &st) != 0) {
        return tool_fail(b->t, "%s", strerror(errno));
    }
    b->size = (uint64_t)st.st_size < SIZE_MAX_DEFAULT ? (uint64_t)st.st_size
                                                      : SIZE_MAX_DEFAULT;
    if (b->t->size != NULL) {
        errno = 0;
        b->size = strtoull(b->t->size, &end, 10);
        b->size <<= *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;
        end += *end == 'k' || *end == 'm' || *end == 'g';
        if (errno != 0 || *end != '\0' || !shm_store_size_ok(b->size)) {
            fprintf(stderr,
                    "htsession: '%s' is no size of a store: accepted are "
                    "numbers with k, m or g, from 1m on\n",
                    b->t->size);
            return BAD_USAGE;
        }
    }
    if (!shm_store_size_ok(b->size)) {
        return tool_fail(b->t, "is no store by its size; name one with --size");
    }
    b->records = (uint32_t)(b->size / 1024) & ~1u;
    if (b->records > RECORDS_MAX) {
        b->records = RECORDS_MAX;
    }
    return DONE;
}

static outcome open_segment(bench *b, const char *path)
{
    shm_store_config config = {.path = path,
                               .size = b->size,
                               .max_record = 1 << 20,
                               .owner = geteuid(),
                               .is_server = true};
    shm_attach_report report;
    char err[512];

    b->store = shm_store_open(&config, err, sizeof(err));
    if (b->store == NULL) {
        fprintf(stderr, "htsession: %s\n", err);
        return BROKEN;
    }
    if (shm_store_attach(b->store, shm_store_clock_ms(), &report) != SST_OK) {
        return tool_fail(b->t, "cannot be measured beside: %s", report.why);
    }
    return DONE;
}

outcome tool_bench(tool *t)
{
    bench b = {.t = t};
    char dir[4096], path[4200], *beside;
    outcome ended = bench_size(&b);
    bool made;

    if (ended != DONE) {
        return ended;
    }
    beside = realpath(t->file, NULL);
    if (beside == NULL) {
        return tool_fail(t, "%s", strerror(errno));
    }
    made = snprintf(dir, sizeof(dir), "%s.bench-XXXXXX", beside) <
               (int)sizeof(dir) &&
           mkdtemp(dir) != NULL;
    free(beside);
    if (!made) {
        return tool_fail(t, "no directory can be made beside it: %s",
                         strerror(errno));
    }
    b.all = mmap(NULL, sizeof(*b.all), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(path, sizeof(path), "%s/store", dir);
    ended = b.all == MAP_FAILED ? tool_fail(t, "out of memory")
                                : open_segment(&b, path);
    unlink(path);
    rmdir(dir);
    if (ended == DONE) {
        ended = measure(&b);
    }
    shm_store_close(b.store);
    return ended;
}
