/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small histories of several processes on two records, some of which are
 * killed in the middle of an operation: each must be one that a single record
 * could have had.  One record is an anonymous session and one a user's; in
 * half the rounds the store is full and evicts.  Arguments: seed, rounds.
 */
#include "history.h"

#include <sys/mman.h>

#include "sst_fault.h"

#define WORKERS 4
#define STEPS   20
#define KEYS    2
#define LEN     120
#define TICKS   SST_TICK_MS

typedef struct step {
    op what;
    unsigned key; /* KEYS: none of the two */
    shm_put_report report;
    shm_kind kind; /* of what was put */
    bool sweeps;
} step;

/* In memory of all workers, outside the store. */
typedef struct board {
    int64_t clock_ms; /* what they take for now */
    unsigned steps[WORKERS];
    step log[WORKERS][STEPS];
} board;

typedef struct worker {
    shm_store *store;
    board *on;
    unsigned who, round;
    bool full;
    uint64_t seed;
    uint64_t token[KEYS]; /* last seen */
    uint64_t number;      /* last put; no two workers put the same */
} worker;

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const shm_kind kinds[KEYS + 1] = {SST_ANONYMOUS, SST_USER,
                                         SST_ANONYMOUS};

static uint64_t key_number(const worker *me, unsigned no)
{
    return no < KEYS ? (uint64_t)me->round * KEYS + no
                     : UINT64_C(1) << 40 | next_random(&(uint64_t){me->seed});
}

/* ---- operations --------------------------------------------------------- */

static void do_put(worker *me, step *at, const unsigned char *key)
{
    unsigned char value[LEN];
    int64_t life = (int64_t)(next_random(&me->seed) % 40 + 1) * TICKS;
    shm_meta meta;

    if (next_random(&me->seed) % 3 == 0) {
        life = HOUR_MS;
    }
    meta = meta_of(at->kind, at->what.now_ms, life);
    at->what.number = ++me->number;
    at->what.end_ms = meta.expires_ms;
    if (at->key < KEYS && next_random(&me->seed) % 3 != 0) {
        at->what.token = me->token[at->key];
    }
    value_fill(value, sizeof(value), at->what.number);
    memcpy(value, &at->what.number, sizeof(at->what.number));
    at->what.status =
        shm_store_put_if(me->store, key, at->what.token, value, sizeof(value),
                         &meta, &at->report, at->what.now_ms);
    at->what.given = at->what.status == SST_OK ? meta.token : 0;
}

static void do_get(worker *me, step *at, const unsigned char *key)
{
    unsigned char value[LEN];
    shm_meta meta;

    at->what.grace_ms = next_random(&me->seed) % 4 == 0 ? 1000 : 0;
    at->what.status = shm_store_get(me->store, key, value, sizeof(value), &meta,
                                    at->what.grace_ms, at->what.now_ms);
    if (at->what.status == SST_OK) {
        memcpy(&at->what.number, value, sizeof(at->what.number));
        at->what.given = meta.token;
        at->what.end_ms = meta.expires_ms;
    }
}

static void do_step(worker *me, step *at)
{
    static const op_kind mix[] = {OP_PUT, OP_PUT,   OP_PUT,   OP_GET,   OP_GET,
                                  OP_GET, OP_TOUCH, OP_TOUCH, OP_REMOVE};
    unsigned char key[SST_KEY_LEN];
    shm_sweep_report report;

    (void)key_of(key_number(me, at->key), key);
    at->kind = kinds[at->key];
    at->what.kind = at->key < KEYS ? mix[next_random(&me->seed) % 9] : OP_PUT;
    at->what.begun = monotonic_ns();
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (at->sweeps) {
        at->what.status =
            shm_store_sweep(me->store, 2000, at->what.now_ms, &report);
    }
    else if (at->what.kind == OP_PUT) {
        do_put(me, at, key);
    }
    else if (at->what.kind == OP_GET) {
        do_get(me, at, key);
    }
    else if (at->what.kind == OP_TOUCH) {
        at->what.end_ms = at->what.now_ms +
                          (int64_t)(next_random(&me->seed) % 30 + 1) * TICKS;
        at->what.status =
            shm_store_touch(me->store, key, at->what.end_ms, at->what.now_ms);
    }
    else {
        at->what.token = next_random(&me->seed) % 2 ? me->token[at->key] : 0;
        at->what.status = shm_store_remove(me->store, key, at->what.token);
    }
    if (at->key < KEYS && at->what.given != 0) {
        me->token[at->key] = at->what.given;
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&at->what.ended, monotonic_ns(), __ATOMIC_RELEASE);
}

static void worker_run(worker *me)
{
    for (unsigned i = 0; i < STEPS; i++) {
        step *at = &me->on->log[me->who][i];
        unsigned roll = (unsigned)(next_random(&me->seed) % 16);
        int64_t pass = roll == 0 ? 61000 : roll < 6 ? TICKS : 0;

        at->key = roll < 10 ? 0 : roll < 15 || !me->full ? 1 : KEYS;
        if (me->full && next_random(&me->seed) % 4 == 0) {
            at->key = KEYS;
        }
        at->sweeps = at->key < KEYS && next_random(&me->seed) % 12 == 0;
        at->what.now_ms =
            __atomic_add_fetch(&me->on->clock_ms, pass, __ATOMIC_RELAXED);
        at->what.ended = INT64_MAX;
        me->on->steps[me->who] = i + 1;
        do_step(me, at);
    }
    _exit(0);
}

/* ---- a round ------------------------------------------------------------ */

/* Half of those who die do so at one of their stores, and half anywhere. */
static void play(const worker *model, uint64_t *seed, int64_t death[WORKERS])
{
    pid_t pids[WORKERS];
    unsigned victim = (unsigned)(next_random(seed) % (WORKERS + 1));
    bool at_store = next_random(seed) % 2;

    for (unsigned i = 0; i < WORKERS; i++) {
        worker me = *model;

        me.who = i;
        me.number = (uint64_t)i << 32;
        /* Not as it is: their streams would be pieces of one. */
        me.seed = next_random(seed) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        pids[i] = fork();
        if (pids[i] == 0) {
            if (i == victim && at_store) {
                sst_test.count = 0;
                sst_test.die_at = 1 + (long)(me.seed % 250);
            }
            worker_run(&me);
        }
    }
    if (victim < WORKERS && !at_store) {
        usleep((useconds_t)(next_random(seed) % 600));
        kill(pids[victim], SIGKILL);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        waitpid(pids[i], NULL, 0);
        death[i] = monotonic_ns();
    }
}

static void add(history *to, op what)
{
    if (to->count < OPS_MAX) {
        to->ops[to->count] = what;
    }
    to->count++;
}

/* What this step may have ended beside what it was asked to. */
static void add_vanish(history *to, const step *at, unsigned key, bool full)
{
    op what = at->what;
    bool may_evict = at->kind == SST_USER || kinds[key] == SST_ANONYMOUS;

    what.kind = OP_VANISH;
    what.grace_ms = at->sweeps ? SST_COMMIT_GRACE_MS : 0;
    what.any_victim =
        !at->sweeps && may_evict && (at->report.evicted > 0 || what.optional);
    what.optional = true;
    if (at->sweeps || (full && at->what.kind == OP_PUT)) {
        add(to, what);
    }
}

/* Its part in the history of one key. */
static void add_step(history *to, step at, int64_t death, unsigned key,
                     bool full)
{
    if (at.what.ended == INT64_MAX) {
        at.what.ended = death;
        at.what.optional = true;
        at.what.status = SST_OK;
        /* A get that nobody saw the answer of says nothing. */
        if (at.what.kind == OP_GET && !at.sweeps) {
            return;
        }
    }
    add_vanish(to, &at, key, full);
    if (at.key == key && !at.sweeps && at.what.status != SST_BUSY) {
        add(to, at.what);
    }
}

static void collect(const board *on, const int64_t death[WORKERS], unsigned key,
                    bool full, history *to)
{
    to->count = 0;
    for (unsigned who = 0; who < WORKERS; who++) {
        for (unsigned i = 0; i < on->steps[who]; i++) {
            add_step(to, on->log[who][i], death[who], key, full);
        }
    }
}

static void show(const history *of)
{
    static const char *const names[] = {"put", "get", "touch", "remove",
                                        "vanish"};
    int64_t zero = INT64_MAX;

    for (unsigned i = 0; i < of->count; i++) {
        zero = of->ops[i].begun < zero ? of->ops[i].begun : zero;
    }
    for (unsigned i = 0; i < of->count && i < OPS_MAX; i++) {
        const op *it = &of->ops[i];

        diag("%8lld..%-8lld %s%s token %llu value %llx given %llu end %lld "
             "now %lld: %s",
             (long long)(it->begun - zero), (long long)(it->ended - zero),
             names[it->kind], it->optional ? "?" : "",
             (unsigned long long)it->token, (unsigned long long)it->number,
             (unsigned long long)it->given, (long long)(it->end_ms - START_MS),
             (long long)(it->now_ms - START_MS), shm_status_str(it->status));
    }
}

typedef struct tally {
    unsigned histories, impossible, undecided, killed;
    uint64_t ops, vanished, status[SST_BADARG + 1];
} tally;

static void judge(const history *of, tally *sum)
{
    verdict what = of->count > OPS_MAX ? UNDECIDED : history_judge(of);

    sum->histories++;
    sum->undecided += what == UNDECIDED;
    for (unsigned i = 0; i < of->count && i < OPS_MAX; i++) {
        const op *it = &of->ops[i];

        sum->ops++;
        sum->killed += it->optional && it->kind != OP_VANISH;
        sum->vanished += it->kind == OP_VANISH && it->any_victim;
        sum->status[it->status]++;
    }
    if (what == IMPOSSIBLE && sum->impossible++ == 0) {
        show(of);
    }
}

static void play_round(worker *model, uint64_t *seed, tally *sum)
{
    static history of;
    int64_t death[WORKERS];
    board *on = model->on;

    memset(on, 0, sizeof(*on));
    on->clock_ms = START_MS;
    play(model, seed, death);
    for (unsigned key = 0; key < KEYS; key++) {
        unsigned char bytes[SST_KEY_LEN];

        collect(on, death, key, model->full, &of);
        judge(&of, sum);
        (void)!shm_store_remove(model->store,
                                key_of(key_number(model, key), bytes), 0);
    }
}

static void play_rounds(worker *model, unsigned rounds, uint64_t *seed)
{
    const char *which = model->full ? "full" : "roomy";
    tally sum = {0};

    for (unsigned i = 0; i < rounds; i++) {
        model->round = i;
        play_round(model, seed, &sum);
    }
    diag("%s store: %u histories, %llu operations, %u of them cut short, "
         "%llu evictions near, %llu answers ok, %llu changed, %llu gone, "
         "%llu busy",
         which, sum.histories, (unsigned long long)sum.ops, sum.killed,
         (unsigned long long)sum.vanished,
         (unsigned long long)sum.status[SST_OK],
         (unsigned long long)sum.status[SST_CHANGED],
         (unsigned long long)sum.status[SST_GONE],
         (unsigned long long)sum.status[SST_BUSY]);
    is_int(sum.impossible, 0, "every history is one that a record can have");
    ok(sum.undecided * 50 <= sum.histories, "and nearly all were decided: %u",
       sum.undecided);
    ok(sum.killed > rounds / 20, "operations were cut short by a death");
    ok(sum.status[SST_CHANGED] > rounds && sum.status[SST_GONE] > rounds,
       "there were conflicts");
    ok(!model->full || sum.vanished > rounds / 10, "and evictions");
    check_clean(model->store, "the store is sound");
}

static shm_store *store_full(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    unsigned char key[SST_KEY_LEN];
    shm_store *store;
    shm_stats stats = {0};

    config.on_full = SST_EVICT;
    store = store_with(&config, START_MS);
    for (uint64_t i = 0; i < 20000 && stats.evicted_anonymous == 0; i++) {
        shm_meta meta =
            meta_of(i % 2 ? SST_ANONYMOUS : SST_USER, START_MS, HOUR_MS);

        (void)!shm_store_put_if(store, key_of(UINT64_C(1) << 41 | i, key), 0,
                                key, sizeof(key), &meta, NULL, START_MS);
        (void)!shm_store_stats(store, &stats);
    }
    ok(stats.evicted_anonymous > 0, "a store is full and evicts");
    return store;
}

/* ---- the checker itself ------------------------------------------------- */

static op simple(op_kind kind, int64_t begun, uint64_t number,
                 shm_status status)
{
    return (op){.begun = begun,
                .ended = begun + 5,
                .kind = kind,
                .status = status,
                .number = number,
                .given = status == SST_OK ? number * 10 : 0,
                .end_ms = START_MS + HOUR_MS,
                .now_ms = START_MS};
}

static op put_over(int64_t begun, uint64_t number, uint64_t old)
{
    op what = simple(OP_PUT, begun, number, SST_OK);

    what.token = old * 10;
    return what;
}

static verdict judge_of(unsigned count, const op *ops)
{
    static history of;

    of.count = count;
    memcpy(of.ops, ops, count * sizeof(*ops));
    return history_judge(&of);
}

static void test_checker(void)
{
    op cut = put_over(10, 2, 1), gone = simple(OP_VANISH, 10, 0, SST_OK);
    const op put = simple(OP_PUT, 0, 1, SST_OK);
    const op old = simple(OP_GET, 20, 1, SST_OK);
    const op new = simple(OP_GET, 30, 2, SST_OK);
    const op late = simple(OP_GET, 40, 1, SST_OK);
    const op miss = simple(OP_GET, 30, 0, SST_MISS);

    is_int(judge_of(2, (op[]){put, old}), POSSIBLE, "a put is read");
    is_int(judge_of(3, (op[]){put, put_over(10, 2, 1), old}), IMPOSSIBLE,
           "a read of what was replaced before is noticed");
    is_int(judge_of(3, (op[]){put, put_over(18, 2, 1), old}), POSSIBLE,
           "but not if they overlap");
    is_int(judge_of(2, (op[]){put, miss}), IMPOSSIBLE,
           "an acknowledged put that is lost is noticed");
    is_int(judge_of(2, (op[]){put, simple(OP_PUT, 10, 2, SST_OK)}), IMPOSSIBLE,
           "so are two creations of one record");
    is_int(judge_of(3, (op[]){put, put_over(10, 2, 1), put_over(11, 3, 1)}),
           IMPOSSIBLE, "and two writers who replace the same");
    cut.optional = true;
    cut.ended = 25;
    cut.given = 0;
    is_int(judge_of(4, (op[]){put, cut, old, new}), POSSIBLE,
           "a put that was cut short may have happened");
    is_int(judge_of(3, (op[]){put, cut, late}), POSSIBLE, "or not");
    is_int(judge_of(4, (op[]){put, cut, new, late}), IMPOSSIBLE,
           "but not first the one and then the other");
    cut.ended = 15;
    is_int(judge_of(4, (op[]){put, cut, old, new}), IMPOSSIBLE,
           "and not after its death");
    gone.optional = true;
    is_int(judge_of(3, (op[]){put, gone, miss}), IMPOSSIBLE,
           "a live record does not vanish by a sweep");
    gone.any_victim = true;
    is_int(judge_of(3, (op[]){put, gone, miss}), POSSIBLE,
           "but by an eviction");
    gone.begun = 31;
    gone.ended = 50;
    is_int(judge_of(4, (op[]){put, gone, miss, late}), IMPOSSIBLE,
           "after which it does not come back");
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv) | 1;
    unsigned rounds = is_long() ? 20000 : 400;
    worker model = {0};
    scratch at;

    if (argc > 2) {
        rounds = (unsigned)strtoul(argv[2], NULL, 10);
    }
    test_checker();
    model.on = mmap(NULL, sizeof(*model.on), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    scratch_make(&at);
    model.store = store_new(&at, MIB);
    play_rounds(&model, rounds, &seed);
    shm_store_close(model.store);
    scratch_unlink(&at, "");
    model.store = store_full(&at);
    model.full = true;
    play_rounds(&model, rounds, &seed);
    shm_store_close(model.store);
    scratch_remove(&at);
    munmap(model.on, sizeof(*model.on));
    return done_testing();
}
