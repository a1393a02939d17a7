/* SPDX-License-Identifier: Apache-2.0 */
#include "sxp_wrap.h"

#include "sxp.h"
#include "sxp_sapi.h"

static ZEND_FUNCTION(start);
static ZEND_FUNCTION(regenerate);
static ZEND_FUNCTION(write_close);
static ZEND_FUNCTION(name);

typedef struct wrap {
    const char *name;
    zif_handler by;
    zif_handler before;
} wrap;

enum { START, REGENERATE, WRITE_CLOSE, COMMIT, NAME, WRAPS };

static wrap wraps[WRAPS] = {
    [START] = {"session_start", ZEND_FN(start), NULL},
    [REGENERATE] = {"session_regenerate_id", ZEND_FN(regenerate), NULL},
    [WRITE_CLOSE] = {"session_write_close", ZEND_FN(write_close), NULL},
    [COMMIT] = {"session_commit", ZEND_FN(write_close), NULL},
    [NAME] = {"session_name", ZEND_FN(name), NULL},
};

/* ['read_and_close' => true] as its only argument. */
static bool only_reads(const zend_execute_data *execute_data)
{
    const zval *options, *value;

    if (ZEND_NUM_ARGS() < 1)
        return false;
    options = ZEND_CALL_ARG(execute_data, 1);
    if (Z_TYPE_P(options) != IS_ARRAY)
        return false;
    value =
        zend_hash_str_find(Z_ARRVAL_P(options), ZEND_STRL("read_and_close"));
    return value && zend_is_true((zval *)(uintptr_t)value);
}

static ZEND_FUNCTION(start)
{
    SXP(in_read_and_close) = only_reads(execute_data);
    wraps[START].before(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    SXP(in_read_and_close) = false;
}

/* PHP would send a cookie of its own with the new id. */
static ZEND_FUNCTION(regenerate)
{
    bool ours = SXP(request) && SXP(request)->is_open;
    bool use_cookies = PS(use_cookies);

    SXP(in_regenerate) = ours;
    if (ours)
        PS(use_cookies) = false;
    wraps[REGENERATE].before(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    PS(use_cookies) = use_cookies;
    SXP(in_regenerate) = false;
}

static ZEND_FUNCTION(write_close)
{
    bool ours = SXP(request) && SXP(request)->is_open;

    if (ours)
        SXP(request)->failed = false;
    wraps[WRITE_CLOSE].before(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    if (ours && SXP(request)->failed)
        RETVAL_FALSE;
}

/* An app with a name of its own asks for a cookie of that name, and begins no
 * session if there is none. */
static ZEND_FUNCTION(name)
{
    wraps[NAME].before(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    if (ZEND_NUM_ARGS() > 0 && !EG(exception))
        sxp_sapi_named();
}

static zend_internal_function *find(const char *name)
{
    zend_function *f =
        zend_hash_str_find_ptr(CG(function_table), name, strlen(name));

    return f && f->type == ZEND_INTERNAL_FUNCTION ? &f->internal_function
                                                  : NULL;
}

void sxp_wrap_begin(void)
{
    for (int i = 0; i < WRAPS; i++) {
        zend_internal_function *f = find(wraps[i].name);

        if (!f)
            continue;
        wraps[i].before = f->handler;
        f->handler = wraps[i].by;
    }
}

void sxp_wrap_end(void)
{
    for (int i = 0; i < WRAPS; i++) {
        zend_internal_function *f = find(wraps[i].name);

        if (f && wraps[i].before)
            f->handler = wraps[i].before;
    }
}
