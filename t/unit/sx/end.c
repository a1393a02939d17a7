/* SPDX-License-Identifier: Apache-2.0 */
/* Destroy: final, whatever races with it, and whatever stands beside it. */
#include "stage.h"

static stage at;

static bool deletes(const sx_committed *done)
{
    return done->cookie == SX_COOKIE_DELETE;
}

static void test_destroy(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    sx_committed *done = request(&at, cookie, "Session-Destroy: on");

    ok(done->verdict == SX_COMMIT_OK && done->destroyed && deletes(done),
       "Destroy ends the session and deletes the cookie");
    is_int(records(&at), 0, "its record is gone");
    ok(dead(&at, cookie), "its id is invalid");
    done = request(&at, cookie, "Session-Destroy: on");
    ok(done->verdict == SX_COMMIT_OK && !done->destroyed && deletes(done),
       "once more it deletes the cookie and is no error");
    done = request(&at, NULL, "Session-Destroy: on");
    ok(done->verdict == SX_COMMIT_OK && done->cookie == SX_COOKIE_KEEP,
       "without a cookie there is none to delete");
}

static void test_others(void)
{
    const char *one = begin(&at, "Session-Set: user=alice");
    const char *two = begin(&at, "Session-Set: user=alice");

    request(&at, one, "Session-Destroy: on");
    ok(dead(&at, one) && alive(&at, two), "it ends one session and no other");
    request(&at, two, "Session-Destroy: on");
}

/* ---- beside other commands ---------------------------------------------- */

static void test_beside_flash(void)
{
    const char *old = begin(&at, "Session-Set: a=1&user=alice");
    sx_committed *done =
        request(&at, old, "Session-Destroy: on | Session-Flash: info=Bye");
    const char *new = done->id.text;

    ok(done->cookie == SX_COOKIE_SEND && done->destroyed && dead(&at, old),
       "Destroy beside a message ends the session and sends another id");
    ok(messages_of(&at, new) == 1 && value_of(&at, new, "a") == NULL &&
           value_of(&at, new, "user") == NULL,
       "which carries the message and nothing else");
    is_int(records(&at), 1, "in one record");
    request(&at, new, "Session-Destroy: on");
    done = request(&at, NULL, "Session-Destroy: on | Session-Flash: info=Bye");
    is_int(messages_of(&at, done->id.text), 1,
           "without a session the message gets one");
    request(&at, done->id.text, "Session-Destroy: on");
    old = begin(&at, "Session-Set: a=1");
    done = commit_as(&at, load(&at, old),
                     "Session-Destroy: on | Session-Flash: info=Bye",
                     (sx_commit_mode){false, false});
    ok(dead(&at, old) && done->destroyed && records(&at) == 0,
       "after the headers have left the session ends without it");
}

static void test_beside_data(void)
{
    static const char *const data[] = {"Session-Set: b=1",
                                       "Session-Append: a=1",
                                       "Session-Incr: a=1", "Session-Set: =1"};

    for (size_t i = 0; i < sizeof(data) / sizeof(*data); i++) {
        const char *cookie = begin(&at, "Session-Set: a=1");
        sx_committed *done = request(&at, cookie,
                                     apr_pstrcat(at.pool, data[i],
                                                 " | Session-Destroy: on | "
                                                 "Session-Flash: info=x",
                                                 NULL));

        ok(done->verdict == SX_COMMIT_REFUSED && done->why && deletes(done) &&
               dead(&at, cookie) && records(&at) == 0,
           "beside \"%s\" the data are refused and the session ends", data[i]);
    }
}

static void test_beside_if_version(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    sx_committed *done = request(
        &at, cookie,
        "Session-If-Version: 7 | Session-Destroy: on | Session-Flash: info=x");

    ok(done->verdict == SX_COMMIT_CONFLICT && deletes(done) &&
           done->destroyed && records(&at) == 0,
       "an If-Version that does not hold takes the message, not the end");
    cookie = begin(&at, "Session-Set: a=1");
    done = request(
        &at, cookie,
        "Session-If-Version: 1 | Session-Destroy: on | Session-Flash: info=x");
    ok(done->verdict == SX_COMMIT_OK && messages_of(&at, done->id.text) == 1 &&
           dead(&at, cookie),
       "one that holds lets both through");
    request(&at, done->id.text, "Session-Destroy: on");
}

/* ---- races -------------------------------------------------------------- */

static void test_against_write(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    sx_loaded *ending = load(&at, cookie);
    sx_loaded *late = load(&at, cookie);
    sx_loaded *flash = load(&at, cookie);

    request(&at, cookie, "Session-Set: a=2");
    commit(&at, ending, "Session-Destroy: on");
    ok(dead(&at, cookie), "a write before it does not save the session");
    is_int(commit(&at, late, "Session-Set: a=3")->verdict, SX_COMMIT_DROPPED,
           "a write behind it comes too late");
    is_int(commit(&at, late, "Session-Renew: on")->verdict, SX_COMMIT_DROPPED,
           "and so does a renewal");
    is_int(records(&at), 0, "nothing is left");
    ok(deletes(commit(&at, flash,
                      "Session-Destroy: on | "
                      "Session-Flash: info=x")) &&
           records(&at) == 0,
       "a second log-out page of the same session makes none");
}

static void test_against_renewal(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    sx_loaded *ending;
    sx_committed *renewed;

    for (int i = 0; i < 3; i++) {
        stage_pass(&at, 20 * MINUTE);
        commit_as(&at, load(&at, cookie), "", (sx_commit_mode){true, false});
    }
    ending = load(&at, cookie);
    renewed = request(&at, cookie, "");
    commit(&at, ending, "Session-Destroy: on");
    ok(renewed->renewed && dead(&at, renewed->id.text) && dead(&at, cookie),
       "a log-out that crossed a silent renewal ends the renewed session");
    cookie = begin(&at, "Session-Set: a=1");
    ending = load(&at, cookie);
    (void)request(&at, cookie, "Session-Set: user=alice");
    renewed = commit(&at, ending, "Session-Destroy: on");
    ok(renewed->verdict == SX_COMMIT_OK && !renewed->destroyed,
       "one that crossed a log-in finds its session gone");
}

static void test_damaged(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    long long before = records(&at);
    sx_loaded *ending = load(&at, cookie);
    shm_meta meta = {.kind = SST_ANONYMOUS,
                     .created_ms = at.now.boot_ms,
                     .expires_ms = at.now.boot_ms + HOUR,
                     .hard_end_ms = at.now.boot_ms + HOUR};

    if (shm_store_put_if(at.segment, ending->id.store_key, ending->meta.token,
                         "\1rubbish", 8, &meta, NULL,
                         at.now.boot_ms) != SST_OK) {
        stage_give_up("put");
    }
    ok(dead(&at, cookie), "a record that does not open is no session");
    commit(&at, ending, "Session-Destroy: on");
    is_int(records(&at), before - 1, "and Destroy removes it");
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    test_destroy();
    test_others();
    test_beside_flash();
    test_beside_data();
    test_beside_if_version();
    test_against_write();
    test_against_renewal();
    test_damaged();
    stage_end(&at);
    return done_testing();
}
