/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_seal.h"

#include <string.h>
#include "mod_sx_cookie.h"
#include "mod_sx_status.h"
#include "sx_env.h"
#include "sx_sealed_cookie.h"

/* One sealed name as this request meets it. */
typedef struct mod_sx_opened {
    struct mod_sx_opened *next;
    const mod_sx_seal_conf *conf;
    sx_seal_policy policy;
    sx_sealed_found found;
} mod_sx_opened;

static mod_sx_opened *seal_at(const mod_sx_part *part, int i)
{
    return APR_ARRAY_IDX(part->seals, i, mod_sx_opened *);
}

/* As the browser knows it, which has sent the first of all redirects. */
static const char *url_path_of(request_rec *r)
{
    const char *url;

    while (r->main || r->prev)
        r = r->main ? r->main : r->prev;
    url = r->unparsed_uri;
    if (!url || *url != '/')
        url = r->parsed_uri.path ? r->parsed_uri.path : "/";
    return apr_pstrmemdup(r->pool, url, strcspn(url, "?#"));
}

static int64_t now_of(request_rec *r)
{
    return apr_time_sec(r->request_time);
}

/* ---- in ----------------------------------------------------------------- */

static sx_seal_policy policy_of(request_rec *r, const mod_sx_seal_conf *conf)
{
    const mod_sx_server *server = mod_sx_server_of(r->server);
    const mod_sx_cookie_conf *cookie = &conf->cookie;
    const char *ns = mod_sx_dir_of(r)->ns;

    return (sx_seal_policy){
        .scope = {server->keys, cookie->name, ns ? ns : server->ns, conf->mode,
                  conf->max_age_s},
        .attrs = {cookie->path, cookie->domain, cookie->samesite,
                  mod_sx_is_secure(r, cookie->secure), cookie->partitioned,
                  conf->readable},
    };
}

/* Told once a request.  What anybody can cause by an old or a foreign cookie
 * does not fill the log of a server that warns. */
static void tell_refused(request_rec *r, const mod_sx_opened *opened)
{
    sx_sealed_verdict verdict = opened->found.verdict;
    bool hostile =
        verdict == SX_SEALED_FORGED || verdict == SX_SEALED_AMBIGUOUS;

    if (verdict == SX_SEALED_OK || verdict == SX_SEALED_ABSENT)
        return;
    mod_sx_count(MOD_SX_COUNT_seal_broken, 1);
    ap_log_rerror(APLOG_MARK, hostile ? APLOG_WARNING : APLOG_INFO, 0, r,
                  "the sealed cookie %s of the client is not accepted: %s",
                  opened->policy.scope.name, sx_sealed_verdict_str(verdict));
}

/* Parts of one request open a cookie once. */
static mod_sx_opened *open_one(request_rec *r, const mod_sx_seal_conf *conf)
{
    mod_sx_top *top = mod_sx_part_of(r)->top;
    sx_seal_policy policy = policy_of(r, conf);
    mod_sx_opened *opened;

    for (opened = top->opened; opened; opened = opened->next)
        if (opened->conf == conf &&
            opened->policy.scope.keys == policy.scope.keys &&
            !strcmp(opened->policy.scope.ns, policy.scope.ns))
            return opened;
    opened = apr_pcalloc(top->pool, sizeof *opened);
    opened->conf = conf;
    opened->policy = policy;
    sx_sealed_find(&policy.scope, top->cookies, now_of(r), &opened->found,
                   top->pool);
    tell_refused(r, opened);
    opened->next = top->opened;
    top->opened = opened;
    return opened;
}

bool mod_sx_seal_open(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    const apr_array_header_t *confs = mod_sx_dir_of(r)->seals;
    const mod_sx_visit *visit;

    if (part->seals && part->seal_scope == r->per_dir_config)
        return true;
    part->seals = NULL;
    part->seal_scope = r->per_dir_config;
    visit = confs ? mod_sx_visit_of(r) : NULL;
    for (int i = 0; confs && i < confs->nelts; i++) {
        const mod_sx_seal_conf *conf =
            APR_ARRAY_IDX(confs, i, const mod_sx_seal_conf *);

        if (conf->off || (visit && !strcmp(visit->realm.scope.cookie_name,
                                           conf->cookie.name)))
            continue;
        if (!part->seals)
            part->seals = apr_array_make(r->pool, 2, sizeof(mod_sx_opened *));
        APR_ARRAY_PUSH(part->seals, mod_sx_opened *) = open_one(r, conf);
    }
    return part->seals != NULL;
}

apr_array_header_t *mod_sx_seal_vars(request_rec *r)
{
    const mod_sx_part *part = mod_sx_part_of(r);
    apr_array_header_t *vars;

    if (!mod_sx_seal_open(r))
        return NULL;
    vars = apr_array_make(r->pool, 2, sizeof(sx_var));
    for (int i = 0; i < part->seals->nelts; i++) {
        const mod_sx_opened *opened = seal_at(part, i);

        if (opened->found.verdict == SX_SEALED_OK)
            sx_env_add_sealed(vars, opened->policy.scope.name,
                              opened->found.sealed.value, part->top->pool);
    }
    return vars;
}

bool mod_sx_seal_was_sent(request_rec *r)
{
    const mod_sx_part *part = mod_sx_part_of(r);

    for (int i = 0; mod_sx_seal_open(r) && i < part->seals->nelts; i++)
        if (seal_at(part, i)->found.verdict != SX_SEALED_ABSENT)
            return true;
    return false;
}

void mod_sx_seal_changes(request_rec *r, apr_array_header_t *changes)
{
    const mod_sx_part *part = mod_sx_part_of(r);

    for (int i = 0; mod_sx_seal_open(r) && i < part->seals->nelts; i++) {
        const mod_sx_opened *opened = seal_at(part, i);
        const sx_sealed_found *found = &opened->found;
        sx_cookie_change *change = apr_array_push(changes);

        *change = (sx_cookie_change){.name = opened->policy.scope.name};
        if (found->verdict == SX_SEALED_OK) {
            change->came = &found->came;
            change->value = found->sealed.value;
        }
    }
}

/* ---- out ---------------------------------------------------------------- */

/* The lines of one name in both tables. */
typedef struct lines_ctx {
    request_rec *r;
    const mod_sx_opened *opened;
    int seen, count;
} lines_ctx;

static bool is_named(const lines_ctx *ctx, const char *line)
{
    return sx_str_eq(sx_cookie_name_of(line),
                     sx_str_of(ctx->opened->policy.scope.name));
}

static int count_line(void *baton, const char *key, const char *line)
{
    lines_ctx *ctx = baton;

    (void)key;
    ctx->count += is_named(ctx, line);
    return 1;
}

/* Was it sealed for this response already, by our first filter or before a
 * redirect?  Others may have changed its attributes since. */
static bool is_sealed_here(const mod_sx_top *top, const char *line)
{
    sx_str value = sx_cookie_value_of(line);

    for (int i = 0; top->sealed && i < top->sealed->nelts; i++)
        if (sx_str_eq(value, APR_ARRAY_IDX(top->sealed, i, sx_str)))
            return true;
    return false;
}

static void note_sealed(mod_sx_top *top, const char *line)
{
    sx_str value = sx_cookie_value_of(line);

    if (!top->sealed)
        top->sealed = apr_array_make(top->pool, 2, sizeof(sx_str));
    if (value.len)
        APR_ARRAY_PUSH(top->sealed, sx_str) = value;
}

/* The last of a name is sealed, those before it go: of two of one name a
 * browser would keep the last, too. */
static const char *seal_line(void *baton, const char *line)
{
    lines_ctx *ctx = baton;
    request_rec *r = ctx->r;
    mod_sx_top *top = mod_sx_part_of(r)->top;
    const sx_seal_policy *policy = &ctx->opened->policy;
    const char *why, *sent;

    if (!is_named(ctx, line))
        return line;
    if (++ctx->seen < ctx->count)
        return NULL;
    if (is_sealed_here(top, line))
        return line;
    sent = sx_sealed_set_cookie(policy, line, url_path_of(r), now_of(r), &why,
                                top->pool);
    if (sent) {
        note_sealed(top, sent);
        return sent;
    }
    mod_sx_count(MOD_SX_COUNT_seal_unsent, 1);
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  "the cookie %s of the app is to be sealed and was not sent: "
                  "%s",
                  policy->scope.name, why);
    return NULL;
}

static void seal_lines(request_rec *r, const mod_sx_opened *opened, bool *set)
{
    lines_ctx ctx = {.r = r, .opened = opened};

    apr_table_do(count_line, &ctx, r->err_headers_out, "Set-Cookie", NULL);
    apr_table_do(count_line, &ctx, r->headers_out, "Set-Cookie", NULL);
    *set = ctx.count > 0;
    if (!*set)
        return;
    mod_sx_part_of(r)->sets_sealed = true;
    mod_sx_cookie_edit(r->err_headers_out, seal_line, &ctx, r->pool);
    mod_sx_cookie_edit(r->headers_out, seal_line, &ctx, r->pool);
}

static void reissue(request_rec *r, const mod_sx_opened *opened)
{
    mod_sx_part *part = mod_sx_part_of(r);
    const char *line;

    if (opened->found.verdict != SX_SEALED_OK)
        return;
    line = sx_sealed_reissue(&opened->policy.scope, &opened->found.sealed,
                             url_path_of(r), now_of(r), part->top->pool);
    if (!line)
        return;
    note_sealed(part->top, line);
    apr_table_addn(r->err_headers_out, "Set-Cookie", line);
    part->reissues = true;
    mod_sx_count(MOD_SX_COUNT_seal_reissued, 1);
}

void mod_sx_seal_send(request_rec *r, bool may_reissue)
{
    const mod_sx_part *part = mod_sx_part_of(r);
    bool set;

    if (!mod_sx_seal_open(r))
        return;
    for (int i = 0; i < part->seals->nelts; i++) {
        const mod_sx_opened *opened = seal_at(part, i);

        seal_lines(r, opened, &set);
        if (may_reissue && !set)
            reissue(r, opened);
    }
}

/* ---- where nothing can be sealed ---------------------------------------- */

bool mod_sx_seal_has(const apr_array_header_t *confs, sx_str name,
                     bool is_front)
{
    for (int i = 0; confs && i < confs->nelts; i++) {
        const mod_sx_seal_conf *conf =
            APR_ARRAY_IDX(confs, i, const mod_sx_seal_conf *);
        sx_str sealed = sx_str_of(conf->cookie.name);

        if (is_front && sealed.len > name.len)
            sealed.len = name.len;
        if (!conf->off && sx_str_eq(sealed, name))
            return true;
    }
    return false;
}
