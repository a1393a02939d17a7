/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A save handler of PHP that does nothing: each session is the one that the
 * benchmark gives all of its visitors, and what is written is forgotten.  What
 * a page costs with it is PHP's own part of a session, which no handler can
 * spare it.
 */
#include <php.h>
#include <ext/session/php_session.h>

#define VALUE 1024 /* bytes, as in t/bench/lib/Bench/Server.pm */

static zend_result open_nothing(PS_OPEN_ARGS)
{
    (void)save_path;
    (void)session_name;
    PS_SET_MOD_DATA(mod_data); /* PHP takes NULL for a handler that is closed */
    return SUCCESS;
}

static zend_result close_nothing(PS_CLOSE_ARGS)
{
    PS_SET_MOD_DATA(NULL);
    return SUCCESS;
}

static zend_result read_nothing(PS_READ_ARGS)
{
    static const char head[] = "n|i:0;d|s:1024:\"", tail[] = "\";";
    size_t before = sizeof head - 1, behind = sizeof tail - 1;
    char *at;

    (void)mod_data;
    (void)key;
    (void)maxlifetime;
    *val = zend_string_alloc(before + VALUE + behind, 0);
    at = ZSTR_VAL(*val);
    memcpy(at, head, before);
    memset(at + before, 'v', VALUE);
    memcpy(at + before + VALUE, tail, behind + 1);
    return SUCCESS;
}

static zend_result write_nothing(PS_WRITE_ARGS)
{
    (void)mod_data;
    (void)key;
    (void)val;
    (void)maxlifetime;
    return SUCCESS;
}

static zend_result destroy_nothing(PS_DESTROY_ARGS)
{
    (void)mod_data;
    (void)key;
    return SUCCESS;
}

static zend_long collect_nothing(PS_GC_ARGS)
{
    (void)mod_data;
    (void)maxlifetime;
    *nrdels = 0;
    return 0;
}

static zend_result validate_all(PS_VALIDATE_SID_ARGS)
{
    (void)mod_data;
    (void)key;
    return SUCCESS;
}

static const ps_module handler = {
    "bench_nothing", open_nothing,    close_nothing,   read_nothing,
    write_nothing,   destroy_nothing, collect_nothing, php_session_create_id,
    validate_all,    write_nothing,
};

static PHP_MINIT_FUNCTION(bench_nothing)
{
    (void)type;
    (void)module_number;
    return php_session_register_module(&handler) == 0 ? SUCCESS : FAILURE;
}

static const zend_module_dep needs[] = {ZEND_MOD_REQUIRED("session")
                                            ZEND_MOD_END};

static zend_module_entry bench_nothing_module_entry = {
    STANDARD_MODULE_HEADER_EX,
    NULL,
    needs,
    "bench_nothing",
    NULL,
    PHP_MINIT(bench_nothing),
    NULL,
    NULL,
    NULL,
    NULL,
    "0",
    STANDARD_MODULE_PROPERTIES,
};

ZEND_GET_MODULE(bench_nothing)
