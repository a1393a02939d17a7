/* SPDX-License-Identifier: Apache-2.0 */
/*
 * $_SESSION as entries of a session, and back.  Text and numbers are what they
 * are for everybody else; all other values are opaque (sxp_units.h).
 */
#ifndef SXP_VALUES_H
#define SXP_VALUES_H

#include "sxp.h"

/** The entries (of sx_entry) of $_SESSION, in ${pool}; NULL: there is no such
 *  array, or PHP has thrown. */
apr_array_header_t *sxp_values_get(apr_pool_t *pool);

/** Put the values of ${entries} into $_SESSION.  What cannot be read is left
 *  out, with a warning, and ${request} forgets it: so it stays where it is. */
void sxp_values_set(sxp_request *request, const apr_array_header_t *entries);

/** The serializer `session_ext`. */
zend_string *sxp_values_encode(void);
zend_result sxp_values_decode(const char *bytes, size_t len);

#endif
