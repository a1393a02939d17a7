/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_uses.h"

#include <string.h>
#include "mod_sx_kind.h"
#include "mod_sx_path.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

mod_sx_dir *mod_sx_defaults_of(server_rec *server)
{
    return ap_get_module_config(server->lookup_defaults, &session_ext_module);
}

/* What sections above it say cannot be known here, so it may be on without
 * saying so. */
const mod_sx_dir *mod_sx_effective(const mod_sx_use *use, server_rec *server,
                                   apr_pool_t *pool)
{
    const mod_sx_dir *dir =
        mod_sx_merge_dir(pool, mod_sx_defaults_of(server), use->dir);

    return dir->enabled ? dir : NULL;
}

/* Of the main server's, not what that says for all of itself: this is in the
 * defaults of each. */
apr_array_header_t *mod_sx_scopes_of(server_rec *server, server_rec *first,
                                     apr_pool_t *pool)
{
    const mod_sx_server *conf = mod_sx_server_of(server);
    const mod_sx_use whole = {.dir = mod_sx_defaults_of(server),
                              .server = server};
    apr_array_header_t *all = apr_array_copy(pool, conf->uses);

    if (server != first) {
        const apr_array_header_t *main_uses = mod_sx_server_of(first)->uses;
        for (int i = 0; i < main_uses->nelts; i++) {
            const mod_sx_use *use = &APR_ARRAY_IDX(main_uses, i, mod_sx_use);
            if (use->dir != mod_sx_defaults_of(first))
                APR_ARRAY_PUSH(all, mod_sx_use) = *use;
        }
        if (whole.dir->enabled == 1)
            APR_ARRAY_PUSH(all, mod_sx_use) = whole;
    }
    return all;
}

const char *mod_sx_store_name_of(const mod_sx_dir *dir)
{
    return dir->store ? dir->store : MOD_SX_DEFAULT_STORE;
}

mod_sx_store_conf *mod_sx_find_store(const mod_sx_server *main_conf,
                                     const char *name)
{
    for (int i = 0; i < main_conf->stores->nelts; i++) {
        mod_sx_store_conf *store =
            APR_ARRAY_IDX(main_conf->stores, i, mod_sx_store_conf *);
        if (!strcmp(store->name, name))
            return store;
    }
    return NULL;
}

bool mod_sx_some_scope_is_on(server_rec *server)
{
    for (server_rec *s = server; s; s = s->next) {
        const apr_array_header_t *uses = mod_sx_server_of(s)->uses;
        for (int i = 0; i < uses->nelts; i++)
            if (APR_ARRAY_IDX(uses, i, mod_sx_use).dir->enabled == 1)
                return true;
    }
    return false;
}

bool mod_sx_in_use(server_rec *server)
{
    for (server_rec *s = server; s; s = s->next)
        if (mod_sx_server_of(s)->seal_uses->nelts ||
            mod_sx_server_of(s)->bridge_uses->nelts)
            return true;
    return mod_sx_server_of(server)->stores->nelts > 0 ||
           mod_sx_some_scope_is_on(server);
}

void mod_sx_want_store(mod_sx_server *main_conf, const char *name,
                       apr_pool_t *pool)
{
    const mod_sx_kind *kind = strchr(name, ':') ? mod_sx_kind_of(name) : NULL;
    mod_sx_store_conf *store;

    if (mod_sx_find_store(main_conf, name) ||
        (!kind && strcmp(name, MOD_SX_DEFAULT_STORE)))
        return;
    store = apr_pcalloc(pool, sizeof *store);
    store->name = name;
    store->kind = kind;
    store->max_record = kind ? kind->max_record : 1048576;
    /* First what it needs, so that it is opened first. */
    if (kind && kind->complete)
        kind->complete(main_conf, store, pool);
    APR_ARRAY_PUSH(main_conf->stores, mod_sx_store_conf *) = store;
}

static void complete_segment(mod_sx_store_conf *store, apr_pool_t *pool)
{
    if (!store->path)
        store->path = ap_runtime_dir_relative(
            pool, apr_pstrcat(pool, "session_ext-", store->name, ".shm", NULL));
    store->path = mod_sx_resolve_directory(store->path, pool);
    if (store->snapshot)
        store->snapshot = mod_sx_resolve_directory(store->snapshot, pool);
}

void mod_sx_complete_stores(server_rec *server, apr_pool_t *pool)
{
    mod_sx_server *main_conf = mod_sx_server_of(server);

    for (server_rec *s = mod_sx_some_scope_is_on(server) ? server : NULL; s;
         s = s->next) {
        const apr_array_header_t *uses = mod_sx_scopes_of(s, server, pool);
        for (int i = 0; i < uses->nelts; i++) {
            const mod_sx_dir *dir =
                mod_sx_effective(&APR_ARRAY_IDX(uses, i, mod_sx_use), s, pool);
            if (dir)
                mod_sx_want_store(main_conf, mod_sx_store_name_of(dir), pool);
        }
    }
    for (int i = 0; i < main_conf->stores->nelts; i++) {
        mod_sx_store_conf *store =
            APR_ARRAY_IDX(main_conf->stores, i, mod_sx_store_conf *);
        if (!store->kind)
            complete_segment(store, pool);
    }
}

const mod_sx_server *mod_sx_first_user_of(server_rec *first,
                                          const mod_sx_store_conf *store,
                                          apr_pool_t *pool)
{
    for (server_rec *s = first; s; s = s->next) {
        const apr_array_header_t *uses = mod_sx_scopes_of(s, first, pool);
        for (int i = 0; i < uses->nelts; i++) {
            const mod_sx_dir *dir =
                mod_sx_effective(&APR_ARRAY_IDX(uses, i, mod_sx_use), s, pool);
            if (dir && !strcmp(mod_sx_store_name_of(dir), store->name))
                return mod_sx_server_of(s);
        }
    }
    return mod_sx_server_of(first);
}
