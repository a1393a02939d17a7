/* SPDX-License-Identifier: Apache-2.0 */
/* A Cookie header: what is found lies in it, and once it is taken out nothing
 * of that name is found. */
#include <apr_strings.h>

#include "pool.h"
#include "sx_cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    const char *header = apr_pstrmemdup(pool, (const char *)data, size);
    sx_str found[SX_COOKIE_CANDIDATES], name;
    size_t len = strlen(header), count = sx_cookie_find(header, "sid", found);
    const char *rest = sx_cookie_without(header, "sid", pool);

    MUST(count <= SX_COOKIE_CANDIDATES);
    for (size_t i = 0; i < count; i++) {
        MUST(found[i].p >= header && found[i].p + found[i].len <= header + len);
    }
    MUST(rest == NULL || sx_cookie_find(rest, "sid", found) == 0);
    MUST(rest == NULL || strlen(rest) <= len);
    name = sx_cookie_name_of(header);
    MUST(name.len <= len);
    apr_pool_destroy(pool);
    return 0;
}
