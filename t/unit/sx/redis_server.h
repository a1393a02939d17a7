/* SPDX-License-Identifier: Apache-2.0 */
/* A real redis-server for the C tests: on a socket in a directory of its own,
 * or on a port as well; one a program, gone with it. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <fcntl.h>
#include <ftw.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "sx_store_redis.h"

typedef struct redis_server {
    char dir[40], socket[64];
    pid_t pid, owner;
    redisContext *raw; /* of the test's own questions */
} redis_server;

static redis_server redis;

static void redis_stop(void)
{
    if (redis.pid <= 0 || redis.owner != getpid())
        return;
    kill(redis.pid, SIGCONT);
    kill(redis.pid, SIGKILL);
    waitpid(redis.pid, NULL, 0);
    redis.pid = 0;
    if (redis.raw)
        redisFree(redis.raw);
    redis.raw = NULL;
}

static int redis_unlink(const char *path, const struct stat *st, int type,
                        struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void redis_clean_up(void)
{
    if (redis.owner != getpid())
        return;
    redis_stop();
    (void)nftw(redis.dir, redis_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

static void redis_exec(const char *const *more)
{
    const char *args[32] = {
        "redis-server", "--port",       "0",         "--save", "", "--dir",
        redis.dir,      "--unixsocket", redis.socket};
    int n = 9, null = open("/dev/null", O_RDWR);

    while (*more)
        args[n++] = *more++;
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(args[0], (char *const *)(uintptr_t)args);
    _exit(127);
}

/* What redis says to a command, made as hiredis has it
 * (%s, %b); to be freed.  NULL: it does
 * not. */
static redisReply *redis_say(const char *format, ...)
{
    redisReply *reply;
    va_list args;

    if (!redis.raw)
        redis.raw = redisConnectUnix(redis.socket);
    va_start(args, format);
    reply = redisvCommand(redis.raw, format, args);
    va_end(args);
    if (!reply) {
        redisFree(redis.raw);
        redis.raw = NULL;
    }
    return reply;
}

static bool redis_answers(void)
{
    redisReply *reply = redis_say("PING");
    bool good = reply && reply->type != REDIS_REPLY_NIL &&
                !strstr(reply->str, "LOADING");

    if (reply)
        freeReplyObject(reply);
    return good;
}

/* With more arguments, "--name", "value", the last one NULL. */
static void redis_start(const char *const *more)
{
    if (!redis.dir[0]) {
        snprintf(redis.dir, sizeof(redis.dir), "/tmp/sx-redis-XXXXXX");
        if (!mkdtemp(redis.dir))
            stage_give_up("no directory for redis");
        snprintf(redis.socket, sizeof(redis.socket), "%s/socket", redis.dir);
        redis.owner = getpid();
        atexit(redis_clean_up);
    }
    redis.pid = fork();
    if (redis.pid == 0)
        redis_exec(more);
    for (int i = 0; i < 500; i++) {
        if (redis_answers())
            return;
        usleep(20000);
    }
    stage_give_up("redis-server did not come up");
}

/* The number that redis answers. */
static inline long long redis_number(const char *format, ...)
{
    redisReply *reply;
    long long n = -1;
    va_list args;

    if (!redis.raw)
        redis.raw = redisConnectUnix(redis.socket);
    va_start(args, format);
    reply = redisvCommand(redis.raw, format, args);
    va_end(args);
    if (reply && reply->type == REDIS_REPLY_INTEGER)
        n = reply->integer;
    if (reply)
        freeReplyObject(reply);
    return n;
}

/* A figure of what redis tells about itself. */
static inline long long redis_figure(const char *name)
{
    redisReply *reply = redis_say("INFO");
    const char *found = reply && reply->str ? strstr(reply->str, name) : NULL;
    long long n = found ? strtoll(found + strlen(name) + 1, NULL, 10) : -1;

    if (reply)
        freeReplyObject(reply);
    return n;
}

static inline sx_store *redis_store(const char *url, apr_pool_t *pool)
{
    sx_redis_config config;
    const char *why = sx_redis_config_read(&config, url, pool);
    sx_store *store = NULL;

    if (!why)
        why = sx_redis_config_load(&config, pool);
    if (!why)
        store = sx_store_redis_open(&config, &why, pool);
    if (!store)
        stage_give_up(why);
    return store;
}

#endif
