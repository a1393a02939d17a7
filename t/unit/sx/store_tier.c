/* SPDX-License-Identifier: Apache-2.0 */
/* A tier of a segment and a directory (sx_store_tier.h): what the contract does
 * not say of it.  From where an answer comes, how old it may be, and what
 * becomes of either side's loss. */
#include "tier.h"

/* As another host would, which has another FAST. */
static sx_answer elsewhere(const unsigned char *key, const char *text)
{
    sx_store *store = durable.real;
    sx_record_meta meta = meta_of(SX_USER), found;
    sx_answer answer;
    sx_str bytes;

    answer =
        store->ops->get(store, key, &bytes, &found, 0, at.now.boot_ms, at.pool);
    return store->ops->put_if(store, key,
                              answer == SX_STORE_OK ? found.token : 0,
                              sx_str_of(text), &meta, at.now.boot_ms);
}

/* Time goes on, on both sides. */
static void pass(int64_t ms)
{
    stage_pass(&at, ms);
    fast.clock_ms += ms;
    durable.clock_ms += ms;
}

/* The next get asks DURABLE so often. */
static int asks(const unsigned char *key)
{
    int before = durable.gets;
    sx_record_meta meta;
    sx_str bytes;

    (void)get(key, &bytes, &meta);
    return durable.gets - before;
}

/* ---- from where --------------------------------------------------------- */

static void test_through(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("mine", &meta), *other = stage_key(&at);
    sx_str got;

    ok(asks(key) == 0 && holds(key, "mine"), "what was written is in FAST");
    ok(durable.real->ops->get(durable.real, key, &got, &found, 0,
                              at.now.boot_ms, at.pool) == SX_STORE_OK &&
           found.token == meta.token && found.kind == SX_USER,
       "and in DURABLE, whose token the writer has");
    ok(get(key, &got, &found) == SX_STORE_OK && found.token == meta.token &&
           found.kind == SX_USER && found.ns == meta.ns &&
           found.user_tag == 88 && found.handle == 99 &&
           found.created_ms == meta.created_ms &&
           found.expires_ms == meta.expires_ms &&
           found.hard_end_ms == meta.hard_end_ms,
       "a copy has all that lies beside it");
    ok(is_missing(other) && is_missing(other) && asks(other) == 1,
       "what is not there is asked for each time");
    ok(elsewhere(other, "its") == SX_STORE_OK && holds(other, "its"),
       "and found as soon as it is there");
    ok(asks(other) == 0, "after which FAST has it");
    ok(put(key, meta.token, sx_str_of("new"), &meta) == SX_STORE_OK &&
           asks(key) == 0 && holds(key, "new"),
       "a new value is in FAST, too");
    ok(touch(key, at.now.boot_ms + HOUR) == SX_STORE_OK &&
           get(key, &got, &found) == SX_STORE_OK &&
           found.expires_ms == at.now.boot_ms + HOUR && asks(key) == 0,
       "an access is seen at once, and copied");
    ok(drop(key, meta.token) == SX_STORE_OK && is_missing(key),
       "and so is an end");
}

static void test_keys(void)
{
    sx_record_meta meta = meta_of(SX_USER), own = meta_of(SX_USER);
    const unsigned char *key = made("in the tier", &meta);
    sx_store *second =
        sx_store_tier_create(&fast.base, &durable.base, "other", AGE, at.pool);
    sx_record_meta found;
    int before;
    sx_str got;

    ok(fast.real->ops->put_if(fast.real, key, 0, sx_str_of("its own"), &own,
                              fast.clock_ms) == SX_STORE_OK &&
           holds(key, "in the tier"),
       "FAST may have a record of its own under the same key");
    before = durable.gets;
    ok(second->ops->get(second, key, &got, &found, 0, at.now.boot_ms,
                        at.pool) == SX_STORE_OK &&
           durable.gets == before + 1,
       "copies of two stores are not mixed up");
}

/* ---- how old ------------------------------------------------------------ */

static void test_age(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("old", &meta);
    sx_store *strict = over(0);
    sx_str got;

    elsewhere(key, "new");
    ok(holds(key, "old"), "a copy may be of before, for as long as was said");
    ok(strict->ops->get(strict, key, &got, &found, 0, at.now.boot_ms,
                        at.pool) == SX_STORE_OK &&
           sx_str_eq(got, sx_str_of("new")),
       "where that is not at all, another host's value is seen at once");
    pass(AGE - SECOND);
    ok(holds(key, "old"), "to the last second");
    pass(SECOND);
    ok(holds(key, "new") && asks(key) == 0, "then it is replaced");
    elsewhere(key, "newer");
    ok(put(key, meta.token, sx_str_of("late"), &meta) == SX_STORE_CHANGED &&
           holds(key, "newer"),
       "who is told that it has changed finds what it has become");
    ok(durable.real->ops->remove(durable.real, key, 0) == SX_STORE_OK &&
           drop(key, found.token) == SX_STORE_MISS && is_missing(key),
       "and who is told that it is gone, nothing");
    key = made("x", &meta);
    ok(strict->ops->put_if(strict, key, meta.token, sx_str_of("y"), &meta,
                           at.now.boot_ms) == SX_STORE_OK &&
           holds(key, "y"),
       "a writer who asks for no copies leaves no old one to others");
}

static void test_ended_copy(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key;
    sx_str got;

    pass(HOUR);
    meta = meta_of(SX_USER);
    meta.expires_ms = at.now.boot_ms + 2 * SECOND;
    key = made("x", &meta);
    durable.real->ops->touch(durable.real, key, at.now.boot_ms + MINUTE,
                             at.now.boot_ms);
    pass(3 * SECOND);
    ok(holds(key, "x") && asks(key) == 0,
       "who was seen on another host has not ended on this");
    meta = meta_of(SX_USER);
    meta.expires_ms = at.now.boot_ms + 2 * SECOND;
    key = made("y", &meta);
    pass(2 * SECOND);
    ok(get(key, &got, &found) == SX_STORE_MISS, "and an end is exact");
}

static void test_epochs(void)
{
    unsigned char key[SX_STORE_KEY_LEN] = SX_EPOCH_KEY_BEGIN;
    sx_record_meta meta = meta_of(SX_EPOCH), found;
    sx_str got;

    key[31] = 1;
    ok(get(key, &got, &found) == SX_STORE_MISS && asks(key) == 0,
       "that a user has no epoch is remembered");
    elsewhere(key, "turned");
    ok(get(key, &got, &found) == SX_STORE_MISS,
       "so that another host's logout is seen later");
    at.realm.store->ops->refresh(at.realm.store, key);
    ok(holds(key, "turned"), "but at once by who must know");
    pass(AGE);
    key[31] = 2;
    (void)get(key, &got, &found);
    elsewhere(key, "turned");
    pass(AGE);
    ok(holds(key, "turned"), "and by all after the age of a copy");
    key[31] = 3;
    (void)get(key, &got, &found);
    ok(put(key, 0, sx_str_of("ours"), &meta) == SX_STORE_OK &&
           holds(key, "ours"),
       "one of this host at once");
}

/* Two hosts, one user, as the core goes about it. */
static void test_two_hosts(void)
{
    sx_store *ours = at.realm.store, *theirs = durable.real;
    const char *first, *second, *other;
    sx_committed *done;

    first = begin(&at, "Session-Set: user=alice");
    other = begin(&at, "Session-Set: user=alice");
    ok(alive(&at, first) && alive(&at, other),
       "alice is logged in on this host, twice");
    at.realm.store = theirs;
    done = request(&at, first, "Session-Logout: all");
    second = begin(&at, "Session-Set: user=alice");
    at.realm.store = ours;
    ok(done->verdict == SX_COMMIT_OK && alive(&at, other),
       "who is logged out elsewhere may be in here for the age of a copy");
    ok(alive(&at, second),
       "who logs in elsewhere, after a logout there, is in here at once");
    ok(request(&at, second, "Session-Incr: n=1")->verdict == SX_COMMIT_OK,
       "and can write");
    pass(AGE);
    ok(dead(&at, other), "and who was logged out there is out here in time");
    ok(alive(&at, second), "of the epoch of now there is a copy");
    at.realm.store = theirs;
    (void)request(&at, second, "Session-Logout: all");
    at.realm.store = ours;
    second = begin(&at, "Session-Set: user=alice");
    pass(AGE);
    ok(alive(&at, second), "but who logs in here is of the one of DURABLE");
    at.realm.per_user = (sx_per_user){2, false};
    first = begin(&at, "Session-Set: user=bert");
    ok(alive(&at, first), "bert has a seat on this host");
    at.realm.store = theirs;
    second = begin(&at, "Session-Set: user=bert");
    at.realm.store = ours;
    ok(alive(&at, second) && alive(&at, first),
       "and one that he takes elsewhere counts here at once");
    at.realm.per_user = (sx_per_user){0};
}

/* First the session is copied, then its user's epoch. */
static void have_copies(const char *cookie)
{
    for (int i = 0; i < 2; i++)
        (void)load(&at, cookie);
}

/* Where DURABLE brings epochs with sessions and compares them with writes. */
static void test_one_call(void)
{
    sx_store *before = at.realm.store, *theirs = durable.real;
    const char *first, *second;
    sx_committed *done;
    int asked;

    durable.base.ops = &one_call_ops;
    at.realm.store = over(0);
    first = begin(&at, "Session-Set: user=carl");
    asked = durable.gets;
    ok(alive(&at, first) && durable.gets == asked + 1,
       "without copies a load is one call of DURABLE, if it can do that");
    at.realm.store = over(AGE);
    have_copies(first);
    asked = durable.gets;
    ok(alive(&at, first) && durable.gets == asked,
       "with copies of both it is none");
    second = begin(&at, "Session-Set: user=carl");
    have_copies(second);
    at.realm.store = theirs;
    (void)request(&at, first, "Session-Logout: others");
    at.realm.store = over(AGE);
    done = request(&at, first, "Session-Incr: n=1");
    ok(done->verdict == SX_COMMIT_OK && value_of(&at, first, "n") &&
           !strcmp(value_of(&at, first, "n"), "1"),
       "who writes by an old copy of an epoch finds the one of now");
    ok(dead(&at, second), "and who is out by that one is out");
    at.realm.store = before;
    durable.base.ops = &side_ops;
}

/* ---- loss --------------------------------------------------------------- */

static void test_fast_fails(sx_answer how)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key;

    fast.fails = how;
    key = made("one", &meta);
    ok(holds(key, "one") &&
           put(key, meta.token, sx_str_of("two"), &meta) == SX_STORE_OK &&
           holds(key, "two") &&
           touch(key, at.now.boot_ms + MINUTE) == SX_STORE_OK &&
           holds(key, "two") && drop(key, meta.token) == SX_STORE_OK &&
           is_missing(key),
       "where FAST answers \"%s\" DURABLE does all", sx_answer_str(how));
    fast.fails = SX_STORE_OK;
}

static void test_fast_busy(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("before", &meta);

    for (int i = 1; i <= 2; i++) {
        fast.busy = i;
        ok(put(key, meta.token, sx_str_of(i == 1 ? "one" : "two"), &meta) ==
                   SX_STORE_OK &&
               holds(key, i == 1 ? "one" : "two"),
           "no old copy stays where FAST is busy for %d calls", i);
    }
    fast.busy = 0;
}

static void test_fast_lost(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("kept", &meta);
    char *much = apr_pcalloc(at.pool, MIB);
    stage fresh = {.now = {fast.clock_ms, 1750000000}, .pool = at.pool};
    sx_store *before = fast.real;

    ok(put(key, meta.token, (sx_str){much, MIB}, &meta) == SX_STORE_OK &&
           asks(key) == 1,
       "what is too large for FAST is in DURABLE alone");
    ok(put(key, meta.token, sx_str_of("kept"), &meta) == SX_STORE_OK &&
           asks(key) == 0,
       "until it is not");
    stage_open_shm(&fresh, 2 * MIB, SST_REFUSE);
    fast.real = fresh.realm.store;
    ok(holds(key, "kept") && asks(key) == 0,
       "a FAST that has lost all is filled anew");
    fast.real = before;
    stage_close_shm(&fresh);
}

static void test_fast_damaged(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("a value to be spoiled", &meta);

    stage_spoil_shm(&at, key);
    ok(holds(key, "a value to be spoiled") && asks(key) == 0,
       "a damaged copy is none");
}

static void test_fast_foreign(void)
{
    /* Too short, of another form, of no kind, without a token, and with times
     * that contradict each other. */
    static const char heads[][48] = {
        {1, 2},          {0, 2, [8] = 1},           {1, 9, [8] = 1},
        {1, 2, [8] = 0}, {1, 2, [8] = 1, [39] = 1},
    };
    sx_record_meta meta = meta_of(SX_USER);
    const unsigned char *key = made("right", &meta);
    int wrong = 0;

    for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
        for (size_t len = 0; len <= sizeof(heads[i]); len++) {
            fast.lie = (sx_str){heads[i], len};
            wrong += !holds(key, "right");
        }
    fast.lie.p = NULL;
    ok(wrong == 0, "what is no copy is not taken for one");
}

static void test_durable_lost(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("kept", &meta);
    const unsigned char *other = stage_key(&at);
    sx_str got;

    durable.fails = SX_STORE_UNAVAILABLE;
    ok(holds(key, "kept"), "without DURABLE a young copy is given out");
    ok(get(other, &got, &found) == SX_STORE_UNAVAILABLE,
       "and what has none is no miss");
    pass(AGE);
    ok(get(key, &got, &found) == SX_STORE_UNAVAILABLE, "nor is an old copy");
    ok(put(key, meta.token, sx_str_of("x"), &meta) == SX_STORE_UNAVAILABLE &&
           touch(key, at.now.boot_ms + MINUTE) == SX_STORE_UNAVAILABLE &&
           drop(key, 0) == SX_STORE_UNAVAILABLE,
       "nothing is confirmed");
    durable.fails = SX_STORE_OK;
    ok(holds(key, "kept"), "when it is back, so is what it had");
}

int main(void)
{
    apr_initialize();
    begin_tier();
    test_through();
    test_keys();
    test_age();
    test_ended_copy();
    test_epochs();
    test_two_hosts();
    test_one_call();
    test_fast_fails(SX_STORE_UNAVAILABLE);
    test_fast_fails(SX_STORE_BUSY);
    test_fast_fails(SX_STORE_FULL);
    test_fast_busy();
    test_fast_damaged();
    test_fast_lost();
    test_fast_foreign();
    test_durable_lost();
    stage_end(&at);
    return done_testing();
}
