/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a scope or server: made unset, merged from the outer to
 * the inner, found again from a request.
 */
#include "mod_sx_private.h"
#include "mod_sx_config.h"
#include "mod_sx_cookie_conf.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

void *mod_sx_create_dir(apr_pool_t *pool, char *path)
{
    mod_sx_dir *dir = apr_pcalloc(pool, sizeof *dir);

    (void)path;
    dir->enabled = dir->encrypt = dir->remote_user = MOD_SX_UNSET;
    dir->env_mode = dir->request_headers = dir->accept = MOD_SX_UNSET;
    dir->hide_cookie = dir->flash = dir->flash_max = MOD_SX_UNSET;
    dir->refuse_on_outage = dir->carried = dir->provide = MOD_SX_UNSET;
    dir->max_per_user = dir->bind = dir->php = MOD_SX_UNSET;
    dir->idle_ms = dir->idle_max_ms = dir->absolute_ms = MOD_SX_UNSET;
    dir->renew_ms = dir->grace_ms = dir->touch_ms = MOD_SX_UNSET;
    dir->tier_age_ms = MOD_SX_UNSET;
    dir->max_size = dir->flash_bytes = MOD_SX_UNSET;
    return dir;
}

/* A .htaccess that names keys takes away from what is exported above it. */
static void merge_env(mod_sx_dir *dir, const mod_sx_dir *base,
                      const mod_sx_dir *add, apr_pool_t *pool)
{
    dir->env_mode = MOD_SX_OR(add->env_mode, base->env_mode);
    dir->env_keys =
        add->env_mode == MOD_SX_UNSET ? base->env_keys : add->env_keys;
    if (!add->env_narrows || add->env_mode != SX_ENV_KEYS)
        return;
    if (base->env_mode == SX_ENV_OFF)
        dir->env_mode = SX_ENV_OFF;
    if (base->env_mode != SX_ENV_KEYS)
        return;
    dir->env_keys = apr_array_make(pool, 4, sizeof(const char *));
    for (int i = 0; i < add->env_keys->nelts; i++) {
        const char *key = APR_ARRAY_IDX(add->env_keys, i, const char *);
        if (ap_array_str_contains(base->env_keys, key))
            APR_ARRAY_PUSH(dir->env_keys, const char *) = key;
    }
}

/* Each is one directive, whole. */
static void merge_user(mod_sx_dir *dir, const mod_sx_dir *add)
{
    if (add->max_per_user != MOD_SX_UNSET) {
        dir->max_per_user = add->max_per_user;
        dir->deny_login = add->deny_login;
    }
    if (add->bind != MOD_SX_UNSET) {
        dir->bind = add->bind;
        dir->bind_parts = add->bind_parts;
        dir->bind_prefix = add->bind_prefix;
    }
}

/* By name: an inner scope changes what it names. */
static void merge_seals(mod_sx_dir *dir, const mod_sx_dir *base,
                        const mod_sx_dir *add, apr_pool_t *pool)
{
    dir->seals = base->seals ? base->seals : add->seals;
    for (int i = 0; base->seals && add->seals && i < add->seals->nelts; i++)
        dir->seals = mod_sx_seals_with(
            dir->seals, APR_ARRAY_IDX(add->seals, i, const mod_sx_seal_conf *),
            pool);
}

#define MERGE(field)     dir->field = MOD_SX_OR(add->field, base->field)
#define MERGE_PTR(field) dir->field = add->field ? add->field : base->field

void *mod_sx_merge_dir(apr_pool_t *pool, void *base_conf, void *add_conf)
{
    const mod_sx_dir *base = base_conf, *add = add_conf;
    mod_sx_dir *dir = apr_pmemdup(pool, base, sizeof *base);

    MERGE(enabled);
    MERGE_PTR(ns);
    MERGE_PTR(store);
    MERGE(carried);
    MERGE_PTR(cookie);
    merge_seals(dir, base, add, pool);
    MERGE(idle_ms);
    MERGE(idle_max_ms);
    MERGE(absolute_ms);
    MERGE(renew_ms);
    MERGE(grace_ms);
    MERGE(touch_ms);
    MERGE(tier_age_ms);
    MERGE(max_size);
    MERGE(encrypt);
    MERGE_PTR(user_key);
    MERGE(remote_user);
    merge_user(dir, add);
    merge_env(dir, base, add, pool);
    MERGE(request_headers);
    MERGE(accept);
    MERGE(hide_cookie);
    MERGE(flash);
    MERGE(php);
    MERGE(flash_max);
    MERGE(flash_bytes);
    MERGE(refuse_on_outage);
    MERGE(provide);
    return dir;
}

void *mod_sx_create_server(apr_pool_t *pool, server_rec *server)
{
    mod_sx_server *conf = apr_pcalloc(pool, sizeof *conf);

    (void)server;
    conf->stores = apr_array_make(pool, 2, sizeof(mod_sx_store_conf *));
    conf->uses = apr_array_make(pool, 4, sizeof(mod_sx_use));
    conf->seal_uses = apr_array_make(pool, 2, sizeof(mod_sx_use));
    conf->bridge_uses = apr_array_make(pool, 2, sizeof(mod_sx_use));
    conf->unsealed_uses = apr_array_make(pool, 2, sizeof(mod_sx_use));
    return conf;
}

void *mod_sx_merge_server(apr_pool_t *pool, void *base_conf, void *add_conf)
{
    const mod_sx_server *base = base_conf;
    mod_sx_server *conf = apr_pmemdup(pool, add_conf, sizeof *conf);

    if (!conf->key_file)
        conf->key_file = base->key_file;
    return conf;
}

const mod_sx_dir *mod_sx_dir_of(request_rec *r)
{
    ap_conf_vector_t *vector =
        r->per_dir_config ? r->per_dir_config : r->server->lookup_defaults;

    return ap_get_module_config(vector, &session_ext_module);
}

mod_sx_server *mod_sx_server_of(server_rec *server)
{
    return ap_get_module_config(server->module_config, &session_ext_module);
}
