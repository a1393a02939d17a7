/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that uses sessions: it counts visits, greets who is in, lets people
 * in and out, and works without mod_session_ext, too.
 *
 *     apxs -i -c mod_example_session.c
 */
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <mod_session_ext.h>

static APR_OPTIONAL_FN_TYPE(session_ext_look) *session_look;
static APR_OPTIONAL_FN_TYPE(session_ext_get) *session_get;
static APR_OPTIONAL_FN_TYPE(session_ext_set) *session_set;
static APR_OPTIONAL_FN_TYPE(session_ext_incr) *session_incr;
static APR_OPTIONAL_FN_TYPE(session_ext_flash) *session_flash;
static APR_OPTIONAL_FN_TYPE(session_ext_order) *session_order;

static void look_up(void)
{
    session_look = APR_RETRIEVE_OPTIONAL_FN(session_ext_look);
    session_get = APR_RETRIEVE_OPTIONAL_FN(session_ext_get);
    session_set = APR_RETRIEVE_OPTIONAL_FN(session_ext_set);
    session_incr = APR_RETRIEVE_OPTIONAL_FN(session_ext_incr);
    session_flash = APR_RETRIEVE_OPTIONAL_FN(session_ext_flash);
    session_order = APR_RETRIEVE_OPTIONAL_FN(session_ext_order);
}

static int handler(request_rec *r)
{
    const session_ext_info *session;
    const char *visits, *message;

    if (!r->handler || strcmp(r->handler, "example-session"))
        return DECLINED;
    session = session_look ? session_look(r) : NULL;
    if (!session)
        return HTTP_SERVICE_UNAVAILABLE;
    /* Wishes before the first byte, which commits them. */
    if (r->args && !strcmp(r->args, "login")) {
        session_set(r, "user", "ann", 3);
        session_flash(r, "info", "Welcome back.");
    }
    else if (r->args && !strcmp(r->args, "logout")) {
        session_order(r, SESSION_EXT_DESTROY);
    }
    else {
        session_incr(r, "visits", 1);
    }
    visits = session_get(r, "visits", NULL);
    message = apr_table_get(r->subprocess_env, "FLASH_info");
    ap_set_content_type(r, "text/plain");
    if (message)
        ap_rprintf(r, "%s\n", message);
    ap_rprintf(r, "Hello, %s. Visits before this one: %s\n",
               session->user ? session->user : "stranger",
               visits ? visits : "0");
    return OK;
}

static void hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_optional_fn_retrieve(look_up, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(example_session) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks,
    AP_MODULE_FLAG_NONE};
