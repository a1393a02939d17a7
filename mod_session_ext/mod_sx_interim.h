/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control headers that no content filter sees: those in interim (1xx)
 * responses of a backend and in trailers.  They are removed here and obeyed
 * nowhere.  So are cookies that are to be sealed: a line that is written as
 * bytes cannot be, and must not leave as it is.
 */
#ifndef MOD_SX_INTERIM_H
#define MOD_SX_INTERIM_H

#include "httpd.h"

/** Register the two filters.  Call once, from the module's register_hooks. */
void mod_sx_interim_register(void);

/**
 * Guard what the handler of ${r} may send beside its response.  Does nothing
 * unless that handler is one that can send a 1xx with headers or trailers.
 *
 * Call it from insert_filter, where every hook that may turn a request into a
 * proxied one has spoken, and as often as that hook runs: it is idempotent,
 * and internal redirects run the hook again.
 */
void mod_sx_interim_guard(request_rec *r);

#endif
