/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that their cookie carries: what costs no record, what does, and
 * that an end is one although the cookie cannot be taken back. */
#include "stage.h"

#include "sx_store_cookie.h"

static stage at;
static sx_store *inner;

/* A request and its response. */
typedef struct visit {
    sx_realm realm;
    sx_loaded loaded;
    sx_committed done;
    const char *cookie; /* what the client holds afterwards */
} visit;

static visit *arrive_with(const char *const *cookies, size_t count)
{
    visit *v = apr_pcalloc(at.pool, sizeof(*v));
    sx_str values[SX_COOKIE_CANDIDATES];

    for (size_t i = 0; i < count; i++) {
        values[i] = sx_str_of(cookies[i]);
    }
    v->cookie = count ? cookies[0] : NULL;
    v->realm = at.realm;
    v->realm.times.renew_ms = 0;
    v->realm.store = sx_store_cookie_create(inner, &v->realm.scope, at.pool);
    sx_store_cookie_take(v->realm.store, values, count, at.now);
    sx_load(&v->realm, values, count, at.now, &v->loaded, at.pool);
    return v;
}

static visit *arrive(const char *cookie)
{
    return arrive_with(&cookie, cookie ? 1 : 0);
}

static visit *leave_as(visit *v, const char *text, sx_commit_mode mode)
{
    const char *load;

    sx_store_cookie_may_send(v->realm.store, mode.may_send_cookie);
    sx_commit(&v->realm, &v->loaded, commands(&at, text), mode, at.now,
              &v->done, at.pool);
    if (v->done.cookie == SX_COOKIE_DELETE) {
        v->cookie = NULL;
    }
    if (v->done.cookie == SX_COOKIE_SEND) {
        load = v->realm.store->ops->carry(v->realm.store, v->done.id.store_key);
        v->cookie = load && *load
                        ? apr_pstrcat(at.pool, v->done.id.text, ".", load, NULL)
                        : apr_pstrdup(at.pool, v->done.id.text);
    }
    return v;
}

static visit *leave(visit *v, const char *text)
{
    return leave_as(v, text, (sx_commit_mode){true, true});
}

/* A request that asks for ${text}: the cookie it leaves the client with. */
static const char *after(const char *cookie, const char *text)
{
    return leave(arrive(cookie), text)->cookie;
}

static const char *read_key(const char *cookie, const char *key)
{
    visit *v = arrive(cookie);
    const sx_entry *entry =
        v->loaded.session ? sx_session_get(v->loaded.session, sx_str_of(key))
                          : NULL;

    return entry ? apr_pstrmemdup(at.pool, entry->value.p, entry->value.len)
                 : NULL;
}

static bool lives(const char *cookie)
{
    return arrive(cookie)->loaded.status == SX_STATUS_ACTIVE;
}

static bool is_dead(const char *cookie)
{
    return arrive(cookie)->loaded.status == SX_STATUS_INVALID;
}

static bool same_id(const char *cookie, const char *other)
{
    return cookie && other && strncmp(cookie, other, SX_ID_LEN) == 0;
}

static bool carries(const char *cookie)
{
    return cookie && strlen(cookie) > SX_ID_LEN + 1 && cookie[SX_ID_LEN] == '.';
}

/* Past the share, and what has ended is swept. */
static void pass_share(void)
{
    shm_sweep_report report;

    stage_pass(&at, 2 * SX_CARRY_SHARE_MS + SECOND);
    (void)!shm_store_sweep(at.segment, 1000000, at.now.boot_ms, &report);
}

static const char *letters(size_t count)
{
    char *text = apr_palloc(at.pool, count + 1);

    memset(text, 'x', count);
    text[count] = '\0';
    return text;
}

/* ---- life --------------------------------------------------------------- */

static void test_costs_nothing(void)
{
    const char *cookie = after(NULL, "Session-Set: a=1&b=2");

    ok(carries(cookie), "a new session is carried by its cookie");
    is_int(records(&at), 0, "and the store has no record of it");
    is_str(read_key(cookie, "b"), "2", "a request finds it there");
    cookie = after(cookie, "Session-Set: a=3");
    is_str(read_key(cookie, "a"), "3", "a response changes it");
    is_int(records(&at), 1, "and shares the change for a while");
    pass_share();
    is_int(records(&at), 0, "and not for longer");
    is_str(read_key(cookie, "a"), "3", "when the cookie still has it");
    ok(arrive(cookie)->loaded.session->version == 2, "at its version");
}

static void test_ends_by_time(void)
{
    const char *begun = after(NULL, "Session-Set: a=1"), *cookie = begun;

    for (int i = 0; i < 5; i++) {
        stage_pass(&at, 20 * MINUTE);
        cookie = after(cookie, "");
    }
    ok(lives(cookie) && strcmp(cookie, begun) != 0,
       "an access is noted in the cookie");
    ok(is_dead(begun), "one that was not used has ended");
    is_int(records(&at), 0, "and nothing of it needs a record");
    stage_pass(&at, 30 * SECOND);
    ok(leave(arrive(cookie), "")->done.cookie == SX_COOKIE_KEEP,
       "not each access sends a cookie");
    stage_pass(&at, 19 * MINUTE);
    ok(leave_as(arrive(cookie), "", (sx_commit_mode){true, false})
               ->done.cookie == SX_COOKIE_KEEP,
       "and what is no page sends none for an access alone");
    for (int i = 0; i < 80; i++) {
        stage_pass(&at, 10 * MINUTE);
        cookie = after(cookie, "");
    }
    ok(is_dead(cookie), "the absolute end comes whatever was accessed");
}

/* The clock of a store begins anew at a boot; the cookie goes by the wall. */
static void test_other_clock(void)
{
    const char *cookie = after(NULL, "Session-Set: a=1");
    const int64_t hour = at.now.boot_ms;

    at.now.boot_ms += 7 * 24 * HOUR;
    ok(lives(cookie), "a store's clock that was set tells nothing of its age");
    at.now.wall_s += 31 * 60;
    ok(is_dead(cookie), "the wall clock does");
    at.now.boot_ms = hour + 31 * MINUTE;
}

/* ---- at the same time --------------------------------------------------- */

static void test_merge(void)
{
    const char *cookie = after(NULL, "Session-Set: n=0"), *last = cookie;
    visit *one = arrive(cookie), *two = arrive(cookie);
    visit *slow = arrive(cookie);

    leave(one, "Session-Set: a=1");
    leave(two, "Session-Set: b=2");
    ok(read_key(two->cookie, "a") && read_key(two->cookie, "b"),
       "of two requests at once both are kept");
    is_str(read_key(one->cookie, "b"), "2",
           "also for who holds the cookie of the first");
    for (int i = 0; i < 50; i++) {
        last = after(cookie, "Session-Incr: n=1");
    }
    is_str(read_key(last, "n"), "50",
           "50 increments of requests with one old cookie are 50");
    ok(leave(slow, "Session-If-Version: 1 | Session-Set: a=9")->done.verdict ==
           SX_COMMIT_CONFLICT,
       "If-Version sees what others wrote");
    pass_share();
    is_str(read_key(last, "n"), "50", "the last cookie has all of it");
}

static void test_slow_writer(void)
{
    const char *cookie = after(NULL, "Session-Set: a=1");
    visit *slow;

    cookie = after(cookie, "Session-Set: a=2");
    slow = arrive(cookie);
    pass_share();
    leave(slow, "Session-Set: b=1");
    is_int(slow->done.verdict, SX_COMMIT_OK,
           "who takes longer than the share writes what it found");
    ok(read_key(slow->cookie, "a") && read_key(slow->cookie, "b"),
       "and what it asked for");
    slow = arrive(slow->cookie);
    after(slow->cookie, "Session-Destroy: on");
    pass_share();
    is_int(leave(slow, "Session-Set: b=2")->done.verdict, SX_COMMIT_DROPPED,
           "but nothing, if the session was ended meanwhile");
    ok(slow->done.cookie == SX_COOKIE_KEEP, "and sends no cookie");
}

/* ---- ends --------------------------------------------------------------- */

static void test_destroy(void)
{
    const char *first = after(NULL, "Session-Set: a=1");
    const char *second = after(first, "Session-Set: a=2");
    visit *slow = arrive(second), *read = arrive(second);
    visit *end = leave(arrive(second), "Session-Destroy: on");

    ok(end->done.cookie == SX_COOKIE_DELETE && end->done.destroyed,
       "Destroy deletes the cookie");
    ok(is_dead(second) && is_dead(first),
       "which is dead, and so are older ones");
    is_int(leave(slow, "Session-Set: a=3")->done.verdict, SX_COMMIT_DROPPED,
           "a slow writer does not bring it back");
    stage_pass(&at, 2 * MINUTE);
    ok(leave(read, "")->done.cookie == SX_COOKIE_KEEP,
       "nor does a slow reader whose access would be noted");
    pass_share();
    ok(is_dead(second), "later, either");
    is_int(leave(arrive(second), "Session-Set: a=1")->done.cookie,
           SX_COOKIE_SEND, "who comes with it and writes gets another session");
    ok(records(&at) > 0, "a tombstone is kept");
    stage_pass(&at, 13 * HOUR);
    pass_share();
    is_int(records(&at), 0, "until no cookie of it could live");
}

static void test_log_in(void)
{
    const char *planted = after(NULL, "Session-Set: a=1");
    visit *slow = arrive(planted);
    const char *mine = after(planted, "Session-Set: user=alice");

    ok(lives(mine) && !same_id(mine, planted), "a log-in changes the id");
    ok(is_dead(planted), "the old one is dead at once");
    is_int(leave(slow, "Session-Set: user=mallory")->done.verdict,
           SX_COMMIT_DROPPED, "also for a log-in at the same time");
    is_str(read_key(mine, "a"), "1", "the data go with it");
    mine = after(mine, "Session-Unset: user");
    ok(lives(mine) && read_key(mine, "a"), "a log-out changes it again");
    mine = after(mine, "Session-Renew: discard");
    ok(lives(mine) && !read_key(mine, "a"), "Renew: discard drops the data");
}

static void test_logout(void)
{
    const char *phone = after(NULL, "Session-Set: user=bob");
    const char *desk = after(NULL, "Session-Set: user=bob");
    const char *other = after(NULL, "Session-Set: user=carol");

    desk = after(desk, "Session-Logout: others");
    ok(is_dead(phone) && lives(desk) && lives(other),
       "a logout of the others ends what their cookies carry");
    after(desk, "Session-Logout: all | Session-Destroy: on");
    ok(is_dead(desk) && lives(other), "one of all, its own, too");
}

static void test_lost_store(void)
{
    const char *cookie = after(NULL, "Session-Set: a=1");
    shm_store *before = at.segment;
    char path[64];

    memcpy(path, at.path, sizeof(path));
    stage_segment(&at, 2 * MIB, SST_REFUSE);
    inner = sx_store_shm_create(at.segment, at.pool);
    ok(is_dead(cookie), "a store begun anew knows no ends: all cookies are "
                        "dead that were sent before");
    shm_store_close(before);
    unlink(path);
}

/* ---- what a cookie cannot do -------------------------------------------- */

static void test_spill(void)
{
    const char *small = after(NULL, "Session-Set: a=1");
    const char *large = after(
        small, apr_pstrcat(at.pool, "Session-Set: b=", letters(5000), NULL));
    const char *back;

    is_int((long)strlen(large), SX_ID_LEN,
           "what is too large stays in the store, and the cookie has the id");
    is_int((long)strlen(read_key(large, "b")), 5000, "which leads there");
    is_int((long)strlen(read_key(small, "b")), 5000, "as does an older cookie");
    pass_share();
    ok(lives(large), "for as long as the session lives");
    back = after(large, "Session-Unset: b");
    ok(carries(back), "what fits again goes back into the cookie");
    is_str(read_key(large, "a"), "1", "and is found by the id for a while");
    pass_share();
    is_int(records(&at), 0, "until the store has forgotten it");
    is_str(read_key(back, "a"), "1", "but the cookie not");
    ok(carries(after(
           NULL, apr_pstrcat(at.pool, "Session-Set: b=", letters(2700), NULL))),
       "2 700 bytes fit");
    large = after(NULL,
                  apr_pstrcat(at.pool, "Session-Set: b=", letters(2900), NULL));
    is_int((long)strlen(large), SX_ID_LEN, "2 900 do not");
    after(large, "Session-Destroy: on");
    ok(is_dead(large), "a session that begins in the store ends there");
}

static void test_headers_left(void)
{
    const long long before = records(&at);
    const char *cookie = after(NULL, "Session-Set: a=1");
    visit *late = leave_as(arrive(cookie), "Session-Set: a=2",
                           (sx_commit_mode){false, false});

    ok(late->done.verdict == SX_COMMIT_OK &&
           late->done.cookie == SX_COOKIE_KEEP,
       "what is written behind the headers sends no cookie");
    pass_share();
    is_str(read_key(cookie, "a"), "2", "and the old one leads to it");
    cookie = after(cookie, "Session-Set: c=1");
    pass_share();
    is_str(read_key(cookie, "a"), "2", "which the next write brings back");
    is_int(records(&at), before, "out of the store");
}

static void test_full(void)
{
    const char *cookie = after(NULL, "Session-Set: a=1");
    unsigned char key[SST_KEY_LEN] = {0};
    char value[2000] = {0};
    visit *v;

    for (size_t len = sizeof(value); len > 0; len /= 2) {
        shm_meta meta = {.kind = SST_EPOCH,
                         .created_ms = at.now.boot_ms,
                         .expires_ms = at.now.boot_ms + HOUR,
                         .hard_end_ms = at.now.boot_ms + HOUR};

        do {
            sx_random(key, sizeof(key));
        } while (shm_store_put_if(at.segment, key, 0, value, len, &meta, NULL,
                                  at.now.boot_ms) == SST_OK);
    }
    v = leave(arrive(cookie), "Session-Set: a=2");
    ok(v->done.verdict == SX_COMMIT_OK && carries(v->cookie),
       "a full store keeps no session from being carried");
    is_str(read_key(v->cookie, "a"), "2", "with what was written");
    v = leave(arrive(v->cookie), "Session-Destroy: on");
    ok(v->done.verdict == SX_COMMIT_NOT_ENDED,
       "an end that cannot be remembered is told");
}

/* ---- forgery ------------------------------------------------------------ */

/* The id of one cookie and what another carries. */
static const char *grafted(const char *cookie, const char *other)
{
    return apr_pstrcat(at.pool, apr_pstrmemdup(at.pool, cookie, SX_ID_LEN),
                       other + SX_ID_LEN, NULL);
}

static void test_forged(void)
{
    const char *cookie = after(NULL, "Session-Set: a=1");
    const char *other = after(NULL, "Session-Set: a=2");
    const char *two[] = {cookie, after(cookie, "Session-Set: a=3")};
    unsigned alive = 0;
    char *forged;

    pass_share();
    for (size_t i = 0; i < strlen(cookie); i++) {
        forged = apr_pstrdup(at.pool, cookie);
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        alive += !is_dead(forged);
    }
    is_int(alive, 0, "no letter can be changed");
    for (size_t i = 0; i < strlen(cookie); i++) {
        alive += !is_dead(apr_pstrmemdup(at.pool, cookie, i));
    }
    ok(alive == 0 && is_dead(apr_pstrcat(at.pool, cookie, "A", NULL)),
       "nor cut or added");
    ok(is_dead(grafted(cookie, other)),
       "what one id carries is nothing behind another");
    at.realm.encrypt = false;
    ok(is_dead(grafted(after(NULL, "Session-Set: a=1"),
                       after(NULL, "Session-Set: a=2"))),
       "nor where records are in the clear");
    at.realm.encrypt = true;
    ok(arrive_with(two, 2)->loaded.status == SX_STATUS_INVALID,
       "one id with two loads is no session");
    at.realm.scope.ns = "example.net";
    ok(is_dead(cookie), "it is bound to its namespace");
    at.realm.scope = (sx_id_scope){at.keys, "other", "example.org"};
    ok(is_dead(cookie), "and to its name");
    at.realm.scope.cookie_name = "sid";
    ok(lives(cookie), "where it belongs it lives");
}

static void test_rotation(void)
{
    const char *cookie = after(NULL, "Session-Set: a=1");
    sx_keys *keys = stage_keys((const unsigned char *)"\2\1", 2);
    sx_keys *later = stage_keys((const unsigned char *)"\2", 1);
    visit *racing, *v;

    at.realm.scope.keys = keys;
    racing = arrive(cookie);
    v = leave(arrive(cookie), "");
    ok(v->done.renewed && !same_id(v->cookie, cookie),
       "under another first key the id is renewed");
    ok(lives(cookie), "for the grace the old cookie leads to it");
    is_int(leave(racing, "Session-Set: b=2")->done.verdict, SX_COMMIT_OK,
           "a request that came with it");
    is_str(read_key(v->cookie, "b"), "2", "writes to the renewed session");
    v = leave(arrive(v->cookie), "Session-Set: c=3");
    ok(carries(v->cookie), "which goes back into the cookie");
    pass_share();
    ok(is_dead(cookie), "after the grace the old cookie is dead");
    at.realm.scope.keys = later;
    ok(read_key(v->cookie, "b") && read_key(v->cookie, "c"),
       "the old key is no longer needed");
    at.realm.scope.keys = at.keys;
    sx_keys_free(later);
    sx_keys_free(keys);
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    inner = sx_store_shm_create(at.segment, at.pool);
    test_costs_nothing();
    test_ends_by_time();
    test_other_clock();
    test_merge();
    test_slow_writer();
    test_destroy();
    test_log_in();
    test_logout();
    test_lost_store();
    test_spill();
    test_headers_left();
    test_forged();
    test_rotation();
    test_full();
    stage_end(&at);
    apr_terminate();
    return done_testing();
}
