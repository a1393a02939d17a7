/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions by what lies beside them: list, show, destroy.
 *
 * Sessions move: a renewal gives one another key in the middle of a scan.  Who
 * has to be sure that there is none scans again until a whole pass finds
 * nothing.
 */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sx_keys.h"
#include "sx_patient.h"

#define PASSES_MAX 100

/* ---- records ------------------------------------------------------------ */

bool tool_is_session(const sx_record_meta *meta)
{
    return meta->kind == SX_ANONYMOUS || meta->kind == SX_USER;
}

/* The closing brace is left to the caller. */
static void put_record_json(const tool *t, const sx_record_meta *meta,
                            size_t bytes)
{
    char created[32], access[32], end[32], hard_end[32];

    printf("{\"handle\": \"%016" PRIx64 "\", \"kind\": \"%s\", "
           "\"created\": \"%s\", \"last_access\": \"%s\", "
           "\"expires\": \"%s\", \"absolute_end\": \"%s\", "
           "\"bytes\": %zu, \"namespace\": \"%08x\"",
           meta->handle, sx_kind_str(meta->kind),
           tool_time(t, meta->created_ms, created),
           tool_time(t, meta->last_access_ms, access),
           tool_time(t, meta->expires_ms, end),
           tool_time(t, meta->hard_end_ms, hard_end), bytes, meta->ns);
}

/* The live records that carry one handle: a session has one, and an alias for
 * each silent renewal whose grace is not over. */
typedef struct found {
    tool *t;
    uint64_t handle;
    size_t count, room;
    bool out_of_memory;
    struct {
        unsigned char key[SX_STORE_KEY_LEN];
        sx_record_meta meta;
        size_t bytes;
    } * records;
} found;

static bool visit_found(void *baton, const unsigned char *key,
                        const sx_record_meta *meta, size_t bytes)
{
    found *f = baton;

    tool_progress(f->t);
    if (meta->handle != f->handle) {
        return true;
    }
    if (f->count == f->room) {
        size_t room = f->room * 2 + 8;
        void *more = realloc(f->records, room * sizeof(*f->records));

        if (!more) {
            f->out_of_memory = true;
            return false;
        }
        f->records = more;
        f->room = room;
    }
    memcpy(f->records[f->count].key, key, SX_STORE_KEY_LEN);
    f->records[f->count].meta = *meta;
    f->records[f->count].bytes = bytes;
    f->count++;
    return true;
}

static void forget_found(void *baton)
{
    ((found *)baton)->count = 0;
}

/* One pass over the store.  DONE whether or not anything was found. */
static outcome find(found *f)
{
    outcome result;

    result = tool_each(f->t, visit_found, forget_found, f);
    return f->out_of_memory ? tool_fail(f->t, "out of memory") : result;
}

/* 16 hex digits, as SESSION_HANDLE has them. */
static bool parse_handle(const char *text, uint64_t *handle)
{
    if (strlen(text) != 16 || strspn(text, "0123456789abcdefABCDEF") != 16) {
        return false;
    }
    *handle = strtoull(text, NULL, 16);
    return *handle != 0;
}

static outcome bad_handle(const tool *t)
{
    fprintf(stderr,
            "htsession: '%s' is no handle: accepted are the 16 hex digits of "
            "SESSION_HANDLE\n",
            t->arg);
    return BAD_USAGE;
}

static outcome not_found(const tool *t)
{
    tool_fail(t, "no live session has the handle %s", t->arg);
    return NOT_FOUND;
}

/* ---- list, show --------------------------------------------------------- */

typedef struct listing {
    tool *t;
    uint64_t shown;
    const tool_who *who; /* NULL: all users */
} listing;

static bool is_asked_for(const listing *l, const sx_record_meta *meta)
{
    return tool_is_session(meta) &&
           (l->who == NULL || tool_is_of(l->who, meta)) &&
           !tool_has_ended(l->t, meta);
}

static bool visit_list(void *baton, const unsigned char *key,
                       const sx_record_meta *meta, size_t bytes)
{
    listing *l = baton;
    const tool *t = l->t;
    char created[32], access[32], end[32];

    (void)key;
    tool_progress(l->t);
    if (!is_asked_for(l, meta)) {
        return true;
    }
    if (t->json) {
        fputs(l->shown > 0 ? ",\n " : "", stdout);
        put_record_json(t, meta, bytes);
        putchar('}');
    }
    else {
        printf("%016" PRIx64 "  %-9s  %s  %s  %s  %7zu  %08x\n", meta->handle,
               sx_kind_str(meta->kind), tool_time(t, meta->created_ms, created),
               tool_time(t, meta->last_access_ms, access),
               tool_time(t, meta->expires_ms, end), bytes, meta->ns);
    }
    l->shown++;
    return !ferror(stdout);
}

static outcome list(listing *l)
{
    tool *t = l->t;
    outcome result;

    if (t->json) {
        putchar('[');
    }
    else {
        printf("%-16s  %-9s  %-20s  %-20s  %-20s  %7s  %s\n", "HANDLE", "KIND",
               "CREATED", "LAST ACCESS", "EXPIRES", "BYTES", "NAMESPACE");
    }
    result = tool_each(t, visit_list, NULL, l);
    if (t->json) {
        puts("]");
    }
    if (result == DONE && l->who != NULL && l->shown == 0) {
        tool_fail(t, "no live session of that user in that namespace");
        return NOT_FOUND;
    }
    return result;
}

static outcome list_user(tool *t, const sx_keys *keys, void *baton)
{
    listing *l = baton;
    tool_who who = tool_who_of(t, keys);

    l->who = &who;
    return list(l);
}

outcome tool_list(tool *t)
{
    listing l = {.t = t};

    return t->user != NULL ? tool_with_keys(t, t->keys, list_user, &l)
                           : list(&l);
}

static void put_record_text(const tool *t, const sx_record_meta *meta,
                            size_t bytes, size_t aliases)
{
    char text[32];

    printf("handle       %016" PRIx64 "\n", meta->handle);
    printf("kind         %s\n", sx_kind_str(meta->kind));
    printf("created      %s\n", tool_time(t, meta->created_ms, text));
    printf("last access  %s\n", tool_time(t, meta->last_access_ms, text));
    printf("expires      %s\n", tool_time(t, meta->expires_ms, text));
    printf("absolute end %s\n", tool_time(t, meta->hard_end_ms, text));
    printf("bytes        %zu\n", bytes);
    printf("namespace    %08x\n", meta->ns);
    printf("aliases      %zu\n", aliases);
}

/* The session among what a pass found; behind it all there is none. */
static size_t session_of(const found *f)
{
    size_t i = 0;

    while (i < f->count && (!tool_is_session(&f->records[i].meta) ||
                            tool_has_ended(f->t, &f->records[i].meta))) {
        i++;
    }
    return i;
}

outcome tool_show(tool *t)
{
    found f = {.t = t};
    outcome result = DONE;
    size_t i = 0;

    if (!parse_handle(t->arg, &f.handle)) {
        return bad_handle(t);
    }
    /* Twice: it may have been renewed across the first pass. */
    for (int pass = 0; pass < 2 && i == f.count && result == DONE; pass++) {
        result = find(&f);
        i = session_of(&f);
    }
    if (result == DONE && i == f.count) {
        result = not_found(t);
    }
    else if (result == DONE && t->json) {
        put_record_json(t, &f.records[i].meta, f.records[i].bytes);
        printf(", \"aliases\": %zu}\n", f.count - 1);
    }
    else if (result == DONE) {
        put_record_text(t, &f.records[i].meta, f.records[i].bytes, f.count - 1);
    }
    free(f.records);
    return result;
}

/* ---- destroy ------------------------------------------------------------ */

/* Sessions before aliases: while one leads to it, a session can be found. */
static sx_answer remove_found(const found *f, bool sessions, uint64_t *ended)
{
    sx_store *store = f->t->at.sx;
    sx_answer worst = SX_STORE_OK;

    for (size_t i = 0; i < f->count; i++) {
        const sx_record_meta *meta = &f->records[i].meta;
        sx_answer answer;

        if (tool_is_session(meta) != sessions) {
            continue;
        }
        answer = sx_patient_remove(store, f->records[i].key, meta->token);
        if (answer == SX_STORE_OK) {
            *ended += sessions;
        }
        else if (answer != SX_STORE_MISS && answer != SX_STORE_CHANGED) {
            worst = answer;
        }
    }
    return worst;
}

static outcome destroy_all(found *f, uint64_t *ended)
{
    sx_answer answer = SX_STORE_OK;
    int empty = 0;

    for (int pass = 0; pass < PASSES_MAX && empty < 2; pass++) {
        if (find(f) != DONE) {
            return BROKEN;
        }
        empty = f->count > 0 ? 0 : empty + 1;
        answer = remove_found(f, true, ended);
        if (answer == SX_STORE_OK) {
            answer = remove_found(f, false, ended);
        }
    }
    if (answer != SX_STORE_OK) {
        return tool_fail_answer(f->t, answer);
    }
    return empty == 2 ? DONE
                      : tool_fail(f->t, "the session is renewed faster than "
                                        "it can be ended; try again");
}

outcome tool_destroy(tool *t)
{
    found f = {.t = t};
    uint64_t ended = 0;
    outcome result;

    if (!parse_handle(t->arg, &f.handle)) {
        return bad_handle(t);
    }
    result = destroy_all(&f, &ended);
    free(f.records);
    if (result != DONE) {
        return result;
    }
    if (ended == 0) {
        return not_found(t);
    }
    printf(t->json ? "{\"handle\": \"%016" PRIx64 "\", \"destroyed\": true}\n"
                   : "session %016" PRIx64 " destroyed\n",
           f.handle);
    return DONE;
}
