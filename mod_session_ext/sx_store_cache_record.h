/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record in a cache as bytes: 96 of head, then the value.
 *
 *   magic "SXC1" | kind 1 | zero 3 | namespace 4 | length 4 | life 8 |
 *   user tag 8 | handle 8 | created ms 8 | last access ms 8 | expires ms 8 |
 *   hard end ms 8 | token 8 | tag 16
 *
 * Little-endian.  The tag is a BLAKE2b under the secret, over the store key,
 * the head before it and the value.  For the files of sx_store_cache alone.
 */
#ifndef SX_STORE_CACHE_RECORD_H
#define SX_STORE_CACHE_RECORD_H

#include "sx_store.h"

#define SX_CACHE_HEAD_LEN   96
#define SX_CACHE_SECRET_LEN 32

/* What every record of a cache has in common. */
typedef struct sx_cache_facts {
    unsigned char secret[SX_CACHE_SECRET_LEN];
    uint64_t life;
} sx_cache_facts;

/** The head of the record of ${bytes}; meta->token is its token. */
void sx_cache_head_make(const sx_cache_facts *facts,
                        unsigned char head[SX_CACHE_HEAD_LEN],
                        const unsigned char *key, sx_str bytes,
                        const sx_record_meta *meta);

/** What ${whole} says, as the record of ${key}: OK; MISS: it is of another
 *  life; DAMAGED.  ${bytes} points into it. */
sx_answer sx_cache_record_open(const sx_cache_facts *facts,
                               const unsigned char *key, sx_str whole,
                               sx_str *bytes, sx_record_meta *meta);

#endif
