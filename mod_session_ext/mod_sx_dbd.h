/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores in SQL databases (SessionExtStore dbd[:TABLE]) in httpd.  Which
 * database, mod_dbd's directives say, in the main server; the connections are
 * the backend's own (sx_store_dbd.h says why).
 */
#ifndef MOD_SX_DBD_H
#define MOD_SX_DBD_H

#include "mod_sx_kind.h"

extern const mod_sx_kind mod_sx_dbd;

#endif
