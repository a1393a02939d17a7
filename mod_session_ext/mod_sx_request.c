/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_request.h"

#include "mod_sx_authz.h"
#include "mod_sx_commit.h"
#include "mod_sx_cookie.h"
#include "mod_sx_env.h"
#include "mod_sx_flash.h"
#include "mod_sx_headers.h"
#include "mod_sx_interim.h"
#include "mod_sx_php.h"
#include "mod_sx_seal.h"
#include "mod_sx_session_bridge.h"

#define FILTER      "SESSION_EXT_OUT"
#define LAST_FILTER "SESSION_EXT_LAST"
#define SUB_FILTER  "SESSION_EXT_SUB"

/* ---- load --------------------------------------------------------------- */

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

/* ---- decide ------------------------------------------------------------- */

int mod_sx_access_checker_ex(request_rec *r)
{
    return mod_sx_authz_decide(r, ap_run_access_checker_ex);
}

int mod_sx_check_user_id(request_rec *r)
{
    return mod_sx_authz_decide(r, ap_run_check_user_id);
}

int mod_sx_auth_checker(request_rec *r)
{
    mod_sx_part_of(r)->user_is_checked = true;
    return mod_sx_authz_decide(r, ap_run_auth_checker);
}

/* ---- expose ------------------------------------------------------------- */

/* A part of a page gets a copy of the page's environment: where its own scope
 * has nothing to show it must not see the page's. */
static int expose_nothing(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);

    if (part->top->visits || part->top->opened) {
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
    visit = mod_sx_load_to_show(r);
    if (!mod_sx_seal_open(r) && !visit)
        return expose_nothing(r);
    /* Not again for the ErrorDocument of that very answer. */
    if (visit && visit->loaded.status == SX_STATUS_UNAVAILABLE && !r->prev &&
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
    mod_sx_visit *visit = mod_sx_load_to_show(r);

    mod_sx_bridge_hide(r);
    if (!mod_sx_seal_open(r) && !visit)
        return expose_nothing(r);
    if (scope != r->per_dir_config)
        mod_sx_env_make(r, visit);
    if (!mod_sx_env_is_exposed(r))
        mod_sx_env_expose(r);
    return DECLINED;
}

/* ---- run ---------------------------------------------------------------- */

/* What is about to run may read messages.  A part of a page has had the page's
 * with the rest of its environment. */
static void hand_out_flash(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);

    if (r->main || !part->vars || !mod_sx_flash_take(r))
        return;
    mod_sx_env_make(r, part->visit);
    mod_sx_env_expose(r);
}

int mod_sx_handler_first(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    apr_array_header_t *changes;

    mod_sx_php_forget();
    part->app_ran = true;
    part->is_file = false;
    if (!mod_sx_seal_open(r) && !part->visit)
        return DECLINED;
    changes = apr_array_make(r->pool, 4, sizeof(sx_cookie_change));
    if (part->visit && MOD_SX_OR(mod_sx_dir_of(r)->hide_cookie, 1) == 1)
        APR_ARRAY_PUSH(changes, sx_cookie_change) =
            (sx_cookie_change){.name = part->visit->realm.scope.cookie_name};
    /* A backend's answer to TRACE is what an app would find. */
    if (r->method_number != M_TRACE)
        mod_sx_seal_changes(r, changes);
    if (changes->nelts)
        mod_sx_cookie_show(r, changes);
    if (mod_sx_flash_is_core(r))
        return DECLINED;
    hand_out_flash(r);
    mod_sx_php_hand_out(r);
    return DECLINED;
}

/* core answers TRACE with all headers that came, before any handler runs; this
 * is the last moment before, at which the scope of a <Location> is known. */
int mod_sx_translate_name(request_rec *r)
{
    apr_array_header_t *changes;
    mod_sx_visit *visit;

    if (r->method_number != M_TRACE ||
        MOD_SX_OR(mod_sx_dir_of(r)->hide_cookie, 1) != 1)
        return DECLINED;
    visit = mod_sx_visit_of(r);
    if (!visit)
        return DECLINED;
    changes = apr_array_make(r->pool, 1, sizeof(sx_cookie_change));
    APR_ARRAY_PUSH(changes, sx_cookie_change) =
        (sx_cookie_change){.name = visit->realm.scope.cookie_name};
    mod_sx_cookie_show(r, changes);
    return DECLINED;
}

int mod_sx_handler_last(request_rec *r)
{
    mod_sx_part_of(r)->is_file = true;
    if (mod_sx_flash_is_parsed(r))
        hand_out_flash(r);
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

    mod_sx_part_of(r)->error_page = true;
    /* An error page of httpd's own drops headers_out before it is written, and
     * with it the log-out of an app whose page it replaces. */
    mod_sx_php_harvest(r);
    mod_sx_harvest(r, visit ? visit->delta : NULL);
    mod_sx_insert_filter(r);
}

void mod_sx_insert_last_filter(request_rec *r)
{
    ap_add_output_filter(LAST_FILTER, NULL, r, r->connection);
}

int mod_sx_log_transaction(request_rec *r)
{
    mod_sx_php_put_back(r);
    mod_sx_commit_unfinished(r);
    mod_sx_part_of(r)->top->over = true;
    return DECLINED;
}
