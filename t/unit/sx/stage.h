/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of load and commit share: a real store, keys, a realm with the
 * times of a default configuration, and a clock that only the test moves.
 * Commands are written as an app writes them: "Session-Set: a=1 |
 * Session-Incr: n=1".
 *
 * The store is a segment in a file of its own, unless the test includes
 * backends.h and says stage_use.
 */
#ifndef STAGE_H
#define STAGE_H

#include "stage_store.h"

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
    at->keys = stage_keys((const unsigned char *)"\1", 1);
    at->realm = (sx_realm){
        .scope = {at->keys, "sid", "example.org"},
        .times = {30 * MINUTE, HOUR, 12 * HOUR, HOUR, 10 * SECOND, MINUTE},
        .limits = {65536, 3600, SX_FLASH_MAX, SX_FLASH_BYTES},
        .user_key = sx_str_of("user"),
        .encrypt = true,
    };
    stage_on->open(at, size, on_full);
}

static inline void stage_begin(stage *at)
{
    stage_begin_with(at, 2 * MIB, SST_REFUSE);
}

static inline void stage_end(stage *at)
{
    stage_on->close(at);
    sx_keys_free(at->keys);
    apr_pool_destroy(at->pool);
}

static inline void stage_pass(stage *at, int64_t ms)
{
    at->now.boot_ms += ms;
    at->now.wall_s += ms / 1000;
}

/* ---- calls of the store ------------------------------------------------- */

/* A store key: of an id that was minted, and that the client holds. */
static inline const unsigned char *stage_key(stage *at)
{
    sx_id *id = apr_palloc(at->pool, sizeof(*id));

    sx_id_mint(id, &at->realm.scope);
    if (!at->jar) {
        at->jar = apr_array_make(at->pool, 4, sizeof(sx_str));
    }
    APR_ARRAY_PUSH(at->jar, sx_str) = sx_str_of(id->text);
    return id->store_key;
}

/* Behind each call. */
static inline void stage_turn(stage *at)
{
    if (stage_on->turn) {
        stage_on->turn(at);
    }
}

/* ---- requests ----------------------------------------------------------- */

/* The realm of the request that ${loaded} is of, or will be. */
static inline sx_realm stage_realm(stage *at, const sx_loaded *loaded)
{
    sx_realm realm = at->realm;

    for (stage_visit *v = at->visits; v; v = v->next) {
        if (v->loaded == loaded) {
            realm.store = v->store;
        }
    }
    return realm;
}

/* The request of a client that holds ${cookie}; NULL: none. */
static inline sx_loaded *load(stage *at, const char *cookie)
{
    sx_loaded *loaded = apr_palloc(at->pool, sizeof(*loaded));
    sx_str value = sx_str_of(cookie ? cookie : "");
    sx_realm realm;

    if (stage_on->arrive) {
        stage_visit *visit = apr_palloc(at->pool, sizeof(*visit));

        *visit = (stage_visit){at->visits, loaded,
                               stage_on->arrive(at, &value, cookie ? 1 : 0)};
        at->visits = visit;
    }
    realm = stage_realm(at, loaded);
    sx_load(&realm, &value, cookie ? 1 : 0, at->now, loaded, at->pool);
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
    sx_realm realm = stage_realm(at, loaded);

    sx_commit(&realm, loaded, commands(at, text), mode, at->now, done,
              at->pool);
    if (realm.store->ops->carry && done->cookie == SX_COOKIE_SEND) {
        stage_given *given = apr_palloc(at->pool, sizeof(*given));
        const char *load =
            realm.store->ops->carry(realm.store, done->id.store_key);

        *given = (stage_given){at->given, done, done->id.text};
        if (load && *load) {
            given->cookie =
                apr_pstrcat(at->pool, done->id.text, ".", load, NULL);
        }
        at->given = given;
    }
    return done;
}

/* The cookie that a response has sent. */
static inline const char *cookie_of(stage *at, const sx_committed *done)
{
    for (stage_given *given = at->given; given; given = given->next) {
        if (given->done == done) {
            return given->cookie;
        }
    }
    return done->id.text;
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
    return cookie_of(at, done);
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
    return stage_on->records(at);
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
