/* SPDX-License-Identifier: Apache-2.0 */
/* A cache as a stage: memcached, with a segment beside it. */
#ifndef BACKENDS_CACHE_H
#define BACKENDS_CACHE_H

#include "memcached.h"
#include "stage.h"

static void cache_open(stage *at, uint64_t size, shm_on_full on_full)
{
    if (memcached.pid == 0) {
        memcached_start();
    }
    stage_open_shm(at, size, on_full);
    at->realm.store = sx_store_cache_create(&memcached_cache, at->realm.store,
                                            at->now.boot_ms, at->pool);
    if (!at->realm.store) {
        stage_give_up("no secret for a cache");
    }
}

static void cache_spoil(stage *at, const unsigned char *key)
{
    unsigned char bytes[4096];
    size_t len = sizeof(bytes);

    (void)at;
    if (memcached_retrieve(NULL, key, bytes, &len) != SX_STORE_OK) {
        stage_give_up("nothing to spoil");
    }
    bytes[len - 1] ^= 1;
    memcached_store(NULL, key, (sx_str){(const char *)bytes, len}, 60);
}

static const stage_backend stage_cache = {.name = "cache",
                                          .cannot = CANNOT_EACH | CANNOT_SWEEP |
                                                    CANNOT_QUEUE | CANNOT_COUNT,
                                          .max_record = MEMCACHED_RECORD_MAX,
                                          .open = cache_open,
                                          .close = stage_close_shm,
                                          .records = stage_records_shm,
                                          .spoil = cache_spoil};

#endif
