/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a store that keeps none: what a walk over all of it finds. */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>

#define NAMESPACES_MAX 1024 /* told one by one; the rest in a sum */

typedef struct count {
    tool *t;
    uint64_t kinds[SX_TOMBSTONE + 1];
    uint64_t records, bytes, bytes_other;
    size_t namespaces;
    struct {
        uint32_t ns;
        uint64_t bytes;
    } list[NAMESPACES_MAX];
} count;

static bool count_one(void *baton, const unsigned char *key,
                      const sx_record_meta *meta, size_t bytes)
{
    count *c = baton;
    size_t i = 0;

    (void)key;
    tool_progress(c->t);
    c->records++;
    c->bytes += bytes;
    c->kinds[meta->kind <= SX_TOMBSTONE ? meta->kind : 0]++;
    while (i < c->namespaces && c->list[i].ns != meta->ns) {
        i++;
    }
    if (i == NAMESPACES_MAX) {
        c->bytes_other += bytes;
        return true;
    }
    if (i == c->namespaces) {
        c->list[i].ns = meta->ns;
        c->namespaces++;
    }
    c->list[i].bytes += bytes;
    return true;
}

static void count_again(void *baton)
{
    count *c = baton;

    *c = (count){.t = c->t};
}

static void put_rows(const count *c)
{
    const struct {
        const char *name;
        uint64_t value;
        const char *what;
    } rows[] = {
        {"records", c->records, "that live"},
        {"anonymous", c->kinds[SX_ANONYMOUS],
         "of them sessions without a user"},
        {"users", c->kinds[SX_USER], "of them sessions of a user"},
        {"aliases", c->kinds[SX_ALIAS], "of them old ids in their grace"},
        {"epochs", c->kinds[SX_EPOCH],
         "of them log-outs everywhere, users' lists, notes of copies"},
        {"tombstones", c->kinds[SX_TOMBSTONE],
         "of them ends that are remembered"},
        {"bytes_values", c->bytes, "bytes of their values"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (c->t->json) {
            printf("%s\"%s\": %" PRIu64, i ? ", " : "{", rows[i].name,
                   rows[i].value);
        }
        else {
            printf("%-17s %12" PRIu64 "  %s\n", rows[i].name, rows[i].value,
                   rows[i].what);
        }
    }
}

static void put_namespaces(const count *c)
{
    fputs(c->t->json ? ", \"namespaces\": [" : "\nNAMESPACES\n", stdout);
    for (size_t i = 0; i < c->namespaces; i++) {
        if (c->t->json) {
            fputs(i ? ", " : "", stdout);
        }
        printf(c->t->json ? "{\"namespace\": \"%08x\", \"bytes\": %" PRIu64 "}"
                          : "%08x          %12" PRIu64 "  bytes\n",
               c->list[i].ns, c->list[i].bytes);
    }
    if (c->t->json) {
        printf("], \"namespaces_other\": %" PRIu64 "}\n", c->bytes_other);
    }
    else if (c->bytes_other > 0) {
        printf("others            %12" PRIu64 "  bytes\n", c->bytes_other);
    }
}

outcome tool_count(tool *t)
{
    static count c;
    outcome result;

    c.t = t;
    result = tool_each(t, count_one, count_again, &c);
    if (result == DONE) {
        put_rows(&c);
        put_namespaces(&c);
    }
    return result;
}
