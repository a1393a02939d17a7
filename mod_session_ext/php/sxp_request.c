/* SPDX-License-Identifier: Apache-2.0 */
#include "sxp_request.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "sx_cookie.h"
#include "sxp_sapi.h"

static apr_pool_t *module_pool;
static apr_pool_t *request_pool; /* of one after the other */
static sx_place *place;

/* ---- the module --------------------------------------------------------- */

/* Of the core; ids and values are never in it. */
static void tell(sx_log_level level, const char *message)
{
    if (level != SX_LOG_INFO && PG(modules_activated))
        php_error_docref(NULL, E_WARNING, "%s", message);
}

void sxp_request_begin(void)
{
    const sx_place_config config = {
        .store_file = SXP(store_file),
        .key_file = SXP(key_file),
        .make_size = (uint64_t)SXP(store_size),
    };

    apr_initialize();
    apr_pool_create(&module_pool, NULL);
    sx_log_set(tell);
    place = sx_place_create(&config, module_pool);
    /* What is not there yet is looked for again by each request. */
    (void)sx_place_open(place);
}

void sxp_request_end(void)
{
    sx_place_close(place);
    place = NULL;
    apr_pool_destroy(module_pool);
    request_pool = NULL;
    apr_terminate();
}

sx_place *sxp_request_place(void)
{
    return place;
}

/* ---- a request ---------------------------------------------------------- */

static int64_t in_ms(zend_long seconds)
{
    return (int64_t)seconds * 1000;
}

/* Without httpd in front: what the settings say. */
static void stand_alone(sxp_request *request)
{
    sx_realm *realm = &request->realm;
    bool secure = sxp_sapi_is_secure();
    const char *name = SXP(cookie_name);

    if (!name || !*name)
        name = secure ? "__Host-sid" : "sid";
    realm->scope.cookie_name = name;
    realm->scope.ns = SXP(ns);
    realm->times = (sx_lifetimes){
        .idle_ms = in_ms(SXP(idle_timeout)),
        .idle_max_ms = in_ms(SXP(idle_timeout)),
        .absolute_ms = in_ms(SXP(absolute_timeout)),
        .renew_ms = in_ms(SXP(renew_interval)),
        .grace_ms = in_ms(SXP(renew_grace)),
        .touch_ms = in_ms(SXP(touch_interval)),
    };
    realm->limits = (sx_limits){
        .max_size = (size_t)SXP(max_size),
        .idle_max_s = (uint32_t)SXP(idle_timeout),
        .flash_max = SX_FLASH_MAX,
        .flash_bytes = SX_FLASH_BYTES,
    };
    realm->user_key = sx_str_of(SXP(user_key));
    realm->encrypt = SXP(encrypt);
    request->may_send = true;
}

static const char *obey(sxp_request *request, const sx_ticket *ticket,
                        const sx_opened *opened)
{
    if (ticket->unavailable)
        return "httpd has no store for this session";
    request->realm = ticket->realm;
    request->realm.opened = opened;
    request->may_send = ticket->may_send_cookie;
    request->via_alias = ticket->via_alias;
    request->is_closed = ticket->is_closed;
    request->has_id = true;
    request->id = ticket->id;
    request->handle = ticket->handle;
    request->life = ticket->life;
    request->rules = ticket->rules;
    request->store = ticket->store;
    return NULL;
}

static const char *take_ticket(sxp_request *request, const char *text)
{
    sx_ticket ticket;
    sx_str sealed = sx_str_of(text);

    if (request->near)
        return obey(request, &request->near->ticket, &request->near->opened);

    /* httpd may have other keys since its last restart, and we not yet. */
    if (!sx_ticket_open(sx_place_keys(place), sealed, &ticket, &request->to,
                        request->pool) &&
        !(sx_place_reread_keys(place) &&
          sx_ticket_open(sx_place_keys(place), sealed, &ticket, &request->to,
                         request->pool)))
        return "the ticket of httpd does not open: session_ext.key_file must "
               "be its SessionExtKeyFile, as it is now";
    return obey(request, &ticket, NULL);
}

static const char *enter(sxp_request *request)
{
    const char *text = SXP(ticket);
    const char *why = sx_place_open(place);

    request->near = SXP(near);
    request->has_ticket = request->near || (text && *text);
    if (why)
        return why;
    if (request->has_ticket)
        why = take_ticket(request, text);
    else if (sxp_sapi_variable("SESSION_STATUS"))
        why = "SessionExtPHP is not on here, and httpd has another session";
    else
        stand_alone(request);
    if (!why)
        why = sx_place_enter(place, request->life, sx_place_now().boot_ms);
    if (why)
        return why;
    sx_place_obey(place, &request->rules);
    if (!request->near) /* else they are those of httpd */
        request->realm.scope.keys = sx_place_keys(place);
    request->realm.store = sx_place_store(place);
    request->realm.self = *sx_place_self(place);
    return NULL;
}

sxp_request *sxp_request_get(void)
{
    sxp_request *request = SXP(request);
    apr_pool_t *pool;
    const char *why;

    if (request)
        return request;
    if (!request_pool)
        apr_pool_create(&request_pool, module_pool);
    pool = request_pool;
    request = apr_pcalloc(pool, sizeof *request);
    request->pool = pool;
    SXP(request) = request;
    sxp_sapi_take_ticket();
    why = enter(request);
    if (why && request->store)
        why =
            apr_pstrcat(pool, why, "; that of httpd is ", request->store, NULL);
    request->outage = why ? apr_pstrdup(pool, why) : NULL;
    return request;
}

void sxp_request_over(void)
{
    sxp_request *request = SXP(request);

    if (SXP(ticket))
        efree(SXP(ticket));
    if (SXP(cookies))
        efree(SXP(cookies));
    SXP(ticket) = SXP(cookies) = NULL;
    SXP(near) = NULL;
    SXP(request) = NULL;
    if (!request)
        return;
    if (request->wire)
        zend_string_release(request->wire);
    apr_pool_clear(request_pool);
}

/* ---- load --------------------------------------------------------------- */

/* What session_id() says. */
static void name_session(sxp_request *request, const sx_id *id)
{
    if (*request->alias &&
        !memcmp(request->named, id->store_key, SX_STORE_KEY_LEN))
        return;
    memcpy(request->named, id->store_key, SX_STORE_KEY_LEN);
    sx_alias_of(id, request->alias);
}

static size_t candidates_of(const sxp_request *request,
                            sx_str candidates[SX_COOKIE_CANDIDATES])
{
    const char *cookies = sxp_sapi_cookies();

    return cookies ? sx_cookie_find(cookies, request->realm.scope.cookie_name,
                                    candidates)
                   : 0;
}

const char *sxp_request_peek(sxp_request *request)
{
    sx_str candidates[SX_COOKIE_CANDIDATES];
    size_t n = request->outage || request->has_id
                   ? 0
                   : candidates_of(request, candidates);
    sx_id id;

    if (request->id)
        id = *request->id;
    else if (n != 1 || !sx_id_verify(&id, candidates[0], &request->realm.scope))
        return NULL;
    name_session(request, &id);
    return request->alias;
}

static void mint(sxp_request *request)
{
    sx_id_mint(&request->fresh, &request->realm.scope);
    request->has_fresh = true;
    name_session(request, &request->fresh);
}

static void load(sxp_request *request)
{
    sx_str candidates[SX_COOKIE_CANDIDATES];
    sx_loaded *loaded = &request->loaded;

    if (request->id)
        sx_load_id(&request->realm, request->id, sx_place_now(), loaded,
                   request->pool);
    else
        sx_load(&request->realm, candidates,
                request->has_id ? 0 : candidates_of(request, candidates),
                sx_place_now(), loaded, request->pool);
    request->is_loaded = true;
}

bool sxp_request_load(sxp_request *request)
{
    sx_loaded *loaded = &request->loaded;

    if (!request->outage && !request->is_loaded) {
        load(request);
        if (loaded->status == SX_STATUS_ACTIVE) {
            loaded->via_alias |= request->via_alias;
            if (!request->renews)
                name_session(request, &loaded->id);
        }
        else if (!request->has_fresh) {
            mint(request);
        }
    }
    if (!request->outage && loaded->status != SX_STATUS_UNAVAILABLE)
        return true;
    php_error_docref(NULL, E_WARNING, "The session cannot be had: %s",
                     request->outage ? request->outage
                                     : sx_answer_str(loaded->outage));
    return false;
}

void sxp_request_renew(sxp_request *request)
{
    request->renews = true;
    mint(request);
}

/* ---- commit ------------------------------------------------------------- */

bool sxp_request_may_send(const sxp_request *request)
{
    return request->may_send &&
           (!SG(headers_sent) || SXP(in_headers) || !sxp_sapi_has_client());
}

static const char *const verdicts[] = {
    [SX_COMMIT_CONFLICT] = "it is at another version",
    [SX_COMMIT_FULL] = "the store is full",
    [SX_COMMIT_NOT_RENEWED] = "the store has no room for a new id",
    [SX_COMMIT_CONTENDED] = "too many write it at this moment",
    [SX_COMMIT_OUTAGE] = "the store could not be reached",
    [SX_COMMIT_UNKNOWN] = "the store's answer was lost, and nobody can tell",
    [SX_COMMIT_DENIED] = "its user has as many sessions as may be",
    [SX_COMMIT_NOT_ENDED] = "the store could not be reached",
};

/* A session that has ended meanwhile is no fault of this request. */
static bool judge(const sx_committed *done)
{
    const char *why = done->verdict == SX_COMMIT_REFUSED
                          ? done->why
                          : verdicts[done->verdict];

    if (done->verdict == SX_COMMIT_OK || done->verdict == SX_COMMIT_DROPPED)
        return true;
    php_error_docref(NULL, E_WARNING, "The session was not written: %s", why);
    return false;
}

/* What one commit after the other comes to. */
static void remember(sxp_request *request, const sx_committed *done)
{
    sx_committed *told = &request->told;

    told->created |= done->created;
    told->renewed |= done->renewed;
    told->destroyed |= done->destroyed;
    told->wrote |= done->wrote;
    told->logged_out |= done->logged_out;
    told->evicted += done->evicted;
    told->retries += done->retries;
    told->client_changed |= done->client_changed;
    told->old_id = done->old_id;
    if (done->handle)
        told->handle = done->handle;
    request->has_told |= done->created || done->renewed || done->destroyed ||
                         done->wrote || done->logged_out;
    if (done->cookie == SX_COOKIE_KEEP)
        return;
    request->has_told = true;
    told->cookie = done->cookie;
    told->id = done->id;
    told->persist = done->persist;
    told->hard_end_ms = done->hard_end_ms;
}

/* The client holds another id from here on, or none; an empty one counts. */
static void move_on(sxp_request *request, const sx_committed *done)
{
    if (done->cookie == SX_COOKIE_SEND) {
        request->has_id = true;
        request->id = apr_pmemdup(request->pool, &done->id, sizeof done->id);
    }
    else if (done->cookie == SX_COOKIE_DELETE || done->destroyed) {
        request->has_id = true;
        request->id = NULL;
    }
    if (done->cookie != SX_COOKIE_KEEP || done->destroyed)
        request->via_alias = false;
    if (done->wrote || done->destroyed || done->cookie != SX_COOKIE_KEEP)
        request->is_loaded = false;
    if (done->created || done->renewed) {
        request->renews = request->has_fresh = false;
        name_session(request, &done->id);
    }
}

static void take_wanted(sxp_request *request, sx_delta *delta)
{
    sx_delta *wanted = request->wanted;

    if (!wanted)
        return;
    request->wanted = NULL;
    for (int code = 0; code < SX_OP_COUNT; code++)
        for (int i = 0; wanted->ops[code] && i < wanted->ops[code]->nelts; i++)
            sx_delta_add(delta, APR_ARRAY_IDX(wanted->ops[code], i, sx_op));
    delta->claim = wanted->claim;
    delta->shown = wanted->shown;
}

bool sxp_request_commit(sxp_request *request, sx_delta *delta)
{
    bool may_send = sxp_request_may_send(request);
    const sx_commit_mode mode = {
        .may_send_cookie = may_send,
        .may_renew = may_send && !request->has_ticket,
    };
    sx_committed done;
    bool ok;

    if (!sxp_request_load(request))
        return false;
    take_wanted(request, delta);
    if (request->renews && request->loaded.status == SX_STATUS_ACTIVE)
        delta->renew = SX_RENEW;
    if (request->has_fresh)
        delta->fresh = &request->fresh;
    sx_commit(&request->realm, &request->loaded, delta, mode, sx_place_now(),
              &done, request->pool);
    ok = judge(&done);
    request->is_noted |= ok;
    request->has_told |= ok && (request->is_closed || request->near) &&
                         request->loaded.status == SX_STATUS_ACTIVE;
    remember(request, &done);
    move_on(request, &done);
    return ok;
}

bool sxp_request_is_unnoted(const sxp_request *request)
{
    return request->is_closed && request->is_loaded && !request->is_noted &&
           request->loaded.status == SX_STATUS_ACTIVE;
}

sx_delta *sxp_request_wanted(sxp_request *request)
{
    if (!request->wanted)
        request->wanted = sx_delta_create(request->pool);
    return request->wanted;
}

/* ---- the answer --------------------------------------------------------- */

/* In the way that httpd's module sends it: HttpOnly, and for this host. */
static const char *own_cookie(const sxp_request *request)
{
    const sx_committed *told = &request->told;
    const sx_cookie_attrs attrs = {
        .path = "/",
        .samesite = SX_LAX,
        .secure = sxp_sapi_is_secure(),
    };
    bool send = told->cookie == SX_COOKIE_SEND;
    const char *line;

    if (told->cookie == SX_COOKIE_KEEP)
        return NULL;
    line = sx_cookie_format(request->realm.scope.cookie_name,
                            send ? told->id.text : "", &attrs, send ? 0 : -1,
                            sx_place_now().wall_s, request->pool);
    return line ? apr_pstrcat(request->pool, "Set-Cookie: ", line, NULL) : NULL;
}

const char *sxp_request_answer(sxp_request *request)
{
    const char *reply;

    if (!request->has_told)
        return NULL;
    request->has_told = false;
    if (!request->has_ticket)
        return own_cookie(request);
    if (request->near) {
        request->near->done = request->told;
        request->near->is_answered = true;
        return NULL;
    }
    reply = sx_reply_make(request->realm.scope.keys, &request->to,
                          &request->told, request->pool);
    return apr_pstrcat(request->pool, SX_REPLY_HEADER ": ", reply, NULL);
}
