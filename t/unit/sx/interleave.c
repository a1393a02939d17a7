/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two requests of one session, one at every place of the other's commit, and
 * what must hold then, on each backend: nothing is lost (C1, C2), the last one
 * wins (C3), what has ended stays so (C4), a silent renewal loses no write
 * (C5), of renewals one wins (C6), an old id ends with its grace (C7), and who
 * loaded in time may commit (C11).
 */
#include "backends.h"
#include "gate.h"

static stage at;

/* ---- a scene ------------------------------------------------------------ */

static const sx_commit_mode PAGE = {true, true}, IMAGE = {true, false};

/* The first has loaded when it begins; the second, which is let in at each
 * place of the first's commit, has loaded then, too, or loads there. */
typedef struct scene {
    const char *cookie; /* of the session when it begins */
    long long records;  /* in the store then */
    const char *asked;  /* what the second asks for */
    int64_t passes_ms;  /* behind it */
    sx_loaded *loaded;
    sx_committed *first, *second;
} scene;

static scene now;

static void visit(void)
{
    sx_loaded *loaded = now.loaded ? now.loaded : load(&at, now.cookie);

    now.second = commit(&at, loaded, now.asked);
    stage_pass(&at, now.passes_ms);
}

typedef struct plan {
    const char *what, *first, *second;
    bool due;            /* for a silent renewal */
    sx_commit_mode mode; /* of the first */
    int64_t passes_ms;
    bool (*check)(void);
} plan;

static bool one_place(const plan *p, int before, bool early, bool *reached)
{
    sx_loaded *first;
    bool good;

    stage_begin(&at);
    gate_build(&at);
    at.realm.times.renew_ms = p->due ? MINUTE : 0;
    now = (scene){.asked = p->second, .passes_ms = p->passes_ms};
    now.cookie = begin(&at, "Session-Set: a=1&n=0&k=0&user=alice");
    stage_pass(&at, 2 * MINUTE);
    now.records = records(&at);
    now.loaded = early ? load(&at, now.cookie) : NULL;
    first = load(&at, now.cookie);
    gate_set(before, visit);
    now.first = commit_as(&at, first, p->first, p->mode);
    *reached = gate_open();
    good = !*reached || p->check();
    stage_end(&at);
    return good;
}

static void run(plan p)
{
    int places = 0, wrong = 0;

    for (int early = 0; early < 2; early++) {
        bool reached = true;

        for (int before = 0; reached; before++) {
            if (!one_place(&p, before, early, &reached)) {
                diag("place %d, %s", before,
                     early ? "loaded before" : "loads there");
                wrong++;
            }
            places += reached;
        }
    }
    ok(places > 1 && wrong == 0, "%s: %s: '%s' at each of %d places of '%s'",
       stage_on->name, p.what, p.second, places, p.first);
}

/* What a client holds after its response. */
static const char *held(const sx_committed *done)
{
    return done->cookie == SX_COOKIE_SEND ? cookie_of(&at, done) : now.cookie;
}

static bool sent(const sx_committed *done)
{
    return done->cookie == SX_COOKIE_SEND;
}

static bool is(const char *cookie, const char *key, const char *value)
{
    const char *found = value_of(&at, cookie, key);

    return found && !strcmp(found, value);
}

/* ${more} records than when the scene began, or nobody can tell. */
static bool counts(long long more)
{
    return !stage_can(CANNOT_COUNT) || records(&at) == now.records + more;
}

static bool both_ok(void)
{
    return now.first->verdict == SX_COMMIT_OK &&
           now.second->verdict == SX_COMMIT_OK;
}

/* ---- C1 to C3 ----------------------------------------------------------- */

static bool check_keys(void)
{
    return both_ok() && is(now.cookie, "x", "1") && is(now.cookie, "y", "1") &&
           is(now.cookie, "a", "1") && version_of(&at, now.cookie) == 3;
}

static bool check_sum(void)
{
    return both_ok() && is(now.cookie, "n", "11") &&
           version_of(&at, now.cookie) == 3;
}

/* A commit has one call that counts, its last: who comes before it is
 * overtaken. */
static bool check_last(void)
{
    return both_ok() && is(now.cookie, "k", "first") &&
           version_of(&at, now.cookie) == 3;
}

static bool check_version(void)
{
    bool first = now.first->verdict == SX_COMMIT_OK;
    bool second = now.second->verdict == SX_COMMIT_OK;

    return first != second &&
           (first ? now.second : now.first)->verdict == SX_COMMIT_CONFLICT &&
           is(now.cookie, "k", first ? "first" : "second") &&
           version_of(&at, now.cookie) == 2;
}

static void test_merging(void)
{
    run((plan){"C1", "Session-Set: x=1", "Session-Set: y=1", .mode = PAGE,
               .check = check_keys});
    run((plan){"C2", "Session-Incr: n=1", "Session-Incr: n=10", .mode = PAGE,
               .check = check_sum});
    run((plan){"C3", "Session-Set: k=first", "Session-Set: k=second",
               .mode = PAGE, .check = check_last});
    run((plan){"C3", "Session-If-Version: 1 | Session-Set: k=first",
               "Session-If-Version: 1 | Session-Set: k=second", .mode = PAGE,
               .check = check_version});
}

/* ---- C4 ----------------------------------------------------------------- */

static bool check_ended(void)
{
    /* An alias may lie there still; it leads nowhere. */
    return dead(&at, now.cookie) && dead(&at, held(now.first)) &&
           dead(&at, held(now.second)) &&
           (!stage_can(CANNOT_COUNT) || records(&at) <= now.records);
}

/* Who renews for a reason before the end is another session's: the end has come
 * too late for it, and is that of an id that is dead already. */
static bool check_one_ended(void)
{
    return dead(&at, now.cookie) && sent(now.second) &&
           alive(&at, held(now.second));
}

/* Who logs out goes on under another id, alone. */
static bool check_left(void)
{
    const char *left = held(now.second);

    return sent(now.second) && alive(&at, left) && dead(&at, now.cookie) &&
           (!sent(now.first) || dead(&at, held(now.first))) &&
           value_of(&at, left, "user") == NULL && counts(0);
}

static void test_ends(void)
{
    static const char *const asked[] = {
        "Session-Set: x=1",      "Session-Incr: n=1",
        "Session-Flash: info=x", "Session-Unset: user",
        "Session-Renew: on",     "Session-Set: user=eve",
        "Session-Persist: on",   "",
    };

    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        run((plan){"C4", "Session-Destroy: on", asked[i],
                   .due = asked[i][0] == 0, .mode = PAGE,
                   .check = i >= 3 && i <= 5 ? check_one_ended : check_ended});
    }
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        bool renews = i == 3 || i == 4 || i == 5;

        /* Who renews has written its new record before the old one goes: the
         * second ends the old one there, and the first is too late. */
        run((plan){"C4", asked[i], "Session-Destroy: on", .due = true,
                   .mode = PAGE, .check = check_ended});
        if (!renews) {
            run((plan){"C4", asked[i], "Session-Unset: user", .mode = PAGE,
                       .check = check_left});
            run((plan){"C4", asked[i], "Session-Renew: discard", .mode = PAGE,
                       .check = check_left});
        }
    }
}

/* ---- C5 to C7 ----------------------------------------------------------- */

static bool check_renewed(void)
{
    const char *mine = held(now.second);

    return both_ok() &&
           (!sent(now.first) || !sent(now.second) ||
            !strcmp(now.first->id.text, now.second->id.text)) &&
           strcmp(mine, now.cookie) != 0 && is(mine, "x", "1") &&
           is(now.cookie, "x", "1") && version_of(&at, mine) == 2 &&
           counts(1); /* the alias, and no orphan */
}

/* A writer within the grace is given the new id. */
static bool check_writer(void)
{
    return check_renewed() && sent(now.first);
}

static bool check_one_wins(void)
{
    bool first = sent(now.first), second = sent(now.second);

    return first != second && dead(&at, now.cookie) &&
           alive(&at, held(first ? now.first : now.second)) && counts(0);
}

/* A write that was confirmed is there under the new id. */
static bool check_taken_along(void)
{
    return both_ok() && sent(now.first) && dead(&at, now.cookie) &&
           is(held(now.first), "x", "1") && counts(0);
}

static bool check_reuse(void)
{
    sx_loaded *late = load(&at, now.cookie);

    return is(held(now.second), "x", "1") &&
           late->status == SX_STATUS_INVALID && late->reuse;
}

static void test_renewals(void)
{
    run((plan){"C5", "Session-Set: x=1", "", .due = true, .mode = PAGE,
               .check = check_writer});
    run((plan){"C5, no page", "Session-Set: x=1", "", .due = true,
               .mode = IMAGE, .check = check_renewed});
    run((plan){"C5", "", "Session-Set: x=1", .due = true, .mode = PAGE,
               .check = check_writer});
    run((plan){"C6", "Session-Renew: on", "Session-Renew: on", .mode = PAGE,
               .check = check_one_wins});
    run((plan){"C6", "Session-Renew: on", "Session-Set: x=1", .mode = PAGE,
               .check = check_taken_along});
    run((plan){"C6", "Session-Set: user=eve", "Session-Set: x=1", .mode = PAGE,
               .check = check_taken_along});
    run((plan){"C6", "Session-Set: user=eve", "Session-Set: user=bob",
               .mode = PAGE, .check = check_one_wins});
    run((plan){"C6", "Session-Unset: user", "Session-Renew: on", .mode = PAGE,
               .check = check_one_wins});
    run((plan){"C7", "Session-Set: x=1", "", .due = true, .mode = PAGE,
               .passes_ms = 12 * SECOND, .check = check_reuse});
}

/* ---- C11 ---------------------------------------------------------------- */

static bool check_in_time(void)
{
    /* It began before the end: what it noted counts from there. */
    return now.first->verdict == SX_COMMIT_OK && dead(&at, now.cookie) &&
           counts(0);
}

static void test_ends_meanwhile(void)
{
    run((plan){"C11", "Session-Set: x=1", "", .mode = PAGE,
               .passes_ms = 31 * MINUTE, .check = check_in_time});
}

/* Without anybody else. */
static void test_in_time(void)
{
    const char *cookie, *on = stage_on->name;
    sx_loaded *slow;
    sx_committed *done;
    sx_sweep_report swept = {0};

    stage_begin(&at);
    cookie = begin(&at, "Session-Set: a=1");
    stage_pass(&at, 30 * MINUTE - SECOND);
    slow = load(&at, cookie);
    stage_pass(&at, 2 * SECOND);
    ok(dead(&at, cookie), "%s: C11: it has expired for whoever comes now", on);
    done = commit(&at, slow, "Session-Set: x=1");
    cookie = done->cookie == SX_COOKIE_SEND ? cookie_of(&at, done) : cookie;
    ok(is(cookie, "x", "1"), "%s: C11: who was in before may commit", on);
    stage_pass(&at, 30 * MINUTE - SECOND);
    slow = load(&at, cookie);
    stage_pass(&at, 2 * MINUTE);
    if (stage_can(CANNOT_SWEEP)) {
        sx_store *store = at.realm.store;

        ok(store->ops->sweep(store, SECOND * 1000, at.now.boot_ms, &swept) ==
                   SX_STORE_OK &&
               swept.freed == 1 &&
               commit(&at, slow, "Session-Set: x=2")->verdict ==
                   SX_COMMIT_DROPPED &&
               dead(&at, cookie),
           "%s: C11: but what has been swept is gone", on);
    }
    stage_end(&at);
}

static void test_backend(void)
{
    test_merging();
    test_ends();
    test_renewals();
    test_ends_meanwhile();
    test_in_time();
}

int main(void)
{
    return stage_each(test_backend);
}
