/* SPDX-License-Identifier: Apache-2.0 */
#include "sxp_space.h"

#include <apr_strings.h>

#define DEFAULT "PHPSESSID"
#define ESCAPED "@:"

const char *sxp_space_of(const char *name, apr_pool_t *pool)
{
    return strcmp(name, DEFAULT) ? apr_pstrcat(pool, "@", name, ":", NULL)
                                 : NULL;
}

static bool begins_with(sx_str s, const char *start, size_t len)
{
    return s.len >= len && memcmp(s.p, start, len) == 0;
}

sx_str sxp_space_outer(const char *space, sx_str key, apr_pool_t *pool)
{
    size_t len;
    char *p;

    if (!space && !begins_with(key, "@", 1))
        return key;
    if (!space)
        space = ESCAPED;
    len = strlen(space);
    p = apr_palloc(pool, len + key.len);
    memcpy(p, space, len);
    memcpy(p + len, key.p, key.len);
    return (sx_str){p, len + key.len};
}

/* How much of ${key} is not PHP's; -1: it is in another space. */
static int outer_len(const char *space, sx_str key)
{
    if (space)
        return begins_with(key, space, strlen(space)) ? (int)strlen(space) : -1;
    if (begins_with(key, ESCAPED, 2))
        return 2;
    return begins_with(key, "@", 1) ? -1 : 0;
}

apr_array_header_t *sxp_space_entries(const char *space,
                                      const sx_session *session,
                                      apr_pool_t *pool)
{
    apr_array_header_t *found =
        apr_array_make(pool, session->entries->nelts + 1, sizeof(sx_entry));

    for (int i = 0; i < session->entries->nelts; i++) {
        sx_entry entry = APR_ARRAY_IDX(session->entries, i, sx_entry);
        int len = outer_len(space, entry.key);

        if (len < 0 || entry.type == SX_SECRET)
            continue;
        entry.key.p += len;
        entry.key.len -= (size_t)len;
        APR_ARRAY_PUSH(found, sx_entry) = entry;
    }
    return found;
}
