/* SPDX-License-Identifier: Apache-2.0 */
/* A session and its client: what a change of it does, which parts count, and
 * that it is told once. */
#include "stage.h"

#include "sx_client.h"

enum { UA = 1 << SX_CLIENT_UA, ADDRESS = 1 << SX_CLIENT_ADDRESS };

static stage at;

/* NULL: this part is not looked at. */
static void client(sx_bind bind, const char *ua, const char *address)
{
    at.realm.client = (sx_client){.bind = bind};
    if (ua) {
        at.realm.client.part[SX_CLIENT_UA] = sx_str_of(ua);
    }
    if (address) {
        at.realm.client.part[SX_CLIENT_ADDRESS] = sx_str_of(address);
    }
}

static unsigned changed(const char *cookie, const char *text)
{
    return request(&at, cookie, text)->client_changed;
}

static void test_log(void)
{
    const char *cookie;
    sx_committed *done;

    client(SX_BIND_LOG, "Firefox/1", NULL);
    cookie = begin(&at, "Session-Set: a=1");
    is_int(changed(cookie, ""), 0, "the same client is no change");
    client(SX_BIND_LOG, "Firefox/2", NULL);
    done = request(&at, cookie, "");
    ok(done->client_changed == UA && done->cookie == SX_COOKIE_KEEP &&
           done->verdict == SX_COMMIT_OK,
       "another one is told");
    is_int(changed(cookie, ""), 0, "once");
    is_int(version_of(&at, cookie), 1, "and makes no version");
    client(SX_BIND_LOG, "Firefox/3", NULL);
    is_int(changed(cookie, "Session-Set: a=2"), UA, "so is one that writes");
    is_int(changed(cookie, "Session-Set: a=3"), 0, "once");
    client(SX_BIND_LOG, "Firefox/1", NULL);
    is_int(changed(cookie, ""), UA, "and one that comes back");
    client(SX_BIND_LOG, "", NULL);
    is_int(changed(cookie, ""), UA, "to name none is another name");
    client(SX_BIND_OFF, "Chrome", NULL);
    is_int(changed(cookie, "Session-Set: a=4"), 0, "off: nobody looks");
    client(SX_BIND_LOG, "", NULL);
    is_int(changed(cookie, ""), 0, "and what was noted is");
}

/* Both saw the old one: the loser of the race finds it noted. */
static void test_told_once_by_two(void)
{
    const char *cookie;
    sx_loaded *one, *two;

    client(SX_BIND_LOG, "Firefox/1", NULL);
    cookie = begin(&at, "Session-Set: a=1");
    client(SX_BIND_LOG, "Firefox/2", NULL);
    one = load(&at, cookie);
    two = load(&at, cookie);
    is_int(commit(&at, one, "")->client_changed, UA,
           "of two requests at once one tells of the change");
    is_int(commit(&at, two, "Session-Set: b=1")->client_changed, 0,
           "and the other does not");
    is_str(value_of(&at, cookie, "b"), "1", "but writes");
}

static void test_kill(void)
{
    const char *cookie, *other;
    sx_loaded *mine, *thief;
    sx_committed *done;

    client(SX_BIND_KILL, "Firefox/1", NULL);
    cookie = begin(&at, "Session-Set: user=alice");
    ok(alive(&at, cookie), "the same client has its session");
    mine = load(&at, cookie);
    client(SX_BIND_KILL, "curl", NULL);
    thief = load(&at, cookie);
    ok(thief->status == SX_STATUS_INVALID && thief->killed == UA &&
           thief->session == NULL && thief->meta.handle == mine->meta.handle,
       "another one has none, and ends it");
    thief = load(&at, cookie);
    ok(thief->status == SX_STATUS_INVALID && thief->killed == 0, "once");
    client(SX_BIND_KILL, "Firefox/1", NULL);
    ok(dead(&at, cookie), "for its own client, too");
    done = commit(&at, mine, "Session-Set: late=1");
    ok(done->verdict == SX_COMMIT_DROPPED && dead(&at, cookie),
       "whose slow request brings nothing back");

    cookie = begin(&at, "Session-Set: a=1");
    at.realm.times.renew_ms = MINUTE;
    stage_pass(&at, 2 * MINUTE);
    other = request(&at, cookie, "")->id.text;
    at.realm.times.renew_ms = HOUR;
    client(SX_BIND_KILL, "curl", NULL);
    ok(load(&at, cookie)->killed == UA, "the old id in its grace");
    client(SX_BIND_KILL, "Firefox/1", NULL);
    ok(dead(&at, other), "ends the session that it leads to");
}

static void test_parts(void)
{
    const char *cookie;

    client(SX_BIND_LOG, "Firefox/1", NULL);
    cookie = begin(&at, "Session-Set: a=1");
    client(SX_BIND_KILL, "Firefox/1", "10.1.1");
    ok(alive(&at, cookie), "a part that was not noted is no change");
    request(&at, cookie, "Session-Set: a=2");
    client(SX_BIND_LOG, "Firefox/2", NULL);
    is_int(changed(cookie, ""), UA, "each part by itself");
    client(SX_BIND_LOG, NULL, "10.1.2");
    is_int(changed(cookie, ""), ADDRESS, "is noted and compared");
    client(SX_BIND_LOG, "Firefox/3", "10.1.3");
    is_int(changed(cookie, ""), UA | ADDRESS, "or both");
    is_str(sx_client_str(UA | ADDRESS), "User-Agent and address",
           "which the log can name");
}

static void test_rotation(void)
{
    sx_keys *one = at.keys,
            *both = stage_keys((const unsigned char *)"\2\1", 2);
    const char *cookie;
    sx_committed *done;

    client(SX_BIND_KILL, "Firefox/1", "10.1.1");
    cookie = begin(&at, "Session-Set: a=1");
    at.realm.scope.keys = both;
    done = request(&at, cookie, "");
    ok(done->renewed && alive(&at, done->id.text) && !done->client_changed,
       "another key makes no other client");
    client(SX_BIND_KILL, "curl", NULL);
    is_int(load(&at, done->id.text)->killed, UA, "and hides none");
    at.realm.scope.keys = one;
    sx_keys_free(both);
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    test_log();
    test_told_once_by_two();
    test_kill();
    test_parts();
    test_rotation();
    stage_end(&at);
    return done_testing();
}
