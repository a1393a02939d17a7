/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every backend of the contract in sx_store.h, for tests that hold all of them
 * to it:
 *
 *   for (size_t i = 0; i < BACKENDS; i++)
 *       stage_use(stage_backends[i]); ...
 *
 * A new one is a stage_backend here and a line in the table.
 */
#ifndef BACKENDS_H
#define BACKENDS_H

#include <ftw.h>

#include "backends_dbd.h"
#include "memcached.h"
#include "stage.h"

#include "sx_store_breaker.h"
#include "sx_store_cookie.h"
#include "sx_store_file.h"
#include "sx_store_file_dir.h"
#include "sx_store_tier.h"

/* ---- cookie: a wrapper around a segment --------------------------------- */

/* What the client holds, sent with its next request. */
static void cookie_turn(stage *at)
{
    sx_store *store = at->realm.store;
    apr_array_header_t *values = apr_array_make(at->pool, 4, sizeof(sx_str));

    for (int i = 0; at->jar && i < at->jar->nelts; i++) {
        sx_str *held = &APR_ARRAY_IDX(at->jar, i, sx_str);
        sx_str text = {held->p, SX_ID_LEN};
        const char *load;
        sx_id id;

        if (!sx_id_verify(&id, text, &at->realm.scope)) {
            stage_give_up("a cookie of the jar is none");
        }
        load = store->ops->carry(store, id.store_key);
        if (load) {
            *held = sx_str_of(
                apr_pstrcat(at->pool, id.text, *load ? "." : "", load, NULL));
        }
        APR_ARRAY_PUSH(values, sx_str) = *held;
    }
    at->realm.store =
        stage_on->arrive(at, (sx_str *)values->elts, (size_t)values->nelts);
}

/* Of all that begin on one stage, `inner` is the segment, or what a test has
 * put in front of it. */
static sx_store *cookie_inner;

static sx_store *cookie_arrive(stage *at, sx_str *values, size_t count)
{
    sx_store *store =
        sx_store_cookie_create(cookie_inner, &at->realm.scope, at->pool);

    sx_store_cookie_take(store, values, count, at->now);
    return store;
}

static sx_store **cookie_slot(stage *at)
{
    (void)at;
    return &cookie_inner;
}

static void cookie_open(stage *at, uint64_t size, shm_on_full on_full)
{
    stage_open_shm(at, size, on_full);
    cookie_inner = at->realm.store;
    at->realm.store = cookie_arrive(at, NULL, 0);
}

static const stage_backend stage_cookie = {
    .name = "cookie",
    .cannot = CANNOT_EACH | CANNOT_SWEEP | CANNOT_COUNT | CANNOT_COMPARE |
              CANNOT_SPOIL,
    .max_record = 256 * 1024 - 17, /* it spills, with a head of its own */
    .open = cookie_open,
    .close = stage_close_shm,
    .records = stage_records_shm,
    .turn = cookie_turn,
    .inner = cookie_slot,
    .arrive = cookie_arrive};

/* ---- file --------------------------------------------------------------- */

/* The stage's path is the directory. */
static void file_open(stage *at, uint64_t size, shm_on_full on_full)
{
    sx_file_config config = {.path = at->path,
                             .boot_ms = at->now.boot_ms,
                             .wall_ms = at->now.boot_ms,
                             .boot_id = "a boot"};
    const char *why;

    (void)size;
    (void)on_full;
    /* In memory, where a sync costs nothing: thousands of stores are begun. */
    snprintf(at->path, sizeof(at->path), "%s/sx-test-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(at->path)) {
        stage_give_up("no scratch directory");
    }
    at->realm.store = sx_store_file_open(&config, &why, at->pool);
    if (!at->realm.store) {
        stage_give_up(why);
    }
}

static int file_remove(const char *path, const struct stat *st, int type,
                       struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void file_close(stage *at)
{
    if (nftw(at->path, file_remove, 8, FTW_DEPTH | FTW_PHYS) != 0) {
        stage_give_up("the scratch directory cannot be removed");
    }
}

static long long file_count;

static int file_count_one(const char *path, const struct stat *st, int type,
                          struct FTW *at)
{
    unsigned char key[SX_STORE_KEY_LEN];

    (void)st;
    file_count += type == FTW_F && sx_file_key_of(path + at->base, key);
    return 0;
}

static long long file_records(stage *at)
{
    file_count = 0;
    return nftw(at->path, file_count_one, 8, FTW_PHYS) == 0 ? file_count : -1;
}

static void file_spoil(stage *at, const unsigned char *key)
{
    char name[SX_FILE_NAME];
    FILE *file;

    sx_file_name(key, name);
    file = fopen(apr_pstrcat(at->pool, at->path, "/", name, NULL), "r+b");
    if (!file || fseek(file, -1, SEEK_END) != 0 || fputc('!', file) == EOF ||
        fclose(file) != 0) {
        stage_give_up("nothing to spoil");
    }
}

static const stage_backend stage_file = {.name = "file",
                                         .max_record = SX_FILE_RECORD_MAX,
                                         .open = file_open,
                                         .close = file_close,
                                         .records = file_records,
                                         .spoil = file_spoil};

/* ---- breaker: a wrapper around a segment -------------------------------- */

static void breaker_open(stage *at, uint64_t size, shm_on_full on_full)
{
    static const sx_breaker_config config;

    stage_open_shm(at, size, on_full);
    at->realm.store =
        sx_store_breaker_create(at->realm.store, &config, at->pool);
}

static const stage_backend stage_breaker = {.name = "breaker",
                                            .max_record = 256 * 1024,
                                            .open = breaker_open,
                                            .close = stage_close_shm,
                                            .records = stage_records_shm,
                                            .spoil = stage_spoil_shm};

/* ---- tier: a segment in front of files ---------------------------------- */

/* Of the one stage that is begun on a tier: where its DURABLE is. */
static stage tier_files;

static void tier_begin(stage *at, uint64_t size, int64_t max_age_ms)
{
    sx_store *fast;
    stage segment = *at;

    /* FAST goes by a clock of its own. */
    segment.now.boot_ms = shm_store_clock_ms();
    stage_open_shm(&segment, size, SST_REFUSE);
    memcpy(at->path, segment.path, sizeof(at->path));
    at->segment = segment.segment;
    fast = segment.realm.store;
    tier_files = *at;
    file_open(&tier_files, size, SST_REFUSE);
    at->realm.store = sx_store_tier_create(fast, tier_files.realm.store, "file",
                                           max_age_ms, at->pool);
}

static void tier_open(stage *at, uint64_t size, shm_on_full on_full)
{
    (void)on_full;
    tier_begin(at, size, 0);
}

/* Who meets no other host finds nothing that is too old. */
static void tier_open_aged(stage *at, uint64_t size, shm_on_full on_full)
{
    (void)on_full;
    tier_begin(at, size, HOUR);
}

static void tier_close(stage *at)
{
    file_close(&tier_files);
    stage_close_shm(at);
}

static long long tier_records(stage *at)
{
    (void)at;
    return file_records(&tier_files);
}

static void tier_spoil(stage *at, const unsigned char *key)
{
    (void)at;
    file_spoil(&tier_files, key);
}

static void tier_spoil_both(stage *at, const unsigned char *key)
{
    stage_spoil_shm(at, key);
    file_spoil(&tier_files, key);
}

static const stage_backend stage_tier = {.name = "tier",
                                         .max_record = SX_FILE_RECORD_MAX,
                                         .open = tier_open,
                                         .close = tier_close,
                                         .records = tier_records,
                                         .spoil = tier_spoil};

static const stage_backend stage_tier_aged = {.name = "tier with copies",
                                              .max_record = SX_FILE_RECORD_MAX,
                                              .open = tier_open_aged,
                                              .close = tier_close,
                                              .records = tier_records,
                                              .spoil = tier_spoil_both};

/* ---- cache: memcached, with a segment beside it ------------------------- */

static void cache_open(stage *at, uint64_t size, shm_on_full on_full)
{
    if (memcached.pid == 0) {
        memcached_start();
    }
    stage_open_shm(at, size, on_full);
    at->realm.store = sx_store_cache_create(&memcached_cache, at->realm.store,
                                            at->now.boot_ms, at->pool);
    if (!at->realm.store) {
        stage_give_up("no secret for a cache");
    }
}

static void cache_spoil(stage *at, const unsigned char *key)
{
    unsigned char bytes[4096];
    size_t len = sizeof(bytes);

    (void)at;
    if (memcached_retrieve(NULL, key, bytes, &len) != SX_STORE_OK) {
        stage_give_up("nothing to spoil");
    }
    bytes[len - 1] ^= 1;
    memcached_store(NULL, key, (sx_str){(const char *)bytes, len}, 60);
}

static const stage_backend stage_cache = {.name = "cache",
                                          .cannot = CANNOT_EACH | CANNOT_SWEEP |
                                                    CANNOT_QUEUE | CANNOT_COUNT,
                                          .max_record = MEMCACHED_RECORD_MAX,
                                          .open = cache_open,
                                          .close = stage_close_shm,
                                          .records = stage_records_shm,
                                          .spoil = cache_spoil};

/* ---- all ---------------------------------------------------------------- */

static const stage_backend *const stage_all[] = {
    &stage_shm,     &stage_cookie, &stage_file,      &stage_sqlite,
    &stage_breaker, &stage_tier,   &stage_tier_aged, &stage_cache,
};
/* Only if they are asked for, by who has started their server. */
static const stage_backend *const stage_served[] = {
    &stage_pgsql,
    &stage_mysql,
};

#define STAGE_COUNT(list) (sizeof(list) / sizeof(*(list)))
/* SXTEST_BACKEND names one: it alone is tested. */
#define BACKENDS       (getenv("SXTEST_BACKEND") ? 1 : STAGE_COUNT(stage_all))
#define stage_backends stage_chosen()

static inline const stage_backend *const *stage_chosen(void)
{
    const char *name = getenv("SXTEST_BACKEND");

    if (!name)
        return stage_all;
    for (size_t i = 0; i < STAGE_COUNT(stage_all); i++)
        if (!strcmp(stage_all[i]->name, name))
            return &stage_all[i];
    for (size_t i = 0; i < STAGE_COUNT(stage_served); i++)
        if (!strcmp(stage_served[i]->name, name))
            return &stage_served[i];
    stage_give_up("SXTEST_BACKEND names none");
}

#endif
