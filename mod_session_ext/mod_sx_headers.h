/* SPDX-License-Identifier: Apache-2.0 */
/* Control headers on their way out of an app: taken out, and obeyed if the
 * scope accepts them from who answered. */
#ifndef MOD_SX_HEADERS_H
#define MOD_SX_HEADERS_H

#include "httpd.h"
#include "sx_delta.h"

/** Is ${name} one of the control headers, in any case? */
int mod_sx_is_control_header(const char *name);

/**
 * Remove the control headers of ${r} from both response header tables and, if
 * ${delta} is not NULL and this scope accepts commands from what answered,
 * parse them into it.  Returns how many were removed.
 */
int mod_sx_harvest(request_rec *r, sx_delta *delta);

/** Remove the control headers from ${table}. */
void mod_sx_headers_strip(apr_table_t *table);

#endif
