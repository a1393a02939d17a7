/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_kind.h"

#include <string.h>
#include "mod_sx_dbd.h"
#include "mod_sx_files.h"
#include "mod_sx_parse.h"
#include "mod_sx_redis.h"
#include "mod_sx_store_socache.h"
#include "mod_sx_store_tier.h"

/* NULL-terminated; messages name them in this order. */
static const mod_sx_kind *const kinds[] = {
    &mod_sx_files,         &mod_sx_dbd,
#ifdef SX_HAVE_REDIS
    &mod_sx_redis,
#endif
    &mod_sx_store_socache, &mod_sx_store_tier, NULL};

const mod_sx_kind *mod_sx_kind_of(const char *word)
{
    for (const mod_sx_kind *const *kind = kinds; *kind; kind++) {
        const size_t len = strlen((*kind)->prefix);

        if (!strncasecmp(word, (*kind)->prefix, len) ||
            ((*kind)->is_word && strlen(word) == len - 1 &&
             !strncasecmp(word, (*kind)->prefix, len - 1)))
            return *kind;
    }
    return NULL;
}

const char *mod_sx_store_of_word(cmd_parms *cmd, const char *word,
                                 const char **why)
{
    const mod_sx_kind *kind = mod_sx_kind_of(word);
    const char *name = MOD_SX_DEFAULT_STORE;

    if (kind)
        return kind->name(cmd, word, why);
    if (!strncasecmp(word, "shm:", 4)) {
        name = apr_pstrdup(cmd->pool, word + 4);
        *why = mod_sx_parse_name(name);
    }
    else if (strcasecmp(word, "shm")) {
        *why =
            apr_pstrcat(cmd->pool, "this build has no such store: accepted is ",
                        mod_sx_kind_words(cmd->pool), NULL);
    }
    return *why ? NULL : name;
}

const char *mod_sx_kind_words(apr_pool_t *pool)
{
    const char *words = "cookie";

    for (const mod_sx_kind *const *kind = kinds; *kind; kind++)
        words = apr_pstrcat(pool, words, ", ", (*kind)->accepted, NULL);
    return apr_pstrcat(pool, words,
                       ", shm or shm:NAME with the NAME of a ShmStore", NULL);
}
