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
#include <unistd.h>

#include "shm_stats.h"

#define VALUE            256
#define SIZE_MAX_DEFAULT ((uint64_t)64 << 20)
#define RECORDS_MAX      100000u
#define RUN_MS           500
#define BATCH            256 /* operations between looks at the clock */
#define LIFE_MS          ((int64_t)3600 * 1000)

typedef enum mix { MIX_GET, MIX_PUT, MIX_BOTH, MIXES } mix;

static const char *const mix_words[MIXES] = {"get", "put", "90:10"};

/* What a run tells; its memory is shared with the processes that run. */
typedef struct shared {
    uint64_t done[2];
    shm_status failed[2];
    uint64_t tokens[RECORDS_MAX];
} shared;

typedef struct bench {
    tool *t;
    shm_store *store;
    shared *all;
    uint64_t size;
    uint32_t records;
    double rates[MIXES][2];
} bench;

static const unsigned char *key_of(uint32_t no, unsigned char key[SST_KEY_LEN])
{
    memset(key, 0x5a, SST_KEY_LEN);
    memcpy(key, &no, sizeof(no));
    return key;
}

static shm_status put(const bench *b, uint32_t no)
{
    static unsigned char value[VALUE];
    unsigned char key[SST_KEY_LEN];
    int64_t now_ms = shm_store_clock_ms();
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

static shm_status get(const bench *b, uint32_t no)
{
    unsigned char key[SST_KEY_LEN], value[VALUE];
    shm_meta meta;

    return shm_store_get(b->store, key_of(no, key), value, VALUE, &meta, 0,
                         shm_store_clock_ms());
}

/* One process: it writes records of its own half only, so that none is lost to
 * the other one, and reads all. */
static void work(const bench *b, mix what, uint32_t me, uint32_t processes)
{
    int64_t end = shm_store_clock_ms() + RUN_MS;
    uint64_t random = 88172645463325252u + me, done = 0;
    shm_status status = SST_OK;

    while (status == SST_OK && shm_store_clock_ms() < end) {
        for (int i = 0; i < BATCH && status == SST_OK; i++, done++) {
            uint32_t no;

            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            no = (uint32_t)(random >> 33) % (b->records / 2);
            status = what == MIX_PUT || (what == MIX_BOTH && random % 10 == 0)
                         ? put(b, no * 2 + me % processes)
                         : get(b, no * 2 + (uint32_t)(random & 1));
        }
    }
    b->all->done[me] = done;
    b->all->failed[me] = status;
}

static outcome run(bench *b, mix what, uint32_t processes)
{
    pid_t pids[2];
    outcome result = DONE;

    if (b->t->terminal) {
        fprintf(stderr, "\r\033[K%s, %u process%s", mix_words[what], processes,
                processes > 1 ? "es" : "");
    }
    fflush(stdout);
    for (uint32_t me = 0; me < processes; me++) {
        b->all->failed[me] = SST_UNAVAILABLE;
        pids[me] = fork();
        if (pids[me] == 0) {
            work(b, what, me, processes);
            _exit(0);
        }
    }
    b->rates[what][processes - 1] = 0;
    for (uint32_t me = 0; me < processes; me++) {
        if (pids[me] < 0 || waitpid(pids[me], NULL, 0) < 0 ||
            b->all->failed[me] != SST_OK) {
            result = tool_fail(b->t, "%s: %s", mix_words[what],
                               shm_status_str(b->all->failed[me]));
        }
        b->rates[what][processes - 1] +=
            (double)b->all->done[me] * 1000 / RUN_MS;
    }
    return result;
}

static void put_result(const bench *b)
{
    if (b->t->json) {
        printf("{\"size\": %" PRIu64
               ", \"records\": %u, \"value_bytes\": %d, \"runs\": [",
               b->size, b->records, VALUE);
    }
    else {
        printf("%u records of %d bytes in %" PRIu64 " bytes; thousands a "
               "second\n%-6s %12s %12s %8s\n",
               b->records, VALUE, b->size, "", "one process", "two", "ratio");
    }
    for (unsigned i = 0; i < MIXES; i++) {
        double one = b->rates[i][0], two = b->rates[i][1];

        if (b->t->json) {
            printf("%s{\"what\": \"%s\", \"one\": %.0f, \"two\": %.0f, "
                   "\"ratio\": %.2f}",
                   i ? ", " : "", mix_words[i], one, two, two / one);
        }
        else {
            printf("%-6s %12.0f %12.0f %8.2f\n", mix_words[i], one / 1000,
                   two / 1000, two / one);
        }
    }
    fputs(b->t->json ? "]}\n" : "", stdout);
}

static outcome measure(bench *b)
{
    outcome result = DONE;

    for (uint32_t no = 0; no < b->records; no++) {
        shm_status status = put(b, no);

        if (status != SST_OK) {
            return tool_fail_status(b->t, status);
        }
    }
    for (unsigned what = 0; what < MIXES && result == DONE; what++) {
        result = run(b, (mix)what, 1);
        if (result == DONE) {
            result = run(b, (mix)what, 2);
        }
    }
    if (b->t->terminal) {
        fputs("\r\033[K", stderr);
    }
    if (result == DONE) {
        put_result(b);
    }
    return result;
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
    outcome result = bench_size(&b);
    bool made;

    if (result != DONE) {
        return result;
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
    result = b.all == MAP_FAILED ? tool_fail(t, "out of memory")
                                 : open_segment(&b, path);
    unlink(path);
    rmdir(dir);
    if (result == DONE) {
        result = measure(&b);
    }
    shm_store_close(b.store);
    return result;
}
