/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app's Set-Cookie line: whatever a browser would make of it and send back
 * as our cookie is one that we call by our name, and so do not let out.
 */
#include <apr_strings.h>

#include "pool.h"
#include "sx_cookie.h"

#define NAME "sid"

static sx_str trim(sx_str s)
{
    while (s.len && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* The Cookie header of a browser that has just taken this line: the steps of
 * RFC 6265bis, 5.7 and 5.8.3, without those that refuse. */
static const char *sent_back(const char *line, apr_pool_t *pool)
{
    sx_str all = {line, strcspn(line, ";")}, name = {line, 0}, value = all;
    const char *equals = memchr(line, '=', all.len);

    if (equals != NULL) {
        name.len = (size_t)(equals - line);
        value.p = equals + 1;
        value.len = all.len - name.len - 1;
    }
    name = trim(name);
    value = trim(value);
    return apr_pstrcat(pool, apr_pstrmemdup(pool, name.p, name.len),
                       name.len > 0 ? "=" : "",
                       apr_pstrmemdup(pool, value.p, value.len), NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    const char *line = apr_pstrmemdup(pool, (const char *)data, size);
    sx_str found[SX_COOKIE_CANDIDATES], name = sx_cookie_name_of(line);

    MUST(name.len == 0 ||
         (name.p >= line && name.p + name.len <= line + strlen(line)));
    if (sx_cookie_find(sent_back(line, pool), NAME, found) > 0) {
        MUST(sx_str_eq(name, sx_str_of(NAME)));
    }
    apr_pool_destroy(pool);
    return 0;
}
