/* SPDX-License-Identifier: Apache-2.0 */
/* A tier where callers meet: no order of calls of three, nor the death of one,
 * leaves a copy in FAST that is older than what DURABLE has; and nobody reads
 * what is older than what was confirmed to anybody before. */
#include <pthread.h>

#include "tier.h"

/* ---- three at once ------------------------------------------------------ */

/* What three callers do, each within a call of the one before. */
typedef enum what { READ, WRITE, TOUCH, REMOVE, ACTS } what;

static const unsigned char *shared_key;
static what acts[3];
static turn turns[2];

static void act(what does, apr_pool_t *pool)
{
    sx_store *store = at.realm.store, *real = durable.real;
    sx_record_meta meta = meta_of(SX_USER), found;
    static int written;
    const int no = __atomic_add_fetch(&written, 1, __ATOMIC_RELAXED);
    sx_answer answer;
    sx_str bytes;

    switch (does) {
    case READ:
        (void)store->ops->get(store, shared_key, &bytes, &found, 0,
                              at.now.boot_ms, pool);
        break;
    case WRITE:
        answer = real->ops->get(real, shared_key, &bytes, &found, 0,
                                at.now.boot_ms, pool);
        bytes = sx_int64_str(no, pool);
        (void)store->ops->put_if(store, shared_key,
                                 answer == SX_STORE_OK ? found.token : 0, bytes,
                                 &meta, at.now.boot_ms);
        break;
    case TOUCH:
        (void)store->ops->touch(store, shared_key, at.now.boot_ms + MINUTE + no,
                                at.now.boot_ms);
        break;
    case REMOVE:
    case ACTS:
        (void)store->ops->remove(store, shared_key, 0);
        break;
    }
}

static void third(void)
{
    act(acts[2], at.pool);
}

static void second(void)
{
    on = &turns[1];
    act(acts[1], at.pool);
    on = NULL;
}

static void first(void)
{
    on = &turns[0];
    act(acts[0], at.pool);
    on = NULL;
}

static bool is_as_in_durable(void)
{
    sx_store *real = durable.real;
    sx_record_meta here, there;
    sx_str ours, theirs;
    sx_answer answer = real->ops->get(real, shared_key, &theirs, &there, 0,
                                      at.now.boot_ms, at.pool);

    return get(shared_key, &ours, &here) == answer &&
           (answer != SX_STORE_OK ||
            (sx_str_eq(ours, theirs) && here.token == there.token &&
             here.expires_ms == there.expires_ms &&
             here.last_access_ms == there.last_access_ms));
}

/* A record, and a copy of it or none. */
static void set_stage(bool copied)
{
    sx_record_meta meta = meta_of(SX_USER);

    shared_key = made("begun", &meta);
    if (!copied)
        at.realm.store->ops->refresh(at.realm.store, shared_key);
}

static int meet(bool copied)
{
    int wrong = 0;
    bool more[2] = {true, true};

    for (int i = 0; more[0]; i++) {
        more[1] = true;
        for (int j = 0; more[1]; j++) {
            apr_pool_t *pool = at.pool;

            apr_pool_create(&at.pool, pool);
            at.jar = NULL;
            turns[0] = (turn){.before = i, .next = second};
            turns[1] = (turn){.before = j, .next = third};
            set_stage(copied);
            first();
            wrong += !is_as_in_durable();
            more[0] = turns[0].reached;
            more[1] = turns[1].reached;
            apr_pool_destroy(at.pool);
            at.pool = pool;
        }
    }
    at.jar = NULL;
    return wrong;
}

static void test_meetings(void)
{
    int wrong = 0;

    for (int all = 0; all < ACTS * ACTS * ACTS; all++) {
        acts[0] = (what)(all % ACTS);
        acts[1] = (what)(all / ACTS % ACTS);
        acts[2] = (what)(all / ACTS / ACTS);
        wrong += meet(true) + meet(false);
    }
    ok(wrong == 0, "whoever comes between, no older copy stays");
}

static void test_deaths(void)
{
    int wrong = 0, deaths = 0;

    for (int does = 0; does < 2 * ACTS; does++)
        for (int i = 0; i >= 0; i = turns[0].reached ? i + 1 : -1) {
            turns[0] = (turn){.before = i};
            acts[0] = (what)(does / 2);
            set_stage(does % 2);
            first();
            wrong += !is_as_in_durable();
            deaths += turns[0].dead;
        }
    ok(wrong == 0 && deaths > 20, "nor does one of who dies");
}

/* ---- two, call by call -------------------------------------------------- */

/* Two threads, of which one at a time goes on, up to its next call of either
 * side: who, a schedule says, bit by bit. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int running; /* -1: nobody */
    bool waits[2], done[2];
} steps = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER};

static __thread int me;

static void wait_for_turn(void)
{
    pthread_mutex_lock(&steps.lock);
    steps.waits[me] = true;
    if (steps.running == me)
        steps.running = -1;
    pthread_cond_broadcast(&steps.changed);
    while (steps.running != me)
        pthread_cond_wait(&steps.changed, &steps.lock);
    steps.waits[me] = false;
    pthread_mutex_unlock(&steps.lock);
}

static void *take_steps(void *baton)
{
    apr_pool_t *pool;

    me = *(int *)baton;
    my_turn = wait_for_turn;
    apr_pool_create(&pool, NULL);
    act(acts[me], pool);
    apr_pool_destroy(pool);
    pthread_mutex_lock(&steps.lock);
    steps.done[me] = true;
    steps.running = -1;
    pthread_cond_broadcast(&steps.changed);
    pthread_mutex_unlock(&steps.lock);
    return NULL;
}

static void follow(unsigned schedule)
{
    pthread_mutex_lock(&steps.lock);
    while (!steps.done[0] || !steps.done[1]) {
        int next = schedule & 1;

        while (steps.running >= 0 || !(steps.waits[0] || steps.done[0]) ||
               !(steps.waits[1] || steps.done[1]))
            pthread_cond_wait(&steps.changed, &steps.lock);
        schedule >>= 1;
        steps.running = steps.done[next] ? !next : next;
        if (steps.done[steps.running])
            steps.running = -1;
        pthread_cond_broadcast(&steps.changed);
    }
    pthread_mutex_unlock(&steps.lock);
}

static bool is_right_in_steps(unsigned schedule, bool copied)
{
    pthread_t threads[2];
    int numbers[2] = {0, 1};
    apr_pool_t *pool = at.pool;
    bool right;

    apr_pool_create(&at.pool, pool);
    at.jar = NULL;
    set_stage(copied);
    steps.running = -1;
    memset(steps.waits, 0, sizeof(steps.waits));
    memset(steps.done, 0, sizeof(steps.done));
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, take_steps, &numbers[i]) != 0)
            stage_give_up("no thread");
    follow(schedule);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    right = is_as_in_durable();
    apr_pool_destroy(at.pool);
    at.pool = pool;
    at.jar = NULL;
    return right;
}

/* Nobody makes more calls than that. */
#define STEPS 5

static void test_steps(void)
{
    int wrong = 0, schedules = 0;

    for (int all = 0; all < 2 * ACTS * ACTS; all++) {
        acts[0] = (what)(all / 2 % ACTS);
        acts[1] = (what)(all / 2 / ACTS);
        if (acts[0] > acts[1])
            continue;
        for (unsigned s = 0; s < 1U << 2 * STEPS; s++) {
            if (__builtin_popcount(s) != STEPS)
                continue;
            wrong += !is_right_in_steps(s, all % 2);
            schedules++;
        }
    }
    ok(wrong == 0 && schedules > 4000,
       "nor does one that two leave, whichever way their calls alternate");
}

/* ---- at full speed ------------------------------------------------------ */

#define WRITERS 2
#define READERS 2
#define ROUNDS  1000

typedef struct worker {
    sx_store *store;
    bool writes;
    int wrong, done;
} worker;

static int64_t confirmed; /* atomic */

static bool read_number(sx_store *store, int64_t *number, sx_record_meta *meta,
                        apr_pool_t *pool)
{
    sx_str bytes;

    return store->ops->get(store, shared_key, &bytes, meta, 0, at.now.boot_ms,
                           pool) == SX_STORE_OK &&
           sx_parse_int64(bytes, number);
}

static void *work(void *baton)
{
    worker *w = baton;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t before = __atomic_load_n(&confirmed, __ATOMIC_SEQ_CST);
        sx_record_meta meta = {0};
        int64_t number = 0;

        apr_pool_clear(pool);
        w->wrong +=
            !read_number(w->store, &number, &meta, pool) || number < before;
        if (!w->writes ||
            w->store->ops->put_if(w->store, shared_key, meta.token,
                                  sx_int64_str(number + 1, pool), &meta,
                                  at.now.boot_ms) != SX_STORE_OK)
            continue;
        w->done++;
        while (before <= number && !__atomic_compare_exchange_n(
                                       &confirmed, &before, number + 1, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void test_storm(void)
{
    worker workers[WRITERS + READERS] = {0};
    pthread_t threads[WRITERS + READERS];
    sx_record_meta meta = meta_of(SX_USER);
    int wrong = 0, done = 0;

    confirmed = 0;
    shared_key = made("0", &meta);
    for (int i = 0; i < WRITERS + READERS; i++) {
        /* One writer leaves no copies. */
        workers[i].store = sx_store_tier_create(fast.real, durable.real, "file",
                                                i == 0 ? 0 : HOUR, at.pool);
        workers[i].writes = i < WRITERS;
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            stage_give_up("no thread");
    }
    for (int i = 0; i < WRITERS + READERS; i++) {
        pthread_join(threads[i], NULL);
        wrong += workers[i].wrong;
        done += workers[i].done;
    }
    ok(wrong == 0 && done > ROUNDS / 4,
       "nobody reads what is older than what was confirmed before");
    diag("%d writes", done);
}

int main(void)
{
    apr_initialize();
    begin_tier();
    test_meetings();
    test_deaths();
    test_steps();
    test_storm();
    stage_end(&at);
    return done_testing();
}
