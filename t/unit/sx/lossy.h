/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lost answers to order.  A backend in front of a real one whose answers are
 * lost on their way from the n-th call of a request on, for as many calls as
 * are wanted.  What was called is done all the same, or never, or late: before
 * a later call, or when the test lets it arrive.  Of what is late there is one
 * call, the first that changes something.
 */
#ifndef LOSSY_H
#define LOSSY_H

#include <limits.h>

#include "stage.h"

typedef enum lossy_fate { DONE, NEVER, LATE, FATES } lossy_fate;

typedef void lossy_visitor(void);

static struct {
    sx_store base;
    sx_store *real;
    lossy_fate fate;
    int from, count; /* which calls lose their answer */
    int calls;       /* so far */
    int after;       /* LATE: so many calls later; -1: by lossy_arrive */
    bool reached;
    bool lost_read;         /* among them was a get */
    lossy_visitor *visitor; /* comes once */
    int visit_at;           /* before that call; -1: behind the first loss */
    struct {
        bool waits, removes;
        int since;
        unsigned char key[SX_STORE_KEY_LEN];
        uint64_t token;
        sx_str bytes;
        sx_record_meta meta;
        int64_t now_ms;
    } late;
    stage *at;
} line;

/* What is late arrives.  Its answer goes nowhere. */
static inline void lossy_arrive(void)
{
    if (!line.late.waits)
        return;
    line.late.waits = false;
    if (line.late.removes)
        (void)line.real->ops->remove(line.real, line.late.key, line.late.token);
    else
        (void)line.real->ops->put_if(line.real, line.late.key, line.late.token,
                                     line.late.bytes, &line.late.meta,
                                     line.late.now_ms);
}

/* Whoever comes between loses nothing. */
static inline void lossy_visit(void)
{
    lossy_visitor *visitor = line.visitor;
    int from = line.from, calls = line.calls;

    if (!visitor)
        return;
    line.visitor = NULL;
    line.from = INT_MAX;
    visitor();
    line.from = from;
    line.calls = calls;
}

/* Is the answer to this call lost?  *does: but it is done. */
static inline bool lossy_call(bool *does)
{
    int call = line.calls++;
    bool lost = call >= line.from && call - line.from < line.count;

    if (call == line.visit_at)
        lossy_visit();
    if (line.late.waits && line.after >= 0 &&
        call - line.late.since > line.after)
        lossy_arrive();
    line.reached |= lost;
    *does = !lost || line.fate == DONE;
    return lost;
}

/* Behind a call whose answer was lost. */
static inline sx_answer lossy_lose(void)
{
    if (line.visit_at < 0)
        lossy_visit();
    return SX_STORE_UNKNOWN;
}

static inline void lossy_keep(const unsigned char *key, uint64_t token)
{
    line.late.waits = true;
    line.late.since = line.calls - 1;
    memcpy(line.late.key, key, SX_STORE_KEY_LEN);
    line.late.token = token;
}

static inline sx_answer lossy_get(sx_store *s, const unsigned char *key,
                                  sx_str *bytes, sx_record_meta *meta,
                                  int64_t grace_ms, int64_t now_ms,
                                  apr_pool_t *pool)
{
    bool does;

    (void)s;
    if (lossy_call(&does)) {
        line.lost_read = true;
        return lossy_lose();
    }
    return line.real->ops->get(line.real, key, bytes, meta, grace_ms, now_ms,
                               pool);
}

static inline sx_answer lossy_put_if(sx_store *s, const unsigned char *key,
                                     uint64_t token, sx_str bytes,
                                     sx_record_meta *meta, int64_t now_ms)
{
    sx_record_meta copy = *meta;
    sx_answer answer = SX_STORE_OK;
    bool does, lost = lossy_call(&does);

    (void)s;
    if (does)
        answer = line.real->ops->put_if(line.real, key, token, bytes,
                                        lost ? &copy : meta, now_ms);
    else if (line.fate == LATE && !line.late.waits) {
        lossy_keep(key, token);
        line.late.removes = false;
        line.late.bytes = sx_str_dup(bytes, line.at->pool);
        line.late.meta = *meta;
        line.late.now_ms = now_ms;
    }
    return lost ? lossy_lose() : answer;
}

static inline sx_answer lossy_touch(sx_store *s, const unsigned char *key,
                                    int64_t expires_ms, int64_t now_ms)
{
    sx_answer answer = SX_STORE_OK;
    bool does, lost = lossy_call(&does);

    (void)s;
    if (does)
        answer = line.real->ops->touch(line.real, key, expires_ms, now_ms);
    return lost ? lossy_lose() : answer;
}

static inline sx_answer lossy_remove(sx_store *s, const unsigned char *key,
                                     uint64_t token)
{
    sx_answer answer = SX_STORE_OK;
    bool does, lost = lossy_call(&does);

    (void)s;
    if (does)
        answer = line.real->ops->remove(line.real, key, token);
    else if (line.fate == LATE && !line.late.waits) {
        lossy_keep(key, token);
        line.late.removes = true;
    }
    return lost ? lossy_lose() : answer;
}

static inline uint64_t lossy_life(sx_store *s)
{
    (void)s;
    return line.real->ops->life ? line.real->ops->life(line.real) : 0;
}

/* Put one in front of the store of ${at}; it loses nothing until lossy_from. */
static inline void lossy_build(stage *at)
{
    static const sx_store_ops ops = {.name = "lossy",
                                     .get = lossy_get,
                                     .put_if = lossy_put_if,
                                     .touch = lossy_touch,
                                     .remove = lossy_remove,
                                     .life = lossy_life};

    memset(&line, 0, sizeof line);
    line.base.ops = &ops;
    line.real = at->realm.store;
    line.from = INT_MAX;
    line.at = at;
    at->realm.store = &line.base;
}

static inline void lossy_from(int call, int count, lossy_fate fate, int after)
{
    line.calls = 0;
    line.reached = line.lost_read = false;
    line.from = call;
    line.count = count;
    line.fate = fate;
    line.after = after;
}

/* Nothing is lost any more, and nobody comes.  Was anything? */
static inline bool lossy_end(void)
{
    line.visitor = NULL;
    line.from = INT_MAX;
    return line.reached;
}

#endif
