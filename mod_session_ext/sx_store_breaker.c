/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sx_store_breaker.h.  The state is `retry_ms`: 0 while it is closed, else
 * the time from which on one call may be let through.  Whoever moves that time
 * on by compare-and-swap has the probe, for as long as it is moved on; so there
 * is no third state that somebody could be left in.  A call that was let
 * through remembers the value it saw, and only a probe whose value still stands
 * says what comes next.
 */
#include "sx_store_breaker.h"

#include <errno.h>
#include <semaphore.h>

typedef struct breaker {
    sx_store base;
    sx_store_ops ops; /* without what the inner one cannot do */
    sx_store *inner;
    sx_breaker_config config;
    _Atomic unsigned outages; /* in a row, while it is closed */
    _Atomic int64_t retry_ms;
    _Atomic unsigned inside; /* calls that have not come back */
    _Atomic int64_t back_ms; /* when one did, or came to an empty house */
    sem_t places;            /* that are free */
} breaker;

/* A call that was let through. */
typedef struct pass {
    bool is_probe, has_place;
    int64_t until_ms; /* what it has moved retry_ms to */
} pass;

static int64_t monotonic_ms(void *baton)
{
    (void)baton;
    return sx_monotonic_us() / 1000;
}

/* Never 0. */
static int64_t clock_of(const breaker *b)
{
    return b->config.clock_ms(b->config.baton) | 1;
}

#define COUNT(b, what)                                                         \
    ((void)((b)->config.figures &&                                             \
            atomic_fetch_add_explicit(&(b)->config.figures->what, 1,           \
                                      memory_order_relaxed)))

static void tell(const breaker *b, sx_log_level level, const char *what)
{
    if (b->config.name)
        sx_log(level, "the session store '%s' %s", b->config.name, what);
}

/* ---- before and after a call -------------------------------------------- */

/* Is it one too many behind those that do not come back?  It counts as inside
 * from here on. */
static bool is_stuck(breaker *b, int64_t now_ms)
{
    if (atomic_load(&b->inside) == 0)
        atomic_store(&b->back_ms, now_ms);
    return atomic_fetch_add(&b->inside, 1) >= SX_BREAKER_OUTAGES &&
           now_ms - atomic_load(&b->back_ms) >= SX_BREAKER_STUCK_MS;
}

/* ETIMEDOUT: none is free. */
static int wait_for_place(breaker *b)
{
    const struct timespec end = sx_monotonic_in(SX_BREAKER_FULL_MS);
    int code;

    do
        code =
            sem_clockwait(&b->places, CLOCK_MONOTONIC, &end) == 0 ? 0 : errno;
    while (code == EINTR);
    return code;
}

/* Others' calls that come back give theirs to somebody, if not to this one. */
static bool take_place(breaker *b)
{
    while (sem_trywait(&b->places) != 0 && wait_for_place(b) != 0)
        if (clock_of(b) - atomic_load(&b->back_ms) >= SX_BREAKER_FULL_MS)
            return false;
    return true;
}

/* May this call go through? */
static bool enter(breaker *b, pass *p)
{
    int64_t retry_ms = atomic_load(&b->retry_ms), now_ms = clock_of(b);
    bool stuck = is_stuck(b, now_ms);

    *p = (pass){.until_ms = now_ms + SX_BREAKER_PROBE_MS};
    if (retry_ms == 0 && !stuck && b->config.places == 0)
        return true;
    p->has_place = retry_ms == 0 && !stuck && take_place(b);
    if (p->has_place)
        return true;
    p->is_probe =
        retry_ms != 0 && !stuck && now_ms >= retry_ms &&
        atomic_compare_exchange_strong(&b->retry_ms, &retry_ms, p->until_ms);
    if (p->is_probe) {
        COUNT(b, probes);
        return true;
    }
    atomic_fetch_sub(&b->inside, 1);
    COUNT(b, rejected);
    return false;
}

static void leave_probe(breaker *b, const pass *p, sx_answer answer)
{
    int64_t mine = p->until_ms, next = 0;

    if (answer == SX_STORE_BUSY)
        next = clock_of(b);
    else if (sx_answer_is_outage(answer))
        next = clock_of(b) + SX_BREAKER_PAUSE_MS;
    else
        atomic_store(&b->outages, 0);
    if (atomic_compare_exchange_strong(&b->retry_ms, &mine, next) && next == 0)
        tell(b, SX_LOG_WARN, "answers again in this process");
}

static sx_answer leave(breaker *b, const pass *p, sx_answer answer)
{
    int64_t closed = 0;

    if (p->has_place)
        sem_post(&b->places);
    atomic_store(&b->back_ms, clock_of(b));
    atomic_fetch_sub(&b->inside, 1);
    if (p->is_probe) {
        leave_probe(b, p, answer);
        return answer;
    }
    if (answer == SX_STORE_BUSY)
        return answer;
    if (!sx_answer_is_outage(answer)) {
        /* Mostly it is 0, and a line that nobody writes is shared by all. */
        if (atomic_load_explicit(&b->outages, memory_order_relaxed) != 0)
            atomic_store(&b->outages, 0);
        return answer;
    }
    if (atomic_fetch_add(&b->outages, 1) + 1 >= SX_BREAKER_OUTAGES &&
        atomic_compare_exchange_strong(&b->retry_ms, &closed,
                                       clock_of(b) + SX_BREAKER_PAUSE_MS)) {
        COUNT(b, opened);
        tell(b, SX_LOG_ERR,
             "does not answer: until it does, this process asks it twice a "
             "second and nobody waits for it");
    }
    return answer;
}

/* ---- calls -------------------------------------------------------------- */

static breaker *of(sx_store *store)
{
    return (breaker *)store;
}

static sx_answer get(sx_store *store, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    sx_store *inner = of(store)->inner;
    pass p;

    return enter(of(store), &p) ? leave(of(store), &p,
                                        inner->ops->get(inner, key, bytes, meta,
                                                        grace_ms, now_ms, pool))
                                : SX_STORE_UNAVAILABLE;
}

static sx_answer put_if(sx_store *store, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    sx_store *inner = of(store)->inner;
    pass p;

    /* Its answer to nonsense is UNAVAILABLE, too. */
    if (!sx_record_meta_ok(meta))
        return inner->ops->put_if(inner, key, token, bytes, meta, now_ms);
    return enter(of(store), &p) ? leave(of(store), &p,
                                        inner->ops->put_if(inner, key, token,
                                                           bytes, meta, now_ms))
                                : SX_STORE_UNAVAILABLE;
}

static sx_answer touch(sx_store *store, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    sx_store *inner = of(store)->inner;
    pass p;

    return enter(of(store), &p)
               ? leave(of(store), &p,
                       inner->ops->touch(inner, key, expires_ms, now_ms))
               : SX_STORE_UNAVAILABLE;
}

static sx_answer remove_record(sx_store *store, const unsigned char *key,
                               uint64_t token)
{
    sx_store *inner = of(store)->inner;
    pass p;

    return enter(of(store), &p)
               ? leave(of(store), &p, inner->ops->remove(inner, key, token))
               : SX_STORE_UNAVAILABLE;
}

static sx_answer get_with_epoch(sx_store *store, const unsigned char *key,
                                sx_store_read *record, sx_store_read *epoch,
                                int64_t grace_ms, int64_t now_ms,
                                apr_pool_t *pool)
{
    sx_store *inner = of(store)->inner;
    pass p;

    return enter(of(store), &p)
               ? leave(of(store), &p,
                       inner->ops->get_with_epoch(inner, key, record, epoch,
                                                  grace_ms, now_ms, pool))
               : SX_STORE_UNAVAILABLE;
}

static sx_answer put_if_epoch(sx_store *store, const unsigned char *key,
                              uint64_t token, uint64_t epoch, sx_str bytes,
                              sx_record_meta *meta, int64_t now_ms)
{
    sx_store *inner = of(store)->inner;
    pass p;

    if (!sx_record_meta_ok(meta))
        return inner->ops->put_if_epoch(inner, key, token, epoch, bytes, meta,
                                        now_ms);
    return enter(of(store), &p)
               ? leave(of(store), &p,
                       inner->ops->put_if_epoch(inner, key, token, epoch, bytes,
                                                meta, now_ms))
               : SX_STORE_UNAVAILABLE;
}

static sx_answer each(sx_store *store, sx_store_visit *visit, void *baton,
                      int64_t now_ms, apr_pool_t *pool)
{
    sx_store *inner = of(store)->inner;
    pass p;

    return enter(of(store), &p)
               ? leave(of(store), &p,
                       inner->ops->each(inner, visit, baton, now_ms, pool))
               : SX_STORE_UNAVAILABLE;
}

static sx_answer sweep(sx_store *store, int64_t budget_us, int64_t now_ms,
                       sx_sweep_report *report)
{
    sx_store *inner = of(store)->inner;
    pass p;

    return enter(of(store), &p)
               ? leave(of(store), &p,
                       inner->ops->sweep(inner, budget_us, now_ms, report))
               : SX_STORE_UNAVAILABLE;
}

static sx_answer queue_enter(sx_store *store, const unsigned char *key,
                             int64_t wait_ms)
{
    sx_store *inner = of(store)->inner;

    /* Who stands there waits for others of us. */
    return sx_store_breaker_is_open(store)
               ? SX_STORE_UNAVAILABLE
               : inner->ops->queue_enter(inner, key, wait_ms);
}

/* ---- what asks nobody --------------------------------------------------- */

static void queue_leave(sx_store *store, const unsigned char *key)
{
    of(store)->inner->ops->queue_leave(of(store)->inner, key);
}

static int64_t clock_ms(sx_store *store)
{
    return of(store)->inner->ops->clock_ms(of(store)->inner);
}

static uint64_t life(sx_store *store)
{
    return of(store)->inner->ops->life(of(store)->inner);
}

static void refresh(sx_store *store, const unsigned char *key)
{
    of(store)->inner->ops->refresh(of(store)->inner, key);
}

static const char *carry(sx_store *store, const unsigned char *key)
{
    return of(store)->inner->ops->carry(of(store)->inner, key);
}

/* ---- handles ------------------------------------------------------------ */

sx_store *sx_store_breaker_create(sx_store *inner,
                                  const sx_breaker_config *config,
                                  apr_pool_t *pool)
{
    breaker *b = apr_pcalloc(pool, sizeof *b);
    const sx_store_ops *can = inner->ops;

    b->ops = (sx_store_ops){
        .name = can->name,
        .get = get,
        .put_if = put_if,
        .touch = touch,
        .remove = remove_record,
        .get_with_epoch = can->get_with_epoch ? get_with_epoch : NULL,
        .put_if_epoch = can->put_if_epoch ? put_if_epoch : NULL,
        .each = can->each ? each : NULL,
        .sweep = can->sweep ? sweep : NULL,
        .queue_enter = can->queue_enter ? queue_enter : NULL,
        .queue_leave = can->queue_leave ? queue_leave : NULL,
        .clock_ms = clock_ms,
        .life = can->life ? life : NULL,
        .refresh = can->refresh ? refresh : NULL,
        .carry = can->carry ? carry : NULL,
    };
    b->base.ops = &b->ops;
    b->inner = inner;
    b->config = *config;
    sem_init(&b->places, 0, config->places);
    if (!b->config.clock_ms)
        b->config.clock_ms = monotonic_ms;
    return &b->base;
}

bool sx_store_breaker_is_open(sx_store *store)
{
    return atomic_load(&of(store)->retry_ms) != 0;
}
