/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of PHP that are more than text or a number, each serialized by itself
 * so that it can be committed by itself.  Keys whose values share an object or
 * a reference must not be torn apart: they are a unit, which lies whole in the
 * entry of its first key, and the entries of the others name that.
 *
 *   v text        a value
 *   u text        a unit: an array of the values of its keys
 *   m key         a member of the unit that lies there
 */
#ifndef SXP_UNITS_H
#define SXP_UNITS_H

#include "sxp.h"

#define SXP_VALUE  'v'
#define SXP_UNIT   'u'
#define SXP_MEMBER 'm'

typedef struct sxp_item {
    sx_str key;
    zval *value;
    bool is_scalar; /* behind a reference, which others may share */
    sx_str opaque;  /* out; empty for a scalar that shares nothing */
} sxp_item;

/** Serialize ${items} (of sxp_item), in ${pool}.  False: PHP has thrown. */
bool sxp_units_make(apr_array_header_t *items, apr_pool_t *pool);

#endif
