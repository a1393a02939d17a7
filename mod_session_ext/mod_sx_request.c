/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_request.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "mod_sx_caching.h"
#include "mod_sx_commit.h"
#include "mod_sx_cookie.h"
#include "mod_sx_env.h"
#include "mod_sx_headers.h"
#include "mod_sx_interim.h"
#include "mod_sx_server.h"
#include "mod_sx_status.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

#define FILTER      "SESSION_EXT_OUT"
#define LAST_FILTER "SESSION_EXT_LAST"
#define SUB_FILTER  "SESSION_EXT_SUB"

/* ---- parts and visits --------------------------------------------------- */

static request_rec *top_of(request_rec *r)
{
    while (r->main || r->prev)
        r = r->main ? r->main : r->prev;
    return r;
}

mod_sx_part *mod_sx_part_of(request_rec *r)
{
    mod_sx_part *part =
        ap_get_module_config(r->request_config, &session_ext_module);
    request_rec *top;

    if (part)
        return part;
    part = apr_pcalloc(r->pool, sizeof *part);
    ap_set_module_config(r->request_config, &session_ext_module, part);
    top = top_of(r);
    if (top != r) {
        part->top = mod_sx_part_of(top)->top;
        return part;
    }
    part->top = apr_pcalloc(r->pool, sizeof *part->top);
    part->top->pool = r->pool;
    part->top->cookies = apr_table_get(r->headers_in, "Cookie");
    return part;
}

sx_now mod_sx_now(void)
{
    return (sx_now){shm_store_clock_ms(), (int64_t)time(NULL)};
}

/* What a scope's directives come to.  Strings live as long as the
 * configuration or the request. */
static void fill_policy(mod_sx_visit *visit, const mod_sx_dir *dir)
{
    sx_realm *realm = &visit->realm;

    visit->dir = dir;
    realm->times = (sx_lifetimes){
        .idle_ms = MOD_SX_OR(dir->idle_ms, 1800000),
        .absolute_ms = MOD_SX_OR(dir->absolute_ms, 43200000),
        .renew_ms = MOD_SX_OR(dir->renew_ms, 3600000),
        .grace_ms = MOD_SX_OR(dir->grace_ms, 10000),
        .touch_ms = MOD_SX_OR(dir->touch_ms, 60000),
    };
    realm->times.idle_max_ms =
        MOD_SX_OR(dir->idle_max_ms, realm->times.idle_ms);
    if (realm->times.idle_max_ms < realm->times.idle_ms)
        realm->times.idle_max_ms = realm->times.idle_ms;
    realm->limits = (sx_limits){
        .max_size = (size_t)MOD_SX_OR(dir->max_size, 65536),
        .idle_max_s = (uint32_t)(realm->times.idle_max_ms / 1000),
        .flash_max = (uint32_t)MOD_SX_OR(dir->flash_max, SX_FLASH_MAX),
        .flash_bytes = (size_t)MOD_SX_OR(dir->flash_bytes, SX_FLASH_BYTES),
    };
    realm->user_key = sx_str_of(dir->user_key ? dir->user_key : "user");
    realm->encrypt = MOD_SX_OR(dir->encrypt, 1) != 0;
}

static mod_sx_visit *find_visit(const mod_sx_top *top, const char *store,
                                const sx_id_scope *scope)
{
    mod_sx_visit *visit;

    for (visit = top->visits; visit; visit = visit->next)
        if (!strcmp(visit->store_name, store) &&
            !strcmp(visit->realm.scope.ns, scope->ns) &&
            !strcmp(visit->realm.scope.cookie_name, scope->cookie_name))
            return visit;
    return NULL;
}

static mod_sx_visit *begin_visit(request_rec *r, const mod_sx_dir *dir)
{
    const mod_sx_server *server = mod_sx_server_of(r->server);
    const mod_sx_cookie_conf *cookie = mod_sx_cookie_conf_of(dir);
    mod_sx_top *top = mod_sx_part_of(r)->top;
    bool secure =
        cookie->secure == SX_SECURE_ON || (cookie->secure == SX_SECURE_AUTO &&
                                           !strcmp(ap_http_scheme(r), "https"));
    const char *store = dir->store ? dir->store : MOD_SX_DEFAULT_STORE;
    sx_id_scope scope = {server->keys, mod_sx_cookie_name(cookie, secure),
                         dir->ns ? dir->ns : server->ns};
    mod_sx_visit *visit = find_visit(top, store, &scope);

    if (!visit) {
        visit = apr_pcalloc(top->pool, sizeof *visit);
        visit->store_name = store;
        visit->realm.scope = scope;
        visit->realm.store = server->keys ? mod_sx_backend(store) : NULL;
        visit->delta = sx_delta_create(top->pool);
        visit->next = top->visits;
        top->visits = visit;
    }
    visit->cookie =
        (sx_cookie_attrs){cookie->path, cookie->domain, cookie->samesite,
                          secure, cookie->partitioned};
    visit->persistent = cookie->persistent;
    return visit;
}

mod_sx_visit *mod_sx_visit_of(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    const mod_sx_dir *dir = mod_sx_dir_of(r);

    /* A fast redirect changes the scope of a request_rec under way. */
    if (part->scope != r->per_dir_config || !part->visit) {
        part->scope = r->per_dir_config;
        part->visit =
            MOD_SX_OR(dir->enabled, 0) == 1 ? begin_visit(r, dir) : NULL;
    }
    /* Parts of one request may differ in policy and share a session. */
    if (part->visit && part->visit->dir != dir)
        fill_policy(part->visit, dir);
    return part->visit;
}

/* The id cookie's values: what a commit of this request has left the client
 * with, else what it has sent. */
static size_t find_candidates(const mod_sx_top *top, const mod_sx_visit *visit,
                              sx_str candidates[SX_COOKIE_CANDIDATES])
{
    if (visit->new_id) {
        candidates[0] = sx_str_of(visit->new_id);
        return candidates[0].len ? 1 : 0;
    }
    return top->cookies
               ? sx_cookie_find(top->cookies, visit->realm.scope.cookie_name,
                                candidates)
               : 0;
}

static void tell_load(request_rec *r, const mod_sx_visit *visit)
{
    const sx_loaded *loaded = &visit->loaded;

    if (loaded->status == SX_STATUS_INVALID) {
        mod_sx_count(MOD_SX_COUNT_invalid, 1);
        mod_sx_count(MOD_SX_COUNT_reused, loaded->reuse);
        if (loaded->reuse)
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                          "an id was used after its renewal and grace");
    }
    else if (loaded->status == SX_STATUS_UNAVAILABLE) {
        mod_sx_count(MOD_SX_COUNT_unavailable, 1);
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "the session store '%s' could not be asked: %s",
                      visit->store_name, sx_answer_str(loaded->outage));
    }
}

mod_sx_visit *mod_sx_load(request_rec *r)
{
    mod_sx_visit *visit = mod_sx_visit_of(r);
    const mod_sx_top *top = mod_sx_part_of(r)->top;
    sx_str candidates[SX_COOKIE_CANDIDATES];
    size_t n;

    if (!visit || visit->is_loaded)
        return visit;
    visit->is_loaded = true;
    n = find_candidates(top, visit, candidates);
    if (visit->realm.store)
        sx_load(&visit->realm, candidates, n, mod_sx_now(), &visit->loaded,
                top->pool);
    else
        visit->loaded =
            (sx_loaded){.status = n ? SX_STATUS_UNAVAILABLE : SX_STATUS_NONE,
                        .outage = SX_STORE_UNAVAILABLE};
    tell_load(r, visit);
    return visit;
}

/* Would the file be given to a client whose user we had not told?  Asked
 * quietly: nobody is denied anything here. */
static bool access_takes_user(request_rec *r)
{
    static const struct ap_logconf quiet = {NULL, APLOG_EMERG};
    const struct ap_logconf *log = r->log;
    char *user = r->user;
    bool takes;

    r->user = NULL;
    r->log = &quiet;
    takes = ap_run_access_checker_ex(r) != OK;
    r->log = log;
    r->user = user;
    return takes;
}

bool mod_sx_consulted(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);

    if (!part->visit || !part->app_ran)
        return false;
    if (!part->is_file)
        return true;
    /* A plain file.  Filters that hand the environment on (mod_include,
     * mod_ext_filter) leave this variable, under whatever name they were
     * configured. */
    if (apr_table_get(r->subprocess_env, "DOCUMENT_URI"))
        return true;
    return part->told_user && access_takes_user(r);
}

/* ---- load and expose ---------------------------------------------------- */

/* Of a response that is replaced by an error. */
static void keep_our_headers(request_rec *r, const mod_sx_visit *visit)
{
    apr_table_clear(r->headers_out);
    apr_table_clear(r->err_headers_out);
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    if (visit && visit->set_cookie)
        apr_table_addn(r->err_headers_out, "Set-Cookie", visit->set_cookie);
}

int mod_sx_post_read_request(request_rec *r)
{
    int status;

    if (!r->prev) {
        mod_sx_env_strip_client(r);
        return DECLINED;
    }
    /* The part before may end without ever reaching its filter: what its app
     * asked for is judged by its scope and done before the target runs. */
    status = mod_sx_commit_redirected(r->prev);
    if (status == OK)
        return DECLINED;
    keep_our_headers(r, mod_sx_part_of(r->prev)->visit);
    return status;
}

static bool is_plain(sx_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (apr_iscntrl(text.p[i]))
            return false;
    return text.len > 0;
}

int mod_sx_header_parser(request_rec *r)
{
    mod_sx_visit *visit;
    sx_str user;

    if (MOD_SX_OR(mod_sx_dir_of(r)->remote_user, 0) != 1)
        return DECLINED;
    visit = mod_sx_load(r);
    if (!visit || visit->loaded.status != SX_STATUS_ACTIVE)
        return DECLINED;
    user = sx_session_user(visit->loaded.session, visit->realm.user_key);
    if (is_plain(user)) {
        r->user = apr_pstrmemdup(r->pool, user.p, user.len);
        r->ap_auth_type = apr_pstrdup(r->pool, "Session");
        mod_sx_part_of(r)->told_user = true;
    }
    return DECLINED;
}

/* A part of a page gets a copy of the page's environment: where its own scope
 * has no sessions it must not see the page's. */
static int expose_nothing(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);

    if (part->top->visits) {
        part->vars = NULL;
        mod_sx_env_expose(r);
    }
    return DECLINED;
}

int mod_sx_fixups_first(request_rec *r)
{
    mod_sx_visit *visit;

    if (r->prev)
        mod_sx_env_drop_doubles(r);
    mod_sx_cookie_restore(r);
    visit = mod_sx_load(r);
    if (!visit)
        return expose_nothing(r);
    /* Not again for the ErrorDocument of that very answer. */
    if (visit->loaded.status == SX_STATUS_UNAVAILABLE && !r->prev &&
        MOD_SX_OR(mod_sx_dir_of(r)->refuse_on_outage, 0) == 1)
        return HTTP_SERVICE_UNAVAILABLE;
    mod_sx_env_make(r, visit);
    mod_sx_env_expose(r);
    return DECLINED;
}

int mod_sx_fixups_last(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    ap_conf_vector_t *scope = part->scope;
    mod_sx_visit *visit = mod_sx_load(r);

    if (!visit)
        return expose_nothing(r);
    if (scope != r->per_dir_config)
        mod_sx_env_make(r, visit);
    mod_sx_env_expose(r);
    return DECLINED;
}

/* ---- run ---------------------------------------------------------------- */

int mod_sx_handler_first(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);

    part->app_ran = true;
    part->is_file = false;
    if (part->visit && MOD_SX_OR(mod_sx_dir_of(r)->hide_cookie, 1) == 1)
        mod_sx_cookie_hide(r, part->visit);
    return DECLINED;
}

int mod_sx_handler_last(request_rec *r)
{
    mod_sx_part_of(r)->is_file = true;
    return DECLINED;
}

/* ---- commit ------------------------------------------------------------- */

/* Replace the response by an error: its own headers go, ours stay.  Not by an
 * error bucket: on its way httpd lays err_headers_out over headers_out, and the
 * error page that then begins keeps only the former. */
static apr_status_t answer_error(ap_filter_t *f, apr_bucket_brigade *bb,
                                 int status)
{
    request_rec *r = f->r;

    apr_brigade_cleanup(bb);
    keep_our_headers(r, mod_sx_part_of(r)->visit);
    /* Else the app's own error or redirect would be reported instead. */
    r->status = HTTP_OK;
    r->status_line = NULL;
    ap_die(status, r);
    return AP_FILTER_ERROR;
}

/* The first brigade of a response: all headers are known, none has left. */
static apr_status_t out_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    int status;

    if (f->ctx) { /* the response was replaced: the app's body goes nowhere */
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    status = mod_sx_commit_response(f->r);
    if (status != OK) {
        f->ctx = f;
        return answer_error(f, bb, status);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void mod_sx_register_filters(void)
{
    ap_register_output_filter(FILTER, out_filter, NULL, AP_FTYPE_CONTENT_SET);
    ap_register_output_filter(LAST_FILTER, out_filter, NULL,
                              AP_FTYPE_CONTENT_SET);
    /* mod_cache keeps a subrequest's answer one step before CONTENT_SET. */
    ap_register_output_filter(SUB_FILTER, out_filter, NULL,
                              AP_FTYPE_CONTENT_SET - 2);
    mod_sx_interim_register();
}

void mod_sx_insert_filter(request_rec *r)
{
    /* Everywhere: control headers leave nowhere, sessions or not. */
    ap_add_output_filter(r->main ? SUB_FILTER : FILTER, NULL, r, r->connection);
    mod_sx_interim_guard(r);
}

void mod_sx_insert_error_filter(request_rec *r)
{
    mod_sx_visit *visit = mod_sx_visit_of(r);

    /* An error page of httpd's own drops headers_out before it is written, and
     * with it the log-out of an app whose page it replaces. */
    mod_sx_harvest(r, visit ? visit->delta : NULL);
    mod_sx_insert_filter(r);
}

void mod_sx_insert_last_filter(request_rec *r)
{
    ap_add_output_filter(LAST_FILTER, NULL, r, r->connection);
}

int mod_sx_log_transaction(request_rec *r)
{
    mod_sx_commit_unfinished(r);
    return DECLINED;
}
