/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an earlier layout to this one, with nobody inside.
 *
 * Where. A child may neither make a file in the directory of the segment nor
 * rename one: that is the parent's, and all it inherits is the open file.  So
 * the new segment is made in that file, behind the old one:
 *
 *   0      old segment              length n
 *   n      new segment, being made  length sst_migrating_len(n)
 *
 * When it is whole, one store into the old header's state word, MIGRATING, says
 * that from now on the new one counts.  It is copied over the old one, which
 * can be done again as often as somebody dies at it; READY is stored, and the
 * file gets its length back.  So at every moment either the old segment is
 * whole or the new one, and whether there is room is known before anything is
 * given up.
 *
 * Why not records one by one, in a stream such as a dump? Behind the store that
 * gives up the old segment would come all that can fail: a parser, and a full
 * segment.  Here it is a copy of bytes.
 *
 * What comes out is a segment as a server leaves it that was stopped: attach
 * goes on as with any other.  Records keep their tokens and times; counters
 * begin again.
 */
#ifndef SST_MIGRATE_H
#define SST_MIGRATE_H

#include "sst_handle.h"

/* What the segment has beside its records.  Its life goes on: the hash key, of
 * which its journal knows, stays. */
typedef struct sst_old_head {
    uint8_t hash_key[16];
    sst_clock_shm clock;
    uint64_t pid_ns, dev, ino;
    uint64_t token; /* none that was given is larger */
    uint64_t snap_gen, snap_fail;
    char snap_path[SST_SNAP_PATH];
} sst_old_head;

/* Times as shm_store_get tells them, in the clock of the head. */
typedef bool sst_old_visit(void *baton, const unsigned char *key,
                           const void *value, const shm_meta *meta);

/* An earlier layout: a file of its own that knows the bytes as they were, and
 * believes none of them.  ${base} has ${len} bytes. */
typedef struct sst_old {
    uint32_t version;
    /** NULL, or why it is none: the end of a sentence. */
    const char *(*head)(const unsigned char *base, uint64_t len,
                        sst_old_head *head);
    /** Every record that passes its check, until ${visit} returns false;
     *  ${lost} counts the others.  False if there is no memory. */
    bool (*each)(const unsigned char *base, uint64_t len, sst_old_visit *visit,
                 void *baton, uint64_t *lost);
} sst_old;

/** The layout of that version; NULL: not known, or ours. */
const sst_old *sst_old_find(uint32_t version);

/** Make the new segment behind the old one and let it count.  False, with
 *  nothing changed and the reason in ${report->why}. */
bool sst_migrate(shm_store *store, const sst_old *old,
                 shm_attach_report *report);

/** In the state MIGRATING: does the segment that counts lie there? */
bool sst_migrate_whole(const shm_store *store);

/** Bring it to its place.  False, with errno set: it can be tried again. */
bool sst_migrate_finish(shm_store *store);

/** Cut off what a migration has left that died before its segment counted, or
 *  behind that.  For who attaches, and if MIGRATING is not the state. */
void sst_migrate_clean(const shm_store *store);

#endif
