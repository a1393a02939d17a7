/* SPDX-License-Identifier: Apache-2.0 */
/* The store as a whole: stats, sweep, check; and keygen, which needs none. */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <apr_general.h>

#include "shm_stats.h"
#include "sx_keys.h"

#define SWEEP_SLICE_US 20000

/* ---- stats -------------------------------------------------------------- */

typedef struct figure {
    const char *name;
    uint64_t value;
    const char *what;
} figure;

outcome tool_stats(tool *t)
{
    shm_stats s;
    shm_status status = shm_store_stats(t->store, &s);
    const figure figures[] = {
        {"records", s.records, "now, ended ones not yet swept included"},
        {"anonymous", s.records_by_kind[SST_ANONYMOUS],
         "of them sessions without a user"},
        {"users", s.records_by_kind[SST_USER], "of them sessions of a user"},
        {"aliases", s.records_by_kind[SST_ALIAS],
         "of them old ids in their grace"},
        {"epochs", s.records_by_kind[SST_EPOCH], "of them log-outs everywhere"},
        {"tombstones", s.records_by_kind[SST_TOMBSTONE],
         "of them ends that are remembered"},
        {"size", s.size, "bytes of the segment"},
        {"pages", s.pages, "of the segment"},
        {"pages_free", s.pages_free, "of them in no use"},
        {"page_size", s.page_size, "bytes of a page"},
        {"shards", s.shards, "parts with a lock each"},
        {"bytes_values", s.bytes_values, "of values"},
        {"bytes_chunks", s.bytes_chunks, "of memory that holds them"},
#define X(name, what) {#name, s.name, what},
        SHM_STORE_COUNTERS(X)
#undef X
    };
    const size_t count = sizeof(figures) / sizeof(*figures);

    if (status != SST_OK) {
        return tool_fail_status(t, status);
    }
    for (size_t i = 0; i < count; i++) {
        if (t->json) {
            printf("%s\"%s\": %" PRIu64, i ? ", " : "{", figures[i].name,
                   figures[i].value);
        }
        else {
            printf("%-13s %12" PRIu64 "  %s\n", figures[i].name,
                   figures[i].value, figures[i].what);
        }
    }
    if (t->json) {
        puts("}");
    }
    return DONE;
}

/* ---- sweep, check ------------------------------------------------------- */

outcome tool_sweep(tool *t)
{
    shm_sweep_report slice = {0};
    uint64_t pages = 0, freed = 0;

    while (!slice.finished) {
        shm_status status = shm_store_sweep(t->store, SWEEP_SLICE_US,
                                            shm_store_clock_ms(), &slice);

        if (status != SST_OK) {
            return tool_fail_status(t, status);
        }
        pages += slice.pages;
        freed += slice.freed;
        if (t->terminal && !slice.finished) {
            fprintf(stderr, "\r%" PRIu64 " records freed", freed);
        }
    }
    if (t->terminal) {
        fputs("\r\033[K", stderr);
    }
    printf(t->json ? "{\"freed\": %" PRIu64 ", \"pages\": %" PRIu64 "}\n"
                   : "%" PRIu64 " ended records freed, %" PRIu64
                     " pages looked at\n",
           freed, pages);
    return DONE;
}

/* What attaching had to give up counts as a fault, too: the segment was
 * repaired by it and would pass. */
outcome tool_check(tool *t)
{
    shm_stats stats = {0};
    char why[200] = "";
    shm_status status = shm_store_check(t->store, why, sizeof(why));
    uint64_t lost = t->attached.lost;

    if (status == SST_OK) {
        status = shm_store_stats(t->store, &stats);
    }
    if (status != SST_OK && status != SST_DAMAGED) {
        return tool_fail_status(t, status);
    }
    if (t->json) {
        printf("{\"ok\": %s, \"records\": %" PRIu64 ", \"lost\": %" PRIu64
               ", \"why\": ",
               status == SST_OK && lost == 0 ? "true" : "false", stats.records,
               lost);
        tool_put_json(why);
        puts("}");
    }
    else if (status == SST_OK && lost == 0) {
        printf("no fault in %" PRIu64 " records\n", stats.records);
    }
    if (status == SST_DAMAGED) {
        return tool_fail(t, "damaged: %s", why);
    }
    /* What was lost has been told when it was found. */
    return lost == 0 ? DONE : BROKEN;
}

/* ---- keygen ------------------------------------------------------------- */

outcome tool_keygen(tool *t)
{
    struct stat st;
    apr_pool_t *pool;
    const char *why;

    if (lstat(t->file, &st) == 0) {
        return tool_fail(t, "exists and stays as it is; name a new file");
    }
    if (!sx_crypto_init() || apr_initialize() != APR_SUCCESS) {
        return tool_fail(t, "no random numbers can be had on this host");
    }
    apr_pool_create(&pool, NULL);
    why = sx_keys_generate(t->file, pool);
    if (why) {
        fprintf(stderr, "htsession: %s\n", why);
    }
    else if (t->json) {
        fputs("{\"file\": ", stdout);
        tool_put_json(t->file);
        puts("}");
    }
    else {
        printf("%s: a new key, readable by its owner only\n", t->file);
    }
    apr_pool_destroy(pool);
    return why ? BROKEN : DONE;
}
