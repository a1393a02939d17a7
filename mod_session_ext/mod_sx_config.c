/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directives: one function each (or one for all of a kind), and the table.
 * What a single line can tell wrong is told here; what needs all lines (does
 * the store exist, does it fit) waits for mod_sx_server.c, still before the
 * first request.
 */
#include "mod_sx_private.h"
#include "mod_sx_config.h"

#include <stddef.h>
#include "mod_sx_authz.h"
#include "mod_sx_client.h"
#include "mod_sx_cookie_conf.h"
#include "mod_sx_kind.h"
#include "mod_sx_parse.h"
#include "mod_sx_snapshot.h"
#include "mod_sx_store_tier.h"
#include "sx_registry.h"

/* ---- telling what is wrong ---------------------------------------------- */

static const char *wrong(cmd_parms *cmd, const char *word, const char *why)
{
    return why ? apr_psprintf(cmd->pool, "%s: '%s': %s", cmd->cmd->name, word,
                              why)
               : NULL;
}

static bool in_htaccess(cmd_parms *cmd)
{
    return ap_check_cmd_context(cmd, NOT_IN_HTACCESS) != NULL;
}

static const char *check_name(cmd_parms *cmd, const char *word)
{
    return wrong(cmd, word, mod_sx_parse_name(word));
}

static const char *where_of(cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "%s:%u", cmd->directive->filename,
                        cmd->directive->line_num);
}

/* ---- scope directives --------------------------------------------------- */

/* Once all lines are read these scopes are judged (mod_sx_check.c). */
static void note(cmd_parms *cmd, mod_sx_dir *dir, apr_array_header_t *uses)
{
    APR_ARRAY_PUSH(uses, mod_sx_use) =
        (mod_sx_use){dir, cmd->server, where_of(cmd), cmd->directive};
}

static void note_use(cmd_parms *cmd, mod_sx_dir *dir)
{
    note(cmd, dir, mod_sx_server_of(cmd->server)->uses);
}

static const char *set_enabled(cmd_parms *cmd, void *conf, const char *word)
{
    mod_sx_dir *dir = conf;
    const char *why =
        wrong(cmd, word, mod_sx_parse_switch(word, &dir->enabled));

    if (why)
        return why;
    if (in_htaccess(cmd))
        return dir->enabled ? "SessionExt: a .htaccess file may only switch "
                              "sessions off: accepted here is Off"
                            : NULL;
    if (dir->enabled)
        note_use(cmd, dir);
    return NULL;
}

/* Switches: the offset of the field is in cmd->info. */
static const char *set_switch(cmd_parms *cmd, void *conf, const char *word)
{
    int *field = (int *)((char *)conf + (size_t)(apr_uintptr_t)cmd->info);

    return wrong(cmd, word, mod_sx_parse_switch(word, field));
}

static const char *set_duration(cmd_parms *cmd, void *conf, const char *word)
{
    size_t offset = (size_t)(apr_uintptr_t)cmd->info;
    apr_int64_t *field = (apr_int64_t *)((char *)conf + offset);
    const char *why = mod_sx_parse_duration(word, field);
    bool may_be_zero = offset == offsetof(mod_sx_dir, renew_ms) ||
                       offset == offsetof(mod_sx_dir, grace_ms) ||
                       offset == offsetof(mod_sx_dir, touch_ms) ||
                       offset == offsetof(mod_sx_dir, tier_age_ms);

    if (!why && *field == 0 && !may_be_zero)
        why = "a session that ends at once is of no use: accepted is 1s or "
              "more";
    return wrong(cmd, word, why);
}

static const char *set_encrypt(cmd_parms *cmd, void *conf, const char *word)
{
    const char *why = set_switch(cmd, conf, word);

    if (!why && !((mod_sx_dir *)conf)->encrypt)
        note(cmd, conf, mod_sx_server_of(cmd->server)->unsealed_uses);
    return why;
}

static const char *set_provide(cmd_parms *cmd, void *conf, const char *word)
{
    mod_sx_dir *dir = conf;
    const char *why = set_switch(cmd, conf, word);

    if (!why && dir->provide) {
        note(cmd, dir, mod_sx_server_of(cmd->server)->bridge_uses);
        /* Who logs in by mod_session is let in by a session. */
        mod_sx_authz_use();
    }
    return why;
}

/* Whether the store suits PHP, all lines tell together. */
static const char *set_php(cmd_parms *cmd, void *conf, const char *word)
{
    note_use(cmd, conf);
    return wrong(cmd, word,
                 mod_sx_parse_switch(word, &((mod_sx_dir *)conf)->php));
}

static const char *set_namespace(cmd_parms *cmd, void *conf, const char *word)
{
    const char *why = check_name(cmd, word);

    if (!why)
        ((mod_sx_dir *)conf)->ns = apr_pstrdup(cmd->pool, word);
    return why;
}

static const char *set_store(cmd_parms *cmd, void *conf, const char *word,
                             const char *second)
{
    mod_sx_dir *dir = conf;
    const char *name = MOD_SX_DEFAULT_STORE, *why = NULL;

    if (second && mod_sx_kind_of(word) != &mod_sx_store_tier)
        return wrong(cmd, mod_sx_without_password(second, cmd->pool),
                     "a second store is accepted only behind tier:FAST");
    if (second)
        word = apr_pstrcat(cmd->pool, word, " ", second, NULL);
    dir->carried = !strcasecmp(word, "cookie");
    if (!dir->carried)
        name = mod_sx_store_of_word(cmd, word, &why);
    if (why)
        return wrong(cmd, mod_sx_without_password(word, cmd->pool), why);
    dir->store = name;
    note_use(cmd, dir);
    return NULL;
}

static const char *set_max_size(cmd_parms *cmd, void *conf, const char *word)
{
    mod_sx_dir *dir = conf;
    const char *why = mod_sx_parse_size(word, &dir->max_size);

    if (!why && (dir->max_size < 256 || dir->max_size > SST_MAX_RECORD_MAX))
        why = "accepted are 256 bytes to 4m";
    return wrong(cmd, word, why);
}

static const char *set_user_key(cmd_parms *cmd, void *conf, const char *word)
{
    size_t len = strlen(word);

    if (len == 0 || len > SX_KEY_MAX)
        return wrong(cmd, word, "a key has 1 to 128 bytes");
    ((mod_sx_dir *)conf)->user_key = apr_pstrdup(cmd->pool, word);
    return NULL;
}

static const char *set_max_per_user(cmd_parms *cmd, void *conf,
                                    const char *count, const char *policy)
{
    mod_sx_dir *dir = conf;
    apr_int64_t n;

    if (mod_sx_parse_size(count, &n) || n > SX_SEATS_MAX)
        return wrong(cmd, count,
                     "accepted are 0 (any number) to 1000 sessions");
    dir->deny_login = policy && !strcasecmp(policy, "deny");
    if (policy && !dir->deny_login && strcasecmp(policy, "evict-oldest"))
        return wrong(cmd, policy, "accepted are evict-oldest and deny");
    dir->max_per_user = (int)n;
    note_use(cmd, dir);
    return NULL;
}

static const char *set_bind(cmd_parms *cmd, void *conf, const char *line)
{
    mod_sx_dir *dir = conf;
    const char *word = ap_getword_conf(cmd->pool, &line);
    const char *why = mod_sx_bind_mode(dir, word);

    while (!why && *line) {
        word = ap_getword_conf(cmd->pool, &line);
        why = mod_sx_bind_part(dir, word);
    }
    return wrong(cmd, word, why);
}

static const char *set_env(cmd_parms *cmd, void *conf, const char *word)
{
    mod_sx_dir *dir = conf;
    const char *words = cmd->directive->args;
    int on;

    dir->env_narrows = in_htaccess(cmd);
    if (mod_sx_parse_switch(word, &on)) {
        if (strlen(word) > SX_KEY_MAX)
            return wrong(cmd, word,
                         "accepted are On, Off, or keys of at most "
                         "128 bytes");
        if (dir->env_mode != SX_ENV_KEYS)
            dir->env_keys = apr_array_make(cmd->pool, 4, sizeof(const char *));
        dir->env_mode = SX_ENV_KEYS;
        APR_ARRAY_PUSH(dir->env_keys, const char *) =
            apr_pstrdup(cmd->pool, word);
        return NULL;
    }
    (void)ap_getword_conf(cmd->temp_pool, &words);
    if (*words)
        return wrong(cmd, word,
                     "On and Off stand alone: accepted are On, Off, "
                     "or keys");
    if (on && dir->env_narrows)
        return "SessionExtEnv: a .htaccess file may only narrow: accepted here "
               "are Off and keys";
    dir->env_mode = on ? SX_ENV_ALL : SX_ENV_OFF;
    return NULL;
}

static const char *set_flash(cmd_parms *cmd, void *conf, const char *word)
{
    mod_sx_dir *dir = conf;

    if (!strcasecmp(word, "fetch")) {
        dir->flash = SX_FLASH_FETCH;
        return NULL;
    }
    if (mod_sx_parse_switch(word, &dir->flash))
        return wrong(cmd, word, "accepted are On, Off and fetch");
    return NULL;
}

static const char *set_flash_max(cmd_parms *cmd, void *conf, const char *count,
                                 const char *size)
{
    mod_sx_dir *dir = conf;
    apr_int64_t n;
    const char *why = mod_sx_parse_size(count, &n);

    if (why || n < 1 || n > SX_FLASH_MAX)
        return wrong(cmd, count, "accepted are 1 to 32 messages");
    dir->flash_max = (int)n;
    why = mod_sx_parse_size(size, &dir->flash_bytes);
    if (why || dir->flash_bytes < 64 || dir->flash_bytes > SX_FLASH_BYTES)
        return wrong(cmd, size, "accepted are 64 bytes to 8k for all texts");
    return NULL;
}

static const char *set_on_error(cmd_parms *cmd, void *conf, const char *word)
{
    mod_sx_dir *dir = conf;

    if (!strcasecmp(word, "pass"))
        dir->refuse_on_outage = 0;
    else if (!strcmp(word, "503"))
        dir->refuse_on_outage = 1;
    else
        return wrong(cmd, word, "accepted are pass and 503");
    return NULL;
}

/* ---- cookies ------------------------------------------------------------ */

static const char *set_cookie(cmd_parms *cmd, void *conf, const char *line)
{
    mod_sx_cookie_conf *cookie = apr_pcalloc(cmd->pool, sizeof *cookie);
    const char *word, *why;

    why = mod_sx_cookie_parse(line, cookie, &word, cmd->pool);
    if (why)
        return wrong(cmd, word, why);
    ((mod_sx_dir *)conf)->cookie = cookie;
    return NULL;
}

static const char *set_seal(cmd_parms *cmd, void *conf, const char *line)
{
    mod_sx_dir *dir = conf;
    mod_sx_seal_conf *seal = apr_pcalloc(cmd->pool, sizeof *seal);
    const char *word, *why;

    why = mod_sx_seal_parse(line, seal, &word, cmd->pool);
    if (why)
        return wrong(cmd, word, why);
    dir->seals = mod_sx_seals_with(dir->seals, seal, cmd->pool);
    note(cmd, dir, mod_sx_server_of(cmd->server)->seal_uses);
    return NULL;
}

/* ---- server directives -------------------------------------------------- */

static const char *store_word(mod_sx_store_conf *store, const char *word,
                              apr_pool_t *pool)
{
    const char *value, *why = NULL;
    apr_int64_t n;

    if (mod_sx_parse_option(word, "size", &value)) {
        why = mod_sx_parse_size(value, &n);
        store->size = why ? 0 : (apr_uint64_t)n;
        if (!why && !shm_store_size_ok(store->size))
            why = "a store has 1m to 256g";
    }
    else if (mod_sx_parse_option(word, "max-record", &value)) {
        why = mod_sx_parse_size(value, &n);
        if (!why && (n < 1024 || n > SST_MAX_RECORD_MAX))
            why = "max-record is 1k to 4m";
        store->max_record = why ? 0 : (apr_uint32_t)n;
    }
    else if (mod_sx_parse_option(word, "file", &value)) {
        store->path = ap_server_root_relative(pool, value);
        why = store->path && *value ? NULL : "this is not a path";
    }
    else if (mod_sx_parse_option(word, "on-full", &value)) {
        store->on_full = strcasecmp(value, "evict") ? SST_REFUSE : SST_EVICT;
        if (store->on_full == SST_REFUSE && strcasecmp(value, "refuse"))
            why = "on-full is refuse or evict";
    }
    else if (mod_sx_parse_option(word, "max-anonymous", &value)) {
        why = mod_sx_parse_percent(value, &store->max_anonymous);
    }
    else if (mod_sx_parse_option(word, "max-namespace", &value)) {
        why = mod_sx_parse_percent(value, &store->max_namespace);
    }
    else if (mod_sx_parse_option(word, "group", &value)) {
        store->group = value;
        why = mod_sx_parse_group(value, &store->gid, pool);
    }
    else if (mod_sx_parse_option(word, "snapshot", &value)) {
        why = mod_sx_snapshot_parse(store, value, pool);
    }
    else {
        why = "accepted are size= file= max-record= on-full= max-anonymous= "
              "max-namespace= group= snapshot=";
    }
    return why;
}

static const char *set_shm_store(cmd_parms *cmd, void *conf, const char *line)
{
    mod_sx_server *server = mod_sx_server_of(cmd->server);
    mod_sx_store_conf *store = apr_pcalloc(cmd->pool, sizeof *store);
    const char *why = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)conf;
    if (why)
        return why;
    store->name = ap_getword_conf(cmd->pool, &line);
    store->max_record = 1048576;
    store->where = where_of(cmd);
    why = check_name(cmd, store->name);
    if (why)
        return why;
    for (int i = 0; i < server->stores->nelts; i++) {
        const mod_sx_store_conf *other =
            APR_ARRAY_IDX(server->stores, i, mod_sx_store_conf *);
        if (!strcmp(other->name, store->name))
            return apr_psprintf(cmd->pool,
                                "ShmStore: '%s' is already defined "
                                "at %s",
                                store->name, other->where);
    }
    while (*line) {
        const char *word = ap_getword_conf(cmd->pool, &line);
        why = store_word(store, word, cmd->pool);
        if (why)
            return wrong(cmd, word, why);
    }
    APR_ARRAY_PUSH(server->stores, mod_sx_store_conf *) = store;
    return NULL;
}

static const char *set_key_file(cmd_parms *cmd, void *conf, const char *line)
{
    mod_sx_key_file *file = apr_pcalloc(cmd->pool, sizeof *file);
    const char *why = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    const char *path, *value;

    (void)conf;
    if (why)
        return why;
    path = ap_getword_conf(cmd->pool, &line);
    file->path = *path ? ap_server_root_relative(cmd->pool, path) : NULL;
    file->where = where_of(cmd);
    if (!file->path)
        return "SessionExtKeyFile: a path is needed";
    while (*line) {
        const char *word = ap_getword_conf(cmd->pool, &line);
        if (!strcasecmp(word, "symlink")) {
            file->follow_link = true;
        }
        else if (mod_sx_parse_option(word, "group", &value)) {
            file->group = value;
            why = mod_sx_parse_group(value, &file->gid, cmd->pool);
        }
        else {
            why = "accepted behind the path are group=GROUP and symlink";
        }
        if (why)
            return wrong(cmd, word, why);
    }
    mod_sx_server_of(cmd->server)->key_file = file;
    return NULL;
}

/* ---- the table ---------------------------------------------------------- */

#define SCOPE       (RSRC_CONF | ACCESS_CONF)
#define SCOPE_HT    (RSRC_CONF | OR_AUTHCFG)
#define FIELD(name) ((void *)offsetof(mod_sx_dir, name))
#define SWITCH(directive, field, help)                                         \
    AP_INIT_TAKE1(directive, set_switch, FIELD(field), SCOPE, help)
#define DURATION(directive, field, help)                                       \
    AP_INIT_TAKE1(directive, set_duration, FIELD(field), SCOPE, help)

const command_rec mod_sx_directives[] = {
    AP_INIT_RAW_ARGS("ShmStore", set_shm_store, NULL, RSRC_CONF,
                     "a shared-memory store: NAME [size=64m] [file=PATH] "
                     "[max-record=1m] [on-full=refuse|evict] "
                     "[max-anonymous=N%] [max-namespace=N%] [group=GROUP] "
                     "[snapshot=FILE[,INTERVAL]]"),
    AP_INIT_TAKE1("SessionExt", set_enabled, NULL, SCOPE_HT,
                  "sessions in this scope: On or Off"),
    AP_INIT_TAKE1("SessionExtNamespace", set_namespace, NULL, SCOPE,
                  "what sessions, users and cookies here belong to; default: "
                  "the ServerName"),
    AP_INIT_TAKE12("SessionExtStore", set_store, NULL, SCOPE,
                   "where sessions live: shm[:NAME], cookie or file:DIR"),
    AP_INIT_RAW_ARGS("SessionExtKeyFile", set_key_file, NULL, RSRC_CONF,
                     "secret keys: PATH [group=GROUP] [symlink]"),
    AP_INIT_RAW_ARGS("SessionExtCookie", set_cookie, NULL, SCOPE,
                     "the id cookie: [name=] [path=] [domain=] [samesite=] "
                     "[secure=] [partitioned] [persistent]"),
    AP_INIT_RAW_ARGS("SessionExtSeal", set_seal, NULL, SCOPE,
                     "an app's cookie that is sealed: NAME sign|encrypt|off "
                     "[max-age=] [path=] [domain=] [samesite=] [secure=] "
                     "[httponly=] [partitioned]"),
    DURATION("SessionExtIdleTimeout", idle_ms,
             "a session ends this long after its last request"),
    DURATION("SessionExtIdleMax", idle_max_ms,
             "how far an app may raise its idle timeout"),
    DURATION("SessionExtAbsoluteTimeout", absolute_ms,
             "a session ends this long after it began"),
    DURATION("SessionExtRenewInterval", renew_ms,
             "age at which an id is silently renewed; 0: never"),
    DURATION("SessionExtRenewGrace", grace_ms,
             "how long the old id leads to a silently renewed session"),
    DURATION("SessionExtTouchInterval", touch_ms,
             "at most one access is noted in this time"),
    DURATION("SessionExtTierMaxAge", tier_age_ms,
             "how old a copy in the first store of a tier may be"),
    AP_INIT_TAKE1("SessionExtMaxSize", set_max_size, NULL, SCOPE,
                  "limit of one session's data"),
    AP_INIT_TAKE1("SessionExtEncrypt", set_encrypt, FIELD(encrypt), SCOPE,
                  "seal values at rest: On or Off"),
    AP_INIT_TAKE1("SessionExtUserKey", set_user_key, NULL, SCOPE,
                  "the key that means logged in"),
    AP_INIT_TAKE12("SessionExtMaxPerUser", set_max_per_user, NULL, SCOPE,
                   "concurrent sessions of one user: N [evict-oldest|deny]"),
    AP_INIT_RAW_ARGS("SessionExtBind", set_bind, NULL, SCOPE,
                     "what a changed client does: off|log|kill [ua] [ip/24] "
                     "[tls]"),
    SWITCH("SessionExtRemoteUser", remote_user,
           "REMOTE_USER from the user key: On or Off"),
    AP_INIT_ITERATE("SessionExtEnv", set_env, NULL, SCOPE_HT,
                    "what apps see in the environment: On, Off or keys"),
    SWITCH("SessionExtRequestHeaders", request_headers,
           "the same as X-Session-* request headers: On or Off"),
    SWITCH("SessionExtAccept", accept,
           "obey the response headers of what answers here: On or Off"),
    SWITCH("SessionExtHideCookie", hide_cookie,
           "keep the id cookie from apps: On or Off"),
    AP_INIT_TAKE1("SessionExtFlash", set_flash, NULL, SCOPE,
                  "flash messages: On, Off or fetch"),
    AP_INIT_TAKE2("SessionExtFlashMax", set_flash_max, NULL, SCOPE,
                  "how many flash messages may wait, and their bytes"),
    AP_INIT_TAKE1("SessionExtPHP", set_php, NULL, SCOPE,
                  "hand sessions to the PHP extension: On or Off"),
    AP_INIT_TAKE1("SessionExtOnStoreError", set_on_error, NULL, SCOPE,
                  "when the store cannot be asked: pass or 503"),
    AP_INIT_TAKE1("SessionExtProvideModSession", set_provide, FIELD(provide),
                  SCOPE, "keep what users of mod_session store: On or Off"),
    {.name = NULL}};
