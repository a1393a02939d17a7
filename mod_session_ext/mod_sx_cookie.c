/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_cookie.h"

#include <string.h>
#include <sys/param.h>

void mod_sx_cookie_show(request_rec *r, const apr_array_header_t *changes)
{
    mod_sx_top *top = mod_sx_part_of(r)->top;
    const char *cookies = apr_table_get(r->headers_in, "Cookie");
    const char *shown;

    /* Never twice: what was opened would be taken for a plain one. */
    if (!cookies || cookies == top->shown)
        return;
    shown = sx_cookie_changed(cookies, (const sx_cookie_change *)changes->elts,
                              (size_t)changes->nelts, top->pool);
    if (!shown) {
        apr_table_unset(r->headers_in, "Cookie");
    }
    else if (shown != cookies) {
        apr_table_setn(r->headers_in, "Cookie", shown);
        top->shown = shown;
    }
}

void mod_sx_cookie_restore(request_rec *r)
{
    const char *cookies = mod_sx_part_of(r)->top->cookies;

    if (cookies && apr_table_get(r->headers_in, "Cookie") != cookies)
        apr_table_setn(r->headers_in, "Cookie", cookies);
}

/* ---- Set-Cookie --------------------------------------------------------- */

typedef struct edit_ctx {
    mod_sx_cookie_editor *edit;
    void *baton;
    apr_table_t *kept;
    int changed;
} edit_ctx;

static int edit_line(void *baton, const char *key, const char *line)
{
    edit_ctx *ctx = baton;
    const char *kept = ctx->edit(ctx->baton, line);

    ctx->changed += kept != line;
    if (kept)
        apr_table_addn(ctx->kept, key, kept);
    return 1;
}

int mod_sx_cookie_edit(apr_table_t *table, mod_sx_cookie_editor *edit,
                       void *baton, apr_pool_t *pool)
{
    edit_ctx ctx = {.edit = edit, .baton = baton};
    const apr_array_header_t *kept;

    if (!apr_table_get(table, "Set-Cookie"))
        return 0;
    ctx.kept = apr_table_make(pool, 4);
    apr_table_do(edit_line, &ctx, table, "Set-Cookie", NULL);
    if (!ctx.changed)
        return 0;
    apr_table_unset(table, "Set-Cookie");
    kept = apr_table_elts(ctx.kept);
    for (int i = 0; i < kept->nelts; i++)
        apr_table_addn(table, "Set-Cookie",
                       APR_ARRAY_IDX(kept, i, apr_table_entry_t).val);
    return ctx.changed;
}

typedef struct named_ctx {
    sx_str name;
    const char *ours; /* the value that stays although it has that name */
} named_ctx;

static const char *keep_others(void *baton, const char *line)
{
    const named_ctx *ctx = baton;

    return line != ctx->ours && sx_str_eq(sx_cookie_name_of(line), ctx->name)
               ? NULL
               : line;
}

/* Drop the Set-Cookie lines of ${table} that are named ${name}, but for the one
 * whose pointer is ${ours}. */
static int drop_named(apr_table_t *table, const char *name, const char *ours,
                      apr_pool_t *pool)
{
    named_ctx ctx = {.name = sx_str_of(name), .ours = ours};

    return mod_sx_cookie_edit(table, keep_others, &ctx, pool);
}

void mod_sx_cookie_drop_foreign(request_rec *r, const mod_sx_visit *visit)
{
    const char *name = visit->realm.scope.cookie_name;
    int dropped =
        drop_named(r->err_headers_out, name, visit->set_cookie, r->pool) +
        drop_named(r->headers_out, name, visit->set_cookie, r->pool);

    if (dropped)
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "a Set-Cookie of the app for the id cookie was dropped: "
                      "the name %s belongs to the session",
                      name);
}

/* The id, and behind it what it carries. */
static const char *value_of(const mod_sx_visit *visit, const sx_id *id,
                            apr_pool_t *pool)
{
    sx_store *store = visit->realm.store;
    const char *load =
        store->ops->carry ? store->ops->carry(store, id->store_key) : NULL;

    return load && *load ? apr_pstrcat(pool, id->text, ".", load, NULL)
                         : apr_pstrmemdup(pool, id->text, SX_ID_LEN);
}

void mod_sx_cookie_send(request_rec *r, mod_sx_visit *visit,
                        const sx_committed *done, sx_now now)
{
    const char *name = visit->realm.scope.cookie_name;
    apr_pool_t *pool = mod_sx_part_of(r)->top->pool;
    const char *value = "";
    apr_int64_t max_age_s = -1;

    if (done->cookie == SX_COOKIE_KEEP)
        return;
    if (done->cookie == SX_COOKIE_SEND) {
        value = value_of(visit, &done->id, pool);
        max_age_s = 0;
        /* At least 1: in its last second it must not turn into another kind
         * of cookie. */
        if (done->persist || visit->persistent)
            max_age_s = MAX((done->hard_end_ms - now.boot_ms) / 1000, 1);
    }
    visit->new_id = value;
    /* One a response: an earlier part of this request may have set it. */
    drop_named(r->err_headers_out, name, NULL, r->pool);
    drop_named(r->headers_out, name, NULL, r->pool);
    visit->set_cookie = sx_cookie_format(name, value, &visit->cookie, max_age_s,
                                         now.wall_s, pool);
    apr_table_addn(r->err_headers_out, "Set-Cookie", visit->set_cookie);
}
