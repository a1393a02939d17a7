/* SPDX-License-Identifier: Apache-2.0 */
/* A Cookie header: what is found is what a plain walk over its pairs finds, and
 * once it is taken out nothing of that name is found. */
#include <apr_strings.h>

#include "pool.h"
#include "sx_cookie.h"

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

/* As the specification says it: split, trim, compare. */
static size_t plain_find(const char *at, const char *name,
                         sx_str out[SX_COOKIE_CANDIDATES])
{
    size_t count = 0, i;

    while (count < SX_COOKIE_CANDIDATES) {
        sx_str pair = trim((sx_str){at, strcspn(at, ";")});

        if (pair.len > strlen(name) &&
            memcmp(pair.p, name, strlen(name)) == 0 &&
            pair.p[strlen(name)] == '=') {
            sx_str value = {pair.p + strlen(name) + 1,
                            pair.len - strlen(name) - 1};

            for (i = 0; i < count && !sx_str_eq(out[i], value); i++)
                ;
            if (i == count) {
                out[count++] = value;
            }
        }
        at += strcspn(at, ";");
        if (*at++ == '\0') {
            break;
        }
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    const char *header = apr_pstrmemdup(pool, (const char *)data, size);
    sx_str found[SX_COOKIE_CANDIDATES], plain[SX_COOKIE_CANDIDATES], name;
    size_t len = strlen(header), count = sx_cookie_find(header, "sid", found);
    const char *rest = sx_cookie_without(header, "sid", pool);

    MUST(count <= SX_COOKIE_CANDIDATES);
    MUST(plain_find(header, "sid", plain) == count);
    for (size_t i = 0; i < count; i++) {
        MUST(sx_str_eq(found[i], plain[i]));
        MUST(found[i].p >= header && found[i].p + found[i].len <= header + len);
    }
    MUST(rest == NULL || sx_cookie_find(rest, "sid", found) == 0);
    MUST(rest == NULL || strlen(rest) <= len);
    name = sx_cookie_name_of(header);
    MUST(name.len <= len);
    apr_pool_destroy(pool);
    return 0;
}
