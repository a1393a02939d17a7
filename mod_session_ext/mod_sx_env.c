/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_env.h"

#include <string.h>
#include "mod_sx_flash.h"
#include "mod_sx_seal.h"
#include "mod_sx_upstream.h"

/* The smallest gateway sets the bounds: php-fpm drops a variable of 16 380
 * bytes without a word.  uwsgi counts all of them in 16 bits. */
#define MAX_VAR         16000
#define MAX_TOTAL       1048576
#define MAX_TOTAL_UWSGI 60000

#define HEADER_PREFIX "X-Session-"

/* ---- request headers ---------------------------------------------------- */

/* Some gateways turn '_' into '-' or both into '_': compare them as one. */
static bool is_our_header(const char *name)
{
    static const char *const names[] = {"Status",  "Handle", "User",
                                        "Version", "Flash",  "Data"};
    size_t prefix = strlen(HEADER_PREFIX);
    size_t len;

    for (size_t i = 0; i < prefix; i++) {
        char c = name[i] == '_' ? '-' : name[i];
        if (apr_tolower(c) != apr_tolower(HEADER_PREFIX[i]))
            return false;
    }
    name += prefix;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        len = strlen(names[i]);
        if (!strncasecmp(name, names[i], len) &&
            (name[len] == '\0' || name[len] == '-' || name[len] == '_'))
            return true;
    }
    return false;
}

/* A table must not change while it is walked: collect, then unset. */
static void unset_all(apr_table_t *table, const apr_array_header_t *names)
{
    for (int i = 0; i < names->nelts; i++)
        apr_table_unset(table, APR_ARRAY_IDX(names, i, const char *));
}

static void unset_where(apr_table_t *table, bool (*is_ours)(const char *),
                        apr_pool_t *pool)
{
    const apr_array_header_t *list = apr_table_elts(table);
    apr_array_header_t *names = NULL;

    for (int i = 0; i < list->nelts; i++) {
        const char *key = APR_ARRAY_IDX(list, i, apr_table_entry_t).key;
        if (!key || !is_ours(key))
            continue;
        if (!names)
            names = apr_array_make(pool, 8, sizeof(const char *));
        APR_ARRAY_PUSH(names, const char *) = key;
    }
    if (names)
        unset_all(table, names);
}

/* A proxy drops what Connection names: a client must not choose which of our
 * headers a backend gets to see. */
static void strip_connection(request_rec *r)
{
    const char *value = apr_table_get(r->headers_in, "Connection");
    apr_array_header_t *kept;
    char *word, *state;

    if (!value || !ap_strcasestr(value, "session"))
        return;
    kept = apr_array_make(r->pool, 8, sizeof(const char *));
    word = apr_strtok(apr_pstrdup(r->pool, value), ", \t", &state);
    for (; word; word = apr_strtok(NULL, ", \t", &state))
        if (!is_our_header(word))
            APR_ARRAY_PUSH(kept, const char *) = word;
    apr_table_setn(r->headers_in, "Connection",
                   apr_array_pstrcat(r->pool, kept, ','));
}

void mod_sx_env_strip_client(request_rec *r)
{
    strip_connection(r);
    unset_where(r->headers_in, is_our_header, r->pool);
}

/* The variables that also travel as headers, and under which name. */
static const char *header_of(const char *variable, apr_pool_t *pool)
{
    static const char *const map[][2] = {
        {"SESSION_STATUS", "Status"}, {"SESSION_HANDLE", "Handle"},
        {"SESSION_USER", "User"},     {"SESSION_VERSION", "Version"},
        {"SESSION_DATA", "Data-1"},   {"FLASH_DATA", "Flash"}};

    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (!strcmp(variable, map[i][0]))
            return apr_pstrcat(pool, HEADER_PREFIX, map[i][1], NULL);
    if (!strncmp(variable, "SESSION_DATA_", 13) && apr_isdigit(variable[13]))
        return apr_pstrcat(pool, HEADER_PREFIX "Data-", variable + 13, NULL);
    return NULL;
}

static void expose_headers(request_rec *r, const apr_array_header_t *vars)
{
    for (int i = 0; i < vars->nelts; i++) {
        const sx_var *var = &APR_ARRAY_IDX(vars, i, sx_var);
        const char *header = header_of(var->name, r->pool);
        if (header)
            apr_table_setn(r->headers_in, header, var->value);
    }
}

/* ---- the environment ---------------------------------------------------- */

/* How much of a gateway's room these take, with '=' and an end each. */
static size_t room_of(const apr_array_header_t *vars)
{
    size_t room = 0;

    for (int i = 0; vars && i < vars->nelts; i++) {
        const sx_var *var = &APR_ARRAY_IDX(vars, i, sx_var);

        room += strlen(var->name) + strlen(var->value) + 2;
    }
    return room;
}

/* What a session says of itself. */
static void describe(const mod_sx_visit *visit, sx_env_in *in)
{
    const sx_loaded *loaded = &visit->loaded;
    const sx_record_meta *meta = &loaded->meta;
    sx_now now = mod_sx_now(visit);
    int64_t end;

    in->status = loaded->status;
    if (loaded->status != SX_STATUS_ACTIVE)
        return;
    end = sx_lifetime_end(&visit->realm.times, loaded->session,
                          meta->hard_end_ms, now.boot_ms);
    in->session = loaded->session;
    in->user = sx_session_user(loaded->session, visit->realm.user_key);
    in->last_access_s = mod_sx_wall_of(loaded, meta->last_access_ms);
    in->expires_s = mod_sx_wall_of(loaded, meta->hard_end_ms);
    in->idle_left_s = (end - now.boot_ms) / 1000;
}

apr_array_header_t *mod_sx_env_facts(const mod_sx_visit *visit,
                                     apr_pool_t *pool)
{
    sx_env_in in = {.max_var = MAX_VAR};

    describe(visit, &in);
    return sx_env_facts(&in, pool);
}

static apr_array_header_t *session_vars(request_rec *r, mod_sx_visit *visit,
                                        size_t taken)
{
    mod_sx_part *part = mod_sx_part_of(r);
    const mod_sx_dir *dir = mod_sx_dir_of(r);
    sx_env_in in = {
        .all_keys = dir->env_mode != SX_ENV_KEYS,
        .keys = dir->env_mode == SX_ENV_KEYS ? dir->env_keys : NULL,
        .max_var = MAX_VAR,
        .max_total =
            (mod_sx_upstream_is_uwsgi(r) ? MAX_TOTAL_UWSGI : MAX_TOTAL) - taken,
    };

    describe(visit, &in);
    if (in.session)
        in.messages = mod_sx_flash_of(r);
    return sx_env_make(&in, part->top->pool);
}

void mod_sx_env_make(request_rec *r, mod_sx_visit *visit)
{
    mod_sx_part *part = mod_sx_part_of(r);
    apr_array_header_t *sealed;

    part->vars = NULL;
    if (MOD_SX_OR(mod_sx_dir_of(r)->env_mode, SX_ENV_ALL) == SX_ENV_OFF)
        return;
    sealed = mod_sx_seal_vars(r);
    if (!visit) {
        part->vars = sealed;
        return;
    }
    part->vars = session_vars(r, visit, room_of(sealed));
    if (sealed)
        apr_array_cat(part->vars, sealed);
}

void mod_sx_env_add(request_rec *r)
{
    const apr_array_header_t *vars = mod_sx_part_of(r)->vars;

    for (int i = 0; i < vars->nelts; i++) {
        const sx_var *var = &APR_ARRAY_IDX(vars, i, sx_var);
        apr_table_addn(r->subprocess_env, var->name, var->value);
    }
}

void mod_sx_env_expose(request_rec *r)
{
    const apr_array_header_t *vars = mod_sx_part_of(r)->vars;
    /* A backend shows a TRACE what came with it. */
    bool headers = MOD_SX_OR(mod_sx_dir_of(r)->request_headers, 0) == 1 &&
                   r->method_number != M_TRACE;

    unset_where(r->subprocess_env, sx_env_is_ours, r->pool);
    unset_where(r->headers_in, is_our_header, r->pool);
    if (!vars)
        return;
    mod_sx_env_add(r);
    if (headers)
        expose_headers(r, vars);
}

bool mod_sx_env_is_exposed(request_rec *r)
{
    const apr_array_header_t *vars = mod_sx_part_of(r)->vars;
    const apr_array_header_t *list = apr_table_elts(r->subprocess_env);
    int count = vars ? vars->nelts : 0;
    int next = 0;

    for (int i = 0; i < list->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(list, i, apr_table_entry_t);
        const sx_var *var =
            next < count ? &APR_ARRAY_IDX(vars, next, sx_var) : NULL;

        /* The very strings that were put there: by others nothing can be. */
        if (var && entry->key == var->name && entry->val == var->value)
            next++;
        else if (entry->key && sx_env_is_ours(entry->key))
            return false;
    }
    return next == count;
}

static bool is_double_of_ours(const char *name)
{
    bool redirected = false;

    while (!strncmp(name, "REDIRECT_", 9)) {
        name += 9;
        redirected = true;
    }
    return redirected && sx_env_is_ours(name);
}

void mod_sx_env_drop_doubles(request_rec *r)
{
    unset_where(r->subprocess_env, is_double_of_ours, r->pool);
}
