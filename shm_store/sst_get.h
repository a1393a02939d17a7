/* SPDX-License-Identifier: Apache-2.0 */
/* Read a record under its shard's lock: what get and dump have in common. */
#ifndef SST_GET_H
#define SST_GET_H

#include "sst_record.h"

typedef struct sst_get {
    const unsigned char *key;
    void *buf;
    size_t buflen;
    shm_meta *meta;
    int64_t grace_ms;
    int64_t now_ms;
} sst_get;

/** As shm_store_get; counts nothing but damage. */
shm_status sst_get_locked(sst_shard *shard, const sst_hash *hash,
                          const sst_get *get);

#endif
