/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions in a cache of httpd (SessionExtStore socache:PROVIDER[:ARGS]): any
 * socache provider, with the ShmStore `sessions` beside it for what those lack
 * (sx_store_cache.h).
 */
#ifndef MOD_SX_STORE_SOCACHE_H
#define MOD_SX_STORE_SOCACHE_H

#include "mod_sx_kind.h"

extern const mod_sx_kind mod_sx_store_socache;

#endif
