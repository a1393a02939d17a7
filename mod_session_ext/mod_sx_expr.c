/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An expression may be evaluated at any time of a request, long before the
 * environment is made, and in a scope that is not yet the last one.  So it asks
 * for the session, and does not read the environment.
 */
#include "mod_sx_private.h"
#include "mod_sx_expr.h"

#include <string.h>
#include "mod_sx_ask.h"
#include "mod_sx_authz.h"
#include "mod_sx_flash.h"

#define VAR_PREFIX "SESSION_"

/* ---- evaluation --------------------------------------------------------- */

/* Those of mod_ssl have no request. */
static const mod_sx_visit *ask(const ap_expr_eval_ctx_t *ctx)
{
    return ctx->r ? mod_sx_ask(ctx->r) : NULL;
}

static const char *fact(ap_expr_eval_ctx_t *ctx, const void *data)
{
    const mod_sx_visit *visit = ask(ctx);

    return visit ? mod_sx_ask_fact(visit, data, ctx->p) : NULL;
}

static const char *value(ap_expr_eval_ctx_t *ctx, const void *data,
                         const char *key)
{
    const mod_sx_visit *visit = ask(ctx);

    (void)data;
    return visit ? mod_sx_ask_key(visit, key, ctx->p) : NULL;
}

static const char *flash(ap_expr_eval_ctx_t *ctx, const void *data,
                         const char *level)
{
    const apr_array_header_t *messages =
        ask(ctx) ? mod_sx_flash_take(ctx->r) : NULL;
    sx_str wanted = sx_str_of(level);
    const char *all = NULL;

    (void)data;
    for (int i = 0; messages && i < messages->nelts; i++) {
        const sx_message *one = &APR_ARRAY_IDX(messages, i, sx_message);
        const char *text;

        if (!sx_str_eq(one->level, wanted))
            continue;
        text = apr_pstrmemdup(ctx->p, one->text.p, one->text.len);
        all = all ? apr_pstrcat(ctx->p, all, " ", text, NULL) : text;
    }
    return all;
}

/* ---- names -------------------------------------------------------------- */

/* The argument, where it is known before a request is there. */
static const char *check_key(const char *key)
{
    return *key && strlen(key) <= SX_KEY_MAX
               ? NULL
               : "session: a key of 1 to 128 bytes is accepted";
}

static const char *check_level(const char *level)
{
    size_t len = strspn(level, "abcdefghijklmnopqrstuvwxyz");

    return len && !level[len] && len <= SX_LEVEL_MAX
               ? NULL
               : "flash: a level of 1 to 32 letters a-z is accepted";
}

static int found(ap_expr_lookup_parms *parms, const void *func,
                 const void *data)
{
    mod_sx_authz_use();
    *parms->func = func;
    *parms->data = data;
    return OK;
}

static int find_function(ap_expr_lookup_parms *parms)
{
    static const struct {
        const char *name;
        ap_expr_string_func_t *func;
        const char *(*check)(const char *arg);
    } functions[] = {
        {"session", value, check_key},
        {"flash", flash, check_level},
    };

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strcasecmp(parms->name, functions[i].name))
            continue;
        *parms->err = parms->arg ? functions[i].check(parms->arg) : NULL;
        if (*parms->err)
            return !OK;
        return found(parms, (const void *)functions[i].func, functions[i].name);
    }
    return DECLINED;
}

static int find_variable(ap_expr_lookup_parms *parms)
{
    size_t prefix = strlen(VAR_PREFIX);

    if (strncasecmp(parms->name, VAR_PREFIX, prefix))
        return DECLINED;
    for (const char *const *name = mod_sx_ask_facts(); *name; name++)
        if (!strcasecmp(parms->name + prefix, *name))
            return found(parms, (const void *)fact, *name);
    return DECLINED;
}

int mod_sx_expr_lookup(ap_expr_lookup_parms *parms)
{
    switch (parms->type) {
    case AP_EXPR_FUNC_STRING:
        return find_function(parms);
    case AP_EXPR_FUNC_VAR:
        return find_variable(parms);
    default:
        return DECLINED;
    }
}
