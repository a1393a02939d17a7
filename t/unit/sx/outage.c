/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commit does with answers that a store gives when it cannot do its
 * work.  They cannot be had to order from a real segment, so a backend in
 * front of one gives them: the n-th call of an operation, and as many as are
 * wanted after it, gets an answer of the test's; every other call goes through.
 * Answers that are lost have a test of their own, lost.c.
 */
#include "stage.h"

typedef enum op { OP_GET, OP_PUT, OP_TOUCH, OP_REMOVE, OP_QUEUE, OPS } op;

typedef struct plan {
    sx_answer answer;
    int after; /* calls that go through first */
    int count; /* calls that get the answer */
} plan;

typedef struct faulty {
    sx_store base;
    sx_store *real;
    plan plans[OPS];
    int calls[OPS];
    int left;
} faulty;

static stage at;
static faulty store;

/* Has the plan an answer for this call? */
static bool planned(op which, sx_answer *answer)
{
    const plan *p = &store.plans[which];
    int call = store.calls[which]++;

    *answer = p->answer;
    return call >= p->after && call - p->after < p->count;
}

static sx_answer get(sx_store *s, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    sx_answer answer;

    (void)s;
    return planned(OP_GET, &answer)
               ? answer
               : store.real->ops->get(store.real, key, bytes, meta, grace_ms,
                                      now_ms, pool);
}

static sx_answer put_if(sx_store *s, const unsigned char *key, uint64_t token,
                        sx_str bytes, sx_record_meta *meta, int64_t now_ms)
{
    sx_answer answer;

    (void)s;
    return planned(OP_PUT, &answer)
               ? answer
               : store.real->ops->put_if(store.real, key, token, bytes, meta,
                                         now_ms);
}

static sx_answer touch(sx_store *s, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    sx_answer answer;

    (void)s;
    return planned(OP_TOUCH, &answer)
               ? answer
               : store.real->ops->touch(store.real, key, expires_ms, now_ms);
}

static sx_answer remove_record(sx_store *s, const unsigned char *key,
                               uint64_t token)
{
    sx_answer answer;

    (void)s;
    return planned(OP_REMOVE, &answer)
               ? answer
               : store.real->ops->remove(store.real, key, token);
}

static sx_answer queue_enter(sx_store *s, const unsigned char *key,
                             int64_t wait_ms)
{
    sx_answer answer;

    (void)s;
    return planned(OP_QUEUE, &answer)
               ? answer
               : store.real->ops->queue_enter(store.real, key, wait_ms);
}

static void queue_leave(sx_store *s, const unsigned char *key)
{
    (void)s;
    store.left++;
    store.real->ops->queue_leave(store.real, key);
}

static const sx_store_ops faulty_ops = {
    .name = "faulty",
    .get = get,
    .put_if = put_if,
    .touch = touch,
    .remove = remove_record,
    .queue_enter = queue_enter,
    .queue_leave = queue_leave,
};

static void heal(void)
{
    memset(store.plans, 0, sizeof(store.plans));
    memset(store.calls, 0, sizeof(store.calls));
    store.left = 0;
}

/* From now on the ${after}+1st call of ${which}, and ${count} in all, get
 * ${answer}. */
static void fail(op which, sx_answer answer, int after, int count)
{
    heal();
    store.plans[which] = (plan){answer, after, count};
}

static char last_log[200];

static void note_log(sx_log_level level, const char *message)
{
    (void)level;
    snprintf(last_log, sizeof(last_log), "%s", message);
}

/* ---- load --------------------------------------------------------------- */

static const sx_answer outages[] = {SX_STORE_BUSY, SX_STORE_UNAVAILABLE,
                                    SX_STORE_UNKNOWN};
#define OUTAGES (sizeof(outages) / sizeof(*outages))

static void test_load(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");

    for (size_t i = 0; i < OUTAGES; i++) {
        sx_loaded *loaded;
        sx_committed *done;
        long long before = records(&at);

        fail(OP_GET, outages[i], 0, 1);
        loaded = load(&at, cookie);
        ok(loaded->status == SX_STATUS_UNAVAILABLE &&
               loaded->outage == outages[i],
           "\"%s\" is not a miss", sx_answer_str(outages[i]));
        done = commit(&at, loaded, "");
        ok(done->verdict == SX_COMMIT_OK && done->cookie == SX_COOKIE_KEEP,
           "a request that only read is not harmed, nor its cookie");
        done = commit(&at, loaded, "Session-Set: b=1");
        ok(done->verdict == SX_COMMIT_OUTAGE &&
               done->cookie == SX_COOKIE_KEEP && !done->created &&
               records(&at) == before,
           "a write is told so; no session is made in the old one's place");
        done = commit(&at, loaded, "Session-Renew: on");
        is_int(done->verdict, SX_COMMIT_OUTAGE, "and so is a renewal");
        done = commit(&at, loaded,
                      "Session-Destroy: on | "
                      "Session-Flash: info=Bye");
        ok(done->verdict == SX_COMMIT_NOT_ENDED &&
               done->cookie == SX_COOKIE_DELETE && records(&at) == before,
           "an end that did not happen is told, and the cookie deleted");
    }
    fail(OP_GET, SX_STORE_DAMAGED, 0, 1);
    is_int(load(&at, cookie)->status, SX_STATUS_INVALID,
           "a damaged record is no session");
    ok(strstr(last_log, "did not open") != NULL, "and the log says so");
    heal();
}

/* ---- commit ------------------------------------------------------------- */

static void test_write(void)
{
    const char *cookie = begin(&at, "Session-Set: n=1");

    for (size_t i = 0; i < OUTAGES; i++) {
        bool doubt = outages[i] == SX_STORE_UNKNOWN;
        sx_committed *done;

        fail(OP_PUT, outages[i], 0, 100);
        done = request(&at, cookie, "Session-Incr: n=1");
        ok(done->verdict == (doubt ? SX_COMMIT_UNKNOWN : SX_COMMIT_OUTAGE) &&
               done->answer == outages[i] && done->cookie == SX_COOKIE_KEEP,
           "a write that meets \"%s\" is told so", sx_answer_str(outages[i]));
        is_int(store.calls[OP_PUT], doubt ? 3 : 1, "after so many tries");
        fail(OP_PUT, outages[i], 0, 100);
        done = request(&at, NULL, "Session-Set: a=1");
        ok(done->verdict == SX_COMMIT_OUTAGE && !done->created &&
               done->cookie == SX_COOKIE_KEEP,
           "one that would have made a session sends no id");
    }
    heal();
    is_str(value_of(&at, cookie, "n"), "1", "nothing was applied");
    fail(OP_TOUCH, SX_STORE_BUSY, 0, 1);
    stage_pass(&at, 2 * MINUTE);
    is_int(request(&at, cookie, "")->verdict, SX_COMMIT_OK,
           "an access that cannot be noted fails no request");
    is_int(store.calls[OP_TOUCH], 1, "though it was to be noted");
    heal();
}

static void test_conflicts(void)
{
    const char *cookie = begin(&at, "Session-Set: n=1");
    sx_committed *done;

    for (int i = 1; i <= 5; i += 2) {
        fail(OP_PUT, SX_STORE_CHANGED, 0, i);
        done =
            request(&at, cookie, "Session-Incr: n=1 | Session-Flash: info=x");
        ok(done->verdict == SX_COMMIT_OK && done->retries == (unsigned)i,
           "after %d conflicts a write goes through", i);
        is_int(store.left, i >= 2 ? 1 : 0, "it queues after the second");
    }
    heal();
    is_str(value_of(&at, cookie, "n"), "4", "an increment counts once");
    is_int(messages_of(&at, cookie), 3, "and a message is queued once");
    is_int(version_of(&at, cookie), 4, "in one version each");
    fail(OP_PUT, SX_STORE_CHANGED, 0, 1000);
    done = request(&at, cookie, "Session-Incr: n=1");
    ok(done->verdict == SX_COMMIT_CONTENDED && done->cookie == SX_COOKIE_KEEP,
       "conflicts without end are told so");
    is_int(store.calls[OP_PUT], 100, "after 100 tries");
    ok(store.calls[OP_QUEUE] == 1 && store.left == 1,
       "the queue was entered once and left once");
    fail(OP_PUT, SX_STORE_CHANGED, 0, 1000);
    store.plans[OP_QUEUE] = (plan){SX_STORE_BUSY, 0, 1};
    done = request(&at, cookie, "Session-Incr: n=1");
    ok(done->verdict == SX_COMMIT_CONTENDED && store.calls[OP_PUT] == 2 &&
           store.left == 0,
       "who waits in the queue too long gives up, and does not leave it");
    fail(OP_PUT, SX_STORE_CHANGED, 0, 2);
    store.plans[OP_GET] = (plan){SX_STORE_UNAVAILABLE, 2, 1};
    is_int(request(&at, cookie, "Session-Incr: n=1")->verdict, SX_COMMIT_OUTAGE,
           "an outage behind conflicts is an outage");
    heal();
    is_str(value_of(&at, cookie, "n"), "4", "none of these was applied");
    is_int(request(&at, cookie, "Session-Incr: n=1")->retries, 0,
           "and the queue is free again");
}

static void test_end(void)
{
    const char *cookie = begin(&at, "Session-Set: n=1");
    long long before = records(&at);
    sx_committed *done;

    fail(OP_REMOVE, SX_STORE_BUSY, 0, 1);
    done = request(&at, cookie, "Session-Destroy: on");
    ok(done->verdict == SX_COMMIT_NOT_ENDED && !done->destroyed &&
           done->cookie == SX_COOKIE_DELETE,
       "a record that could not be removed is told");
    fail(OP_GET, SX_STORE_UNAVAILABLE, 1, 1);
    is_int(request(&at, cookie, "Session-Destroy: on")->verdict,
           SX_COMMIT_NOT_ENDED, "and one that could not be found again");
    fail(OP_REMOVE, SX_STORE_CHANGED, 0, 1000);
    is_int(request(&at, cookie, "Session-Destroy: on")->verdict,
           SX_COMMIT_NOT_ENDED, "and one that changes without end");
    is_int(store.calls[OP_REMOVE], 100, "after 100 tries");
    fail(OP_PUT, SX_STORE_BUSY, 0, 1);
    done = request(&at, cookie, "Session-Destroy: on | Session-Flash: info=x");
    ok(done->verdict == SX_COMMIT_OK && done->destroyed &&
           done->cookie == SX_COOKIE_DELETE && records(&at) == before - 1,
       "a message that cannot be left does not keep the session alive");
    heal();
}

/* ---- renewal ------------------------------------------------------------ */

static void test_renewal(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");
    long long before = records(&at);
    sx_committed *done;

    fail(OP_REMOVE, SX_STORE_BUSY, 0, 1);
    done = request(&at, cookie, "Session-Set: user=alice");
    ok(done->verdict == SX_COMMIT_OUTAGE && done->cookie == SX_COOKIE_KEEP &&
           !done->renewed,
       "a log-in whose old id cannot be ended is an outage");
    ok(records(&at) == before && alive(&at, cookie) &&
           value_of(&at, cookie, "user") == NULL,
       "the new record is taken back, the session is as it was");
    last_log[0] = '\0';
    fail(OP_REMOVE, SX_STORE_BUSY, 0, 2);
    request(&at, cookie, "Session-Renew: on");
    ok(records(&at) == before + 1 && strstr(last_log, "could not be removed"),
       "if that fails, too, the log says so");
    fail(OP_REMOVE, SX_STORE_CHANGED, 0, 1);
    done = request(&at, cookie, "Session-Renew: on");
    ok(done->verdict == SX_COMMIT_OK && done->retries == 1 &&
           records(&at) == before + 1,
       "a renewal that lost a race is retried under the same new id");
    heal();
    ok(dead(&at, cookie) && alive(&at, done->id.text), "and then is one");
}

static void test_silent_renewal(void)
{
    const char *cookie = begin(&at, "Session-Set: n=1");
    long long before = records(&at);
    sx_committed *done;

    at.realm.times.renew_ms = MINUTE;
    stage_pass(&at, 2 * MINUTE);
    fail(OP_PUT, SX_STORE_FULL, 0, 1);
    done = request(&at, cookie, "");
    ok(done->verdict == SX_COMMIT_OK && !done->renewed &&
           done->cookie == SX_COOKIE_KEEP,
       "without room for two records an id is not renewed");
    is_int(load(&at, cookie)->meta.last_access_ms, at.now.boot_ms,
           "but the access is noted");
    fail(OP_PUT, SX_STORE_FULL, 1, 1);
    done = request(&at, cookie, "Session-Incr: n=1");
    ok(done->verdict == SX_COMMIT_OK && done->retries == 0 && !done->renewed,
       "without room for the alias the data are written in place at once");
    ok(strcmp(value_of(&at, cookie, "n"), "2") == 0 && records(&at) == before,
       "once, and the new record is taken back");
    stage_pass(&at, 2 * MINUTE);
    fail(OP_PUT, SX_STORE_BUSY, 1, 1);
    done = request(&at, cookie, "Session-Incr: n=1");
    ok(done->verdict == SX_COMMIT_OUTAGE && records(&at) == before &&
           done->cookie == SX_COOKIE_KEEP,
       "an alias that cannot be put takes the renewal and the write back");
    heal();
    is_str(value_of(&at, cookie, "n"), "2", "and the session is as it was");
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    sx_log_set(note_log);
    store.base.ops = &faulty_ops;
    store.real = at.realm.store;
    at.realm.store = &store.base;
    test_load();
    test_write();
    test_conflicts();
    test_end();
    test_renewal();
    test_silent_renewal();
    stage_end(&at);
    return done_testing();
}
