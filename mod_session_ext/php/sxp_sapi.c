/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PHP's module of a server is a table of functions, of which some are replaced
 * here; each does what its predecessor does, and a little more or less.
 */
#include "sxp_sapi.h"

#include <stdlib.h>
#include <apr_strings.h>
#include "php_variables.h"
#include "sxp_handler.h"
#include "sxp_near.h"
#include "sxp_request.h"

typedef void import_fn(zval *array);

static struct {
    char *(*getenv)(const char *name, size_t len);
    char *(*read_cookies)(void);
    void (*register_variables)(zval *array);
    int (*send_headers)(sapi_headers_struct *headers);
    import_fn *import; /* for $_ENV... */
    import_fn *load;   /* ...and getenv() */
} before;

/* ---- the ticket --------------------------------------------------------- */

/* In the place where the server keeps it, which no script looks past. */
static void wipe(char *text)
{
    sx_wipe(text, strlen(text));
}

void sxp_sapi_take_ticket(void)
{
    char *text;

    text = before.getenv && !SXP(near)
               ? before.getenv(SX_TICKET_VARIABLE, strlen(SX_TICKET_VARIABLE))
               : NULL;
    if (!text || !*text)
        return;
    if (!SXP(ticket))
        SXP(ticket) = estrdup(text);
    wipe(text);
    /* php-cgi has it from there. */
    if (getenv(SX_TICKET_VARIABLE))
        unsetenv(SX_TICKET_VARIABLE);
}

static char *get_variable(const char *name, size_t len)
{
    return strcasecmp(name, SX_TICKET_VARIABLE) ? before.getenv(name, len)
                                                : NULL;
}

static void hide(zval *array)
{
    if (Z_TYPE_P(array) == IS_ARRAY)
        zend_hash_str_del(Z_ARRVAL_P(array), SX_TICKET_VARIABLE,
                          strlen(SX_TICKET_VARIABLE));
}

const char *sxp_sapi_variable(const char *name)
{
    return before.getenv ? get_variable(name, strlen(name)) : NULL;
}

static void register_variables(zval *array)
{
    before.register_variables(array);
    hide(array);
}

static void import_variables(zval *array)
{
    before.import(array);
    hide(array);
}

static void load_variables(zval *array)
{
    before.load(array);
    hide(array);
}

/* php-fpm and php-cgi put functions of their own there when all modules have
 * started, so this is for each request to see to. */
static void wrap_imports(void)
{
    if (php_import_environment_variables != import_variables) {
        before.import = php_import_environment_variables;
        php_import_environment_variables = import_variables;
    }
    if (php_load_environment_variables != load_variables) {
        before.load = php_load_environment_variables;
        php_load_environment_variables = load_variables;
    }
}

void sxp_sapi_request(void)
{
    wrap_imports();
    /* Not later: a part of a page that this script asks for has its own. */
    if (!SXP(near))
        SXP(near) = sxp_near_take();
    sxp_sapi_take_ticket();
}

/* ---- cookies ------------------------------------------------------------ */

const char *sxp_sapi_cookies(void)
{
    return before.read_cookies ? before.read_cookies() : NULL;
}

static bool is_in_use(void)
{
    const char *handler = INI_STR("session.save_handler");

    return handler && !strcasecmp(handler, sxp_handler.s_name);
}

/* Apps ask $_COOKIE[session_name()] whether there is a session, and PHP itself
 * does for the progress of uploads.  There is, under another name. */
static const char *alias_of_client(const char *cookies,
                                   char room[SX_ALIAS_LEN + 1])
{
    if (!is_in_use())
        return NULL;
    if (SXP(near)) {
        if (SXP(near)->ticket.id)
            sx_alias_of(SXP(near)->ticket.id, room);
        return SXP(near)->ticket.id ? room : NULL;
    }
    if (SXP(ticket))
        return sx_ticket_alias(SXP(ticket), room) ? room : NULL;
    return cookies ? sxp_request_peek(sxp_request_get()) : NULL;
}

/* NAME=ALIAS; COOKIES.  Faster than a format, for each request. */
static char *join(const char *name, const char *alias, const char *cookies)
{
    size_t n = strlen(name), a = strlen(alias),
           c = cookies ? strlen(cookies) : 0;
    char *all = emalloc(n + 1 + a + 2 + c + 1), *at = all;

    memcpy(at, name, n);
    at += n;
    *at++ = '=';
    memcpy(at, alias, a);
    at += a;
    if (c) {
        memcpy(at, "; ", 2);
        memcpy(at + 2, cookies, c);
        at += 2 + c;
    }
    *at = '\0';
    return all;
}

static char *read_cookies(void)
{
    char *cookies = before.read_cookies(), room[SX_ALIAS_LEN + 1];
    const char *name = INI_STR("session.name"), *alias;

    sxp_sapi_request();
    alias = alias_of_client(cookies, room);
    if (!alias || !name)
        return cookies;
    SXP(cookies) = join(name, alias, cookies);
    return SXP(cookies);
}

void sxp_sapi_named(void)
{
    char room[SX_ALIAS_LEN + 1];
    const char *alias = alias_of_client(sxp_sapi_cookies(), room);
    const char *name = PS(session_name);
    zval *cookies =
        zend_hash_str_find_ind(&EG(symbol_table), ZEND_STRL("_COOKIE"));
    zval value;

    if (!alias || !cookies)
        return;
    ZVAL_DEREF(cookies);
    if (Z_TYPE_P(cookies) != IS_ARRAY ||
        zend_symtable_str_exists(Z_ARRVAL_P(cookies), name, strlen(name)))
        return;
    SEPARATE_ARRAY(cookies);
    ZVAL_STRING(&value, alias);
    zend_symtable_str_update(Z_ARRVAL_P(cookies), name, strlen(name), &value);
}

/* ---- headers ------------------------------------------------------------ */

bool sxp_sapi_has_client(void)
{
    return strcmp(sapi_module.name, "cli") &&
           strcmp(sapi_module.name, "phpdbg");
}

bool sxp_sapi_is_secure(void)
{
    const char *https = sxp_sapi_variable("HTTPS");

    return (https && *https && strcasecmp(https, "off")) || PS(cookie_secure);
}

static void add_line(const char *line, bool replace)
{
    SG(headers_sent) = 0;
    sapi_add_header_ex(estrdup(line), strlen(line), false, replace);
    SG(headers_sent) = 1;
}

static bool is_named(const sapi_header_struct *header, const char *name)
{
    static const char field[] = "Set-Cookie:";
    size_t len = strlen(name);
    const char *p = header->header;

    if (strncasecmp(p, field, sizeof field - 1))
        return false;
    p += sizeof field - 1;
    while (*p == ' ')
        p++;
    return !strncmp(p, name, len) && p[len] == '=';
}

/* All Set-Cookie lines again, but for those with the name of PHP's cookie: the
 * one way to take out one of several that all servers have. */
static void drop_named(const char *name)
{
    sapi_header_line all = {.line = "Set-Cookie",
                            .line_len = strlen("Set-Cookie")};
    sxp_request *request = sxp_request_get();
    apr_array_header_t *kept =
        apr_array_make(request->pool, 4, sizeof(const char *));
    zend_llist *headers = &SG(sapi_headers).headers;
    zend_llist_position at;
    const sapi_header_struct *header = zend_llist_get_first_ex(headers, &at);

    for (; header; header = zend_llist_get_next_ex(headers, &at))
        if (!strncasecmp(header->header, "Set-Cookie:", 11) &&
            !is_named(header, name))
            APR_ARRAY_PUSH(kept, const char *) = apr_pstrmemdup(
                request->pool, header->header, header->header_len);
    SG(headers_sent) = 0;
    sapi_header_op(SAPI_HEADER_DELETE, &all);
    SG(headers_sent) = 1;
    for (int i = 0; i < kept->nelts; i++)
        add_line(APR_ARRAY_IDX(kept, i, const char *), false);
}

/* `setcookie(session_name(), '', time() - 3600)` wants the client to forget its
 * session, and everything else that has that name is nothing. */
static void obey_cookie(void)
{
    zend_llist_position at;
    const sapi_header_struct *header =
        zend_llist_get_first_ex(&SG(sapi_headers).headers, &at);
    bool found = false, forget = false;

    for (; header;
         header = zend_llist_get_next_ex(&SG(sapi_headers).headers, &at)) {
        if (!is_named(header, PS(session_name)))
            continue;
        found = true;
        forget |= strstr(header->header, "Max-Age=0") != NULL;
    }
    if (!found)
        return;
    drop_named(PS(session_name));
    if (forget && sxp_request_load(sxp_request_get()))
        (void)sxp_handler_destroy(sxp_request_get());
}

static void answer(void)
{
    sxp_request *request = SXP(request);
    const char *line;

    if (request && !request->outage)
        sxp_handler_headers_leave(request);
    if (is_in_use())
        obey_cookie();
    request = SXP(request);
    line = request ? sxp_request_answer(request) : NULL;
    /* A cookie stands beside others; a reply is the only one. */
    if (line)
        add_line(line, request->has_ticket);
}

static int send_headers(sapi_headers_struct *headers)
{
    if (!SXP(in_headers)) {
        SXP(in_headers) = true;
        answer();
        SXP(in_headers) = false;
    }
    return before.send_headers ? before.send_headers(headers)
                               : SAPI_HEADER_DO_SEND;
}

/* ---- in and out --------------------------------------------------------- */

void sxp_sapi_begin(void)
{
    before.getenv = sapi_module.getenv;
    before.read_cookies = sapi_module.read_cookies;
    before.register_variables = sapi_module.register_server_variables;
    before.send_headers = sapi_module.send_headers;
    if (before.getenv)
        sapi_module.getenv = get_variable;
    if (before.read_cookies)
        sapi_module.read_cookies = read_cookies;
    if (before.register_variables)
        sapi_module.register_server_variables = register_variables;
    sapi_module.send_headers = send_headers;
}

void sxp_sapi_end(void)
{
    sapi_module.getenv = before.getenv;
    sapi_module.read_cookies = before.read_cookies;
    sapi_module.register_server_variables = before.register_variables;
    sapi_module.send_headers = before.send_headers;
    if (before.import)
        php_import_environment_variables = before.import;
    if (before.load)
        php_load_environment_variables = before.load;
}
