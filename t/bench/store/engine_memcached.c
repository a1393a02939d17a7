/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcached over a unix socket, one answer awaited for each command.  Its text
 * protocol takes no binary keys: they are the first 16 bytes in hex digits, so
 * as long as everybody else's.
 */
#include <libmemcached/memcached.h>
#include <unistd.h>
#include "engine.h"
#include "server.h"

#define AMPLE 400 /* bytes a record: slab classes round up */

static char socket_path[100], megabytes[24];
static pid_t pid;
static memcached_st *client;

static bool connect_to(const char *path)
{
    client = memcached_create(NULL);
    if (client &&
        memcached_server_add_unix_socket(client, path) == MEMCACHED_SUCCESS &&
        memcached_version(client) == MEMCACHED_SUCCESS)
        return true;
    if (client)
        memcached_free(client);
    client = NULL;
    return false;
}

static bool memcached_begin(void)
{
    /* As root it insists on being told whom to run as. */
    char *argv[] = {"memcached", "-s", socket_path, "-m", megabytes, "-t",
                    "2",         "-c", "64",        "-u", "root",    NULL};

    if (geteuid() != 0)
        argv[9] = NULL;
    pid = server_start(argv, socket_path, connect_to);
    return pid > 0;
}

static const char *cached_open(const bench_plan *plan)
{
    size_t room = plan->room ? plan->room : AMPLE;

    snprintf(socket_path, sizeof socket_path, "%s/memcached-%d", plan->dir,
             (int)getpid());
    snprintf(megabytes, sizeof megabytes, "%llu",
             (unsigned long long)(plan->records *
                                      (BENCH_KEY_LEN + plan->len + room) >>
                                  20) +
                 64);
    if (memcached_begin())
        return NULL;
    return pid == 0 ? "not installed" : "memcached does not answer";
}

static bool cached_child(void)
{
    return connect_to(socket_path);
}

static void make_key(uint64_t record, char *key)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[BENCH_KEY_LEN];

    bench_key(record, bytes);
    for (unsigned i = 0; i < BENCH_KEY_LEN / 2; i++) {
        key[2 * i] = digits[bytes[i] >> 4];
        key[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static size_t cached_get(uint64_t record, unsigned char *buf, size_t cap)
{
    char key[BENCH_KEY_LEN];
    size_t len = 0;
    uint32_t flags;
    memcached_return_t rc;
    char *value;

    make_key(record, key);
    value = memcached_get(client, key, sizeof key, &len, &flags, &rc);
    if (!value || len > cap)
        len = 0;
    if (len)
        memcpy(buf, value, len);
    free(value);
    return len;
}

static bool cached_put(uint64_t record, const unsigned char *value, size_t len)
{
    char key[BENCH_KEY_LEN];
    memcached_return_t rc;

    make_key(record, key);
    rc = memcached_set(client, key, sizeof key, (const char *)value, len, 0, 0);
    return rc == MEMCACHED_SUCCESS || rc == MEMCACHED_BUFFERED;
}

static bool cached_bulk(bool on)
{
    bool flushed = on || memcached_flush_buffers(client) == MEMCACHED_SUCCESS;

    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_NOREPLY, on);
    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_BUFFER_REQUESTS, on);
    /* An answer to this one means that all before it are done. */
    return flushed && (on || memcached_version(client) == MEMCACHED_SUCCESS);
}

static memcached_return_t add_pages(const memcached_instance_st *server,
                                    const char *key, size_t key_len,
                                    const char *value, size_t value_len,
                                    void *sum)
{
    static const char *const names[] = {"total_malloced", "hash_bytes"};
    char number[32];

    (void)server;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == key_len &&
            memcmp(names[i], key, key_len) == 0) {
            snprintf(number, sizeof number, "%.*s", (int)value_len, value);
            *(uint64_t *)sum += strtoull(number, NULL, 10);
        }
    }
    return MEMCACHED_SUCCESS;
}

/* Slab pages, which hold the records with their headers, and the index. */
static uint64_t cached_used(void)
{
    uint64_t sum = 0;

    memcached_stat_execute(client, "slabs", add_pages, &sum);
    memcached_stat_execute(client, NULL, add_pages, &sum);
    return sum;
}

static pid_t cached_server(void)
{
    return pid;
}

static bool cached_restart(void)
{
    server_kill(pid);
    memcached_free(client);
    return memcached_begin();
}

static void cached_close(void)
{
    server_kill(pid);
    unlink(socket_path);
}

const bench_engine engine_memcached = {
    .name = "memcached",
    .open = cached_open,
    .child = cached_child,
    .get = cached_get,
    .put = cached_put,
    .bulk = cached_bulk,
    .used = cached_used,
    .server = cached_server,
    .restart = cached_restart,
    .close = cached_close,
};
