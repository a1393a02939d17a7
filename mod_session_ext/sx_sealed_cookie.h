/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cookie of an app that is sealed on its way out and opened on its way in:
 * from a Set-Cookie of the app to the one that browsers get, from a Cookie
 * header to what the app finds.
 */
#ifndef SX_SEALED_COOKIE_H
#define SX_SEALED_COOKIE_H

#include "sx_sealed.h"

typedef struct sx_seal_policy {
    sx_sealed_scope scope;
    sx_cookie_attrs attrs; /* what a Set-Cookie gets that does not say it */
} sx_seal_policy;

/* What a client sent under one name. */
typedef struct sx_sealed_found {
    sx_sealed_verdict verdict;
    sx_str came;      /* if it is SX_SEALED_OK: the text in the header... */
    sx_sealed sealed; /* ...and what was in it */
} sx_sealed_found;

/**
 * Look for the cookie in the header value ${cookies} (NULL: no header).  Of
 * several genuine ones with the same value of the app the newest is taken; with
 * different ones none.
 */
void sx_sealed_find(const sx_sealed_scope *scope, const char *cookies,
                    int64_t now_s, sx_sealed_found *found, apr_pool_t *pool);

/**
 * The Set-Cookie value that is sent in place of the app's ${line}: sealed, or,
 * where the app deletes, without a value; with the attributes that it lacks and
 * a lifetime of at most the policy's.  ${url_path} is that of the client's
 * request.  NULL and a reason if browsers would ignore the cookie or there is
 * no key.
 */
const char *sx_sealed_set_cookie(const sx_seal_policy *policy, const char *line,
                                 const char *url_path, int64_t now_s,
                                 const char **why, apr_pool_t *pool);

/**
 * The Set-Cookie value that gives a browser ${sealed} under the first key, with
 * the age and the attributes that it has.  NULL if it is under the first key,
 * or if in answers to this URL a browser would take it for another cookie.
 */
const char *sx_sealed_reissue(const sx_sealed_scope *scope,
                              const sx_sealed *sealed, const char *url_path,
                              int64_t now_s, apr_pool_t *pool);

#endif
