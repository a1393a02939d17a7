/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_php.h"

#include "mod_sx_commit.h"
#include "mod_sx_cookie.h"
#include "mod_sx_server.h"
#include "sx_ticket.h"

/* What was handed out: to whom, and how the answer is sealed. */
typedef struct mod_sx_php_ticket {
    mod_sx_visit *visit;
    unsigned char reply_key[SX_SECRET_LEN];
} mod_sx_php_ticket;

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
    };

    if (conf)
        ticket.rules =
            (sx_place_rules){conf->on_full == SST_EVICT, conf->max_anonymous,
                             conf->max_namespace};
    if (loaded->status == SX_STATUS_ACTIVE) {
        ticket.token = (sx_str){loaded->id.text, SX_ID_LEN};
        ticket.id = &loaded->id;
    }
    sx_random(ticket.reply_key, sizeof ticket.reply_key);
    return ticket;
}

void mod_sx_php_hand_out(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    mod_sx_visit *visit = part->visit;
    const char *text;
    sx_ticket ticket;

    if (MOD_SX_OR(mod_sx_dir_of(r)->php, 0) != 1 || !visit ||
        !visit->realm.scope.keys)
        return;
    mod_sx_load_visit(r, visit);
    ticket = ticket_of(r, visit);
    text = sx_ticket_make(&ticket, r->pool);
    if (!text) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "SessionExtPHP: a ticket would be longer than a "
                      "variable may be; PHP gets none");
        return;
    }
    part->ticket = apr_palloc(r->pool, sizeof *part->ticket);
    part->ticket->visit = visit;
    memcpy(part->ticket->reply_key, ticket.reply_key, SX_SECRET_LEN);
    apr_table_setn(r->subprocess_env, SX_TICKET_VARIABLE, text);
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
    if (done->cookie == SX_COOKIE_KEEP && !r->main)
        visit->is_stale = true;
    else
        visit->is_loaded = false;
}

int mod_sx_php_harvest(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    const char *out = take(r->headers_out, r->pool);
    const char *err = take(r->err_headers_out, r->pool);
    const char *text = out ? out : err;
    mod_sx_visit *visit = part->ticket ? part->ticket->visit : NULL;
    sx_committed done;

    if (!text)
        return 0;
    if (!visit || !sx_reply_open(part->ticket->reply_key, &visit->realm.scope,
                                 sx_str_of(text), &done, r->pool)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "a header " SX_REPLY_HEADER
                      " was dropped: it is no reply to a ticket of this "
                      "request");
        return 0;
    }
    adopt(r, visit, &done);
    return 1;
}
