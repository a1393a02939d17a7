/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* The store follows no link, and on many systems /var/run is one: what the
 * administrator's directory comes to is looked up here, once, at start. */
const char *mod_sx_resolve_directory(const char *path, apr_pool_t *pool)
{
    const char *name = strrchr(path, '/');
    char *real;

    if (!name || name == path)
        return path;
    real =
        realpath(apr_pstrmemdup(pool, path, (apr_size_t)(name - path)), NULL);
    if (!real)
        return path;
    path = apr_pstrcat(pool, real, name, NULL);
    free(real);
    return path;
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
