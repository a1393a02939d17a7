/* SPDX-License-Identifier: Apache-2.0 */
/* Taking messages in a real store: two pages at once, writers between, and the
 * commit that settles. */
#include "sx_flash_claim.h"
#include "sx_flash.h"
#include "stage.h"

static stage at;

/* The page of ${loaded} takes what it can: its texts in a row. */
static const char *take(sx_loaded *loaded, uint64_t id)
{
    const apr_array_header_t *taken;
    const char *texts = "";

    if (sx_flash_claim_for(&at.realm, loaded, id, at.now, at.pool) !=
        SX_STORE_OK)
        return "not taken";
    if (!loaded->session)
        return "";
    taken = sx_flash_taken(loaded->session->messages, id, at.pool);
    for (int i = 0; taken && i < taken->nelts; i++)
        texts = apr_pstrcat(
            at.pool, texts,
            sx_str_dup(APR_ARRAY_IDX(taken, i, sx_message).text, at.pool).p,
            NULL);
    return texts;
}

static sx_committed *settle(const sx_loaded *loaded, uint64_t id, bool shown,
                            const char *text)
{
    sx_committed *done = apr_palloc(at.pool, sizeof(*done));
    sx_delta *delta = commands(&at, text);

    delta->claim = id;
    delta->shown = shown;
    sx_commit(&at.realm, loaded, delta, (sx_commit_mode){true, true}, at.now,
              done, at.pool);
    return done;
}

static uint64_t token_of(const char *cookie)
{
    return load(&at, cookie)->meta.token;
}

static void test_two_pages(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a&info=b");
    sx_loaded *one = load(&at, cookie), *two = load(&at, cookie);
    sx_loaded *three;
    sx_committed *done;

    is_str(take(one, 1), "ab", "of two pages that load at once");
    is_str(take(two, 2), "", "one gets the messages");
    three = load(&at, cookie);
    is_str(take(three, 3), "", "and a third, which began later, gets none");
    is_str(take(one, 1), "ab", "who has them has them still");
    done = settle(one, 1, true, "");
    ok(done->verdict == SX_COMMIT_OK && done->retries == 0,
       "the page's commit goes on from its claim, without a conflict");
    is_int(messages_of(&at, cookie), 0, "what it has shown is gone");
    done = settle(two, 2, true, "");
    ok(done->verdict == SX_COMMIT_OK && messages_of(&at, cookie) == 0,
       "who got none removes none");
    is_int(version_of(&at, cookie), 1, "and nothing of that is a version");
}

/* By the commit itself, not behind the answer: the next page may be on its
 * way. */
static void test_refused_log_in(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a");
    sx_loaded *one = load(&at, cookie);
    sx_committed *done;

    at.realm.per_user = (sx_per_user){1, true};
    take(one, 1);
    (void)begin(&at, "Session-Set: user=bert");
    done = settle(one, 1, true, "Session-Set: user=bert");
    ok(done->verdict == SX_COMMIT_DENIED && done->wrote,
       "a log-in that is refused settles the claim of its page");
    is_str(take(load(&at, cookie), 2), "a", "which gives back what it had");
    at.realm.per_user = (sx_per_user){0, false};
}

static void test_given_back(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a&info=b");
    sx_loaded *one = load(&at, cookie);

    take(one, 1);
    settle(one, 1, false, "Session-Flash: info=c");
    is_str(take(load(&at, cookie), 2), "abc",
           "what was given back stands before what was queued with it");
}

/* "A loads, B queues, A ends". */
static void test_queued_meanwhile(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a");
    sx_loaded *page = load(&at, cookie);

    take(page, 1);
    request(&at, cookie, "Session-Flash: info=b | Session-Incr: n=1");
    settle(page, 1, true, "");
    is_str(take(load(&at, cookie), 2), "b",
           "a message that was queued while a page loaded is for the next");
    page = load(&at, cookie);
    settle(page, 0, true, "");
    is_int(messages_of(&at, cookie), 1, "a page without a claim removes none");
}

/* A writer between load and claim: the claim is of what is there then. */
static void test_writer_before_claim(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a");
    sx_loaded *page = load(&at, cookie);

    request(&at, cookie, "Session-Flash: info=b | Session-Set: k=1");
    is_str(take(page, 1), "ab", "a page takes what is there when it takes");
    ok(page->session->version == 2 && page->meta.token == token_of(cookie),
       "and knows the session as it is then");
    is_int(settle(page, 1, true, "Session-If-Version: 1")->verdict,
           SX_COMMIT_CONFLICT, "an If-Version of before is a conflict");
    is_str(take(load(&at, cookie), 2), "ab",
           "after which nobody has seen the page: they are given back");
}

static void test_stands_apart(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a | Session-Set: k=x");
    sx_loaded *page = load(&at, cookie);
    sx_committed *done;

    take(page, 1);
    done = settle(page, 1, true, "Session-Incr: k=1");
    is_int(done->verdict, SX_COMMIT_REFUSED, "commands may be refused");
    is_int(messages_of(&at, cookie), 0, "what the page has shown goes");
    request(&at, cookie, "Session-Flash: info=a");
    page = load(&at, cookie);
    take(page, 1);
    request(&at, cookie, "Session-Set: k=y");
    done = settle(page, 1, true, "Session-If-Version: 2");
    ok(done->verdict == SX_COMMIT_OK && messages_of(&at, cookie) == 0,
       "a claim does not disturb an If-Version");
}

static void test_costs_nothing(void)
{
    const char *cookie = begin(&at, "Session-Set: k=1");
    uint64_t token = token_of(cookie);
    sx_loaded *page = load(&at, cookie), *none = load(&at, NULL);

    is_str(take(page, 1), "", "without messages there is nothing to take");
    is_str(take(none, 1), "", "nor without a session");
    is_int(token_of(cookie), token, "and nothing is written");
    request(&at, cookie, "Session-Flash: info=a");
    take(load(&at, cookie), 1);
    token = token_of(cookie);
    take(load(&at, cookie), 2);
    is_int(token_of(cookie), token, "nor when another has them");
}

static void test_times(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a");
    sx_loaded *page = load(&at, cookie);
    int64_t expires = page->meta.expires_ms;

    stage_pass(&at, 5 * MINUTE);
    take(page, 1);
    is_int(load(&at, cookie)->meta.expires_ms, expires,
           "taking is no access: the page's commit notes that");
    stage_pass(&at, 26 * MINUTE);
    ok(dead(&at, cookie), "and keeps no session alive");
}

static void test_gone(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a");
    sx_loaded *page = load(&at, cookie), *late = load(&at, cookie);

    request(&at, cookie, "Session-Destroy: on");
    is_str(take(page, 1), "not taken",
           "of a session that has ended nothing is handed out");
    ok(dead(&at, cookie), "and it does not come back");
    ok(page->meta.token == late->meta.token && page->session->version == 1,
       "the page knows what it knew");
}

/* By age: the page's commit follows the alias. */
static void test_silent_renewal(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a");
    sx_loaded *page;
    sx_committed *renewed;

    for (int i = 0; i < 3; i++) {
        stage_pass(&at, 25 * MINUTE);
        commit_as(&at, load(&at, cookie), "", (sx_commit_mode){true, false});
    }
    page = load(&at, cookie);
    take(page, 1);
    renewed = request(&at, cookie, "");
    ok(renewed->renewed, "while a page loads the id is renewed by age");
    is_str(take(load(&at, renewed->id.text), 2), "",
           "the claim has gone with the session");
    settle(page, 1, true, "");
    is_int(messages_of(&at, renewed->id.text), 0,
           "and is settled under the new id");
}

/* With a reason: the page's commit is dropped, for it holds a dead id. */
static void test_explicit_renewal(void)
{
    const char *cookie = begin(&at, "Session-Flash: info=a");
    sx_loaded *page = load(&at, cookie);
    sx_committed *login;

    take(page, 1);
    login =
        request(&at, cookie, "Session-Set: user=al | Session-Flash: info=b");
    settle(page, 1, true, "");
    is_str(take(load(&at, login->id.text), 2), "b",
           "after a log-in the messages of a page that loads are its own");
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    at.realm.self = sx_process_self();
    test_two_pages();
    test_refused_log_in();
    test_given_back();
    test_queued_meanwhile();
    test_writer_before_claim();
    test_stands_apart();
    test_costs_nothing();
    test_times();
    test_gone();
    test_silent_renewal();
    test_explicit_renewal();
    stage_end(&at);
    return done_testing();
}
