/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_php.h"

#include <string.h>
#include "mod_sx_commit.h"
#include "mod_sx_cookie.h"
#include "mod_sx_env.h"
#include "mod_sx_server.h"
#include "sx_near.h"

/* What was handed out: to whom, and what the reply is bound to. */
typedef struct mod_sx_php_ticket {
    mod_sx_visit *visit;
    sx_reply_to to;
    sx_near *near;  /* or it is here */
    bool has_aside; /* variables, while it is at hand */
} mod_sx_php_ticket;

/* ---- near --------------------------------------------------------------- */

/* Of the one thread of a process of prefork, as soon as somebody has asked. */
static bool has_taker;
static request_rec *at_hand; /* whose ticket is */

/* mod_php has httpd's variables put into the environment, which takes a third
 * of the time where there are none yet: ours go aside until it has begun.  What
 * a script includes by virtual() does not begin. */
static void put_aside(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);

    if (r->main || !part->vars ||
        apr_table_elts(r->subprocess_env)->nelts != part->vars->nelts ||
        !mod_sx_env_is_exposed(r))
        return;
    apr_table_clear(r->subprocess_env);
    part->ticket->has_aside = true;
}

void mod_sx_php_put_back(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);

    if (!part->ticket || !part->ticket->has_aside)
        return;
    part->ticket->has_aside = false;
    mod_sx_env_add(r);
}

static sx_near *session_ext_near_ticket(const sx_near_build *build)
{
    const sx_near_build ours = sx_near_build_of();
    request_rec *r = at_hand;

    if (!sx_near_same(build, &ours))
        return NULL;
    has_taker = true;
    at_hand = NULL;
    if (!r)
        return NULL;
    mod_sx_php_put_back(r);
    return mod_sx_part_of(r)->ticket->near;
}

void mod_sx_php_register(void)
{
    APR_REGISTER_OPTIONAL_FN(session_ext_near_ticket);
}

void mod_sx_php_forget(void)
{
    if (has_taker)
        at_hand = NULL;
}

/* mod_php runs in this process.  Of others the handler is a path. */
static bool is_near(const request_rec *r)
{
    return has_taker && r->handler &&
           !strcmp(r->handler, "application/x-httpd-php");
}

static sx_near *hold(const sx_ticket *ticket, const sx_loaded *loaded,
                     apr_pool_t *pool)
{
    sx_near *near = apr_pcalloc(pool, sizeof *near);

    near->ticket = *ticket;
    if (loaded->plain.p) {
        near->opened.token = loaded->meta.token;
        near->opened.plain = loaded->plain;
        memcpy(near->opened.store_key, loaded->id.store_key, SX_STORE_KEY_LEN);
    }
    return near;
}

/* ---- ticket ------------------------------------------------------------- */

static uint64_t life_of(const mod_sx_visit *visit)
{
    sx_store *store = visit->realm.store;

    return store && store->ops->life ? store->ops->life(store) : 0;
}

static sx_ticket ticket_of(request_rec *r, const mod_sx_visit *visit)
{
    const sx_loaded *loaded = &visit->loaded;
    const mod_sx_store_conf *conf = mod_sx_store_conf_of(visit->store_name);
    sx_ticket ticket = {
        .realm = visit->realm,
        .store = conf ? conf->path : "",
        .life = life_of(visit),
        .via_alias = loaded->via_alias,
        .unavailable = !visit->realm.store || visit->carried ||
                       loaded->status == SX_STATUS_UNAVAILABLE,
        .may_send_cookie = !mod_sx_part_of(r)->top->finished,
        .is_closed = loaded->is_closed,
    };

    if (conf)
        ticket.rules =
            (sx_place_rules){conf->on_full == SST_EVICT, conf->max_anonymous,
                             conf->max_namespace};
    if (loaded->status == SX_STATUS_ACTIVE) {
        ticket.id = &loaded->id;
        ticket.handle = loaded->meta.handle;
    }
    return ticket;
}

/* In the environment. */
static void send_ticket(request_rec *r, const sx_ticket *ticket,
                        sx_reply_to *to)
{
    const char *text = sx_ticket_make(ticket, to, r->pool);

    if (text)
        apr_table_setn(r->subprocess_env, SX_TICKET_VARIABLE, text);
    else
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "SessionExtPHP: a ticket would be longer than a "
                      "variable may be; PHP gets none");
}

void mod_sx_php_hand_out(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    mod_sx_visit *visit = part->visit;
    sx_ticket ticket;

    if (MOD_SX_OR(mod_sx_dir_of(r)->php, 0) != 1 || !visit ||
        !visit->realm.scope.keys)
        return;
    if (!visit->is_loaded)
        mod_sx_load_visit(r, visit);
    ticket = ticket_of(r, visit);
    part->ticket = apr_pcalloc(r->pool, sizeof *part->ticket);
    part->ticket->visit = visit;
    if (is_near(r)) {
        part->ticket->near = hold(&ticket, &visit->loaded, r->pool);
        at_hand = r;
        put_aside(r);
    }
    else {
        send_ticket(r, &ticket, &part->ticket->to);
    }
}

/* ---- reply -------------------------------------------------------------- */

static const char *take(apr_table_t *table, apr_pool_t *pool)
{
    const char *text = apr_table_getm(pool, table, SX_REPLY_HEADER);

    if (text)
        apr_table_unset(table, SX_REPLY_HEADER);
    return text;
}

/* A part of a page speaks for the page, as long as that has not begun. */
static void adopt(request_rec *r, mod_sx_visit *visit, sx_committed *done)
{
    request_rec *page = r;

    while (page->main)
        page = page->main;
    if (!mod_sx_part_of(r)->top->finished)
        mod_sx_cookie_send(page, visit, done, mod_sx_now(visit));
    mod_sx_commit_tell(r, done);
    /* For a commit what was loaded will do: it finds out by itself. */
    if (done->cookie == SX_COOKIE_KEEP && !r->main) {
        visit->is_stale |= done->wrote;
        visit->is_noted =
            !done->old_id && !done->destroyed && !visit->loaded.via_alias;
    }
    else {
        visit->is_loaded = visit->is_noted = false;
    }
}

int mod_sx_php_harvest(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    const char *out = take(r->headers_out, r->pool);
    const char *err = take(r->err_headers_out, r->pool);
    const char *text = out ? out : err;
    mod_sx_visit *visit = part->ticket ? part->ticket->visit : NULL;
    sx_committed done;

    mod_sx_php_put_back(r);
    if (visit && part->ticket->near && part->ticket->near->is_answered) {
        part->ticket->near->is_answered = false;
        adopt(r, visit, &part->ticket->near->done);
        return 1;
    }
    if (!text)
        return 0;
    if (!visit || part->ticket->near ||
        !sx_reply_open(&visit->realm.scope, &part->ticket->to, sx_str_of(text),
                       &done, r->pool)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "a header " SX_REPLY_HEADER
                      " was dropped: it is no reply to a ticket of this "
                      "request");
        return 0;
    }
    adopt(r, visit, &done);
    return 1;
}
