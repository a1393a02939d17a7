/* SPDX-License-Identifier: Apache-2.0 */
#include "sxp_changes.h"

#include <apr_strings.h>
#include "sxp_space.h"

#define SHOWN 64 /* bytes of a key in a warning */

static const sx_entry *at(const apr_array_header_t *entries, int i)
{
    return &APR_ARRAY_IDX(entries, i, sx_entry);
}

/* Mostly at the place of last time, or one behind. */
static int find(const apr_array_header_t *entries, sx_str key, int hint)
{
    for (int n = 0; n < entries->nelts; n++) {
        int i = (hint + n) % entries->nelts;

        if (sx_str_eq(at(entries, i)->key, key))
            return i;
    }
    return -1;
}

static bool same(const sx_entry *a, const sx_entry *b)
{
    return a->type == b->type && sx_str_eq(a->value, b->value);
}

sx_delta *sxp_changes(const char *space, const apr_array_header_t *before,
                      const apr_array_header_t *after, apr_pool_t *pool)
{
    sx_delta *delta = sx_delta_create(pool);
    bool *kept = apr_pcalloc(pool, (apr_size_t)before->nelts + 1);
    int hint = 0;

    for (int i = 0; i < after->nelts; i++) {
        const sx_entry *entry = at(after, i);
        int was = find(before, entry->key, hint);

        if (was >= 0) {
            kept[was] = true;
            hint = was + 1;
        }
        if (was < 0 || !same(at(before, was), entry))
            sx_delta_add(
                delta, (sx_op){.code = SX_OP_PUT,
                               .key = sxp_space_outer(space, entry->key, pool),
                               .value = entry->value,
                               .type = entry->type});
    }
    for (int i = 0; i < before->nelts; i++)
        if (!kept[i])
            sx_delta_add(delta, (sx_op){.code = SX_OP_UNSET,
                                        .key = sxp_space_outer(
                                            space, at(before, i)->key, pool)});
    return delta;
}

/* As it may stand in a log. */
static const char *shown(sx_str key, apr_pool_t *pool)
{
    char *text = apr_pstrmemdup(pool, key.p, key.len < SHOWN ? key.len : SHOWN);

    for (char *p = text; p < text + strlen(text); p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    return key.len > SHOWN ? apr_pstrcat(pool, text, "...", NULL) : text;
}

const char *sxp_changes_limit(const char *space,
                              const apr_array_header_t *entries,
                              const sx_limits *limits, apr_pool_t *pool)
{
    const sx_entry *largest = NULL;
    size_t prefix = space ? strlen(space) : 0, total = 0;

    if (entries->nelts > SX_KEYS_MAX)
        return apr_psprintf(pool, "it has %d keys, and may have %d",
                            entries->nelts, SX_KEYS_MAX);
    for (int i = 0; i < entries->nelts; i++) {
        const sx_entry *entry = at(entries, i);

        if (entry->key.len == 0)
            return "a key has no name; accepted are 1 to 128 bytes";
        if (prefix + entry->key.len > SX_KEY_MAX)
            return apr_psprintf(pool,
                                "the name of the key '%s' has %" APR_SIZE_T_FMT
                                " bytes; accepted are %" APR_SIZE_T_FMT,
                                shown(entry->key, pool), entry->key.len,
                                SX_KEY_MAX - prefix);
        total += prefix + entry->key.len + entry->value.len;
        if (!largest || entry->value.len > largest->value.len)
            largest = entry;
    }
    if (!largest || total <= limits->max_size)
        return NULL;
    return apr_psprintf(
        pool,
        "with the key '%s' of %" APR_SIZE_T_FMT " bytes it has %" APR_SIZE_T_FMT
        " bytes; SessionExtMaxSize allows %" APR_SIZE_T_FMT,
        shown(largest->key, pool), largest->value.len, total, limits->max_size);
}
