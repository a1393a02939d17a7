/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real memcached of the test's own, on a free port of the loopback, and
 * APR-util's client for it as the cache of an sx_store_cache.  Each process has
 * connections of its own; the server ends with the process that began it.
 */
#ifndef MEMCACHED_H
#define MEMCACHED_H

#include <arpa/inet.h>
#include <apr_memcache.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage_store.h"
#include "sx_store_cache.h"

#define MEMCACHED_RECORD_MAX ((size_t)512 * 1024)

static struct {
    pid_t pid, parent;
    in_port_t port; /* 0: not chosen yet */
} memcached;

static inline int memcached_connect(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(memcached.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline bool memcached_answers(void)
{
    int fd = memcached_connect();

    return fd >= 0 && close(fd) == 0;
}

/* It forgets all it has. */
static inline void memcached_flush(void)
{
    static const char command[] = "flush_all\r\n";
    int fd = memcached_connect();
    char answer[4];

    if (fd < 0 ||
        write(fd, command, strlen(command)) != (ssize_t)strlen(command) ||
        read(fd, answer, sizeof(answer)) != sizeof(answer) ||
        memcmp(answer, "OK\r\n", sizeof(answer)) != 0)
        stage_give_up("memcached forgets nothing");
    close(fd);
}

static inline in_port_t memcached_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        stage_give_up("no free port");
    close(fd);
    return ntohs(at.sin_port);
}

static inline void memcached_stop(void)
{
    if (memcached.pid > 0 && memcached.parent == getpid()) {
        kill(memcached.pid, SIGKILL);
        waitpid(memcached.pid, NULL, 0);
        memcached.pid = 0;
    }
}

/* It will not be root, and a change of the user would undo that it ends with
 * us; nor shall who reads what we print wait for it. */
static inline void memcached_drop_root(void)
{
    const struct passwd *nobody = getpwnam("nobody");
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        _exit(126);
    if (geteuid() == 0 &&
        (!nobody || setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0))
        _exit(126);
}

/* Empty, and at the port where it was before. */
static inline void memcached_start(void)
{
    char port[8];

    if (memcached.port == 0) {
        memcached.port = memcached_free_port();
        signal(SIGPIPE, SIG_IGN); /* as httpd has it */
        atexit(memcached_stop);
    }
    snprintf(port, sizeof(port), "%d", (int)memcached.port);
    memcached.parent = getpid();
    memcached.pid = fork();
    if (memcached.pid == 0) {
        memcached_drop_root();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("memcached", "memcached", "-l", "127.0.0.1", "-p", port, "-U",
               "0", "-t", "1", "-m", "64", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !memcached_answers(); i++)
        usleep(20000);
    if (!memcached_answers())
        stage_give_up("memcached does not answer (Debian: memcached)");
}

/* The client of this process. */
static inline apr_memcache_t *memcached_client(void)
{
    static apr_memcache_t *client;
    static pid_t owner;
    apr_memcache_server_t *server;
    apr_pool_t *pool;

    if (owner == getpid())
        return client;
    owner = getpid();
    apr_pool_create(&pool, NULL);
    if (apr_memcache_create(pool, 1, 0, &client) != APR_SUCCESS ||
        apr_memcache_server_create(pool, "127.0.0.1", memcached.port, 0, 8, 16,
                                   60000000, &server) != APR_SUCCESS ||
        apr_memcache_add_server(client, server) != APR_SUCCESS)
        stage_give_up("no client of memcached");
    return client;
}

static inline const char *memcached_key(const unsigned char *id,
                                        apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 2 * SX_STORE_KEY_LEN + 1);

    for (int i = 0; i < SX_STORE_KEY_LEN; i++)
        snprintf(text + (ptrdiff_t)2 * i, 3, "%02x", id[i]);
    return text;
}

static inline sx_answer memcached_retrieve(void *baton, const unsigned char *id,
                                           unsigned char *bytes, size_t *len)
{
    apr_status_t status;
    apr_pool_t *pool;
    apr_size_t got;
    char *data;

    (void)baton;
    apr_pool_create(&pool, NULL);
    status = apr_memcache_getp(memcached_client(), pool,
                               memcached_key(id, pool), &data, &got, NULL);
    if (status == APR_SUCCESS && got > *len)
        status = APR_ENOSPC;
    if (status == APR_SUCCESS) {
        memcpy(bytes, data, got);
        *len = got;
    }
    apr_pool_destroy(pool);
    return status == APR_SUCCESS    ? SX_STORE_OK
           : status == APR_NOTFOUND ? SX_STORE_MISS
                                    : SX_STORE_UNAVAILABLE;
}

static inline sx_answer memcached_store(void *baton, const unsigned char *id,
                                        sx_str bytes, int64_t life_s)
{
    apr_status_t status;
    apr_pool_t *pool;

    (void)baton;
    apr_pool_create(&pool, NULL);
    status = apr_memcache_set(memcached_client(), memcached_key(id, pool),
                              (char *)(uintptr_t)bytes.p, bytes.len,
                              (apr_uint32_t)life_s, 0);
    apr_pool_destroy(pool);
    return status == APR_SUCCESS ? SX_STORE_OK : SX_STORE_UNKNOWN;
}

static inline sx_answer memcached_remove(void *baton, const unsigned char *id)
{
    apr_status_t status;
    apr_pool_t *pool;

    (void)baton;
    apr_pool_create(&pool, NULL);
    status =
        apr_memcache_delete(memcached_client(), memcached_key(id, pool), 0);
    apr_pool_destroy(pool);
    return status == APR_SUCCESS    ? SX_STORE_OK
           : status == APR_NOTFOUND ? SX_STORE_MISS
                                    : SX_STORE_UNKNOWN;
}

static sx_cache memcached_cache = {.retrieve = memcached_retrieve,
                                   .store = memcached_store,
                                   .remove = memcached_remove,
                                   .max_record = MEMCACHED_RECORD_MAX};

#endif
