/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever is killed in a commit leaves the value of before or the new one,
 * never a third (C10), loses nothing that was confirmed, and holds up nobody;
 * on each backend.  Takes a seed and how many are killed.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "backends.h"

#define WRITERS    3
#define SESSIONS   2
#define KILLS      60
#define WAIT_US    4000  /* at most, between two deaths */
#define NOT_NOW_US 10000 /* nobody asks at once again who was told so */

#define says(condition, sentence)                                              \
    ok((condition), "%s: %s", stage_on->name, (sentence))

static stage at;
static const char *cookies[SESSIONS];

/* Of all processes: what was confirmed, what was not for now, as whoever has a
 * lock may be waiting for a processor, or dying for want of one; and all that
 * should not be. */
typedef struct tally {
    volatile uint64_t confirmed[SESSIONS], not_now, others;
} tally;

static tally *told;

static void count(const sx_committed *done, unsigned no)
{
    if (done->verdict == SX_COMMIT_OK && done->wrote)
        __atomic_add_fetch(&told->confirmed[no], 1, __ATOMIC_SEQ_CST);
    else if (done->verdict == SX_COMMIT_OUTAGE ||
             done->verdict == SX_COMMIT_CONTENDED) {
        __atomic_add_fetch(&told->not_now, 1, __ATOMIC_SEQ_CST);
        usleep(NOT_NOW_US);
    }
    else
        __atomic_add_fetch(&told->others, 1, __ATOMIC_SEQ_CST);
}

/* What a session is about: a number, and a text of a length that follows from
 * it, so that a record changes its size with each write. */
static void write_for_ever(unsigned seed)
{
    for (;; seed = seed * 1103515245 + 12345) {
        unsigned no = seed >> 16 & 1;
        char text[256];
        apr_pool_t *pool = at.pool;
        sx_committed *done;

        snprintf(
            text, sizeof(text), "Session-Incr: n=1 | Session-Set: t=%.*s",
            (int)(seed >> 17 & 127),
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "x");
        apr_pool_create(&at.pool, pool);
        at.visits = NULL;
        at.given = NULL;
        done = request(&at, cookies[no], text);
        count(done, no);
        apr_pool_destroy(at.pool);
        at.pool = pool;
    }
}

static pid_t begin_writer(unsigned seed)
{
    pid_t pid = fork();

    if (pid < 0)
        stage_give_up("fork");
    if (pid == 0) {
        alarm(120);
        write_for_ever(seed);
    }
    return pid;
}

static void end_writer(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
        WTERMSIG(status) != SIGKILL)
        stage_give_up("a writer died by itself");
}

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 33;
}

/* What is there, as soon as it can be had: what is gone stays gone. */
static const char *number_of(int no)
{
    const char *n = value_of(&at, cookies[no], "n");

    for (int i = 0; i < 50 && !n; i++) {
        usleep(NOT_NOW_US);
        n = value_of(&at, cookies[no], "n");
    }
    return n;
}

/* Between what was confirmed and one more for each who died. */
static bool is_right(int no, uint64_t confirmed, int killed)
{
    const char *n = number_of(no);
    uint64_t value = n ? strtoull(n, NULL, 10) : 0;

    if (n && value >= confirmed && value <= confirmed + (uint64_t)killed)
        return true;
    diag("session %d: %llu confirmed, %d killed, and it is %s", no,
         (unsigned long long)confirmed, killed, n ? n : "gone");
    return false;
}

/* A death is worth something only if there was work between: in each session,
 * or whoever died has left it locked. */
static bool let_work(uint64_t *seed)
{
    uint64_t last[SESSIONS];
    bool all = false;

    for (int no = 0; no < SESSIONS; no++)
        last[no] = told->confirmed[no];
    usleep((useconds_t)(next(seed) % WAIT_US));
    for (int i = 0; i < 100000 && !all; i++) {
        all = true;
        for (int no = 0; no < SESSIONS; no++)
            all = all && told->confirmed[no] > last[no];
        usleep(all ? 0 : 100);
    }
    return all;
}

/* On each backend the same. */
static uint64_t first_seed;
static int kills = KILLS;

static void storm(void)
{
    uint64_t seed = first_seed;
    pid_t pids[WRITERS];
    int wrong = 0, stuck = 0;

    stage_begin(&at);
    *told = (tally){0};
    for (int i = 0; i < SESSIONS; i++)
        cookies[i] = begin(&at, "Session-Set: n=0&t=x");
    for (int i = 0; i < WRITERS; i++)
        pids[i] = begin_writer((unsigned)next(&seed));
    for (int i = 0; i < kills && stuck == 0; i++) {
        int who = (int)(next(&seed) % WRITERS);

        stuck += !let_work(&seed);
        end_writer(pids[who]);
        pids[who] = begin_writer((unsigned)next(&seed));
        /* Others write meanwhile: what was confirmed before is a bound. */
        for (int no = 0; no < SESSIONS; no++) {
            uint64_t before = told->confirmed[no];
            const char *n = number_of(no);

            wrong += n == NULL || strtoull(n, NULL, 10) < before;
        }
    }
    for (int i = 0; i < WRITERS; i++)
        end_writer(pids[i]);
    says(wrong == 0, "what was confirmed is there while writers are killed");
    for (int no = 0; no < SESSIONS; no++)
        says(is_right(no, told->confirmed[no], kills + WRITERS),
             "and afterwards, with one more at most for each who died");
    says(stuck == 0, "nobody who lived was kept from writing");
    says(told->others == 0, "and nothing is told but done, or not for now");
    says(told->confirmed[0] + told->confirmed[1] > (uint64_t)kills,
         "and there was something to lose");
    diag("%llu and %llu commits, %llu not for now, %d killed",
         (unsigned long long)told->confirmed[0],
         (unsigned long long)told->confirmed[1],
         (unsigned long long)told->not_now, kills);
    says(request(&at, cookies[0], "Session-Destroy: on")->destroyed &&
             dead(&at, cookies[0]),
         "an end is one after all that");
    stage_end(&at);
}

int main(int argc, char **argv)
{
    first_seed = tap_seed(argc, argv);
    if (argc > 2)
        kills = (int)strtol(argv[2], NULL, 10);
    else if (getenv("SXTEST_LONG"))
        kills = 2000;
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        stage_give_up("no shared memory");
    return stage_each(storm);
}
