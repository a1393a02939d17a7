/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What carries a store's records over the loss of its segment: dump and load,
 * and the journal that keeps a snapshot from bringing back what has ended.
 * The rules of shm_store.h hold: any thread of any process that has attached,
 * nothing logs, no lock is held while a callback runs.
 */
#ifndef SHM_SNAPSHOT_H
#define SHM_SNAPSHOT_H

#include "shm_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- dump and load ------------------------------------------------------- */

/*
 * A dump is a stream of records that knows nothing of the segment's layout:
 * integers in little-endian order, a checksum for each record, and an end that
 * counts them.  docs/store-format.md has every byte.  Times in it are those of
 * the segment's own clock, beside what the boot clock and the wall clock said
 * when it was begun: so they go on after a reboot.
 */
typedef bool shm_dump_write(void *baton, const void *bytes, size_t len);

typedef struct shm_dump_sink {
    shm_dump_write *write; /* false: give up */
    void *baton;
    uint64_t generation; /* of shm_store_snapshot_begin; 0: no journal */
} shm_dump_sink;

typedef struct shm_dump_report {
    uint64_t records;
    uint64_t damaged; /* left out, because they failed their check */
} shm_dump_report;

/**
 * Write every live record to ${sink}.  A record present throughout is in the
 * dump exactly once, one that comes or goes meanwhile at most once; of one
 * that is replaced meanwhile the old value or the new one.  No lock is held
 * while the sink writes.  Returns SST_OK; SST_BUSY; SST_UNAVAILABLE, also when
 * the sink gave up.
 */
shm_status shm_store_dump(shm_store *store, const shm_dump_sink *sink,
                          int64_t now_ms,
                          shm_dump_report *report) SST_MUST_CHECK;

/* False: not all of ${len} bytes are there to be had. */
typedef bool shm_load_read(void *baton, void *bytes, size_t len);

typedef struct shm_load_source {
    shm_load_read *read;
    void *baton;
    const char *snapshot; /* path whose journals say what has ended since;
                           * NULL: that is not known */
    bool force;           /* take what can be had of a damaged stream, and with
                           * journals that are damaged, missing or unknown */
} shm_load_source;

typedef struct shm_load_report {
    uint64_t records; /* put back */
    uint64_t over;    /* not: their time was over */
    uint64_t ended;   /* not: the journals say that they were ended */
    uint64_t present; /* not: the key is there */
    uint64_t refused; /* not: no room, or larger than max_record */
    uint64_t generation;
    int64_t age_ms; /* since the dump was begun */
    char why[200];  /* what is wrong, one sentence */
} shm_load_report;

/**
 * Put the records of a dump back, each under a token that is larger than all
 * that an earlier segment gave, also when the wall clock went back.  What has
 * ended, by its time or by the journals beside ${source->snapshot}, stays
 * away.  Nothing that is there is changed.
 *
 * Returns SST_OK; SST_DAMAGED if stream or journals are: then nothing is left
 * of what was put, unless ${source->force}, and then the answer is SST_OK with
 * a sentence in ${report->why}; SST_FULL, an epoch had no room; SST_BUSY;
 * SST_UNAVAILABLE.
 */
shm_status shm_store_load(shm_store *store, const shm_load_source *source,
                          int64_t now_ms,
                          shm_load_report *report) SST_MUST_CHECK;

/* ---- snapshots and their journal ----------------------------------------- */

/*
 * A snapshot is a dump in a file.  What was ended after it must not come back
 * with it, so where a server's configuration names a snapshot every process
 * that ends a record notes it first in a journal beside that file,
 * PATH.journal.GENERATION: removals, aliases that take a session's place,
 * evictions, epochs.  A snapshot of generation N is restored less what the
 * journals from N on say.
 *
 * Order.  A snapshot raises the generation before it begins to walk.  An end
 * is written to the journal first; then, under the shard's lock, the
 * generation is looked at again, and if it is another one the end is written
 * once more before anything happens.  So a record that the walk still found
 * was ended after the raise, and its end is in a journal that counts: death at
 * any point can cost a restored session, never revive an ended one.
 *
 * A journal that cannot be written ends the snapshot: the file is removed.
 */
/** The path that ${store} was opened with, which a restart does not change;
 *  NULL: none, or no server's.  Lives as long as the store. */
const char *shm_store_snapshot_path(const shm_store *store);

/** Begin a snapshot: its generation, or 0 with errno set. */
uint64_t shm_store_snapshot_begin(shm_store *store) SST_MUST_CHECK;

/** Does a snapshot of ${generation} still count?  Ask before and after it
 *  gets its name.  False: another one was begun since, or its journal could
 *  not be written. */
bool shm_store_snapshot_counts(const shm_store *store, uint64_t generation);

/** It has its name: journals of earlier generations are removed. */
void shm_store_snapshot_done(shm_store *store, uint64_t generation,
                             int64_t now_ms);

/** Move the journals of the snapshot at ${from} to ${to}, as the caller does
 *  with the snapshot.  False with errno set. */
bool shm_store_journals_move(const char *from, const char *to);

/* ---- a fresh segment ----------------------------------------------------- */

/** A number of an attached segment, another one each time it is begun anew: who
 *  keeps it knows whether all that was put since can still be there. */
uint64_t shm_store_life(const shm_store *store);

/*
 * Fill a segment that attach has just begun, new or anew, by shm_store_load:
 * called by shm_store_attach while everybody else still waits, so nobody meets
 * half of it.  If it returns false the segment is emptied again.
 * ${store} answers every call but attach.
 */
typedef bool shm_store_refill(void *baton, shm_store *store, int64_t now_ms);
void shm_store_on_fresh(shm_store *store, shm_store_refill *refill,
                        void *baton);

#ifdef __cplusplus
}
#endif

#endif
