/* SPDX-License-Identifier: Apache-2.0 */
/* What caches may do with a response that saw or set a session. */
#ifndef MOD_SX_CACHING_H
#define MOD_SX_CACHING_H

#include "mod_sx_visit.h"

/**
 * Give the response of ${r} the Vary and Cache-Control that its session (NULL:
 * none) and its sealed cookies ask for; nothing if it consulted none and sets
 * no cookie.  What the app said is only ever made stricter.
 */
void mod_sx_caching_apply(request_rec *r, const mod_sx_visit *visit);

#endif
