/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is cut off under who uses it: before any store of any operation,
 * under several threads, and with nobody looking.  No process dies of it, no
 * operation claims to be done, other segments go on; and a SIGBUS that is not
 * ours does what it did without us.
 */
#include "stream.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "sst_bus.h"
#include "sst_index.h"

#define NOW     START_MS
#define SIZE    (2 * MIB)
#define SHARDED (64 * MIB) /* a store of several shards */
#define HELD    40
#define LONG    30000 /* of several chunks */
#define CUTS    3
#define THREADS 4
static const long cut_to[CUTS] = {0, 4096, SIZE / 2};

static shm_store *begin(const scratch *at, uint64_t size)
{
    shm_store *store = store_new(at, size);

    for (uint64_t i = 0; i < HELD; i++) {
        uint64_t token = 0;

        (void)!put_number(store, i, &token, i % 4 ? 300 : LONG, NOW);
    }
    return store;
}

static void end(const scratch *at, shm_store *store)
{
    shm_store_close(store);
    scratch_unlink(at, "");
    scratch_unlink(at, ".old");
}

/* ---- what is asked ------------------------------------------------------ */

static bool visit(void *baton, const unsigned char *key, const shm_meta *meta)
{
    (void)baton;
    (void)key;
    (void)meta;
    return true;
}

static shm_status ask(shm_store *store, unsigned what)
{
    static unsigned char value[1 << 20];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS);
    shm_sweep_report report;
    static stream to;
    uint64_t token = 0;
    shm_stats stats;

    switch (what) {
    case 0:
        return shm_store_get(store, key_of(4, key), value, sizeof(value), &meta,
                             0, NOW);
    case 1:
        return put_number(store, 500, &token, 300, NOW);
    case 2:
        return put_number(store, 501, &token, LONG, NOW);
    case 3:
        (void)!shm_store_get(store, key_of(5, key), value, sizeof(value), &meta,
                             0, NOW);
        return shm_store_put_if(store, key, meta.token, value, 900, &meta, NULL,
                                NOW);
    case 4:
        return shm_store_touch(store, key_of(6, key), NOW + 1000, NOW + 500);
    case 5:
        return shm_store_remove(store, key_of(8, key), 0);
    case 6:
        return shm_store_each(store, visit, NULL, NOW);
    case 7:
        return shm_store_sweep(store, 1000000, NOW + 2 * HOUR_MS, &report);
    case 8:
        return shm_store_check(store, (char *)value, sizeof(value));
    case 9:
        return dump_to(store, &to, 1, NOW);
    case 10:
        return shm_store_stats(store, &stats);
    case 11:
        if (shm_store_commit_lock(store, key_of(9, key), 50) != SST_OK) {
            return SST_UNAVAILABLE;
        }
        shm_store_commit_unlock(store, key);
        return SST_OK;
    default:
        return SST_BADARG;
    }
}

static const char *const names[] = {
    "get",     "create", "create of several chunks",
    "replace", "touch",  "remove",
    "each",    "sweep",  "check",
    "dump",    "stats",  "a commit lock"};

#define ASKED (sizeof(names) / sizeof(*names))

/* What a child that does ${run} comes to: its exit status, or 256 + signal. */
static int in_child(int (*run)(void *), void *baton)
{
    struct rlimit none = {0, 0};
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        (void)setrlimit(RLIMIT_CORE, &none);
        alarm(20);
        _exit(run(baton));
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* ---- one operation ------------------------------------------------------ */

typedef struct one_cut {
    shm_store *store, *other;
    unsigned what;
    long at; /* which store; 0: before the operation */
    long to;
} one_cut;

static bool goes_on(shm_store *store, uint64_t number)
{
    unsigned char key[SST_KEY_LEN];
    uint64_t token = 0;
    char why[100];

    return put_number(store, number, &token, 300, NOW) == SST_OK &&
           shm_store_remove(store, key_of(number, key), token) == SST_OK &&
           shm_store_check(store, why, sizeof(why)) == SST_OK;
}

/* 0: as it should be; else which of the questions was answered wrongly. */
static int cut_once(void *baton)
{
    const one_cut *cut = baton;
    shm_status status;
    int fd;

    fd = open(cut->store->path, O_RDWR);
    if (cut->at == 0) {
        (void)!ftruncate(fd, cut->to);
    }
    sst_test.cut_fd = fd;
    sst_test.cut_to = cut->to;
    sst_test.cut_at = sst_test.count + cut->at;
    status = ask(cut->store, cut->what);
    if (cut->at > 0 && sst_test.count < sst_test.cut_at) {
        return 100;
    }
    /* It may not have needed what was cut off, and then it is done. */
    if (status == SST_OK && cut->to > 0 && !cut->store->lost) {
        status = sst_bus_look(cut->store) ? SST_UNAVAILABLE : SST_OK;
    }
    if (status != SST_UNAVAILABLE) {
        return 101;
    }
    for (unsigned what = 0; what < ASKED; what++) {
        if (ask(cut->store, what) != SST_UNAVAILABLE) {
            return 1 + (int)what;
        }
    }
    /* Its locks come before the lost ones in this thread's list. */
    if (!goes_on(cut->other, 1)) {
        return 102;
    }
    shm_store_close(cut->store);
    return goes_on(cut->other, 2) ? 0 : 103;
}

static void test_each_store(const scratch *at, unsigned what)
{
    scratch beside = *at;
    shm_store *other;
    unsigned tried = 0;
    int came_to = 0;

    snprintf(beside.path, sizeof(beside.path), "%s/beside", at->dir);
    other = store_new(&beside, SIZE);
    for (unsigned i = 0; i < CUTS && came_to == 0; i++) {
        for (long no = 0; came_to == 0; no += no < 60 || is_long() ? 1 : 17) {
            one_cut cut = {begin(at, SIZE), other, what, no, cut_to[i]};

            came_to = in_child(cut_once, &cut);
            end(at, cut.store);
            tried++;
        }
        came_to = came_to == 100 ? 0 : came_to;
    }
    ok(came_to == 0 && tried > CUTS, "%s: cut before each of its stores (%u)",
       names[what], tried);
    if (came_to != 0) {
        diag("came to %d", came_to);
    }
    shm_store_close(other);
    unlink(beside.path);
}

/* ---- who holds a lock is not the only one ------------------------------- */

static int give_up_inside(void *baton)
{
    shm_store *store = baton;

    sst_test.cut_fd = open(store->path, O_RDWR);
    sst_test.cut_to = (long)store->geo.table_off;
    sst_test.cut_at = sst_test.count + 3;
    return ask(store, 1) == SST_UNAVAILABLE && pause() != 0;
}

/* The locks are left of the file, and one is held by who has given up. */
static void test_others(const scratch *at)
{
    shm_store *store = begin(at, SIZE);
    struct stat st;
    pid_t pid = fork();

    if (pid == 0) {
        alarm(20);
        _exit(give_up_inside(store));
    }
    do {
        usleep(1000);
    } while (stat(at->path, &st) == 0 && st.st_size == (off_t)SIZE);
    usleep(20000);
    is_int(ask(store, 0), SST_UNAVAILABLE,
           "who waits for a lock that was given up with the file is told");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    end(at, store);
}

/* ---- threads ------------------------------------------------------------ */

typedef struct storm {
    shm_store *store;
    unsigned no;
    unsigned wrong, done;
} storm;

/* Each has shards of its own: who sleeps for a lock may die (sst_bus.h). */
static bool is_mine(const storm *on, uint64_t number)
{
    unsigned char key[SST_KEY_LEN];

    return sst_hash_of(on->store, key_of(number, key)).shard % THREADS ==
           on->no;
}

static void *hammer(void *baton)
{
    storm *on = baton;
    uint64_t seed = on->no * 7919 + 17;
    unsigned char key[SST_KEY_LEN], value[LONG];
    shm_status status = SST_OK;

    for (unsigned i = 0; i < 100000000 && status != SST_UNAVAILABLE; i++) {
        uint64_t number = next_random(&seed) % HELD;
        shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS);

        if (!is_mine(on, number)) {
            continue;
        }
        if (i % 4 == 0) {
            value_fill(value, 200, number);
            status = shm_store_put_if(on->store, key_of(number, key), 0, value,
                                      200, &meta, NULL, NOW);
            on->wrong += status == SST_OK;
            continue;
        }
        status = shm_store_get(on->store, key_of(number, key), value,
                               sizeof(value), &meta, 0, NOW);
        on->wrong +=
            status == SST_MISS || status == SST_DAMAGED ||
            (status == SST_OK && !value_is(value, meta.value_len, number));
        on->done++;
    }
    on->wrong += status != SST_UNAVAILABLE;
    return NULL;
}

static int storm_once(void *baton)
{
    shm_store *store = baton;
    pthread_t threads[THREADS];
    storm on[THREADS];
    int wrong = 0;

    for (unsigned i = 0; i < THREADS; i++) {
        on[i] = (storm){.store = store, .no = i};
        pthread_create(&threads[i], NULL, hammer, &on[i]);
    }
    usleep(2000 + (useconds_t)(shm_store_clock_ms() % 1000));
    (void)!truncate(store->path, cut_to[(unsigned)getpid() % 2]);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wrong |= on[i].wrong > 0;
    }
    return wrong;
}

static void TAP_UNUSED test_storm(const scratch *at)
{
    const unsigned rounds = is_long() ? 1000 : 60;
    unsigned died = 0, wrong = 0;

    for (unsigned i = 0; i < rounds; i++) {
        shm_store *store = begin(at, SHARDED);
        int came_to = in_child(storm_once, store);

        died += came_to > 255;
        wrong += came_to == 1;
        if (came_to > 255) {
            diag("round %u: signal %d", i, came_to - 256);
        }
        end(at, store);
    }
    is_int(wrong, 0, "no thread is told anything but that it is unavailable");
    is_int(died, 0, "and no process dies of it");
}

/* ---- nobody looks ------------------------------------------------------- */

static void note_lost(void *baton)
{
    __atomic_add_fetch((unsigned *)baton, 1, __ATOMIC_RELAXED);
}

static void test_told(const scratch *at)
{
    shm_store *store = begin(at, SIZE);
    unsigned told = 0;
    shm_cleanup *cleanup;
    shm_attach_report report;

    shm_store_on_lost(store, note_lost, &told);
    cleanup = shm_store_cleanup_start(store, NULL);
    usleep(50000);
    (void)!truncate(at->path, SIZE / 2);
    for (int i = 0; i < 300 && __atomic_load_n(&told, __ATOMIC_RELAXED) == 0;
         i++) {
        usleep(10000);
    }
    is_int(ask(store, 0), SST_UNAVAILABLE,
           "a file that is cut where nobody looks is noticed by the cleanup");
    shm_store_cleanup_stop(cleanup);
    is_int(told, 1, "which tells it, once");
    is_int(shm_store_attach(store, NOW, &report), SST_UNAVAILABLE,
           "the same process cannot attach it again");
    ok(strstr(report.why, "cut off") != NULL, "and says why: %s", report.why);
    end(at, store);
}

/* A server that made it long again would share zeros with its children. */
static void test_reopen(const scratch *at)
{
    shm_store *store = begin(at, SIZE);
    shm_store_config config = config_of(at, 2 * SIZE);
    struct stat st;
    char err[300];

    (void)!truncate(at->path, 4096);
    is_int(shm_store_reopen(store, &config, err, sizeof(err)), SST_BADARG,
           "a graceful restart does not grow a file that was cut");
    ok(strstr(err, "cut off") != NULL && stat(at->path, &st) == 0 &&
           st.st_size == 4096,
       "it is told and left as it is: %s", err);
    end(at, store);
    store = store_new(at, SIZE);
    check_clean(store, "the next server has a sound one");
    end(at, store);
}

/* ---- a SIGBUS that is not ours ------------------------------------------ */

static volatile sig_atomic_t seen;

static void old_handler(int number)
{
    (void)number;
    seen++;
    _exit(77);
}

/* Reads beyond the end of another file. */
static int fault_elsewhere(void *baton)
{
    const volatile char *page;
    char name[] = "/dev/shm/sst-bus-XXXXXX";
    int fd = mkstemp(name);

    (void)baton;
    unlink(name);
    page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? 1 : page[0] + 2;
}

static int send_it(void *baton)
{
    (void)baton;
    kill(getpid(), SIGBUS);
    return 3;
}

/* Somebody had the signal before us. */
static int with_old(void *baton)
{
    const scratch *at = baton;
    shm_store *store;

    (void)signal(SIGBUS, old_handler);
    store = begin(at, SIZE);
    (void)!truncate(at->path, 0);
    if (ask(store, 0) != SST_UNAVAILABLE || seen != 0) {
        return 4;
    }
    return fault_elsewhere(NULL);
}

static void test_elsewhere(const scratch *at)
{
    shm_store *store = begin(at, SIZE);

    is_int(in_child(fault_elsewhere, NULL), 256 + SIGBUS,
           "a fault elsewhere ends the process, as it would");
    is_int(in_child(send_it, NULL), 256 + SIGBUS,
           "and so does one that is sent");
    end(at, store);
    /* In a process that has no handler of ours yet. */
    (void)signal(SIGBUS, SIG_DFL);
    is_int(in_child(with_old, (void *)(uintptr_t)at), 77,
           "who handled it before gets what is elsewhere, and only that");
    scratch_unlink(at, "");
}

int main(void)
{
    scratch at;

    /* A sanitizer has a handler of its own for it: here nobody has one. */
    (void)signal(SIGBUS, SIG_DFL);
    scratch_make(&at);
    for (unsigned what = 0; what < ASKED; what++) {
        test_each_store(&at, what);
    }
    test_others(&at);
#ifndef __SANITIZE_THREAD__ /* to which such memory is a write that races */
    test_storm(&at);
#endif
    test_told(&at);
    test_reopen(&at);
    test_elsewhere(&at);
    scratch_remove(&at);
    return done_testing();
}
