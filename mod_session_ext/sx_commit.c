/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways a commit can go (create, end, update, renew) and last the choice
 * between them.
 *
 * Every try of a commit works on a session of its own, in a pool that is
 * cleared when another writer was first.  Nothing is undone in place: a try
 * either became the record by one compare-and-put or it never happened.
 */
#include "sx_commit.h"

#include <string.h>
#include <apr_strings.h>
#include "sx_client.h"
#include "sx_renew.h"
#include "sx_retry.h"
#include "sx_user.h"

/* ---- commit: verdicts ----------------------------------------------- */

static void verdict_of(sx_committed *done, sx_answer answer)
{
    static const sx_verdict verdicts[] = {
        [SX_STORE_OK] = SX_COMMIT_OK,
        [SX_STORE_MISS] = SX_COMMIT_DROPPED,
        [SX_STORE_GONE] = SX_COMMIT_DROPPED,
        [SX_STORE_CHANGED] = SX_COMMIT_CONTENDED,
        [SX_STORE_FULL] = SX_COMMIT_FULL,
        [SX_STORE_TOOBIG] = SX_COMMIT_REFUSED,
        [SX_STORE_DAMAGED] = SX_COMMIT_DROPPED,
        [SX_STORE_BUSY] = SX_COMMIT_OUTAGE,
        [SX_STORE_UNAVAILABLE] = SX_COMMIT_OUTAGE,
        [SX_STORE_UNKNOWN] = SX_COMMIT_OUTAGE,
    };

    done->answer = answer;
    if (answer != SX_STORE_OK) /* else: as the data have it */
        done->verdict = verdicts[answer];
    if (answer == SX_STORE_TOOBIG)
        done->why = "the session is larger than a record of the store may be";
}

static void verdict_of_applied(sx_committed *done, sx_applied applied)
{
    static const sx_verdict verdicts[] = {
        [SX_APPLIED] = SX_COMMIT_OK,
        [SX_APPLY_VERSION] = SX_COMMIT_CONFLICT,
        [SX_APPLY_REFUSED] = SX_COMMIT_REFUSED,
    };

    done->verdict = verdicts[applied];
}

/* Apply the delta to the session of this try.  False: nothing of it may be
 * written; the verdict says why. */
static bool apply_delta(sx_attempt *a, bool exists)
{
    sx_applied applied = sx_delta_apply(a->delta, a->at.session, exists,
                                        &a->realm->limits, &a->change);

    verdict_of_applied(a->done, applied);
    if (applied == SX_APPLIED)
        return true;
    if (a->change.why)
        a->done->why = apr_pstrdup(a->delta->pool, a->change.why);
    a->change = (sx_change){0};
    return false;
}

/* ---- commit: create ----------------------------------------------------- */

/* False: there is nothing to put. */
static bool prepare_create(sx_attempt *a)
{
    sx_attempt_begin(a);
    if (!apply_delta(a, false))
        return false;
    a->reserves = a->delta->reserve && !(a->change.data || a->change.other);
    if (!a->reserves &&
        (!(a->change.data || a->change.other) || !sx_delta_creates(a->delta)))
        return false;
    if (!a->mode.may_send_cookie) {
        a->done->verdict = SX_COMMIT_REFUSED;
        a->done->why = "a session cannot begin after the headers have left";
        return false;
    }
    a->logs_in = sx_session_user(a->at.session, a->realm->user_key).len > 0;
    if (a->logs_in)
        a->at.session->login_s = a->now.wall_s;
    return true;
}

static void commit_create(sx_attempt *a)
{
    sx_answer answer;

    do {
        if (!prepare_create(a))
            return;
        answer = sx_attempt_put_fresh(a);
    } while (answer == SX_STORE_CHANGED);
    if (answer == SX_STORE_OK)
        answer = sx_attempt_settle(a);
    verdict_of(a->done, answer);
    if (a->claim.denied)
        a->done->verdict = SX_COMMIT_DENIED;
    if (answer == SX_STORE_OK) {
        a->done->created = a->done->wrote = true;
        sx_attempt_send(a, &a->fresh);
    }
}

/* ---- commit: end -------------------------------------------------------- */

static void commit_end(sx_attempt *a, const sx_loaded *loaded)
{
    sx_answer answer = SX_STORE_MISS;

    if (loaded->status == SX_STATUS_UNAVAILABLE)
        answer = loaded->outage;
    else if (loaded->status == SX_STATUS_ACTIVE)
        answer = sx_record_end(a->realm, &loaded->id, a->now, a->pool);
    if (loaded->status != SX_STATUS_NONE)
        a->done->cookie = SX_COOKIE_DELETE;
    a->done->answer = answer;
    a->done->destroyed = answer == SX_STORE_OK;
    if (sx_answer_is_outage(answer) || answer == SX_STORE_CHANGED)
        a->done->verdict = SX_COMMIT_NOT_ENDED;
}

/* ---- commit: update and renew ------------------------------------------- */

static sx_answer write_in_place(sx_attempt *a)
{
    sx_answer answer = sx_attempt_put(a);

    if (answer == SX_STORE_OK)
        a->done->wrote = true;
    return answer;
}

/* A touch that is lost costs the session one interval of its idle time, not
 * its data: it fails no request. */
static void note_access(sx_attempt *a)
{
    const sx_realm *realm = a->realm;
    sx_answer answer;

    if (!sx_lifetime_touch_due(&realm->times, a->at.session, &a->at.meta,
                               a->now.boot_ms))
        return;
    answer = realm->store->ops->touch(
        realm->store, a->at.id.store_key,
        sx_lifetime_end(&realm->times, a->at.session, a->at.meta.hard_end_ms,
                        a->now.boot_ms),
        a->now.boot_ms);
    if (sx_answer_is_outage(answer))
        sx_log(SX_LOG_INFO, "an access could not be noted (%s)",
               sx_answer_str(answer));
}

static bool has_old_id(const sx_attempt *a)
{
    const sx_realm *realm = a->realm;

    return sx_lifetime_renew_due(&realm->times, a->at.session,
                                 a->now.boot_ms) ||
           a->at.id.kid != sx_keys_first(realm->scope.keys);
}

static bool renewal_due(const sx_attempt *a)
{
    return a->mode.may_renew && a->mode.may_send_cookie && has_old_id(a);
}

/* Which write this try needs: none, in place, or one of the renewals. */
static sx_answer write_session(sx_attempt *a, sx_renewal renewal)
{
    sx_answer answer;

    if (renewal != SX_KEEP_ID)
        return sx_renew_now(a);
    if (renewal_due(a)) {
        answer = sx_renew_silently(a);
        /* No room for two: the id can wait, the data cannot. */
        if (answer != SX_STORE_FULL)
            return answer;
        a->at.session->id_born_ms = a->now.boot_ms;
    }
    if (a->change.data || a->change.other)
        return write_in_place(a);
    note_access(a);
    return SX_STORE_OK;
}

/* What the delta is applied to: a copy of what this try has read or, with
 * Session-Renew: discard, a session that begins now at its next version. */
static void start_from(sx_attempt *a, const sx_found *read)
{
    a->at = *read;
    if (a->delta->renew != SX_RENEW_DISCARD) {
        a->at.session = sx_session_clone(read->session, a->pool);
        return;
    }
    sx_attempt_begin(a);
    a->at.meta.token = read->meta.token;
    a->at.meta.user_tag = read->meta.user_tag;
    a->at.session->version = read->session->version;
}

/* Apply the delta to what this try has read and say which renewal it takes.
 * Data that may not be applied leaves the session as it was: a Renew beside it
 * is honoured all the same, and the claim settled.  After a conflict nobody
 * sees the page. */
static sx_renewal change_session(sx_attempt *a)
{
    sx_found read = a->at;
    sx_renewal renewal = a->delta->renew;
    sx_str user,
        user_before = sx_session_user(read.session, a->realm->user_key);

    start_from(a, &read);
    a->change = (sx_change){0};
    if (a->claim.denied || !apply_delta(a, true)) {
        start_from(a, &read);
        a->change.other = sx_delta_settle(
            a->delta, a->at.session,
            a->claim.denied || a->done->verdict == SX_COMMIT_CONFLICT);
    }
    user = sx_session_user(a->at.session, a->realm->user_key);
    a->new_user = !sx_str_eq(user, user_before);
    a->logs_in = user.len && (a->new_user || renewal == SX_RENEW_DISCARD);
    a->at.session->seat = a->new_user ? 0 : read.session->seat;
    if (renewal == SX_RENEW_DISCARD)
        a->at.session->version = read.session->version + 1;
    else if (!a->new_user)
        return renewal;
    if (user.len)
        a->at.session->login_s = a->now.wall_s;
    return renewal == SX_KEEP_ID ? SX_RENEW : renewal;
}

/* All of its user may have been ended meanwhile, but not by us.  A write in
 * place sees that by itself where the store can compare both. */
static sx_answer check_epoch(sx_attempt *a, const sx_found *before,
                             sx_renewal renewal)
{
    sx_found now = *before;

    if (a->delta->logout)
        return SX_STORE_OK;
    a->epoch_by_put = before->has_epoch && before->meta.kind == SX_USER &&
                      a->realm->store->ops->put_if_epoch &&
                      renewal == SX_KEEP_ID && !renewal_due(a) &&
                      (a->change.data || a->change.other);
    now.has_epoch = a->epoch_by_put;
    return sx_epoch_check(a->realm, &now, a->now, a->pool);
}

static sx_answer update_once(sx_attempt *a)
{
    const sx_found before = a->at;
    const bool was_denied = a->claim.denied;
    sx_renewal renewal = change_session(a);
    sx_answer answer;

    if (renewal != SX_KEEP_ID && !a->mode.may_send_cookie) {
        a->done->verdict = SX_COMMIT_REFUSED;
        a->done->why = "an id cannot be renewed after the headers have left";
        return SX_STORE_OK;
    }
    a->must_renew = renewal != SX_KEEP_ID;
    a->client_changed = sx_client_changed(a->realm, &before.id, before.session);
    a->change.other |= a->client_changed != 0;
    answer = check_epoch(a, &before, renewal);
    if (answer == SX_STORE_OK)
        answer = sx_registry_check(a->realm, &before, a->now, a->pool);
    if (answer == SX_STORE_OK)
        answer = write_session(a, renewal);
    if (a->done->wrote)
        a->done->client_changed = a->client_changed;
    if (a->claim.denied && answer == SX_STORE_FULL) {
        bool rest = a->delta->renew != SX_KEEP_ID || a->delta->claim != 0;

        /* Once more, for what it asks for beside the log-in. */
        a->done->verdict = SX_COMMIT_DENIED;
        answer = rest && !was_denied ? SX_STORE_CHANGED : SX_STORE_OK;
    }
    if (answer != SX_STORE_OK || a->done->renewed || !a->mode.may_send_cookie)
        return answer;
    /* The client still holds the old id, or a cookie of the other life. */
    if ((a->at.via_alias && (a->mode.may_renew || a->done->wrote)) ||
        a->at.session->persist != before.session->persist)
        sx_attempt_send(a, &a->at.id);
    return answer;
}

static sx_answer update_try(void *baton, unsigned i)
{
    sx_attempt *a = baton;
    const sx_loaded *loaded = a->loaded;
    sx_answer answer = SX_STORE_OK;

    a->done->retries = i;
    if (i > 0) {
        apr_pool_clear(a->pool);
        a->at = (sx_found){.id = loaded->id, .via_alias = loaded->via_alias};
        answer = sx_record_read(a->realm, &a->at, SX_COMMIT_GRACE_MS, a->now,
                                a->pool);
    }
    return answer == SX_STORE_OK ? update_once(a) : answer;
}

static void commit_update(sx_attempt *a)
{
    sx_answer answer =
        sx_retry(a->realm->store, a->loaded->id.store_key, update_try, a);

    if (answer != SX_STORE_OK)
        verdict_of(a->done, answer);
    if (answer == SX_STORE_UNKNOWN && a->in_doubt)
        a->done->verdict = SX_COMMIT_UNKNOWN;
    /* A log-out that is not done must not look as if it were. */
    if (a->done->verdict == SX_COMMIT_FULL && a->must_renew)
        a->done->verdict = SX_COMMIT_NOT_RENEWED;
    /* No room to note another client is no loss to anybody, nor is a new id
     * that may or may not have been made: the old one leads to it. */
    if ((a->done->verdict == SX_COMMIT_FULL ||
         a->done->verdict == SX_COMMIT_UNKNOWN) &&
        !sx_delta_asks(a->delta))
        a->done->verdict = SX_COMMIT_OK;
    if (a->done->verdict != SX_COMMIT_DROPPED)
        return;
    /* A session that is gone is not at that version either. */
    if (a->delta->has_if_version)
        a->done->verdict = SX_COMMIT_CONFLICT;
    else if (!sx_delta_has_data(a->delta) && a->delta->renew == SX_KEEP_ID)
        a->done->verdict = SX_COMMIT_OK;
}

/* ---- commit ------------------------------------------------------------- */

static void commit_data(sx_attempt *a, const sx_loaded *loaded)
{
    if (loaded->status == SX_STATUS_ACTIVE)
        commit_update(a);
    else if (loaded->status != SX_STATUS_UNAVAILABLE)
        commit_create(a);
    else if (sx_delta_has_data(a->delta) || a->delta->renew != SX_KEEP_ID)
        verdict_of(a->done, loaded->outage);
}

static void commit_destroy(sx_attempt *a, const sx_loaded *loaded,
                           apr_pool_t *pool)
{
    bool active = loaded->status == SX_STATUS_ACTIVE;
    uint64_t version = active ? loaded->session->version : 0;
    sx_applied applied;
    const sx_delta *farewell =
        sx_delta_farewell(a->delta, version, &applied, &a->done->why, pool);

    verdict_of_applied(a->done, applied);
    if (farewell && loaded->status != SX_STATUS_UNAVAILABLE) {
        a->delta = farewell;
        commit_data(a, loaded);
        a->done->destroyed = a->done->renewed;
        if (a->done->cookie == SX_COOKIE_SEND)
            return;
        /* No room for the farewell: the end comes first. */
        a->done->verdict = SX_COMMIT_OK;
    }
    commit_end(a, loaded);
}

/* False: and that is all of this commit, its verdict says why. */
static bool commit_logout(sx_attempt *a, const sx_loaded *loaded)
{
    sx_answer answer = SX_STORE_MISS;

    if (loaded->status == SX_STATUS_UNAVAILABLE)
        answer = loaded->outage;
    else if (loaded->status == SX_STATUS_ACTIVE)
        answer = sx_registry_check(a->realm, &a->at, a->now, a->pool);
    if (answer == SX_STORE_OK)
        answer = sx_user_logout(a->realm, &a->at, !a->delta->destroy, a->now,
                                a->pool);
    a->done->logged_out = answer == SX_STORE_OK;
    if (answer == SX_STORE_OK || answer == SX_STORE_MISS)
        return true;
    verdict_of(a->done, answer);
    if (a->done->verdict == SX_COMMIT_DROPPED)
        return a->delta->destroy;
    a->done->verdict = SX_COMMIT_NOT_ENDED;
    a->done->cookie = SX_COOKIE_DELETE;
    return false;
}

/* Most requests have none: they only note the access. */
static bool has_work(const sx_attempt *a, const sx_loaded *loaded)
{
    return sx_delta_asks(a->delta) ||
           (loaded->status == SX_STATUS_ACTIVE &&
            (loaded->via_alias || renewal_due(a) ||
             sx_client_changed(a->realm, &a->at.id, a->at.session)));
}

void sx_commit(const sx_realm *realm, const sx_loaded *loaded,
               const sx_delta *delta, sx_commit_mode mode, sx_now now,
               sx_committed *done, apr_pool_t *pool)
{
    sx_attempt a = {
        .realm = realm,
        .loaded = loaded,
        .delta = delta,
        .mode = mode,
        .now = now,
        .done = done,
        .at = {.id = loaded->id,
               .meta = loaded->meta,
               .session = loaded->session,
               .via_alias = loaded->via_alias,
               .has_epoch = loaded->has_epoch,
               .epoch = loaded->epoch},
    };

    memset(done, 0, sizeof *done);
    done->handle = loaded->meta.handle;
    done->old_id = loaded->status == SX_STATUS_ACTIVE && has_old_id(&a) &&
                   !renewal_due(&a);
    if (!has_work(&a, loaded)) {
        if (loaded->status == SX_STATUS_ACTIVE) {
            note_access(&a);
            sx_attempt_carry(&a);
        }
        return;
    }
    apr_pool_create(&a.pool, pool);
    if (!delta->logout || commit_logout(&a, loaded)) {
        if (delta->destroy)
            commit_destroy(&a, loaded, pool);
        else
            commit_data(&a, loaded);
    }
    if (a.claim.tag && !done->created && !done->renewed)
        sx_registry_leave(realm, &a.claim, now, a.pool);
    sx_attempt_carry(&a);
    if (done->created)
        done->handle = a.at.meta.handle;
    sx_wipe(&a.fresh, sizeof a.fresh);
    apr_pool_destroy(a.pool);
}
