/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_check.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "apr_hash.h"
#include "mod_sx_server.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

/* What a record is longer than its session's data: the seal, the model's own
 * fields, and a few bytes a key. */
#define RECORD_OVERHEAD 1024

static const mod_sx_dir *effective(const mod_sx_use *use, apr_pool_t *pool)
{
    void *base =
        ap_get_module_config(use->server->lookup_defaults, &session_ext_module);

    return mod_sx_merge_dir(pool, base, use->dir);
}

static const char *store_of(const mod_sx_dir *dir)
{
    return dir->store ? dir->store : MOD_SX_DEFAULT_STORE;
}

static mod_sx_store_conf *find_store(const mod_sx_server *main_conf,
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

bool mod_sx_in_use(server_rec *server)
{
    for (server_rec *s = server; s; s = s->next)
        if (mod_sx_server_of(s)->uses->nelts > 0)
            return true;
    return mod_sx_server_of(server)->stores->nelts > 0;
}

void mod_sx_complete_stores(server_rec *server, apr_pool_t *pool)
{
    mod_sx_server *main_conf = mod_sx_server_of(server);
    bool wants_default = false;

    for (server_rec *s = server; s; s = s->next) {
        const apr_array_header_t *uses = mod_sx_server_of(s)->uses;
        for (int i = 0; i < uses->nelts; i++)
            wants_default |= !strcmp(
                store_of(effective(&APR_ARRAY_IDX(uses, i, mod_sx_use), pool)),
                MOD_SX_DEFAULT_STORE);
    }
    if (wants_default && !find_store(main_conf, MOD_SX_DEFAULT_STORE)) {
        mod_sx_store_conf *store = apr_pcalloc(pool, sizeof *store);
        store->name = MOD_SX_DEFAULT_STORE;
        store->max_record = 1048576;
        store->implied = true;
        APR_ARRAY_PUSH(main_conf->stores, mod_sx_store_conf *) = store;
    }
    for (int i = 0; i < main_conf->stores->nelts; i++) {
        mod_sx_store_conf *store =
            APR_ARRAY_IDX(main_conf->stores, i, mod_sx_store_conf *);
        if (!store->path)
            store->path = ap_runtime_dir_relative(
                pool,
                apr_pstrcat(pool, "session_ext-", store->name, ".shm", NULL));
    }
}

const mod_sx_key_file *mod_sx_key_file_of(const mod_sx_server *conf)
{
    mod_sx_key_file *generated;
    apr_pool_t *pool = ap_server_conf->process->pconf;

    if (conf->key_file)
        return conf->key_file;
    generated = apr_pcalloc(pool, sizeof *generated);
    generated->path = ap_runtime_dir_relative(pool, "session_ext.keys");
    return generated;
}

sx_keys *mod_sx_load_key_file(const mod_sx_key_file *file, const char **why,
                              apr_pool_t *pool)
{
    const sx_keys_file how = {
        .path = file->path,
        .owner = geteuid(),
        .group_may_read = file->group != NULL,
        .group = file->gid,
        .follow_link = file->follow_link,
    };
    sx_keys *keys = sx_keys_load(&how, why, pool);

    if (!keys)
        *why = apr_pstrcat(pool, "SessionExtKeyFile: ", *why, NULL);
    return keys;
}

bool mod_sx_free_room(const char *path, apr_uint64_t *bytes, apr_pool_t *pool)
{
    char *dir = apr_pstrdup(pool, path);
    char *slash = strrchr(dir, '/');
    struct statvfs fs;

    if (slash)
        slash[slash == dir] = '\0';
    if (statvfs(dir, &fs))
        return false;
    *bytes = (apr_uint64_t)fs.f_bavail * fs.f_frsize;
    return true;
}

/* ---- the checks: each returns NULL or a sentence -------------------------- */

static const char *check_store(const mod_sx_store_conf *store, apr_pool_t *pool)
{
    struct stat st;
    apr_uint64_t have = 0, room;

    if (!store->size)
        return NULL;
    if (lstat(store->path, &st) == 0 && S_ISREG(st.st_mode))
        have = (apr_uint64_t)st.st_blocks * 512;
    if (!mod_sx_free_room(store->path, &room, pool))
        return apr_psprintf(pool,
                            "ShmStore '%s': there is no directory for its "
                            "file %s",
                            store->name, store->path);
    if (store->size > have + room)
        return apr_psprintf(pool,
                            "ShmStore '%s': size %" APR_UINT64_T_FMT
                            " bytes does not fit: %s has room for "
                            "%" APR_UINT64_T_FMT,
                            store->name, store->size, store->path, have + room);
    return NULL;
}

static const char *check_scope(const mod_sx_use *use, server_rec *first,
                               apr_pool_t *pool)
{
    const mod_sx_dir *dir = effective(use, pool);
    const mod_sx_server *conf = mod_sx_server_of(use->server);
    const mod_sx_store_conf *store =
        find_store(mod_sx_server_of(first), store_of(dir));
    apr_int64_t idle = MOD_SX_OR(dir->idle_ms, 1800000);
    apr_int64_t max_size = MOD_SX_OR(dir->max_size, 65536);

    if (!store)
        return apr_psprintf(pool, "SessionExtStore: there is no ShmStore '%s'",
                            store_of(dir));
    if (dir->idle_max_ms != MOD_SX_UNSET && dir->idle_max_ms < idle)
        return "SessionExtIdleMax is less than SessionExtIdleTimeout: an app "
               "may raise its timeout, so accepted is the same or more";
    if (MOD_SX_OR(dir->absolute_ms, 43200000) < idle)
        return "SessionExtAbsoluteTimeout is less than SessionExtIdleTimeout: "
               "accepted is the same or more";
    if (max_size + RECORD_OVERHEAD > (apr_int64_t)store->max_record)
        return apr_psprintf(pool,
                            "SessionExtMaxSize: %" APR_INT64_T_FMT
                            " bytes do not fit a record of ShmStore '%s': its "
                            "max-record must be at least %d more",
                            max_size, store->name, RECORD_OVERHEAD);
    if (mod_sx_cookie_conf_of(dir)->persistent && !conf->key_file)
        return "SessionExtCookie: a persistent cookie outlives a reboot, the "
               "generated keys do not: SessionExtKeyFile is needed";
    if (store->group && !conf->key_file)
        return apr_psprintf(pool,
                            "ShmStore '%s' is open to a group: servers that "
                            "use it need a SessionExtKeyFile of their own",
                            store->name);
    return NULL;
}

/* Members of a store's group can read that store's keys: those must open
 * nothing anywhere else. */
static const char *check_shared_keys(server_rec *first, apr_pool_t *pool)
{
    const mod_sx_server *main_conf = mod_sx_server_of(first);
    apr_hash_t *store_of_file = apr_hash_make(pool);

    for (server_rec *s = first; s; s = s->next) {
        const mod_sx_server *conf = mod_sx_server_of(s);
        for (int i = 0; i < conf->uses->nelts; i++) {
            const mod_sx_dir *dir =
                effective(&APR_ARRAY_IDX(conf->uses, i, mod_sx_use), pool);
            const mod_sx_store_conf *store =
                find_store(main_conf, store_of(dir));
            const char *path =
                conf->key_file ? conf->key_file->path : "(generated)";
            const mod_sx_store_conf *other =
                apr_hash_get(store_of_file, path, APR_HASH_KEY_STRING);
            if (store && other && other != store &&
                (other->group || store->group))
                return apr_psprintf(pool,
                                    "SessionExtKeyFile %s serves the stores "
                                    "'%s' and '%s', one of which is open to a "
                                    "group: it needs a key file of its own",
                                    path, store->name, other->name);
            apr_hash_set(store_of_file, path, APR_HASH_KEY_STRING, store);
        }
    }
    return NULL;
}

static const char *check_key_file(const mod_sx_server *conf, apr_pool_t *pool)
{
    const char *why = NULL;
    sx_keys *keys;

    if (!conf->key_file)
        return NULL;
    keys = mod_sx_load_key_file(conf->key_file, &why, pool);
    sx_keys_free(keys);
    return why;
}

static bool complain(server_rec *server, const char *where, const char *why)
{
    ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server, "%s%s%s",
                 where ? where : "", where ? ": " : "", why);
    return false;
}

/* Did the configuration pass?  Key files are read only at the rehearsal: at a
 * restart post_config reads them and may go on with those of before. */
static bool check_server(server_rec *server, server_rec *first, bool rehearsal,
                         apr_pool_t *pool)
{
    const mod_sx_server *conf = mod_sx_server_of(server);
    const char *why = NULL;

    for (int i = 0; i < conf->uses->nelts && !why; i++) {
        const mod_sx_use *use = &APR_ARRAY_IDX(conf->uses, i, mod_sx_use);
        why = check_scope(use, first, pool);
        if (why)
            return complain(server, use->where, why);
    }
    if (rehearsal)
        why = check_key_file(conf, pool);
    return why ? complain(server, conf->key_file->where, why) : true;
}

static bool check_all(server_rec *server, bool rehearsal, apr_pool_t *pool)
{
    const mod_sx_server *main_conf = mod_sx_server_of(server);
    const char *why;

    for (int i = 0; i < main_conf->stores->nelts; i++) {
        const mod_sx_store_conf *store =
            APR_ARRAY_IDX(main_conf->stores, i, mod_sx_store_conf *);
        why = check_store(store, pool);
        if (why)
            return complain(server, store->where, why);
    }
    for (server_rec *s = server; s; s = s->next)
        if (!check_server(s, server, rehearsal, pool))
            return false;
    why = check_shared_keys(server, pool);
    return why ? complain(server, NULL, why) : true;
}

int mod_sx_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *server)
{
    bool rehearsal =
        ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;

    (void)plog;
    if (!mod_sx_in_use(server))
        return OK;
    if (!sx_crypto_init()) {
        complain(server, NULL, "libsodium cannot be used on this host");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    mod_sx_complete_stores(server, pconf);
    /* At a restart a failure here would end a server that works: what is wrong
     * is told, its scopes are unavailable, the others go on. */
    return check_all(server, rehearsal, ptemp) || !rehearsal
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}
