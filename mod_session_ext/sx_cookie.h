/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cookie in, Set-Cookie out, by RFC 6265 as revised, without httpd's
 * ap_cookie functions: those split on commas, log values and break on
 * duplicates.
 *
 * In: one linear pass, split on ';' only, SP and HTAB trimmed, names compared
 * bytewise; no decoding, no quoting, no '$' attributes.
 */
#ifndef SX_COOKIE_H
#define SX_COOKIE_H

#include "sx.h"

#define SX_COOKIE_CANDIDATES 4
#define SX_COOKIE_MAX        4096 /* bytes of name and value, in browsers */

/**
 * Find the values of the cookie ${name} in the header value ${cookies}.  Equal
 * values count once; at most SX_COOKIE_CANDIDATES are kept and the rest
 * ignored.  Returns how many are in ${out}.
 */
size_t sx_cookie_find(const char *cookies, const char *name,
                      sx_str out[SX_COOKIE_CANDIDATES]);

/* A cookie that apps shall find changed, or not at all. */
typedef struct sx_cookie_change {
    const char *name;
    const sx_str *came; /* the value that is replaced; NULL: gone in any case */
    sx_str value;       /* by this one */
} sx_cookie_change;

/**
 * The header value as apps shall see it: of each of ${n} names the first pair
 * with the value that came has the new one, and all others are gone; all other
 * bytes are as they were.  Returns ${cookies} itself if there is nothing to
 * change, NULL if nothing is left.  What an app might read as such a name goes
 * as well: blanks around it, no '=', '.', ' ' or '[' where it has '_', and
 * `name[...]`, which is an array of that name in PHP.
 */
const char *sx_cookie_changed(const char *cookies,
                              const sx_cookie_change *changes, size_t n,
                              apr_pool_t *pool);

/** The same with no pair named ${name}. */
const char *sx_cookie_without(const char *cookies, const char *name,
                              apr_pool_t *pool);

typedef enum sx_samesite { SX_LAX, SX_STRICT, SX_NONE } sx_samesite;

typedef struct sx_cookie_attrs {
    const char *path;   /* begins with '/'; NULL: the browser's choice */
    const char *domain; /* or NULL */
    sx_samesite samesite;
    bool secure;
    bool partitioned;
    bool readable; /* by scripts: not HttpOnly */
} sx_cookie_attrs;

/** NULL, or one sentence on what a browser would refuse in this cookie: the
 *  name's grammar, __Host- and __Secure- rules, SameSite=None or Partitioned
 *  without Secure, characters that end an attribute. */
const char *sx_cookie_check(const char *name, const sx_cookie_attrs *attrs,
                            apr_pool_t *pool);

/** The same without the grammar of name, Path and Domain: do the attributes
 *  suit each other and the name? */
const char *sx_cookie_clash(const char *name, const sx_cookie_attrs *attrs,
                            apr_pool_t *pool);

/**
 * A Set-Cookie value: Max-Age and Expires if ${max_age_s} is above 0 (cut to
 * 400 days), none if 0; deletion, without the value, if below 0.  ${attrs}
 * passed sx_cookie_check.  NULL if ${value} has a byte that a cookie may not
 * hold.
 */
const char *sx_cookie_format(const char *name, const char *value,
                             const sx_cookie_attrs *attrs, int64_t max_age_s,
                             int64_t now_s, apr_pool_t *pool);

/** The same with whatever bytes there are in ${value}. */
const char *sx_cookie_line(const char *name, const char *value,
                           const sx_cookie_attrs *attrs, int64_t max_age_s,
                           int64_t now_s, apr_pool_t *pool);

/** The name under which a browser sends the cookie of a Set-Cookie header value
 *  back; empty if it has none.  That of `=a=b` is `a`. */
sx_str sx_cookie_name_of(const char *set_cookie);

/** And the value that comes back with it. */
sx_str sx_cookie_value_of(const char *set_cookie);

#endif
