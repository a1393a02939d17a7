/* SPDX-License-Identifier: Apache-2.0 */
/* Another layout at a restart: every record is carried over, when the server
 * before has let go and there is room. */
#include "migrate.h"

#include <sys/resource.h>

static void test_carries(const scratch *at)
{
    unsigned char key[SST_KEY_LEN];
    shm_store *store;
    shm_meta meta;

    make_old(at);
    store = open_server(at, MIB);
    is_int(next_shm_store_attach(store, LATER, &report), SST_OK,
           "a segment of the layout before is attached");
    is_int(report.result, SST_ATTACH_ADOPTED, "it is adopted");
    is_int(report.layout, 2, "from that layout");
    is_int((long)report.records, (long)live(), "with all records");
    is_int((long)report.lost, 0, "and none lost");
    is_same(store, "keys, values, times and tokens are as they were; what was "
                   "removed is not there");
    is_int(length_of_file(at), (long)MIB, "the file has its length again");
    meta = expected[10];
    is_int(next_shm_store_put_if(store, key_of(10, key), meta.token - 1, "x", 1,
                                 &meta, NULL, LATER),
           SST_CHANGED, "a put with a stale token is refused");
    is_int(next_shm_store_put_if(store, key, expected[10].token, "x", 1, &meta,
                                 NULL, LATER),
           SST_OK, "one with the token of before is not");
    ok(meta.token > highest, "and gets one beyond all that were given");
    is_int(next_shm_store_put_if(store, key_of(14, key), highest, "x", 1, &meta,
                                 NULL, LATER),
           SST_GONE, "a put on what was removed finds it gone");
    close_both(store);
    store = open_server(at, MIB);
    is_int(next_shm_store_attach(store, LATER, &report), SST_OK,
           "the next start");
    ok(report.result == SST_ATTACH_ADOPTED && report.layout == 0 &&
           report.records == live(),
       "finds a segment like any other");
    close_both(store);
}

/* ---- generations --------------------------------------------------------- */

/* The generation before: writes, and again when it is told to. */
static pid_t begin_old(shm_store *store, int from, int to)
{
    pid_t pid = fork();

    if (pid == 0) {
        shm_attach_report mine;
        char byte;

        if (shm_store_attach(store, NOW, &mine) != SST_OK) {
            _exit(1);
        }
        write_all(store);
        (void)!write(to, expected, sizeof(expected));
        (void)!read(from, &byte, 1);
        write_one(store, 5, expected[5].token);
        (void)!write(to, expected, sizeof(expected));
        (void)!read(from, &byte, 1);
        _exit(0);
    }
    return pid;
}

static void test_graceful(const scratch *at)
{
    shm_store *store;
    int in[2], out[2];
    pid_t pid;

    scratch_unlink(at, "");
    (void)!pipe(in);
    (void)!pipe(out);
    store = open_server(at, MIB);
    pid = begin_old(store, in[0], out[1]);
    (void)!read(out[0], expected, sizeof(expected));
    is_int(attach_next(store), SST_UNAVAILABLE,
           "while a process of the server before lives, the next is refused");
    ok(strstr(report.why, "layout version 2") != NULL, "and told why: %s",
       report.why);
    (void)!write(in[1], "", 1);
    is_int(read(out[0], expected, sizeof(expected)), sizeof(expected),
           "the old one goes on writing");
    is_int(attach_next(store), SST_UNAVAILABLE, "the next is still refused");
    (void)!write(in[1], "", 1);
    waitpid(pid, NULL, 0);
    is_int(attach_next(store), SST_OK, "when it has gone, the next has all");
    ok(report.layout == 2 && report.records == live(), "carried over");
    is_int(next_shm_store_attach(store, LATER, &report), SST_OK,
           "so has this one");
    is_int(report.result, SST_ATTACH_JOINED, "which joins");
    is_same(store, "what was written to the last is there");
    close_both(store);
}

static void test_two_at_once(const scratch *at)
{
    int go[2], back[2];
    attached told[2];
    shm_store *store;

    make_old(at);
    (void)!pipe(go);
    (void)!pipe(back);
    store = open_server(at, MIB);
    for (int i = 0; i < 2; i++) {
        (void)begin_next(store, go[0], back[1]);
    }
    (void)!write(go[1], "go", 2);
    for (int i = 0; i < 2; i++) {
        (void)!read(back[0], &told[i], sizeof(told[i]));
    }
    ok(told[0].status == SST_OK && told[1].status == SST_OK,
       "of two at once, both attach");
    is_int(told[0].report.layout + told[1].report.layout, 2,
           "one carries the records over");
    is_int((told[0].report.result == SST_ATTACH_JOINED) +
               (told[1].report.result == SST_ATTACH_JOINED),
           1, "and one joins");
    while (wait(NULL) > 0) {
    }
    (void)!next_shm_store_attach(store, LATER, &report);
    is_same(store, "nothing is there twice or missing");
    close_both(store);
}

static void test_tool(const scratch *at)
{
    shm_store_config config = config_of(at, 0);
    shm_store *tool;

    make_old(at);
    config.is_server = false;
    tool = shm_store_open(&config, err, sizeof(err));
    ok(tool != NULL &&
           next_shm_store_attach(tool, LATER, &report) == SST_UNAVAILABLE,
       "a tool leaves the layout as it is: %s", report.why);
    close_both(tool);
}

/* ---- room ---------------------------------------------------------------- */

static void refuses(const scratch *at, shm_store *store, const char *word,
                    const char *name)
{
    ok(attach_next(store) == SST_UNAVAILABLE, "%s: refused", name);
    ok(strstr(report.why, word) != NULL, "and said: %s", report.why);
    is_int(length_of_file(at), (long)MIB, "the file is as long as before");
}

static void test_no_room(const scratch *at)
{
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit little = {MIB + 65536, RLIM_INFINITY};
    shm_store *store;

    make_old(at);
    store = open_server(at, MIB);
    signal(SIGXFSZ, SIG_IGN);
    (void)!setrlimit(RLIMIT_FSIZE, &little);
    refuses(at, store, "make room", "no room for a second segment");
    (void)!setrlimit(RLIMIT_FSIZE, &all);
    signal(SIGXFSZ, SIG_DFL);
    is_int(attach_next(store), SST_OK, "with room it goes on by itself");
    is_int((long)report.records, (long)live(), "with all records");
    close_both(store);
}

/* The head of a record is larger in the next layout. */
static void test_does_not_fit(const scratch *at)
{
    shm_store_config larger = config_of(at, 2 * MIB);
    uint64_t count = 0, token = 0;
    shm_store *store;

    scratch_unlink(at, "");
    store = store_new(at, MIB);
    while (put_number(store, count, &token, 100, NOW) == SST_OK) {
        token = 0;
        count++;
    }
    close_both(store);
    store = open_server(at, MIB);
    refuses(at, store, "larger size",
            "more records than the next layout takes");
    is_int(shm_store_reopen(store, &larger, err, sizeof(err)), SST_OK,
           "the file is made larger");
    is_int(attach_next(store), SST_OK, "then they fit");
    is_int((long)report.records, (long)count, "all of them");
    close_both(store);
}

/* ---- beside it ----------------------------------------------------------- */

/* The segment lives on, so a snapshot of it and the journal do, too. */
static void test_snapshot(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    char snapshot[PATH_ROOM + 8], journal[PATH_ROOM + 32];
    shm_store *store;
    int fd;

    snprintf(snapshot, sizeof(snapshot), "%s.snap", at->path);
    config.snapshot = snapshot;
    scratch_unlink(at, "");
    fd = open(snapshot, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    close(fd);
    store = store_with(&config, NOW);
    write_all(store);
    close_both(store);
    store = shm_store_open(&config, err, sizeof(err));
    is_int(next_shm_store_attach(store, LATER, &report), SST_OK,
           "a store with a snapshot is carried over");
    is_int(access(snapshot, F_OK), 0, "the snapshot counts still");
    for (int i = 1; i <= 2; i++) {
        snprintf(journal, sizeof(journal), "%s.journal.%d", snapshot, i);
        ok(access(journal, F_OK) == 0, "and journal %d beside it", i);
        unlink(journal);
    }
    unlink(snapshot);
    close_both(store);
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    test_carries(&at);
    test_graceful(&at);
    test_two_at_once(&at);
    test_tool(&at);
    test_no_room(&at);
    test_does_not_fit(&at);
    test_snapshot(&at);
    scratch_remove(&at);
    return done_testing();
}
