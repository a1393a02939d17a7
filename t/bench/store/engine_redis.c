/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis over a unix socket, one answer awaited for each command, nothing kept
 * on disk.  Keys are the 32 bytes as they are.
 */
#include <hiredis/hiredis.h>
#include <unistd.h>
#include "engine.h"
#include "server.h"

#define PIPELINE 256 /* commands under way while filling */

static char socket_path[100];
static pid_t pid;
static redisContext *redis;
static bool in_bulk;
static unsigned under_way;
static uint64_t empty_used;

static bool connect_to(const char *path)
{
    redis = redisConnectUnix(path);
    if (redis && !redis->err)
        return true;
    if (redis)
        redisFree(redis);
    redis = NULL;
    return false;
}

static bool redis_start(void)
{
    char *argv[] = {"redis-server", "--port",      "0",  "--unixsocket",
                    socket_path,    "--save",      "",   "--appendonly",
                    "no",           "--daemonize", "no", NULL};

    pid = server_start(argv, socket_path, connect_to);
    return pid > 0;
}

/* A number in what INFO says; 0 if it is not there. */
static uint64_t info(const char *name)
{
    redisReply *reply = redisCommand(redis, "INFO memory");
    const char *at = reply && reply->str ? strstr(reply->str, name) : NULL;
    uint64_t value = at ? strtoull(at + strlen(name), NULL, 10) : 0;

    if (reply)
        freeReplyObject(reply);
    return value;
}

static uint64_t redis_total(void)
{
    return info("used_memory:");
}

static const char *redis_open(const bench_plan *plan)
{
    snprintf(socket_path, sizeof socket_path, "%s/redis-%d", plan->dir,
             (int)getpid());
    if (!redis_start())
        return pid == 0 ? "not installed" : "redis-server does not answer";
    empty_used = redis_total();
    return NULL;
}

static bool redis_child(void)
{
    return connect_to(socket_path);
}

static size_t redis_get(uint64_t record, unsigned char *buf, size_t cap)
{
    unsigned char key[BENCH_KEY_LEN];
    redisReply *reply;
    size_t len = 0;

    bench_key(record, key);
    reply = redisCommand(redis, "GET %b", key, sizeof key);
    if (!reply)
        return 0;
    if (reply->type == REDIS_REPLY_STRING && reply->len <= cap) {
        len = reply->len;
        memcpy(buf, reply->str, len);
    }
    freeReplyObject(reply);
    return len;
}

static bool one_reply(redisReply *reply)
{
    bool done = reply && reply->type == REDIS_REPLY_STATUS;

    if (reply)
        freeReplyObject(reply);
    return done;
}

static bool drain(void)
{
    bool done = true;

    for (; under_way > 0; under_way--) {
        void *reply = NULL;

        if (redisGetReply(redis, &reply) != REDIS_OK)
            return false;
        done = one_reply(reply) && done;
    }
    return done;
}

static bool redis_bulk(bool on)
{
    in_bulk = on;
    return drain();
}

static bool redis_put(uint64_t record, const unsigned char *value, size_t len)
{
    unsigned char key[BENCH_KEY_LEN];

    bench_key(record, key);
    if (!in_bulk)
        return one_reply(
            redisCommand(redis, "SET %b %b", key, sizeof key, value, len));
    if (redisAppendCommand(redis, "SET %b %b", key, sizeof key, value, len) !=
        REDIS_OK)
        return false;
    return ++under_way < PIPELINE || drain();
}

static uint64_t redis_used(void)
{
    return redis_total() - empty_used;
}

static pid_t redis_server(void)
{
    return pid;
}

static bool redis_restart(void)
{
    server_kill(pid);
    redisFree(redis);
    return redis_start();
}

static void redis_close(void)
{
    server_kill(pid);
    unlink(socket_path);
}

const bench_engine engine_redis = {
    .name = "redis",
    .open = redis_open,
    .child = redis_child,
    .get = redis_get,
    .put = redis_put,
    .bulk = redis_bulk,
    .used = redis_used,
    .server = redis_server,
    .restart = redis_restart,
    .close = redis_close,
};
