/* SPDX-License-Identifier: Apache-2.0 */
/* What session_ext_arginfo.h, which is made from the stub, needs to know. */
#ifndef SXP_FUNCTIONS_H
#define SXP_FUNCTIONS_H

#include "php.h"

ZEND_FUNCTION(session_ext_flash);
ZEND_FUNCTION(session_ext_flash_messages);
ZEND_FUNCTION(session_ext_incr);
ZEND_FUNCTION(session_ext_logout);

#endif
