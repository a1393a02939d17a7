/* SPDX-License-Identifier: Apache-2.0 */
/* A guest: opened by a parent for whom it forks.  As long as nobody of these is
 * inside, it keeps no server from what only who is alone may do. */
#include "util.h"

#include "sst_fault.h"
#include "sst_handle.h"

typedef enum who { SERVER, TOOL, GUEST } who;

static scratch at;
static shm_attach_report report;

static shm_store *open_as(who is)
{
    shm_store_config config = config_of(&at, is == SERVER ? MIB : 0);
    char err[300];

    config.is_server = is == SERVER;
    config.is_guest = is == GUEST;
    return shm_store_open(&config, err, sizeof(err));
}

/* A server whose pid namespace is another one than that of before: may it have
 * the segment, that is, does it find itself alone? */
static bool is_alone(uint64_t pid_ns)
{
    shm_store *store = open_as(SERVER);
    bool alone;

    sst_test.pid_ns = pid_ns;
    alone = shm_store_attach(store, START_MS, &report) == SST_OK;
    shm_store_close(store);
    return alone;
}

int main(void)
{
    shm_store *store, *tool, *guest, *other;
    int to[2], from[2];
    char byte = 0;
    pid_t pid;

    scratch_make(&at);
    store = open_as(SERVER);
    ok(shm_store_attach(store, START_MS, &report) == SST_OK,
       "a segment begins");
    shm_store_close(store);

    ok(is_alone(7), "nobody is there, so a server elsewhere may take it");
    tool = open_as(TOOL);
    ok(!is_alone(8), "a tool that has it open keeps it from that");
    shm_store_close(tool);
    guest = open_as(GUEST);
    ok(guest && is_alone(9), "a guest that has it open does not");

    (void)!pipe(to);
    (void)!pipe(from);
    sst_test.pid_ns = 9;
    pid = fork();
    if (pid == 0) {
        byte = shm_store_attach(guest, START_MS, &report) == SST_OK;
        (void)!write(from[1], &byte, 1);
        (void)!read(to[0], &byte, 1);
        _exit(0);
    }
    (void)!read(from[0], &byte, 1);
    ok(byte == 1, "one that was forked from it goes in");
    ok(!is_alone(10), "and then it does");
    sst_test.pid_ns = 9;
    store = open_as(SERVER);
    ok(shm_store_attach(store, START_MS, &report) == SST_OK,
       "a server of its own place joins it");
    other = open_as(GUEST);
    ok(shm_store_attach(other, START_MS, &report) == SST_OK &&
           report.result == SST_ATTACH_JOINED,
       "and other guests join that one");
    shm_store_close(other);
    shm_store_close(store);
    (void)!write(to[1], &byte, 1);
    waitpid(pid, NULL, 0);
    ok(is_alone(11), "with its process the guest has gone");
    shm_store_close(guest);
    scratch_remove(&at);
    return done_testing();
}
