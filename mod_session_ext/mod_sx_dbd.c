/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_dbd.h"

#include <string.h>
#include "mod_sx_share.h"
#include "sx_store_dbd.h"

#define PREFIX "dbd:"

/* Both words as the longer one. */
static const char *name(cmd_parms *cmd, const char *word, const char **why)
{
    const char *table =
        strchr(word, ':') ? word + strlen(PREFIX) : SX_DBD_TABLE;

    *why = sx_store_dbd_check_table(table, cmd->pool);
    return *why ? NULL : apr_pstrcat(cmd->pool, PREFIX, table, NULL);
}

static const char *table_of(const mod_sx_store_conf *store)
{
    return store->name + strlen(PREFIX);
}

/* ---- what mod_dbd is told ----------------------------------------------- */

/* Each argument of ${directive} in the main server, in the order of its lines;
 * mod_dbd itself tells nobody. */
static apr_array_header_t *said(const char *directive, apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_make(pool, 2, sizeof(const char *));

    for (const ap_directive_t *line = ap_conftree; line; line = line->next) {
        const char *args = line->args;

        if (!strcasecmp(line->directive, directive))
            APR_ARRAY_PUSH(all, const char *) = ap_getword_conf(pool, &args);
    }
    return all;
}

static const char *last_of(const char *directive, apr_pool_t *pool)
{
    const apr_array_header_t *all = said(directive, pool);

    return all->nelts ? APR_ARRAY_IDX(all, all->nelts - 1, const char *) : NULL;
}

static const char *check(const mod_sx_server *main_conf,
                         const mod_sx_store_conf *store, apr_pool_t *pool)
{
    const char *driver = last_of("DBDriver", pool), *why;
    const char *params = last_of("DBDParams", pool);

    (void)main_conf;
    if (!ap_find_linked_module("mod_dbd.c"))
        return apr_psprintf(pool,
                            "SessionExtStore '%s' needs mod_dbd, whose "
                            "directives DBDriver and DBDParams name the "
                            "database",
                            store->name);
    if (!driver || !params)
        return apr_psprintf(pool,
                            "SessionExtStore '%s' needs DBDriver and DBDParams "
                            "of mod_dbd, outside of all virtual hosts",
                            store->name);
    why = sx_store_dbd_check_driver(driver, pool);
    if (why)
        return apr_psprintf(pool, "SessionExtStore '%s': DBDriver: %s",
                            store->name, why);
    if (!strcmp(driver, "sqlite3") && params[0] != '/')
        return apr_psprintf(pool,
                            "SessionExtStore '%s': DBDParams: accepted with "
                            "sqlite3 is the absolute path of a file",
                            store->name);
    return NULL;
}

/* ---- opening ------------------------------------------------------------ */

static const char *prepare(mod_sx_segment *store, apr_pool_t *pool)
{
    sx_dbd_config *config = apr_pcalloc(pool, sizeof *config);
    apr_array_header_t *init = said("DBDInitSQL", pool);
    const char *most = last_of("DBDMax", pool);
    const char *why = check(NULL, store->conf, pool);

    if (why)
        return why;
    APR_ARRAY_PUSH(init, const char *) = NULL;
    *config = (sx_dbd_config){
        .driver = last_of("DBDriver", pool),
        .params = last_of("DBDParams", pool),
        .table = table_of(store->conf),
        .init = (const char *const *)init->elts,
        .connections = most ? (unsigned)strtoul(most, NULL, 10) : 0,
        .figures = mod_sx_share(sizeof(sx_dbd_figures), pool),
    };
    store->shared = config;
    return NULL;
}

static sx_store *open_table(const mod_sx_segment *store, const char **why,
                            apr_pool_t *pool)
{
    sx_dbd_config *config;

    *why = "it could not be prepared at the last restart";
    if (!store->shared)
        return NULL;
    config = apr_pmemdup(pool, store->shared, sizeof *config);
    config->boot_ms = shm_store_clock_ms();
    return sx_store_dbd_open(config, why, pool);
}

static void figures(const mod_sx_segment *store, mod_sx_tell_figure *tell,
                    void *baton)
{
    const sx_dbd_config *config = store->shared;

    if (!config || !config->figures)
        return;
#define X(name, what)                                                          \
    tell(baton, #name,                                                         \
         __atomic_load_n(&config->figures->name, __ATOMIC_RELAXED));
    SX_DBD_FIGURES(X)
#undef X
}

const mod_sx_kind mod_sx_dbd = {
    .prefix = PREFIX,
    .is_word = true,
    .accepted = "dbd, dbd:TABLE",
    .sessions = "sessions in a database",
    .outlives = "a database outlives a reboot",
    .max_record = SX_DBD_RECORD_MAX,
    .remote = true,
    .name = name,
    .check = check,
    .prepare = prepare,
    .open = open_table,
    .figures = figures,
};
