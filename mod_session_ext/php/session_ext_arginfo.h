/* SPDX-License-Identifier: Apache-2.0 */
/* What session_ext.stub.php says, for PHP.  t/php/functions.t compares them. */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_session_ext_flash, 0, 2,
                                        _IS_BOOL, 0)
ZEND_ARG_TYPE_INFO(0, level, IS_STRING, 0)
ZEND_ARG_TYPE_INFO(0, text, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_session_ext_flash_messages, 0,
                                        0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_session_ext_incr, 0, 1,
                                        MAY_BE_LONG | MAY_BE_FALSE)
ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, by, IS_LONG, 0, "1")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_session_ext_logout, 0, 0,
                                        _IS_BOOL, 0)
ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, which, IS_STRING, 0, "\"all\"")
ZEND_END_ARG_INFO()

static const zend_function_entry ext_functions[] = {
    ZEND_FE(session_ext_flash, arginfo_session_ext_flash)
        ZEND_FE(session_ext_flash_messages, arginfo_session_ext_flash_messages)
            ZEND_FE(session_ext_incr, arginfo_session_ext_incr)
                ZEND_FE(session_ext_logout, arginfo_session_ext_logout)
                    ZEND_FE_END};
