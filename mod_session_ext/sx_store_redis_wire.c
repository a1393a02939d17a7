/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_redis_wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "sx_store_redis_tls.h"

/* What all replies of one exchange may have: a record, and some more. */
#define REPLIES_MAX  (SX_REDIS_RECORD_MAX + (1 << 20))
#define ELEMENTS_MAX 65536 /* of an array: hiredis asks for memory for all */
#define READ_SIZE    16384

struct sx_redis_conn {
    int fd;
    struct ssl_st *tls; /* NULL: none */
    redisReader *reader;
    redisReplyObjectFunctions bounded;
};

/* Until ${events} or the deadline. */
static bool wait_for(int fd, short events, int64_t until_us)
{
    int64_t left_us = until_us - sx_monotonic_us();
    struct pollfd p = {fd, events, 0};
    struct timespec left;
    int ready = -1;

    while (ready < 0 && left_us > 0) {
        left.tv_sec = left_us / 1000000;
        left.tv_nsec = left_us % 1000000 * 1000;
        ready = ppoll(&p, 1, &left, NULL);
        if (ready < 0 && errno != EINTR)
            return false;
        left_us = until_us - sx_monotonic_us();
    }
    return ready > 0;
}

/* ---- connecting ---------------------------------------------------------- */

#if HIREDIS_MAJOR >= 1
typedef size_t elements;
#else
typedef int elements;
#endif
typedef void *array_maker(const redisReadTask *, elements);

/* The library's own: each connection finds the same one. */
static array_maker *create_array;

static void *bounded_array(const redisReadTask *task, elements count)
{
    array_maker *create = __atomic_load_n(&create_array, __ATOMIC_RELAXED);

    return (uint64_t)count <= ELEMENTS_MAX ? create(task, count) : NULL;
}

/* -1, or a socket that is being connected. */
static int begin_connect(const struct sockaddr *addr, socklen_t len)
{
    const int on = 1;
    int fd =
        socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (addr->sa_family != AF_UNIX)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, addr, len) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

static int connect_to(const struct sockaddr *addr, socklen_t len,
                      int64_t until_us)
{
    int fd = begin_connect(addr, len), error = 0;
    socklen_t size = sizeof error;

    if (fd < 0)
        return -1;
    if (wait_for(fd, POLLOUT, until_us) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_socket(const char *path, int64_t until_us)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    memcpy(addr.sun_path, path, strlen(path) + 1);
    return connect_to((const struct sockaddr *)&addr, sizeof addr, until_us);
}

/* Each of those that are left gets its share of the time. */
static int connect_hosts(const struct addrinfo *hosts, int64_t until_us)
{
    int count = 0, fd = -1;

    for (const struct addrinfo *h = hosts; h; h = h->ai_next)
        count++;
    for (const struct addrinfo *h = hosts; h && fd < 0; h = h->ai_next) {
        int64_t now_us = sx_monotonic_us();

        fd = connect_to(h->ai_addr, h->ai_addrlen,
                        now_us + (until_us - now_us) / count--);
    }
    return fd;
}

static bool begin_tls(sx_redis_conn *conn, const sx_redis_config *config,
                      int64_t until_us, const char **why)
{
    short events = 0;
    int done = 0;

    conn->tls = sx_redis_tls_begin(config, conn->fd);
    if (conn->tls)
        done = sx_redis_tls_greet(conn->tls, &events);
    while (done < 0 && wait_for(conn->fd, events, until_us))
        done = sx_redis_tls_greet(conn->tls, &events);
    *why = done < 0 ? "its TLS does not answer in time"
                    : "its TLS, or its certificate, is not accepted";
    return done > 0;
}

sx_redis_conn *sx_redis_connect(const sx_redis_config *config,
                                const struct addrinfo *hosts, int64_t until_us,
                                const char **why)
{
    int fd = config->path ? connect_socket(config->path, until_us)
                          : connect_hosts(hosts, until_us);
    sx_redis_conn *conn;
    redisReader *reader;

    *why = "nobody answers there";
    if (fd < 0)
        return NULL;
    conn = calloc(1, sizeof *conn);
    reader = conn ? redisReaderCreate() : NULL;
    if (!reader) {
        *why = "no memory for a connection";
        free(conn);
        close(fd);
        return NULL;
    }
    conn->fd = fd;
    conn->reader = reader;
    conn->bounded = *reader->fn;
    __atomic_store_n(&create_array, conn->bounded.createArray,
                     __ATOMIC_RELAXED);
    conn->bounded.createArray = bounded_array;
    reader->fn = &conn->bounded;
    if (config->tls && !begin_tls(conn, config, until_us, why)) {
        sx_redis_close(conn);
        return NULL;
    }
    return conn;
}

void sx_redis_close(sx_redis_conn *conn)
{
    if (conn->tls)
        sx_redis_tls_end(conn->tls);
    close(conn->fd);
    redisReaderFree(conn->reader);
    free(conn);
}

bool sx_redis_is_stale(const sx_redis_conn *conn)
{
    char byte;

    return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* ---- sending ------------------------------------------------------------- */

/* NULL: no memory. */
static char *format(const sx_redis_command *command, size_t *len)
{
    const char *args[SX_REDIS_ARGS];
    size_t lens[SX_REDIS_ARGS];
    char *text = NULL;
    int n;

    for (int i = 0; i < command->count; i++) {
        args[i] = command->args[i].p ? command->args[i].p : "";
        lens[i] = command->args[i].len;
    }
    n = redisFormatCommandArgv(&text, command->count, args, lens);
    *len = n > 0 ? (size_t)n : 0;
    return text;
}

/* Of a socket, what to wait for: 0 if it broke. */
static short unless_broken(short events)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? events
                                                                     : 0;
}

/* As send, at once: -1 and what to wait for. */
static ssize_t send_some(sx_redis_conn *conn, const char *bytes, size_t len,
                         short *events)
{
    ssize_t n;

    if (conn->tls)
        return sx_redis_tls_send(conn->tls, bytes, len, events);
    n = send(conn->fd, bytes, len, MSG_NOSIGNAL);
    *events = n < 0 ? unless_broken(POLLOUT) : 0;
    return n;
}

static bool send_all(sx_redis_conn *conn, const char *text, size_t len,
                     int64_t until_us)
{
    size_t done = 0;

    while (done < len) {
        short events = 0;
        ssize_t n = send_some(conn, text + done, len - done, &events);

        if (n > 0)
            done += (size_t)n;
        else if (!events || !wait_for(conn->fd, events, until_us))
            return false;
    }
    return true;
}

static bool send_commands(sx_redis_conn *conn, const sx_redis_command *commands,
                          int count, int64_t until_us)
{
    bool sent = true;

    for (int i = 0; i < count && sent; i++) {
        size_t len;
        char *text = format(&commands[i], &len);

        sent = text && send_all(conn, text, len, until_us);
        free(text);
    }
    return sent;
}

/* ---- receiving ----------------------------------------------------------- */

static ssize_t receive_some(sx_redis_conn *conn, char *bytes, size_t len,
                            short *events)
{
    ssize_t n;

    if (conn->tls)
        return sx_redis_tls_recv(conn->tls, bytes, len, events);
    n = recv(conn->fd, bytes, len, 0);
    *events = n < 0 ? unless_broken(POLLIN) : 0;
    return n;
}

static bool feed(sx_redis_conn *conn, size_t *total, int64_t until_us,
                 const char **why)
{
    char bytes[READ_SIZE];
    short events = 0;
    ssize_t n;

    do
        n = receive_some(conn, bytes, sizeof bytes, &events);
    while (n < 0 && events && wait_for(conn->fd, events, until_us));
    *why = n == 0 ? "it closed the connection"
                  : "it did not answer in time, or the connection broke";
    if (n <= 0)
        return false;
    *total += (size_t)n;
    *why = "it sent more than a reply may be";
    return *total <= REPLIES_MAX &&
           redisReaderFeed(conn->reader, bytes, (size_t)n) == REDIS_OK;
}

static bool receive(sx_redis_conn *conn, size_t *total, redisReply **reply,
                    int64_t until_us, const char **why)
{
    void *found = NULL;

    for (;;) {
        *why = "what it sent is no reply of Redis";
        if (redisReaderGetReply(conn->reader, &found) != REDIS_OK)
            return false;
        if (found)
            break;
        if (sx_monotonic_us() >= until_us || !feed(conn, total, until_us, why))
            return false;
    }
    *reply = found;
    return true;
}

sx_redis_sent sx_redis_exchange(sx_redis_conn *conn,
                                const sx_redis_command *commands, int count,
                                redisReply **replies, int64_t until_us,
                                const char **why)
{
    size_t total = 0;
    int got = 0;

    *why = "it took no command in time, or the connection broke";
    if (!send_commands(conn, commands, count, until_us))
        return SX_REDIS_NOT_SENT;
    while (got < count && receive(conn, &total, &replies[got], until_us, why))
        got++;
    if (got == count)
        return SX_REDIS_REPLIED;
    while (got > 0)
        freeReplyObject(replies[--got]);
    return SX_REDIS_LOST;
}
