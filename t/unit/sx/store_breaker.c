/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a breaker opens, what it answers then, and how it closes: in front of a
 * store that answers what the test says and counts its calls, on a clock that
 * only the test moves.  That it answers as any other store while it is closed
 * is the contract suite's (backends.h).
 */
#include <pthread.h>
#include <sched.h>

#include "stage.h"
#include "sx_store_breaker.h"

#define THREADS 8
#define PLACES  2

/* ---- the store behind it ------------------------------------------------ */

static struct {
    sx_store base;
    _Atomic int answer, calls;
    _Atomic int holds; /* so many calls, from the first, stay inside */
    _Atomic int takes_ms;
} peer;

static sx_answer call_peer(void)
{
    int number = atomic_fetch_add(&peer.calls, 1) + 1;

    while (atomic_load(&peer.holds) >= number)
        sched_yield();
    usleep((useconds_t)atomic_load(&peer.takes_ms) * 1000);
    return (sx_answer)atomic_load(&peer.answer);
}

/* What it is asked makes no difference. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
/* NOLINTBEGIN(misc-unused-parameters) */
static sx_answer peer_get(sx_store *s, const unsigned char *key, sx_str *bytes,
                          sx_record_meta *meta, int64_t grace_ms,
                          int64_t now_ms, apr_pool_t *pool)
{
    return call_peer();
}

static sx_answer peer_put_if(sx_store *s, const unsigned char *key,
                             uint64_t token, sx_str bytes, sx_record_meta *meta,
                             int64_t now_ms)
{
    return sx_record_meta_ok(meta) ? call_peer() : SX_STORE_UNAVAILABLE;
}

static sx_answer peer_touch(sx_store *s, const unsigned char *key,
                            int64_t expires_ms, int64_t now_ms)
{
    return call_peer();
}

static sx_answer peer_remove(sx_store *s, const unsigned char *key,
                             uint64_t token)
{
    return call_peer();
}

static sx_answer peer_each(sx_store *s, sx_store_visit *visit, void *baton,
                           int64_t now_ms, apr_pool_t *pool)
{
    return call_peer();
}

static sx_answer peer_sweep(sx_store *s, int64_t budget_us, int64_t now_ms,
                            sx_sweep_report *report)
{
    return call_peer();
}

static sx_answer peer_queue_enter(sx_store *s, const unsigned char *key,
                                  int64_t wait_ms)
{
    return call_peer();
}

static void peer_queue_leave(sx_store *s, const unsigned char *key)
{
    (void)call_peer();
}

static int64_t peer_clock_ms(sx_store *s)
{
    return 77;
}

static uint64_t peer_life(sx_store *s)
{
    return 88;
}
/* NOLINTEND(misc-unused-parameters) */
#pragma GCC diagnostic pop

static const sx_store_ops peer_ops = {.name = "peer",
                                      .get = peer_get,
                                      .put_if = peer_put_if,
                                      .touch = peer_touch,
                                      .remove = peer_remove,
                                      .each = peer_each,
                                      .sweep = peer_sweep,
                                      .queue_enter = peer_queue_enter,
                                      .queue_leave = peer_queue_leave,
                                      .clock_ms = peer_clock_ms,
                                      .life = peer_life};

/* Nothing else makes sense behind this one. */
static void must(bool holds, const char *what)
{
    if (!holds) {
        ok(false, "%s", what);
        exit(done_testing());
    }
}

/* ---- the breaker before it ---------------------------------------------- */

static apr_pool_t *pool;
static sx_store *store;
static sx_breaker_figures figures;
static _Atomic int64_t clock_now;

static int64_t clock_read(void *baton)
{
    (void)baton;
    return atomic_load(&clock_now);
}

static char last_log[200];
static int lines;

static void note_log(sx_log_level level, const char *message)
{
    (void)level;
    snprintf(last_log, sizeof(last_log), "%s", message);
    lines++;
}

static void begin_breaker(void)
{
    const sx_breaker_config config = {
        .clock_ms = clock_read, .name = "far", .figures = &figures};

    memset(&peer, 0, sizeof(peer));
    peer.base.ops = &peer_ops;
    memset(&figures, 0, sizeof(figures));
    store = sx_store_breaker_create(&peer.base, &config, pool);
}

static sx_record_meta meta;
static const unsigned char key[SX_STORE_KEY_LEN];

/* One call of each kind, by number. */
static sx_answer call(int which)
{
    sx_sweep_report report;
    sx_str bytes;

    switch (which) {
    case 0:
        return store->ops->get(store, key, &bytes, &meta, 0, 0, pool);
    case 1:
        return store->ops->put_if(store, key, 0, sx_str_of(""), &meta, 0);
    case 2:
        return store->ops->touch(store, key, 0, 0);
    case 3:
        return store->ops->remove(store, key, 0);
    case 4:
        return store->ops->each(store, NULL, NULL, 0, pool);
    case 5:
        return store->ops->sweep(store, 0, 0, &report);
    default:
        return store->ops->queue_enter(store, key, 0);
    }
}

#define KINDS 7 /* the last, the queue, asks nobody else but us */

/* It answers ${answer} from now on: what does a call get? */
static sx_answer when(sx_answer answer)
{
    atomic_store(&peer.answer, answer);
    return call(0);
}

static void open_it(void)
{
    begin_breaker();
    for (int i = 0; i < SX_BREAKER_OUTAGES; i++)
        (void)when(SX_STORE_UNAVAILABLE);
    must(sx_store_breaker_is_open(store), "a breaker opens");
}

static bool is_silent(void)
{
    int before = atomic_load(&peer.calls);

    return call(0) == SX_STORE_UNAVAILABLE &&
           atomic_load(&peer.calls) == before;
}

/* ---- closed and open ---------------------------------------------------- */

static void test_opening(void)
{
    static const sx_answer outages[] = {SX_STORE_UNAVAILABLE, SX_STORE_UNKNOWN};

    for (int o = 0; o < 2; o++) {
        begin_breaker();
        for (int i = 0; i < SX_BREAKER_OUTAGES; i++) {
            must(!sx_store_breaker_is_open(store), "it does not open early");
            is_int(when(outages[o]), outages[o], "an outage is told as it is");
        }
        ok(sx_store_breaker_is_open(store) && is_silent(),
           "after %d \"%s\" in a row nobody is asked any more",
           SX_BREAKER_OUTAGES, sx_answer_str(outages[o]));
        ok(figures.opened == 1 && figures.rejected == 1 && figures.probes == 0,
           "and that is counted");
    }
    for (int which = 0; which < KINDS; which++) {
        open_it();
        atomic_store(&peer.calls, 0);
        ok(call(which) == SX_STORE_UNAVAILABLE && peer.calls == 0,
           "call %d does not reach the peer", which);
        begin_breaker();
        atomic_store(&peer.answer, SX_STORE_UNKNOWN);
        for (int i = 0; i < SX_BREAKER_OUTAGES; i++)
            (void)call(which);
        is_int(sx_store_breaker_is_open(store), which < KINDS - 1,
               "nor do others behind it");
    }
}

static void test_answers(void)
{
    static const sx_answer answers[] = {
        SX_STORE_OK,   SX_STORE_MISS,   SX_STORE_GONE,   SX_STORE_CHANGED,
        SX_STORE_FULL, SX_STORE_TOOBIG, SX_STORE_DAMAGED};

    for (size_t a = 0; a < sizeof(answers) / sizeof(*answers); a++) {
        begin_breaker();
        for (int i = 1; i < SX_BREAKER_OUTAGES; i++)
            (void)when(SX_STORE_UNAVAILABLE);
        (void)when(answers[a]);
        for (int i = 1; i < SX_BREAKER_OUTAGES; i++)
            (void)when(SX_STORE_UNAVAILABLE);
        ok(!sx_store_breaker_is_open(store),
           "between outages \"%s\" begins the count anew",
           sx_answer_str(answers[a]));
        (void)when(SX_STORE_UNAVAILABLE);
        ok(sx_store_breaker_is_open(store), "but not more than that");
    }
    begin_breaker();
    for (int i = 0; i < 2 * SX_BREAKER_OUTAGES; i++)
        (void)when(SX_STORE_BUSY);
    ok(!sx_store_breaker_is_open(store), "contention is no outage");
    for (int i = 0; i < SX_BREAKER_OUTAGES; i++) {
        (void)when(SX_STORE_UNAVAILABLE);
        (void)when(SX_STORE_BUSY);
    }
    ok(sx_store_breaker_is_open(store), "nor does it hide one");
    begin_breaker();
    meta.expires_ms = 1;
    for (int i = 0; i < 2 * SX_BREAKER_OUTAGES; i++)
        (void)call(1);
    meta.expires_ms = 0;
    ok(!sx_store_breaker_is_open(store), "who asks for nonsense opens nothing");
    open_it();
    ok(store->ops->clock_ms(store) == 77 && store->ops->life(store) == 88,
       "an open one still has its clock and its life");
    atomic_store(&peer.calls, 0);
    store->ops->queue_leave(store, key);
    is_int(peer.calls, 1, "and who has entered a queue leaves it");
}

static void test_abilities(void)
{
    static const sx_store_ops few = {.name = "few",
                                     .get = peer_get,
                                     .put_if = peer_put_if,
                                     .touch = peer_touch,
                                     .remove = peer_remove,
                                     .clock_ms = peer_clock_ms};
    static sx_store inner = {&few};
    const sx_breaker_config config = {0};
    sx_store *made = sx_store_breaker_create(&inner, &config, pool);

    ok(!made->ops->each && !made->ops->sweep && !made->ops->queue_enter &&
           !made->ops->queue_leave && !made->ops->life && !made->ops->carry,
       "what the store behind it cannot do it cannot");
    is_str(made->ops->name, "few", "and it has its name");
}

/* ---- half open ---------------------------------------------------------- */

static void pass_ms(int64_t ms)
{
    atomic_fetch_add(&clock_now, ms);
}

static void test_probes(void)
{
    open_it();
    pass_ms(SX_BREAKER_PAUSE_MS - 2);
    ok(strstr(last_log, "'far' does not answer"), "the log says so");
    lines = 0;
    ok(is_silent(), "for as long as its pause lasts it is silent");
    pass_ms(4);
    is_int(when(SX_STORE_UNKNOWN), SX_STORE_UNKNOWN,
           "then one call is let through");
    ok(is_silent(), "and if it fails no other, for another pause");
    ok(figures.probes == 1 && figures.opened == 1, "that was a probe");
    is_int(lines, 0, "about none of that the log has another line");
    pass_ms(SX_BREAKER_PAUSE_MS - 2);
    ok(is_silent(), "as long as the first");
    pass_ms(4);
    is_int(when(SX_STORE_MISS), SX_STORE_MISS, "when the peer answers");
    ok(!sx_store_breaker_is_open(store), "it closes");
    ok(strstr(last_log, "'far' answers again") && lines == 1,
       "and the log says so");
    for (int i = 1; i < SX_BREAKER_OUTAGES; i++)
        (void)when(SX_STORE_UNAVAILABLE);
    ok(!sx_store_breaker_is_open(store), "and begins to count anew");
    (void)when(SX_STORE_UNAVAILABLE);
    ok(sx_store_breaker_is_open(store) && figures.opened == 2,
       "so that it opens again as before");
    pass_ms(SX_BREAKER_PAUSE_MS + 2);
    is_int(when(SX_STORE_BUSY), SX_STORE_BUSY, "a probe may meet contention");
    ok(sx_store_breaker_is_open(store), "which proves nothing");
    is_int(when(SX_STORE_OK), SX_STORE_OK, "then the next call is one");
    ok(!sx_store_breaker_is_open(store), "and tells");
}

/* ---- threads ------------------------------------------------------------ */

static _Atomic int rejected, answered;

static void *one_call(void *baton)
{
    (void)baton;
    atomic_fetch_add(call(3) == SX_STORE_UNAVAILABLE ? &rejected : &answered,
                     1);
    return NULL;
}

/* Calls of other threads, each of which counts itself. */
static void begin_calls(pthread_t *thread, int count, void *(*calls)(void *))
{
    for (int i = 0; i < count; i++)
        if (pthread_create(&thread[i], NULL, calls, (void *)(uintptr_t)(i + 1)))
            stage_give_up("no thread");
}

static void end_calls(const pthread_t *thread, int count)
{
    for (int i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
}

static void wait_for(const _Atomic int *what, int count)
{
    for (int ms = 0; atomic_load(what) < count; ms++) {
        must(ms < 10000, "each thread gets to where it waits");
        usleep(1000);
    }
}

/* One is inside the peer, as a probe, and does not come back; what do others
 * get meanwhile? */
static void test_one_probe(void)
{
    pthread_t thread[THREADS], late;

    open_it();
    pass_ms(SX_BREAKER_PAUSE_MS + 2);
    atomic_store(&peer.calls, 0);
    atomic_store(&peer.answer, SX_STORE_OK);
    atomic_store(&peer.holds, THREADS);
    rejected = answered = 0;
    begin_calls(thread, THREADS, one_call);
    wait_for(&rejected, THREADS - 1);
    is_int(peer.calls, 1, "of many threads one probes");
    is_int(answered, 0, "the others have their answer before it has its own");
    pass_ms(SX_BREAKER_PROBE_MS + 2);
    begin_calls(&late, 1, one_call);
    wait_for(&peer.calls, 2);
    ok(true, "one that does not come back is followed by another");
    atomic_store(&peer.holds, 0);
    end_calls(thread, THREADS);
    end_calls(&late, 1);
    ok(!sx_store_breaker_is_open(store) && answered == 2,
       "and if either answers it closes");
}

/* A peer that keeps what it is asked. */
static void test_stuck(void)
{
    pthread_t thread[SX_BREAKER_OUTAGES];

    begin_breaker();
    atomic_store(&peer.answer, SX_STORE_OK);
    atomic_store(&peer.holds, SX_BREAKER_OUTAGES);
    begin_calls(thread, SX_BREAKER_OUTAGES, one_call);
    wait_for(&peer.calls, SX_BREAKER_OUTAGES);
    pass_ms(SX_BREAKER_STUCK_MS - 2);
    is_int(call(0), SX_STORE_OK, "as long as calls may take others go on");
    pass_ms(SX_BREAKER_STUCK_MS - 2);
    is_int(call(0), SX_STORE_OK, "also when one came back meanwhile");
    pass_ms(SX_BREAKER_STUCK_MS + 2);
    ok(is_silent(), "behind %d calls that are kept nobody is let in",
       SX_BREAKER_OUTAGES);
    pass_ms(10 * SX_BREAKER_PROBE_MS);
    ok(is_silent() && figures.probes == 0, "also to probe, however long");
    atomic_store(&peer.holds, 0);
    end_calls(thread, SX_BREAKER_OUTAGES);
    is_int(call(0), SX_STORE_OK, "when they come back it goes on");
    atomic_store(&peer.calls, 0);
    atomic_store(&peer.holds, SX_BREAKER_OUTAGES - 1);
    begin_calls(thread, SX_BREAKER_OUTAGES - 1, one_call);
    wait_for(&peer.calls, SX_BREAKER_OUTAGES - 1);
    pass_ms(SX_BREAKER_STUCK_MS + 2);
    is_int(call(0), SX_STORE_OK, "and fewer of them keep nobody out");
    atomic_store(&peer.holds, 0);
    end_calls(thread, SX_BREAKER_OUTAGES - 1);
}

/* A probe that was given up says nothing any more. */
static void test_late_probe(void)
{
    pthread_t thread;

    open_it();
    pass_ms(SX_BREAKER_PAUSE_MS + 2);
    atomic_store(&peer.calls, 0);
    atomic_store(&peer.holds, 1);
    begin_calls(&thread, 1, one_call);
    wait_for(&peer.calls, 1);
    pass_ms(SX_BREAKER_PROBE_MS + 2);
    is_int(when(SX_STORE_OK), SX_STORE_OK, "the next one closes it");
    atomic_store(&peer.answer, SX_STORE_UNAVAILABLE);
    atomic_store(&peer.holds, 0);
    pthread_join(thread, NULL);
    ok(!sx_store_breaker_is_open(store), "and it stays closed");
    for (int i = 0; i < SX_BREAKER_OUTAGES; i++)
        (void)when(SX_STORE_UNAVAILABLE);
    ok(is_silent(), "until it opens again");
    pass_ms(SX_BREAKER_PAUSE_MS + 2);
    atomic_store(&peer.calls, 0);
    atomic_store(&peer.holds, 1);
    begin_calls(&thread, 1, one_call);
    wait_for(&peer.calls, 1);
    pass_ms(SX_BREAKER_PROBE_MS + 2);
    is_int(when(SX_STORE_UNAVAILABLE), SX_STORE_UNAVAILABLE, "one more fails");
    atomic_store(&peer.answer, SX_STORE_OK);
    atomic_store(&peer.holds, 0);
    pthread_join(thread, NULL);
    ok(is_silent(), "and what one that was given up answers opens nothing");
}

static void *many_calls(void *baton)
{
    unsigned seed = (unsigned)(uintptr_t)baton;

    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        (void)call((int)(seed >> 16) % 4);
        if (seed >> 28 == 0)
            atomic_store(&peer.answer,
                         seed >> 20 & 1 ? SX_STORE_OK : SX_STORE_UNKNOWN);
        if (seed >> 26 == 1)
            pass_ms(SX_BREAKER_PAUSE_MS / 2);
    }
    return NULL;
}

/* Whatever meets, it is not left open by itself. */
static void test_storm(void)
{
    pthread_t thread[THREADS];

    begin_breaker();
    begin_calls(thread, THREADS, many_calls);
    end_calls(thread, THREADS);
    ok(figures.opened > 0 && figures.probes >= figures.opened - 1 &&
           figures.rejected > 0,
       "in a storm it has opened, probed and rejected");
    pass_ms(SX_BREAKER_PROBE_MS + 2);
    (void)when(SX_STORE_OK);
    ok(!sx_store_breaker_is_open(store), "and after it it closes");
    is_int(peer.calls + (int)figures.rejected, THREADS * 20000 + 1,
           "each call was answered by one of the two");
}

/* However many come at one time, a peer that keeps them has so many. */
static void test_places(void)
{
    const sx_breaker_config config = {.places = PLACES, .figures = &figures};
    pthread_t kept[PLACES], more[THREADS];
    int64_t began_us;

    begin_breaker();
    store = sx_store_breaker_create(&peer.base, &config, pool);
    atomic_store(&peer.answer, SX_STORE_OK);
    atomic_store(&peer.holds, PLACES);
    rejected = answered = 0;
    begin_calls(kept, PLACES, one_call);
    wait_for(&peer.calls, PLACES);
    began_us = sx_monotonic_us();
    begin_calls(more, THREADS, one_call);
    end_calls(more, THREADS);
    began_us = sx_monotonic_us() - began_us;
    ok(peer.calls == PLACES && rejected == THREADS && answered == 0,
       "of those who come at one time %d are kept", PLACES);
    ok(began_us >= (SX_BREAKER_FULL_MS - 10) * 1000 &&
           began_us < SX_BREAKER_STUCK_MS * 1000,
       "the others wait %d ms for a place", SX_BREAKER_FULL_MS);
    ok(!sx_store_breaker_is_open(store) && figures.rejected == THREADS &&
           figures.probes == 0,
       "which opens nothing");
    atomic_store(&peer.takes_ms, 100);
    begin_calls(more, THREADS, one_call);
    atomic_store(&peer.holds, 1);
    end_calls(more, THREADS);
    is_int(rejected, THREADS,
           "nobody is sent away while calls come back, however slow");
    atomic_store(&peer.takes_ms, 0);
    atomic_store(&peer.holds, 0);
    end_calls(kept, PLACES);
    is_int(answered, THREADS + PLACES, "all of them are answered");
}

/* By itself it has a clock. */
static void test_own_clock(void)
{
    const sx_breaker_config config = {0};

    begin_breaker();
    store = sx_store_breaker_create(&peer.base, &config, pool);
    for (int i = 0; i < SX_BREAKER_OUTAGES; i++)
        (void)when(SX_STORE_UNAVAILABLE);
    ok(is_silent(), "with nothing said it opens, too");
    usleep((SX_BREAKER_PAUSE_MS + 50) * 1000);
    is_int(when(SX_STORE_OK), SX_STORE_OK, "and closes by the clock");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    meta.kind = SX_USER;
    atomic_store(&clock_now, 1000);
    sx_log_set(note_log);
    test_opening();
    test_answers();
    test_abilities();
    test_probes();
    test_one_probe();
    test_stuck();
    test_late_probe();
    sx_log_set(NULL);
    test_storm();
    test_places();
    test_own_clock();
    return done_testing();
}
