/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_session_bridge.h"

#include <string.h>
#include "mod_session.h"
#include "mod_sx_ask.h"

#define EXPIRY "expiry"

/* mod_session takes a table whose time is over for no session.  Who has loaded
 * one in time may save it, so each load gives it this long. */
#define EXPIRY_LEAST apr_time_from_sec(2)

#pragma weak ap_hook_session_load
#pragma weak ap_hook_session_save

/* A table and what it was made of. */
struct mod_sx_bridge {
    session_rec *record;
    const sx_session *from; /* NULL: of no session... */
    bool is_filled;         /* ...unless it is yet to be filled, or again */
    apr_table_t *shown;     /* its entries as they were put there */
    apr_time_t expiry;      /* as it was put there; 0: none */
    bool saved;             /* mod_session wants it saved */
};

/* NULL: not loaded.  Set while the configuration is read. */
static const module *mod_session;

bool mod_sx_bridge_is_bound(void)
{
    return ap_hook_session_load && ap_hook_session_save;
}

int mod_sx_bridge_pre_config(apr_pool_t *pconf, apr_pool_t *plog,
                             apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    mod_session = ap_find_linked_module("mod_session.c");
    return OK;
}

/* What mod_session's directives say here, or NULL if its sessions are not
 * ours. */
static const session_dir_conf *provided(request_rec *r, const mod_sx_dir *dir)
{
    if (MOD_SX_OR(dir->provide, 0) != 1 || !mod_session || !r->per_dir_config)
        return NULL;
    return ap_get_module_config(r->per_dir_config, mod_session);
}

apr_int64_t mod_sx_bridge_max_age_ms(request_rec *r, const mod_sx_dir *dir)
{
    const session_dir_conf *conf = provided(r, dir);

    return conf && conf->enabled && conf->maxage > 0
               ? (apr_int64_t)conf->maxage * 1000
               : 0;
}

/* ---- names -------------------------------------------------------------- */

/* Does ${name}, of ${len} bytes, end like that? */
static bool ends_with(const char *name, size_t len, const char *end)
{
    size_t end_len = strlen(end);

    return len >= end_len && !strncasecmp(name + len - end_len, end, end_len);
}

static bool is_called(const char *name, size_t len, const char *word)
{
    return len == strlen(word) && ends_with(name, len, word);
}

/* What somebody could log in with: the password that mod_auth_form keeps, its
 * sign of having seen one, and the ticket of mod_auth_gssapi. */
static bool is_secret(const char *name, size_t len)
{
    return is_called(name, len, MOD_SESSION_PW) ||
           ends_with(name, len, "-pw") || ends_with(name, len, "-site") ||
           is_called(name, len, "MagBearerToken");
}

static bool is_login(const char *name)
{
    size_t len = strlen(name);

    return is_secret(name, len) || is_called(name, len, MOD_SESSION_USER) ||
           ends_with(name, len, "-" MOD_SESSION_USER);
}

static bool has_nul(sx_str s)
{
    return s.len && memchr(s.p, '\0', s.len);
}

/* Such tables know neither NUL nor case, and one name of theirs is taken. */
static bool fits_table(const sx_entry *entry)
{
    return entry->type != SX_OPAQUE && !has_nul(entry->key) &&
           !has_nul(entry->value) &&
           !is_called(entry->key.p, entry->key.len, EXPIRY);
}

/* ---- session to table --------------------------------------------------- */

static void fill(struct mod_sx_bridge *bridge, const sx_session *session)
{
    session_rec *record = bridge->record;
    apr_pool_t *pool = record->pool;

    record->entries = apr_table_make(pool, 8);
    bridge->shown = apr_table_make(pool, 8);
    for (int i = 0; session && i < session->entries->nelts; i++) {
        const sx_entry *entry = &APR_ARRAY_IDX(session->entries, i, sx_entry);
        const char *key = sx_str_dup(entry->key, pool).p;
        const char *value = sx_str_dup(entry->value, pool).p;

        if (!fits_table(entry) || apr_table_get(bridge->shown, key))
            continue;
        apr_table_addn(record->entries, key, value);
        apr_table_addn(bridge->shown, key, value);
    }
    record->encoded = NULL;
    record->written = 0;
    bridge->from = session;
    bridge->is_filled = true;
}

/* Only where there is a SessionMaxAge does mod_session count time.  It would do
 * so for a session that begins, too, and then end it under a slow request. */
static void set_expiry(request_rec *r, const mod_sx_visit *visit)
{
    apr_int64_t left_ms = mod_sx_bridge_max_age_ms(r, mod_sx_dir_of(r));
    const sx_loaded *loaded = &visit->loaded;
    struct mod_sx_bridge *bridge = visit->bridge;

    if (left_ms && loaded->status == SX_STATUS_ACTIVE)
        left_ms = loaded->meta.expires_ms - mod_sx_now(visit).boot_ms;
    bridge->expiry = left_ms ? apr_time_now() + left_ms * 1000 : 0;
    bridge->record->expiry = bridge->expiry;
}

static void keep_alive(struct mod_sx_bridge *bridge)
{
    apr_time_t least = apr_time_now() + EXPIRY_LEAST;

    if (bridge->expiry && bridge->record->expiry == bridge->expiry &&
        bridge->expiry < least)
        bridge->record->expiry = bridge->expiry = least;
}

static struct mod_sx_bridge *bridge_of(request_rec *r, mod_sx_visit *visit)
{
    apr_pool_t *pool = mod_sx_part_of(r)->top->pool;
    struct mod_sx_bridge *bridge = visit->bridge;

    if (!bridge) {
        bridge = visit->bridge = apr_pcalloc(pool, sizeof *bridge);
        bridge->record = apr_pcalloc(pool, sizeof *bridge->record);
        bridge->record->pool = pool;
    }
    if (!mod_sx_bridge_is_changed(visit) &&
        (!bridge->is_filled || bridge->from != visit->loaded.session)) {
        fill(bridge, visit->loaded.session);
        set_expiry(r, visit);
    }
    keep_alive(bridge);
    return bridge;
}

static apr_status_t load_session(request_rec *r, session_rec **record)
{
    mod_sx_visit *visit;

    if (!provided(r, mod_sx_dir_of(r)))
        return DECLINED;
    visit = mod_sx_load(r);
    if (!visit) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "SessionExtProvideModSession: sessions are off here: it "
                      "needs SessionExt On in this scope and, for a part of a "
                      "page, in that of the page");
        return DECLINED;
    }
    /* Who asks now decides by it. */
    if (mod_sx_part_of(r)->deciding)
        mod_sx_ask(r);
    if (visit->loaded.status == SX_STATUS_UNAVAILABLE)
        return HTTP_SERVICE_UNAVAILABLE;
    *record = bridge_of(r, visit)->record;
    return OK;
}

/* ---- table to session --------------------------------------------------- */

/* Nothing is written yet: the commit of this response is to come. */
static apr_status_t save_session(request_rec *r, session_rec *record)
{
    const mod_sx_visit *visit;
    struct mod_sx_bridge *bridge;

    if (!provided(r, mod_sx_dir_of(r)))
        return DECLINED;
    visit = mod_sx_visit_of(r);
    bridge = visit ? visit->bridge : NULL;
    if (!bridge)
        return DECLINED;
    /* One of its own: it could make nothing of ours. */
    if (record != bridge->record) {
        bridge->record->entries = record->entries;
        bridge->record->dirty |= record->dirty;
    }
    bridge->saved = true;
    return OK;
}

bool mod_sx_bridge_is_changed(const mod_sx_visit *visit)
{
    return visit->bridge &&
           (visit->bridge->saved || visit->bridge->record->dirty);
}

/* ${name} as the session spells it. */
static const char *spelled(const apr_table_t *shown, const char *name)
{
    const apr_array_header_t *list = apr_table_elts(shown);

    for (int i = 0; i < list->nelts; i++) {
        const char *key = APR_ARRAY_IDX(list, i, apr_table_entry_t).key;

        if (!strcasecmp(key, name))
            return key;
    }
    return name;
}

static void add_op(sx_delta *delta, sx_op_code code, const char *name,
                   const char *value)
{
    size_t len = strlen(name);

    if (len < 1 || len > SX_KEY_MAX) {
        delta->refused = "a name in mod_session's session has 1 to 128 bytes";
        return;
    }
    if (code == SX_OP_SET && is_secret(name, len))
        code = SX_OP_PUT;
    sx_delta_add(delta,
                 (sx_op){.code = code,
                         .key = sx_str_dup(sx_str_of(name), delta->pool),
                         .value = sx_str_dup(sx_str_of(value), delta->pool),
                         .type = SX_SECRET});
}

/* What harvesting has found. */
typedef struct findings {
    int changes;
    int left;        /* names in the table */
    bool login;      /* what tells a log-in was changed... */
    bool login_gone; /* ...or taken away */
} findings;

static void find_set(const mod_sx_visit *visit, findings *found)
{
    const struct mod_sx_bridge *bridge = visit->bridge;
    const apr_table_t *entries = bridge->record->entries;
    const apr_array_header_t *list = apr_table_elts(entries);

    for (int i = 0; i < list->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(list, i, apr_table_entry_t);
        const char *before = apr_table_get(bridge->shown, entry->key);

        /* The first of a name is the one that is found. */
        if (!strcasecmp(entry->key, EXPIRY) ||
            apr_table_get(entries, entry->key) != entry->val)
            continue;
        found->left++;
        if (before && !strcmp(before, entry->val))
            continue;
        add_op(visit->delta, SX_OP_SET, spelled(bridge->shown, entry->key),
               entry->val);
        found->login |= is_login(entry->key);
        found->changes++;
    }
}

static void find_gone(const mod_sx_visit *visit, findings *found)
{
    const struct mod_sx_bridge *bridge = visit->bridge;
    const apr_array_header_t *list = apr_table_elts(bridge->shown);

    for (int i = 0; i < list->nelts; i++) {
        const char *key = APR_ARRAY_IDX(list, i, apr_table_entry_t).key;

        if (!strcasecmp(key, EXPIRY) ||
            apr_table_get(bridge->record->entries, key))
            continue;
        add_op(visit->delta, SX_OP_UNSET, key, "");
        found->login_gone |= is_login(key);
        found->changes++;
    }
}

/* An app may end its session by an expiry that is past. */
static bool is_ended(const struct mod_sx_bridge *bridge)
{
    const session_rec *record = bridge->record;

    return record->dirty && record->expiry &&
           record->expiry != bridge->expiry && record->expiry < apr_time_now();
}

/* A log-out that leaves nothing behind ends the session. */
static bool leaves_nothing(const mod_sx_visit *visit, const findings *found)
{
    const sx_session *session = visit->bridge->from;

    return found->login_gone && !found->left && session &&
           session->entries->nelts ==
               apr_table_elts(visit->bridge->shown)->nelts &&
           session->messages->nelts == 0 && !sx_delta_creates(visit->delta);
}

bool mod_sx_bridge_harvest(mod_sx_visit *visit)
{
    struct mod_sx_bridge *bridge = visit->bridge;
    findings found = {0};

    if (!mod_sx_bridge_is_changed(visit))
        return false;
    if (is_ended(bridge)) {
        visit->delta->destroy = true;
        found.changes++;
    }
    else {
        find_set(visit, &found);
        find_gone(visit, &found);
        if (leaves_nothing(visit, &found))
            visit->delta->destroy = true;
        else if ((found.login || found.login_gone) &&
                 visit->delta->renew == SX_KEEP_ID)
            visit->delta->renew = SX_RENEW;
    }
    /* Filled again when it is asked for; who goes on with what it has changes
     * it from here. */
    bridge->shown =
        apr_table_copy(bridge->record->pool, bridge->record->entries);
    bridge->saved = bridge->is_filled = false;
    bridge->record->dirty = 0;
    return found.changes > 0;
}

/* ---- SessionEnv --------------------------------------------------------- */

void mod_sx_bridge_hide(request_rec *r)
{
    const session_dir_conf *conf = provided(r, mod_sx_dir_of(r));
    const char *text = apr_table_get(r->subprocess_env, "HTTP_SESSION");
    apr_array_header_t *kept;
    char *pair, *state;

    if (!conf)
        return;
    apr_table_unset(r->headers_in, "Session");
    if (!conf->env || !text)
        return;
    kept = apr_array_make(r->pool, 8, sizeof(const char *));
    pair = apr_strtok(apr_pstrdup(r->pool, text), "&", &state);
    for (; pair; pair = apr_strtok(NULL, "&", &state))
        if (!is_secret(pair, strcspn(pair, "=")))
            APR_ARRAY_PUSH(kept, const char *) = pair;
    apr_table_setn(r->subprocess_env, "HTTP_SESSION",
                   apr_array_pstrcat(r->pool, kept, '&'));
}

void mod_sx_bridge_register(void)
{
    if (!mod_sx_bridge_is_bound())
        return;
    ap_hook_session_load(load_session, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_session_save(save_session, NULL, NULL, APR_HOOK_FIRST);
}
