/* SPDX-License-Identifier: Apache-2.0 */
/* A load in two steps: what was got when the request came is what counts, and
 * what may have ended by somebody else's word is opened at once. */
#include "stage.h"

static stage at;

static sx_loaded *begin_load(const char *cookie)
{
    sx_loaded *loaded = apr_palloc(at.pool, sizeof(*loaded));
    sx_str value = sx_str_of(cookie ? cookie : "");

    sx_load_begin(&at.realm, &value, cookie ? 1 : 0, at.now, loaded, at.pool);
    return loaded;
}

static const sx_loaded *finish(sx_loaded *loaded)
{
    sx_load_finish(&at.realm, at.now, loaded, at.pool);
    return loaded;
}

static void test_steps(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    const sx_loaded *whole = load(&at, cookie);
    sx_loaded *loaded = begin_load(cookie);

    ok(loaded->status == SX_STATUS_ACTIVE && loaded->is_closed &&
           !loaded->session,
       "a session is found, and left closed");
    ok(loaded->meta.handle == whole->meta.handle &&
           loaded->meta.token == whole->meta.token &&
           !strcmp(loaded->id.text, cookie),
       "what lies beside it is known");
    finish(loaded);
    ok(loaded->status == SX_STATUS_ACTIVE && !loaded->is_closed &&
           sx_str_eq(loaded->plain, whole->plain) &&
           loaded->session->version == 1,
       "opened, it is what load finds");
    ok(finish(loaded)->session, "which is done once");
    is_int(begin_load(NULL)->status, SX_STATUS_NONE, "no cookie, no session");
    is_int(begin_load("forged")->status, SX_STATUS_INVALID, "nor a forged one");
}

/* The rules are those of a load that was whole from the beginning. */
static void test_meanwhile(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    sx_loaded *loaded = begin_load(cookie);
    long long before = records(&at);

    request(&at, cookie, "Session-Set: b=2");
    commit(&at, finish(loaded), "Session-Set: c=3");
    ok(value_of(&at, cookie, "b") && value_of(&at, cookie, "c"),
       "who writes behind another writer takes nothing from it");
    loaded = begin_load(cookie);
    request(&at, cookie, "Session-Destroy: on");
    is_int(commit(&at, finish(loaded), "Session-Set: d=4")->verdict,
           SX_COMMIT_DROPPED, "what has ended meanwhile stays gone");
    is_int(records(&at), before - 1, "and nothing new begins");
    cookie = begin(&at, "Session-Set: a=1");
    loaded = begin_load(cookie);
    stage_pass(&at, 30 * MINUTE + SECOND);
    ok(dead(&at, cookie), "time ends it");
    is_int(commit(&at, finish(loaded), "Session-Set: e=5")->verdict,
           SX_COMMIT_OK, "but not for who came in time");
}

static void test_at_once(void)
{
    const char *cookie = begin(&at, "Session-Set: user=ann");
    sx_loaded *loaded = begin_load(cookie);

    ok(loaded->session && !loaded->is_closed,
       "that of a user is opened: all of them may have ended");
    at.realm.client = (sx_client){.bind = SX_BIND_KILL, .part = {{"one", 3}}};
    cookie = begin(&at, "Session-Set: a=1");
    at.realm.client.part[0] = (sx_str){"two", 3};
    is_int(begin_load(cookie)->status, SX_STATUS_INVALID,
           "and where a client may end it");
    at.realm.client = (sx_client){0};
    cookie = begin(&at, "Session-Set: a=1");
    stage_pass(&at, HOUR / 4);
    request(&at, cookie, "");
    at.realm.times.renew_ms = MINUTE;
    ok(request(&at, cookie, "")->renewed, "an id is renewed");
    loaded = begin_load(cookie);
    ok(loaded->via_alias && loaded->session, "what an alias leads to is found");
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    test_steps();
    test_meanwhile();
    test_at_once();
    stage_end(&at);
    apr_terminate();
    return done_testing();
}
