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
    uint32_t len;
    const shm_meta *meta; /* as the caller gave it */
    sst_draft draft;      /* of what is stored */
    uint64_t token;       /* that it is stored under */
    sst_slot old;         /* the record that it replaces; word NULL: none */
    sst_head old_head;
    bool create; /* of a key that was not there */
    shm_put_report *report;
    int64_t now_ms;
    sst_room room; /* zero at first, and kept from one hold to the next */

    /* In one hold: where the new record goes, and the word that names it. */
    sst_chunk chunk;
    uint64_t word;
    bool filled; /* it is there, and nobody knows of it yet */
} sst_write;

/**
 * Write the record that is to replace another, if a chunk for it is at hand,
 * before that one is looked at: nothing in it depends on the old record, whose
 * lines are on their way from memory meanwhile.  Then either sst_write_locked
 * or sst_write_undo_locked, in the same hold.
 */
void sst_write_ahead_locked(sst_shard *shard, sst_write *write);
void sst_write_undo_locked(sst_shard *shard, sst_write *write);

/** Store the record.  SST_OK, or SST_FULL with the key's record as it was; or
 *  SST_BUSY, with room.again set: unlock, and begin anew. */
shm_status sst_write_locked(sst_shard *shard, sst_write *write);

#endif
