/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying what lives from one store to another, of another kind and clock,
 * while both are used: what was written last is there, what was ended in either
 * stays ended, and a run that was cut off is made good by the next.
 */
#include <string.h>

#include "backends.h"

#include "sx_copy.h"
#include "sx_copy_notes.h"

static stage old, new; /* where sessions were, and where they go */
static sx_store_ops old_ops, new_ops;
static sx_copy_report report;

static int64_t old_clock(sx_store *store)
{
    (void)store;
    return old.now.boot_ms;
}

static int64_t new_clock(sx_store *store)
{
    (void)store;
    return new.now.boot_ms;
}

static void set_clock(stage *at, sx_store_ops *ops,
                      int64_t (*clock)(sx_store *store))
{
    *ops = *at->realm.store->ops;
    ops->clock_ms = clock;
    at->realm.store->ops = ops;
}

/* A segment that was begun two weeks after the boot, and a directory. */
static void begin_both(void)
{
    stage_use(&stage_shm);
    stage_begin(&old);
    set_clock(&old, &old_ops, old_clock);
    stage_use(&stage_file);
    stage_begin(&new);
    new.now.boot_ms = INT64_C(1750000000123);
    set_clock(&new, &new_ops, new_clock);
}

static void end_both(void)
{
    stage_use(&stage_file);
    stage_end(&new);
    stage_use(&stage_shm);
    stage_end(&old);
}

static void pass_both(int64_t ms)
{
    stage_pass(&old, ms);
    stage_pass(&new, ms);
}

static sx_answer copy_from(stage *from, stage *to)
{
    const sx_copy copy = {.from = from->realm.store, .to = to->realm.store};

    return sx_copy_run(&copy, &report, from->pool);
}

static bool copied(void)
{
    return copy_from(&old, &new) == SX_STORE_OK;
}

static bool has(stage *at, const char *cookie, const char *key,
                const char *value)
{
    const char *is = value_of(at, cookie, key);

    return is && !strcmp(is, value);
}

static const char *next_id(stage *at, const char *cookie, const char *text)
{
    return cookie_of(at, request(at, cookie, text));
}

/* ---- what is carried ----------------------------------------------------- */

static void test_all(void)
{
    const char *anna, *bert, *before, *after, *out;

    begin_both();
    anna = begin(&old, "Session-Set: cart=3 | Session-Flash: info=hello");
    bert = begin(&old, "Session-Set: user=bert");
    before = begin(&old, "Session-Set: n=1");
    out = begin(&old, "Session-Set: user=carl");
    request(&old, begin(&old, "Session-Set: user=carl"), "Session-Logout: all");
    stage_pass(&old, 10 * MINUTE);
    request(&old, before, "Session-Idle: 3600");
    old.realm.times.renew_ms = MINUTE;
    after = next_id(&old, before, "Session-Set: n=2");
    old.realm.times.renew_ms = HOUR;
    new.now.wall_s += 600;
    ok(copied(), "a store is copied");
    ok(has(&new, anna, "cart", "3") && messages_of(&new, anna) == 1,
       "a session is there, with its message");
    ok(has(&new, bert, "user", "bert"), "one of a user");
    ok(has(&new, before, "n", "2") && has(&new, after, "n", "2"),
       "one that was renewed, by its old id, too");
    ok(dead(&new, out), "and one that was logged out with all others is not");
    ok(has(&old, anna, "cart", "3") && report.carried == report.seen,
       "nothing is missing where they were");
    stage_pass(&new, 11 * SECOND);
    ok(dead(&new, before) && alive(&new, after),
       "an old id ends with its grace");
    stage_pass(&new, 20 * MINUTE - 12 * SECOND);
    ok(alive(&new, bert), "a session lives as long as it would have");
    stage_pass(&new, 2 * SECOND);
    ok(dead(&new, bert), "and no longer");
    stage_pass(&new, 20 * MINUTE);
    ok(request(&new, after, "Session-Set: n=3")->renewed == false,
       "an id is as old as it was");
    stage_pass(&new, 20 * MINUTE);
    ok(request(&new, after, "Session-Set: n=4")->renewed,
       "and is renewed when it is old enough");
    end_both();
}

static void test_seats(void)
{
    const char *first, *second;

    begin_both();
    old.realm.per_user = new.realm.per_user = (sx_per_user){2, false};
    first = begin(&old, "Session-Set: user=ann");
    second = begin(&old, "Session-Set: user=ann");
    ok(copied() && alive(&new, first) && alive(&new, second),
       "the sessions of a user with a limit are carried");
    pass_both(SECOND);
    begin(&new, "Session-Set: user=ann");
    ok(dead(&new, first) && alive(&new, second), "and still counted");
    end_both();
}

/* ---- again --------------------------------------------------------------- */

static void test_again(void)
{
    const char *same, *changed, *used, *written, *fresh;

    begin_both();
    same = begin(&old, "Session-Set: n=1");
    changed = begin(&old, "Session-Set: n=1");
    used = begin(&old, "Session-Set: n=1");
    written = begin(&old, "Session-Set: n=1");
    ok(copied() && report.carried == 4, "four sessions are carried");
    ok(copied() && report.seen == 4 && report.carried == 0 &&
           report.replaced == 0 && report.touched == 0,
       "and not once more");
    pass_both(2 * MINUTE);
    request(&old, changed, "Session-Set: n=2");
    request(&old, used, "Session-Set: n=2");
    request(&old, written, "Session-Set: n=2");
    request(&old, same, "Session-Clear: on");
    fresh = begin(&old, "Session-Set: n=1");
    pass_both(2 * MINUTE);
    (void)commit(&new, load(&new, used), "Session-Unset: nothing");
    request(&new, written, "Session-Set: n=9");
    ok(copied() && report.carried == 1 && has(&new, fresh, "n", "1"),
       "what is new is carried");
    ok(report.replaced == 3 && has(&new, changed, "n", "2") &&
           value_of(&new, same, "n") == NULL,
       "and what has changed");
    ok(has(&new, used, "n", "2"), "also if it was looked at there");
    ok(report.kept == 1 && has(&new, written, "n", "9"),
       "but not if it was written there since");
    pass_both(29 * MINUTE);
    ok(alive(&new, used), "nobody's access is forgotten");
    end_both();
}

static void test_touched(void)
{
    const char *cookie;

    begin_both();
    cookie = begin(&old, "Session-Set: n=1");
    ok(copied(), "a session is carried");
    pass_both(20 * MINUTE);
    request(&old, cookie, "Session-Unset: nothing");
    ok(copied() && report.touched == 1, "then it is used");
    /* Another moment between the two readings. */
    new.now.boot_ms -= 3;
    ok(copy_from(&new, &old) == SX_STORE_OK && report.touched == 0,
       "which no difference of clocks is taken for");
    pass_both(20 * MINUTE);
    ok(alive(&new, cookie), "and lives as long as that says");
    end_both();
}

/* ---- ends ---------------------------------------------------------------- */

static void test_ended_in_old(void)
{
    const char *destroyed, *before, *after, *idle;

    begin_both();
    destroyed = begin(&old, "Session-Set: n=1");
    before = begin(&old, "Session-Set: n=1");
    idle = begin(&old, "Session-Set: n=1 | Session-Idle: 60");
    ok(copied(), "sessions are carried");
    pass_both(SECOND);
    request(&old, destroyed, "Session-Destroy: on");
    after = next_id(&old, before, "Session-Set: user=dora");
    request(&new, destroyed, "Session-Set: n=5");
    request(&new, idle, "Session-Idle: 600");
    pass_both(2 * MINUTE);
    ok(copied() && report.ended == 2, "what is ended since");
    ok(dead(&new, destroyed), "ends there, though it was written there");
    ok(dead(&new, before) && has(&new, after, "user", "dora"),
       "so does an id of before a log-in, and that of after it is carried");
    ok(alive(&new, idle), "what has only come to its time has not, if it was "
                          "used there");
    end_both();
}

static void test_ended_in_new(void)
{
    const char *destroyed, *before, *after, *all, *fresh;

    begin_both();
    destroyed = begin(&old, "Session-Set: n=1");
    before = begin(&old, "Session-Set: n=1");
    all = begin(&old, "Session-Set: user=emma");
    ok(copied(), "sessions are carried");
    pass_both(SECOND);
    request(&old, destroyed, "Session-Set: n=2");
    request(&old, before, "Session-Set: n=2");
    request(&old, all, "Session-Set: n=2");
    fresh = begin(&old, "Session-Set: user=emma");
    pass_both(SECOND);
    request(&new, destroyed, "Session-Destroy: on");
    after = next_id(&new, before, "Session-Set: user=fred");
    request(&new, all, "Session-Logout: all");
    pass_both(SECOND);
    ok(copied() && report.over_there == 3, "what was ended in the new store");
    ok(dead(&new, destroyed) && dead(&new, before), "is not brought back");
    ok(dead(&new, all) && dead(&new, fresh),
       "nor is anybody whom a log-out everywhere has ended");
    ok(has(&new, after, "user", "fred"), "what it has renewed stays");
    pass_both(HOUR);
    ok(copied() && dead(&new, destroyed), "and so it is at any later time");
    end_both();
}

/* A log-out everywhere between two runs; and one that is older than that of the
 * new store. */
static void test_epochs(void)
{
    const char *gus, *hal, *again;

    begin_both();
    gus = begin(&old, "Session-Set: user=gus");
    hal = begin(&old, "Session-Set: user=hal");
    ok(copied(), "sessions are carried");
    pass_both(SECOND);
    request(&old, begin(&old, "Session-Set: user=gus"), "Session-Logout: all");
    request(&old, begin(&old, "Session-Set: user=hal"), "Session-Logout: all");
    pass_both(SECOND);
    request(&new, hal, "Session-Logout: all");
    again = begin(&new, "Session-Set: user=hal");
    ok(alive(&new, gus), "who was logged out there is in here");
    ok(copied() && dead(&new, gus), "until the next run");
    ok(dead(&new, hal) && alive(&new, again),
       "who has logged in after a later log-out stays in");
    end_both();
}

/* ---- idle in the new store ----------------------------------------------- */

static void test_idle(bool in_use)
{
    const char *cookie, *other;

    begin_both();
    old.realm.times.renew_ms = new.realm.times.renew_ms = 0;
    cookie = begin(&old, "Session-Set: n=1");
    other = begin(&old, "Session-Set: n=1");
    ok(copied(), "sessions are carried");
    for (int i = 0; i < 3; i++) {
        pass_both(20 * MINUTE);
        request(&old, cookie, "Session-Incr: n=1");
        if (in_use) {
            pass_both(2 * MINUTE);
            request(&new, other, "Session-Incr: n=1");
        }
    }
    ok(copied() && dead(&new, cookie) == in_use,
       in_use ? "one that may have ended in a store in use does not come back"
              : "one that a store in no use has let go is carried again");
    ok(in_use || has(&new, cookie, "n", "4"), "as it is");
    end_both();
}

/* ---- and back ------------------------------------------------------------ */

static long long notes_in(stage *at)
{
    sx_copy_notes notes;
    stage *other = at == &old ? &new : &old;

    return sx_copy_notes_read(at->realm.store,
                              other->realm.store->ops->life(other->realm.store),
                              &notes, at->pool) == SX_STORE_OK
               ? notes.known->nelts
               : -1;
}

static void test_back(void)
{
    const char *destroyed, *changed, *out, *fresh, *late;

    begin_both();
    destroyed = begin(&old, "Session-Set: n=1");
    changed = begin(&old, "Session-Set: n=1");
    out = begin(&old, "Session-Set: user=ida");
    ok(copied() && notes_in(&new) == 3 && notes_in(&old) == 0,
       "sessions are carried and noted");
    /* Before the servers use the new one, and not carried. */
    pass_both(SECOND);
    request(&old, changed, "Session-Set: n=2");
    pass_both(SECOND);
    request(&new, destroyed, "Session-Destroy: on");
    request(&new, changed, "Session-Incr: n=10");
    request(&new, begin(&new, "Session-Set: user=ida"), "Session-Logout: all");
    fresh = begin(&new, "Session-Set: n=7");
    pass_both(29 * MINUTE);
    request(&new, changed, "Session-Incr: n=10");
    request(&new, fresh, "Session-Incr: n=1");
    pass_both(5 * MINUTE);
    late = begin(&new, "Session-Set: n=8");
    ok(copy_from(&new, &old) == SX_STORE_OK, "and back");
    ok(dead(&old, destroyed) && dead(&old, out),
       "what has ended meanwhile has ended");
    ok(has(&old, changed, "n", "21") && has(&old, fresh, "n", "8") &&
           has(&old, late, "n", "8"),
       "what was written meanwhile is there");
    ok(notes_in(&old) == 3 && notes_in(&new) == 0, "the notes go with them");
    ok(copy_from(&new, &old) == SX_STORE_OK && report.seen == 4 &&
           report.carried + report.replaced + report.touched == 0,
       "and are nothing to carry");
    end_both();
}

/* What the old store still has under an id that has ended in the new one. */
static void test_back_ends(void)
{
    const char *cookie;

    begin_both();
    cookie = begin(&old, "Session-Set: n=1");
    ok(copied(), "a session is carried");
    request(&new, cookie, "Session-Destroy: on");
    ok(alive(&old, cookie) && copy_from(&new, &old) == SX_STORE_OK &&
           report.ended == 1 && dead(&old, cookie),
       "and ended on the way back");
    is_int(report.seen, 0, "and nothing else is there to carry");
    end_both();
}

/* Notes are divided otherwise when there are more of them. */
static void test_many(void)
{
    const char *cookie;

    begin_both();
    cookie = begin(&old, "Session-Set: n=1");
    ok(copied() && notes_in(&new) == 1, "one note");
    for (int i = 0; i < 600; i++) {
        begin(&old, "Session-Set: n=1");
    }
    request(&new, cookie, "Session-Destroy: on");
    ok(copied() && report.carried == 600 && notes_in(&new) == 601,
       "are many by the next run");
    ok(copied() && report.carried == 0 && report.over_there == 1 &&
           dead(&new, cookie),
       "and all are known to the one after it");
    pass_both(HOUR);
    cookie = begin(&old, "Session-Set: n=1");
    ok(copied() && notes_in(&new) == 1, "and one again, when they have ended");
    request(&new, cookie, "Session-Destroy: on");
    ok(copied() && dead(&new, cookie), "which is known, too");
    end_both();
}

/* ---- trouble ------------------------------------------------------------- */

static int puts_left;
static sx_answer (*real_put)(sx_store *store, const unsigned char *key,
                             uint64_t token, sx_str bytes, sx_record_meta *meta,
                             int64_t now_ms);

static sx_answer put_a_few(sx_store *store, const unsigned char *key,
                           uint64_t token, sx_str bytes, sx_record_meta *meta,
                           int64_t now_ms)
{
    return puts_left-- > 0 ? real_put(store, key, token, bytes, meta, now_ms)
                           : SX_STORE_UNKNOWN;
}

static void test_cut_off(void)
{
    const char *cookies[20];
    int there = 0;

    begin_both();
    for (int i = 0; i < 20; i++) {
        cookies[i] = begin(&old, "Session-Set: n=1");
    }
    real_put = new_ops.put_if;
    for (puts_left = 3; puts_left < 30; puts_left += 3) {
        int left = puts_left;

        new_ops.put_if = put_a_few;
        if (copied()) {
            ok(report.seen == 20, "%d writes are enough", left);
        }
        else {
            ok(report.failed == new.realm.store &&report.failing,
               "%d writes are not", left);
        }
        new_ops.put_if = real_put;
        pass_both(SECOND);
        request(&old, cookies[left % 20], "Session-Incr: n=1");
        puts_left = left;
    }
    ok(copied(), "the next run makes it good");
    for (int i = 0; i < 20; i++) {
        const char *n = value_of(&old, cookies[i], "n");

        there += n && has(&new, cookies[i], "n", n);
    }
    is_int(there, 20, "all sessions are there as they are");
    end_both();
}

static int gets_left;
static sx_answer (*real_get)(sx_store *store, const unsigned char *key,
                             sx_str *bytes, sx_record_meta *meta,
                             int64_t grace_ms, int64_t now_ms,
                             apr_pool_t *pool);

static sx_answer get_a_few(sx_store *store, const unsigned char *key,
                           sx_str *bytes, sx_record_meta *meta,
                           int64_t grace_ms, int64_t now_ms, apr_pool_t *pool)
{
    return gets_left-- > 0
               ? real_get(store, key, bytes, meta, grace_ms, now_ms, pool)
               : SX_STORE_FULL; /* no outage, which is waited for */
}

/* What it had not come to is known to the next run as it was. */
static void test_cut_off_reading(void)
{
    const char *cookies[20];
    int back = 0;

    begin_both();
    for (int i = 0; i < 20; i++) {
        cookies[i] = begin(&old, "Session-Set: n=1");
    }
    ok(copied(), "sessions are carried");
    pass_both(SECOND);
    for (int i = 0; i < 20; i++) {
        request(&new, cookies[i], "Session-Destroy: on");
        request(&old, cookies[i], "Session-Incr: n=1");
    }
    real_get = old_ops.get;
    old_ops.get = get_a_few;
    gets_left = 5;
    ok(!copied() && report.failed == old.realm.store, "a store goes away");
    old_ops.get = real_get;
    ok(copied() && report.over_there == 20, "and comes again");
    for (int i = 0; i < 20; i++) {
        back += alive(&new, cookies[i]);
    }
    is_int(back, 0, "and nothing that has ended does");
    end_both();
}

static void test_full(void)
{
    char text[40000];

    begin_both();
    memset(text, 'x', sizeof(text));
    memcpy(text, "Session-Set: user=a&t=", 22);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 60; i++) {
        begin(&new, text);
    }
    ok(copy_from(&new, &old) == SX_STORE_OK && report.refused > 0 &&
           report.carried + report.refused == 60,
       "who finds no room is counted");
    end_both();
}

int main(void)
{
    apr_initialize();
    test_all();
    test_seats();
    test_again();
    test_touched();
    test_ended_in_old();
    test_ended_in_new();
    test_epochs();
    test_idle(false);
    test_idle(true);
    test_back();
    test_back_ends();
    test_many();
    test_cut_off();
    test_cut_off_reading();
    test_full();
    return done_testing();
}
