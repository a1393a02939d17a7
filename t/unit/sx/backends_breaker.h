/* SPDX-License-Identifier: Apache-2.0 */
/* A circuit breaker as a stage: a wrapper around a segment. */
#ifndef BACKENDS_BREAKER_H
#define BACKENDS_BREAKER_H

#include "stage.h"

#include "sx_store_breaker.h"

static void breaker_open(stage *at, uint64_t size, shm_on_full on_full)
{
    static const sx_breaker_config config;

    stage_open_shm(at, size, on_full);
    at->realm.store =
        sx_store_breaker_create(at->realm.store, &config, at->pool);
}

static const stage_backend stage_breaker = {.name = "breaker",
                                            .max_record = 256 * 1024,
                                            .open = breaker_open,
                                            .close = stage_close_shm,
                                            .records = stage_records_shm,
                                            .spoil = stage_spoil_shm};

#endif
