/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot: the dump of a store in a file, sealed as one stream, so that a
 * flipped bit, a cut or an exchanged piece is noticed before anything of it
 * counts.
 *
 *   magic 8 | version 1 | kid 1 | zero 6 | stream header 24     40 bytes
 *   length 4 | ciphertext                                      again and again
 *
 * The stream is libsodium's secretstream (XChaCha20-Poly1305) under the
 * "snapshot" subkey of kid, the first 16 bytes bound to every piece; the last
 * piece carries the final tag and nothing follows it.
 *
 * The file is written under a name of its own in the same directory and gets
 * its own by rename, on the disk before and after: who reads it finds the old
 * one or the new one.  Nothing here logs, and no function needs a pool: they
 * run in threads of their own.
 */
#ifndef SX_SNAPSHOT_H
#define SX_SNAPSHOT_H

#include "shm_snapshot.h"
#include "sx_keys.h"

typedef struct sx_snapshot {
    shm_store *store;
    const char *path;
    const sx_keys *keys; /* the first writes, all read */
    bool journal;        /* the store keeps one beside this file */
    /* Asked before the file gets its name; NULL: always. */
    bool (*still)(void *baton);
    /* Told how many bytes were written or read; NULL: nobody. */
    void (*progress)(void *baton, uint64_t bytes);
    void *baton;
} sx_snapshot;

/**
 * Write a snapshot.  Returns true, or false and in ${err} (${errlen} bytes) a
 * sentence that names the file and what failed; then the file of before is
 * there as it was, unless its journal could not be written.
 */
bool sx_snapshot_write(const sx_snapshot *snapshot, int64_t now_ms,
                       shm_dump_report *report, char *err, size_t errlen);

typedef enum sx_restored {
    SX_RESTORE_DONE,
    SX_RESTORE_NONE,   /* there is no such file */
    SX_RESTORE_REFUSED /* nothing was put: ${err} says why */
} sx_restored;

/**
 * Bring back what a snapshot holds and what has not ended since.  The whole
 * file is verified before the first record is put.  With ${force} what can be
 * had of a damaged file is put, journals that are damaged or missing count as
 * far as they can be read, and the answer is DONE with the damage in ${err}.
 * ${err} is empty if nothing is wrong.
 */
sx_restored sx_snapshot_restore(const sx_snapshot *snapshot, bool force,
                                int64_t now_ms, shm_load_report *report,
                                char *err, size_t errlen);

/** Keep a snapshot that was refused from being overwritten: it and its
 *  journals move to PATH.refused.  False if that failed. */
bool sx_snapshot_set_aside(const char *path);

#endif
