/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F4, F5 at every place: before each call that a page makes of the store
 * another request is let in, or the page's process dies there.  Then each
 * message has been shown once, by whichever page.
 */
#include "gate.h"
#include "sx_flash.h"
#include "sx_flash_claim.h"

static stage at;

typedef struct page {
    uint64_t id;
    sx_loaded *loaded;
    const char *texts; /* that it was handed */
    const char *asks;  /* for, beside that */
    bool gives_back;
} page;

static void take(page *p)
{
    const apr_array_header_t *taken = NULL;

    p->texts = "";
    if (sx_flash_claim_for(&at.realm, p->loaded, p->id, at.now, at.pool) ==
            SX_STORE_OK &&
        p->loaded->session)
        taken = sx_flash_taken(p->loaded->session->messages, p->id, at.pool);
    for (int i = 0; taken && i < taken->nelts; i++)
        p->texts = apr_pstrcat(
            at.pool, p->texts,
            sx_str_dup(APR_ARRAY_IDX(taken, i, sx_message).text, at.pool).p,
            NULL);
}

/* From where it has loaded the session.  Returns its cookie, if it got one. */
static const char *finish(page *p)
{
    sx_committed *done = apr_palloc(at.pool, sizeof(*done));
    sx_delta *delta = commands(&at, p->asks);

    take(p);
    if (*p->texts)
        delta->claim = p->id;
    delta->shown = !p->gives_back;
    sx_commit(&at.realm, p->loaded, delta, (sx_commit_mode){true, true}, at.now,
              done, at.pool);
    return done->cookie == SX_COOKIE_SEND ? done->id.text : NULL;
}

/* How often ${text} was shown by these pages. */
static int shown(char text, const page *pages, int n)
{
    int times = 0;

    for (int i = 0; i < n; i++)
        times += !pages[i].gives_back && strchr(pages[i].texts, text) != NULL;
    return times;
}

static const char *cookie, *moved; /* of the session; after the visitor */
static page first, second;

static void visitor(void)
{
    if (!second.loaded)
        second.loaded = load(&at, cookie);
    moved = finish(&second);
}

typedef struct scene {
    const char *what, *first_asks, *second_asks;
    bool first_gives_back, second_gives_back;
    bool queues; /* the second one queues b */
} scene;

static bool one_place(const scene *s, int before, bool early, bool *reached)
{
    page last = {.id = 3, .asks = ""}, pages[3];
    const char *end;
    bool good;

    stage_begin(&at);
    gate_build(&at);
    at.realm.self = sx_process_self();
    cookie = begin(&at, "Session-Set: n=0 | Session-Flash: info=a");
    moved = NULL;
    first =
        (page){1, load(&at, cookie), "", s->first_asks, s->first_gives_back};
    second = (page){2, early ? load(&at, cookie) : NULL, "", s->second_asks,
                    s->second_gives_back};
    gate_set(before, visitor);
    end = finish(&first);
    *reached = gate_open();
    last.loaded = load(&at, moved ? moved : end ? end : cookie);
    finish(&last);
    pages[0] = first;
    pages[1] = second;
    pages[2] = last;
    good = !*reached || (shown('a', pages, 3) == 1 &&
                         shown('b', pages, 3) == (s->queues ? 1 : 0));
    stage_end(&at);
    return good;
}

static void run(scene s)
{
    int places = 0, wrong = 0;

    for (int early = 0; early < 2; early++) {
        bool reached = true;

        for (int before = 0; reached; before++) {
            if (!one_place(&s, before, early, &reached)) {
                diag("before call %d, %s", before,
                     early ? "loaded earlier" : "loads there");
                wrong++;
            }
            places += reached;
        }
    }
    ok(places >= 4 && wrong == 0, "%s, at %d places", s.what, places);
}

/* A page dies before each of its calls; without a death it shows a. */
static void test_death(void)
{
    int places = 0, wrong = 0;
    bool reached = true;

    for (int before = 0; reached; before++) {
        page last = {.id = 3, .asks = ""};

        stage_begin(&at);
        gate_build(&at);
        cookie = begin(&at, "Session-Flash: info=a");
        /* As it is known when it is dead. */
        at.realm.self = sx_process_self();
        at.realm.self.born++;
        first = (page){1, load(&at, cookie), "", "Session-Set: k=1", false};
        gate_set(before, NULL);
        finish(&first);
        reached = gate_open();
        at.realm.self = sx_process_self();
        last.loaded = load(&at, cookie);
        finish(&last);
        wrong += (strcmp(last.texts, "a") == 0) != reached;
        places += reached;
        stage_end(&at);
    }
    ok(places >= 2 && wrong == 0,
       "who dies at any of %d places before its end leaves the message to the "
       "next page",
       places);
}

int main(void)
{
    apr_initialize();
    run((scene){"of two pages one shows it", "", "", false, false, false});
    run((scene){"what one gives back the other or the next shows", "", "", true,
                false, false});
    run((scene){"and so the other way", "", "", false, true, false});
    run((scene){"beside increments of both", "Session-Incr: n=1",
                "Session-Incr: n=1", false, false, false});
    run((scene){"beside a message that the other queues", "",
                "Session-Flash: info=b", false, false, true});
    run((scene){"and one that it queues and gives back", "",
                "Session-Flash: info=b", false, true, true});
    run((scene){"beside commands of the first that are refused",
                "Session-Append: n=1 | Session-Incr: n=x1", "Session-Incr: n=1",
                false, false, false});
    run((scene){"beside a log-in of the other", "", "Session-Set: user=alice",
                false, false, false});
    run((scene){"beside one of the first", "Session-Set: user=alice", "", false,
                false, false});
    run((scene){"which is a redirect", "Session-Set: user=alice", "", true,
                false, false});
    run((scene){"beside log-ins of both", "Session-Set: user=alice",
                "Session-Set: user=alice", false, false, false});
    test_death();
    return done_testing();
}
