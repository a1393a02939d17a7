/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of sessions per user against itself: log-ins, renewals, ends and
 * deaths at every place of each other. */
#include "gate.h"

static stage at;

/* ---- a scene ------------------------------------------------------------ */

#define COOKIES_MAX 16

/* Whoever may be in: each cookie that a client was ever given. */
static const char *cookies[COOKIES_MAX];
static int count;
static const char *newest; /* what the last log-in gave */
static int refused, failed;

static const char *hand_out(const sx_committed *done)
{
    if (done->cookie != SX_COOKIE_SEND) {
        return NULL;
    }
    if (count == COOKIES_MAX) {
        stage_give_up("more cookies than a scene has");
    }
    return cookies[count++] = done->id.text;
}

static void log_in(void)
{
    sx_committed *done = request(&at, NULL, "Session-Set: user=alice");

    refused += done->verdict == SX_COMMIT_DENIED;
    failed +=
        done->verdict != SX_COMMIT_DENIED && done->cookie != SX_COOKIE_SEND;
    newest = hand_out(done);
}

/* How many different sessions of alice the cookies lead to. */
static int living(void)
{
    uint64_t handles[COOKIES_MAX];
    int n = 0;

    for (int i = 0; i < count; i++) {
        sx_loaded *loaded = load(&at, cookies[i]);
        int k = 0;

        if (loaded->status != SX_STATUS_ACTIVE ||
            loaded->meta.kind != SX_USER) {
            continue;
        }
        while (k < n && handles[k] != loaded->meta.handle) {
            k++;
        }
        handles[k] = loaded->meta.handle;
        n += k == n;
    }
    return n;
}

static const char *oldest, *youngest, *guest;

/* Two sessions of alice where two may be, one of nobody. */
static void set_up(bool deny, int sessions)
{
    stage_begin(&at);
    count = refused = failed = 0;
    at.realm.times.renew_ms = MINUTE;
    at.realm.per_user = (sx_per_user){2, deny};
    for (int i = 0; i < sessions; i++) {
        log_in();
    }
    oldest = cookies[0];
    youngest = cookies[sessions - 1];
    guest = hand_out(request(&at, NULL, "Session-Set: cart=1"));
    count -= guest != NULL;
    stage_pass(&at, 2 * MINUTE); /* ids are due */
    gate_build(&at);
    newest = NULL;
}

/* ---- what is done, and what comes between -------------------------------- */

static void renew_oldest(void)
{
    hand_out(request(&at, oldest, ""));
}

static void renew_oldest_by_app(void)
{
    hand_out(request(&at, oldest, "Session-Renew: on"));
}

static void guest_logs_in(void)
{
    sx_committed *done = request(&at, guest, "Session-Set: user=alice");

    refused += done->verdict == SX_COMMIT_DENIED;
    newest = hand_out(done);
}

static void guest_goes(void)
{
    request(&at, guest, "Session-Destroy: on");
}

static void write_oldest(void)
{
    hand_out(request(&at, oldest, "Session-Incr: n=1"));
}

static void destroy_oldest(void)
{
    request(&at, oldest, "Session-Destroy: on");
}

static void log_out_others(void)
{
    hand_out(request(&at, youngest, "Session-Logout: others"));
}

typedef struct action {
    const char *name;
    void (*act)(void);
} action;

static const action actions[] = {
    {"a log-in", log_in},
    {"a log-in of somebody with a session", guest_logs_in},
    {"the end of that session", guest_goes},
    {"a silent renewal of the oldest", renew_oldest},
    {"a renewal of the oldest by its app", renew_oldest_by_app},
    {"a write to the oldest", write_oldest},
    {"the end of the oldest", destroy_oldest},
    {"a log-out of the others", log_out_others},
};

#define ACTIONS (sizeof actions / sizeof *actions)

/* ${first}, and ${second} at each of its places; NULL: it dies there. */
static void race(const action *first, const action *second, bool deny,
                 int sessions)
{
    int places = 0, too_many = 0, newest_dead = 0;
    bool more = true;

    for (int before = 0; more; before++) {
        set_up(deny, sessions);
        gate_set(before, second ? second->act : NULL);
        first->act();
        more = gate_open();
        /* The grace of aliases is over, the registry must still be right. */
        for (int i = 0; i < 2; i++) {
            too_many += living() > 2;
            newest_dead += newest && first->act != log_out_others && second &&
                           second->act != log_out_others && !alive(&at, newest);
            stage_pass(&at, 12 * SECOND);
        }
        log_in();
        too_many += living() > 2;
        newest_dead += newest && !alive(&at, newest);
        places += more;
        stage_end(&at);
    }
    ok(too_many == 0 && newest_dead == 0 && (places > 0 || !second),
       "%s%s, before each of %d calls of %s: never more than two, and who "
       "logged in last is in",
       second ? second->name : "death", deny ? " (deny)" : "", places,
       first->name);
    if (too_many || newest_dead) {
        diag("too many %d times, the newest dead %d times", too_many,
             newest_dead);
    }
}

/* ---- nobody is lost ----------------------------------------------------- */

/* One who dies renewing the id leaves a session that lives, by the one cookie
 * that its client has, and that keeps its seat. */
static void test_death_at_renewal(void)
{
    int lost = 0, places = 0, free_seat = 0;
    bool more = true;

    for (int before = 0; more; before++) {
        const char *cookie;
        sx_committed *done;

        set_up(true, 2);
        gate_set(before, NULL);
        (void)request(&at, oldest, "");
        more = gate_open();
        done = request(&at, oldest, "");
        cookie = done->cookie == SX_COOKIE_SEND ? done->id.text : oldest;
        stage_pass(&at, 12 * SECOND);
        lost += !alive(&at, cookie);
        log_in();
        free_seat += refused == 0;
        lost += !alive(&at, cookie);
        places += more;
        stage_end(&at);
    }
    ok(places > 4 && lost == 0,
       "who dies at any of %d calls of a silent renewal loses no session",
       places);
    is_int(free_seat, 0, "nor its seat");
}

/* A session that is being written is not taken for one that has gone. */
static void test_nobody_is_lost(void)
{
    static const struct {
        const char *name;
        void (*act)(void);
        int refused;
    } cases[] = {
        {"nobody is lost by a log-in at any place of a silent renewal",
         renew_oldest, 0},
        {"nor of a renewal by an app", renew_oldest_by_app, 0},
        {"nor of another log-in", log_in, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int wrong = 0;
        bool more = true;

        for (int before = 0; more; before++) {
            set_up(true, 1);
            gate_set(before, log_in);
            cases[i].act();
            more = gate_open();
            if (!more) {
                log_in();
            }
            wrong += failed || refused != cases[i].refused || living() != 2;
            stage_end(&at);
        }
        is_int(wrong, 0, cases[i].name);
    }
}

/* The evictor dies at any place: whoever is not named is out, whether or not
 * the record is there still. */
static void test_death_of_evictor(void)
{
    static const char *const asked[] = {
        "Session-Set: user=eve", "Session-Logout: all", "Session-Set: a=1",
        "Session-Renew: on"};
    int named = 0, unnamed = 0, wrong = 0;

    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        bool more = true;

        for (int before = 0; more; before++) {
            sx_loaded *slow;
            sx_committed *done;
            bool out;

            set_up(false, 2);
            slow = load(&at, oldest);
            gate_set(before, NULL);
            log_in();
            more = gate_open();
            out = !alive(&at, oldest);
            named += !out;
            unnamed += out;
            done = commit(&at, slow, asked[i]);
            wrong += out && (done->cookie == SX_COOKIE_SEND ||
                             done->logged_out || done->wrote);
            stage_end(&at);
        }
    }
    ok(named > 3 && unnamed > 3 && wrong == 0,
       "an evictor dies: a slow request of who is out does nothing, whether "
       "the record is gone or not");
}

/* Who loses the race for an id has ended nobody. */
static void test_loser_ends_nobody(void)
{
    sx_loaded *slow;

    set_up(false, 2);
    slow = load(&at, guest);
    guest_goes();
    ok(commit(&at, slow, "Session-Set: user=alice")->cookie != SX_COOKIE_SEND,
       "a log-in of a session that was ended meanwhile is none");
    is_int(living(), 2, "and ends nobody");
    stage_end(&at);
    set_up(true, 1);
    slow = load(&at, guest);
    guest_goes();
    commit(&at, slow, "Session-Set: user=alice");
    log_in();
    ok(newest && alive(&at, newest), "nor does it keep a seat");
    stage_end(&at);
}

int main(void)
{
    apr_initialize();
    for (size_t i = 0; i < ACTIONS; i++) {
        for (size_t k = 0; k < ACTIONS; k++) {
            race(&actions[i], &actions[k], false, 2);
            race(&actions[i], &actions[k], true, 1);
        }
        race(&actions[i], NULL, false, 2);
        race(&actions[i], NULL, true, 1);
    }
    test_death_at_renewal();
    test_nobody_is_lost();
    test_death_of_evictor();
    test_loser_ends_nobody();
    return done_testing();
}
