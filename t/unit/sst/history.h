/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there an order in which one record could have lived through what several
 * processes did to it and saw of it?
 *
 * The search is Wing and Gong's: take some operation that no other had to
 * precede, see whether a record by itself would have answered the same, go on
 * with the rest, and step back if it would not.  Two ways that lead to the
 * same operations and the same state are one (Lowe's cache).
 *
 * An operation whose process was killed may have happened, until its death,
 * or not.  So may an end that nobody asked for: an eviction, or the sweep of
 * a record that has ended, within the operation that could have done it.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "util.h"

#define OPS_MAX   192 /* of one key */
#define SET_WORDS (OPS_MAX / 64)
#define CACHE     (1u << 16)
#define ABSENT    UINT32_MAX

typedef enum op_kind { OP_PUT, OP_GET, OP_TOUCH, OP_REMOVE, OP_VANISH } op_kind;

typedef struct op {
    int64_t begun, ended; /* CLOCK_MONOTONIC */
    op_kind kind;
    bool optional;   /* killed, or nobody asked for it */
    bool any_victim; /* VANISH: a live record may go, not only an ended one */
    shm_status status;
    uint64_t token;   /* asked for */
    uint64_t number;  /* of the value put, or seen; never 0 */
    uint64_t given;   /* token given, or seen; 0: not known */
    int64_t end_ms;   /* asked for, or seen */
    int64_t now_ms;   /* argument */
    int64_t grace_ms; /* argument; VANISH: how long behind its end it may go */
} op;

typedef struct history {
    op ops[OPS_MAX];
    unsigned count;
} history;

/* The record: who wrote it, when it ends and when it was last used. */
typedef struct record_state {
    uint32_t writer; /* ABSENT, or which operation */
    int64_t end_ms;
    int64_t used_ms;
} record_state;

typedef struct place {
    uint64_t set[SET_WORDS]; /* operations that have happened */
    record_state state;
    bool used;
} place;

typedef struct search {
    const history *of;
    place *cache;
    unsigned cached;
    bool gave_up;
} search;

typedef enum verdict { POSSIBLE, IMPOSSIBLE, UNDECIDED } verdict;

/* The token of what operation ${writer} wrote, by whoever saw it. */
static uint64_t history_token(const history *of, uint32_t writer)
{
    const op *put = &of->ops[writer];

    if (put->given != 0) {
        return put->given;
    }
    for (unsigned i = 0; i < of->count; i++) {
        const op *get = &of->ops[i];

        if (get->kind == OP_GET && get->status == SST_OK &&
            get->number == put->number) {
            return get->given;
        }
    }
    return 0;
}

static bool put_fits(const history *of, uint32_t no, record_state *state)
{
    const op *put = &of->ops[no];
    bool there = state->writer != ABSENT;
    shm_status want = SST_OK;

    if (put->token == 0) {
        want = there && state->end_ms > put->now_ms ? SST_CHANGED : SST_OK;
    }
    else if (!there) {
        want = SST_GONE;
    }
    else if (history_token(of, state->writer) != put->token) {
        want = SST_CHANGED;
    }
    if (put->status == SST_FULL && want == SST_OK) {
        return true;
    }
    if (want != SST_OK || (!put->optional && put->status != SST_OK)) {
        return want == put->status && !put->optional;
    }
    if (there && put->given != 0 &&
        put->given <= history_token(of, state->writer)) {
        return false;
    }
    *state = (record_state){no, put->end_ms, put->now_ms};
    return true;
}

static bool get_fits(const history *of, const op *get, const record_state *now)
{
    bool there =
        now->writer != ABSENT && now->end_ms + get->grace_ms > get->now_ms;

    if (!there || get->status != SST_OK) {
        return !there && get->status == SST_MISS;
    }
    return of->ops[now->writer].number == get->number &&
           history_token(of, now->writer) == get->given &&
           now->end_ms == get->end_ms;
}

/* An end before the record's creation is cut to that, and one by a clock that
 * is behind the last access to the end that there is. */
static bool touch_fits(const history *of, const op *touch, record_state *state)
{
    bool there = state->writer != ABSENT && state->end_ms > touch->now_ms;

    if (!touch->optional && touch->status != (there ? SST_OK : SST_MISS)) {
        return false;
    }
    if (there) {
        int64_t least = touch->now_ms < state->used_ms
                            ? state->end_ms
                            : of->ops[state->writer].now_ms;

        state->end_ms = touch->end_ms > least ? touch->end_ms : least;
        if (touch->now_ms > state->used_ms) {
            state->used_ms = touch->now_ms;
        }
    }
    return there || !touch->optional;
}

static bool remove_fits(const history *of, const op *gone, record_state *state)
{
    shm_status want = SST_OK;

    if (state->writer == ABSENT) {
        want = SST_MISS;
    }
    else if (gone->token != 0 &&
             gone->token != history_token(of, state->writer)) {
        want = SST_CHANGED;
    }
    if (want == SST_OK && (gone->optional || gone->status == SST_OK)) {
        *state = (record_state){.writer = ABSENT};
        return true;
    }
    return !gone->optional && gone->status == want;
}

static bool vanish_fits(const op *by, record_state *state)
{
    if (state->writer == ABSENT ||
        (!by->any_victim && state->end_ms + by->grace_ms > by->now_ms)) {
        return false;
    }
    *state = (record_state){.writer = ABSENT};
    return true;
}

/* Would the record in ${*state} have answered operation ${no} like this? */
static bool op_fits(const history *of, uint32_t no, record_state *state)
{
    const op *it = &of->ops[no];

    switch (it->kind) {
    case OP_PUT:
        return put_fits(of, no, state);
    case OP_GET:
        return get_fits(of, it, state);
    case OP_TOUCH:
        return touch_fits(of, it, state);
    case OP_REMOVE:
        return remove_fits(of, it, state);
    case OP_VANISH:
        return vanish_fits(it, state);
    }
    return false;
}

static bool in_set(const uint64_t *set, unsigned no)
{
    return set[no / 64] >> (no % 64) & 1;
}

/* True if this place is new; it is known then. */
static bool place_new(search *on, const place *at)
{
    uint64_t hash = at->state.writer * UINT64_C(0x9e3779b97f4a7c15) +
                    (uint64_t)at->state.end_ms;
    place *slot;

    for (unsigned i = 0; i < SET_WORDS; i++) {
        hash = (hash ^ at->set[i]) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 29;
    }
    for (slot = &on->cache[hash % CACHE]; slot->used;) {
        if (memcmp(slot->set, at->set, sizeof(at->set)) == 0 &&
            slot->state.writer == at->state.writer &&
            slot->state.end_ms == at->state.end_ms &&
            slot->state.used_ms == at->state.used_ms) {
            return false;
        }
        slot = slot + 1 < on->cache + CACHE ? slot + 1 : on->cache;
    }
    if (++on->cached > CACHE / 2) {
        on->gave_up = true;
        return false;
    }
    *slot = *at;
    slot->used = true;
    return true;
}

/* When the first of those that must still happen was over, when the last of
 * those that have happened began, and whether any is left. */
static bool bounds(const history *of, const place *at, int64_t *first_end,
                   int64_t *last_begin)
{
    bool left = false;

    *first_end = INT64_MAX;
    *last_begin = INT64_MIN;
    for (unsigned i = 0; i < of->count; i++) {
        const op *it = &of->ops[i];

        if (in_set(at->set, i)) {
            *last_begin = it->begun > *last_begin ? it->begun : *last_begin;
        }
        else if (!it->optional) {
            *first_end = it->ended < *first_end ? it->ended : *first_end;
            left = true;
        }
    }
    return left;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as there are operations. */
static bool search_from(search *on, const place *at)
{
    int64_t first_end, last_begin;

    if (!bounds(on->of, at, &first_end, &last_begin)) {
        return true;
    }
    for (unsigned i = 0; i < on->of->count && !on->gave_up; i++) {
        const op *it = &on->of->ops[i];
        place next = *at;

        if (in_set(at->set, i) || it->begun > first_end ||
            it->ended < last_begin || !op_fits(on->of, i, &next.state)) {
            continue;
        }
        next.set[i / 64] |= UINT64_C(1) << (i % 64);
        if (place_new(on, &next) && search_from(on, &next)) {
            return true;
        }
    }
    return false;
}

/* Begins with no record. */
static verdict history_judge(const history *of)
{
    search on = {.of = of, .cache = calloc(CACHE, sizeof(place))};
    place start = {.state = {ABSENT, 0, 0}};
    bool possible;

    if (on.cache == NULL) {
        return UNDECIDED;
    }
    possible = search_from(&on, &start);
    free(on.cache);
    return possible ? POSSIBLE : on.gave_up ? UNDECIDED : IMPOSSIBLE;
}

#endif
