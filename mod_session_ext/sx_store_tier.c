/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How no old copy stays in FAST.
 *
 * Who has read DURABLE may be slow: when his copy comes to FAST, somebody else
 * may have written, and may have taken away what was there.  So nobody puts a
 * copy that has not laid a *claim* there before: an empty record under the key,
 * by put_if, whose token is his.  He reads or writes DURABLE after that, and
 * puts the copy in the claim's place by its token.  Whoever writes takes away,
 * before and after DURABLE is written, whatever lies under the key.  And who
 * finds another's claim puts his own in its place.
 *
 * Say a writer W has been confirmed and there is a copy of before, put by X.
 * X's claim was laid before W's last removal, or X would have read what W
 * wrote; and it was still there when X came back, or its token would not have
 * fitted.  So X put the copy before that removal, which took it away.  Tokens
 * only grow, so no other record can be taken for the claim.  Who dies leaves a
 * claim, or nothing, but no copy of before: that was taken away first.
 *
 * memcached's leases (Nishtala et al., Scaling Memcache at Facebook, NSDI 2013)
 * do the same.  They need a server that knows of them; this needs a put_if.
 *
 * How old a copy is, FAST decides: it ends there.  Its own ends, in DURABLE's
 * time, are in its head, so that no clock is ever translated.
 */
#include "sx_store_tier.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

/* Who was killed leaves a claim for so long; nobody waits for it. */
#define CLAIM_MS 1000

/* Each waits as long as FAST does. */
#define CLEAR_TRIES 3

/* Little-endian; a record's bytes follow.  Beside it in FAST are namespace, tag
 * and handle. */
typedef struct copy_head {
    uint8_t form;
    uint8_t kind; /* 0: there is no such record */
    uint8_t zero[6];
    uint64_t token, created_ms, last_access_ms, expires_ms, hard_end_ms;
} copy_head;

_Static_assert(sizeof(copy_head) == 48, "format");
#define COPY_FORM 1

typedef struct tier {
    sx_store base;
    sx_store_ops ops; /* without what the two cannot do */
    sx_store *fast, *durable;
    int64_t max_age_ms;
    unsigned char mask[SX_STORE_KEY_LEN];
} tier;

/* The place of a key in FAST. */
typedef struct place {
    const tier *of;
    unsigned char key[SX_STORE_KEY_LEN];
    uint64_t token; /* of what lies there, or of our claim; 0: nothing does */
} place;

/* Not the key itself: FAST may be a store of its own, too. */
static place place_of(sx_store *base, const unsigned char *key)
{
    place at = {.of = (const tier *)base};

    for (size_t i = 0; i < SX_STORE_KEY_LEN; i++)
        at.key[i] = key[i] ^ at.of->mask[i];
    return at;
}

static int64_t fast_now(const tier *t)
{
    return t->fast->ops->clock_ms(t->fast);
}

/* ---- a copy ------------------------------------------------------------- */

static copy_head head_of(const sx_record_meta *meta)
{
    return (copy_head){
        .form = COPY_FORM,
        .kind = (uint8_t)meta->kind,
        .token = htole64(meta->token),
        .created_ms = htole64((uint64_t)meta->created_ms),
        .last_access_ms = htole64((uint64_t)meta->last_access_ms),
        .expires_ms = htole64((uint64_t)meta->expires_ms),
        .hard_end_ms = htole64((uint64_t)meta->hard_end_ms),
    };
}

/* From what FAST gave.  False: this is a claim, or none of ours. */
static bool open_copy(sx_str *bytes, sx_record_meta *meta)
{
    copy_head head;

    if (bytes->len < sizeof head)
        return false;
    memcpy(&head, bytes->p, sizeof head);
    *bytes = (sx_str){bytes->p + sizeof head, bytes->len - sizeof head};
    meta->kind = (sx_kind)head.kind;
    meta->token = le64toh(head.token);
    meta->created_ms = (int64_t)le64toh(head.created_ms);
    meta->last_access_ms = (int64_t)le64toh(head.last_access_ms);
    meta->expires_ms = (int64_t)le64toh(head.expires_ms);
    meta->hard_end_ms = (int64_t)le64toh(head.hard_end_ms);
    return head.form == COPY_FORM &&
           (head.kind == 0 || (meta->token != 0 && sx_record_meta_ok(meta)));
}

/* In the place of what lies there.  Copies give way to whatever else FAST may
 * hold: they are all anonymous to it. */
static bool put(place *at, const void *bytes, size_t len,
                const sx_record_meta *of, int64_t life_ms)
{
    sx_store *fast = at->of->fast;
    const int64_t now_ms = fast_now(at->of);
    sx_record_meta meta = {.kind = SX_ANONYMOUS,
                           .ns = of->ns,
                           .user_tag = of->user_tag,
                           .handle = of->handle,
                           .created_ms = now_ms,
                           .last_access_ms = now_ms,
                           .expires_ms = now_ms + life_ms,
                           .hard_end_ms = now_ms + life_ms};
    sx_answer answer = fast->ops->put_if(fast, at->key, at->token,
                                         (sx_str){bytes, len}, &meta, now_ms);

    at->token = answer == SX_STORE_OK ? meta.token : 0;
    return answer == SX_STORE_OK;
}

static void claim(place *at)
{
    static const sx_record_meta nobody;

    (void)put(at, "", 0, &nobody, CLAIM_MS);
}

/* In our claim's place.  The bytes belong to nobody's pool. */
static bool put_copy(place *at, sx_str bytes, const sx_record_meta *meta)
{
    const copy_head head = head_of(meta);
    char *copy = malloc(sizeof head + bytes.len);
    bool done;

    if (!copy)
        return false;
    memcpy(copy, &head, sizeof head);
    if (bytes.len)
        memcpy(copy + sizeof head, bytes.p, bytes.len);
    done = put(at, copy, sizeof head + bytes.len, meta, at->of->max_age_ms);
    free(copy);
    return done;
}

/* Nothing old may stay for want of a moment.  False: FAST cannot be reached. */
static bool clear(place *at)
{
    sx_store *fast = at->of->fast;
    sx_answer answer = SX_STORE_BUSY;

    for (int i = 0; i < CLEAR_TRIES && answer == SX_STORE_BUSY; i++)
        answer = fast->ops->remove(fast, at->key, 0);
    at->token = 0;
    return answer == SX_STORE_OK || answer == SX_STORE_MISS;
}

/* ---- get ---------------------------------------------------------------- */

typedef enum seen { SEEN_COPY, SEEN_NO_COPY, SEEN_NOTHING } seen;

/* SEEN_NOTHING: FAST cannot be asked. */
static seen look(place *at, sx_str *bytes, sx_record_meta *meta,
                 apr_pool_t *pool)
{
    sx_store *fast = at->of->fast;
    sx_answer answer =
        fast->ops->get(fast, at->key, bytes, meta, 0, fast_now(at->of), pool);

    if (sx_answer_is_outage(answer))
        return SEEN_NOTHING;
    if (answer != SX_STORE_OK)
        return SEEN_NO_COPY;
    at->token = meta->token;
    return open_copy(bytes, meta) ? SEEN_COPY : SEEN_NO_COPY;
}

/* What DURABLE has answered, in our claim's place. */
static void fill(place *at, const unsigned char *key, sx_answer answer,
                 sx_str bytes, const sx_record_meta *meta)
{
    static const sx_record_meta none;
    sx_store *fast = at->of->fast;

    if (at->token == 0)
        return;
    if (answer == SX_STORE_OK)
        (void)put_copy(at, bytes, meta);
    else if (answer == SX_STORE_MISS && sx_key_is_of_epoch(key))
        (void)put_copy(at, (sx_str){"", 0}, &none);
    else
        (void)fast->ops->remove(fast, at->key, at->token);
}

static sx_answer get(sx_store *base, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    place at = place_of(base, key);
    sx_store *durable = at.of->durable;
    sx_answer answer;
    seen found = SEEN_NOTHING;

    if (at.of->max_age_ms > 0)
        found = look(&at, bytes, meta, pool);
    if (found == SEEN_COPY && meta->kind == 0)
        return SX_STORE_MISS;
    if (found == SEEN_COPY && meta->expires_ms > now_ms)
        return SX_STORE_OK;
    if (found != SEEN_NOTHING)
        claim(&at);
    answer =
        durable->ops->get(durable, key, bytes, meta, grace_ms, now_ms, pool);
    fill(&at, key, answer, *bytes, meta);
    return answer;
}

/* A copy has the epoch looked for here, too; what DURABLE has brought with a
 * session is not copied: who was first to ask had no claim for it. */
static sx_answer get_with_epoch(sx_store *base, const unsigned char *key,
                                sx_store_read *record, sx_store_read *epoch,
                                int64_t grace_ms, int64_t now_ms,
                                apr_pool_t *pool)
{
    place at = place_of(base, key);
    sx_store *durable = at.of->durable;
    unsigned char of_user[SX_STORE_KEY_LEN];
    seen found = SEEN_NOTHING;

    epoch->answer = SX_STORE_MISS;
    if (at.of->max_age_ms > 0)
        found = look(&at, &record->bytes, &record->meta, pool);
    if (found == SEEN_COPY && record->meta.kind != 0 &&
        record->meta.expires_ms > now_ms) {
        sx_epoch_key(record->meta.user_tag, of_user);
        if (record->meta.kind == SX_USER)
            epoch->answer = get(base, of_user, &epoch->bytes, &epoch->meta, 0,
                                now_ms, pool);
        return record->answer = SX_STORE_OK;
    }
    if (found != SEEN_NOTHING)
        claim(&at);
    record->answer = durable->ops->get_with_epoch(durable, key, record, epoch,
                                                  grace_ms, now_ms, pool);
    fill(&at, key, record->answer, record->bytes, &record->meta);
    return record->answer;
}

/* ---- writing ------------------------------------------------------------ */

/* A store puts times in order, and the copy would have them as they came. */
static bool is_in_order(const sx_record_meta *meta)
{
    return meta->created_ms <= meta->expires_ms &&
           meta->created_ms <= meta->last_access_ms &&
           meta->last_access_ms <= meta->hard_end_ms;
}

static void begin_write(place *at)
{
    if (clear(at) && at->of->max_age_ms > 0)
        claim(at);
}

/* Whatever is there by now was read before this was written. */
static void end_write(place *at, sx_answer answer, sx_str bytes,
                      const sx_record_meta *meta)
{
    if (answer != SX_STORE_OK || at->token == 0 || !is_in_order(meta) ||
        !put_copy(at, bytes, meta))
        (void)clear(at);
}

static sx_answer put_if(sx_store *base, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    place at = place_of(base, key);
    sx_store *durable = at.of->durable;
    sx_answer answer;

    begin_write(&at);
    answer = durable->ops->put_if(durable, key, token, bytes, meta, now_ms);
    end_write(&at, answer, bytes, meta);
    return answer;
}

static sx_answer put_if_epoch(sx_store *base, const unsigned char *key,
                              uint64_t token, uint64_t epoch, sx_str bytes,
                              sx_record_meta *meta, int64_t now_ms)
{
    place at = place_of(base, key), epochs;
    sx_store *durable = at.of->durable;
    unsigned char of_user[SX_STORE_KEY_LEN];
    sx_answer answer;

    begin_write(&at);
    answer = durable->ops->put_if_epoch(durable, key, token, epoch, bytes, meta,
                                        now_ms);
    end_write(&at, answer, bytes, meta);
    /* It may be the epoch that the caller had from an old copy. */
    if (answer == SX_STORE_CHANGED) {
        sx_epoch_key(meta->user_tag, of_user);
        epochs = place_of(base, of_user);
        (void)clear(&epochs);
    }
    return answer;
}

static sx_answer touch(sx_store *base, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    place at = place_of(base, key);
    sx_store *durable = at.of->durable;
    sx_answer answer;

    (void)clear(&at);
    answer = durable->ops->touch(durable, key, expires_ms, now_ms);
    (void)clear(&at);
    return answer;
}

static sx_answer remove_record(sx_store *base, const unsigned char *key,
                               uint64_t token)
{
    place at = place_of(base, key);
    sx_store *durable = at.of->durable;
    sx_answer answer;

    (void)clear(&at);
    answer = durable->ops->remove(durable, key, token);
    (void)clear(&at);
    return answer;
}

/* ---- what is asked of one of them --------------------------------------- */

static sx_store *durable_of(sx_store *base)
{
    return ((tier *)base)->durable;
}

static sx_answer each(sx_store *base, sx_store_visit *visit, void *baton,
                      int64_t now_ms, apr_pool_t *pool)
{
    sx_store *durable = durable_of(base);

    return durable->ops->each(durable, visit, baton, now_ms, pool);
}

/* FAST's share is not told: what ends there are copies. */
static sx_answer sweep(sx_store *base, int64_t budget_us, int64_t now_ms,
                       sx_sweep_report *report)
{
    const tier *t = (const tier *)base;
    sx_sweep_report copies;

    if (t->fast->ops->sweep)
        (void)t->fast->ops->sweep(t->fast, budget_us / 2, fast_now(t), &copies);
    return t->durable->ops->sweep(t->durable, budget_us - budget_us / 2, now_ms,
                                  report);
}

/* DURABLE's queue may be one of all hosts; FAST's is one of this. */
static sx_store *queue_of(sx_store *base)
{
    const tier *t = (const tier *)base;

    return t->durable->ops->queue_enter ? t->durable : t->fast;
}

static sx_answer queue_enter(sx_store *base, const unsigned char *key,
                             int64_t wait_ms)
{
    sx_store *queue = queue_of(base);

    return queue->ops->queue_enter(queue, key, wait_ms);
}

static void queue_leave(sx_store *base, const unsigned char *key)
{
    sx_store *queue = queue_of(base);

    queue->ops->queue_leave(queue, key);
}

static int64_t clock_ms(sx_store *base)
{
    sx_store *durable = durable_of(base);

    return durable->ops->clock_ms(durable);
}

static uint64_t life(sx_store *base)
{
    sx_store *durable = durable_of(base);

    return durable->ops->life(durable);
}

static void refresh(sx_store *base, const unsigned char *key)
{
    place at = place_of(base, key);

    (void)clear(&at);
}

static const sx_store_ops all_ops = {
    .name = "tier",
    .get = get,
    .put_if = put_if,
    .touch = touch,
    .remove = remove_record,
    .each = each,
    .sweep = sweep,
    .queue_enter = queue_enter,
    .queue_leave = queue_leave,
    .clock_ms = clock_ms,
    .life = life,
    .get_with_epoch = get_with_epoch,
    .put_if_epoch = put_if_epoch,
    .refresh = refresh,
};

sx_store *sx_store_tier_create(sx_store *fast, sx_store *durable,
                               const char *name, int64_t max_age_ms,
                               apr_pool_t *pool)
{
    static const unsigned char purpose[] = "copies of a store";
    tier *t = apr_pcalloc(pool, sizeof *t);

    t->ops = all_ops;
    t->base.ops = &t->ops;
    t->fast = fast;
    t->durable = durable;
    t->max_age_ms = max_age_ms;
    if (max_age_ms == 0)
        t->ops.refresh = NULL;
    if (!durable->ops->get_with_epoch)
        t->ops.get_with_epoch = NULL;
    if (!durable->ops->put_if_epoch)
        t->ops.put_if_epoch = NULL;
    if (!durable->ops->each)
        t->ops.each = NULL;
    if (!durable->ops->sweep)
        t->ops.sweep = NULL;
    if (!queue_of(&t->base)->ops->queue_enter) {
        t->ops.queue_enter = NULL;
        t->ops.queue_leave = NULL;
    }
    crypto_generichash(t->mask, sizeof t->mask, (const unsigned char *)name,
                       strlen(name), purpose, sizeof purpose);
    return &t->base;
}
