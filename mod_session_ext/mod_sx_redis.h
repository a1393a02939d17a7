/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores in Redis (SessionExtStore redis:URL) in httpd: the parent reads the
 * password, which its children have from it; each child connects, by calls.
 * Only where hiredis is (SX_HAVE_REDIS).
 */
#ifndef MOD_SX_REDIS_H
#define MOD_SX_REDIS_H

#include "mod_sx_kind.h"

extern const mod_sx_kind mod_sx_redis;

#endif
