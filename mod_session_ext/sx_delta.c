/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each operation changes a session is one small function in the table at
 * the end; sx_delta_apply runs them in the table's order, whatever order the
 * commands came in.
 */
#include "sx_delta.h"

#include <string.h>
#include <apr_strings.h>
#include "sx_flash.h"
#include "sx_keys.h"

/* One application in progress. */
typedef struct apply_ctx {
    sx_session *session;
    const sx_limits *limits;
    sx_change *change;
    char *joined; /* buffer of the value that appends last made */
    size_t joined_room;
} apply_ctx;

typedef bool apply_fn(apply_ctx *ctx, const sx_op *op);

sx_delta *sx_delta_create(apr_pool_t *pool)
{
    sx_delta *delta = apr_pcalloc(pool, sizeof *delta);

    delta->pool = pool;
    return delta;
}

void sx_delta_add(sx_delta *delta, sx_op op)
{
    apr_array_header_t **list = &delta->ops[op.code];

    /* Made here and not when applied: a retry must queue the same message. */
    if (op.code == SX_OP_FLASH && op.id == 0)
        sx_random(&op.id, sizeof op.id);
    if (!*list)
        *list = apr_array_make(delta->pool, 4, sizeof(sx_op));
    APR_ARRAY_PUSH(*list, sx_op) = op;
}

int sx_delta_count(const sx_delta *delta)
{
    int count = 0;

    for (int code = 0; code < SX_OP_COUNT; code++)
        if (delta->ops[code])
            count += delta->ops[code]->nelts;
    return count;
}

void sx_delta_forget(sx_delta *delta, sx_op_code code, const sx_str *key)
{
    apr_array_header_t *list = delta->ops[code];
    int kept = 0;

    for (int i = 0; key && list && i < list->nelts; i++) {
        const sx_op op = APR_ARRAY_IDX(list, i, sx_op);

        if (!sx_str_eq(op.key, *key))
            APR_ARRAY_IDX(list, kept++, sx_op) = op;
    }
    if (!list)
        return;
    list->nelts = kept;
    /* An empty list would count as a wish. */
    if (kept == 0)
        delta->ops[code] = NULL;
}

bool sx_delta_has_data(const sx_delta *delta)
{
    if (delta->has_if_version || delta->refused)
        return true;
    for (int code = 0; code < SX_OP_COUNT; code++)
        if (delta->ops[code])
            return true;
    return false;
}

bool sx_delta_asks(const sx_delta *delta)
{
    return sx_delta_has_data(delta) || delta->destroy || delta->logout ||
           delta->renew != SX_KEEP_ID || delta->claim != 0 || delta->reserve;
}

bool sx_delta_creates(const sx_delta *delta)
{
    return delta->ops[SX_OP_SET] || delta->ops[SX_OP_PUT] ||
           delta->ops[SX_OP_APPEND] || delta->ops[SX_OP_INCR] ||
           delta->ops[SX_OP_FLASH] || delta->reserve;
}

void sx_delta_drop_data(sx_delta *delta)
{
    memset(delta->ops, 0, sizeof delta->ops);
    delta->has_if_version = false;
    delta->refused = NULL;
    delta->keep_flash = false;
    delta->reserve = false;
}

/* ---- the operations ----------------------------------------------------- */

static bool refuse(apply_ctx *ctx, const char *why)
{
    ctx->change->why = why;
    return false;
}

/* Checked with every key, because each is searched for among all others. */
static bool within_keys(apply_ctx *ctx, const char *header)
{
    if (ctx->session->entries->nelts <= SX_KEYS_MAX)
        return true;
    return refuse(ctx, apr_psprintf(ctx->session->pool,
                                    "%s: the session would have more than "
                                    "%d keys",
                                    header, SX_KEYS_MAX));
}

/* Checked when all commands of one header are applied: what counts is the
 * size the session ends with, and not that one value grew before another
 * shrank.  The bound on commands bounds what is built until then. */
static bool within_size(apply_ctx *ctx, const char *header)
{
    if (sx_session_size(ctx->session) <= ctx->limits->max_size)
        return true;
    return refuse(ctx,
                  apr_psprintf(ctx->session->pool,
                               "%s: the session would be larger than "
                               "SessionExtMaxSize (%" APR_SIZE_T_FMT " bytes)",
                               header, ctx->limits->max_size));
}

static bool apply_clear(apply_ctx *ctx, const sx_op *op)
{
    (void)op;
    ctx->change->data |= sx_session_clear(ctx->session);
    return true;
}

static bool apply_unset(apply_ctx *ctx, const sx_op *op)
{
    ctx->change->data |= sx_session_unset(ctx->session, op->key);
    return true;
}

static bool apply_set(apply_ctx *ctx, const sx_op *op)
{
    const sx_entry *old = sx_session_get(ctx->session, op->key);
    sx_type type = SX_TEXT;

    /* A number that an app of types put there stays one for it, and a secret a
     * secret. */
    if (old && old->type != SX_OPAQUE && sx_type_accepts(old->type, op->value))
        type = old->type;
    ctx->change->data |= sx_session_set(ctx->session, op->key, op->value, type);
    return within_keys(ctx, "Session-Set");
}

static bool apply_put(apply_ctx *ctx, const sx_op *op)
{
    ctx->change->data |=
        sx_session_set(ctx->session, op->key, op->value, op->type);
    return within_keys(ctx, "$_SESSION");
}

/* A value is built of many parts: the buffer doubles, or each part would leave
 * a copy of all before it in the pool. */
static sx_str join(apply_ctx *ctx, sx_str old, sx_str part)
{
    size_t len = old.len + part.len;

    if (old.p != ctx->joined || len > ctx->joined_room) {
        ctx->joined_room = len * 2;
        ctx->joined = apr_palloc(ctx->session->pool, ctx->joined_room);
        memcpy(ctx->joined, old.p, old.len);
    }
    memcpy(ctx->joined + old.len, part.p, part.len);
    return (sx_str){ctx->joined, len};
}

static bool apply_append(apply_ctx *ctx, const sx_op *op)
{
    const sx_entry *old = sx_session_get(ctx->session, op->key);
    const sx_entry *entries = (const sx_entry *)ctx->session->entries->elts;
    sx_entry *entry;

    if (old && !sx_type_is_shown(old->type))
        return refuse(ctx, "Session-Append: a key holds an opaque value");
    if (!old) {
        ctx->change->data |=
            sx_session_set(ctx->session, op->key, op->value, SX_TEXT);
        return within_keys(ctx, "Session-Append");
    }
    entry = &APR_ARRAY_IDX(ctx->session->entries, old - entries, sx_entry);
    ctx->change->data |= op->value.len > 0 || entry->type != SX_TEXT;
    entry->type = SX_TEXT;
    if (op->value.len > 0)
        entry->value = join(ctx, entry->value, op->value);
    return true;
}

static bool apply_incr(apply_ctx *ctx, const sx_op *op)
{
    const sx_entry *old = sx_session_get(ctx->session, op->key);
    sx_type type = old ? old->type : op->type;
    int64_t n = 0;

    if (old && (old->type > SX_INT || !sx_parse_int64(old->value, &n)))
        return refuse(ctx, "Session-Incr: a key does not hold an integer");
    if (__builtin_add_overflow(n, op->number, &n))
        return refuse(ctx, "Session-Incr: the sum does not fit 64 bits");
    ctx->change->data |= sx_session_set(
        ctx->session, op->key, sx_int64_str(n, ctx->session->pool), type);
    return within_keys(ctx, "Session-Incr");
}

static bool apply_idle(apply_ctx *ctx, const sx_op *op)
{
    uint32_t wish = op->number > (int64_t)ctx->limits->idle_max_s
                        ? ctx->limits->idle_max_s
                        : (uint32_t)op->number;

    ctx->change->other |= ctx->session->idle_s != wish;
    ctx->session->idle_s = wish;
    return true;
}

static bool apply_persist(apply_ctx *ctx, const sx_op *op)
{
    ctx->change->other |= ctx->session->persist != (op->number != 0);
    ctx->session->persist = op->number != 0;
    return true;
}

static bool apply_flash(apply_ctx *ctx, const sx_op *op)
{
    const sx_message message = {
        .id = op->id,
        .level = sx_str_dup(op->key, ctx->session->pool),
        .text = sx_str_dup(op->value, ctx->session->pool),
    };
    const char *why =
        sx_flash_queue(ctx->session->messages, message, ctx->limits->flash_max,
                       ctx->limits->flash_bytes);

    if (why)
        return refuse(ctx, why);
    ctx->change->other = true;
    return true;
}

/* `grows`: the header after which the size is looked at. */
typedef struct operation {
    apply_fn *apply;
    const char *grows;
} operation;

static const operation operations[SX_OP_COUNT] = {
    [SX_OP_CLEAR] = {apply_clear, NULL},
    [SX_OP_UNSET] = {apply_unset, NULL},
    [SX_OP_SET] = {apply_set, "Session-Set"},
    [SX_OP_PUT] = {apply_put, "$_SESSION"},
    [SX_OP_APPEND] = {apply_append, "Session-Append"},
    [SX_OP_INCR] = {apply_incr, "Session-Incr"},
    [SX_OP_IDLE] = {apply_idle, NULL},
    [SX_OP_PERSIST] = {apply_persist, NULL},
    [SX_OP_FLASH] = {apply_flash, NULL},
};

static bool apply_list(apply_ctx *ctx, const operation *how,
                       const apr_array_header_t *list)
{
    if (!list)
        return true;
    for (int i = 0; i < list->nelts; i++)
        if (!how->apply(ctx, &APR_ARRAY_IDX(list, i, sx_op)))
            return false;
    return !how->grows || within_size(ctx, how->grows);
}

bool sx_delta_settle(const sx_delta *delta, sx_session *session, bool replaced)
{
    return delta->claim != 0 && sx_flash_settle(session->messages, delta->claim,
                                                delta->shown && !replaced);
}

sx_applied sx_delta_apply(const sx_delta *delta, sx_session *session,
                          bool exists, const sx_limits *limits,
                          sx_change *change)
{
    apply_ctx ctx = {.session = session, .limits = limits, .change = change};

    *change = (sx_change){0};
    if (delta->has_if_version &&
        delta->if_version != (exists ? session->version : 0))
        return SX_APPLY_VERSION;
    if (delta->refused) {
        change->why = delta->refused;
        return SX_APPLY_REFUSED;
    }
    /* First: what was shown makes room for what is queued. */
    change->other = sx_delta_settle(delta, session, false);
    for (int code = 0; code < SX_OP_COUNT; code++)
        if (!apply_list(&ctx, &operations[code], delta->ops[code]))
            return SX_APPLY_REFUSED;
    if (change->data || !exists)
        session->version++;
    return SX_APPLIED;
}

const sx_delta *sx_delta_farewell(const sx_delta *delta, uint64_t version,
                                  sx_applied *applied, const char **why,
                                  apr_pool_t *pool)
{
    sx_delta *plan = apr_pmemdup(pool, delta, sizeof *delta);
    bool other = delta->ops[SX_OP_SET] || delta->ops[SX_OP_PUT] ||
                 delta->ops[SX_OP_APPEND] || delta->ops[SX_OP_INCR];

    *applied = SX_APPLY_VERSION;
    if (delta->has_if_version && delta->if_version != version)
        return NULL;
    *applied = SX_APPLY_REFUSED;
    if (other || delta->refused) {
        *why = delta->refused
                   ? delta->refused
                   : "Session-Set, -Append and -Incr are refused beside "
                     "Session-Destroy";
        return NULL;
    }
    *applied = SX_APPLIED;
    if (!delta->ops[SX_OP_FLASH])
        return NULL;
    memset(plan->ops, 0, sizeof plan->ops);
    plan->ops[SX_OP_FLASH] = delta->ops[SX_OP_FLASH];
    plan->has_if_version = false;
    plan->destroy = false;
    plan->renew = SX_RENEW_DISCARD;
    return plan;
}
