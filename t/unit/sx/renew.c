/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal: on request the old id is dead at once and of many one wins; by age
 * it leads to the new one for the grace.  Records are counted afterwards: what
 * a loser left behind would be a session that nobody can end. */
#include "stage.h"

static stage at;

/* A session whose id is due for its silent renewal. */
static const char *begin_due(const char *text)
{
    const char *cookie = begin(&at, text);

    for (int i = 0; i < 3; i++) {
        stage_pass(&at, 20 * MINUTE);
        commit_as(&at, load(&at, cookie), "", (sx_commit_mode){true, false});
    }
    return cookie;
}

static bool sent(const sx_committed *done)
{
    return done->cookie == SX_COOKIE_SEND;
}

static void destroy(const char *cookie)
{
    request(&at, cookie, "Session-Destroy: on");
}

/* ---- on request --------------------------------------------------------- */

static void test_renew(void)
{
    const char *old = begin(&at, "Session-Set: a=1");
    long long before = records(&at);
    sx_loaded *slow = load(&at, old);
    uint64_t handle = slow->session->handle;
    sx_committed *done = request(&at, old, "Session-Renew: on");
    const char *new = done->id.text;

    ok(sent(done) && done->renewed && strcmp(new, old) != 0,
       "Renew sends another id");
    is_str(value_of(&at, new, "a"), "1", "which leads to the same data");
    ok(load(&at, new)->session->handle == handle && done->handle == handle,
       "under the same handle");
    is_int(version_of(&at, new), 1, "at the same version");
    ok(dead(&at, old) && !load(&at, old)->reuse,
       "the old id is invalid at once, and not a reused one");
    is_int(records(&at), before, "there is one record, as before");
    done = commit(&at, slow, "Session-Set: a=2");
    ok(done->verdict == SX_COMMIT_DROPPED && done->cookie == SX_COOKIE_KEEP,
       "a late write on the old id is dropped and sends no cookie");
    is_str(value_of(&at, new, "a"), "1", "and the data are as they were");
    destroy(new);
}

static void test_parallel_renewals(void)
{
    const char *old = begin(&at, "Session-Set: a=1");
    long long before = records(&at);
    sx_loaded *loaded[3];
    sx_committed *won, *lost;

    for (int i = 0; i < 3; i++) {
        loaded[i] = load(&at, old);
    }
    won = commit(&at, loaded[0], "Session-Renew: on");
    lost = commit(&at, loaded[1], "Session-Renew: on | Session-Set: a=2");
    ok(sent(won) && lost->cookie == SX_COOKIE_KEEP &&
           lost->verdict == SX_COMMIT_DROPPED,
       "of parallel renewals one wins; the loser sends no cookie");
    lost = commit(&at, loaded[2], "Session-Renew: discard");
    ok(lost->cookie == SX_COOKIE_KEEP && lost->verdict == SX_COMMIT_DROPPED,
       "nor does one that would have discarded");
    is_int(records(&at), before, "and the losers' records are taken back");
    is_str(value_of(&at, won->id.text, "a"), "1", "the winner's data stay");
    destroy(won->id.text);
}

static void test_renew_beside_write(void)
{
    const char *old = begin(&at, "Session-Set: a=1");
    long long before = records(&at);
    sx_loaded *writer = load(&at, old);
    sx_loaded *renewer = load(&at, old);
    sx_committed *done;

    commit(&at, writer, "Session-Set: b=2");
    done = commit(&at, renewer, "Session-Renew: on");
    ok(sent(done) && done->retries == 1,
       "a renewal that lost a race is retried");
    is_str(value_of(&at, done->id.text, "b"), "2",
           "and takes the other's write along");
    is_int(records(&at), before, "and the first try left no record");
    ok(dead(&at, old), "and the old id is dead");
    destroy(done->id.text);
}

static void test_user(void)
{
    const char *planted = begin(&at, "Session-Set: cart=3");
    const char *alice, *bob;
    sx_committed *done;

    stage_pass(&at, 10 * SECOND);
    done = request(&at, planted, "Session-Set: user=alice");
    alice = done->id.text;
    ok(sent(done) && dead(&at, planted),
       "a log-in renews: an id planted before it is dead");
    ok(load(&at, alice)->session->login_s == at.now.wall_s &&
           load(&at, alice)->meta.kind == SX_USER &&
           load(&at, alice)->meta.user_tag != 0,
       "the session knows when, and its record whose");
    is_str(value_of(&at, alice, "cart"), "3", "the cart is still there");
    done = request(&at, alice, "Session-Set: user=alice");
    is_int(done->cookie, SX_COOKIE_KEEP, "the same user again is no log-in");
    stage_pass(&at, 10 * SECOND);
    done = request(&at, alice, "Session-Set: user=bob");
    bob = done->id.text;
    ok(sent(done) && dead(&at, alice) &&
           load(&at, bob)->session->login_s == at.now.wall_s,
       "another user is a log-in");
    done = request(&at, bob, "Session-Unset: user");
    ok(sent(done) && dead(&at, bob) &&
           load(&at, done->id.text)->meta.kind == SX_ANONYMOUS,
       "a log-out renews, too");
    planted = done->id.text;
    done = request(&at, planted, "Session-Set: user=");
    is_int(done->cookie, SX_COOKIE_KEEP, "an empty user is nobody");
    destroy(planted);
}

static void test_discard(void)
{
    const char *old = begin(&at, "Session-Set: a=1&user=alice");
    long long before = records(&at);
    sx_loaded *was;
    sx_loaded *is;
    sx_committed *done;

    request(&at, old, "Session-Flash: info=old | Session-Idle: 60");
    was = load(&at, old);
    stage_pass(&at, 10 * SECOND);
    done = request(&at, old,
                   "Session-Renew: discard | Session-Set: b=2 | "
                   "Session-Flash: info=new");
    is = load(&at, done->id.text);
    ok(sent(done) && dead(&at, old) && records(&at) == before,
       "discard changes the id and leaves one record");
    ok(value_of(&at, done->id.text, "a") == NULL && is->session->login_s == 0 &&
           is->session->idle_s == 0 && is->session->messages->nelts == 1,
       "nothing of the old session is left");
    is_str(value_of(&at, done->id.text, "b"), "2",
           "what came with it is in the new one");
    ok(is->session->handle != was->session->handle &&
           is->meta.hard_end_ms > was->meta.hard_end_ms,
       "which has a handle and an absolute end of its own");
    is_int(is->session->version, (long long)was->session->version + 1,
           "at the next version");
    destroy(done->id.text);
}

static void test_refused_beside(void)
{
    const char *old = begin(&at, "Session-Set: a=1");
    sx_committed *done =
        request(&at, old, "Session-Renew: on | Session-Incr: a=x");

    ok(done->verdict == SX_COMMIT_REFUSED && sent(done) && dead(&at, old),
       "Renew is honoured beside malformed data");
    old = done->id.text;
    is_str(value_of(&at, old, "a"), "1", "which are not applied");
    done = request(&at, old,
                   "Session-If-Version: 9 | Session-Renew: on | Session-Set: "
                   "a=2");
    ok(done->verdict == SX_COMMIT_CONFLICT && sent(done) && dead(&at, old),
       "and beside an If-Version that does not hold");
    old = done->id.text;
    done = commit_as(&at, load(&at, old), "Session-Set: user=alice",
                     (sx_commit_mode){false, false});
    ok(done->verdict == SX_COMMIT_REFUSED && alive(&at, old) &&
           value_of(&at, old, "user") == NULL,
       "after the headers have left no log-in changes anything");
    destroy(old);
}

/* ---- by age ------------------------------------------------------------- */

static void test_silent(void)
{
    const char *old = begin_due("Session-Set: a=1");
    long long before = records(&at);
    sx_committed *done;
    const char *new;

    done = commit_as(&at, load(&at, old), "", (sx_commit_mode){true, false});
    ok(done->cookie == SX_COOKIE_KEEP && records(&at) == before,
       "a sub-resource renews nothing");
    done = request(&at, old, "");
    new = done->id.text;
    ok(sent(done) && done->renewed && strcmp(new, old) != 0,
       "a page renews an id that is older than the interval");
    is_int(records(&at), before + 1, "the old record stays, as an alias");
    ok(load(&at, old)->via_alias && strcmp(load(&at, old)->id.text, new) == 0,
       "within the grace the old id leads to the new one");
    done = request(&at, old, "");
    ok(sent(done) && !done->renewed && strcmp(done->id.text, new) == 0,
       "a page that comes with it is told the new one");
    done = commit_as(&at, load(&at, old), "", (sx_commit_mode){true, false});
    is_int(done->cookie, SX_COOKIE_KEEP, "a sub-resource is not");
    done = commit_as(&at, load(&at, old), "Session-Set: a=2",
                     (sx_commit_mode){true, false});
    ok(sent(done) && strcmp(done->id.text, new) == 0, "unless it wrote");
    is_str(value_of(&at, new, "a"), "2", "and that is in the renewed session");
    is_int(version_of(&at, new), 2, "a renewal is no version");
    stage_pass(&at, 9 * SECOND);
    ok(alive(&at, old),
       "just before the end of its grace it still leads there");
    stage_pass(&at, SECOND);
    ok(dead(&at, old) && load(&at, old)->reuse,
       "after it the old id is invalid, and counted as reuse");
    ok(alive(&at, new), "the session is not harmed by that");
    destroy(new);
}

static void test_silent_race(void)
{
    const char *old = begin_due("Session-Set: a=1");
    long long before = records(&at);
    sx_loaded *first = load(&at, old);
    sx_loaded *second = load(&at, old);
    sx_loaded *writer = load(&at, old);
    sx_loaded *resource = load(&at, old);
    sx_committed *won = commit(&at, first, "");
    sx_committed *done = commit(&at, second, "");

    ok(sent(won) && sent(done) && strcmp(won->id.text, done->id.text) == 0,
       "requests that race for a silent renewal get the same id");
    is_int(records(&at), before + 1, "and the loser leaves no record");
    done = commit(&at, writer, "Session-Set: b=2");
    ok(sent(done) && strcmp(won->id.text, done->id.text) == 0,
       "a writer that loaded before it is told that id, too");
    is_str(value_of(&at, won->id.text, "b"), "2",
           "and lands in the renewed session");
    done = commit_as(&at, resource, "", (sx_commit_mode){true, false});
    ok(done->verdict == SX_COMMIT_OK && done->cookie == SX_COOKIE_KEEP,
       "a sub-resource that loaded before it notices nothing");
    destroy(won->id.text);
    ok(dead(&at, old) && !load(&at, old)->reuse,
       "a destroyed session's alias leads nowhere, and is not a reused id");
}

static void test_slow_write_after_grace(void)
{
    const char *old = begin_due("Session-Set: a=1");
    sx_loaded *slow = load(&at, old);
    sx_committed *done = request(&at, old, "");

    stage_pass(&at, 40 * SECOND);
    commit(&at, slow, "Session-Set: a=2");
    is_str(value_of(&at, done->id.text, "a"), "2",
           "a request that began in time may commit after the grace");
    destroy(done->id.text);
}

static void test_chain(void)
{
    const char *first;
    const char *last;
    sx_loaded *slow;

    at.realm.times.renew_ms = SECOND;
    first = last = begin(&at, "Session-Set: a=1");
    slow = load(&at, first);
    for (int i = 0; i < 9; i++) {
        stage_pass(&at, SECOND);
        last = request(&at, last, "")->id.text;
    }
    ok(alive(&at, first) && strcmp(load(&at, first)->id.text, last) == 0,
       "an id leads through all renewals that its grace has seen");
    for (int i = 0; i < 50; i++) {
        stage_pass(&at, SECOND);
        last = request(&at, last, "")->id.text;
    }
    commit(&at, slow, "Session-Set: a=2");
    is_str(value_of(&at, last, "a"), "2",
           "a slow request follows as many as were made in a minute");
    commit(&at, slow, "Session-Destroy: on");
    ok(dead(&at, last), "so that its log-out ends the session");
    at.realm.times.renew_ms = HOUR;
}

static void test_planted(void)
{
    const char *planted = begin_due("Session-Set: a=1");
    const char *victim = request(&at, planted, "")->id.text;
    const char *user;

    ok(alive(&at, planted), "who planted an id holds its alias");
    user = request(&at, victim, "Session-Set: user=alice")->id.text;
    ok(dead(&at, planted) && dead(&at, victim) && alive(&at, user),
       "which does not lead through a log-in");
    destroy(user);
}

static void test_rotation(void)
{
    sx_keys *first_keys = at.keys;
    sx_keys *both = stage_keys((const unsigned char *)"\2\1", 2);
    sx_keys *new_only = stage_keys((const unsigned char *)"\2", 1);
    const char *old = begin(&at, "Session-Set: a=1");
    sx_committed *done;

    at.realm.scope.keys = both;
    done = request(&at, old, "");
    ok(sent(done) && done->id.kid == 2,
       "an id of an older key is renewed under the first");
    is_int(request(&at, done->id.text, "")->cookie, SX_COOKIE_KEEP, "once");
    at.realm.scope.keys = new_only;
    is_str(value_of(&at, done->id.text, "a"), "1",
           "so that the older key can go");
    ok(dead(&at, old), "and with it the old id");
    destroy(done->id.text);
    at.realm.scope.keys = first_keys;
    sx_keys_free(both);
    sx_keys_free(new_only);
}

static void test_alias_sealed(void)
{
    const char *old, *new;
    unsigned char bytes[4096];
    shm_meta meta;
    sx_id id;

    at.realm.encrypt = false;
    old = begin_due("Session-Set: a=findme");
    if (!sx_id_verify(&id, sx_str_of(old), &at.realm.scope) ||
        shm_store_get(at.segment, id.store_key, bytes, sizeof(bytes), &meta, 0,
                      at.now.boot_ms) != SST_OK) {
        stage_give_up("no record");
    }
    ok(memmem(bytes, meta.value_len, "findme", 6) != NULL,
       "where values are not sealed a record can be read");
    new = request(&at, old, "")->id.text;
    if (shm_store_get(at.segment, id.store_key, bytes, sizeof(bytes), &meta, 0,
                      at.now.boot_ms) != SST_OK) {
        stage_give_up("no alias");
    }
    ok(meta.kind == SST_ALIAS &&
           memmem(bytes, meta.value_len, new, SX_ID_LEN) == NULL,
       "an alias cannot: it holds an id");
    destroy(new);
    at.realm.encrypt = true;
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    test_renew();
    test_parallel_renewals();
    test_renew_beside_write();
    test_user();
    test_discard();
    test_refused_beside();
    test_silent();
    test_silent_race();
    test_slow_write_after_grace();
    test_chain();
    test_planted();
    test_rotation();
    test_alias_sealed();
    stage_end(&at);
    return done_testing();
}
