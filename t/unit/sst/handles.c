/* SPDX-License-Identifier: Apache-2.0 */
/* Two handles of one file in one process, as where httpd's module and PHP's
 * extension meet: who closes one takes no lock from the other. */
#include "util.h"

#include <dirent.h>
#include <fcntl.h>

#include "shm_turn.h"
#include "sst_file.h"

static scratch at;

static shm_store *open_guest(uid_t owner)
{
    shm_store_config config = config_of(&at, 0);
    char err[300];

    config.is_server = false;
    config.is_guest = true;
    config.owner = owner;
    return shm_store_open(&config, err, sizeof(err));
}

/* Asked by another process, as nobody is told of its own locks. */
static bool others_see(bool (*look)(int fd))
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        int fd = open(at.path, O_RDWR | O_CLOEXEC);

        _exit(fd >= 0 && look(fd) ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_inside(int fd)
{
    return sst_file_locked(fd, SST_BYTE_INSIDE, true);
}

static bool has_server(int fd)
{
    return sst_file_locked(fd, SST_BYTE_SERVER, false);
}

static bool has_turn(int fd)
{
    struct flock turn = {.l_type = F_WRLCK,
                         .l_whence = SEEK_SET,
                         .l_start = (off_t)1 << 61,
                         .l_len = 0};

    return fcntl(fd, F_GETLK, &turn) == 0 && turn.l_type != F_UNLCK;
}

static int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    while (dir && readdir(dir)) {
        n++;
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

static void enter(shm_store *store)
{
    shm_attach_report report;

    ok(store && shm_store_attach(store, START_MS, &report) == SST_OK,
       "it is inside");
}

static void test_inside(void)
{
    shm_store *guest = open_guest(geteuid());

    enter(guest);
    ok(others_see(is_inside), "both are inside");
    shm_store_close(guest);
    ok(others_see(is_inside), "and one stays when the other is closed");
    ok(others_see(has_server), "which is the server");
    ok(!open_guest(geteuid() + 1), "a handle that is refused");
    ok(others_see(is_inside), "takes nothing, either");
}

static void test_turns(void)
{
    shm_store *one = open_guest(geteuid()), *other;

    ok(shm_turn_take(one, 4711, NULL) && others_see(has_turn), "a turn is had");
    other = open_guest(geteuid());
    enter(other);
    shm_store_close(other);
    ok(others_see(has_turn), "while another handle comes and goes");
    shm_turn_end(one, 4711);
    ok(!others_see(has_turn), "and is given back");
    shm_store_close(one);
}

/* Where there is nothing to lose nothing is kept: the parent of a server opens
 * and closes at each restart. */
static void test_kept(void)
{
    int before = count_fds();

    for (int i = 0; i < 5; i++) {
        shm_store_close(open_guest(geteuid()));
    }
    is_int(count_fds(), before, "where nobody is inside all is closed");
}

int main(void)
{
    shm_store_config config;
    shm_store *server;
    char err[300];

    scratch_make(&at);
    config = config_of(&at, MIB);
    server = shm_store_open(&config, err, sizeof(err));
    test_kept();
    enter(server);
    test_inside();
    test_turns();
    shm_store_close(server);
    ok(!others_see(has_server), "a server that is closed is none");
    scratch_remove(&at);
    return done_testing();
}
