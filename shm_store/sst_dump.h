/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a dump: one head, records, one end.  The structs are as they
 * stand in the stream, little-endian as all hosts that a segment is for, and
 * without a gap.  The sum of a record is seeded by its number, so that records
 * cannot change places, be doubled or left out unnoticed; the end is a record
 * of its own with their count.
 */
#ifndef SST_DUMP_H
#define SST_DUMP_H

#include "sst_handle.h"

#define SST_DUMP_MAGIC   UINT64_C(0x31504d44454d4853) /* "SHMEDMP1" */
#define SST_DUMP_VERSION 1u
#define SST_DUMP_RECORD  1u
#define SST_DUMP_END     2u

typedef struct sst_dump_head {
    uint64_t magic;
    uint32_t version;
    uint32_t unused;
    uint64_t generation; /* of the journal that goes on from here; 0: none */
    uint64_t life;       /* of the segment it was taken from */
    uint64_t token;      /* none that was given so far is larger */
    int64_t own_ms;      /* one moment, on the segment's clock, */
    int64_t real_ms;     /* the wall clock, */
    int64_t boot_ms;     /* and the boot clock */
    uint8_t boot_id[16];
    uint64_t sum;
} sst_dump_head;
_Static_assert(sizeof(sst_dump_head) == 88, "format");

typedef struct sst_dump_record {
    uint32_t type;
    uint32_t value_len; /* so many bytes follow */
    uint8_t key[SST_KEY_LEN];
    uint32_t kind;
    uint32_t ns;
    uint64_t user_tag;
    uint64_t handle;
    uint64_t token; /* of an end: how many records there are */
    int64_t created_ms;
    int64_t last_access_ms;
    int64_t expires_ms;
    int64_t hard_end_ms;
    uint64_t sum;
} sst_dump_record;
_Static_assert(sizeof(sst_dump_record) == 112, "format");

static inline uint64_t sst_dump_head_sum(const sst_dump_head *head)
{
    return sst_sum(head, offsetof(sst_dump_head, sum), SST_DUMP_VERSION);
}

static inline uint64_t sst_dump_record_sum(const sst_dump_record *record,
                                           const void *value, uint64_t number)
{
    return sst_sum(value, record->value_len,
                   sst_sum(record, offsetof(sst_dump_record, sum), number));
}

#endif
