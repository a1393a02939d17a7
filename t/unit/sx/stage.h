/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of load and commit share: a real segment in a file of its
 * own, keys, a realm with the times of a default configuration, and a clock
 * that only the test moves.  Commands are written as an app writes them:
 * "Session-Set: a=1 | Session-Incr: n=1".
 */
#ifndef STAGE_H
#define STAGE_H

#include <apr_general.h>
#include <apr_strings.h>

#include "sx_command.h"
#include "sx_commit.h"
#include "shm_stats.h"
#include "sx_store_shm.h"
#include "tap.h"

#define MIB    ((uint64_t)1 << 20)
#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

typedef struct stage {
    apr_pool_t *pool;
    char path[64];
    shm_store *segment;
    sx_keys *keys;
    sx_realm realm;
    sx_now now;
} stage;

__attribute__((noreturn)) static inline void stage_give_up(const char *why)
{
    printf("Bail out! %s\n", why);
    exit(1);
}

/* Keys whose first bytes are ${kids}: the same kid is the same key. */
static inline sx_keys *stage_keys(const unsigned char *kids, size_t count)
{
    unsigned char secrets[SX_KEYS_PER_FILE][SX_SECRET_LEN];

    for (size_t i = 0; i < count; i++) {
        memset(secrets[i], kids[i], SX_SECRET_LEN);
    }
    return sx_keys_from_memory(
        kids, (const unsigned char(*)[SX_SECRET_LEN])secrets, count);
}

static inline void stage_segment(stage *at, uint64_t size, shm_on_full on_full)
{
    shm_store_config config = {.path = at->path,
                               .size = size,
                               .max_record = 256 * 1024,
                               .on_full = on_full,
                               .owner = geteuid(),
                               .is_server = true};
    shm_attach_report report;
    char err[300];
    int fd;

    memcpy(at->path, "/tmp/sx-test-XXXXXX", sizeof("/tmp/sx-test-XXXXXX"));
    fd = mkstemp(at->path);
    if (fd < 0) {
        stage_give_up("no scratch file");
    }
    close(fd);
    at->segment = shm_store_open(&config, err, sizeof(err));
    if (!at->segment) {
        stage_give_up(err);
    }
    if (shm_store_attach(at->segment, at->now.boot_ms, &report) != SST_OK) {
        stage_give_up(report.why);
    }
}

/* ${size} bytes of segment; everything else as a server without directives
 * has it. */
static inline void stage_begin_with(stage *at, uint64_t size,
                                    shm_on_full on_full)
{
    *at = (stage){.now = {1000000000, 1750000000}};
    if (!sx_crypto_init()) {
        stage_give_up("no libsodium");
    }
    apr_pool_create(&at->pool, NULL);
    stage_segment(at, size, on_full);
    at->keys = stage_keys((const unsigned char *)"\1", 1);
    at->realm = (sx_realm){
        .scope = {at->keys, "sid", "example.org"},
        .store = sx_store_shm_create(at->segment, at->pool),
        .times = {30 * MINUTE, HOUR, 12 * HOUR, HOUR, 10 * SECOND, MINUTE},
        .limits = {65536, 3600, SX_FLASH_MAX, SX_FLASH_BYTES},
        .user_key = sx_str_of("user"),
        .encrypt = true,
    };
}

static inline void stage_begin(stage *at)
{
    stage_begin_with(at, 2 * MIB, SST_REFUSE);
}

static inline void stage_end(stage *at)
{
    shm_store_close(at->segment);
    sx_keys_free(at->keys);
    apr_pool_destroy(at->pool);
    unlink(at->path);
}

static inline void stage_pass(stage *at, int64_t ms)
{
    at->now.boot_ms += ms;
    at->now.wall_s += ms / 1000;
}

/* ---- requests ----------------------------------------------------------- */

/* The request of a client that holds ${cookie}; NULL: none. */
static inline sx_loaded *load(stage *at, const char *cookie)
{
    sx_loaded *loaded = apr_palloc(at->pool, sizeof(*loaded));
    sx_str value = sx_str_of(cookie ? cookie : "");

    sx_load(&at->realm, &value, cookie ? 1 : 0, at->now, loaded, at->pool);
    return loaded;
}

static inline sx_delta *commands(stage *at, const char *text)
{
    sx_delta *delta = sx_delta_create(at->pool);
    char *rest = apr_pstrdup(at->pool, text);

    while (*rest) {
        char *next = strstr(rest, " | ");
        char *value = strstr(rest, ": ");

        if (next) {
            *next = '\0';
        }
        if (!value || !sx_command_is(apr_pstrndup(at->pool, rest,
                                                  (size_t)(value - rest)))) {
            stage_give_up("a test names a header that is none");
        }
        *value = '\0';
        sx_command_parse(delta, rest, value + 2);
        rest = next ? next + 3 : value + 2 + strlen(value + 2);
    }
    return delta;
}

static inline sx_committed *commit_as(stage *at, const sx_loaded *loaded,
                                      const char *text, sx_commit_mode mode)
{
    sx_committed *done = apr_palloc(at->pool, sizeof(*done));

    sx_commit(&at->realm, loaded, commands(at, text), mode, at->now, done,
              at->pool);
    return done;
}

/* The response of a page. */
static inline sx_committed *commit(stage *at, const sx_loaded *loaded,
                                   const char *text)
{
    return commit_as(at, loaded, text, (sx_commit_mode){true, true});
}

/* A whole request of a page. */
static inline sx_committed *request(stage *at, const char *cookie,
                                    const char *text)
{
    return commit(at, load(at, cookie), text);
}

/* A new session: its cookie. */
static inline const char *begin(stage *at, const char *text)
{
    sx_committed *done = request(at, NULL, text);

    if (done->verdict != SX_COMMIT_OK || done->cookie != SX_COOKIE_SEND) {
        stage_give_up("a session could not be made");
    }
    return done->id.text;
}

/* ---- what is there ------------------------------------------------------ */

/* The value of ${key} for the holder of ${cookie}; NULL: no session or key. */
static inline const char *value_of(stage *at, const char *cookie,
                                   const char *key)
{
    sx_loaded *loaded = load(at, cookie);
    const sx_entry *entry =
        loaded->session ? sx_session_get(loaded->session, sx_str_of(key))
                        : NULL;

    return entry ? apr_pstrmemdup(at->pool, entry->value.p, entry->value.len)
                 : NULL;
}

/* -1: no session. */
static inline long long version_of(stage *at, const char *cookie)
{
    sx_loaded *loaded = load(at, cookie);

    return loaded->session ? (long long)loaded->session->version : -1;
}

static inline int messages_of(stage *at, const char *cookie)
{
    sx_loaded *loaded = load(at, cookie);

    return loaded->session ? loaded->session->messages->nelts : -1;
}

/* All records, ended ones included: an orphan cannot hide. */
static inline long long records(stage *at)
{
    shm_stats stats;

    return shm_store_stats(at->segment, &stats) == SST_OK
               ? (long long)stats.records
               : -1;
}

static inline bool alive(stage *at, const char *cookie)
{
    return load(at, cookie)->status == SX_STATUS_ACTIVE;
}

static inline bool dead(stage *at, const char *cookie)
{
    return load(at, cookie)->status == SX_STATUS_INVALID;
}

#endif
