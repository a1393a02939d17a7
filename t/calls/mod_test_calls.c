/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that calls what mod_session_ext.h offers, as a request header says:
 *
 *     X-Calls: HOOK CALL ARGUMENT...; HOOK CALL ARGUMENT...
 *
 * HOOK   one of those in run_hooks below; sub-HOOK: the same of a subrequest
 * CALL   look, get, bytes, reveal, set, hide, long, many, unset, incr, flash,
 *        version, order
 *
 * Arguments are percent-encoded.  Each call leaves a line in the error log:
 * "calls: HOOK CALL ARGUMENT... -> RESULT".
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>
#include <mod_session_ext.h>

#define WORDS_MAX 8

static APR_OPTIONAL_FN_TYPE(session_ext_look) *session_look;
static APR_OPTIONAL_FN_TYPE(session_ext_get) *session_get;
static APR_OPTIONAL_FN_TYPE(session_ext_set) *session_set;
static APR_OPTIONAL_FN_TYPE(session_ext_get_secret) *session_get_secret;
static APR_OPTIONAL_FN_TYPE(session_ext_set_secret) *session_set_secret;
static APR_OPTIONAL_FN_TYPE(session_ext_unset) *session_unset;
static APR_OPTIONAL_FN_TYPE(session_ext_incr) *session_incr;
static APR_OPTIONAL_FN_TYPE(session_ext_flash) *session_flash;
static APR_OPTIONAL_FN_TYPE(session_ext_if_version) *session_if_version;
static APR_OPTIONAL_FN_TYPE(session_ext_order) *session_order;

static void look_up(void)
{
    session_look = APR_RETRIEVE_OPTIONAL_FN(session_ext_look);
    session_get = APR_RETRIEVE_OPTIONAL_FN(session_ext_get);
    session_set = APR_RETRIEVE_OPTIONAL_FN(session_ext_set);
    session_get_secret = APR_RETRIEVE_OPTIONAL_FN(session_ext_get_secret);
    session_set_secret = APR_RETRIEVE_OPTIONAL_FN(session_ext_set_secret);
    session_unset = APR_RETRIEVE_OPTIONAL_FN(session_ext_unset);
    session_incr = APR_RETRIEVE_OPTIONAL_FN(session_ext_incr);
    session_flash = APR_RETRIEVE_OPTIONAL_FN(session_ext_flash);
    session_if_version = APR_RETRIEVE_OPTIONAL_FN(session_ext_if_version);
    session_order = APR_RETRIEVE_OPTIONAL_FN(session_ext_order);
}

/* ---- one call ----------------------------------------------------------- */

static const char *said(apr_status_t status)
{
    switch (status) {
    case APR_SUCCESS:
        return "ok";
    case APR_ENOTIMPL:
        return "off";
    case APR_EINVAL:
        return "invalid";
    case APR_ENOSPC:
        return "too much";
    case APR_EOF:
        return "late";
    default:
        return "?";
    }
}

static const char *look(request_rec *r)
{
    static const char *const words[] = {"none", "active", "invalid",
                                        "unavailable"};
    const session_ext_info *info = session_look(r);

    if (!info)
        return "off";
    return apr_psprintf(
        r->pool,
        "%s handle=%s user=%s version=%" APR_UINT64_T_FMT
        " created=%" APR_TIME_T_FMT " last_access=%" APR_TIME_T_FMT
        " expires=%" APR_TIME_T_FMT,
        words[info->status], info->handle ? info->handle : "-",
        info->user ? info->user : "-", info->version,
        apr_time_sec(info->created), apr_time_sec(info->last_access),
        apr_time_sec(info->expires));
}

static const char *bytes(request_rec *r, const char *key, int secret)
{
    apr_size_t len = 99;
    const char *value =
        secret ? session_get_secret(r, key, &len) : session_get(r, key, &len);

    return apr_psprintf(r->pool, "%" APR_SIZE_T_FMT " %s", len,
                        value ? ap_escape_urlencoded(r->pool, value) : "-");
}

static const char *set_long(request_rec *r, const char *key, apr_size_t len)
{
    char *value = apr_palloc(r->pool, len);

    memset(value, 'x', len);
    return said(session_set(r, key, value, len));
}

static const char *add_often(request_rec *r, const char *key, int times)
{
    apr_status_t status = APR_SUCCESS;

    while (times-- > 0 && status == APR_SUCCESS)
        status = session_incr(r, key, 1);
    return said(status);
}

static const char *call(request_rec *r, const char *what, char **arg)
{
    if (!session_look)
        return "no such functions";
    if (!strcmp(what, "look"))
        return look(r);
    if (!strcmp(what, "get")) {
        const char *value = session_get(r, arg[0], NULL);
        return value ? value : "-";
    }
    if (!strcmp(what, "bytes"))
        return bytes(r, arg[0], 0);
    if (!strcmp(what, "reveal"))
        return bytes(r, arg[0], 1);
    if (!strcmp(what, "hide"))
        return said(session_set_secret(r, arg[0], arg[1], strlen(arg[1])));
    if (!strcmp(what, "set"))
        return said(session_set(r, arg[0], arg[1], strlen(arg[1])));
    if (!strcmp(what, "long"))
        return set_long(r, arg[0], (apr_size_t)apr_atoi64(arg[1]));
    if (!strcmp(what, "many"))
        return add_often(r, arg[0], (int)apr_atoi64(arg[1]));
    if (!strcmp(what, "unset"))
        return said(session_unset(r, arg[0]));
    if (!strcmp(what, "incr"))
        return said(session_incr(r, arg[0], apr_atoi64(arg[1])));
    if (!strcmp(what, "flash"))
        return said(session_flash(r, arg[0], arg[1]));
    if (!strcmp(what, "version"))
        return said(session_if_version(r, (apr_uint64_t)apr_atoi64(arg[0])));
    if (!strcmp(what, "order"))
        return said(session_order(r, (session_ext_wish)apr_atoi64(arg[0])));
    return "unknown";
}

/* ---- when --------------------------------------------------------------- */

static void run_line(request_rec *r, const char *hook, const char *line)
{
    char *word[WORDS_MAX + 1] = {NULL};
    char *text = apr_pstrdup(r->pool, line);
    char *state;
    int n = 0;

    for (char *w = apr_strtok(text, " ", &state); w && n < WORDS_MAX;
         w = apr_strtok(NULL, " ", &state))
        word[n++] = w;
    if (n < 2 || strcmp(word[0], hook) != 0)
        return;
    while (n < WORDS_MAX)
        word[n++] = apr_pstrdup(r->pool, "");
    for (int i = 2; i < n; i++)
        ap_unescape_urlencoded(word[i]);
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "calls: %s -> %s",
                  line + strspn(line, " "), call(r, word[1], word + 2));
}

static int run_calls(request_rec *r, const char *hook)
{
    const char *calls = apr_table_get(r->headers_in, "X-Calls");
    char *state;

    if (!calls)
        return DECLINED;
    if (r->main)
        hook = apr_pstrcat(r->pool, "sub-", hook, NULL);
    for (const char *line =
             apr_strtok(apr_pstrdup(r->pool, calls), ";", &state);
         line; line = apr_strtok(NULL, ";", &state))
        run_line(r, hook, line);
    return DECLINED;
}

static int in_read(request_rec *r)
{
    return run_calls(r, "read");
}

static int in_header_parser(request_rec *r)
{
    return run_calls(r, "parser");
}

static int in_access(request_rec *r)
{
    return run_calls(r, "access");
}

static int in_fixups(request_rec *r)
{
    return run_calls(r, "fixups");
}

static int in_log(request_rec *r)
{
    return run_calls(r, "log");
}

/* What the programs of the tests do, as a handler of httpd's own does it. */
static int handler(request_rec *r)
{
    int status = r->args ? (int)apr_atoi64(r->args) : 0;

    run_calls(r, "handler");
    if (!r->handler || strcmp(r->handler, "test-calls"))
        return DECLINED;
    if (status >= 400)
        return status;
    ap_set_content_type(r, "text/plain");
    ap_rputs("answered\n", r);
    ap_rflush(r);
    run_calls(r, "sent");
    return OK;
}

static apr_status_t first_brigade(ap_filter_t *f, apr_bucket_brigade *bb)
{
    run_calls(f->r, f->ctx);
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

static void insert(request_rec *r)
{
    static char before[] = "filter", behind[] = "wire";

    ap_add_output_filter("TEST_CALLS", before, r, r->connection);
    ap_add_output_filter("TEST_CALLS_LATE", behind, r, r->connection);
}

static void hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_optional_fn_retrieve(look_up, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(in_read, NULL, NULL, APR_HOOK_LAST);
    ap_hook_header_parser(in_header_parser, NULL, NULL, APR_HOOK_LAST);
    ap_hook_check_access(in_access, NULL, NULL, APR_HOOK_MIDDLE,
                         AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_fixups(in_fixups, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_insert_filter(insert, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(in_log, NULL, NULL, APR_HOOK_MIDDLE);
    ap_register_output_filter("TEST_CALLS", first_brigade, NULL,
                              AP_FTYPE_RESOURCE);
    ap_register_output_filter("TEST_CALLS_LATE", first_brigade, NULL,
                              AP_FTYPE_PROTOCOL);
}

AP_DECLARE_MODULE(test_calls) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks,
    AP_MODULE_FLAG_NONE};
