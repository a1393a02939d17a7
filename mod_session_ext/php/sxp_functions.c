/* SPDX-License-Identifier: Apache-2.0 */
/* Functions for what $_SESSION has no word for.  They need no session_start(),
 * and write nothing into a session that a script has open but what they say. */
#include "sxp.h"

#include <apr_strings.h>
#include "sx_flash.h"
#include "sx_flash_claim.h"
#include "sxp_functions.h"
#include "sxp_request.h"
#include "sxp_sapi.h"
#include "sxp_space.h"

/* ---- messages ----------------------------------------------------------- */

static bool is_level(zend_string *level)
{
    for (size_t i = 0; i < ZSTR_LEN(level); i++)
        if (ZSTR_VAL(level)[i] < 'a' || ZSTR_VAL(level)[i] > 'z')
            return false;
    return ZSTR_LEN(level) > 0 && ZSTR_LEN(level) <= SX_LEVEL_MAX;
}

ZEND_FUNCTION(session_ext_flash)
{
    zend_string *level, *text;
    sxp_request *request;
    sx_op op;

    if (zend_parse_parameters(ZEND_NUM_ARGS(), "SS", &level, &text) == FAILURE)
        RETURN_THROWS();
    if (!is_level(level)) {
        zend_argument_value_error(1, "must have 1 to %d letters of a-z",
                                  SX_LEVEL_MAX);
        RETURN_THROWS();
    }
    request = sxp_request_get();
    if (!sxp_request_load(request))
        RETURN_FALSE;
    op = (sx_op){
        .code = SX_OP_FLASH,
        .key = sx_str_dup((sx_str){ZSTR_VAL(level), ZSTR_LEN(level)},
                          request->pool),
        .value =
            sx_str_dup((sx_str){ZSTR_VAL(text), ZSTR_LEN(text)}, request->pool),
    };
    if (SG(headers_sent)) {
        sx_delta *delta = sx_delta_create(request->pool);

        sx_delta_add(delta, op);
        RETURN_BOOL(sxp_request_commit(request, delta));
    }
    sx_delta_add(sxp_request_wanted(request), op);
    RETURN_TRUE;
}

static void add_message(zval *list, sx_str level, sx_str text)
{
    zval message;

    array_init(&message);
    add_assoc_stringl(&message, "level", level.p, level.len);
    add_assoc_stringl(&message, "text", text.p, text.len);
    add_next_index_zval(list, &message);
}

/* httpd has taken them for this page already. */
static void messages_of_httpd(zval *list)
{
    for (int i = 1; i <= SX_FLASH_MAX; i++) {
        char name[40];
        const char *level, *text;

        snprintf(name, sizeof name, "FLASH_%d_LEVEL", i);
        level = sxp_sapi_variable(name);
        snprintf(name, sizeof name, "FLASH_%d_TEXT", i);
        text = sxp_sapi_variable(name);
        if (!level)
            return;
        if (text)
            add_message(list, sx_str_of(level), sx_str_of(text));
    }
}

static void take_messages(sxp_request *request, zval *list)
{
    sx_delta *wanted = sxp_request_wanted(request);
    const apr_array_header_t *taken;

    if (wanted->claim == 0)
        sx_random(&wanted->claim, sizeof wanted->claim);
    if (request->loaded.status != SX_STATUS_ACTIVE ||
        sx_flash_claim_for(&request->realm, &request->loaded, wanted->claim,
                           sx_place_now(), request->pool) != SX_STORE_OK)
        return;
    wanted->shown = true;
    taken = sx_flash_taken(request->loaded.session->messages, wanted->claim,
                           request->pool);
    for (int i = 0; taken && i < taken->nelts; i++) {
        const sx_message *message = &APR_ARRAY_IDX(taken, i, sx_message);

        add_message(list, message->level, message->text);
    }
}

ZEND_FUNCTION(session_ext_flash_messages)
{
    sxp_request *request;

    if (zend_parse_parameters_none() == FAILURE)
        RETURN_THROWS();
    array_init(return_value);
    request = sxp_request_get();
    if (request->has_ticket)
        messages_of_httpd(return_value);
    else if (sxp_request_load(request))
        take_messages(request, return_value);
}

/* ---- counters ----------------------------------------------------------- */

/* As it is now, also for what PHP has in hand. */
static void show_number(sxp_request *request, zend_string *key, sx_str text,
                        int64_t number)
{
    sx_str name = {ZSTR_VAL(key), ZSTR_LEN(key)};
    zval *vars = &PS(http_session_vars), value;

    if (!request->is_open || !Z_ISREF_P(vars) ||
        Z_TYPE_P(Z_REFVAL_P(vars)) != IS_ARRAY)
        return;
    SEPARATE_ARRAY(Z_REFVAL_P(vars));
    ZVAL_LONG(&value, number);
    zend_symtable_update(Z_ARRVAL_P(Z_REFVAL_P(vars)), key, &value);
    for (int i = 0; i < request->known->nelts; i++) {
        sx_entry *entry = &APR_ARRAY_IDX(request->known, i, sx_entry);

        if (!sx_str_eq(entry->key, name))
            continue;
        entry->type = SX_INT;
        entry->value = text;
        return;
    }
    APR_ARRAY_PUSH(request->known, sx_entry) = (sx_entry){
        .key = sx_str_dup(name, request->pool), .value = text, .type = SX_INT};
}

ZEND_FUNCTION(session_ext_incr)
{
    zend_string *key;
    zend_long by = 1;
    sxp_request *request;
    sx_delta *delta;
    const sx_entry *entry;
    sx_str outer;
    int64_t number;

    if (zend_parse_parameters(ZEND_NUM_ARGS(), "S|l", &key, &by) == FAILURE)
        RETURN_THROWS();
    request = sxp_request_get();
    if (!request->space)
        request->space = sxp_space_of(PS(session_name), request->pool);
    outer = sxp_space_outer(
        request->space,
        sx_str_dup((sx_str){ZSTR_VAL(key), ZSTR_LEN(key)}, request->pool),
        request->pool);
    if (outer.len == 0 || outer.len > SX_KEY_MAX) {
        zend_argument_value_error(1, "must have 1 to %d bytes", SX_KEY_MAX);
        RETURN_THROWS();
    }
    delta = sx_delta_create(request->pool);
    sx_delta_add(delta, (sx_op){.code = SX_OP_INCR,
                                .key = outer,
                                .number = by,
                                .type = SX_INT});
    if (!sxp_request_commit(request, delta) || !sxp_request_load(request) ||
        request->loaded.status != SX_STATUS_ACTIVE)
        RETURN_FALSE;
    entry = sx_session_get(request->loaded.session, outer);
    if (!entry || !sx_parse_int64(entry->value, &number))
        RETURN_FALSE;
    show_number(request, key, entry->value, number);
    RETURN_LONG(number);
}

/* ---- log-out ------------------------------------------------------------ */

ZEND_FUNCTION(session_ext_logout)
{
    zend_string *which = NULL;
    sxp_request *request;
    sx_delta *delta;
    bool all, may_send;

    if (zend_parse_parameters(ZEND_NUM_ARGS(), "|S", &which) == FAILURE)
        RETURN_THROWS();
    all = !which || zend_string_equals_literal(which, "all");
    if (!all && !zend_string_equals_literal(which, "others")) {
        zend_argument_value_error(1, "must be \"all\" or \"others\"");
        RETURN_THROWS();
    }
    request = sxp_request_get();
    if (!sxp_request_load(request))
        RETURN_FALSE;
    may_send = sxp_request_may_send(request);
    delta = sx_delta_create(request->pool);
    delta->logout = true;
    delta->destroy = all;
    if (!sxp_request_commit(request, delta))
        RETURN_FALSE;
    /* What the script still has in hand is that of nobody. */
    if (all && request->is_open)
        php_session_flush(0);
    if (!all || may_send)
        RETURN_TRUE;
    php_error_docref(NULL, E_WARNING,
                     "The headers have been sent: the sessions have ended, and "
                     "this client keeps a cookie that is worth nothing");
    RETURN_FALSE;
}
