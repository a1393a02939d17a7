/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two stores as one (SessionExtStore tier:FAST DURABLE): each is opened and
 * kept as if a scope named it, and a request gets a tier over both, with the
 * SessionExtTierMaxAge of its scope (sx_store_tier.h).
 */
#ifndef MOD_SX_STORE_TIER_H
#define MOD_SX_STORE_TIER_H

#include "mod_sx_kind.h"

extern const mod_sx_kind mod_sx_store_tier;

#endif
