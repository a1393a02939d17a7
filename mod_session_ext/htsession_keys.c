/* SPDX-License-Identifier: Apache-2.0 */
/* A key file that the administrator has named, taken as the server takes it:
 * one that somebody else could have written is refused. */
#include "htsession.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sx_keys.h"

static sx_keys *load(const char *path, const char **why, apr_pool_t *pool)
{
    sx_keys_file file = {.path = path,
                         .owner = geteuid(),
                         .group_may_read = true,
                         .follow_link = true};
    struct stat st;

    if (stat(path, &st) == 0) {
        file.group = st.st_gid;
    }
    return sx_keys_load(&file, why, pool);
}

outcome tool_with_keys(tool *t, const char *path, tool_keyed *run, void *baton)
{
    const uid_t user = tool_store_as_root();
    const char *why = NULL;
    outcome result;
    sx_keys *keys = load(path, &why, t->pool);

    tool_store_as(user);
    if (keys == NULL) {
        fprintf(stderr, "htsession: %s\n", why);
        result = BROKEN;
    }
    else {
        result = run(t, keys, baton);
    }
    sx_keys_free(keys);
    return result;
}
