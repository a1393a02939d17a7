/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_files.h"

#include <string.h>
#include <unistd.h>
#include "unixd.h"
#include "mod_sx_path.h"
#include "mod_sx_share.h"
#include "sx_store_file.h"

#define PREFIX "file:"

static uid_t owner(void)
{
    return geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
}

/* DIR as an absolute path without a slash at its end. */
static const char *name(cmd_parms *cmd, const char *word, const char **why)
{
    const char *given = word + strlen(PREFIX);
    char *path = *given ? ap_server_root_relative(cmd->pool, given) : NULL;
    size_t len = path ? strlen(path) : 0;

    while (len > 1 && path[len - 1] == '/')
        path[--len] = '\0';
    if (len < 2 || path[0] != '/') {
        *why = "accepted behind file: is the path of a directory";
        return NULL;
    }
    return apr_pstrcat(cmd->pool, PREFIX, path, NULL);
}

static void complete(mod_sx_server *main_conf, mod_sx_store_conf *store,
                     apr_pool_t *pool)
{
    (void)main_conf;
    store->path = mod_sx_resolve_directory(store->name + strlen(PREFIX), pool);
}

static const char *judge(const mod_sx_store_conf *store, bool make,
                         apr_pool_t *pool)
{
    const char *why = sx_store_file_check(store->path, owner(), make, pool);

    return why ? apr_pstrcat(pool, "SessionExtStore '", store->name, "': ", why,
                             NULL)
               : NULL;
}

static const char *check(const mod_sx_server *main_conf,
                         const mod_sx_store_conf *store, apr_pool_t *pool)
{
    (void)main_conf;
    return judge(store, false, pool);
}

static const char *prepare(mod_sx_segment *store, apr_pool_t *pool)
{
    store->shared = mod_sx_share(sizeof(sx_file_figures), pool);
    return judge(store->conf, true, pool);
}

static sx_store *open_directory(const mod_sx_segment *store, const char **why,
                                apr_pool_t *pool)
{
    const sx_file_config config = {
        .path = store->conf->path,
        .figures = store->shared,
        .boot_ms = shm_store_clock_ms(),
        .wall_ms = (int64_t)(apr_time_now() / 1000),
    };

    return sx_store_file_open(&config, why, pool);
}

static void figures(const mod_sx_segment *store, mod_sx_tell_figure *tell,
                    void *baton)
{
    const sx_file_figures *figure = store->shared;

    if (!figure)
        return;
#define X(name, what)                                                          \
    tell(baton, #name, __atomic_load_n(&figure->name, __ATOMIC_RELAXED));
    SX_FILE_FIGURES(X)
#undef X
}

const mod_sx_kind mod_sx_files = {
    .prefix = PREFIX,
    .accepted = "file:DIR",
    .sessions = "sessions in files",
    .outlives = "files outlive a reboot",
    .max_record = SX_FILE_RECORD_MAX,
    .name = name,
    .complete = complete,
    .check = check,
    .prepare = prepare,
    .open = open_directory,
    .figures = figures,
};
