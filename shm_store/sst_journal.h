/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of ends beside a snapshot: shm_store.h says why and in which
 * order.  A file is a head and entries, 32 bytes each, that are appended by
 * one write(2) each, so that writers of many processes need no lock between
 * them.  Keys are cut to half: enough to be one of its kind.
 */
#ifndef SST_JOURNAL_H
#define SST_JOURNAL_H

#include <limits.h>

#include "sst_index.h"

#define SST_JOURNAL_MAGIC   UINT64_C(0x314e524a4d4853) /* "SHMJRN1" */
#define SST_JOURNAL_VERSION 1u
#define SST_JOURNAL_ENDED   1u
#define SST_JOURNAL_EPOCH   2u
#define SST_JOURNAL_KEY     16
#define SST_JOURNAL_NAME    (PATH_MAX + 32)

typedef struct sst_journal_head {
    uint64_t magic;
    uint32_t version;
    uint32_t sum;
    uint64_t generation;
    uint64_t life;
} sst_journal_head;
_Static_assert(sizeof(sst_journal_head) == 32, "format");

typedef struct sst_journal_entry {
    uint32_t type;
    uint32_t sum;
    union {
        uint8_t key[SST_JOURNAL_KEY];
        struct {
            uint64_t user_tag;
            int64_t own_ms; /* sessions made before it are over */
        } epoch;
    } of;
    uint64_t token; /* ENDED: this one of the key and all before it */
} sst_journal_entry;
_Static_assert(sizeof(sst_journal_entry) == 32, "format");

static inline uint32_t sst_journal_head_sum(const sst_journal_head *head)
{
    sst_journal_head copy = *head;

    copy.sum = 0;
    return (uint32_t)sst_sum(&copy, sizeof(copy), copy.generation);
}

/* Of one journal only: an entry that was copied to another is noticed. */
static inline uint32_t sst_journal_entry_sum(const sst_journal_entry *entry,
                                             const sst_journal_head *head)
{
    sst_journal_entry copy = *entry;

    copy.sum = 0;
    return (uint32_t)sst_sum(&copy, sizeof(copy),
                             head->life ^ head->generation);
}

/* An end on its way: what of it is in which journal. */
typedef struct sst_noted {
    bool wanted; /* it has to be noted first */
    uint64_t token;
    uint64_t generation;
} sst_noted;

/** Under the record's lock: may the record with ${token} be ended?  False:
 *  unlock, call sst_journal_note, lock and try again. */
bool sst_journal_may_end(const shm_store *store, sst_noted *noted,
                         uint64_t token);

/** The same for a put, which ends something if it is an epoch, or an alias or
 *  tombstone that takes the place of the record with ${token}. */
bool sst_journal_may_put(const shm_store *store, sst_noted *noted,
                         uint64_t token, const shm_meta *meta);

/** Note the end of the record under ${key}, or what a put of ${meta} ends. */
void sst_journal_note(shm_store *store, const unsigned char *key,
                      sst_noted *noted);
void sst_journal_note_put(shm_store *store, const unsigned char *key,
                          sst_noted *noted, const shm_meta *meta,
                          int64_t now_ms);

/** For an eviction, which ends a record under the lock that it has. */
void sst_journal_evicted_locked(const sst_shard *shard, const sst_chunk *chunk);

/** In attach, while everybody waits: keep a journal from now on, of a later
 *  generation than all that lie there, or none if none is configured.  A
 *  snapshot that lies there is removed unless the segment is ${fresh}, and then
 *  filled from it, or every end was noted beside it.  False with a sentence in
 *  ${why}. */
bool sst_journal_start(shm_store *store, bool fresh, char *why, size_t whylen);

/** In every process that attaches: where the journal is. */
void sst_journal_join(shm_store *store);

/** Bring what was written to the disk. */
void sst_journal_sync(shm_store *store);

void sst_journal_close(shm_store *store);

/** The name of one journal, in ${name} of SST_JOURNAL_NAME bytes. */
void sst_journal_name(char *name, const char *base, uint64_t generation);

/** Every journal of ${base} there is, in no order; false from ${visit} stops.
 *  False with errno set if the directory cannot be read or visit stopped. */
typedef bool sst_journal_visit(void *baton, const char *name,
                               uint64_t generation);
bool sst_journal_each(const char *base, sst_journal_visit *visit, void *baton);

/** Is ${fd} a journal that may be believed, or written to: a regular file with
 *  one link, closed to others, of ours unless we are root, and its head right?
 *  NULL, or what is wrong. */
const char *sst_journal_check(int fd, uint64_t generation,
                              sst_journal_head *head);

#endif
