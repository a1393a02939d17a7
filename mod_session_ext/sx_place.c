/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <apr_strings.h>
#include "shm_turn.h"
#include "sx_store_shm.h"

struct sx_place {
    sx_place_config config;
    apr_pool_t *pool;
    apr_pool_t *reading; /* what was said of the key file; cleared each time */
    shm_store *segment;
    dev_t dev; /* of its file */
    ino_t ino;
    sx_keys *keys;
    sx_place_rules rules;
    sx_store *store; /* NULL: this process is not inside */
    sx_process self;
    char why[600];
};

sx_place *sx_place_create(const sx_place_config *config, apr_pool_t *pool)
{
    sx_place *place = apr_pcalloc(pool, sizeof *place);

    place->config = *config;
    place->pool = pool;
    apr_pool_create(&place->reading, pool);
    return place;
}

/* ---- the store's file --------------------------------------------------- */

/* As its owner has it: what else there is to say of a store, its server says.
 * Nobody but root looks at another's. */
static shm_store_config config_of(const sx_place *place, const struct stat *st)
{
    return (shm_store_config){
        .path = place->config.store_file,
        .max_record = SST_MAX_RECORD_MAX,
        .on_full = place->rules.evicts ? SST_EVICT : SST_REFUSE,
        .max_anonymous = place->rules.max_anonymous,
        .max_namespace = place->rules.max_namespace,
        .owner = geteuid() == 0 ? st->st_uid : geteuid(),
        .group = st->st_gid,
        .shared = (st->st_mode & (S_IRGRP | S_IWGRP)) != 0,
        .is_guest = true,
    };
}

/* Of nobody else's making, so it is begun here and now, as a server would; and
 * left at once, for there may be no other while a server is there. */
static bool make_store(sx_place *place)
{
    shm_store_config config = {
        .path = place->config.store_file,
        .size = place->config.make_size,
        .max_record = 1048576,
        .owner = geteuid(),
        .is_server = true,
    };
    shm_attach_report report;
    shm_store *made = shm_store_open(&config, place->why, sizeof place->why);
    bool ok;

    if (!made)
        return false;
    ok = shm_store_attach(made, shm_store_clock_ms(), &report) == SST_OK;
    if (!ok)
        snprintf(place->why, sizeof place->why, "%s: %s",
                 place->config.store_file, report.why);
    shm_store_close(made);
    return ok;
}

/* A store follows no link, and on many systems /var/run is one: what the
 * directory comes to is looked up once it is there. */
static void resolve_directory(sx_place *place)
{
    const char *path = place->config.store_file;
    const char *name = path ? strrchr(path, '/') : NULL;
    char *real, *whole;

    if (!name || name == path)
        return;
    apr_pool_clear(place->reading);
    real = realpath(
        apr_pstrmemdup(place->reading, path, (apr_size_t)(name - path)), NULL);
    if (!real)
        return;
    whole = apr_pstrcat(place->reading, real, name, NULL);
    if (strcmp(whole, path) != 0)
        place->config.store_file = apr_pstrdup(place->pool, whole);
    free(real);
}

static bool open_store(sx_place *place)
{
    const char *path;
    shm_store_config config;
    struct stat st;

    resolve_directory(place);
    path = place->config.store_file;
    if (!path || !*path) {
        snprintf(place->why, sizeof place->why, "no store file is named");
        return false;
    }
    if (lstat(path, &st) != 0 && errno == ENOENT && place->config.make_size &&
        !make_store(place))
        return false;
    if (lstat(path, &st) != 0) {
        snprintf(place->why, sizeof place->why,
                 "the store file %s cannot be opened: %s%s", path,
                 strerror(errno),
                 errno == ENOENT ? "; its server makes it when it starts" : "");
        return false;
    }
    config = config_of(place, &st);
    /* Another user's, but open to a group: to ours, or the open fails. */
    if (config.shared)
        config.owner = st.st_uid;
    place->segment = shm_store_open(&config, place->why, sizeof place->why);
    place->dev = st.st_dev;
    place->ino = st.st_ino;
    return place->segment != NULL;
}

static void close_store(sx_place *place)
{
    shm_store_close(place->segment);
    place->segment = NULL;
    place->store = NULL;
}

/* Is there another file by now, or none? */
static bool is_exchanged(const sx_place *place)
{
    struct stat st;

    return lstat(place->config.store_file, &st) != 0 ||
           st.st_dev != place->dev || st.st_ino != place->ino;
}

/* ---- the key file ------------------------------------------------------- */

static sx_keys *read_keys(sx_place *place)
{
    struct stat st;
    bool shared =
        stat(place->config.store_file, &st) == 0 && (st.st_mode & S_IRGRP) != 0;
    const sx_keys_file file = {
        .path = place->config.key_file,
        .owner = geteuid(),
        /* Who may write the store may read its keys. */
        .group_may_read = shared,
        .group = shared ? st.st_gid : 0,
    };
    const char *why = "no key file is named";
    sx_keys *keys = NULL;

    apr_pool_clear(place->reading);
    if (file.path && *file.path)
        keys = sx_keys_load(&file, &why, place->reading);
    if (!keys)
        snprintf(place->why, sizeof place->why, "%s", why);
    return keys;
}

bool sx_place_reread_keys(sx_place *place)
{
    sx_keys *keys = read_keys(place);

    if (!keys)
        return false;
    sx_keys_free(place->keys);
    place->keys = keys;
    return true;
}

/* ---- open and enter ----------------------------------------------------- */

const char *sx_place_open(sx_place *place)
{
    /* Before the store, which may be made later than there is somebody who may
     * read them. */
    if (!place->keys && !place->config.make_size)
        place->keys = read_keys(place);
    if (!place->segment && !open_store(place))
        return place->why;
    if (!place->keys) {
        const char *path = place->config.key_file;

        if (place->config.make_size && path && *path) {
            const char *why = sx_keys_generate(path, place->reading);

            if (why) {
                snprintf(place->why, sizeof place->why, "%s", why);
                return place->why;
            }
        }
        place->keys = read_keys(place);
    }
    return place->keys ? NULL : place->why;
}

static const char *attach(sx_place *place, int64_t now_ms)
{
    shm_attach_report report;

    if (shm_store_attach(place->segment, now_ms, &report) != SST_OK) {
        snprintf(place->why, sizeof place->why,
                 "the store file %s cannot be used: %s",
                 place->config.store_file, report.why);
        return place->why;
    }
    place->self = sx_process_self();
    place->store = sx_store_shm_create(place->segment, place->pool);
    sx_keys_after_fork(place->keys);
    return NULL;
}

static bool is_meant(const sx_place *place, uint64_t life)
{
    return life == 0 || place->store->ops->life(place->store) == life;
}

const char *sx_place_enter(sx_place *place, uint64_t life, int64_t now_ms)
{
    const char *why = NULL;

    if (place->store && is_meant(place, life))
        return NULL;
    /* As long as anybody is inside a file its life does not change; and who
     * was forked may have no right to open it again. */
    if (place->store && is_exchanged(place))
        close_store(place);
    if (!place->store)
        why = sx_place_open(place);
    if (!place->store && !why)
        why = attach(place, now_ms);
    if (why || is_meant(place, life))
        return why;
    snprintf(place->why, sizeof place->why,
             "the store file %s is not the one that the server uses",
             place->config.store_file);
    return place->why;
}

static bool same_rules(const sx_place_rules *a, const sx_place_rules *b)
{
    return a->evicts == b->evicts && a->max_anonymous == b->max_anonymous &&
           a->max_namespace == b->max_namespace;
}

/* They change with a restart of the server, and else never. */
void sx_place_obey(sx_place *place, const sx_place_rules *rules)
{
    const struct stat st = {0};
    shm_store_config config;
    char notice[sizeof place->why];

    if (same_rules(&place->rules, rules))
        return;
    place->rules = *rules;
    config = config_of(place, &st);
    (void)!shm_store_reopen(place->segment, &config, notice, sizeof notice);
}

sx_store *sx_place_store(const sx_place *place)
{
    return place->store;
}

const sx_process *sx_place_self(const sx_place *place)
{
    return &place->self;
}

const sx_keys *sx_place_keys(const sx_place *place)
{
    return place->keys;
}

/* ---- turns -------------------------------------------------------------- */

bool sx_place_take_turn(sx_place *place, uint64_t handle,
                        bool (*gives_up)(void))
{
    return place->segment && shm_turn_take(place->segment, handle, gives_up);
}

void sx_place_end_turn(sx_place *place, uint64_t handle)
{
    if (place->segment)
        shm_turn_end(place->segment, handle);
}

sx_now sx_place_now(void)
{
    return (sx_now){shm_store_clock_ms(), (int64_t)time(NULL)};
}

uint64_t sx_place_sweep(sx_place *place, int64_t budget_us, int64_t now_ms)
{
    shm_sweep_report report = {0};

    if (!place->store ||
        shm_store_sweep(place->segment, budget_us, now_ms, &report) != SST_OK)
        return 0;
    return report.freed;
}

void sx_place_close(sx_place *place)
{
    if (!place)
        return;
    close_store(place);
    sx_keys_free(place->keys);
    place->keys = NULL;
}
