/* SPDX-License-Identifier: Apache-2.0 */
/* Redis as a stage: one server for all of a process. */
#ifndef BACKENDS_REDIS_H
#define BACKENDS_REDIS_H

#include "redis_server.h"
#include "stage.h"

/* One server for all stages: thousands are begun. */
static void redis_open(stage *at, uint64_t size, shm_on_full on_full)
{
    static const char *const nothing_more[] = {NULL};
    redisReply *reply;

    (void)size;
    (void)on_full;
    if (!redis.pid) {
        redis_start(nothing_more);
    }
    reply = redis_say("FLUSHALL");
    if (!reply) {
        stage_give_up("redis does not answer");
    }
    freeReplyObject(reply);
    at->realm.store = redis_store(
        apr_pstrcat(at->pool, "unix:", redis.socket, NULL), at->pool);
}

static void redis_close(stage *at)
{
    (void)at;
}

/* But for what the store keeps for itself. */
static long long redis_records(stage *at)
{
    (void)at;
    return redis_number("DBSIZE") - 1;
}

static void redis_spoil(stage *at, const unsigned char *key)
{
    (void)at;
    if (redis_number("APPEND sx:%b !", key, (size_t)SX_STORE_KEY_LEN) < 2) {
        stage_give_up("nothing to spoil");
    }
}

static const stage_backend stage_redis = {
    .name = "redis",
    .cannot = CANNOT_SWEEP | CANNOT_QUEUE, /* it sweeps by itself */
    .max_record = SX_REDIS_RECORD_MAX,
    .open = redis_open,
    .close = redis_close,
    .records = redis_records,
    .spoil = redis_spoil};

#endif
