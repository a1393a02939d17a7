/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the Redis backend as the bytes of its value, with integers in
 * little-endian order:
 *
 *    0  "sx" | format 1 | kind 1     32  created ms 8
 *    4  ns 4                         40  hard end ms 8
 *    8  token 8                      48  last access ms 8
 *   16  user tag 8                   56  expires ms 8
 *   24  handle 8                     64  bytes of the value 4, then these
 *
 * Scripts read and compare some of it where it lies (sx_store_redis_script.c).
 */
#ifndef SX_STORE_REDIS_RECORD_H
#define SX_STORE_REDIS_RECORD_H

#include "sx_store.h"

#define SX_REDIS_HEAD_LEN 68
#define SX_REDIS_TOKEN_AT 8
#define SX_REDIS_TOKEN    8 /* bytes */

/** Numbers of a script are doubles: no time is larger. */
#define SX_REDIS_TIME_MAX (INT64_C(1) << 53)

/** May a record with ${meta} be stored here? */
bool sx_redis_meta_ok(const sx_record_meta *meta);

/** The head of a record with ${len} bytes. */
void sx_redis_head_make(unsigned char head[SX_REDIS_HEAD_LEN],
                        const sx_record_meta *meta, size_t len);

/** Read the head at ${head}, and how many bytes follow.  False: it is none. */
bool sx_redis_head_open(const char *head, sx_record_meta *meta, size_t *len);

/** Read a whole value: ${bytes} lies in it. */
bool sx_redis_record_open(sx_str value, sx_record_meta *meta, sx_str *bytes);

/** Eight bytes and the number that they are. */
void sx_redis_put64(void *at, uint64_t number);
uint64_t sx_redis_get64(const void *at);

#endif
