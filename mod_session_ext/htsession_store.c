/* SPDX-License-Identifier: Apache-2.0 */
#include "htsession_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <apr_strings.h>

#include "sx_store_file.h"
#include "sx_store_shm.h"

/* ---- who we are ---------------------------------------------------------- */

uid_t tool_store_as_root(void)
{
    uid_t user = geteuid();

    if (getuid() == 0) {
        tool_store_as(0);
    }
    return user;
}

/* Who may not is told by what he tries then. */
void tool_store_as(uid_t user)
{
    if (user != geteuid()) {
        (void)!seteuid(user);
    }
}

/* ---- shm ----------------------------------------------------------------- */

static apr_status_t close_segment(void *segment)
{
    shm_store_close(segment);
    return APR_SUCCESS;
}

/* Opened as what it is: root may look into every store, others into theirs. */
static const char *open_segment(const char *file, tool_store *store,
                                apr_pool_t *pool)
{
    shm_store_config config = {.max_record = SST_MAX_RECORD_MAX};
    char *path = realpath(file, NULL);
    struct stat st;
    char err[512];

    if (!path || stat(path, &st) != 0) {
        free(path);
        return strerror(errno);
    }
    config.path = path;
    config.owner = geteuid() == 0 ? st.st_uid : geteuid();
    config.group = st.st_gid;
    config.shared = (st.st_mode & (S_IRGRP | S_IWGRP)) != 0;
    store->segment = shm_store_open(&config, err, sizeof(err));
    free(path);
    if (!store->segment) {
        return apr_pstrdup(pool, err);
    }
    apr_pool_cleanup_register(pool, store->segment, close_segment,
                              apr_pool_cleanup_null);
    if (shm_store_attach(store->segment, shm_store_clock_ms(),
                         &store->attached) != SST_OK) {
        return apr_pstrcat(pool, "cannot be used: ", store->attached.why, NULL);
    }
    store->sx = sx_store_shm_create(store->segment, pool);
    return NULL;
}

/* ---- file ---------------------------------------------------------------- */

/* A directory is used by its owner alone, for what root would make in it the
 * server could not read. */
static const char *open_files(const char *dir, tool_store *store,
                              apr_pool_t *pool)
{
    sx_file_config config = {.boot_ms = shm_store_clock_ms()};
    char *path = realpath(dir, NULL);
    const char *why;
    struct timespec wall;
    struct stat st;

    if (!path || stat(path, &st) != 0) {
        free(path);
        return strerror(errno);
    }
    if (geteuid() == 0) {
        tool_store_as(st.st_uid);
    }
    clock_gettime(CLOCK_REALTIME, &wall);
    config.path = path;
    config.wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
    store->sx = sx_store_file_open(&config, &why, pool);
    free(path);
    return store->sx ? NULL : why;
}

/* ---- the table ----------------------------------------------------------- */

typedef const char *opener(const char *what, tool_store *store,
                           apr_pool_t *pool);

static const struct kind {
    const char *word;
    opener *open;
    const char *named, *what; /* for the help */
} kinds[] = {
    {"shm", open_segment, "[shm:]PATH", "the file of a ShmStore"},
    {"file", open_files, "file:DIR", "the directory of SessionExtStore file:"},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

void tool_store_kinds(tool_store_tell *tell)
{
    for (size_t i = 0; i < KINDS; i++) {
        tell(kinds[i].named, kinds[i].what);
    }
}

/* Without the word of a kind in front it is the path of a segment. */
static opener *opener_of(const char *spec, const char **rest)
{
    const char *colon = strchr(spec, ':');

    for (size_t i = 0; colon && i < KINDS; i++) {
        size_t len = strlen(kinds[i].word);

        if ((size_t)(colon - spec) == len &&
            strncmp(spec, kinds[i].word, len) == 0) {
            *rest = colon + 1;
            return kinds[i].open;
        }
    }
    *rest = spec;
    return open_segment;
}

const char *tool_store_open(const char *spec, tool_store *store,
                            apr_pool_t *pool)
{
    const uid_t before = tool_store_as_root();
    const char *rest, *why;
    opener *open_it = opener_of(spec, &rest);
    bool is_root;

    *store = (tool_store){.spec = spec};
    why = *rest ? open_it(rest, store, pool) : "names no place";
    if (why && !strstr(why, rest)) {
        why = apr_pstrcat(pool, spec, ": ", why, NULL);
    }
    is_root = geteuid() == 0;
    if (!why && !is_root && before != 0 && before != geteuid()) {
        why = apr_pstrcat(pool, spec,
                          ": belongs to another user than the "
                          "first store; go by a dump",
                          NULL);
    }
    if (is_root) {
        tool_store_as(before);
    }
    return why;
}
