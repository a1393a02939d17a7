/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One write: fill, publish, free in one lock hold.  Room for it may take some
 * holds before that one.
 */
#ifndef SST_WRITE_H
#define SST_WRITE_H

#include "sst_room.h"

typedef struct sst_write {
    const unsigned char *key;
    const sst_hash *hash;
    const void *value;
    shm_meta *meta; /* value_len set; gets the token */
    sst_slot old;   /* the record that it replaces; word NULL: none */
    bool create;    /* of a key that was not there */
    shm_put_report *report;
    int64_t now_ms;
    sst_room room; /* zero at first, and kept from one hold to the next */
} sst_write;

/** Store the record.  SST_OK, or SST_FULL with the key's record as it was; or
 *  SST_BUSY, with room.again set: unlock, and begin anew. */
shm_status sst_write_locked(sst_shard *shard, sst_write *write);

#endif
