/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of a store as lines of JSON, for people, scripts and backups:
 * objects without a level below them, one a line.
 *
 *   {"htsession":1,"store":"shm","life":"16 hex","taken":MS}     the first line
 *   {"key":"64 hex","kind":"user","ns":"8 hex","tag":"16 hex",
 *    "handle":"16 hex","created":MS,"access":MS,"expires":MS,"end":MS,
 *    "bytes":"base64url without padding"}                       one a record
 *   {"records":N}                                                the last line
 *
 * MS is a moment by the wall clock, in ms since 1970; tag 0 is none.  The bytes
 * are as the store has them: sealed, and bound to the key.  Members may be in
 * any order, and blanks where JSON has them; all must be there and no other,
 * since what is not understood might have mattered.  Lines may be taken out, so
 * the last one's number is of the records that were written.
 *
 * What is read may be anything.  It is read by jansson: the grammar of JSON is
 * not what this project is for.
 */
#ifndef SX_DUMP_H
#define SX_DUMP_H

#include "sx_store.h"

#define SX_DUMP_VERSION  1
#define SX_DUMP_LINE_MAX ((size_t)12 << 20) /* more than any record needs */

typedef enum sx_dump_what {
    SX_DUMP_BAD,
    SX_DUMP_HEAD,
    SX_DUMP_RECORD,
    SX_DUMP_END
} sx_dump_what;

typedef struct sx_dump_line {
    /* a head */
    uint64_t life;
    int64_t taken_ms;
    /* a record: its times are of the wall clock */
    unsigned char key[SX_STORE_KEY_LEN];
    sx_record_meta meta;
    sx_str bytes;
    /* an end */
    uint64_t records;
} sx_dump_line;

/** The lines, without a newline.  ${store} is a word. */
const char *sx_dump_head(const char *store, uint64_t life, int64_t taken_ms,
                         apr_pool_t *pool);
const char *sx_dump_record(const unsigned char *key, const sx_record_meta *meta,
                           sx_str bytes, apr_pool_t *pool);
const char *sx_dump_end(uint64_t records, apr_pool_t *pool);

/** What a line is, and what it says.  SX_DUMP_BAD: ${*why} says what is wrong
 *  and what is accepted, and has nothing of the line. */
sx_dump_what sx_dump_read(sx_str text, sx_dump_line *line, const char **why,
                          apr_pool_t *pool);

#endif
