/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not there when it is needed: room for a larger file, descriptors,
 * a file that may be that long; two servers that start at the same moment; a
 * wall clock that jumps by a year.  (What open refuses of a file is in file.c,
 * and what becomes of one that is cut off in truncated.c.)
 */
#include "util.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "sst_fault.h"

#define YEAR_MS  ((int64_t)365 * 86400 * 1000)
#define REAL_MS  INT64_C(1700000000000)
#define STARTERS 8
#define REFUSED  1
#define OPENED   2
#define TOLD     3

static char err[300];

/* What a child that opens the store comes to. */
static int open_in_child(const shm_store_config *config, unsigned resource,
                         rlim_t limit)
{
    struct rlimit to = {limit, limit};
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        shm_store *store;

        /* httpd does the same. */
        (void)sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN},
                        NULL);
        if (setrlimit(resource, &to) != 0) {
            _exit(99);
        }
        store = shm_store_open(config, err, sizeof(err));
        _exit(store != NULL ? OPENED
              : strstr(err, config->path) != NULL &&
                      strlen(err) > strlen(config->path) + 5
                  ? TOLD
                  : REFUSED);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void test_limits(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);

    for (rlim_t spare = 0; spare < 3; spare++) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        close(fd);
        if (open_in_child(&config, RLIMIT_NOFILE, (rlim_t)fd + spare) ==
            OPENED) {
            ok(spare > 0, "with %d descriptors it opens", (int)spare);
        }
        else {
            scratch_unlink(at, "");
            is_int(open_in_child(&config, RLIMIT_NOFILE, (rlim_t)fd + spare),
                   TOLD, "too few descriptors are told");
        }
        scratch_unlink(at, "");
    }
    is_int(open_in_child(&config, RLIMIT_FSIZE, MIB / 2), TOLD,
           "a file that may not be that long is told");
    ok(access(at->path, F_OK) != 0, "and nothing is left");
}

static void test_growth(const scratch *at)
{
    shm_store_config config;
    char path[PATH_ROOM + 8];
    shm_status status;
    uint64_t token = 0;
    shm_store *store;

    if (mount("none", at->dir, "tmpfs", 0, "size=2m,mode=0700") != 0) {
        skip(4, "no tmpfs can be mounted here");
        return;
    }
    snprintf(path, sizeof(path), "%s/store", at->dir);
    config = config_of(at, MIB);
    config.path = path;
    store = store_with(&config, START_MS);
    config.size = 4 * MIB;
    status = shm_store_reopen(store, &config, err, sizeof(err));
    ok(strstr(err, path) != NULL, "no room to grow is told (%s: %s)",
       shm_status_str(status), err);
    is_int(put_number(store, 1, &token, 500, START_MS), SST_OK,
           "what there is goes on");
    check_clean(store, "and is sound");
    shm_store_close(store);
    store = shm_store_open(&config, err, sizeof(err));
    ok(store == NULL && strstr(err, path) != NULL,
       "a start with the larger size is refused");
    shm_store_close(store);
    unlink(path);
    umount(at->dir);
}

static void test_two_starts(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    int go[2], done[2], opened = 0, told = 0;
    pid_t pids[STARTERS];

    (void)!pipe(go);
    (void)!pipe(done);
    for (int i = 0; i < STARTERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            shm_attach_report report;
            shm_store *store;
            char byte;

            close(go[1]);
            (void)!read(go[0], &byte, 1);
            store = shm_store_open(&config, err, sizeof(err));
            byte =
                store == NULL
                    ? (strstr(err, "another server") != NULL ? TOLD : REFUSED)
                : shm_store_attach(store, START_MS, &report) == SST_OK
                    ? OPENED
                    : REFUSED;
            (void)!write(done[1], &byte, 1);
            pause(); /* or a second one could come after us */
        }
    }
    close(go[0]);
    close(go[1]);
    for (int i = 0; i < STARTERS; i++) {
        char byte = 0;

        (void)!read(done[0], &byte, 1);
        opened += byte == OPENED;
        told += byte == TOLD;
    }
    for (int i = 0; i < STARTERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    close(done[0]);
    close(done[1]);
    ok(opened == 1 && told == STARTERS - 1,
       "of %d servers that start at once, one has it (%d) and the others are "
       "told (%d)",
       STARTERS, opened, told);
    scratch_unlink(at, "");
}

/* The wall clock jumps while a server runs, then the machine boots. */
static void clock_jump(const scratch *at, int64_t jump_ms, const char *name)
{
    unsigned char key[SST_KEY_LEN], out[400];
    int64_t now = shm_store_clock_ms();
    shm_store_config config = config_of(at, MIB);
    shm_attach_report report;
    shm_cleanup *cleanup;
    uint64_t token = 0;
    shm_store *store;
    shm_meta meta;

    sst_test.has_boot = 1;
    sst_test.boot_id[0] = 1;
    sst_test.real_ms = REAL_MS;
    store = store_with(&config, now);
    (void)put_number(store, 1, &token, 300, now);
    sst_test.real_ms = REAL_MS + jump_ms;
    is_int(
        shm_store_get(store, key_of(1, key), out, sizeof(out), &meta, 0, now),
        SST_OK, name);
    cleanup = shm_store_cleanup_start(store, NULL);
    for (int i = 0; i < 500 && !shm_store_cleanup_is_runner(cleanup); i++) {
        usleep(10000);
    }
    usleep(300000);
    shm_store_cleanup_stop(cleanup);
    shm_store_close(store);
    sst_test.boot_id[0] = 2;
    sst_test.real_ms += HOUR_MS / 2;
    store = shm_store_open(&config, err, sizeof(err));
    is_int(shm_store_attach(store, 1000, &report), SST_OK, "after a reboot");
    is_int(shm_store_get(store, key, out, sizeof(out), &meta, 0, 1000), SST_OK,
           "it has lived on");
    ok(meta.expires_ms <= 1000 + HOUR_MS / 2 + SST_TICK_MS &&
           meta.expires_ms > 1000 + HOUR_MS / 2 - 20000,
       "and ends when it should: in %lld ms",
       (long long)meta.expires_ms - 1000);
    shm_store_close(store);
    scratch_unlink(at, "");
    memset(&sst_test, 0, sizeof(sst_test));
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    test_limits(&at);
    test_growth(&at);
    test_two_starts(&at);
    clock_jump(&at, YEAR_MS, "a wall clock a year ahead ends nothing");
    clock_jump(&at, -YEAR_MS, "nor does one a year behind");
    scratch_remove(&at);
    return done_testing();
}
