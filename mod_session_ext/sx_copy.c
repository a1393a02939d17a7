/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_copy.h.  First what ends sessions, then sessions: none shall be in the
 * second store before what has ended it is. */
#include "sx_copy.h"

#include <string.h>
#include "sx_copy_notes.h"
#include "sx_patient.h"

#define TRIES     20   /* of a lost race */
#define CLOCKS_MS 1000 /* two clocks are read one after the other */

/* A record of the first store as the list of it says. */
typedef struct item {
    unsigned char key[SX_STORE_KEY_LEN];
    bool is_end;
    uint64_t token;
    int64_t expires_ms;
} item;

typedef struct run {
    const sx_copy *copy;
    sx_store *from, *to;
    sx_copy_report *report;
    sx_copy_notes notes;
    int64_t shift_ms;   /* that the second clock is ahead */
    int64_t used_ms[2]; /* when each was used last, by its own clock */
    apr_array_header_t *items;
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

/* ---- one record ---------------------------------------------------------- */

sx_record_meta sx_copy_meta(const sx_record_meta *meta, int64_t shift_ms)
{
    sx_record_meta moved = *meta;

    moved.created_ms += shift_ms;
    moved.last_access_ms += shift_ms;
    /* A store may keep times less exactly than the next one. */
    moved.hard_end_ms = sx_min64(meta->hard_end_ms + shift_ms,
                                 moved.created_ms + SX_RECORD_LIFE_MAX_MS);
    moved.expires_ms = sx_min64(meta->expires_ms + shift_ms, moved.hard_end_ms);
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
         i < TRIES && (answer == SX_STORE_CHANGED || answer == SX_STORE_GONE);
         i++) {
        sx_record_meta there = {.token = 0}, new = *meta;
        sx_str had;

        answer = sx_patient_get(to, key, &had, &there, pool);
        if (answer == SX_STORE_OK &&
            (is_as_late(&there, meta) || sx_str_eq(had, bytes)))
            return SX_STORE_CHANGED;
        if (answer == SX_STORE_OK)
            answer = sx_patient_put(to, key, there.token, bytes, &new, pool);
        else if (answer == SX_STORE_MISS || answer == SX_STORE_DAMAGED)
            answer = sx_patient_put(to, key, 0, bytes, &new, pool);
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
    sx_answer answer = sx_patient_put(r->to, key, token, bytes, meta, r->each);

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

    if (meta.expires_ms > there->expires_ms + CLOCKS_MS) {
        sx_answer answer =
            sx_patient_touch(r->to, key, meta.expires_ms, meta.last_access_ms);

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
        meta.expires_ms = sx_min64(there->expires_ms, meta.hard_end_ms);
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
    sx_answer answer = sx_patient_get(r->to, key, &had, &there, r->each);

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

static void used(run *r, int store, const sx_record_meta *meta)
{
    if (!sx_copy_is_end(meta->kind) && meta->last_access_ms > r->used_ms[store])
        r->used_ms[store] = meta->last_access_ms;
}

static bool list(void *baton, const unsigned char *key,
                 const sx_record_meta *meta, size_t len)
{
    run *r = baton;
    item *one;

    (void)len;
    if (sx_copy_is_note(key))
        return true;
    used(r, 0, meta);
    one = apr_array_push(r->items);
    memcpy(one->key, key, sizeof one->key);
    one->is_end = sx_copy_is_end(meta->kind);
    one->token = meta->token;
    one->expires_ms = meta->expires_ms;
    return true;
}

static void list_again(void *baton)
{
    ((run *)baton)->items->nelts = 0;
}

/* A list of it first: a walk that is broken off can begin anew. */
static void list_from(run *r)
{
    sx_answer answer;

    r->items = apr_array_make(r->pool, 1024, sizeof(item));
    if (r->answer != SX_STORE_OK)
        return;
    answer = sx_patient_each(r->from, list, list_again, r, r->pool);
    if (answer != SX_STORE_OK)
        failed(r, r->from, "going through it", answer);
}

static bool is_as_noted(const sx_copy_note *known, const item *one)
{
    return known && known->there && known->from_token == one->token &&
           known->expires_ms == one->expires_ms;
}

static void carry_item(run *r, const item *one)
{
    sx_copy_note *known =
        one->is_end ? NULL : sx_copy_note_of(&r->notes, one->key);
    sx_record_meta from;
    sx_str bytes;
    sx_answer answer;

    r->report->seen++;
    if (r->copy->progress)
        r->copy->progress(r->copy->baton);
    if (known)
        known->seen = true;
    if (is_as_noted(known, one))
        return;
    apr_pool_clear(r->each);
    answer = sx_patient_get(r->from, one->key, &bytes, &from, r->each);
    if (answer == SX_STORE_MISS)
        r->report->gone++;
    else if (answer == SX_STORE_DAMAGED)
        r->report->damaged++;
    else if (answer != SX_STORE_OK)
        failed(r, r->from, "reading a record", answer);
    else if (sx_copy_is_end(from.kind))
        carry_end(r, one->key, bytes, &from);
    else
        carry_session(r, known, one->key, bytes, &from);
}

static void carry_items(run *r, bool ends)
{
    const item *items = (const item *)r->items->elts;

    for (int i = 0; i < r->items->nelts && r->answer == SX_STORE_OK; i++)
        if (items[i].is_end == ends)
            carry_item(r, &items[i]);
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
    used(r, 1, meta);
    return true;
}

static void look_again(void *baton)
{
    (void)baton;
}

static void look_at_to(run *r)
{
    sx_answer answer;

    if (r->notes.known->nelts == 0)
        return;
    answer = sx_patient_each(r->to, look, look_again, r, r->pool);
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
    answer = sx_patient_get(r->from, n->key, &bytes, &meta, r->each);
    if (answer == SX_STORE_OK) { /* the list was before it */
        n->seen = true;
        return;
    }
    if (answer != SX_STORE_MISS && answer != SX_STORE_DAMAGED) {
        failed(r, r->from, "reading a record", answer);
        return;
    }
    if (n->expires_ms <= now_of(r->from))
        return;
    answer = sx_patient_remove(r->to, n->key, 0);
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
        look_at_to(&r);
        list_from(&r);
        carry_items(&r, true);
        carry_items(&r, false);
        end_those_that_are_gone(&r);
        write_notes(&r);
    }
    apr_pool_destroy(r.pool);
    return r.answer;
}
