/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed values: what a cookie of an app carries instead of the app's value.
 *
 *   signed      value "." base64url(version | kid | facts | tag 16)
 *   encrypted   base64url(version | kid | seal(facts | value))
 *   facts       issued s 5 | lifetime s 4 | flags 1 | path length 2 |
 *               domain length 2 | path | domain
 *
 * Both are bound to what they were made for: the way of sealing, the cookie's
 * name and the namespace.  The time of issue is inside, so that the server
 * decides on the age; and the attributes, without which a browser could not be
 * given the same cookie under another key.
 */
#ifndef SX_SEALED_H
#define SX_SEALED_H

#include "sx_cookie.h"
#include "sx_keys.h"

#define SX_SEALED_AGE_MAX_S INT64_C(34560000) /* 400 days, as in browsers */

typedef enum sx_sealed_mode { SX_SIGN, SX_ENCRYPT } sx_sealed_mode;

typedef struct sx_sealed_scope {
    const sx_keys *keys; /* NULL: none could be read */
    const char *name;
    const char *ns;
    sx_sealed_mode mode;
    int64_t max_age_s; /* no older is accepted; at most SX_SEALED_AGE_MAX_S */
} sx_sealed_scope;

/* What is sealed. */
typedef struct sx_sealed {
    sx_str value;          /* the app's bytes */
    sx_cookie_attrs attrs; /* with which it was sent */
    bool path_is_browsers; /* Path was not sent: attrs.path is what browsers
                            * make of the URL */
    int64_t issued_s;
    int64_t lifetime_s; /* 0: that of the browser */
    unsigned char kid;  /* set by sx_sealed_open */
} sx_sealed;

typedef enum sx_sealed_verdict {
    SX_SEALED_OK,
    SX_SEALED_ABSENT,
    SX_SEALED_PLAIN,  /* nothing that was ever sealed */
    SX_SEALED_NO_KEY, /* of a kid that is not there */
    SX_SEALED_FORGED, /* changed, or made for something else */
    SX_SEALED_TOO_OLD,
    SX_SEALED_AMBIGUOUS /* several genuine ones that differ */
} sx_sealed_verdict;

/** A few words for the log. */
const char *sx_sealed_verdict_str(sx_sealed_verdict verdict);

/** The text for the cookie, under the first key.  ${scope} has keys. */
sx_str sx_sealed_make(const sx_sealed_scope *scope, const sx_sealed *sealed,
                      apr_pool_t *pool);

/** Open ${text}.  ${sealed} is filled only if the answer is SX_SEALED_OK. */
sx_sealed_verdict sx_sealed_open(const sx_sealed_scope *scope, sx_str text,
                                 int64_t now_s, sx_sealed *sealed,
                                 apr_pool_t *pool);

#endif
