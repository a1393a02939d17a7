/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_store_tier.h"

#include <string.h>
#include "mod_sx_store_socache.h"
#include "mod_sx_uses.h"
#include "sx_store_tier.h"

#define PREFIX "tier:"
#define SHM    "shm:"

/* ---- the words ---------------------------------------------------------- */

/* One of the two, as it is in the tier's name. */
static const char *part(cmd_parms *cmd, const char *word, const char **why)
{
    const mod_sx_kind *kind = mod_sx_kind_of(word);
    const char *name;

    if (!strcasecmp(word, "cookie") || kind == &mod_sx_store_tier) {
        *why = "neither of its stores may be cookie or tier:";
        return NULL;
    }
    name = mod_sx_store_of_word(cmd, word, why);
    return name && !kind ? apr_pstrcat(cmd->pool, SHM, name, NULL) : name;
}

static const char *name(cmd_parms *cmd, const char *word, const char **why)
{
    const char *durable = word + strlen(PREFIX);
    const char *fast = ap_getword_white(cmd->pool, &durable);

    if (!*fast || !*durable) {
        *why = "accepted are two stores, as tier:shm file:DIR";
        return NULL;
    }
    fast = part(cmd, fast, why);
    durable = fast ? part(cmd, durable, why) : NULL;
    if (!durable)
        return NULL;
    if (mod_sx_kind_of(durable) == &mod_sx_store_socache)
        *why = "a cache may forget what it was told, so it can only be the "
               "first of the two";
    else if (!strcmp(fast, durable))
        *why = "its two stores are the same one";
    return *why ? NULL
                : apr_pstrcat(cmd->pool, PREFIX, fast, " ", durable, NULL);
}

/* The name of a store, of what is in the tier's name. */
static const char *store_of(const char *part)
{
    return strncmp(part, SHM, strlen(SHM)) ? part : part + strlen(SHM);
}

/* ---- start -------------------------------------------------------------- */

static void complete(mod_sx_server *main_conf, mod_sx_store_conf *store,
                     apr_pool_t *pool)
{
    const char *durable = store->name + strlen(PREFIX);
    const char *fast = ap_getword_white(pool, &durable);
    const mod_sx_store_conf *holder;

    store->fast = store_of(fast);
    store->durable = store_of(durable);
    mod_sx_want_store(main_conf, store->fast, pool);
    mod_sx_want_store(main_conf, store->durable, pool);
    holder = mod_sx_find_store(main_conf, store->durable);
    if (holder)
        store->max_record = holder->max_record;
}

static const char *check_part(const mod_sx_server *main_conf,
                              const mod_sx_store_conf *tier, const char *name,
                              apr_pool_t *pool)
{
    const mod_sx_store_conf *store = mod_sx_find_store(main_conf, name);

    if (!store)
        return apr_psprintf(pool,
                            "SessionExtStore '%s': there is no ShmStore '%s'",
                            tier->name, name);
    return store->group
               ? apr_psprintf(pool,
                              "SessionExtStore '%s': the ShmStore '%s' is open "
                              "to a group: accepted is one that is not",
                              tier->name, name)
               : NULL;
}

static const char *check(const mod_sx_server *main_conf,
                         const mod_sx_store_conf *store, apr_pool_t *pool)
{
    const char *why = check_part(main_conf, store, store->fast, pool);

    return why ? why : check_part(main_conf, store, store->durable, pool);
}

static const char *prepare(mod_sx_segment *store, apr_pool_t *pool)
{
    (void)store;
    (void)pool;
    return NULL;
}

/* ---- requests ----------------------------------------------------------- */

/* What another child can reach and this one cannot, it has to do without. */
static sx_store *for_request(const mod_sx_store_conf *store,
                             const mod_sx_dir *dir, apr_pool_t *pool)
{
    sx_store *fast = mod_sx_backend(store->fast);
    sx_store *durable = mod_sx_backend(store->durable);

    return fast && durable
               ? sx_store_tier_create(fast, durable, store->durable,
                                      MOD_SX_OR(dir->tier_age_ms, 0), pool)
               : durable;
}

const mod_sx_kind mod_sx_store_tier = {
    .prefix = PREFIX,
    .accepted = "tier:FAST DURABLE",
    .sessions = "sessions in a tier",
    .max_record = 1048576,
    .name = name,
    .complete = complete,
    .check = check,
    .prepare = prepare,
    .for_request = for_request,
};
