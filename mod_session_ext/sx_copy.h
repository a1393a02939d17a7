/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that lives in one store, carried to another of any kind, while servers
 * use either.  Values are opaque and stay sealed; no key is needed.  Times are
 * those of the other store's clock there.
 *
 * A run looks at the first store once, so what is written behind it is left for
 * the next run, which carries what has changed since.  The last one is made
 * when nobody writes to the first store any more.  Of a record that is in both,
 * or was:
 *
 *   carried before, changed in the first store since     it is replaced, unless
 *                       somebody wrote to it in the second, too, and it was
 *                       used there later
 *   carried before, ended in the first store since       it ends in the second,
 *                       whatever was done to it there; but not if its time had
 *                       come by then, of which the second has an own opinion
 *   carried before, ended in the second store since      it stays ended there
 *   never carried, and in both                           the one that was used
 *                       later stays
 *   an epoch, a registry                                 the later one stays
 *   a tombstone                                          stays
 *
 * So an end in either store is final, and nothing that was begun or renewed in
 * the second store is touched: it lies under keys of its own.
 *
 * All this needs to be known of each record: whether it was carried, and as
 * what.  That is noted in the second store, under the life of the first, for as
 * long as the record could come again (sx_copy_notes.h).  A run the other way
 * takes the notes over, with the roles exchanged.
 *
 * Where the second store has lost a carried record by its idle timeout, while
 * it was used in the first, nobody can tell that from an end there.  It is
 * carried again if the first store is the one that was used last.
 */
#ifndef SX_COPY_H
#define SX_COPY_H

#include "sx_store.h"

/* What became of records: one row a counter. */
#define SX_COPY_FIGURES(X)                                                     \
    X(seen, "live records were looked at")                                     \
    X(carried, "of them were carried")                                         \
    X(replaced, "had been carried and have changed since")                     \
    X(touched, "had been carried and were used since")                         \
    X(kept, "were written in the second store since, or later, and stay")      \
    X(over_there, "were ended in the second store since and stay ended")       \
    X(ended, "had been carried and were ended since: they end there, too")     \
    X(gone, "went while they were looked at")                                  \
    X(refused, "found no room in the second store, or are too large for it")   \
    X(damaged, "failed their check")

typedef struct sx_copy_report {
#define X(name, what) uint64_t name;
    SX_COPY_FIGURES(X)
#undef X
    sx_store *failed;    /* the store whose answer ended the run; NULL: none */
    const char *failing; /* and what it was asked for: the end of a sentence */
} sx_copy_report;

typedef struct sx_copy {
    sx_store *from, *to;           /* with clock_ms, life and each */
    void (*progress)(void *baton); /* one more was looked at; NULL: nobody */
    void *baton;
} sx_copy;

/**
 * Carry.  SX_STORE_OK: all that there is room for; else what is done is done,
 * and noted if it could be: run it again before the second store is used.
 * SX_STORE_FULL: what ends sessions found no room.
 */
sx_answer sx_copy_run(const sx_copy *copy, sx_copy_report *report,
                      apr_pool_t *pool);

/** Does this kind of record say that others have ended: an epoch, a registry,
 *  a tombstone? */
bool sx_copy_is_end(sx_kind kind);

/**
 * Put such a record, whose times are of the clock of ${to}, unless a later one
 * is there.  SX_STORE_OK; SX_STORE_CHANGED: that is there; else it could not
 * be put.
 */
sx_answer sx_copy_put_end(sx_store *to, const unsigned char *key, sx_str bytes,
                          const sx_record_meta *meta, apr_pool_t *pool);

/** ${meta}, whose times are of a clock that is ${shift_ms} behind. */
sx_record_meta sx_copy_meta(const sx_record_meta *meta, int64_t shift_ms);

#endif
