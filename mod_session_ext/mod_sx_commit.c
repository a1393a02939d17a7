/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_commit.h"

#include <inttypes.h>
#include <string.h>
#include "mod_sx_caching.h"
#include "mod_sx_cookie.h"
#include "mod_sx_flash.h"
#include "mod_sx_headers.h"
#include "mod_sx_php.h"
#include "mod_sx_seal.h"
#include "mod_sx_session_bridge.h"
#include "mod_sx_status.h"
#include "sx_client.h"
#include "sx_flash.h"
#include "sx_store_cookie.h"

/* ---- what the log and the client are told ------------------------------- */

void mod_sx_commit_tell(request_rec *r, const sx_committed *done)
{
    const char *event = done->created     ? "created"
                        : done->destroyed ? "ended"
                        : done->renewed   ? "renewed"
                                          : NULL;

    mod_sx_count(MOD_SX_COUNT_created, done->created);
    mod_sx_count(MOD_SX_COUNT_renewed, done->renewed);
    mod_sx_count(MOD_SX_COUNT_ended, done->destroyed);
    mod_sx_count(MOD_SX_COUNT_retries, done->retries);
    mod_sx_count(MOD_SX_COUNT_logouts, done->logged_out);
    mod_sx_count(MOD_SX_COUNT_evicted, done->evicted);
    mod_sx_count(MOD_SX_COUNT_rebound, done->client_changed != 0);
    if (event)
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "session %016" PRIx64 " %s",
                      done->handle, event);
    if (done->client_changed)
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "session %016" PRIx64 ": its client has another %s",
                      done->handle, sx_client_str(done->client_changed));
    if (done->evicted)
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "session %016" PRIx64
                      " logged in: %u older of its user ended for it",
                      done->handle, done->evicted);
    if (done->logged_out)
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "session %016" PRIx64
                      ": all %ssessions of its user ended",
                      done->handle, done->destroyed ? "" : "other ");
}

/* What a verdict comes to: counted, told in the log, answered. */
typedef struct telling {
    mod_sx_counter counter;
    int level;
    int status;
    const char *what;
} telling;

static const telling tellings[] = {
    [SX_COMMIT_CONFLICT] = {MOD_SX_COUNT_conflicts, APLOG_INFO, HTTP_CONFLICT,
                            "Session-If-Version: the session is at another "
                            "version; nothing was applied"},
    [SX_COMMIT_REFUSED] = {MOD_SX_COUNT_refused, APLOG_ERR, OK,
                           "session commands refused, nothing was applied: "},
    [SX_COMMIT_DROPPED] = {MOD_SX_COUNT_dropped, APLOG_INFO, OK,
                           "session commands dropped: the session has ended "
                           "since the request began"},
    [SX_COMMIT_FULL] = {MOD_SX_COUNT_full, APLOG_ERR, OK,
                        "session commands lost: the store is full"},
    [SX_COMMIT_NOT_RENEWED] = {MOD_SX_COUNT_full, APLOG_ERR,
                               HTTP_SERVICE_UNAVAILABLE,
                               "session commands lost: the store has no room "
                               "for a new id"},
    [SX_COMMIT_CONTENDED] = {MOD_SX_COUNT_contended, APLOG_ERR,
                             HTTP_SERVICE_UNAVAILABLE,
                             "session commands not applied: too many writers "
                             "of one session"},
    [SX_COMMIT_OUTAGE] = {MOD_SX_COUNT_lost, APLOG_ERR, OK,
                          "session commands lost: the store could not be "
                          "reached "},
    [SX_COMMIT_UNKNOWN] = {MOD_SX_COUNT_unknown, APLOG_ERR,
                           HTTP_SERVICE_UNAVAILABLE,
                           "session commands in doubt, and not tried again: "
                           "the store's answer was lost "},
    [SX_COMMIT_DENIED] = {MOD_SX_COUNT_denied, APLOG_NOTICE, HTTP_FORBIDDEN,
                          "log-in refused, nothing was applied: its user has "
                          "as many sessions as SessionExtMaxPerUser allows"},
    [SX_COMMIT_NOT_ENDED] = {MOD_SX_COUNT_lost, APLOG_ERR,
                             HTTP_SERVICE_UNAVAILABLE,
                             "a session could not be ended: the store could "
                             "not be reached "},
};

/* What went wrong is told once, here, and to the client only by status. */
static int answer_of(request_rec *r, const sx_committed *done)
{
    const telling *tell = &tellings[done->verdict];
    bool outage = done->verdict == SX_COMMIT_OUTAGE;
    const char *detail = "";

    if (done->verdict == SX_COMMIT_OK)
        return OK;
    if (done->verdict == SX_COMMIT_REFUSED)
        detail = done->why;
    else if (outage || done->verdict == SX_COMMIT_NOT_ENDED ||
             done->verdict == SX_COMMIT_UNKNOWN)
        detail =
            apr_pstrcat(r->pool, "(", sx_answer_str(done->answer), ")", NULL);
    mod_sx_count(tell->counter, 1);
    ap_log_rerror(APLOG_MARK, tell->level, 0, r, "%s%s", tell->what, detail);
    if (outage && MOD_SX_OR(mod_sx_dir_of(r)->refuse_on_outage, 0) == 1)
        return HTTP_SERVICE_UNAVAILABLE;
    return tell->status;
}

/* ---- one visit ---------------------------------------------------------- */

static void commit_visit(request_rec *r, mod_sx_visit *visit,
                         sx_commit_mode mode, sx_committed *done)
{
    mod_sx_top *top = mod_sx_part_of(r)->top;
    sx_now now = mod_sx_now(visit);

    memset(done, 0, sizeof *done);
    if (!visit->realm.store &&
        (visit->delta->destroy || visit->delta->logout)) {
        done->verdict = SX_COMMIT_NOT_ENDED;
        done->answer = SX_STORE_UNAVAILABLE;
        done->cookie = SX_COOKIE_DELETE;
    }
    else if (!visit->realm.store) {
        done->answer = SX_STORE_UNAVAILABLE;
        done->verdict =
            sx_delta_has_data(visit->delta) ? SX_COMMIT_OUTAGE : SX_COMMIT_OK;
    }
    else {
        if (visit->carried)
            sx_store_cookie_may_send(visit->realm.store, mode.may_send_cookie);
        sx_commit(&visit->realm, &visit->loaded, visit->delta, mode, now, done,
                  top->pool);
    }
    if (mode.may_send_cookie)
        mod_sx_cookie_send(r, visit, done, now);
    mod_sx_commit_tell(r, done);
    visit->delta = sx_delta_create(top->pool);
}

/* ---- what this response may do ------------------------------------------ */

static bool is_page(request_rec *r)
{
    const mod_sx_part *part = mod_sx_part_of(r);
    const char *dest = apr_table_get(r->headers_in, "Sec-Fetch-Dest");

    return part->app_ran && !part->is_file &&
           (!dest || mod_sx_flash_is_page_dest(dest) ||
            !strcasecmp(dest, "empty"));
}

/* ---- what becomes of the messages that a request has taken --------------- */

/* Was that said to the store?  If not it is tried once more at the end of the
 * request. */
static bool flash_is_settled(mod_sx_visit *visit, const sx_committed *done)
{
    switch (done->verdict) {
    case SX_COMMIT_OK:
    case SX_COMMIT_CONFLICT:
    case SX_COMMIT_REFUSED:
    case SX_COMMIT_DROPPED:
        visit->claim = 0;
        break;
    case SX_COMMIT_DENIED:
        visit->claim = done->wrote ? 0 : visit->claim;
        break;
    case SX_COMMIT_FULL:
    case SX_COMMIT_NOT_RENEWED:
    case SX_COMMIT_CONTENDED:
    case SX_COMMIT_OUTAGE:
    case SX_COMMIT_UNKNOWN:
    case SX_COMMIT_NOT_ENDED:
        break;
    }
    return visit->claim == 0;
}

/* Commit what a response asks for and what its messages came to: of these alone
 * no page need fail. */
static int commit_and_answer(request_rec *r, mod_sx_visit *visit,
                             sx_commit_mode mode, sx_committed *done)
{
    bool asked = sx_delta_asks(visit->delta);

    visit->delta->claim = visit->claim;
    visit->delta->shown = visit->shown;
    commit_visit(r, visit, mode, done);
    return flash_is_settled(visit, done) || asked ? answer_of(r, done) : OK;
}

/* ---- the three moments -------------------------------------------------- */

static bool asks(const mod_sx_visit *visit)
{
    return sx_delta_asks(visit->delta) || mod_sx_bridge_is_changed(visit);
}

/* What is to be committed, now that the app has answered: of a 5xx no data, but
 * what modules have changed. */
static void complete_delta(request_rec *r, mod_sx_visit *visit)
{
    mod_sx_load_visit(r, visit);
    if (r->status >= 500)
        sx_delta_drop_data(visit->delta);
    mod_sx_bridge_harvest(visit);
}

/* A subrequest speaks after the page's headers have left (SSI), or before the
 * page commits: then its commands wait for that. */
static void commit_subrequest(request_rec *r, mod_sx_visit *visit)
{
    sx_commit_mode mode = {0};
    sx_committed done;

    if (!mod_sx_part_of(r)->top->finished || !asks(visit))
        return;
    complete_delta(r, visit);
    commit_visit(r, visit, mode, &done);
    answer_of(r, &done);
}

/* Sessions of other scopes that subrequests have met before the page. */
static void commit_others(request_rec *r, const mod_sx_visit *main_visit)
{
    sx_commit_mode mode = {.may_send_cookie = true};
    sx_committed done;

    for (mod_sx_visit *v = mod_sx_part_of(r)->top->visits; v; v = v->next) {
        if (v == main_visit)
            continue;
        /* A redirect has left the scope of whoever took messages. */
        v->shown = false;
        if (!v->claim && !sx_delta_asks(v->delta))
            continue;
        mod_sx_load_visit(r, v);
        commit_and_answer(r, v, mode, &done);
    }
}

/* Has PHP done what there was to do? */
static bool is_done(const mod_sx_visit *visit)
{
    return visit->is_noted && !visit->claim && !asks(visit);
}

static int commit_page(request_rec *r, mod_sx_visit *visit)
{
    bool first = !mod_sx_part_of(r)->committed;
    sx_commit_mode mode = {.may_send_cookie = true,
                           .may_renew = first && is_page(r)};
    sx_committed done;
    int status;

    if (is_done(visit)) {
        mod_sx_cookie_drop_foreign(r, visit);
        visit->is_loaded = !visit->is_stale;
        return OK;
    }
    complete_delta(r, visit);
    if (first)
        visit->shown = mod_sx_flash_was_shown(r, visit);
    mod_sx_cookie_drop_foreign(r, visit);
    status = commit_and_answer(r, visit, mode, &done);
    visit->shown &= status == OK;
    /* What is included from here on sees what was written. */
    visit->is_loaded =
        !done.wrote && done.cookie == SX_COOKIE_KEEP && !visit->is_stale;
    visit->is_stale = false;
    return status;
}

/* Behind the commit: what the app sets is sealed, caches are told. */
static void finish_headers(request_rec *r, const mod_sx_visit *visit,
                           bool may_reissue)
{
    mod_sx_seal_send(r, may_reissue);
    mod_sx_caching_apply(r, visit);
}

int mod_sx_commit_response(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    mod_sx_visit *visit = mod_sx_visit_of(r);
    int status = OK;
    /* A CGI may call its answer 103: no interim response is obeyed. */
    int found =
        mod_sx_php_harvest(r) +
        mod_sx_harvest(r, visit && r->status >= 200 ? visit->delta : NULL);

    if (r->main) {
        if (visit)
            commit_subrequest(r, visit);
        /* mod_cache keeps the answers of subrequests, too. */
        finish_headers(r, visit, false);
        part->committed = true;
        return OK;
    }
    if (part->committed && !found) {
        /* Between our two filters mod_headers may have said otherwise. */
        finish_headers(r, visit, false);
        return OK;
    }
    mod_sx_cookie_restore(r);
    commit_others(r, visit);
    if (visit)
        status = commit_page(r, visit);
    finish_headers(r, visit, !part->committed && is_page(r));
    part->committed = true;
    part->top->finished = true;
    return status;
}

int mod_sx_commit_redirected(request_rec *r)
{
    mod_sx_visit *visit = mod_sx_visit_of(r);
    int found =
        mod_sx_php_harvest(r) + mod_sx_harvest(r, visit ? visit->delta : NULL);
    sx_commit_mode mode = {.may_send_cookie = true};
    sx_committed done;
    int status = OK;

    /* The target may lie where these cookies' names mean nothing. */
    if (visit)
        mod_sx_cookie_drop_foreign(r, visit);
    if (visit && (found || asks(visit))) {
        complete_delta(r, visit);
        commit_visit(r, visit, mode, &done);
        status = answer_of(r, &done);
        /* The target sees what was written. */
        visit->is_loaded = false;
    }
    /* Even a plain file is personal if the session decided that it comes. */
    finish_headers(r, visit, false);
    return status;
}

/* Nothing was asked for: the access. */
static void note_late(request_rec *r, mod_sx_visit *visit)
{
    sx_commit_mode mode = {0};
    sx_committed done;

    mod_sx_load_visit(r, visit);
    commit_visit(r, visit, mode, &done);
}

/* What modules have asked for, of a response that has passed no filter. */
static void commit_late(request_rec *r, mod_sx_visit *visit)
{
    sx_commit_mode mode = {0};
    sx_committed done;

    mod_sx_load_visit(r, visit);
    commit_visit(r, visit, mode, &done);
    answer_of(r, &done);
}

/* The last time that anybody can give them back, or say that they were shown;
 * then only the end of this process does. */
static void settle_late(request_rec *r, mod_sx_visit *visit)
{
    sx_commit_mode mode = {0};
    sx_committed done;

    mod_sx_load_visit(r, visit);
    commit_and_answer(r, visit, mode, &done);
    if (visit->claim)
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "flash messages of a page stay with this process, and "
                      "are shown by no other for %d minutes: the session "
                      "could not be written (%s)",
                      (int)(SX_FLASH_LOST_MS / 60000),
                      sx_answer_str(done.answer));
}

void mod_sx_commit_unfinished(request_rec *r)
{
    mod_sx_top *top = mod_sx_part_of(r)->top;

    for (mod_sx_visit *v = top->visits; v; v = v->next) {
        if (!top->finished)
            v->shown = mod_sx_flash_went_around(r);
        mod_sx_bridge_harvest(v);
        if (v->claim)
            settle_late(r, v);
        else if (sx_delta_asks(v->delta))
            commit_late(r, v);
        else if (!top->finished && v->is_loaded && !is_done(v) &&
                 v->loaded.status == SX_STATUS_ACTIVE)
            note_late(r, v);
    }
}
