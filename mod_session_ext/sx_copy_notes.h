/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was carried from one store to another, noted in the other.  A note is
 * kept for as long as the record is in the first store: so what is missing in
 * the second has ended there, and what is missing in the first has ended here.
 *
 * Notes lie in 1 to 1024 records of the second store, by the first bits of
 * their keys: few enough to be written quickly, and each as small as a store
 * may demand and replaced whole.  One more says how many bits that are.
 *
 *   head     format 1 | bits 1 | zero 6
 *   bucket   format 1 | bits 1 | zero 6 | notes, 64 bytes each, by key
 *   note     store key 32 | token there 8 | token here 8 | expires 8 |
 *            hard end 8
 *
 * Little-endian; there is the first store, and expires and hard end are of its
 * clock; here is the second.  They are of an epoch's kind: nothing makes room
 * by them.
 */
#ifndef SX_COPY_NOTES_H
#define SX_COPY_NOTES_H

#include <apr_tables.h>
#include "sx_store.h"

typedef struct sx_copy_note {
    unsigned char key[SX_STORE_KEY_LEN];
    uint64_t from_token, to_token;
    int64_t expires_ms, hard_end_ms; /* clock of the first store */
    bool there;                      /* the second store still has it */
    bool seen;                       /* so has the first */
} sx_copy_note;

typedef struct sx_copy_notes {
    apr_array_header_t *known; /* of sx_copy_note, by key */
    apr_array_header_t *added; /* since they were read */
    int bits;                  /* of what was read; -1: nothing was there */
} sx_copy_notes;

/** Is this the key of a record of notes, which is nothing to carry? */
bool sx_copy_is_note(const unsigned char *key);

/** What ${to} has noted of the store of the life ${life}.  OK; an outage. */
sx_answer sx_copy_notes_read(sx_store *to, uint64_t life, sx_copy_notes *notes,
                             apr_pool_t *pool);

/** The same from the point of view of the other store, whose clock is
 *  ${shift_ms} behind that of this one. */
void sx_copy_notes_turn(sx_copy_notes *notes, int64_t shift_ms);

/** The one of ${key}, among those that were known; NULL: none. */
sx_copy_note *sx_copy_note_of(const sx_copy_notes *notes,
                              const unsigned char *key);

/** A new one, of ${key}; the rest is the caller's to fill in. */
sx_copy_note *sx_copy_note_add(sx_copy_notes *notes, const unsigned char *key);

/** Note in ${to}, whose clock is ${shift_ms} ahead, those that are `seen` and
 *  no others.  ${notes} were read there, or are new there and have no bits. */
sx_answer sx_copy_notes_write(sx_store *to, uint64_t life,
                              const sx_copy_notes *notes, int64_t shift_ms,
                              apr_pool_t *pool);

/** Take away what ${to} has noted of the store of the life ${life}. */
sx_answer sx_copy_notes_remove(sx_store *to, uint64_t life, apr_pool_t *pool);

#endif
