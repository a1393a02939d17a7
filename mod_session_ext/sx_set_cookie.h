/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Set-Cookie header of an app, read as browsers read it (RFC 6265 as
 * revised): of an attribute that is there twice the last counts, one that says
 * nothing valid counts as not there, and what is unknown is kept as it is.
 */
#ifndef SX_SET_COOKIE_H
#define SX_SET_COOKIE_H

#include <apr_tables.h>
#include "sx_cookie.h"

typedef struct sx_set_cookie {
    sx_str name;
    sx_str value;
    sx_str path;   /* empty: none */
    sx_str domain; /* empty: none */
    bool has_samesite, secure, http_only, partitioned, has_lifetime;
    sx_samesite samesite;
    int64_t lifetime_s;         /* 0 or less: a deletion */
    apr_array_header_t *others; /* of sx_str */
} sx_set_cookie;

/** Read ${line}.  Returns NULL, or why browsers ignore it as a whole. */
const char *sx_set_cookie_read(const char *line, int64_t now_s,
                               sx_set_cookie *out, apr_pool_t *pool);

/** A date as browsers read that of Expires: seconds since 1970. */
bool sx_cookie_date(sx_str text, int64_t *seconds);

/** The path that browsers give a cookie without one: that of ${url_path} up to
 *  its last '/'. */
sx_str sx_cookie_default_path(const char *url_path);

#endif
