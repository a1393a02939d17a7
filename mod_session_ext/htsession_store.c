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
#include <apr_time.h>

#include "sx_store_dbd.h"
#include "sx_store_file.h"
#include "sx_store_redis.h"
#include "sx_store_shm.h"

#define OPEN_AGAIN    3
#define OPEN_PAUSE_US 100000

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

/* ---- redis --------------------------------------------------------------- */

#ifdef SX_HAVE_REDIS
static const char *open_redis_url(const char *url, tool_store *store,
                                  apr_pool_t *pool)
{
    sx_redis_config *config = apr_pcalloc(pool, sizeof(*config));
    const char *why = sx_redis_config_read(config, url, pool);

    if (why) {
        return why;
    }
    store->spec = config->shown;
    why = sx_redis_config_load(config, pool);
    if (!why) {
        store->sx = sx_store_redis_open(config, &why, pool);
    }
    return store->sx ? NULL : why;
}

/* redis://HOST is as good as redis:redis://HOST, as in SessionExtStore. */
static const char *open_redis(const char *url, tool_store *store,
                              apr_pool_t *pool)
{
    if (strncmp(url, "//", 2) == 0) {
        url = apr_pstrcat(pool, "redis:", url, NULL);
    }
    return open_redis_url(url, store, pool);
}

static const char *open_rediss(const char *url, tool_store *store,
                               apr_pool_t *pool)
{
    return open_redis_url(apr_pstrcat(pool, "rediss:", url, NULL), store, pool);
}
#endif

/* ---- dbd ----------------------------------------------------------------- */

/* What a driver connects with holds a password, so it may stand in a file. */
static const char *params_in(const char *path, const char **params,
                             apr_pool_t *pool)
{
    FILE *in = fopen(path, "re");
    char line[4096];
    struct stat st;

    if (!in || fstat(fileno(in), &st) != 0 || !fgets(line, sizeof(line), in)) {
        *params = apr_pstrcat(pool, path, ": ",
                              in ? "cannot be read" : strerror(errno), NULL);
    }
    else if (!S_ISREG(st.st_mode) || (st.st_mode & 077)) {
        *params = apr_pstrcat(pool, path,
                              ": accepted is a file that only its "
                              "owner can read",
                              NULL);
    }
    else {
        line[strcspn(line, "\r\n")] = '\0';
        *params = apr_pstrdup(pool, line);
        fclose(in);
        return *params;
    }
    if (in) {
        fclose(in);
    }
    return NULL;
}

/* The files of SQLite are their owner's, as those of a directory. */
static const char *connect_to(sx_dbd_config *config, tool_store *store,
                              apr_pool_t *pool)
{
    const char *why = NULL;
    struct stat st;

    if (strcmp(config->driver, "sqlite3") == 0 && geteuid() == 0 &&
        stat(config->params, &st) == 0) {
        tool_store_as(st.st_uid);
    }
    store->spec = apr_pstrcat(pool, "dbd:", config->table ? config->table : "",
                              ":", config->driver, NULL);
    store->sx = sx_store_dbd_open(config, &why, pool);
    return store->sx ? NULL : why;
}

/* A driver is a word: what is none may be a password at the wrong place. */
static const char *open_dbd(const char *what, tool_store *store,
                            apr_pool_t *pool)
{
    sx_dbd_config *config = apr_pcalloc(pool, sizeof(*config));
    char *table = apr_pstrdup(pool, what);
    char *driver = strchr(table, ':');
    char *params = driver ? strchr(driver + 1, ':') : NULL;

    if (!params || params[1] == '\0' ||
        driver + 1 +
                strspn(driver + 1, "abcdefghijklmnopqrstuvwxyz0123456789") <
            params) {
        return "accepted is dbd:[TABLE]:DRIVER:PARAMETERS or "
               "dbd:[TABLE]:DRIVER:@FILE";
    }
    *driver++ = '\0';
    *params++ = '\0';
    config->boot_ms = shm_store_clock_ms();
    config->driver = driver;
    config->params = params;
    config->table = *table ? table : NULL;
    if (params[0] == '@' && !params_in(params + 1, &config->params, pool)) {
        return config->params;
    }
    return connect_to(config, store, pool);
}

/* ---- the table ----------------------------------------------------------- */

typedef const char *opener(const char *what, tool_store *store,
                           apr_pool_t *pool);

static const struct kind {
    const char *word;
    opener *open;
    bool is_secret;           /* what stands behind the word */
    const char *named, *what; /* for the help */
} kinds[] = {
    {"shm", open_segment, false, "[shm:]PATH", "the file of a ShmStore"},
    {"file", open_files, false, "file:DIR",
     "the directory of SessionExtStore file:"},
#ifdef SX_HAVE_REDIS
    {"redis", open_redis, true, "redis:URL", "as in SessionExtStore"},
    {"rediss", open_rediss, true, "rediss://HOST", "the same, by TLS"},
#endif
    {"dbd", open_dbd, true, "dbd:[TABLE]:DRIVER:PARAMS",
     "with DBDriver and DBDParams of the server; @FILE has PARAMS"},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

void tool_store_kinds(tool_store_tell *tell)
{
    for (size_t i = 0; i < KINDS; i++) {
        tell(kinds[i].named, kinds[i].what);
    }
}

/* Without the word of a kind in front it is the path of a segment. */
static const struct kind *kind_of(const char *spec, const char **rest)
{
    const char *colon = strchr(spec, ':');

    for (size_t i = 0; colon && i < KINDS; i++) {
        size_t len = strlen(kinds[i].word);

        if ((size_t)(colon - spec) == len &&
            strncmp(spec, kinds[i].word, len) == 0) {
            *rest = colon + 1;
            return &kinds[i];
        }
    }
    *rest = spec;
    return kinds;
}

/* What is reached by a connection may need another moment. */
static const char *open_patiently(const struct kind *kind, const char *rest,
                                  tool_store *store, apr_pool_t *pool)
{
    const char *why = kind->open(rest, store, pool);

    for (int i = 0; why && kind->is_secret && i < OPEN_AGAIN; i++) {
        apr_sleep(OPEN_PAUSE_US);
        why = kind->open(rest, store, pool);
    }
    return why;
}

const char *tool_store_open(const char *spec, tool_store *store,
                            apr_pool_t *pool)
{
    const uid_t before = tool_store_as_root();
    const char *rest, *why;
    const struct kind *kind = kind_of(spec, &rest);
    bool is_root;

    *store = (tool_store){.spec = kind->is_secret ? kind->word : spec};
    why = *rest ? open_patiently(kind, rest, store, pool) : "names no place";
    if (why && !strstr(why, kind->is_secret ? store->spec : rest)) {
        why = apr_pstrcat(pool, store->spec, ": ", why, NULL);
    }
    is_root = geteuid() == 0;
    if (!why && !is_root && before != 0 && before != geteuid()) {
        why = apr_pstrcat(pool, store->spec,
                          ": belongs to another user than the first store; go "
                          "by a dump",
                          NULL);
    }
    if (is_root) {
        tool_store_as(before);
    }
    return why;
}
