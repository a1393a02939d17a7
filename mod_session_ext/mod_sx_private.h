/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every glue file includes and no other may: httpd's headers and the
 * module's name for log lines.  Not for mod_session_ext.c, whose module record
 * declares the same.
 */
#ifndef MOD_SX_PRIVATE_H
#define MOD_SX_PRIVATE_H

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_lib.h"
#include "apr_strings.h"

APLOG_USE_MODULE(session_ext);

#endif
