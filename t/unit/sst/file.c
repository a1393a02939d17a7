/* SPDX-License-Identifier: Apache-2.0 */
/* What open accepts and what it refuses, each with a sentence. */
#include "util.h"

#include <fcntl.h>
#include <sys/mount.h>

static char err[300];

static shm_store *try_open(const shm_store_config *config)
{
    return shm_store_open(config, err, sizeof(err));
}

static void refused(const shm_store_config *config, const char *because,
                    const char *name)
{
    shm_store *store = try_open(config);

    if (!ok(store == NULL && strstr(err, because) != NULL &&
                strstr(err, config->path) != NULL,
            "%s", name)) {
        diag("said: %s", store == NULL ? err : "nothing: it was opened");
    }
    shm_store_close(store);
}

static void write_file(const char *path, size_t len, mode_t mode)
{
    char zero[4096] = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    while (len > 0) {
        size_t part = len < sizeof(zero) ? len : sizeof(zero);

        if (write(fd, zero, part) != (ssize_t)part) {
            break;
        }
        len -= part;
    }
    (void)!fchmod(fd, mode);
    close(fd);
}

static void test_kinds(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    char other[PATH_ROOM + 8];

    snprintf(other, sizeof(other), "%s.x", at->path);
    (void)!symlink(other, at->path);
    refused(&config, "symbolic link", "a symbolic link is refused");
    unlink(at->path);
    (void)!mkfifo(at->path, 0600);
    refused(&config, "regular file", "a FIFO is refused, without a wait");
    unlink(at->path);
    (void)!mkdir(at->path, 0700);
    refused(&config, "", "a directory is refused");
    rmdir(at->path);
    write_file(at->path, MIB, 0644);
    refused(&config, "mode 0644", "a file that others can read is refused");
    write_file(at->path, MIB, 0600);
    (void)!link(at->path, other);
    refused(&config, "2 links", "a file with a second link is refused");
    unlink(other);
    config.owner = geteuid() + 1;
    refused(&config, "belongs to uid", "another owner's file is refused");
    config = config_of(at, MIB);
    config.shared = true;
    config.group = getegid() + 1;
    refused(&config, "belongs to group", "another group's file is refused");
    unlink(at->path);
}

static void test_paths(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    char path[PATH_ROOM + 16];

    config.path = "relative/store";
    refused(&config, "absolute", "a relative path is refused");
    snprintf(path, sizeof(path), "%s/../store", at->dir);
    config.path = path;
    refused(&config, "'..'", "a path with .. is refused");
    snprintf(path, sizeof(path), "%s/none/store", at->dir);
    refused(&config, "not a directory", "a missing directory is refused");
    snprintf(path, sizeof(path), "%s/link", at->dir);
    (void)!symlink(at->dir, path);
    snprintf(path, sizeof(path), "%s/link/store", at->dir);
    refused(&config, "not followed", "a link on the way is refused");
    snprintf(path, sizeof(path), "%s/link", at->dir);
    unlink(path);
    (void)!chmod(at->dir, 0777);
    config = config_of(at, MIB);
    refused(&config, "writable to others",
            "a directory that others can write is refused");
    (void)!chmod(at->dir, 01777);
    {
        shm_store *store = try_open(&config);

        ok(store != NULL, "a sticky one is accepted");
        shm_store_close(store);
    }
    (void)!chmod(at->dir, 0700);
    scratch_unlink(at, "");
}

static void test_sizes(const scratch *at)
{
    shm_store_config config = config_of(at, MIB - 1);
    struct stat st;
    shm_store *store;

    refused(&config, "1048576", "a size below the minimum is refused");
    config.size = SST_SIZE_MAX + 1;
    refused(&config, "274877906944", "a size above the maximum is refused");
    config = config_of(at, 0);
    refused(&config, "does not exist", "size 0 makes no file");
    config = config_of(at, MIB);
    config.max_record = 0;
    refused(&config, "max-record", "a max_record of 0 is refused");
    ok(access(at->path, F_OK) != 0, "a refusal leaves no file behind");
    config = config_of(at, 2 * MIB);
    store = try_open(&config);
    ok(store != NULL && *err == '\0', "a new file is made without a word");
    ok(stat(at->path, &st) == 0 && st.st_size == 2 * (off_t)MIB &&
           (st.st_mode & 07777) == 0600 && st.st_blocks * 512 >= st.st_size,
       "closed to others, of its full length, and not sparse");
    shm_store_close(store);
    config.size = 3 * MIB;
    store = try_open(&config);
    ok(store != NULL && stat(at->path, &st) == 0 &&
           st.st_size == 3 * (off_t)MIB,
       "a larger size grows it");
    shm_store_close(store);
    config.size = MIB;
    store = try_open(&config);
    ok(store != NULL && strstr(err, ".old") != NULL &&
           stat(at->path, &st) == 0 && st.st_size == (off_t)MIB,
       "a smaller size moves it aside, begins anew and says so");
    shm_store_close(store);
    write_file(at->path, 1234567, 0600);
    store = try_open(&config);
    ok(store != NULL && strstr(err, "no segment") != NULL &&
           stat(at->path, &st) == 0 && st.st_size == (off_t)MIB,
       "so does a length that no segment has");
    shm_store_close(store);
    scratch_unlink(at, "");
    scratch_unlink(at, ".old");
}

static void test_one_server(const scratch *at)
{
    shm_store_config config = config_of(at, MIB), tool = config;
    shm_store *server = try_open(&config), *second;
    int go[2], up[2];
    char byte = 0;
    pid_t parent, orphan;

    refused(&config, "another server", "a second server is refused");
    tool.is_server = false;
    tool.size = 0;
    second = try_open(&tool);
    ok(second != NULL, "a tool is let in");
    shm_store_close(second);
    shm_store_close(server);
    server = try_open(&config);
    ok(server != NULL, "after the first has gone, the next may come");
    shm_store_close(server);

    (void)!pipe(go);
    (void)!pipe(up);
    parent = fork();
    if (parent == 0) {
        (void)!try_open(&config);
        orphan = fork();
        if (orphan == 0) {
            close(go[1]);
            (void)!write(up[1], &(pid_t){getpid()}, sizeof(pid_t));
            (void)!read(go[0], &byte, 1);
            _exit(0);
        }
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    close(go[0]);
    (void)!read(up[0], &orphan, sizeof(orphan));
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    refused(&config, "another server",
            "while a child outlives a killed server, no other may begin");
    kill(orphan, SIGKILL);
    server = NULL;
    for (int i = 0; i < 100 && server == NULL; i++) {
        usleep(10000);
        server = try_open(&config);
    }
    ok(server != NULL, "when the orphan is gone, one may");
    shm_store_close(server);
    close(go[1]);
    close(up[0]);
    close(up[1]);
    scratch_unlink(at, "");
}

static void test_reopen(const scratch *at)
{
    shm_store_config config = config_of(at, MIB);
    shm_store *store = try_open(&config);
    shm_attach_report report;
    shm_stats before, after;
    uint64_t token = 0, n = 0;

    is_int(shm_store_attach(store, START_MS, &report), SST_OK, "attached");
    is_int(shm_store_stats(store, &before), SST_OK, "stats");
    while (put_number(store, n, &token, 500, START_MS) == SST_OK) {
        n++;
        token = 0;
    }
    config.size = 4 * MIB;
    is_int(shm_store_reopen(store, &config, err, sizeof(err)), SST_OK,
           "a running store is told a larger size");
    if (fork() == 0) {
        /* A child of the new generation, which finds the file grown. */
        _exit(shm_store_attach(store, START_MS, &report) == SST_OK &&
                      report.result == SST_ATTACH_JOINED
                  ? 0
                  : 1);
    }
    {
        int status;

        wait(&status);
        is_int(WEXITSTATUS(status), 0, "the next child joins");
    }
    is_int(shm_store_stats(store, &after), SST_OK, "stats");
    ok(after.pages > before.pages * 3, "and from then on all have the pages");
    token = 0;
    is_int(put_number(store, n, &token, 500, START_MS), SST_OK,
           "what had no room has room");
    ok(after.records == n, "nothing was lost");
    check_clean(store, "the store is sound");
    config.size = 2 * MIB;
    is_int(shm_store_reopen(store, &config, err, sizeof(err)), SST_OK,
           "a smaller size is no error");
    ok(strstr(err, "next start") != NULL, "but waits for the next start");
    config.size = 64 * MIB;
    is_int(shm_store_reopen(store, &config, err, sizeof(err)), SST_OK,
           "nor is one that is too large");
    ok(strstr(err, "next start") != NULL, "which waits, too");
    shm_store_close(store);
    scratch_unlink(at, "");
}

static void test_no_room(const scratch *at)
{
    shm_store_config config = config_of(at, 4 * MIB);
    char path[PATH_ROOM + 8];

    if (mount("none", at->dir, "tmpfs", 0, "size=2m,mode=0700") != 0) {
        skip(2, "no tmpfs can be mounted here");
        return;
    }
    snprintf(path, sizeof(path), "%s/store", at->dir);
    config.path = path;
    refused(&config, "available", "a file system without room is told");
    ok(access(path, F_OK) != 0, "and nothing is left in it");
    umount(at->dir);
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    test_kinds(&at);
    test_paths(&at);
    test_sizes(&at);
    test_one_server(&at);
    test_reopen(&at);
    test_no_room(&at);
    scratch_remove(&at);
    return done_testing();
}
