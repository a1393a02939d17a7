/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file backend: one file a record, in 256 directories below one that
 * belongs to the server alone.  PHP's `files` handler with a depth of one, but
 * with a compare-and-put, ends that are exact, and bytes that are sealed.
 *
 *   DIR/store        what this directory is, and the store's clock
 *   DIR/lock         locked by byte, and the last token of each of the 256
 *   DIR/ab/ab12...   a record: its name is the store key, never an id
 *   DIR/damaged/     what failed its check, for a week
 *
 * Writing.  All writes of one of the 256 directories are behind one lock: the
 * record that is there is read, the new one is written to the name `new` and
 * renamed over it.  A get needs no lock, since it finds the one file or the
 * other.  Who is killed leaves the old record or the new one, and a `new` that
 * the next writer takes away; its lock goes with it.
 *
 * Locks are of open file descriptions (fcntl, F_OFD_SETLK): of a thread and not
 * of a process, gone with whoever held them, and known to NFS.  They are waited
 * for by asking again, 250 ms at most, since they know no deadline.
 *
 * The clock goes on over reboots, which that of the boot does not: it is that
 * of the boot with an offset, which is chosen by the wall clock once a boot and
 * is at least such that no time comes twice.  So a step of the wall clock moves
 * nothing while the host runs, and one that is behind after a reboot revives
 * nothing.
 *
 * Power.  What ends something (a removal, an alias, an epoch, a tombstone) is
 * on the disk before it is confirmed.  What changes a session is with the
 * kernel then: it survives every death of the server, and a power cut may take
 * the last seconds of it, as it takes those of any file.  A record that was
 * half written by then fails its check.
 *
 * Several hosts on one file system (NFS): locks hold, but ends are decided by
 * each one's own clock, and a deadline is a guess where the server is far.  It
 * is not what this store was made for.
 */
#ifndef SX_STORE_FILE_H
#define SX_STORE_FILE_H

#include <sys/types.h>
#include "sx_store.h"

#define SX_FILE_RECORD_MAX ((size_t)8 << 20)
#define SX_FILE_WAIT_MS    250

/* What happened, in numbers: one row a counter, its name and what it counts. */
#define SX_FILE_FIGURES(X)                                                     \
    X(records, "records that the last sweep has left")                         \
    X(creates, "records made")                                                 \
    X(replaces, "records replaced")                                            \
    X(removes, "records removed")                                              \
    X(swept, "records freed after their end")                                  \
    X(damaged, "records that failed their check and were set aside")           \
    X(full, "writes refused for want of room")                                 \
    X(busy, "calls that met a lock for longer than they wait")                 \
    X(failed, "calls that the file system refused")

typedef struct sx_file_figures {
#define X(name, what) uint64_t name;
    SX_FILE_FIGURES(X)
#undef X
} sx_file_figures;

/**
 * Is ${path}, an absolute one, fit to be such a directory: no link in it, its
 * last component owned by ${owner} and open to nobody else, and empty or such a
 * store; no directory above it writable to others unless it is sticky?  With
 * ${make} it is made if it is not there, and given to ${owner}; else one that
 * is not there is fit if the one above it is.  Of what is in it only names are
 * read.
 * Returns NULL, or one sentence that names the path, what is wrong and what is
 * accepted.
 */
const char *sx_store_file_check(const char *path, uid_t owner, bool make,
                                apr_pool_t *pool);

typedef struct sx_file_config {
    const char *path;         /* absolute; it must pass the check */
    sx_file_figures *figures; /* shared by who likes, atomic; NULL: none */
    int64_t boot_ms, wall_ms; /* both clocks, now */
    const char *boot_id;      /* text; NULL: the kernel's */
} sx_file_config;

/** Open or begin the store in ${config->path}: in each process, or before it
 *  forks.  The handle lives as long as ${pool}.  NULL: ${*why} says why. */
sx_store *sx_store_file_open(const sx_file_config *config, const char **why,
                             apr_pool_t *pool);

#endif
