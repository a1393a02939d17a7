/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interleavings to order.  A gate is a backend in front of a real one.  Before
 * the n-th call that a request makes of the store, another whole request is let
 * in; or whoever made the call dies there, and from then on reaches nothing.
 * With n from 0 until it is not reached any more, each place has had its turn,
 * and nothing depends on who is how fast.
 */
#ifndef GATE_H
#define GATE_H

#include "stage.h"

typedef void gate_visitor(void);

typedef struct gate {
    sx_store base;
    sx_store *real;
    gate_visitor *visitor; /* NULL: death */
    int before;            /* which call of the store; -1: none */
    int calls;
    bool reached, dead;
} gate;

static gate door;

/* False: whoever calls has died. */
static inline bool gate_pass(void)
{
    if (door.before >= 0 && door.calls++ == door.before) {
        door.reached = true;
        door.before = -1; /* the visitor, and who comes later, goes through */
        if (door.visitor) {
            door.visitor();
        }
        door.dead = !door.visitor;
    }
    return !door.dead;
}

static inline sx_answer gate_get(sx_store *s, const unsigned char *key,
                                 sx_str *bytes, sx_record_meta *meta,
                                 int64_t grace_ms, int64_t now_ms,
                                 apr_pool_t *pool)
{
    (void)s;
    return gate_pass() ? door.real->ops->get(door.real, key, bytes, meta,
                                             grace_ms, now_ms, pool)
                       : SX_STORE_UNAVAILABLE;
}

static inline sx_answer gate_put_if(sx_store *s, const unsigned char *key,
                                    uint64_t token, sx_str bytes,
                                    sx_record_meta *meta, int64_t now_ms)
{
    (void)s;
    return gate_pass() ? door.real->ops->put_if(door.real, key, token, bytes,
                                                meta, now_ms)
                       : SX_STORE_UNAVAILABLE;
}

static inline sx_answer gate_touch(sx_store *s, const unsigned char *key,
                                   int64_t expires_ms, int64_t now_ms)
{
    (void)s;
    return gate_pass()
               ? door.real->ops->touch(door.real, key, expires_ms, now_ms)
               : SX_STORE_UNAVAILABLE;
}

static inline sx_answer gate_remove(sx_store *s, const unsigned char *key,
                                    uint64_t token)
{
    (void)s;
    return gate_pass() ? door.real->ops->remove(door.real, key, token)
                       : SX_STORE_UNAVAILABLE;
}

static inline sx_answer gate_get_with_epoch(
    sx_store *s, const unsigned char *key, sx_store_read *record,
    sx_store_read *epoch, int64_t grace_ms, int64_t now_ms, apr_pool_t *pool)
{
    (void)s;
    return gate_pass()
               ? door.real->ops->get_with_epoch(door.real, key, record, epoch,
                                                grace_ms, now_ms, pool)
               : SX_STORE_UNAVAILABLE;
}

static inline sx_answer gate_put_if_epoch(sx_store *s, const unsigned char *key,
                                          uint64_t token, uint64_t epoch,
                                          sx_str bytes, sx_record_meta *meta,
                                          int64_t now_ms)
{
    (void)s;
    return gate_pass() ? door.real->ops->put_if_epoch(
                             door.real, key, token, epoch, bytes, meta, now_ms)
                       : SX_STORE_UNAVAILABLE;
}

static inline uint64_t gate_life(sx_store *s)
{
    (void)s;
    return door.real->ops->life(door.real);
}

/* Put a gate in front of the store of ${at}; open until gate_close. */
static inline void gate_build(stage *at)
{
    static const sx_store_ops ops = {.name = "gate",
                                     .get = gate_get,
                                     .put_if = gate_put_if,
                                     .touch = gate_touch,
                                     .remove = gate_remove,
                                     .life = gate_life};
    static const sx_store_ops both = {.name = "gate",
                                      .get = gate_get,
                                      .put_if = gate_put_if,
                                      .touch = gate_touch,
                                      .remove = gate_remove,
                                      .life = gate_life,
                                      .get_with_epoch = gate_get_with_epoch,
                                      .put_if_epoch = gate_put_if_epoch};
    sx_store **store = stage_on->inner ? stage_on->inner(at) : &at->realm.store;

    door = (gate){.base = {(*store)->ops->put_if_epoch ? &both : &ops},
                  .real = *store,
                  .before = -1};
    *store = &door.base;
}

/* ${visitor} comes before the call ${before} from now on; NULL: death. */
static inline void gate_set(int before, gate_visitor *visitor)
{
    door.before = before;
    door.calls = 0;
    door.reached = door.dead = false;
    door.visitor = visitor;
}

/* Was there such a call?  From here on nobody comes between. */
static inline bool gate_open(void)
{
    door.before = -1;
    door.dead = false;
    return door.reached;
}

#endif
