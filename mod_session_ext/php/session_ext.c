/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module: settings, start and end.  It starts in the parent of httpd or in
 * the master of php-fpm, which may read the key file; what they fork may not.
 */
#include "sxp.h"

#include "ext/standard/info.h"
#include "sxp_functions.h"
#include "sxp_request.h"
#include "sxp_sapi.h"
#include "sxp_values.h"
#include "sxp_wrap.h"
#include "session_ext_arginfo.h"

zend_session_ext_globals session_ext_globals;

/* ---- settings ----------------------------------------------------------- */

#define TEN_YEARS 315360000

static bool wrong(const zend_ini_entry *entry, const zend_string *value,
                  const char *accepted)
{
    zend_error(E_WARNING, "%s: '%s': accepted are %s", ZSTR_VAL(entry->name),
               ZSTR_VAL(value), accepted);
    return false;
}

static PHP_INI_MH(on_seconds)
{
    bool may_be_zero = mh_arg3 != NULL;
    zend_long n = ZEND_STRTOL(ZSTR_VAL(new_value), NULL, 10);

    if (n < (may_be_zero ? 0 : 1) || n > TEN_YEARS ||
        !is_numeric_string(ZSTR_VAL(new_value), ZSTR_LEN(new_value), NULL, NULL,
                           false))
        return wrong(entry, new_value, "seconds, up to ten years") ? SUCCESS
                                                                   : FAILURE;
    return OnUpdateLong(entry, new_value, mh_arg1, mh_arg2, mh_arg3, stage);
}

static PHP_INI_MH(on_concurrency)
{
    (void)mh_arg1;
    (void)mh_arg2;
    (void)mh_arg3;
    (void)stage;
    if (zend_string_equals_literal(new_value, "lock"))
        SXP(merges) = false;
    else if (zend_string_equals_literal(new_value, "merge"))
        SXP(merges) = true;
    else
        return wrong(entry, new_value, "lock and merge") ? SUCCESS : FAILURE;
    return SUCCESS;
}

#define SETTING(name, value, handler, field)                                   \
    STD_PHP_INI_ENTRY("session_ext." name, value, PHP_INI_SYSTEM, handler,     \
                      field, zend_session_ext_globals, session_ext_globals)
/* Where 0 means never. */
#define OR_NEVER(name, value, field)                                           \
    ZEND_INI_ENTRY3("session_ext." name, value, PHP_INI_SYSTEM, on_seconds,    \
                    (void *)XtOffsetOf(zend_session_ext_globals, field),       \
                    (void *)&session_ext_globals, (void *)1)

PHP_INI_BEGIN()
SETTING("store_file", SXP_STORE_FILE, OnUpdateString, store_file)
SETTING("key_file", SXP_KEY_FILE, OnUpdateString, key_file)
SETTING("store_size", "0", OnUpdateLongGEZero, store_size)
SETTING("namespace", "localhost", OnUpdateStringUnempty, ns)
SETTING("cookie_name", "", OnUpdateString, cookie_name)
SETTING("user_key", "user", OnUpdateStringUnempty, user_key)
SETTING("idle_timeout", "1800", on_seconds, idle_timeout)
SETTING("absolute_timeout", "43200", on_seconds, absolute_timeout)
OR_NEVER("renew_interval", "3600", renew_interval)
OR_NEVER("renew_grace", "10", renew_grace)
OR_NEVER("touch_interval", "60", touch_interval)
SETTING("max_size", "65536", OnUpdateLongGEZero, max_size)
STD_PHP_INI_BOOLEAN("session_ext.encrypt", "1", PHP_INI_SYSTEM, OnUpdateBool,
                    encrypt, zend_session_ext_globals, session_ext_globals)
PHP_INI_ENTRY("session_ext.concurrency", "lock", PHP_INI_ALL, on_concurrency)
PHP_INI_END()

/* ---- start and end ------------------------------------------------------ */

static PHP_MINIT_FUNCTION(session_ext)
{
    (void)type;
    if (!sx_crypto_init()) {
        zend_error(E_CORE_WARNING,
                   "session_ext: libsodium cannot be used on this host");
        return FAILURE;
    }
    REGISTER_INI_ENTRIES();
    if (php_session_register_module(&sxp_handler) == FAILURE ||
        php_session_register_serializer("session_ext", sxp_values_encode,
                                        sxp_values_decode) == FAILURE) {
        zend_error(E_CORE_WARNING, "session_ext: PHP has no place for another "
                                   "save handler or serializer");
        return FAILURE;
    }
    sxp_request_begin();
    sxp_sapi_begin();
    sxp_wrap_begin();
    return SUCCESS;
}

static PHP_MSHUTDOWN_FUNCTION(session_ext)
{
    (void)type;
    sxp_wrap_end();
    sxp_sapi_end();
    sxp_request_end();
    UNREGISTER_INI_ENTRIES();
    return SUCCESS;
}

static PHP_RINIT_FUNCTION(session_ext)
{
    (void)type;
    (void)module_number;
    SXP(in_regenerate) = SXP(in_read_and_close) = SXP(in_headers) = false;
    sxp_sapi_request();
    return SUCCESS;
}

/* Headers may leave after all modules have said good-bye, so the request is
 * kept up to here. */
static ZEND_MODULE_POST_ZEND_DEACTIVATE_D(session_ext)
{
    sxp_request_over();
    return SUCCESS;
}

static PHP_MINFO_FUNCTION(session_ext)
{
    const char *why = sx_place_open(sxp_request_place());

    php_info_print_table_start();
    php_info_print_table_row(2, "session_ext", "enabled");
    php_info_print_table_row(2, "Store and keys", why ? why : "open");
    php_info_print_table_end();
    DISPLAY_INI_ENTRIES();
}

static const zend_module_dep needs[] = {ZEND_MOD_REQUIRED("session")
                                            ZEND_MOD_END};

zend_module_entry session_ext_module_entry = {
    STANDARD_MODULE_HEADER_EX,
    NULL,
    needs,
    "session_ext",
    ext_functions,
    PHP_MINIT(session_ext),
    PHP_MSHUTDOWN(session_ext),
    PHP_RINIT(session_ext),
    NULL,
    PHP_MINFO(session_ext),
    SX_VERSION,
    PHP_MODULE_GLOBALS(session_ext),
    NULL,
    NULL,
    ZEND_MODULE_POST_ZEND_DEACTIVATE_N(session_ext),
    STANDARD_MODULE_PROPERTIES_EX,
};

/* Nobody else asks for it, so no header has it. */
ZEND_DLEXPORT zend_module_entry *get_module(void);
ZEND_GET_MODULE(session_ext)
