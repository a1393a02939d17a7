/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries as one string: what session_encode() gives, what a save handler of
 * the app's own gets to see, and what PHP compares to know if anything changed.
 */
#ifndef SXP_WIRE_H
#define SXP_WIRE_H

#include "sxp.h"

/** The string of ${entries} (of sx_entry).  Never empty. */
zend_string *sxp_wire_make(const apr_array_header_t *entries);

/** The entries of such a string, in ${pool}, with their bytes where they are;
 *  NULL: it is none. */
apr_array_header_t *sxp_wire_read(sx_str bytes, apr_pool_t *pool);

#endif
