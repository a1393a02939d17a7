/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key spaces: a session.name that is not PHP's default has keys of its own, so
 * that two applications on one host may both have $_SESSION['user'].
 *
 *   PHPSESSID   key        what CGI programs and httpd see under that name
 *   NAME        @NAME:key
 *   PHPSESSID   @:key      of a key that begins with '@' itself
 */
#ifndef SXP_SPACE_H
#define SXP_SPACE_H

#include "sxp.h"

/** What keys of the session named ${name} begin with; NULL: nothing. */
const char *sxp_space_of(const char *name, apr_pool_t *pool);

/** The name in a session of ${key} of PHP. */
sx_str sxp_space_outer(const char *space, sx_str key, apr_pool_t *pool);

/** The entries of ${session} that are in ${space}, named as in PHP; but for
 *  what modules of httpd keep to themselves. */
apr_array_header_t *sxp_space_entries(const char *space,
                                      const sx_session *session,
                                      apr_pool_t *pool);

#endif
