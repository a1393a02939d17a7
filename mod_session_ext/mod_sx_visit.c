/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_visit.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "mod_sx_client.h"
#include "mod_sx_server.h"
#include "mod_sx_session_bridge.h"
#include "mod_sx_status.h"
#include "sx_client.h"
#include "sx_store_cookie.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

static request_rec *top_of(request_rec *r)
{
    while (r->main || r->prev)
        r = r->main ? r->main : r->prev;
    return r;
}

mod_sx_part *mod_sx_part_of(request_rec *r)
{
    mod_sx_part *part =
        ap_get_module_config(r->request_config, &session_ext_module);
    request_rec *top;

    if (part)
        return part;
    part = apr_pcalloc(r->pool, sizeof *part);
    ap_set_module_config(r->request_config, &session_ext_module, part);
    top = top_of(r);
    if (top != r) {
        part->top = mod_sx_part_of(top)->top;
        return part;
    }
    part->top = apr_pcalloc(r->pool, sizeof *part->top);
    part->top->pool = r->pool;
    part->top->cookies = apr_table_get(r->headers_in, "Cookie");
    return part;
}

sx_now mod_sx_now(const mod_sx_visit *visit)
{
    sx_store *store = visit->realm.store;

    return (sx_now){store ? store->ops->clock_ms(store) : shm_store_clock_ms(),
                    (int64_t)time(NULL)};
}

int64_t mod_sx_wall_of(const sx_loaded *loaded, int64_t moment_ms)
{
    return loaded->session->created_s +
           (moment_ms - loaded->meta.created_ms + 500) / 1000;
}

/* SessionMaxAge is an idle timeout by another name; of two that are said the
 * shorter one holds. */
static int64_t idle_ms(request_rec *r, const mod_sx_dir *dir)
{
    int64_t max_age_ms = mod_sx_bridge_max_age_ms(r, dir);

    if (max_age_ms &&
        (dir->idle_ms == MOD_SX_UNSET || max_age_ms < dir->idle_ms))
        return max_age_ms;
    return MOD_SX_OR(dir->idle_ms, 1800000);
}

/* What a scope's directives come to.  Strings live as long as the
 * configuration or the request. */
static void fill_policy(request_rec *r, mod_sx_visit *visit,
                        const mod_sx_dir *dir)
{
    sx_realm *realm = &visit->realm;

    visit->dir = dir;
    realm->times = (sx_lifetimes){
        .idle_ms = idle_ms(r, dir),
        .absolute_ms = MOD_SX_OR(dir->absolute_ms, 43200000),
        .renew_ms = MOD_SX_OR(dir->renew_ms, 3600000),
        .grace_ms = MOD_SX_OR(dir->grace_ms, 10000),
        .touch_ms = MOD_SX_OR(dir->touch_ms, 60000),
    };
    /* What such a cookie is good for changes with each write and touch; to
     * change its id, too, would cost the record that it saves. */
    if (visit->carried)
        realm->times.renew_ms = 0;
    realm->times.idle_max_ms =
        MOD_SX_OR(dir->idle_max_ms, realm->times.idle_ms);
    if (realm->times.idle_max_ms < realm->times.idle_ms)
        realm->times.idle_max_ms = realm->times.idle_ms;
    realm->limits = (sx_limits){
        .max_size = (size_t)MOD_SX_OR(dir->max_size, 65536),
        .idle_max_s = (uint32_t)(realm->times.idle_max_ms / 1000),
        .flash_max = (uint32_t)MOD_SX_OR(dir->flash_max, SX_FLASH_MAX),
        .flash_bytes = (size_t)MOD_SX_OR(dir->flash_bytes, SX_FLASH_BYTES),
    };
    realm->user_key = sx_str_of(dir->user_key ? dir->user_key : "user");
    realm->encrypt = MOD_SX_OR(dir->encrypt, 1) != 0 || dir->provide == 1;
    realm->per_user = (sx_per_user){(unsigned)MOD_SX_OR(dir->max_per_user, 0),
                                    dir->deny_login != 0};
    realm->client = mod_sx_client_of(r, dir);
}

static mod_sx_visit *find_visit(const mod_sx_top *top, const char *store,
                                bool carried, const sx_id_scope *scope)
{
    mod_sx_visit *visit;

    for (visit = top->visits; visit; visit = visit->next)
        if (!strcmp(visit->store_name, store) && visit->carried == carried &&
            !strcmp(visit->realm.scope.ns, scope->ns) &&
            !strcmp(visit->realm.scope.cookie_name, scope->cookie_name))
            return visit;
    return NULL;
}

bool mod_sx_is_secure(request_rec *r, mod_sx_secure secure)
{
    return secure == SX_SECURE_ON ||
           (secure == SX_SECURE_AUTO && !strcmp(ap_http_scheme(r), "https"));
}

static sx_store *find_store(const mod_sx_visit *visit, const mod_sx_dir *dir,
                            apr_pool_t *pool)
{
    sx_store *store = visit->realm.scope.keys
                          ? mod_sx_backend_for(visit->store_name, dir, pool)
                          : NULL;

    return store && visit->carried
               ? sx_store_cookie_create(store, &visit->realm.scope, pool)
               : store;
}

static mod_sx_visit *begin_visit(request_rec *r, const mod_sx_dir *dir)
{
    const mod_sx_server *server = mod_sx_server_of(r->server);
    const mod_sx_cookie_conf *cookie = mod_sx_cookie_conf_of(dir);
    mod_sx_top *top = mod_sx_part_of(r)->top;
    bool secure = mod_sx_is_secure(r, cookie->secure);
    const char *store = dir->store ? dir->store : MOD_SX_DEFAULT_STORE;
    sx_id_scope scope = {server->keys, mod_sx_cookie_name(cookie, secure),
                         dir->ns ? dir->ns : server->ns};
    bool carried = MOD_SX_OR(dir->carried, 0) == 1;
    mod_sx_visit *visit = find_visit(top, store, carried, &scope);

    if (!visit) {
        visit = apr_pcalloc(top->pool, sizeof *visit);
        visit->store_name = store;
        visit->realm.scope = scope;
        visit->realm.self = *mod_sx_self();
        visit->carried = carried;
        visit->realm.store = find_store(visit, dir, top->pool);
        visit->delta = sx_delta_create(top->pool);
        visit->next = top->visits;
        top->visits = visit;
    }
    visit->cookie = (sx_cookie_attrs){
        .path = cookie->path,
        .domain = cookie->domain,
        .samesite = cookie->samesite,
        .secure = secure,
        .partitioned = cookie->partitioned,
    };
    visit->persistent = cookie->persistent;
    return visit;
}

/* A part of a page has sessions only if its page has: else the page's headers,
 * which leave first, would promise caches that it is the same for everybody. */
static bool has_sessions(request_rec *r, const mod_sx_dir *dir)
{
    return MOD_SX_OR(dir->enabled, 0) == 1 &&
           (!r->main || mod_sx_visit_of(r->main));
}

mod_sx_visit *mod_sx_visit_of(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    const mod_sx_dir *dir = mod_sx_dir_of(r);

    /* A fast redirect changes the scope of a request_rec under way. */
    if (part->scope != r->per_dir_config || !part->visit) {
        part->scope = r->per_dir_config;
        part->visit = has_sessions(r, dir) ? begin_visit(r, dir) : NULL;
    }
    /* Parts of one request may differ in policy and share a session. */
    if (part->visit && part->visit->dir != dir)
        fill_policy(r, part->visit, dir);
    return part->visit;
}

/* The id cookie's values: what a commit of this request has left the client
 * with, else what it has sent. */
static size_t find_candidates(const mod_sx_top *top, const mod_sx_visit *visit,
                              sx_str candidates[SX_COOKIE_CANDIDATES])
{
    if (visit->new_id) {
        candidates[0] = sx_str_of(visit->new_id);
        return candidates[0].len ? 1 : 0;
    }
    return top->cookies
               ? sx_cookie_find(top->cookies, visit->realm.scope.cookie_name,
                                candidates)
               : 0;
}

static void tell_load(request_rec *r, const mod_sx_visit *visit)
{
    const sx_loaded *loaded = &visit->loaded;

    if (loaded->status == SX_STATUS_INVALID) {
        mod_sx_count(MOD_SX_COUNT_invalid, 1);
        mod_sx_count(MOD_SX_COUNT_reused, loaded->reuse);
        mod_sx_count(MOD_SX_COUNT_rebound, loaded->killed != 0);
        if (loaded->killed)
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                          "session %016" PRIx64
                          " ended: its client has another %s",
                          loaded->meta.handle, sx_client_str(loaded->killed));
        if (loaded->reuse)
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                          "an id was used after its renewal and grace");
    }
    else if (loaded->status == SX_STATUS_UNAVAILABLE) {
        mod_sx_count(MOD_SX_COUNT_unavailable, 1);
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "the session store '%s' could not be asked: %s",
                      visit->store_name, sx_answer_str(loaded->outage));
    }
}

typedef void load_fn(const sx_realm *realm, const sx_str *candidates,
                     size_t cookies, sx_now now, sx_loaded *loaded,
                     apr_pool_t *pool);

static void load_by(request_rec *r, mod_sx_visit *visit, load_fn *load)
{
    const mod_sx_top *top = mod_sx_part_of(r)->top;
    sx_str candidates[SX_COOKIE_CANDIDATES];
    sx_now now = mod_sx_now(visit);
    size_t n = find_candidates(top, visit, candidates);

    visit->is_loaded = true;
    if (visit->carried && visit->realm.store)
        sx_store_cookie_take(visit->realm.store, candidates, n, now);
    if (visit->realm.store)
        load(&visit->realm, candidates, n, now, &visit->loaded, top->pool);
    else
        visit->loaded =
            (sx_loaded){.status = n ? SX_STATUS_UNAVAILABLE : SX_STATUS_NONE,
                        .outage = SX_STORE_UNAVAILABLE};
    if (!visit->loaded.is_closed)
        tell_load(r, visit);
}

void mod_sx_load_visit(request_rec *r, mod_sx_visit *visit)
{
    if (!visit->is_loaded) {
        load_by(r, visit, sx_load);
    }
    else if (visit->loaded.is_closed) {
        sx_load_finish(&visit->realm, mod_sx_now(visit), &visit->loaded,
                       mod_sx_part_of(r)->top->pool);
        tell_load(r, visit);
    }
}

mod_sx_visit *mod_sx_load_to_show(request_rec *r)
{
    const mod_sx_dir *dir = mod_sx_dir_of(r);
    mod_sx_visit *visit = mod_sx_visit_of(r);

    if (visit && !visit->is_loaded && MOD_SX_OR(dir->php, 0) == 1 &&
        MOD_SX_OR(dir->env_mode, SX_ENV_ALL) == SX_ENV_OFF)
        load_by(r, visit, sx_load_begin);
    else if (visit && !visit->is_loaded)
        load_by(r, visit, sx_load);
    return visit;
}

mod_sx_visit *mod_sx_load(request_rec *r)
{
    mod_sx_visit *visit = mod_sx_visit_of(r);

    if (visit)
        mod_sx_load_visit(r, visit);
    return visit;
}

/* Would the file be given to a client whose user we had not told?  Asked
 * quietly: nobody is denied anything here. */
static bool access_takes_user(request_rec *r)
{
    static const struct ap_logconf quiet = {NULL, APLOG_EMERG};
    const struct ap_logconf *log = r->log;
    char *user = r->user;
    bool takes;

    r->user = NULL;
    r->log = &quiet;
    takes = ap_run_access_checker_ex(r) != OK;
    r->log = log;
    r->user = user;
    return takes;
}

bool mod_sx_consulted(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);

    if (part->top->asked)
        return true;
    if ((!part->visit && !part->seals) || !part->app_ran)
        return false;
    if (!part->is_file)
        return true;
    /* A plain file.  Filters that hand the environment on (mod_include,
     * mod_ext_filter) leave this variable, under whatever name they were
     * configured. */
    if (apr_table_get(r->subprocess_env, "DOCUMENT_URI"))
        return true;
    return part->visit && part->told_user && access_takes_user(r);
}
