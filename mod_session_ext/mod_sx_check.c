/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_check.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mod_sx_bridge_conf.h"
#include "mod_sx_cookie_conf.h"
#include "mod_sx_kind.h"
#include "mod_sx_path.h"
#include "mod_sx_server.h"
#include "mod_sx_snapshot.h"
#include "mod_sx_uses.h"
#include "sx_registry.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

/* What a record is longer than its session's data: the seal, the model's own
 * fields, and a few bytes a key. */
#define RECORD_OVERHEAD 1024

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
    return sx_keys_load(&how, why, pool);
}

/* ---- the checks: each returns NULL or a sentence ------------------------ */

static const char *check_path(const mod_sx_server *main_conf, int index,
                              apr_pool_t *pool)
{
    const mod_sx_store_conf *store =
        APR_ARRAY_IDX(main_conf->stores, index, mod_sx_store_conf *);

    for (int i = 0; i < index; i++) {
        const mod_sx_store_conf *other =
            APR_ARRAY_IDX(main_conf->stores, i, mod_sx_store_conf *);
        if (store->snapshot && other->snapshot &&
            !strcmp(store->snapshot, other->snapshot))
            return apr_psprintf(pool,
                                "ShmStore '%s': its snapshot %s is that of "
                                "ShmStore '%s': each needs a file of its own",
                                store->name, store->snapshot, other->name);
        if (!store->kind && !other->kind && !strcmp(store->path, other->path))
            return apr_psprintf(pool,
                                "ShmStore '%s': its file %s is that of "
                                "ShmStore '%s': each needs a file= of its own",
                                store->name, store->path, other->name);
    }
    return NULL;
}

static const char *check_store(const mod_sx_server *main_conf,
                               const mod_sx_store_conf *store, apr_pool_t *pool)
{
    struct stat st;
    apr_uint64_t have = 0, room;

    if (store->kind)
        return store->kind->check(main_conf, store, pool);
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

/* Values that contradict each other.  A default contradicts nothing: it gives
 * way to what is said. */
static const char *check_times(const mod_sx_dir *dir, apr_pool_t *pool)
{
    const char *name = NULL;
    apr_int64_t value = 0;

    if (dir->idle_ms == MOD_SX_UNSET)
        return NULL;
    if (dir->idle_max_ms != MOD_SX_UNSET && dir->idle_max_ms < dir->idle_ms) {
        name = "SessionExtIdleMax";
        value = dir->idle_max_ms;
    }
    else if (dir->absolute_ms != MOD_SX_UNSET &&
             dir->absolute_ms < dir->idle_ms) {
        name = "SessionExtAbsoluteTimeout";
        value = dir->absolute_ms;
    }
    if (!name)
        return NULL;
    return apr_psprintf(pool,
                        "%s: %" APR_INT64_T_FMT
                        " seconds are less than the %" APR_INT64_T_FMT
                        " of SessionExtIdleTimeout: accepted is the same or "
                        "more",
                        name, value / 1000, dir->idle_ms / 1000);
}

/* Sessions that their cookies carry. */
static const char *check_carried(const mod_sx_dir *dir,
                                 const mod_sx_server *conf)
{
    if (!conf->key_file)
        return "SessionExtStore cookie: the cookies that carry sessions "
               "outlive "
               "a reboot, the generated keys do not: SessionExtKeyFile is "
               "needed";
    if (MOD_SX_OR(dir->php, 0) == 1)
        return "SessionExtPHP: sessions that their cookies carry are not in a "
               "store that PHP can open: accepted with SessionExtStore shm";
    return MOD_SX_OR(dir->max_per_user, 0) > 0
               ? "SessionExtMaxPerUser: sessions that their cookies carry "
                 "cannot be counted: accepted with SessionExtStore shm"
               : NULL;
}

/* Sessions in a store of some kind. */
static const char *check_kind(const mod_sx_dir *dir, const mod_sx_server *conf,
                              const mod_sx_store_conf *store,
                              const mod_sx_store_conf *holder, apr_pool_t *pool)
{
    if (holder->kind && holder->kind->outlives && !conf->key_file)
        return apr_psprintf(pool,
                            "SessionExtStore %s: %s, the generated keys do "
                            "not: SessionExtKeyFile is needed",
                            holder->name, holder->kind->outlives);
    return MOD_SX_OR(dir->php, 0) == 1
               ? apr_psprintf(pool,
                              "SessionExtPHP: %s are not in a store that PHP "
                              "can open: accepted with SessionExtStore shm",
                              store->kind->sessions)
               : NULL;
}

/* Where all of a store's records are: of a tier, its second store. */
static const mod_sx_store_conf *holder_of(const mod_sx_server *main_conf,
                                          const mod_sx_store_conf *store)
{
    const mod_sx_store_conf *holder =
        store->durable ? mod_sx_find_store(main_conf, store->durable) : store;

    return holder ? holder : store;
}

static const char *too_large(apr_int64_t max_size,
                             const mod_sx_store_conf *store, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "SessionExtMaxSize: %" APR_INT64_T_FMT
                        " bytes do not fit a record of SessionExtStore %s: "
                        "accepted are at most %d",
                        max_size, store->name,
                        (int)store->max_record - RECORD_OVERHEAD);
}

static const char *check_sizes(const mod_sx_dir *dir,
                               const mod_sx_store_conf *store, apr_pool_t *pool)
{
    apr_int64_t max_size = MOD_SX_OR(dir->max_size, 65536);

    if ((dir->enabled == 1 || dir->max_size != MOD_SX_UNSET) &&
        max_size + RECORD_OVERHEAD > (apr_int64_t)store->max_record)
        return store->kind
                   ? too_large(max_size, store, pool)
                   : apr_psprintf(
                         pool,
                         "SessionExtMaxSize: %" APR_INT64_T_FMT
                         " bytes do not fit a record of ShmStore '%s': its "
                         "max-record must be at least %d more",
                         max_size, store->name, RECORD_OVERHEAD);
    if (dir->max_per_user > 0 &&
        dir->max_per_user * SX_SEAT_BYTES + RECORD_OVERHEAD >
            (apr_int64_t)store->max_record)
        return apr_psprintf(pool,
                            "SessionExtMaxPerUser: the list of %d sessions "
                            "does not fit a record of ShmStore '%s': accepted "
                            "are at most %d with its max-record",
                            dir->max_per_user, store->name,
                            ((int)store->max_record - RECORD_OVERHEAD) /
                                SX_SEAT_BYTES);
    return NULL;
}

static const char *check_scope(const mod_sx_dir *dir, const mod_sx_server *conf,
                               const mod_sx_server *main_conf, apr_pool_t *pool)
{
    const mod_sx_store_conf *store =
        mod_sx_find_store(main_conf, mod_sx_store_name_of(dir));
    const mod_sx_store_conf *holder;
    const char *why =
        MOD_SX_OR(dir->carried, 0) == 1 ? check_carried(dir, conf) : NULL;

    if (!store)
        return apr_psprintf(
            pool, "SessionExtStore: there is no ShmStore '%s': accepted is %s",
            mod_sx_store_name_of(dir), mod_sx_kind_words(pool));
    holder = holder_of(main_conf, store);
    if (!why)
        why = check_sizes(dir, store, pool);
    if (store->kind && !why)
        why = check_kind(dir, conf, store, holder, pool);
    if (!why && mod_sx_cookie_conf_of(dir)->persistent && !conf->key_file)
        return "SessionExtCookie: a persistent cookie outlives a reboot, the "
               "generated keys do not: SessionExtKeyFile is needed";
    if (!why)
        why = mod_sx_seals_check(dir, conf, true, pool);
    if (why)
        return why;
    if (holder->snapshot && !conf->key_file)
        return apr_psprintf(pool,
                            "ShmStore '%s': its snapshot outlives a reboot, "
                            "the generated keys do not: servers that use it "
                            "need a SessionExtKeyFile",
                            holder->name);
    if (store->group && !conf->key_file)
        return apr_psprintf(pool,
                            "ShmStore '%s' is open to a group: servers that "
                            "use it need a SessionExtKeyFile of their own",
                            store->name);
    return check_times(dir, pool);
}

/* A store and the keys of a server that has a scope on it. */
typedef struct trust {
    const mod_sx_store_conf *store;
    const char *path;
    const sx_keys *keys; /* NULL: generated, or not read at a restart */
} trust;

static apr_status_t free_keys(void *keys)
{
    sx_keys_free(keys);
    return APR_SUCCESS;
}

static bool same_keys(const trust *a, const trust *b)
{
    return !strcmp(a->path, b->path) ||
           (a->keys && b->keys && sx_keys_overlap(a->keys, b->keys));
}

/* Members of a store's group can read that store's keys: those must open
 * nothing anywhere else, by whatever path they are reached. */
static const char *check_trust(apr_array_header_t *all, const trust *added,
                               apr_pool_t *pool)
{
    for (int i = 0; added->store && i < all->nelts; i++) {
        const trust *other = &APR_ARRAY_IDX(all, i, trust);
        if (other->store != added->store &&
            (other->store->group || added->store->group) &&
            same_keys(other, added))
            return apr_psprintf(pool,
                                "SessionExtKeyFile %s serves the stores '%s' "
                                "and '%s', one of which is open to a group: it "
                                "needs a key file of its own",
                                added->path, other->store->name,
                                added->store->name);
    }
    if (added->store)
        APR_ARRAY_PUSH(all, trust) = *added;
    return NULL;
}

static const char *check_shared_keys(server_rec *first, bool rehearsal,
                                     apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(trust));
    const char *why = NULL;

    for (server_rec *s = first; s && !why; s = s->next) {
        const mod_sx_server *conf = mod_sx_server_of(s);
        const apr_array_header_t *uses = mod_sx_scopes_of(s, first, pool);
        trust added = {.path = conf->key_file ? conf->key_file->path
                                              : "(generated)"};
        sx_keys *keys = conf->key_file && rehearsal
                            ? mod_sx_load_key_file(conf->key_file, &why, pool)
                            : NULL;

        if (keys)
            apr_pool_cleanup_register(pool, keys, free_keys,
                                      apr_pool_cleanup_null);
        added.keys = keys;
        for (int i = 0; i < uses->nelts && !why; i++) {
            const mod_sx_dir *dir =
                mod_sx_effective(&APR_ARRAY_IDX(uses, i, mod_sx_use), s, pool);
            added.store = dir ? mod_sx_find_store(mod_sx_server_of(first),
                                                  mod_sx_store_name_of(dir))
                              : NULL;
            why = check_trust(all, &added, pool);
        }
    }
    return why;
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

/* A scope of ${from}, itself or the main server, as it is in ${server}. */
static const mod_sx_dir *merged(const mod_sx_use *use, server_rec *from,
                                server_rec *server, apr_pool_t *pool)
{
    return use->dir == mod_sx_defaults_of(from)
               ? mod_sx_defaults_of(server)
               : mod_sx_merge_dir(pool, mod_sx_defaults_of(server), use->dir);
}

/* A scope of the main server is one of each virtual host, too. */
static bool check_seal_uses(server_rec *server, server_rec *from,
                            server_rec *first, apr_pool_t *pool)
{
    const apr_array_header_t *uses = mod_sx_server_of(from)->seal_uses;

    for (int i = 0; i < uses->nelts; i++) {
        const mod_sx_use *use = &APR_ARRAY_IDX(uses, i, mod_sx_use);
        const mod_sx_dir *dir = merged(use, from, server, pool);
        const char *why =
            mod_sx_seals_check(dir, mod_sx_server_of(server),
                               mod_sx_some_scope_is_on(first), pool);

        if (why)
            return complain(server, use->where, why);
    }
    return true;
}

/* Adds to ${provided} the scopes in which mod_session's sessions are ours. */
static bool check_bridge_uses(server_rec *server, server_rec *from,
                              server_rec *first, apr_array_header_t *provided,
                              apr_pool_t *pool)
{
    const apr_array_header_t *uses = mod_sx_server_of(from)->bridge_uses;
    bool sessions = mod_sx_some_scope_is_on(first);

    for (int i = 0; i < uses->nelts; i++) {
        const mod_sx_use *use = &APR_ARRAY_IDX(uses, i, mod_sx_use);
        const mod_sx_dir *dir = merged(use, from, server, pool);
        const char *why = dir->provide == 1
                              ? mod_sx_bridge_check(use, dir, sessions, pool)
                              : NULL;

        if (why)
            return complain(server, use->where, why);
        if (dir->provide == 1)
            APR_ARRAY_PUSH(provided, const mod_sx_dir *) = dir;
    }
    return true;
}

static bool check_unsealed_uses(server_rec *server, server_rec *from,
                                const apr_array_header_t *provided,
                                apr_pool_t *pool)
{
    const apr_array_header_t *uses = mod_sx_server_of(from)->unsealed_uses;

    for (int i = 0; i < uses->nelts; i++) {
        const mod_sx_use *use = &APR_ARRAY_IDX(uses, i, mod_sx_use);
        const char *why =
            mod_sx_bridge_check_seal(merged(use, from, server, pool), provided);

        if (why)
            return complain(server, use->where, why);
    }
    return true;
}

static bool check_bridge(server_rec *server, server_rec *first,
                         apr_pool_t *pool)
{
    apr_array_header_t *provided =
        apr_array_make(pool, 2, sizeof(const mod_sx_dir *));

    return check_bridge_uses(server, server, first, provided, pool) &&
           (server == first ||
            check_bridge_uses(server, first, first, provided, pool)) &&
           check_unsealed_uses(server, server, provided, pool) &&
           (server == first ||
            check_unsealed_uses(server, first, provided, pool));
}

/* Did the configuration pass?  Key files are read only at the rehearsal: at a
 * restart post_config reads them and may go on with those of before. */
static bool check_server(server_rec *server, server_rec *first, bool rehearsal,
                         apr_pool_t *pool)
{
    const mod_sx_server *conf = mod_sx_server_of(server);
    const apr_array_header_t *uses = mod_sx_scopes_of(server, first, pool);
    const char *why = NULL;

    if (!check_bridge(server, first, pool))
        return false;
    for (int i = 0; i < uses->nelts; i++) {
        const mod_sx_use *use = &APR_ARRAY_IDX(uses, i, mod_sx_use);
        const mod_sx_dir *dir = mod_sx_effective(use, server, pool);
        why =
            dir ? check_scope(dir, conf, mod_sx_server_of(first), pool) : NULL;
        if (why)
            return complain(server, use->where, why);
    }
    if (!check_seal_uses(server, server, first, pool) ||
        (server != first && !check_seal_uses(server, first, first, pool)))
        return false;
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
        why = check_path(main_conf, i, pool);
        if (!why)
            why = check_store(main_conf, store, pool);
        if (!why)
            why = mod_sx_snapshot_check(
                store, mod_sx_first_user_of(server, store, pool), pool);
        if (why)
            return complain(server, store->where, why);
    }
    for (server_rec *s = server; s; s = s->next)
        if (!check_server(s, server, rehearsal, pool))
            return false;
    why = check_shared_keys(server, rehearsal, pool);
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
