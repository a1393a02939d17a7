/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that may write segment A scribbles over it under load, while
 * workers use A and a second store B.  On A they may get any error; what they
 * get as a value is one that was put.  They get no signal and do not hang,
 * and B answers as if nothing happened.
 *
 * Lock words are left out: who writes those is trusted like a worker.  So are
 * the file's length and its pages, which are the parent's.  Arguments: seed,
 * seconds.
 */
#include "util.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "sst_handle.h"

#define SIZE     (2 * MIB)
#define WORKERS  3
#define KEYS     200
#define STALL_MS 5000 /* longer without an answer is a hang */

/* In memory of all, outside the stores. */
typedef struct board {
    uint64_t answers[WORKERS];
    uint64_t on_a[SST_BADARG + 1]; /* statuses */
    uint64_t lies;                 /* A gave out what nobody put */
    uint64_t wrong;                /* B did something wrong */
    char what[200];
    uint64_t scribbled;
    bool stop;
} board;

static unsigned char value[20000];

static bool is_lock(const sst_geometry_shm *geo, size_t offset)
{
    size_t in_shard = (offset - geo->shards_off) % sizeof(sst_shard_shm);

    return (offset >= geo->commit_off && offset < geo->table_off) ||
           (offset >= geo->shards_off && offset < geo->commit_off &&
            in_shard < sizeof(sst_lock_shm));
}

/* Half of it anywhere, half where structure is. */
static void scribble(shm_store *a, board *on, uint64_t seed)
{
    sst_geometry_shm geo = a->geo;
    unsigned char *at = a->base;

    while (!__atomic_load_n(&on->stop, __ATOMIC_RELAXED)) {
        uint64_t roll = next_random(&seed), word = next_random(&seed);
        size_t end = roll & 1 ? SIZE : geo.pages_off + 64;
        size_t offset = next_random(&seed) % (end - 8) & ~(size_t)7;

        if (roll & 2) {
            memcpy(&word, at + next_random(&seed) % (SIZE - 8), 8);
        }
        if (!is_lock(&geo, offset)) {
            memcpy(at + offset, &word, roll & 12 ? 8 : 1);
            on->scribbled++;
        }
        if (roll % 64 == 0) {
            usleep(200);
        }
    }
    _exit(0);
}

static void use_a(shm_store *a, board *on, uint64_t number, uint64_t *seed)
{
    unsigned char key[SST_KEY_LEN];
    shm_sweep_report report;
    uint64_t token = 0;
    shm_meta meta;
    char why[200];
    shm_status status = shm_store_get(a, key_of(number, key), value,
                                      sizeof(value), &meta, 0, START_MS);

    __atomic_fetch_add(&on->on_a[status], 1, __ATOMIC_RELAXED);
    if (status == SST_OK && !value_is(value, meta.value_len, number)) {
        __atomic_fetch_add(&on->lies, 1, __ATOMIC_RELAXED);
    }
    token = status == SST_OK ? meta.token : 0;
    (void)put_number(a, number, &token, 50 + next_random(seed) % 400, START_MS);
    (void)!shm_store_touch(a, key, START_MS + HOUR_MS, START_MS);
    switch (next_random(seed) % 40) {
    case 0:
        (void)!shm_store_sweep(a, 500, START_MS + 2 * HOUR_MS, &report);
        break;
    case 1:
        (void)!shm_store_check(a, why, sizeof(why));
        break;
    case 2:
        (void)!shm_store_remove(a, key, 0);
        break;
    default:
        break;
    }
}

static void complain(board *on, uint64_t number, shm_status status)
{
    if (__atomic_fetch_add(&on->wrong, 1, __ATOMIC_RELAXED) == 0) {
        snprintf(on->what, sizeof(on->what), "key %llu: %s",
                 (unsigned long long)number, shm_status_str(status));
    }
}

/* Keys of this worker only, so each answer is known. */
static void use_b(shm_store *b, board *on, uint64_t number, uint64_t *token)
{
    unsigned char key[SST_KEY_LEN];
    size_t len = 100 + (*token & 63) * 40;
    shm_status status = put_number(b, number, token, len, START_MS);
    shm_meta meta;

    if (status == SST_OK) {
        status = shm_store_get(b, key_of(number, key), value, sizeof(value),
                               &meta, 0, START_MS);
    }
    if (status == SST_BUSY) {
        return; /* whoever held the lock had to wait for a processor */
    }
    if (status != SST_OK || meta.token != *token || meta.value_len != len ||
        !value_is(value, len, number)) {
        complain(on, number, status);
    }
}

static void work(shm_store *stores[2], board *on, unsigned who, uint64_t seed)
{
    uint64_t tokens[KEYS] = {0};

    while (!__atomic_load_n(&on->stop, __ATOMIC_RELAXED)) {
        uint64_t number = next_random(&seed) % KEYS;

        use_a(stores[0], on, number, &seed);
        use_b(stores[1], on, who * KEYS + number, &tokens[number]);
        __atomic_fetch_add(&on->answers[who], 1, __ATOMIC_RELAXED);
    }
    _exit(0);
}

/* Ends after ${ms}, or sooner if a worker does not get on. */
static bool watch(const board *on, int64_t ms)
{
    uint64_t before[WORKERS] = {0};
    int64_t end = shm_store_clock_ms() + ms, moved[WORKERS];

    for (unsigned i = 0; i < WORKERS; i++) {
        moved[i] = shm_store_clock_ms();
    }
    while (shm_store_clock_ms() < end) {
        usleep(20000);
        for (unsigned i = 0; i < WORKERS; i++) {
            uint64_t now = __atomic_load_n(&on->answers[i], __ATOMIC_RELAXED);

            if (now != before[i]) {
                before[i] = now;
                moved[i] = shm_store_clock_ms();
            }
            else if (shm_store_clock_ms() - moved[i] > STALL_MS) {
                return false;
            }
        }
    }
    return true;
}

static void report_on(const board *on)
{
    uint64_t answers = 0, errors = 0;

    for (unsigned i = 0; i < WORKERS; i++) {
        answers += on->answers[i];
    }
    for (unsigned i = 0; i <= SST_BADARG; i++) {
        errors += i > SST_MISS ? on->on_a[i] : 0;
    }
    diag("%llu words scribbled, %llu rounds, %llu gets found, %llu missed, "
         "%llu errors",
         (unsigned long long)on->scribbled, (unsigned long long)answers,
         (unsigned long long)on->on_a[SST_OK],
         (unsigned long long)on->on_a[SST_MISS], (unsigned long long)errors);
    ok(on->scribbled > 1000 && answers > 100, "there was damage and load");
    /* A word may be scribbled between the checksum and the copy. */
    ok(on->lies <= 1 + on->on_a[SST_OK] / 10000,
       "a value of A is one that was put, but for %llu",
       (unsigned long long)on->lies);
    if (!is_int(on->wrong, 0, "B is as if nothing happened")) {
        diag("first: %s", on->what);
    }
}

static void run(shm_store *stores[2], board *on, uint64_t seed, int64_t ms)
{
    pid_t pids[WORKERS + 1];
    bool alive = true, moving;
    int status;

    for (unsigned i = 0; i <= WORKERS; i++) {
        uint64_t own = next_random(&seed) * UINT64_C(0x9e3779b97f4a7c15) | 1;

        pids[i] = fork();
        if (pids[i] == 0 && i == WORKERS) {
            scribble(stores[0], on, own);
        }
        if (pids[i] == 0) {
            work(stores, on, i, own);
        }
    }
    moving = watch(on, ms);
    __atomic_store_n(&on->stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i <= WORKERS; i++) {
        if (!moving) {
            kill(pids[i], SIGKILL);
        }
        waitpid(pids[i], &status, 0);
        alive = alive && (WIFEXITED(status) || !moving);
        if (WIFSIGNALED(status) && moving) {
            diag("process %u died of signal %d", i, WTERMSIG(status));
        }
    }
    ok(moving, "no worker hung");
    ok(alive, "nor died of a signal");
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv) | 1;
    int64_t seconds = argc > 2    ? strtoll(argv[2], NULL, 10)
                      : is_long() ? 120
                                  : 2;
    scratch at_a, at_b;
    shm_store *stores[2];
    board *on = mmap(NULL, sizeof(*on), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    scratch_make(&at_a);
    scratch_make(&at_b);
    stores[0] = store_new(&at_a, SIZE);
    stores[1] = store_new(&at_b, SIZE);
    run(stores, on, seed, seconds * 1000);
    report_on(on);
    check_clean(stores[1], "B is sound");
    shm_store_close(stores[0]);
    stores[0] = store_new(&at_a, SIZE);
    ok(stores[0] != NULL, "the next server attaches A");
    shm_store_close(stores[0]);
    shm_store_close(stores[1]);
    scratch_remove(&at_a);
    scratch_remove(&at_b);
    munmap(on, sizeof(*on));
    return done_testing();
}
