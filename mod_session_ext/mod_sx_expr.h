/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions in httpd's expressions (ap_expr). */
#ifndef MOD_SX_EXPR_H
#define MOD_SX_EXPR_H

#include "httpd.h"
#include "ap_expr.h"

/** Hook: what a variable or a function of that name is, if it is ours. */
int mod_sx_expr_lookup(ap_expr_lookup_parms *parms);

#endif
