/* SPDX-License-Identifier: Apache-2.0 */
/* A tier of a segment and a directory on the stage `at`, both watched. */
#ifndef TIER_H
#define TIER_H

#include "contract.h"

/* A store in front of a real one: it counts, may be out of reach, and lets a
 * test in before its calls.  Its clock is the test's. */
typedef struct side {
    sx_store base;
    sx_store *real;
    int gets;
    sx_answer fails; /* OK: it works */
    int busy;        /* so many calls are BUSY before that */
    sx_str lie;      /* what each get gives; NULL: what there is */
    int64_t clock_ms;
} side;

static side fast, durable;

/* Before the call number ${before} of who is on comes who is next; or he
 * dies, and reaches nothing any more. */
typedef struct turn {
    int before, calls;
    void (*next)(void); /* NULL: death */
    bool reached, dead;
} turn;

static turn *on; /* whose calls are counted; NULL: nobody's */

/* Called before each call of either side by a thread that takes turns. */
static __thread void (*my_turn)(void);

static inline bool passes(void)
{
    turn *mine = on;

    if (my_turn)
        my_turn();

    if (mine && mine->calls++ == mine->before) {
        mine->reached = true;
        on = NULL;
        if (mine->next)
            mine->next();
        on = mine;
        mine->dead = !mine->next;
    }
    return !mine || !mine->dead;
}

static inline side *side_of(sx_store *base, sx_answer *answer)
{
    side *s = (side *)base;

    *answer = passes() ? s->fails : SX_STORE_UNAVAILABLE;
    if (s->busy > 0) {
        s->busy--;
        *answer = SX_STORE_BUSY;
    }
    return s;
}

static inline sx_answer side_get(sx_store *base, const unsigned char *key,
                                 sx_str *bytes, sx_record_meta *meta,
                                 int64_t grace_ms, int64_t now_ms,
                                 apr_pool_t *pool)
{
    sx_answer answer;
    side *s = side_of(base, &answer);

    s->gets++;
    if (s->lie.p) {
        *bytes = s->lie;
        *meta = (sx_record_meta){.token = 7};
        return SX_STORE_OK;
    }
    return answer ? answer
                  : s->real->ops->get(s->real, key, bytes, meta, grace_ms,
                                      now_ms, pool);
}

static inline sx_answer side_put_if(sx_store *base, const unsigned char *key,
                                    uint64_t token, sx_str bytes,
                                    sx_record_meta *meta, int64_t now_ms)
{
    sx_answer answer;
    side *s = side_of(base, &answer);

    return answer
               ? answer
               : s->real->ops->put_if(s->real, key, token, bytes, meta, now_ms);
}

static inline sx_answer side_touch(sx_store *base, const unsigned char *key,
                                   int64_t expires_ms, int64_t now_ms)
{
    sx_answer answer;
    side *s = side_of(base, &answer);

    return answer ? answer
                  : s->real->ops->touch(s->real, key, expires_ms, now_ms);
}

static inline sx_answer side_remove(sx_store *base, const unsigned char *key,
                                    uint64_t token)
{
    sx_answer answer;
    side *s = side_of(base, &answer);

    /* A full store can be taken from. */
    return answer && answer != SX_STORE_FULL
               ? answer
               : s->real->ops->remove(s->real, key, token);
}

/* Two calls as one: in these tests nobody comes between. */
static inline sx_answer side_get_with_epoch(
    sx_store *base, const unsigned char *key, sx_store_read *record,
    sx_store_read *epoch, int64_t grace_ms, int64_t now_ms, apr_pool_t *pool)
{
    unsigned char of_user[SX_STORE_KEY_LEN];
    side *s = (side *)base;

    record->answer = side_get(base, key, &record->bytes, &record->meta,
                              grace_ms, now_ms, pool);
    epoch->answer = SX_STORE_MISS;
    if (record->answer == SX_STORE_OK && record->meta.kind == SX_USER) {
        sx_epoch_key(record->meta.user_tag, of_user);
        epoch->answer = s->real->ops->get(s->real, of_user, &epoch->bytes,
                                          &epoch->meta, 0, now_ms, pool);
    }
    return record->answer;
}

static inline sx_answer side_put_if_epoch(sx_store *base,
                                          const unsigned char *key,
                                          uint64_t token, uint64_t epoch,
                                          sx_str bytes, sx_record_meta *meta,
                                          int64_t now_ms)
{
    unsigned char of_user[SX_STORE_KEY_LEN];
    side *s = (side *)base;
    sx_store_read present;

    sx_epoch_key(meta->user_tag, of_user);
    present.answer = s->real->ops->get(s->real, of_user, &present.bytes,
                                       &present.meta, 0, now_ms, at.pool);
    if ((present.answer == SX_STORE_OK ? present.meta.token : 0) != epoch)
        return SX_STORE_CHANGED;
    return side_put_if(base, key, token, bytes, meta, now_ms);
}

static inline int64_t side_clock(sx_store *base)
{
    return ((side *)base)->clock_ms;
}

static const sx_store_ops side_ops = {.name = "side",
                                      .get = side_get,
                                      .put_if = side_put_if,
                                      .touch = side_touch,
                                      .remove = side_remove,
                                      .clock_ms = side_clock};

/* As a DURABLE that answers a load and a commit in one call each. */
static const sx_store_ops one_call_ops = {.name = "side",
                                          .get = side_get,
                                          .put_if = side_put_if,
                                          .touch = side_touch,
                                          .remove = side_remove,
                                          .clock_ms = side_clock,
                                          .get_with_epoch = side_get_with_epoch,
                                          .put_if_epoch = side_put_if_epoch};

#define AGE (10 * SECOND)

static inline sx_store *over(int64_t max_age_ms)
{
    return sx_store_tier_create(&fast.base, &durable.base, "file", max_age_ms,
                                at.pool);
}

static inline void begin_tier(void)
{
    stage_use(&stage_tier);
    stage_begin(&at);
    fast = (side){.base = {&side_ops}, .clock_ms = shm_store_clock_ms()};
    durable = (side){.base = {&side_ops}, .clock_ms = at.now.boot_ms};
    fast.real = sx_store_shm_create(at.segment, at.pool);
    durable.real = tier_files.realm.store;
    at.realm.store = over(AGE);
}

#endif
