/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the file store as bytes: 128 of head, then the value.
 *
 *   magic "SXR1" | kind 1 | zero 3 | namespace 4 | length 4 | user tag 8 |
 *   handle 8 | created ms 8 | hard end ms 8 | token 8 | store key 32 |
 *   check of the value 8 | check of what is before 8 |
 *   expires ms 8 | last access ms 8 | check of both 8
 *
 * Little-endian.  The last three are written over by an access, alone, and have
 * a check of their own; they are within one sector.  The checks are SipHash
 * under a key that everybody knows: against accidents.  Who may write to the
 * directory is trusted, and sealed values do not open if he writes nonsense.
 */
#ifndef SX_STORE_FILE_RECORD_H
#define SX_STORE_FILE_RECORD_H

#include "sx_store.h"

#define SX_FILE_HEAD_LEN  128
#define SX_FILE_TIMES_AT  104
#define SX_FILE_TIMES_LEN 24

/** The head of the record of ${bytes}; meta->token is its token. */
void sx_file_head_make(unsigned char head[SX_FILE_HEAD_LEN],
                       const unsigned char *key, sx_str bytes,
                       const sx_record_meta *meta);

/** Only the times, for who notes an access. */
void sx_file_times_make(unsigned char times[SX_FILE_TIMES_LEN],
                        const sx_record_meta *meta);

/** What a head says of the record of ${key}, and how long its value is.  False:
 *  it is none of this key, or damaged. */
bool sx_file_head_open(const unsigned char head[SX_FILE_HEAD_LEN],
                       const unsigned char *key, sx_record_meta *meta,
                       size_t *len);

/** Is that the value that ${head} is of? */
bool sx_file_value_ok(const unsigned char head[SX_FILE_HEAD_LEN], sx_str bytes);

/** A check of any ${len} bytes. */
uint64_t sx_file_check(const void *bytes, size_t len);

#endif
