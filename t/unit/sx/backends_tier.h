/* SPDX-License-Identifier: Apache-2.0 */
/* A tier as a stage: a segment in front of files, or of Redis. */
#ifndef BACKENDS_TIER_H
#define BACKENDS_TIER_H

#include "backends_file.h"

#ifdef SX_HAVE_REDIS
#include "backends_redis.h"
#endif
#include "sx_store_tier.h"

/* Of the one stage that is begun on a tier: where its DURABLE is. */
static stage tier_files;

static void tier_begin(stage *at, uint64_t size, const stage_backend *durable,
                       int64_t max_age_ms)
{
    sx_store *fast;
    stage segment = *at;

    /* FAST goes by a clock of its own. */
    segment.now.boot_ms = shm_store_clock_ms();
    stage_open_shm(&segment, size, SST_REFUSE);
    memcpy(at->path, segment.path, sizeof(at->path));
    at->segment = segment.segment;
    fast = segment.realm.store;
    tier_files = *at;
    durable->open(&tier_files, size, SST_REFUSE);
    at->realm.store = sx_store_tier_create(fast, tier_files.realm.store,
                                           durable->name, max_age_ms, at->pool);
}

static void tier_open(stage *at, uint64_t size, shm_on_full on_full)
{
    (void)on_full;
    tier_begin(at, size, &stage_file, 0);
}

/* Who meets no other host finds nothing that is too old. */
static void tier_open_aged(stage *at, uint64_t size, shm_on_full on_full)
{
    (void)on_full;
    tier_begin(at, size, &stage_file, HOUR);
}

static void tier_close(stage *at)
{
    file_close(&tier_files);
    stage_close_shm(at);
}

static long long tier_records(stage *at)
{
    (void)at;
    return file_records(&tier_files);
}

static void tier_spoil(stage *at, const unsigned char *key)
{
    (void)at;
    file_spoil(&tier_files, key);
}

static void tier_spoil_both(stage *at, const unsigned char *key)
{
    stage_spoil_shm(at, key);
    file_spoil(&tier_files, key);
}

static const stage_backend stage_tier = {.name = "tier",
                                         .max_record = SX_FILE_RECORD_MAX,
                                         .open = tier_open,
                                         .close = tier_close,
                                         .records = tier_records,
                                         .spoil = tier_spoil};

static const stage_backend stage_tier_aged = {.name = "tier with copies",
                                              .max_record = SX_FILE_RECORD_MAX,
                                              .open = tier_open_aged,
                                              .close = tier_close,
                                              .records = tier_records,
                                              .spoil = tier_spoil_both};

#ifdef SX_HAVE_REDIS
static void tier_redis_open(stage *at, uint64_t size, shm_on_full on_full)
{
    (void)on_full;
    tier_begin(at, size, &stage_redis, HOUR);
}

static void tier_redis_spoil(stage *at, const unsigned char *key)
{
    stage_spoil_shm(at, key);
    redis_spoil(at, key);
}

static const stage_backend stage_tier_redis = {.name = "tier on redis",
                                               .cannot = CANNOT_SWEEP,
                                               .max_record =
                                                   SX_REDIS_RECORD_MAX,
                                               .open = tier_redis_open,
                                               .close = stage_close_shm,
                                               .records = redis_records,
                                               .spoil = tier_redis_spoil};
#endif

#endif
