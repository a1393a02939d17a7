/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: the directives, what they set, and what a scope is once it
 * is merged.  A scope is one directory configuration; a field that no
 * directive has set holds its "unset" value (-1 or NULL) until
 * mod_sx_config.c's accessors give the default.
 */
#ifndef MOD_SX_CONFIG_H
#define MOD_SX_CONFIG_H

#include "httpd.h"
#include "http_config.h"
#include "apr_tables.h"

#include "shm_store.h"
#include "sx_cookie.h"
#include "sx_keys.h"
#include "sx_record.h"
#include "sx_sealed.h"

#define MOD_SX_UNSET            (-1)
#define MOD_SX_DEFAULT_STORE    "sessions"
#define MOD_SX_SNAPSHOT_DEFAULT ((apr_int64_t)300000) /* ms between two */

typedef enum mod_sx_secure {
    SX_SECURE_AUTO,
    SX_SECURE_ON,
    SX_SECURE_OFF
} mod_sx_secure;

typedef enum mod_sx_flash {
    SX_FLASH_OFF,
    SX_FLASH_ON,
    SX_FLASH_FETCH
} mod_sx_flash;

typedef enum mod_sx_env_mode {
    SX_ENV_OFF,
    SX_ENV_ALL,
    SX_ENV_KEYS
} mod_sx_env_mode;

/* SessionExtCookie, whole: one directive sets all of it. */
typedef struct mod_sx_cookie_conf {
    const char *name; /* NULL: chosen by the other fields */
    const char *path;
    const char *domain; /* NULL: host-only */
    sx_samesite samesite;
    mod_sx_secure secure;
    bool partitioned;
    bool persistent;
} mod_sx_cookie_conf;

/* One SessionExtSeal line. */
typedef struct mod_sx_seal_conf {
    mod_sx_cookie_conf cookie; /* `name`, and what the app may leave out; path
                                * NULL: that is the browser's choice */
    sx_sealed_mode mode;
    bool off; /* not sealed here, whatever an outer scope says */
    bool readable;
    apr_int64_t max_age_s;
} mod_sx_seal_conf;

/* A scope.  Durations in ms. */
typedef struct mod_sx_dir {
    int enabled;
    const char *ns;
    const char *store; /* its name; of a kind that has words: such a word */
    int carried;       /* by the cookie, with that store beside it */
    const mod_sx_cookie_conf *cookie;
    apr_array_header_t *seals; /* of const mod_sx_seal_conf *; NULL: none */
    apr_int64_t idle_ms, idle_max_ms, absolute_ms;
    apr_int64_t renew_ms, grace_ms, touch_ms;
    apr_int64_t tier_age_ms;
    apr_int64_t max_size;
    int encrypt;
    const char *user_key;
    int max_per_user;    /* 0: any number */
    int deny_login;      /* beyond it; else the oldest goes */
    int bind;            /* sx_bind */
    unsigned bind_parts; /* bits 1 << sx_client_part */
    int bind_prefix;     /* bits of an IPv4 address */
    int remote_user;
    int env_mode;                 /* mod_sx_env_mode */
    apr_array_header_t *env_keys; /* of const char *, for SX_ENV_KEYS */
    bool env_narrows;             /* from .htaccess: only among the parent's */
    int request_headers;
    int accept;
    int hide_cookie;
    int flash; /* mod_sx_flash */
    int php;
    int flash_max;
    apr_int64_t flash_bytes;
    int refuse_on_outage; /* SessionExtOnStoreError 503 */
    int provide;          /* mod_session's sessions are ours */
} mod_sx_dir;

typedef struct mod_sx_kind mod_sx_kind; /* mod_sx_kind.h */

/* One ShmStore line, or a store of a kind that a scope names. */
typedef struct mod_sx_store_conf {
    const char *name;
    const mod_sx_kind *kind; /* NULL: a segment.  Else nothing but the name is
                              * said, and what the kind makes of it */
    const char *path;        /* NULL: made from the name in DefaultRuntimeDir */
    apr_uint64_t size;       /* 0: not said */
    apr_uint32_t max_record;
    shm_on_full on_full;
    unsigned max_anonymous, max_namespace; /* per cent; 0: no limit */
    const char *group;                     /* NULL: none */
    gid_t gid;
    const char *fast, *durable; /* of a tier: names of its stores; NULL */
    const char *snapshot;       /* NULL: none */
    apr_int64_t snapshot_ms;
    const char *where; /* file:line, for messages */
} mod_sx_store_conf;

/* Who uses which store: checked and opened when all lines are read. */
typedef struct mod_sx_use {
    mod_sx_dir *dir;
    server_rec *server;
    const char *where;
    const ap_directive_t *line; /* lives while the configuration is read */
} mod_sx_use;

typedef struct mod_sx_key_file {
    const char *path; /* NULL: the generated one */
    bool follow_link;
    const char *group;
    gid_t gid;
    const char *where;
} mod_sx_key_file;

/* Per server.  `stores` is that of the main server. */
typedef struct mod_sx_server {
    const mod_sx_key_file *key_file; /* NULL: not said */
    apr_array_header_t *stores;      /* of mod_sx_store_conf * */
    apr_array_header_t *uses;        /* of mod_sx_use: this server's scopes */
    apr_array_header_t *seal_uses;   /* of mod_sx_use: where cookies are sealed,
                                      * sessions or not */
    apr_array_header_t *bridge_uses; /* of mod_sx_use: where mod_session's
                                        * sessions are ours... */
    apr_array_header_t *unsealed_uses; /* ...and where none are sealed */
    /* set in post_config */
    sx_keys *keys;
    const char *ns;               /* ServerName without port, lower case */
    apr_array_header_t *segments; /* of mod_sx_segment, main server only */
} mod_sx_server;

extern const command_rec mod_sx_directives[];

void *mod_sx_create_dir(apr_pool_t *pool, char *path);
void *mod_sx_merge_dir(apr_pool_t *pool, void *base, void *add);
void *mod_sx_create_server(apr_pool_t *pool, server_rec *server);
void *mod_sx_merge_server(apr_pool_t *pool, void *base, void *add);

/** The scope of a request: its merged configuration; never NULL (error
 *  requests may have no per-directory configuration: then all is unset). */
const mod_sx_dir *mod_sx_dir_of(request_rec *r);

mod_sx_server *mod_sx_server_of(server_rec *server);

/** Value of a field, or ${fallback} while it is unset. */
#define MOD_SX_OR(value, fallback)                                             \
    ((value) == MOD_SX_UNSET ? (fallback) : (value))

/** What a cookie configuration amounts to: the name it gets over TLS or not. */
const char *mod_sx_cookie_name(const mod_sx_cookie_conf *cookie, bool secure);

/** The cookie configuration of a scope, or the default one. */
const mod_sx_cookie_conf *mod_sx_cookie_conf_of(const mod_sx_dir *dir);

#endif
