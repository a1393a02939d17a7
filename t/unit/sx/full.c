/* SPDX-License-Identifier: Apache-2.0 */
/* A store without room: new data are refused and said so, and what must work
 * still works: reading, noting an access, small changes, ending. */
#include "stage.h"

static stage at;

/* Sessions of about 200 bytes until there is no room; the cookies of the
 * first ones are in ${cookies}. */
static int fill(const char **cookies, int wanted)
{
    const char *text =
        "Session-Set: user=alice&n=1&text="
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    for (int made = 0;; made++) {
        sx_committed *done = request(&at, NULL, text);

        if (done->verdict == SX_COMMIT_FULL)
            return made;
        if (done->verdict != SX_COMMIT_OK || made > 100000)
            stage_give_up("it does not fill");
        if (made < wanted)
            cookies[made] = done->id.text;
    }
}

static void test_refuse(void)
{
    const char *cookies[200] = {NULL};
    int made = fill(cookies, 200), ended = 0;
    long long before = records(&at);
    sx_committed *done;

    ok(made > 200, "the store holds %d sessions", made);
    done = request(&at, NULL,
                   "Session-Set: a=1&text="
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    ok(done->verdict == SX_COMMIT_FULL && done->answer == SX_STORE_FULL &&
           !done->created && done->cookie == SX_COOKIE_KEEP,
       "then a new one is refused, and no id is sent");
    is_int(records(&at), before, "nobody had to go for it");
    for (int i = 0; i < 100; i++)
        if (cookies[i] &&
            request(&at, cookies[i], "Session-Incr: n=1")->verdict ==
                SX_COMMIT_OK &&
            strcmp(value_of(&at, cookies[i], "n"), "2") == 0)
            ended++;
    is_int(ended, 100, "those that are there can be changed");
    stage_pass(&at, 2 * MINUTE);
    request(&at, cookies[0], "");
    is_int(load(&at, cookies[0])->meta.last_access_ms, at.now.boot_ms,
           "and their accesses are noted");
    ended = 0;
    for (int i = 100; i < 200; i++) {
        done = request(&at, cookies[i],
                       "Session-Destroy: on | Session-Flash: info=Bye");
        if (done->destroyed && dead(&at, cookies[i]))
            ended++;
    }
    is_int(ended, 100,
           "a log-out page ends the session, with or without room "
           "for its message");
    ended = 0;
    for (int i = 0; i < 100; i++)
        if (request(&at, cookies[i], "Session-Destroy: on")->destroyed)
            ended++;
    is_int(ended, 100, "every session can be ended");
    is_int(request(&at, NULL, "Session-Set: a=1")->verdict, SX_COMMIT_OK,
           "and that makes room for new ones");
}

/* Which renewals find room depends on where their ids fall; what must hold
 * holds for each. */
static void test_renewals(void)
{
    const char *cookies[100] = {NULL};
    int renewed = 0, kept = 0, wrong = 0;
    long long before;

    fill(cookies, 100);
    stage_pass(&at, MINUTE);
    before = records(&at);
    for (int i = 0; i < 100; i++) {
        sx_committed *done = request(&at, cookies[i], "Session-Renew: on");

        if (done->renewed && dead(&at, cookies[i]) && alive(&at, done->id.text))
            renewed++;
        else if (done->verdict == SX_COMMIT_NOT_RENEWED && !done->renewed &&
                 done->cookie == SX_COOKIE_KEEP && alive(&at, cookies[i]))
            kept++;
        else
            wrong++;
    }
    diag("%d renewed, %d refused", renewed, kept);
    is_int(wrong, 0, "a renewal is made as a whole or refused as a whole");
    is_int(records(&at), before, "and leaves nothing behind");
}

static void test_evict(void)
{
    const char *anonymous[50];
    int alive_now = 0;

    for (int i = 0; i < 50; i++) {
        anonymous[i] =
            begin(&at, "Session-Set: a=1&text="
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    }
    for (int i = 0; i < 6000; i++) {
        stage_pass(&at, 100);
        if (request(&at, NULL,
                    "Session-Set: b=1&text="
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
                ->verdict != SX_COMMIT_OK)
            break;
    }
    for (int i = 0; i < 50; i++)
        alive_now += alive(&at, anonymous[i]);
    ok(alive_now < 50, "with on-full=evict the oldest go: %d of 50 are left",
       alive_now);
}

int main(void)
{
    apr_initialize();
    stage_begin_with(&at, MIB, SST_REFUSE);
    test_refuse();
    stage_end(&at);
    stage_begin_with(&at, MIB, SST_REFUSE);
    test_renewals();
    stage_end(&at);
    stage_begin_with(&at, MIB, SST_EVICT);
    test_evict();
    stage_end(&at);
    return done_testing();
}
