/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a file store: names in it, locks, its clock.  For the files
 * of sx_store_file alone.
 */
#ifndef SX_STORE_FILE_DIR_H
#define SX_STORE_FILE_DIR_H

#include "sx_store_file.h"

#define SX_FILE_BUCKETS 256
#define SX_FILE_NAME    (3 + 2 * SX_STORE_KEY_LEN + 1) /* "ab/ab12..." */

/* Bytes of DIR/lock; behind them nothing is locked.  Before them, the last
 * token of each bucket. */
enum {
    SX_FILE_LOCK_BUCKET = SX_FILE_BUCKETS * 8,
    SX_FILE_LOCK_QUEUE = SX_FILE_LOCK_BUCKET + SX_FILE_BUCKETS,
    SX_FILE_LOCK_SWEEP = SX_FILE_LOCK_QUEUE + SX_FILE_BUCKETS,
    SX_FILE_LOCK_STORE
};

/* What DIR/store says. */
typedef struct sx_file_facts {
    uint64_t life;
    int64_t offset_ms; /* that the store's clock is ahead of the boot's */
} sx_file_facts;

/** Begin or read DIR/store, and set the clock if this is another boot. */
bool sx_file_facts_read(int dir, const sx_file_config *config,
                        sx_file_facts *facts, const char **why,
                        apr_pool_t *pool);

/** Note that the store's clock has come to ${now_ms}: after a reboot it goes on
 *  from there. */
void sx_file_facts_reached(int dir, int64_t now_ms);

/** The path of a record, below DIR. */
void sx_file_name(const unsigned char *key, char name[SX_FILE_NAME]);

/** The key that a name in a bucket is of.  False: of none. */
bool sx_file_key_of(const char *name, unsigned char *key);

/** A lock on ${byte} of DIR/lock, waited for ${wait_ms}.  Returns a descriptor
 *  of DIR/lock that close() unlocks; -1 with errno, EAGAIN: others have it. */
int sx_file_lock(int dir, off_t byte, int64_t wait_ms);

/** The next token of ${bucket}, whose lock ${fd} is.  0: errno says why. */
uint64_t sx_file_token(int fd, unsigned bucket);

#endif
