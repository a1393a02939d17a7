/* SPDX-License-Identifier: Apache-2.0 */
/* The long work of a segment: done by its runner and nobody else, taken over
 * when that dies, not believed from one that was stopped and overtaken, and
 * done once more by the last process that leaves. */
#include <fcntl.h>

#include "stream.h"

#include "sst_journal.h"

#define TAKEOVER_MS 3000

/* What the work of a process tells: a letter in a pipe. */
typedef struct telling {
    shm_store *store;
    int told;
    char letter;
    bool slow; /* stand in the work until stopped and continued */
    bool fails;
} telling;

static char base[PATH_ROOM + 16];

static bool work(void *baton, const shm_cleanup *cleanup)
{
    telling *at = baton;
    char said = cleanup != NULL ? at->letter : (char)(at->letter - 32);

    if (at->slow) {
        uint64_t generation = shm_store_snapshot_begin(at->store);

        (void)!write(at->told, "w", 1);
        while (shm_store_cleanup_holds(cleanup)) {
            usleep(2000);
        }
        /* Overtaken: the other one begins its own. */
        for (int i = 0; i < 2500; i++) {
            if (!shm_store_snapshot_counts(at->store, generation)) {
                break;
            }
            usleep(2000);
        }
        said = shm_store_snapshot_counts(at->store, generation) ? '!' : 'o';
    }
    (void)!write(at->told, &said, 1);
    if (!at->slow && !at->fails) {
        uint64_t generation = shm_store_snapshot_begin(at->store);

        shm_store_snapshot_done(at->store, generation, shm_store_clock_ms());
    }
    return !at->fails;
}

/* A process with a cleanup thread; a byte in ${go} and it stops and leaves. */
static pid_t start(shm_store *store, int64_t every_ms, telling at, int go)
{
    shm_chore chore = {.every_ms = every_ms, .work = work, .baton = &at};
    shm_attach_report report;
    shm_cleanup *cleanup;
    pid_t pid = fork();
    char byte;

    if (pid != 0) {
        return pid;
    }
    at.store = store;
    if (shm_store_attach(store, shm_store_clock_ms(), &report) != SST_OK) {
        _exit(2);
    }
    cleanup = shm_store_cleanup_start(store, &chore);
    (void)!read(go, &byte, 1);
    shm_store_cleanup_stop(cleanup);
    _exit(0);
}

/* The letters that come within ${ms}. */
static const char *letters(int told, int64_t ms)
{
    static char text[256];
    int64_t end = shm_store_clock_ms() + ms;
    ssize_t len = 0;

    while (shm_store_clock_ms() < end && len < 250) {
        ssize_t got = read(told, text + len, 1);

        len += got > 0 ? got : 0;
        if (got <= 0) {
            usleep(2000);
        }
    }
    text[len] = '\0';
    return text;
}

static bool comes(int told, char letter, int64_t ms)
{
    int64_t end = shm_store_clock_ms() + ms;
    char got = 0;

    while (shm_store_clock_ms() < end && got != letter) {
        if (read(told, &got, 1) <= 0) {
            usleep(2000);
        }
    }
    return got == letter;
}

static shm_store *open_one(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    char err[300];
    shm_store *store;

    config.snapshot = base;
    store = shm_store_open(&config, err, sizeof(err));
    if (store == NULL) {
        printf("Bail out! %s\n", err);
        exit(1);
    }
    return store;
}

static void clear(const scratch *at, shm_store *store)
{
    char name[SST_JOURNAL_NAME];

    shm_store_close(store);
    scratch_unlink(at, "");
    for (uint64_t i = 1; i < 200; i++) {
        sst_journal_name(name, base, i);
        unlink(name);
    }
}

static void test_runner(const scratch *at, const int told[2])
{
    shm_store *store = open_one(at);
    telling a = {.told = told[1], .letter = 'a'};
    telling b = {.told = told[1], .letter = 'b'};
    int go[2], status;
    const char *heard;
    pid_t pid[2];

    (void)!pipe2(go, O_CLOEXEC);
    pid[0] = start(store, 60000, a, go[0]);
    ok(comes(told[0], 'a', 2000), "the runner works at once");
    pid[1] = start(store, 500, b, go[0]);
    is_str(letters(told[0], 1500), "", "another one leaves it to the runner");
    kill(pid[0], SIGKILL);
    waitpid(pid[0], &status, 0);
    ok(comes(told[0], 'b', TAKEOVER_MS), "and takes it over when that dies");
    heard = letters(told[0], 1800);
    ok(strlen(heard) >= 2 && strlen(heard) <= 4 &&
           strspn(heard, "b") == strlen(heard),
       "then works when it is due: '%s'", heard);
    (void)!write(go[1], "s", 1);
    waitpid(pid[1], &status, 0);
    ok(strchr(letters(told[0], 50), 'B') != NULL && status == 0,
       "as the last one it works once more when it leaves");
    close(go[0]);
    close(go[1]);
    clear(at, store);
}

/* Many leave at the same moment: exactly one of them is the last. */
static void test_last(const scratch *at, const int told[2])
{
    int once = 0, go[2], status;

    for (int round = 0; round < 5; round++) {
        shm_store *store = open_one(at);
        telling a = {.told = told[1], .letter = 'a'};
        const char *heard, *last;
        pid_t pid[6];

        (void)!pipe2(go, O_CLOEXEC);
        for (int i = 0; i < 6; i++) {
            pid[i] = start(store, 60000, a, go[0]);
        }
        (void)comes(told[0], 'a', 2000);
        usleep(100000);
        (void)!write(go[1], "ssssss", 6);
        for (int i = 0; i < 6; i++) {
            waitpid(pid[i], &status, 0);
        }
        heard = letters(told[0], 50);
        last = strchr(heard, 'A');
        once += last != NULL && strchr(last + 1, 'A') == NULL;
        close(go[0]);
        close(go[1]);
        clear(at, store);
    }
    is_int(once, 5, "of six that leave together one does the last work");
}

/* Stopped in the middle of its work, overtaken, and woken up again. */
static void test_overtaken(const scratch *at, const int told[2])
{
    shm_store *store = open_one(at);
    telling slow = {.told = told[1], .letter = 's', .slow = true};
    telling quick = {.told = told[1], .letter = 'q'};
    int go[2], status;
    pid_t pid[2];

    (void)!pipe2(go, O_CLOEXEC);
    pid[0] = start(store, 60000, slow, go[0]);
    ok(comes(told[0], 'w', 2000), "a snapshot is being made");
    pid[1] = start(store, 60000, quick, go[0]);
    usleep(50000);
    kill(pid[0], SIGSTOP);
    ok(comes(told[0], 'q', TAKEOVER_MS),
       "its process is stopped: another one begins one");
    kill(pid[0], SIGCONT);
    ok(comes(told[0], 'o', 2000),
       "the old one wakes up and learns that its own counts no more");
    kill(pid[0], SIGKILL);
    kill(pid[1], SIGKILL);
    waitpid(pid[0], &status, 0);
    waitpid(pid[1], &status, 0);
    close(go[0]);
    close(go[1]);
    clear(at, store);
}

static void test_failing(const scratch *at, const int told[2])
{
    shm_store *store = open_one(at);
    telling a = {.told = told[1], .letter = 'a', .fails = true};
    int go[2], status;
    size_t tries;
    pid_t pid;

    (void)!pipe2(go, O_CLOEXEC);
    pid = start(store, 600, a, go[0]);
    tries = strlen(letters(told[0], 2600));
    ok(tries >= 2 && tries <= 6,
       "work that fails is tried again, but not at every tick (%d times)",
       (int)tries);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    close(go[0]);
    close(go[1]);
    clear(at, store);
}

int main(void)
{
    scratch at;
    int told[2];

    scratch_make(&at);
    snprintf(base, sizeof(base), "%s/snapshot", at.dir);
    (void)!pipe2(told, O_CLOEXEC | O_NONBLOCK);
    test_runner(&at, told);
    test_last(&at, told);
    test_overtaken(&at, told);
    test_failing(&at, told);
    close(told[0]);
    close(told[1]);
    scratch_remove(&at);
    return done_testing();
}
