/* SPDX-License-Identifier: Apache-2.0 */
/* A limit of sessions per user: who goes for whom, who counts, who is refused.
 * Interleavings are seats_race.c's. */
#include "stage.h"

static stage at;

static void limit(unsigned max, bool deny)
{
    at.realm.per_user = (sx_per_user){max, deny};
}

static const char *log_in(const char *user)
{
    return begin(&at,
                 apr_psprintf(at.pool, "Session-Set: user=%s&cart=3", user));
}

static sx_committed *try_log_in(const char *cookie, const char *user)
{
    return request(&at, cookie,
                   apr_psprintf(at.pool, "Session-Set: user=%s", user));
}

static bool denied(const sx_committed *done)
{
    return done->verdict == SX_COMMIT_DENIED &&
           done->cookie == SX_COOKIE_KEEP && !done->created && !done->renewed;
}

static void test_oldest_goes(void)
{
    const char *first, *second, *third, *bert, *nobody;
    long long before = records(&at);
    sx_committed *done;

    limit(2, false);
    bert = log_in("bert");
    nobody = begin(&at, "Session-Set: cart=1");
    first = log_in("alice");
    second = log_in("alice");
    ok(alive(&at, first) && alive(&at, second), "as many as the limit live");
    done = try_log_in(NULL, "alice");
    third = done->id.text;
    ok(dead(&at, first), "one more ends the one that logged in first");
    ok(alive(&at, second) && alive(&at, third), "the others live");
    is_int(done->evicted, 1, "and the commit says that one had to go");
    ok(alive(&at, bert) && alive(&at, nobody),
       "nobody of another user, or of none");
    is_int(records(&at), before + 4 + 2,
           "its record is gone: four sessions and two registries are left");
    request(&at, second, "Session-Set: a=1");
    done = try_log_in(nobody, "alice");
    ok(dead(&at, second) && alive(&at, third) && alive(&at, done->id.text),
       "to be in use saves nobody: the log-in counts");
}

static void test_slow(void)
{
    static const char *const asked[] = {
        "",
        "Session-Set: a=1",
        "Session-Incr: n=1",
        "Session-Unset: user",
        "Session-Set: user=eve",
        "Session-Renew: on",
        "Session-Renew: discard",
        "Session-Renew: discard | Session-Set: user=dora",
        "Session-Flash: info=late",
        "Session-Logout: others",
        "Session-Logout: all",
        "Session-Destroy: on",
    };

    limit(1, false);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const char *old = log_in("dora"), *mine;
        sx_loaded *slow = load(&at, old);
        long long before;
        sx_committed *done;

        mine = log_in("dora");
        before = records(&at);
        done = commit(&at, slow, asked[i]);
        ok(done->cookie != SX_COOKIE_SEND && !done->logged_out &&
               dead(&at, old) && records(&at) == before,
           "'%s' of a session that had to go brings nothing back", asked[i]);
        ok(alive(&at, mine), "and ends nobody");
    }
}

static void test_ended_do_not_count(void)
{
    const char *stays, *second;

    limit(2, false);
    stays = log_in("emil");
    request(&at, log_in("emil"), "Session-Destroy: on");
    second = log_in("emil");
    ok(alive(&at, stays), "a session that was destroyed has left its seat");
    request(&at, second, "Session-Unset: user");
    second = log_in("emil");
    ok(alive(&at, stays), "so has one that was logged out");
    request(&at, second, "Session-Set: user=fred");
    second = log_in("emil");
    ok(alive(&at, stays), "and one that became another user's");
    request(&at, stays, "Session-Logout: others");
    ok(alive(&at, stays) && dead(&at, second), "a log-out of the others");
    second = log_in("emil");
    ok(alive(&at, stays) && alive(&at, second), "leaves one seat taken");
    stage_pass(&at, 29 * MINUTE);
    request(&at, stays, "Session-Set: a=1");
    stage_pass(&at, 2 * MINUTE);
    ok(dead(&at, second), "one has expired");
    log_in("emil");
    ok(alive(&at, stays), "and does not count");
}

static void test_denied(void)
{
    const char *first, *second, *guest = begin(&at, "Session-Set: cart=9");
    sx_committed *done;
    long long before;

    limit(2, true);
    first = log_in("gina");
    second = log_in("gina");
    before = records(&at);
    ok(denied(try_log_in(NULL, "gina")), "one too many is refused");
    ok(denied(request(&at, guest, "Session-Set: user=gina&cart=1")),
       "also to somebody with a session");
    is_str(value_of(&at, guest, "cart"), "9", "which stays as it was");
    ok(value_of(&at, guest, "user") == NULL, "without a user");
    is_int(records(&at), before, "nothing is left of the attempts");
    done = request(&at, guest,
                   "Session-Set: user=gina&cart=1 | Session-Renew: on");
    ok(done->verdict == SX_COMMIT_DENIED && done->cookie == SX_COOKIE_SEND,
       "a Renew beside it is obeyed");
    is_str(value_of(&at, done->id.text, "cart"), "9", "and nothing else");
    ok(value_of(&at, done->id.text, "user") == NULL, "least of all the log-in");
    ok(alive(&at, first) && alive(&at, second), "the first ones live");
    ok(!denied(request(&at, first,
                       "Session-Renew: discard | Session-Set: user=gina")),
       "who is in already may log in anew");
    done = try_log_in(NULL, "gina");
    ok(denied(done), "on the seat that it had");
    request(&at, second, "Session-Destroy: on");
    done = try_log_in(done->id.text, "gina");
    ok(!denied(done) && alive(&at, done->id.text),
       "a log-out makes room at once");
    request(&at, done->id.text, "Session-Logout: others");
    ok(!denied(try_log_in(NULL, "gina")), "and so does one of all the others");
    stage_pass(&at, HOUR);
    ok(!denied(try_log_in(NULL, "gina")), "and time");
}

/* An anew log-in of the same user takes nobody's seat. */
static void test_anew(void)
{
    const char *first, *second;

    limit(2, false);
    first = log_in("hans");
    second = log_in("hans");
    first =
        request(&at, first, "Session-Renew: discard | Session-Set: user=hans")
            ->id.text;
    ok(alive(&at, first) && alive(&at, second),
       "who is in and logs in anew ends nobody");
    log_in("hans");
    ok(alive(&at, first) && dead(&at, second), "and is the younger one now");
}

/* ---- renewals ----------------------------------------------------------- */

static const char *renewed(const char *cookie, const char *text)
{
    sx_committed *done = request(&at, cookie, text);

    return done->cookie == SX_COOKIE_SEND ? done->id.text : NULL;
}

static void test_renewals(void)
{
    const char *first, *second;

    limit(2, true);
    at.realm.times.renew_ms = MINUTE;
    first = log_in("ida");
    second = log_in("ida");
    for (int i = 0; i < 3; i++) {
        stage_pass(&at, MINUTE + SECOND);
        first = renewed(first, "");
        second = renewed(second, "Session-Renew: on");
    }
    /* Nothing by the old ids is there any more. */
    stage_pass(&at, MINUTE - SECOND);
    ok(denied(try_log_in(NULL, "ida")),
       "renewed sessions keep their seats, before they are looked at");
    ok(first && second && alive(&at, first) && alive(&at, second), "and live");
    limit(2, false);
    log_in("ida");
    ok(dead(&at, first) && alive(&at, second),
       "and a renewal makes nobody younger");
    at.realm.times.renew_ms = HOUR;
}

/* A snapshot outlives a reboot, by which the clock begins anew. */
static void test_earlier_clock(void)
{
    const char *first;

    limit(1, true);
    first = log_in("nora");
    at.now.boot_ms -= 8 * HOUR;
    first = renewed(first, "Session-Renew: on");
    stage_pass(&at, MINUTE);
    ok(denied(try_log_in(NULL, "nora")) && alive(&at, first),
       "a renewal by a clock that began anew keeps its seat");
    at.now.boot_ms += 8 * HOUR;
}

/* ---- when the limit changes --------------------------------------------- */

static void test_switched_on(void)
{
    const char *a, *b, *c, *d;

    limit(0, false);
    a = log_in("jane");
    b = log_in("jane");
    limit(2, false);
    c = log_in("jane");
    ok(alive(&at, a) && alive(&at, b) && alive(&at, c),
       "sessions from before the limit do not count");
    request(&at, a, "Session-Set: a=1");
    request(&at, a, "Session-Set: a=2");
    request(&at, b, "Session-Set: a=1");
    ok(alive(&at, a) && alive(&at, b) && alive(&at, c),
       "nor does a write end anybody");
    d = log_in("jane");
    ok(dead(&at, a) && alive(&at, c) && alive(&at, d),
       "one that was written counts, by its log-in");
    ok(alive(&at, b), "but not beyond the limit");
    limit(0, false);
    ok(dead(&at, a), "who had to go stays away without the limit");
    ok(alive(&at, log_in("jane")) && alive(&at, c), "and all may come again");
    limit(1, false);
    log_in("jane");
    ok(dead(&at, c) && dead(&at, d),
       "a lower limit holds from the next log-in");
}

static void test_rotation(void)
{
    sx_keys *one = at.keys,
            *both = stage_keys((const unsigned char *)"\2\1", 2);
    const char *a, *b, *c, *d;
    sx_committed *done;

    limit(2, false);
    a = log_in("karl");
    b = log_in("karl");
    at.realm.scope.keys = both;
    c = log_in("karl");
    ok(dead(&at, a) && alive(&at, b) && alive(&at, c),
       "after a rotation sessions of the old key count");
    done = request(&at, b, "");
    b = done->id.text;
    ok(done->renewed && alive(&at, b),
       "and move to the new one with their seat");
    d = log_in("karl");
    ok(dead(&at, b) && alive(&at, c) && alive(&at, d), "in their order");
    limit(2, true);
    ok(denied(try_log_in(NULL, "karl")), "where log-ins are refused, too");
    request(&at, d, "Session-Destroy: on");
    at.realm.scope.keys = one;
    log_in("lisa");
    log_in("lisa");
    at.realm.scope.keys = both;
    ok(denied(try_log_in(NULL, "lisa")), "by what is of the old key");
    at.realm.scope.keys = one;
    sx_keys_free(both);
}

/* ---- damage ------------------------------------------------------------- */

static bool find_registry(void *baton, const unsigned char *key,
                          const shm_meta *meta)
{
    if (meta->kind == SST_EPOCH && meta->user_tag == 0) {
        memcpy(baton, key, SST_KEY_LEN);
    }
    return true;
}

static void test_registry_lost(void)
{
    unsigned char key[SST_KEY_LEN] = {0};
    stage own;
    const char *a, *b;

    stage_begin(&own);
    own.realm.per_user = (sx_per_user){2, false};
    a = begin(&own, "Session-Set: user=mia");
    b = begin(&own, "Session-Set: cart=1");
    if (shm_store_each(own.segment, find_registry, key, own.now.boot_ms) !=
            SST_OK ||
        shm_store_remove(own.segment, key, 0) != SST_OK) {
        stage_give_up("no registry to remove");
    }
    ok(dead(&own, a) && alive(&own, b),
       "without a registry nobody is in it: its sessions have ended");
    a = begin(&own, "Session-Set: user=mia");
    ok(alive(&own, a), "and who logs in again is in");
    stage_end(&own);
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    test_oldest_goes();
    test_slow();
    test_ended_do_not_count();
    test_denied();
    test_anew();
    test_renewals();
    test_earlier_clock();
    test_switched_on();
    test_rotation();
    test_registry_lost();
    stage_end(&at);
    return done_testing();
}
