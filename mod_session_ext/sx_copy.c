/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_copy.h.  First what ends sessions, then sessions: none shall be in the
 * second store before what has ended it is. */
#include "sx_copy.h"

#include <string.h>
#include "sx_copy_notes.h"

#define TRIES 20 /* of a call that finds a lock held, and of a lost race */

typedef struct run {
    const sx_copy *copy;
    sx_store *from, *to;
    sx_copy_report *report;
    sx_copy_notes notes;
    int64_t shift_ms;   /* that the second clock is ahead */
    int64_t used_ms[2]; /* when each was used last, by its own clock */
    bool ends;          /* which records this walk is for */
    sx_answer answer;
    apr_pool_t *pool, *each;
} run;

static int64_t now_of(sx_store *store)
{
    return store->ops->clock_ms(store);
}

static sx_answer failed(run *r, sx_store *store, const char *what,
                        sx_answer answer)
{
    r->report->failed = store;
    r->report->failing = what;
    r->answer = answer;
    return answer;
}

/* ---- calls that wait a little longer ------------------------------------- */

static sx_answer get(run *r, sx_store *store, const unsigned char *key,
                     sx_str *bytes, sx_record_meta *meta)
{
    sx_answer answer = SX_STORE_BUSY;

    for (int i = 0; i < TRIES && answer == SX_STORE_BUSY; i++)
        answer =
            store->ops->get(store, key, bytes, meta, 0, now_of(store), r->each);
    return answer;
}

static sx_answer put(sx_store *to, const unsigned char *key, uint64_t token,
                     sx_str bytes, sx_record_meta *meta)
{
    sx_answer answer = SX_STORE_BUSY;

    for (int i = 0; i < TRIES && answer == SX_STORE_BUSY; i++)
        answer = to->ops->put_if(to, key, token, bytes, meta, now_of(to));
    return answer;
}

/* ---- one record ---------------------------------------------------------- */

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

sx_record_meta sx_copy_meta(const sx_record_meta *meta, int64_t shift_ms)
{
    sx_record_meta moved = *meta;

    moved.created_ms += shift_ms;
    moved.last_access_ms += shift_ms;
    /* A store may keep times less exactly than the next one. */
    moved.hard_end_ms = min64(meta->hard_end_ms + shift_ms,
                              moved.created_ms + SX_RECORD_LIFE_MAX_MS);
    moved.expires_ms = min64(meta->expires_ms + shift_ms, moved.hard_end_ms);
    return moved;
}

bool sx_copy_is_end(sx_kind kind)
{
    return kind == SX_EPOCH || kind == SX_TOMBSTONE;
}

/* Does what is there say as much? */
static bool is_as_late(const sx_record_meta *there, const sx_record_meta *meta)
{
    return meta->kind == SX_TOMBSTONE
               ? there->kind == SX_TOMBSTONE
               : there->kind == SX_EPOCH &&
                     there->created_ms >= meta->created_ms;
}

sx_answer sx_copy_put_end(sx_store *to, const unsigned char *key, sx_str bytes,
                          const sx_record_meta *meta, apr_pool_t *pool)
{
    sx_answer answer = SX_STORE_CHANGED;

    for (int i = 0;
         i < TRIES && (answer == SX_STORE_CHANGED || answer == SX_STORE_GONE ||
                       answer == SX_STORE_BUSY);
         i++) {
        sx_record_meta there = {.token = 0}, new = *meta;
        sx_str had;

        answer = to->ops->get(to, key, &had, &there, 0, now_of(to), pool);
        if (answer == SX_STORE_OK &&
            (is_as_late(&there, meta) || sx_str_eq(had, bytes)))
            return SX_STORE_CHANGED;
        if (answer == SX_STORE_OK)
            answer = put(to, key, there.token, bytes, &new);
        else if (answer == SX_STORE_MISS || answer == SX_STORE_DAMAGED)
            answer = put(to, key, 0, bytes, &new);
    }
    return answer;
}

static sx_answer carry_end(run *r, const unsigned char *key, sx_str bytes,
                           const sx_record_meta *from)
{
    const sx_record_meta meta = sx_copy_meta(from, r->shift_ms);
    sx_answer answer = sx_copy_put_end(r->to, key, bytes, &meta, r->each);

    if (answer == SX_STORE_OK)
        r->report->carried++;
    else if (answer != SX_STORE_CHANGED)
        return failed(r, r->to, "writing what ends sessions", answer);
    return SX_STORE_OK;
}

/* It is the same in both now, but for accesses. */
static void note(run *r, sx_copy_note *known, const unsigned char *key,
                 const sx_record_meta *from, const sx_record_meta *to)
{
    sx_copy_note *n = known ? known : sx_copy_note_add(&r->notes, key);

    n->from_token = from->token;
    n->expires_ms = from->expires_ms;
    n->hard_end_ms = from->hard_end_ms;
    n->to_token = to->token;
    n->there = n->seen = true;
}

static sx_answer put_session(run *r, const unsigned char *key, uint64_t token,
                             sx_str bytes, sx_record_meta *meta,
                             uint64_t *counter)
{
    sx_answer answer = put(r->to, key, token, bytes, meta);

    if (answer == SX_STORE_OK)
        ++*counter;
    else if (answer == SX_STORE_FULL || answer == SX_STORE_TOOBIG)
        r->report->refused++;
    else if (answer != SX_STORE_CHANGED && answer != SX_STORE_GONE)
        return failed(r, r->to, "writing a session", answer);
    else /* somebody was there at that moment */
        r->report->kept++;
    return answer;
}

/* Missing there: was it ever there, and has it ended by more than its time? */
static sx_answer carry_new(run *r, sx_copy_note *known,
                           const unsigned char *key, sx_str bytes,
                           const sx_record_meta *from)
{
    sx_record_meta meta = sx_copy_meta(from, r->shift_ms);
    const bool is_used = r->used_ms[1] >= r->used_ms[0] + r->shift_ms;
    sx_answer answer;

    if (known && (is_used || known->expires_ms + r->shift_ms > now_of(r->to))) {
        r->report->over_there++;
        return SX_STORE_OK;
    }
    answer = put_session(r, key, 0, bytes, &meta, &r->report->carried);
    if (answer == SX_STORE_OK)
        note(r, known, key, from, &meta);
    return answer;
}

/* The same bytes: only an access can be newer. */
static sx_answer carry_access(run *r, sx_copy_note *known,
                              const unsigned char *key,
                              const sx_record_meta *from,
                              const sx_record_meta *there)
{
    const sx_record_meta meta = sx_copy_meta(from, r->shift_ms);

    if (meta.expires_ms > there->expires_ms) {
        sx_answer answer =
            r->to->ops->touch(r->to, key, meta.expires_ms, meta.last_access_ms);

        if (answer != SX_STORE_OK && answer != SX_STORE_MISS)
            return failed(r, r->to, "noting an access", answer);
        r->report->touched += answer == SX_STORE_OK;
    }
    note(r, known, key, from, there);
    return SX_STORE_OK;
}

/* Other bytes: they were carried and nobody has written since, or the last use
 * decides. */
static sx_answer carry_change(run *r, sx_copy_note *known,
                              const unsigned char *key, sx_str bytes,
                              const sx_record_meta *from,
                              const sx_record_meta *there)
{
    sx_record_meta meta = sx_copy_meta(from, r->shift_ms);
    sx_answer answer;

    if (!(known && there->token == known->to_token) &&
        there->last_access_ms >= meta.last_access_ms) {
        r->report->kept++;
        return SX_STORE_OK;
    }
    if (there->last_access_ms > meta.last_access_ms)
        meta.last_access_ms = there->last_access_ms;
    if (there->expires_ms > meta.expires_ms && meta.kind == there->kind)
        meta.expires_ms = min64(there->expires_ms, meta.hard_end_ms);
    answer =
        put_session(r, key, there->token, bytes, &meta, &r->report->replaced);
    if (answer == SX_STORE_OK)
        note(r, known, key, from, &meta);
    return answer;
}

static sx_answer carry_session(run *r, sx_copy_note *known,
                               const unsigned char *key, sx_str bytes,
                               const sx_record_meta *from)
{
    sx_record_meta there;
    sx_str had;
    sx_answer answer = get(r, r->to, key, &had, &there);

    if (answer == SX_STORE_MISS || answer == SX_STORE_DAMAGED)
        return carry_new(r, known, key, bytes, from);
    if (answer != SX_STORE_OK)
        return failed(r, r->to, "reading a session", answer);
    if (sx_copy_is_end(there.kind)) {
        r->report->over_there++;
        return SX_STORE_OK;
    }
    return sx_str_eq(had, bytes)
               ? carry_access(r, known, key, from, &there)
               : carry_change(r, known, key, bytes, from, &there);
}

/* ---- the walks ----------------------------------------------------------- */

static bool is_as_noted(const sx_copy_note *known, const sx_record_meta *meta)
{
    return known && known->there && known->from_token == meta->token &&
           known->expires_ms == meta->expires_ms;
}

static void used(run *r, int store, const sx_record_meta *meta)
{
    if (meta->last_access_ms > r->used_ms[store])
        r->used_ms[store] = meta->last_access_ms;
}

static void carry_one(run *r, const unsigned char *key, sx_copy_note *known)
{
    sx_record_meta from;
    sx_str bytes;
    sx_answer answer;

    apr_pool_clear(r->each);
    answer = get(r, r->from, key, &bytes, &from);
    if (answer == SX_STORE_MISS)
        r->report->gone++;
    else if (answer == SX_STORE_DAMAGED)
        r->report->damaged++;
    else if (answer != SX_STORE_OK)
        failed(r, r->from, "reading a record", answer);
    else if (sx_copy_is_end(from.kind))
        carry_end(r, key, bytes, &from);
    else if (!r->ends)
        carry_session(r, known, key, bytes, &from);
}

/* The first walk also finds out when the store was used last. */
static bool carry(void *baton, const unsigned char *key,
                  const sx_record_meta *meta, size_t len)
{
    run *r = baton;
    sx_copy_note *known = NULL;

    (void)len;
    if (sx_copy_is_note(key))
        return true;
    if (r->ends && !sx_copy_is_end(meta->kind))
        used(r, 0, meta);
    if (sx_copy_is_end(meta->kind) != r->ends)
        return true;
    r->report->seen++;
    if (r->copy->progress)
        r->copy->progress(r->copy->baton);
    if (!r->ends)
        known = sx_copy_note_of(&r->notes, key);
    if (known)
        known->seen = true;
    if (!is_as_noted(known, meta))
        carry_one(r, key, known);
    return r->answer == SX_STORE_OK;
}

static void walk_from(run *r, bool ends)
{
    sx_answer answer;

    r->ends = ends;
    if (r->answer != SX_STORE_OK)
        return;
    answer = r->from->ops->each(r->from, carry, r, now_of(r->from), r->pool);
    if (answer != SX_STORE_OK && r->answer == SX_STORE_OK)
        failed(r, r->from, "going through it", answer);
}

/* What runs before have left there. */
static bool look(void *baton, const unsigned char *key,
                 const sx_record_meta *meta, size_t len)
{
    run *r = baton;
    sx_copy_note *known = sx_copy_note_of(&r->notes, key);

    (void)len;
    if (known)
        known->there = true;
    if (!sx_copy_is_end(meta->kind))
        used(r, 1, meta);
    return true;
}

static void walk_to(run *r)
{
    sx_answer answer;

    if (r->notes.known->nelts == 0)
        return;
    answer = r->to->ops->each(r->to, look, r, now_of(r->to), r->pool);
    if (answer != SX_STORE_OK)
        failed(r, r->to, "going through it", answer);
}

/* ---- what has ended since ----------------------------------------------- */

static void end_one(run *r, sx_copy_note *n)
{
    sx_record_meta meta;
    sx_str bytes;
    sx_answer answer;

    apr_pool_clear(r->each);
    answer = get(r, r->from, n->key, &bytes, &meta);
    if (answer == SX_STORE_OK) { /* the walk was before it */
        n->seen = true;
        return;
    }
    if (answer != SX_STORE_MISS && answer != SX_STORE_DAMAGED) {
        failed(r, r->from, "reading a record", answer);
        return;
    }
    if (n->expires_ms <= now_of(r->from))
        return;
    answer = SX_STORE_BUSY;
    for (int i = 0; i < TRIES && answer == SX_STORE_BUSY; i++)
        answer = r->to->ops->remove(r->to, n->key, 0);
    if (answer == SX_STORE_OK)
        r->report->ended++;
    else if (answer != SX_STORE_MISS)
        failed(r, r->to, "ending a session", answer);
}

static void end_those_that_are_gone(run *r)
{
    sx_copy_note *list = (sx_copy_note *)r->notes.known->elts;

    for (int i = 0; i < r->notes.known->nelts && r->answer == SX_STORE_OK; i++)
        if (!list[i].seen)
            end_one(r, &list[i]);
}

/* ---- notes -------------------------------------------------------------- */

static uint64_t life_of(sx_store *store)
{
    return store->ops->life ? store->ops->life(store) : 0;
}

/* Of runs this way, or of the last one the other way. */
static void read_notes(run *r)
{
    sx_answer answer =
        sx_copy_notes_read(r->to, life_of(r->from), &r->notes, r->pool);

    if (answer != SX_STORE_OK) {
        failed(r, r->to, "reading what was carried before", answer);
        return;
    }
    if (r->notes.known->nelts > 0)
        return;
    answer = sx_copy_notes_read(r->from, life_of(r->to), &r->notes, r->pool);
    if (answer != SX_STORE_OK)
        failed(r, r->from, "reading what was carried before", answer);
    sx_copy_notes_turn(&r->notes, -r->shift_ms);
}

/* There is one set of them.  What this run did not come to is as it was. */
static void write_notes(run *r)
{
    sx_copy_note *list = (sx_copy_note *)r->notes.known->elts;
    const char *const what = "noting what was carried";
    sx_answer answer;

    for (int i = 0; i < r->notes.known->nelts; i++)
        list[i].seen = list[i].seen || r->answer != SX_STORE_OK;
    answer = sx_copy_notes_write(r->to, life_of(r->from), &r->notes,
                                 r->shift_ms, r->pool);
    if (answer != SX_STORE_OK) {
        failed(r, r->to, what, answer);
        return;
    }
    answer = sx_copy_notes_remove(r->from, life_of(r->to), r->pool);
    if (answer != SX_STORE_OK)
        failed(r, r->from, what, answer);
}

sx_answer sx_copy_run(const sx_copy *copy, sx_copy_report *report,
                      apr_pool_t *pool)
{
    run r = {.copy = copy,
             .from = copy->from,
             .to = copy->to,
             .report = report,
             .shift_ms = now_of(copy->to) - now_of(copy->from),
             .used_ms = {INT64_MIN / 2, INT64_MIN / 2}};

    *report = (sx_copy_report){0};
    apr_pool_create(&r.pool, pool);
    apr_pool_create(&r.each, r.pool);
    read_notes(&r);
    if (r.answer == SX_STORE_OK) {
        walk_to(&r);
        walk_from(&r, true);
        walk_from(&r, false);
        end_those_that_are_gone(&r);
        write_notes(&r);
    }
    apr_pool_destroy(r.pool);
    return r.answer;
}
