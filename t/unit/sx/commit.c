/* SPDX-License-Identifier: Apache-2.0 */
/* Commit: what makes a session and what does not, and what becomes of writes
 * that cross.  "A loads, B loads, A commits, B commits" is written out. */
#include "stage.h"

static stage at;

static void nothing_made(const char *cookie, const char *text,
                         const char *label)
{
    sx_committed *done = request(&at, cookie, text);

    ok(done->verdict == SX_COMMIT_OK && done->cookie == SX_COOKIE_KEEP &&
           !done->created && records(&at) == 0,
       "%s makes no session", label);
}

static void test_nothing(void)
{
    sx_id stranger;

    sx_id_mint(&stranger, &at.realm.scope);
    nothing_made(NULL, "", "reading without a cookie");
    nothing_made("junk", "", "reading with a junk cookie");
    nothing_made(stranger.text, "", "reading with a genuine id of no record");
    nothing_made(NULL, "Session-Unset: a", "Unset");
    nothing_made(NULL, "Session-Clear: on", "Clear");
    nothing_made(NULL, "Session-Idle: 60", "Idle");
    nothing_made(NULL, "Session-Persist: on", "Persist");
    nothing_made(NULL, "Session-Renew: on", "Renew");
    nothing_made(NULL, "Session-Renew: discard", "discard");
    nothing_made(NULL, "Session-Set: ", "an empty Set");
    nothing_made(NULL, "Session-If-Version: 0", "If-Version by itself");
}

static void test_create(void)
{
    sx_committed *done = request(&at, NULL, "Session-Set: a=1");
    const char *cookie = done->id.text;
    sx_loaded *loaded = load(&at, cookie);

    ok(done->created && done->wrote && done->cookie == SX_COOKIE_SEND,
       "the first Set makes a session and sends its id");
    is_int(records(&at), 1, "it is one record");
    is_str(value_of(&at, cookie, "a"), "1", "the id leads to what was set");
    is_int(version_of(&at, cookie), 1, "its version is 1");
    ok(loaded->session->handle != 0 && loaded->session->handle == done->handle,
       "it has a handle, which the commit tells");
    is_int(loaded->session->created_s, at.now.wall_s, "it knows when it began");
    is_int(loaded->meta.hard_end_ms, at.now.boot_ms + 12 * HOUR,
           "its absolute end is set");
    ok(loaded->meta.kind == SX_ANONYMOUS && loaded->meta.user_tag == 0 &&
           loaded->session->login_s == 0,
       "without a user it is anonymous");
    done = request(&at, NULL, "Session-Flash: info=hi");
    is_int(messages_of(&at, done->id.text), 1,
           "a message makes a session, too");
    is_int(version_of(&at, done->id.text), 1, "which is at version 1");
}

static void test_create_for_user(void)
{
    const char *alice = begin(&at, "Session-Set: user=alice");
    const char *again = begin(&at, "Session-Set: user=alice");
    const char *bob = begin(&at, "Session-Set: user=bob");
    sx_loaded *loaded = load(&at, alice);

    is_int(loaded->session->login_s, at.now.wall_s,
           "a session that begins with a user has its log-in");
    is_int(loaded->meta.kind, SX_USER, "its record is one of a user");
    ok(loaded->meta.user_tag == load(&at, again)->meta.user_tag &&
           loaded->meta.user_tag != load(&at, bob)->meta.user_tag,
       "the tag is the user's");
}

static void test_never_adopted(void)
{
    sx_id stranger;
    sx_committed *done;

    sx_id_mint(&stranger, &at.realm.scope);
    done = request(&at, stranger.text, "Session-Set: a=1");
    ok(done->created && strcmp(done->id.text, stranger.text) != 0,
       "an id without a record is not adopted: a new one is sent");
    ok(dead(&at, stranger.text), "and that id still leads nowhere");
    done = commit_as(&at, load(&at, NULL), "Session-Set: a=1",
                     (sx_commit_mode){false, false});
    is_int(done->verdict, SX_COMMIT_REFUSED,
           "no session begins after the headers have left");
}

static void test_different_keys(void)
{
    const char *cookie = begin(&at, "Session-Set: x=0");
    sx_loaded *a = load(&at, cookie);
    sx_loaded *b = load(&at, cookie);
    sx_committed *done;

    commit(&at, a, "Session-Set: a=1");
    done = commit(&at, b, "Session-Set: b=2");
    is_int(done->retries, 1, "the second of two writers tries again");
    is_str(value_of(&at, cookie, "a"), "1", "the first one's key survives");
    is_str(value_of(&at, cookie, "b"), "2", "the second one's key survives");
    is_int(version_of(&at, cookie), 3, "the version has grown by two");
}

static void test_same_key(void)
{
    const char *cookie = begin(&at, "Session-Set: k=0&gone=1&l=x");
    sx_loaded *a = load(&at, cookie);
    sx_loaded *b = load(&at, cookie);

    commit(&at, a, "Session-Set: k=a | Session-Append: l=a");
    commit(&at, b,
           "Session-Set: k=b | Session-Append: l=b | "
           "Session-Unset: gone");
    is_str(value_of(&at, cookie, "k"), "b", "the last commit of a key wins");
    is_str(value_of(&at, cookie, "l"), "xab", "appends of both are there");
    is_int(version_of(&at, cookie), 3, "by versions it happened twice");
    a = load(&at, cookie);
    b = load(&at, cookie);
    commit(&at, a, "Session-Clear: on");
    commit(&at, b, "Session-Set: k=c");
    ok(value_of(&at, cookie, "l") == NULL &&
           strcmp(value_of(&at, cookie, "k"), "c") == 0,
       "a clear takes what was there and not what came later");
}

static void test_increments(void)
{
    const char *cookie = begin(&at, "Session-Set: n=0");
    sx_loaded *all[20];

    for (int i = 0; i < 20; i++) {
        all[i] = load(&at, cookie);
    }
    for (int i = 0; i < 20; i++) {
        commit(&at, all[i], "Session-Incr: n=1");
    }
    is_str(value_of(&at, cookie, "n"), "20",
           "20 increments that all saw 0 add up to 20");
    is_int(version_of(&at, cookie), 21, "which are 20 versions");
}

static void test_if_version(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    sx_loaded *first = load(&at, cookie);
    sx_loaded *second = load(&at, cookie);
    sx_committed *done;

    done = commit(&at, first, "Session-If-Version: 1 | Session-Set: a=2");
    is_int(done->verdict, SX_COMMIT_OK, "If-Version that holds lets it pass");
    done = commit(&at, second, "Session-If-Version: 1 | Session-Set: a=3&b=3");
    is_int(done->verdict, SX_COMMIT_CONFLICT, "the loser of a race is told so");
    is_str(value_of(&at, cookie, "a"), "2", "and nothing of it was applied");
    is_int(version_of(&at, cookie), 2, "the version is the winner's");
    done = request(&at, cookie, "Session-If-Version: 0 | Session-Set: a=3");
    is_int(done->verdict, SX_COMMIT_CONFLICT,
           "If-Version 0 does not hold where a session is");
    done = request(&at, NULL, "Session-If-Version: 0 | Session-Set: a=3");
    ok(done->verdict == SX_COMMIT_OK && done->created,
       "If-Version 0 holds where none is");
    done = request(&at, NULL, "Session-If-Version: 1 | Session-Set: a=3");
    ok(done->verdict == SX_COMMIT_CONFLICT && done->cookie == SX_COOKIE_KEEP,
       "another one does not, and no session is made");
    first = load(&at, cookie);
    request(&at, cookie, "Session-Destroy: on");
    done = commit(&at, first, "Session-If-Version: 2 | Session-Set: a=4");
    is_int(done->verdict, SX_COMMIT_CONFLICT,
           "a session that is gone is at no version");
}

static void test_versions(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");

    request(&at, cookie, "Session-Flash: info=x");
    request(&at, cookie, "Session-Idle: 600");
    request(&at, cookie, "Session-Persist: on");
    request(&at, cookie, "Session-Set: a=1");
    request(&at, cookie, "Session-Unset: nothing");
    stage_pass(&at, 2 * MINUTE);
    request(&at, cookie, "");
    is_int(version_of(&at, cookie), 1,
           "message, idle, persist, touch and sets of the same do not count");
    request(&at, cookie, "Session-Set: a=2&b=3 | Session-Incr: n=4");
    is_int(version_of(&at, cookie), 2, "one commit counts once");
    request(&at, cookie, "Session-Clear: on");
    is_int(version_of(&at, cookie), 3, "a clear counts");
    request(&at, cookie, "Session-Clear: on");
    is_int(version_of(&at, cookie), 3, "a clear of nothing does not");
}

static void test_slow_writer(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    long long before = records(&at);
    sx_loaded *slow = load(&at, cookie);
    sx_committed *done;

    request(&at, cookie, "Session-Destroy: on");
    done = commit(&at, slow, "Session-Set: a=2");
    is_int(done->verdict, SX_COMMIT_DROPPED,
           "a write on a session that was destroyed meanwhile is dropped");
    is_int(done->cookie, SX_COOKIE_KEEP, "its response carries no cookie");
    is_int(records(&at), before - 1, "and makes no record");
    ok(dead(&at, cookie), "the session stays ended");
    is_int(commit(&at, slow, "")->verdict, SX_COMMIT_OK,
           "one that only read is not harmed");
}

static void test_expiry_meanwhile(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    sx_loaded *slow = load(&at, cookie);
    shm_sweep_report swept;

    stage_pass(&at, 30 * MINUTE + 5 * SECOND);
    ok(dead(&at, cookie), "a session ends by its idle timeout");
    is_int(commit(&at, slow, "Session-Set: a=2")->verdict, SX_COMMIT_OK,
           "a request that began in time may commit");
    is_str(value_of(&at, cookie, "a"), "2", "and what it wrote is there");
    slow = load(&at, cookie);
    stage_pass(&at, 32 * MINUTE);
    do {
        if (shm_store_sweep(at.segment, 1000000, at.now.boot_ms, &swept) !=
            SST_OK)
            stage_give_up("sweep");
    } while (!swept.finished);
    is_int(commit(&at, slow, "Session-Set: a=3")->verdict, SX_COMMIT_DROPPED,
           "one that was swept meanwhile stays gone");
}

static void test_absolute_end(void)
{
    const char *cookie;
    sx_loaded *slow;

    at.realm.times.renew_ms = 0;
    cookie = begin(&at, "Session-Set: a=1");
    for (int i = 0; i < 47; i++) {
        stage_pass(&at, 15 * MINUTE);
        request(&at, cookie, "");
    }
    ok(alive(&at, cookie), "a session that is used lives for hours");
    stage_pass(&at, 15 * MINUTE - SECOND);
    slow = load(&at, cookie);
    is_int(slow->status, SX_STATUS_ACTIVE, "to its last second");
    stage_pass(&at, 2 * SECOND);
    ok(dead(&at, cookie), "but not beyond its absolute end");
    is_int(commit(&at, slow, "Session-Set: a=2")->verdict, SX_COMMIT_OK,
           "who began in time may commit");
    ok(dead(&at, cookie), "and does not bring it back");
    at.realm.times.renew_ms = HOUR;
}

static void test_refused(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1&text=x");
    sx_committed *done;

    at.realm.limits.max_size = 20;
    done = request(&at, cookie, "Session-Set: a=2&b=0123456789012345");
    is_int(done->verdict, SX_COMMIT_REFUSED, "too much data is refused");
    ok(done->why && strstr(done->why, "Session-Set") &&
           !strstr(done->why, "0123"),
       "the reason names the header and no value");
    is_str(value_of(&at, cookie, "a"), "1", "and none of it is applied");
    done = request(&at, cookie, "Session-Set: a=2 | Session-Incr: text=1");
    is_int(done->verdict, SX_COMMIT_REFUSED, "so is an increment of a text");
    is_str(value_of(&at, cookie, "a"), "1", "with all that came with it");
    stage_pass(&at, 20 * MINUTE);
    request(&at, cookie, "Session-Incr: text=1");
    stage_pass(&at, 20 * MINUTE);
    ok(alive(&at, cookie), "a refused request is an access all the same");
    at.realm.limits.max_size = 65536;
}

static void test_touch(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    int64_t began = at.now.boot_ms;

    stage_pass(&at, 30 * SECOND);
    request(&at, cookie, "");
    is_int(load(&at, cookie)->meta.last_access_ms, began,
           "an access within the touch interval is not noted");
    stage_pass(&at, 30 * SECOND);
    request(&at, cookie, "");
    is_int(load(&at, cookie)->meta.last_access_ms, at.now.boot_ms,
           "one after it is");
    is_int(load(&at, cookie)->meta.expires_ms, at.now.boot_ms + 30 * MINUTE,
           "and moves the end");
    request(&at, cookie, "Session-Idle: 60");
    is_int(load(&at, cookie)->meta.expires_ms, at.now.boot_ms + MINUTE,
           "Session-Idle counts from this request on");
    request(&at, cookie, "Session-Idle: default");
    is_int(load(&at, cookie)->meta.expires_ms, at.now.boot_ms + 30 * MINUTE,
           "and its default restores the scope's");
}

static void test_persist(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    sx_committed *done = request(&at, cookie, "Session-Persist: on");

    ok(done->cookie == SX_COOKIE_SEND && done->persist &&
           strcmp(done->id.text, cookie) == 0,
       "Persist sends the same id for longer");
    is_int(done->hard_end_ms, at.now.boot_ms + 12 * HOUR,
           "up to the absolute end");
    is_int(request(&at, cookie, "Session-Persist: on")->cookie, SX_COOKIE_KEEP,
           "once");
    done = request(&at, cookie, "Session-Persist: off");
    ok(done->cookie == SX_COOKIE_SEND && !done->persist,
       "and off takes it back");
}

static void test_scopes(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    stage other = at;

    other.realm.scope.ns = "other.example";
    ok(dead(&other, cookie), "an id of one namespace is nothing in another");
    other = at;
    other.realm.scope.cookie_name = "sid2";
    ok(dead(&other, cookie), "nor under another cookie name");
    other = at;
    other.realm.encrypt = false;
    is_str(value_of(&other, cookie, "a"), "1",
           "what was sealed still opens where values no longer are");
    cookie = begin(&other, "Session-Set: a=1");
    is_str(value_of(&other, cookie, "a"), "1", "in the clear it works, too");
    ok(dead(&at, cookie), "a clear record is nothing where values are sealed");
}

static void test_two_ids(void)
{
    const char *first = begin(&at, "Session-Set: a=1");
    const char *second = begin(&at, "Session-Set: a=2");
    sx_str both[] = {sx_str_of(first), sx_str_of("x"), sx_str_of(second)};
    sx_loaded loaded;

    sx_load(&at.realm, both, 2, at.now, &loaded, at.pool);
    is_int(loaded.status, SX_STATUS_ACTIVE, "junk beside an id is ignored");
    sx_load(&at.realm, both, 3, at.now, &loaded, at.pool);
    is_int(loaded.status, SX_STATUS_INVALID, "two genuine ids are no session");
    both[2] = both[0];
    sx_load(&at.realm, both, 3, at.now, &loaded, at.pool);
    is_int(loaded.status, SX_STATUS_ACTIVE, "the same id twice is one id");
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    test_nothing();
    test_create();
    test_create_for_user();
    test_never_adopted();
    test_different_keys();
    test_same_key();
    test_increments();
    test_if_version();
    test_versions();
    test_slow_writer();
    test_expiry_meanwhile();
    test_absolute_end();
    test_refused();
    test_touch();
    test_persist();
    test_scopes();
    test_two_ids();
    stage_end(&at);
    return done_testing();
}
