/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page about a store.  For people it has sections, and a row begins with
 * the name that JSON has for it; JSON has all rows in one object, and the
 * tables as arrays.
 */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>

#include "shm_stats.h"

#define NAMESPACES_MAX 1024 /* told one by one; the rest in a sum */

typedef struct page {
    const tool *t;
    shm_stats s;
    shm_upkeep_stats upkeep;
    bool begun; /* JSON: a comma goes before the next */
} page;

static void section(const page *p, const char *title)
{
    if (!p->t->json) {
        printf("%s%s\n", p->begun ? "\n" : "", title);
    }
}

static void row(page *p, const char *name, uint64_t value, const char *what)
{
    if (p->t->json) {
        printf("%s\"%s\": %" PRIu64, p->begun ? ", " : "{", name, value);
    }
    else {
        printf("%-17s %12" PRIu64 "  %s\n", name, value, what);
    }
    p->begun = true;
}

static void put_records(page *p)
{
    const shm_stats *s = &p->s;

    section(p, "RECORDS");
    row(p, "records", s->records, "now, ended ones not yet swept included");
    row(p, "anonymous", s->records_by_kind[SST_ANONYMOUS],
        "of them sessions without a user");
    row(p, "users", s->records_by_kind[SST_USER], "of them sessions of a user");
    row(p, "aliases", s->records_by_kind[SST_ALIAS],
        "of them old ids in their grace");
    row(p, "epochs", s->records_by_kind[SST_EPOCH],
        "of them log-outs everywhere, users' lists, notes of copies");
    row(p, "tombstones", s->records_by_kind[SST_TOMBSTONE],
        "of them ends that are remembered");
}

static void put_room(page *p)
{
    const shm_stats *s = &p->s;

    section(p, "ROOM");
    row(p, "size", s->size, "bytes of the segment");
    row(p, "pages", s->pages, "of the segment");
    row(p, "pages_free", s->pages_free, "of them in no use");
    row(p, "page_size", s->page_size, "bytes of a page");
    row(p, "shards", s->shards, "parts with a lock each");
    row(p, "bytes_free", s->bytes_free, "in free pages and free chunks");
    row(p, "bytes_chunks", s->bytes_chunks, "of memory that holds records");
    row(p, "bytes_values", s->bytes_values, "of that, values");
    row(p, "bytes_heads", s->bytes_heads, "of that, keys, times and the like");
    row(p, "bytes_wasted", s->bytes_wasted, "of that, behind the ends");
}

static void put_classes(const page *p)
{
    bool first = true;

    if (p->t->json) {
        fputs(", \"classes\": [", stdout);
    }
    else {
        printf("\nSIZES IN USE\n%8s %10s %12s %12s %14s\n", "size", "pages",
               "used", "free", "bytes free");
    }
    for (uint32_t i = 0; i < p->s.classes; i++) {
        const shm_class_stats *c = &p->s.by_class[i];

        if (c->pages == 0) {
            continue;
        }
        if (p->t->json) {
            fputs(first ? "" : ", ", stdout);
        }
        printf(p->t->json
                   ? "{\"size\": %u, \"pages\": %" PRIu64 ", \"used\": %" PRIu64
                     ", \"free\": %" PRIu64 ", \"bytes_free\": %" PRIu64 "}"
                   : "%8u %10" PRIu64 " %12" PRIu64 " %12" PRIu64 " %14" PRIu64
                     "\n",
               c->size, c->pages, c->used, c->free, c->bytes_free);
        first = false;
    }
    fputs(p->t->json ? "]" : "", stdout);
}

static shm_status put_namespaces(const page *p)
{
    static shm_ns_stats list[NAMESPACES_MAX];
    uint64_t rest;
    size_t count;
    shm_status status = shm_store_namespaces(p->t->at.segment, list,
                                             NAMESPACES_MAX, &count, &rest);

    if (status != SST_OK) {
        return status;
    }
    fputs(p->t->json ? ", \"namespaces\": [" : "\nNAMESPACES\n", stdout);
    for (size_t i = 0; i < count; i++) {
        if (p->t->json) {
            fputs(i ? ", " : "", stdout);
        }
        printf(p->t->json ? "{\"namespace\": \"%08x\", \"bytes\": %" PRIu64 "}"
                          : "%08x          %12" PRIu64 "  bytes\n",
               list[i].ns, list[i].bytes);
    }
    if (p->t->json) {
        printf("], \"namespaces_other\": %" PRIu64, rest);
    }
    else if (rest > 0) {
        printf("others            %12" PRIu64 "  bytes\n", rest);
    }
    return SST_OK;
}

static void put_counters(page *p)
{
    const shm_stats *s = &p->s;

    section(p, "WHAT HAPPENED, WHO WENT AND WHY");
#define X(name, what) row(p, #name, s->name, what);
    SHM_STORE_COUNTERS(X)
#undef X
}

static void put_operations(const page *p)
{
    static const char *const names[SST_OP_COUNT] = {
        [SST_OP_GET] = "get",
        [SST_OP_PUT] = "put",
        [SST_OP_TOUCH] = "touch",
        [SST_OP_REMOVE] = "remove",
    };

    if (p->t->json) {
        fputs(", \"operations\": {", stdout);
    }
    else {
        printf("\nOPERATIONS, ns, about one in a hundred timed\n"
               "%-8s %12s %12s %12s %12s %12s\n",
               "", "timed", "p50 <", "p99 <", "p99.9 <", "slowest <");
    }
    for (unsigned op = 0; op < SST_OP_COUNT; op++) {
        const shm_latency *l = &p->s.latency[op];

        if (p->t->json) {
            fputs(op ? ", " : "", stdout);
        }
        printf(p->t->json
                   ? "\"%s\": {\"timed\": %" PRIu64 ", \"p50_ns\": %" PRIu64
                     ", \"p99_ns\": %" PRIu64 ", \"p999_ns\": %" PRIu64
                     ", \"max_ns\": %" PRIu64 "}"
                   : "%-8s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
                     " %12" PRIu64 "\n",
               names[op], shm_latency_samples(l), shm_latency_quantile(l, 500),
               shm_latency_quantile(l, 990), shm_latency_quantile(l, 999),
               shm_latency_quantile(l, 1000));
    }
    fputs(p->t->json ? "}" : "", stdout);
}

static void put_upkeep(page *p)
{
    const shm_upkeep_stats *u = &p->upkeep;

    section(p, "UPKEEP");
    row(p, "cleanup_runs", u->held, "1: a process has the lease for it");
    if (u->beat_age_ms >= 0) {
        row(p, "cleanup_beat_ms", (uint64_t)u->beat_age_ms,
            "ms since its last heartbeat");
    }
    row(p, "cleanup_behind_ms", (uint64_t)u->behind_ms,
        "ms that the oldest due page waits");
    row(p, "pages_due", u->pages_due, "pages that wait");
    row(p, "busy", p->s.busy, "waits for a lock that were given up");
}

outcome tool_stats(tool *t)
{
    page p = {.t = t};
    shm_status status;

    if (!t->at.segment) {
        return tool_count(t);
    }
    status = shm_store_stats(t->at.segment, &p.s);
    if (status == SST_OK) {
        status = shm_store_upkeep(t->at.segment, t->now_ms, &p.upkeep);
    }
    if (status != SST_OK) {
        return tool_fail_status(t, status);
    }
    put_records(&p);
    put_room(&p);
    put_classes(&p);
    status = put_namespaces(&p);
    put_counters(&p);
    put_operations(&p);
    put_upkeep(&p);
    if (t->json) {
        puts("}");
    }
    return status == SST_OK ? DONE : tool_fail_status(t, status);
}
