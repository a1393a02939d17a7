/* SPDX-License-Identifier: Apache-2.0 */
/* Session-Logout: whose sessions end, who is spared, and that nothing of them
 * comes back, by whatever way a session has of going on. */
#include "backends.h"

#include "sx_user.h"

static stage at;

static const char *log_in(const char *user)
{
    return begin(&at,
                 apr_psprintf(at.pool, "Session-Set: user=%s&cart=3", user));
}

static bool lives(const char *cookie)
{
    return load(&at, cookie)->status == SX_STATUS_ACTIVE;
}

static void test_others(void)
{
    const char *mine = log_in("alice"), *second = log_in("alice"),
               *third = log_in("alice"), *bert = log_in("bert"),
               *nobody = begin(&at, "Session-Set: cart=1");
    sx_committed *done = request(&at, mine, "Session-Logout: others");

    ok(done->verdict == SX_COMMIT_OK && done->logged_out &&
           done->cookie == SX_COOKIE_KEEP,
       "a logout of the others keeps this one's cookie");
    ok(lives(mine), "this one goes on");
    ok(!lives(second) && !lives(third), "the others have ended");
    ok(load(&at, second)->status == SX_STATUS_INVALID, "and are invalid");
    ok(lives(bert) && lives(nobody), "another user's and nobody's have not");
    ok(lives(log_in("alice")), "who logs in again is in");
    ok(lives(mine), "beside the one that was spared");
    done = request(&at, log_in("alice"), "Session-Logout: others");
    ok(done->logged_out && !lives(mine), "which the next logout ends, too");
    done = request(&at, nobody, "Session-Logout: others");
    ok(done->verdict == SX_COMMIT_OK && !done->logged_out && lives(nobody),
       "without a user there are no others");
}

static void test_all(void)
{
    const char *mine = log_in("carl"), *second = log_in("carl");
    sx_committed *done = request(&at, mine, "Session-Logout: all");

    ok(done->logged_out && done->destroyed && done->cookie == SX_COOKIE_DELETE,
       "a logout of all deletes this one's cookie");
    ok(!lives(mine) && !lives(second), "all have ended");
    mine = log_in("carl");
    second = log_in("carl");
    done = request(&at, mine, "Session-Logout: all | Session-Flash: info=Bye");
    ok(done->cookie == SX_COOKIE_SEND && !lives(mine) && !lives(second) &&
           messages_of(&at, cookie_of(&at, done)) == 1 &&
           value_of(&at, cookie_of(&at, done), "user") == NULL,
       "with a flash, a new session has the message and nothing else");
    mine = log_in("carl");
    second = log_in("carl");
    done = request(&at, mine,
                   "Session-Logout: all | Session-Set: a=1 | Session-Incr: b");
    ok(!lives(mine) && !lives(second) && done->verdict == SX_COMMIT_REFUSED,
       "beside refused data it is obeyed all the same");
    mine = log_in("carl");
    done = request(&at, mine, "Session-If-Version: 9 | Session-Logout: all");
    ok(!lives(mine) && done->verdict == SX_COMMIT_CONFLICT,
       "and beside a version that is another");
    mine = begin(&at, "Session-Set: cart=1");
    done = request(&at, mine, "Session-Logout: all");
    ok(done->destroyed && !done->logged_out && !lives(mine),
       "without a user it ends this session");
    done = request(&at, NULL, "Session-Logout: all");
    ok(done->verdict == SX_COMMIT_OK && done->cookie == SX_COOKIE_KEEP,
       "and without a session nothing");
}

/* Each began before the logout and commits after it. */
static void test_slow(void)
{
    static const char *const asked[] = {
        "Session-Set: a=1",         "Session-Incr: n=1",
        "Session-Append: a=b",      "Session-Clear: on",
        "Session-Unset: user",      "Session-Set: user=eve",
        "Session-Set: user=dora",   "Session-Renew: on",
        "Session-Renew: discard",   "Session-Persist: on",
        "Session-Flash: info=late", "Session-Logout: others",
        "Session-Logout: all",      "Session-Destroy: on",
    };

    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const char *mine = log_in("dora"), *other = log_in("dora");
        sx_loaded *slow = load(&at, other);
        long long before;
        sx_committed *done;

        request(&at, mine, "Session-Logout: others");
        before = records(&at);
        done = commit(&at, slow, asked[i]);
        ok(done->cookie != SX_COOKIE_SEND && !done->logged_out &&
               !lives(other) &&
               (!stage_can(CANNOT_COUNT) || records(&at) <= before),
           "'%s' of a session that was ended brings nothing back", asked[i]);
        ok(lives(mine), "and ends nobody");
        request(&at, mine, "Session-Logout: all");
    }
}

/* It was spared, whatever its id is by now. */
static void test_spared_goes_on(void)
{
    const char *mine = log_in("fred");
    sx_loaded *slow = load(&at, mine);
    sx_committed *done;

    request(&at, mine, "Session-Logout: others");
    done = commit(&at, slow, "Session-Set: late=1");
    ok(done->verdict == SX_COMMIT_OK, "a slow request of the spared writes");
    done = request(&at, mine, "Session-Renew: on");
    ok(lives(cookie_of(&at, done)), "it can be renewed");
    mine = cookie_of(&at, done);
    done =
        request(&at, mine, "Session-Renew: discard | Session-Set: user=fred");
    ok(lives(cookie_of(&at, done)), "and log in anew");
    mine = cookie_of(&at, done);
    done = request(&at, mine, "Session-Set: user=gina");
    ok(lives(cookie_of(&at, done)), "and become another user's");
    mine = cookie_of(&at, done);
    request(&at, log_in("fred"), "Session-Logout: all");
    ok(lives(mine), "whom a logout of the first does not touch");
    request(&at, mine, "Session-Logout: all");
    ok(!lives(mine), "but one of its own does");
}

static void test_rotation(void)
{
    const char *old = log_in("hans"), *other = log_in("hans"), *moved;
    sx_keys *one = at.keys,
            *both = stage_keys((const unsigned char *)"\2\1", 2);
    sx_committed *done;

    at.realm.scope.keys = both;
    ok(lives(old), "after a rotation a session of the old key lives");
    done = request(&at, old, "Session-Set: a=1");
    moved = cookie_of(&at, done);
    ok(done->renewed && lives(moved), "and gets an id of the new one");
    request(&at, other, "Session-Logout: others");
    ok(!lives(moved) && !lives(old),
       "a session of the old key logs out one of the new");
    moved = log_in("hans");
    request(&at, moved, "Session-Logout: others");
    ok(!lives(other) && lives(moved), "and the other way round");
    /* One who was logged out cannot move. */
    at.realm.scope.keys = one;
    old = log_in("ida");
    other = log_in("ida");
    at.realm.scope.keys = both;
    {
        sx_loaded *slow = load(&at, old);

        request(&at, other, "Session-Logout: others");
        done = commit(&at, slow, "");
        ok(done->cookie != SX_COOKIE_SEND && !lives(old),
           "who was logged out does not move to the new key");
    }
    at.realm.scope.keys = one;
    sx_keys_free(both);
}

static void test_namespaces(void)
{
    const char *here = log_in("jane"), *there;

    at.realm.scope.ns = "example.net";
    there = log_in("jane");
    request(&at, there, "Session-Logout: all");
    at.realm.scope.ns = "example.org";
    ok(lives(here), "a user of that name in another namespace is another one");
}

static void test_backend(void)
{
    diag("on %s", stage_on->name);
    stage_begin(&at);
    test_others();
    test_all();
    test_slow();
    test_spared_goes_on();
    test_rotation();
    test_namespaces();
    stage_end(&at);
}

int main(void)
{
    return stage_each(test_backend);
}
