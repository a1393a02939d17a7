/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "A lost answer never applies a command twice."  Each call of each kind of
 * commit loses its answer, alone or with all that follow; what was called was
 * done, is never done, or arrives late: after each number of further calls, or
 * long after, when its client has been told and has gone on.  Beside it nobody
 * comes, or another request does at that very moment.
 *
 *   an increment is there once if it was confirmed; at most once if it was not;
 *   not at all if it was said to be lost
 *   who has been told that the session has ended has no session any more,
 *   whatever arrives
 *   an outage is no log-out
 *
 * On a segment and on files, with sealed records and with clear ones.
 */
#include "backends.h"
#include "lossy.h"
#include "sx_flash.h"
#include "sx_flash_claim.h"

static stage at;

/* ---- a scene ------------------------------------------------------------ */

typedef struct scene {
    const char *cookie, *other; /* of two sessions of alice */
    const char *third;          /* of one that logs in between */
    sx_committed *first, *second;
    long long n; /* increments of the second that were confirmed */
} scene;

static scene now;

static const char *held(const sx_committed *done)
{
    return done->cookie == SX_COOKIE_SEND ? cookie_of(&at, done) : now.cookie;
}

typedef struct plan {
    const char *what, *asks;
    const char *between; /* what comes at the moment of the loss, or NULL */
    bool due;            /* for a silent renewal */
    bool fresh;          /* the client has no session yet */
    bool deny;           /* log-ins beyond the limit */
    unsigned seats;      /* the limit; 0: none */
    /** When all is told and done, but what is late: */
    bool (*check)(void);
    /** With one answer to a write lost and nobody between it is as if none
     *  were. */
    bool heals;
} plan;

static const plan *at_hand;

#define IN_AND_OUT "a log-in, and the end of all"

static void visit(void)
{
    if (!strcmp(at_hand->between, IN_AND_OUT)) {
        now.third = begin(&at, "Session-Set: user=alice");
        /* By another one, or it would be gone by itself. */
        now.second = request(&at, begin(&at, "Session-Set: user=alice"),
                             "Session-Logout: all");
        return;
    }
    now.second = request(&at, now.cookie, at_hand->between);
    now.n = now.second->verdict == SX_COMMIT_OK && now.second->wrote &&
            strstr(at_hand->between, "Incr");
}

/* One way to lose an answer. */
typedef struct loss {
    int call, count;
    lossy_fate fate;
    int after;
    bool encrypt;
    int visit_at; /* before which call somebody comes; -1: at the loss */
} loss;

/* A commit has a few calls more behind the one that is lost. */
#define AFTER_MOST(l) ((l)->fate == LATE ? 6 : -1)

static void diag_loss(const plan *p, const loss *l)
{
    static const char *const fates[] = {"done", "never", "late"};

    diag("'%s' beside '%s' at %d: call %d, %s, after %d, %d lost, %s: "
         "verdict %d",
         p->asks, p->between ? p->between : "nobody", l->visit_at, l->call,
         fates[l->fate], l->after, l->count, l->encrypt ? "sealed" : "clear",
         (int)now.first->verdict);
}

/* Many scenes are on one store: each is of a tenant of its own, so that its
 * alice is nobody else's. */
static void begin_stage(void)
{
    stage_begin_with(&at, 8 * MIB, SST_REFUSE);
    lossy_build(&at);
}

static apr_pool_t *begin_scene(const plan *p, const loss *l)
{
    static unsigned number;
    apr_pool_t *pool = at.pool;

    apr_pool_create(&at.pool, pool);
    at.realm.scope.ns = apr_psprintf(at.pool, "%u.example.org", number++);
    at.realm.encrypt = l->encrypt;
    at.realm.times.renew_ms = p->due ? MINUTE : 0;
    at.realm.per_user = (sx_per_user){p->seats, p->deny};
    now = (scene){0};
    now.other = begin(&at, "Session-Set: user=alice");
    now.cookie = begin(&at, "Session-Set: n=0&user=alice");
    if (p->deny) /* one may come in */
        (void)request(&at, now.other, "Session-Destroy: on");
    stage_pass(&at, 2 * MINUTE);
    at_hand = p;
    return pool;
}

static void end_scene(apr_pool_t *pool)
{
    lossy_arrive();
    apr_pool_destroy(at.pool);
    at.pool = pool;
}

/* False: there is no such call. */
static bool one_loss(const plan *p, const loss *l, int *wrong)
{
    sx_loaded *loaded;
    bool reached, good;
    apr_pool_t *pool = begin_scene(p, l);

    loaded = load(&at, p->fresh ? NULL : now.cookie);
    line.visitor = p->between ? visit : NULL;
    line.visit_at = l->visit_at;
    lossy_from(l->call, l->count, l->fate, l->after);
    now.first = commit(&at, loaded, p->asks);
    reached = lossy_end();
    good = !reached || p->check();
    if (p->heals && !line.lost_read && l->count == 1)
        good &= now.first->verdict == SX_COMMIT_OK;
    if (!good) {
        diag_loss(p, l);
        ++*wrong;
    }
    end_scene(pool);
    return reached;
}

static void say(const plan *p, int places, int wrong)
{
    ok(places >= 12 && wrong == 0, "%s: %s: '%s' beside '%s': %d losses",
       stage_on->name, p->what, p->asks, p->between ? p->between : "nobody",
       places);
}

/* Each call of a commit, from l.call on. */
static void each_call(const plan *p, loss l, int *places, int *wrong)
{
    for (; one_loss(p, &l, wrong); l.call++)
        ++*places;
}

static void run(plan p)
{
    static const int counts[] = {1, 2, INT_MAX};
    int places = 0, wrong = 0;

    begin_stage();
    for (int c = 0; c < 3 * FATES * 2; c++) {
        loss l = {.count = counts[c % 3],
                  .fate = (lossy_fate)(c / 3 % FATES),
                  .encrypt = c / 3 / FATES,
                  .visit_at = -1};

        for (l.after = -1; l.after <= AFTER_MOST(&l); l.after++)
            each_call(&p, l, &places, &wrong);
    }
    stage_end(&at);
    say(&p, places, wrong);
}

/* The loss comes some calls behind whoever comes between. */
static void run_apart(plan p)
{
    int places = 0, wrong = 0;

    begin_stage();
    for (int f = 0; f < FATES; f++) {
        loss l = {.count = 1, .fate = (lossy_fate)f, .encrypt = true};

        for (l.after = -1; l.after <= AFTER_MOST(&l); l.after++)
            for (l.visit_at = 0; l.visit_at < 8; l.visit_at++) {
                l.call = l.visit_at;
                each_call(&p, l, &places, &wrong);
            }
    }
    stage_end(&at);
    say(&p, places, wrong);
}

/* ---- what must hold ----------------------------------------------------- */

static long long number_of(const char *cookie)
{
    const char *n = value_of(&at, cookie, "n");
    int64_t number;

    return n && sx_parse_int64(sx_str_of(n), &number) ? number : -1;
}

/* Where the session is now: under the id that one of the two was given, or,
 * when a renewal was not told, under that of before. */
static const char *where(void)
{
    if (alive(&at, held(now.first)))
        return held(now.first);
    return now.second && alive(&at, held(now.second)) ? held(now.second)
                                                      : now.cookie;
}

/* As often as was told. */
static bool counts_right(bool may_be_gone)
{
    long long n = number_of(where());

    if (n < 0)
        return may_be_gone;
    n -= now.n;
    switch (now.first->verdict) {
    case SX_COMMIT_OK:
        return n == 1;
    case SX_COMMIT_UNKNOWN:
        return n == 0 || n == 1;
    default:
        return n == 0;
    }
}

static bool ends_for_good(void)
{
    const char *mine = where();

    if (request(&at, mine, "Session-Destroy: on")->verdict != SX_COMMIT_OK)
        return false;
    lossy_arrive();
    return !alive(&at, mine) && !alive(&at, now.cookie) &&
           !alive(&at, held(now.first));
}

/* What is late comes before the client asks again, or after it has left. */
static bool check_increment(void)
{
    bool good = counts_right(false);

    if (!good || line.after >= 0)
        lossy_arrive();
    return good && counts_right(false) && ends_for_good();
}

/* A log-in or a renewal in doubt may have ended the session, but not have
 * left it in two places. */
static bool check_renewal(void)
{
    bool doubt = now.first->verdict == SX_COMMIT_UNKNOWN;
    bool good = counts_right(doubt);

    if (line.after >= 0)
        lossy_arrive();
    if (now.first->cookie == SX_COOKIE_SEND)
        good &= now.first->verdict == SX_COMMIT_OK && dead(&at, now.cookie);
    if (doubt || !good)
        return good;
    return counts_right(line.after < 0 ? false : doubt) && ends_for_good();
}

/* Whoever is let in between ends the session. */
static bool check_ended(void)
{
    bool ended = now.second->verdict == SX_COMMIT_OK;

    if (!ended)
        return false;
    if (dead(&at, now.cookie) && dead(&at, held(now.first))) {
        lossy_arrive();
        return dead(&at, now.cookie) && dead(&at, held(now.first));
    }
    /* It was renewed before that, and is another's end by now. */
    return now.first->cookie == SX_COOKIE_SEND && dead(&at, now.cookie) &&
           ends_for_good();
}

static bool check_destroy(void)
{
    if (now.first->cookie != SX_COOKIE_DELETE)
        return false;
    if (now.first->verdict == SX_COMMIT_OK) {
        lossy_arrive();
        return dead(&at, now.cookie);
    }
    return now.first->verdict == SX_COMMIT_NOT_ENDED;
}

static bool check_logout(void)
{
    const char *again;

    if (now.first->verdict != SX_COMMIT_OK)
        return now.first->verdict == SX_COMMIT_NOT_ENDED &&
               now.first->cookie == SX_COOKIE_DELETE;
    if (alive(&at, now.cookie) || alive(&at, now.other))
        return false;
    again = begin(&at, "Session-Set: user=alice");
    lossy_arrive();
    return alive(&at, again) && !alive(&at, now.cookie) &&
           !alive(&at, now.other);
}

/* Somebody logs in between, and another logout ends that one. */
static bool check_logout_twice(void)
{
    if (now.second->verdict != SX_COMMIT_OK || alive(&at, now.third))
        return false;
    lossy_arrive();
    return !alive(&at, now.third) &&
           (now.first->verdict == SX_COMMIT_NOT_ENDED ||
            (!alive(&at, now.cookie) && !alive(&at, now.other)));
}

static bool check_farewell(void)
{
    const char *left = held(now.first);

    if (now.first->verdict != SX_COMMIT_OK)
        return now.first->verdict == SX_COMMIT_NOT_ENDED &&
               now.first->cookie == SX_COOKIE_DELETE;
    lossy_arrive();
    return dead(&at, now.cookie) && (now.first->cookie == SX_COOKIE_DELETE ||
                                     messages_of(&at, left) == 1);
}

/* A session that begins. */
static bool check_create(void)
{
    bool sent = now.first->cookie == SX_COOKIE_SEND;

    if (sent != (now.first->verdict == SX_COMMIT_OK))
        return false;
    if (!sent)
        return now.first->verdict == SX_COMMIT_OUTAGE;
    if (number_of(held(now.first)) != 1 ||
        !request(&at, held(now.first), "Session-Destroy: on")->destroyed)
        return false;
    lossy_arrive();
    return !alive(&at, held(now.first));
}

static bool check_read(void)
{
    lossy_arrive();
    return now.first->verdict != SX_COMMIT_UNKNOWN && alive(&at, where());
}

/* Alice logs in until she has as many sessions as may be: no more, also of
 * those that were in doubt, and no seat is left with nobody in it.  A session
 * that could be neither told nor taken back has one until its idle end. */
static bool check_seats(void)
{
    bool sent = now.first->cookie == SX_COOKIE_SEND;
    const char *cookies[] = {now.cookie, now.other,
                             sent ? held(now.first) : "none", "none", "none"};
    bool good = sent == (now.first->verdict == SX_COMMIT_OK) &&
                (!sent || alive(&at, cookies[2]));
    int living = 0;

    lossy_arrive();
    stage_pass(&at, 11 * SECOND); /* behind a seat nobody looks for so long */
    for (int i = 3; i < 5; i++) {
        sx_committed *done = request(&at, NULL, "Session-Set: user=alice");

        if (done->cookie == SX_COOKIE_SEND)
            cookies[i] = cookie_of(&at, done);
    }
    for (int i = 0; i < 5; i++)
        living += alive(&at, cookies[i]);
    return good && (living == 2 ||
                    (living == 1 && now.first->verdict == SX_COMMIT_OUTAGE));
}

/* ---- commits ------------------------------------------------------------ */

#define INCR "Session-Incr: n=1"

static void test_increments(void)
{
    run((plan){"in place", INCR, .check = check_increment, .heals = true});
    run((plan){"in place", INCR, INCR, .check = check_increment});
    run((plan){"in place", INCR, "Session-Destroy: on", .check = check_ended});
    run((plan){"silent renewal", INCR, .due = true, .check = check_increment,
               .heals = true});
    run((plan){"silent renewal", INCR, INCR, .due = true,
               .check = check_increment});
    run((plan){"silent renewal", INCR, "Session-Destroy: on", .due = true,
               .check = check_ended});
    run((plan){"silent renewal", "", .due = true, .check = check_read,
               .heals = true});
}

static void test_renewals(void)
{
    run((plan){"log-in", INCR " | Session-Set: user=bert",
               .check = check_renewal});
    run((plan){"log-in", INCR " | Session-Set: user=bert", INCR,
               .check = check_renewal});
    run((plan){"renewal", INCR " | Session-Renew: on", .check = check_renewal});
    run((plan){"renewal", INCR " | Session-Renew: on", "Session-Destroy: on",
               .check = check_ended});
    run((plan){"renewal", INCR " | Session-Renew: on", "Session-Renew: on",
               .check = check_renewal});
    run_apart((plan){"renewal, tried again", INCR " | Session-Renew: on", INCR,
                     .check = check_renewal});
    run_apart((plan){"silent renewal, tried again", INCR, INCR, .due = true,
                     .check = check_increment});
}

static void test_beginnings(void)
{
    run((plan){"first write", INCR, .fresh = true, .check = check_create,
               .heals = true});
    run((plan){"first log-in", INCR " | Session-Set: user=alice", .fresh = true,
               .check = check_create, .heals = true});
    run((plan){"log-in, and the oldest goes", "Session-Set: user=alice",
               .fresh = true, .seats = 2, .check = check_seats, .heals = true});
    run((plan){"log-in, or none", "Session-Set: user=alice", .fresh = true,
               .seats = 2, .deny = true, .check = check_seats, .heals = true});
}

static void test_ends(void)
{
    run((plan){"end", "Session-Destroy: on", .check = check_destroy,
               .heals = true});
    run((plan){"end", "Session-Destroy: on", INCR, .check = check_destroy});
    run((plan){"end", "Session-Destroy: on | Session-Flash: info=Bye",
               .check = check_farewell});
    run((plan){"end of all", "Session-Logout: all", .check = check_logout,
               .heals = true});
    run((plan){"end of all", "Session-Logout: all", IN_AND_OUT,
               .check = check_logout_twice});
}

/* ---- messages ----------------------------------------------------------- */

static int shown; /* how often, so far */

static sx_answer page(const char *cookie, uint64_t id)
{
    sx_loaded *loaded = load(&at, cookie);
    sx_committed done;
    sx_delta *delta = sx_delta_create(at.pool);
    sx_answer answer =
        sx_flash_claim_for(&at.realm, loaded, id, at.now, at.pool);

    /* Without an answer it has none to show, and gives back what it has. */
    delta->claim = id;
    delta->shown =
        answer == SX_STORE_OK && loaded->session &&
        sx_flash_taken(loaded->session->messages, id, at.pool) != NULL;
    shown += delta->shown;
    lossy_end();
    sx_commit(&at.realm, loaded, delta, (sx_commit_mode){true, true}, at.now,
              &done, at.pool);
    return answer;
}

static void other_page(void)
{
    (void)page(now.cookie, 2);
}

static bool one_flash_loss(const loss *l, bool meets, int *wrong)
{
    sx_answer answer;
    bool reached;
    apr_pool_t *pool = begin_scene(&(plan){0}, l);

    (void)request(&at, now.cookie, "Session-Flash: info=a");
    shown = 0;
    line.visitor = meets ? other_page : NULL;
    line.visit_at = -1;
    lossy_from(l->call, l->count, l->fate, l->after);
    answer = page(now.cookie, 1);
    reached = line.reached;
    (void)page(now.cookie, 3);
    lossy_arrive();
    (void)page(now.cookie, 4);
    /* What was taken late is shown by nobody for a while. */
    if (shown > 1 || (shown == 0 && l->fate != LATE) ||
        (l->count == 1 && !line.lost_read && !meets && answer != SX_STORE_OK)) {
        diag("call %d, fate %d, after %d, %d lost: shown %d times", l->call,
             (int)l->fate, l->after, l->count, shown);
        ++*wrong;
    }
    end_scene(pool);
    return reached;
}

/* But the first, which reads what its load is about. */
static void each_flash_call(loss l, bool meets, int *places, int *wrong)
{
    for (l.call = 1; one_flash_loss(&l, meets, wrong); l.call++)
        ++*places;
}

static void test_messages(void)
{
    static const int counts[] = {1, 2, INT_MAX};

    for (int meets = 0; meets < 2; meets++) {
        int places = 0, wrong = 0;

        begin_stage();
        for (int c = 0; c < 3 * FATES; c++) {
            loss l = {.count = counts[c % 3],
                      .fate = (lossy_fate)(c / 3),
                      .encrypt = true,
                      .visit_at = -1};

            for (l.after = -1; l.after <= AFTER_MOST(&l); l.after++)
                each_flash_call(l, meets, &places, &wrong);
        }
        stage_end(&at);
        ok(places >= 12 && wrong == 0,
           "%s: a message beside %s: %d losses, and it is shown once",
           stage_on->name, meets ? "another page" : "nobody", places);
    }
}

int main(void)
{
    static const stage_backend *const on[2] = {&stage_shm, &stage_file};

    apr_initialize();
    for (size_t i = 0; i < 2; i++) {
        stage_use(on[i]);
        test_increments();
        test_renewals();
        test_beginnings();
        test_ends();
        test_messages();
    }
    return done_testing();
}
