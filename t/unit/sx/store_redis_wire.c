/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to what is no Redis: whatever it sends, and however slowly, an
 * exchange ends in time, takes no memory for it, and says that no reply came.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sx_store_redis_wire.h"
#include "tap.h"

#define TIME_US 250000

typedef struct peer {
    const char *what, *says;
    size_t len;
    int pause_us; /* before each byte; 0: all at once */
    bool hangs_up, at_once;
    sx_redis_sent wanted;
} peer;

static char path[60];
static int door;

static void listen_there(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    snprintf(path, sizeof path, "/tmp/sx-peer-%d", (int)getpid());
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door < 0 || bind(door, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        listen(door, 4) != 0)
        exit(1);
}

static void serve(const peer *p)
{
    int fd = accept(door, NULL, NULL);
    char asked[512];
    ssize_t n = 1;

    if (fd < 0 || (p->len && read(fd, asked, sizeof asked) <= 0))
        _exit(1);
    for (size_t i = 0; i < p->len && n > 0; i += (size_t)n) {
        usleep((useconds_t)p->pause_us);
        n = send(fd, p->says + i, p->pause_us ? 1 : p->len - i, MSG_NOSIGNAL);
    }
    if (!p->hangs_up)
        pause();
    _exit(0);
}

static void meets(const peer *p)
{
    const sx_redis_config config = {.path = path};
    const sx_redis_command ping = {
        .script = SX_REDIS_SCRIPTS, .count = 1, .args = {{"PING", 4}}};
    pid_t pid = fork();
    int64_t began = sx_monotonic_us(), took;
    redisReply *reply = NULL;
    sx_redis_conn *conn;
    sx_redis_sent sent;
    const char *why;

    if (pid == 0)
        serve(p);
    conn = sx_redis_connect(&config, NULL, began + TIME_US, &why);
    if (!conn)
        exit(1);
    sent = sx_redis_exchange(conn, &ping, 1, &reply, began + TIME_US, &why);
    took = sx_monotonic_us() - began;
    ok(sent == p->wanted && took < (p->at_once ? TIME_US : 2 * TIME_US),
       "%s: %s, after %lld us", p->what,
       sent == SX_REDIS_REPLIED ? "a reply" : why, (long long)took);
    if (sent == SX_REDIS_REPLIED)
        freeReplyObject(reply);
    sx_redis_close(conn);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

#define SAYS(text) .says = (text), .len = sizeof(text) - 1

static void test_peers(void)
{
    static const peer peers[] = {
        {"a reply", SAYS("+PONG\r\n"), .wanted = SX_REDIS_REPLIED},
        {"a reply in pieces", SAYS("+PONG\r\n"), .pause_us = 2000,
         .wanted = SX_REDIS_REPLIED},
        {"silence", SAYS(""), .wanted = SX_REDIS_LOST},
        {"the end", SAYS("+PO"), .hangs_up = true, .wanted = SX_REDIS_LOST,
         .at_once = true},
        {"half a line", SAYS("+PONG"), .wanted = SX_REDIS_LOST},
        {"one byte after the other, for ever",
         SAYS("$60\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
         .pause_us = 10000, .wanted = SX_REDIS_LOST},
        {"another protocol", SAYS("HTTP/1.1 200 OK\r\n\r\n"),
         .wanted = SX_REDIS_LOST, .at_once = true},
        {"a length without end", SAYS("$9223372036854775807\r\nabc"),
         .wanted = SX_REDIS_LOST},
        {"a length that is none", SAYS("$99999999999999999999\r\n"),
         .wanted = SX_REDIS_LOST, .at_once = true},
        {"a length below nothing", SAYS("$-7\r\n"), .wanted = SX_REDIS_LOST,
         .at_once = true},
        {"an array of too many", SAYS("*2147483647\r\n"),
         .wanted = SX_REDIS_LOST, .at_once = true},
        {"one of a few too many", SAYS("*65537\r\n"), .wanted = SX_REDIS_LOST,
         .at_once = true},
        {"one below nothing", SAYS("*-2\r\n"), .wanted = SX_REDIS_LOST,
         .at_once = true},
        {"arrays in arrays",
         SAYS("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"),
         .wanted = SX_REDIS_LOST},
        {"a number that is none", SAYS(":1x\r\n"), .wanted = SX_REDIS_LOST,
         .at_once = true},
        {"zeros", SAYS("\0\0\0\0\0\0\0\0"), .wanted = SX_REDIS_LOST,
         .at_once = true},
    };

    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        meets(&peers[i]);
}

static long resident_kb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* A reply that goes on and on: as much is taken as a record may have. */
static void test_flood(void)
{
    static char flood[64 << 20];
    peer p = {"more than a reply may be", .says = flood, .len = sizeof flood,
              .wanted = SX_REDIS_LOST, .at_once = true};
    long before;

    memset(flood, 'x', sizeof flood);
    memcpy(flood, "$60000000\r\n", 11);
    before = resident_kb();
    meets(&p);
    ok(resident_kb() - before < 40 * 1024, "which takes %ld KiB",
       resident_kb() - before);
}

static void test_nobody(void)
{
    sx_redis_config config = {.path = "/tmp/sx-peer-nobody"};
    int64_t began = sx_monotonic_us();
    const char *why;

    ok(!sx_redis_connect(&config, NULL, began + TIME_US, &why) &&
           sx_monotonic_us() - began < TIME_US,
       "where nobody is, it is seen at once");
}

int main(void)
{
    listen_there();
    test_peers();
    test_flood();
    test_nobody();
    unlink(path);
    return done_testing();
}
