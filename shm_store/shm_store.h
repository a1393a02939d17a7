/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shm_store: a store of small records in one shared-memory segment.
 *
 * What it is. One file, mapped by many processes, holds records under
 * 32-byte keys.  Each record has an exact end, an opaque value and a 64-bit
 * compare-and-put token.  A process may be killed at any instruction: each
 * record is then the old one or the new one, never a third, and the next
 * caller repairs what was left half done.
 *
 * Where the ideas come from. The robust lock and the repair by its next owner
 * are LMDB's; tagged words in a cache line are MemC3's and Segcache's; size
 * classes and pages are memcached's; one word that publishes a record is the
 * old rule of copy-on-write trees.
 *
 * Parent and children. A server opens the segment in its privileged parent
 * (shm_store_open), which creates, verifies and maps the file and never looks
 * inside.  Children write the segment, so all that trusts its contents runs in
 * a child: shm_store_attach formats a new file, checks an old one, and must
 * have returned SST_OK before any other call.  A process that is both, such as
 * a tool or a test, calls open and then attach.
 *
 * Threads and processes. After attach every function may be called by any
 * thread of any attached process at the same time.  Each takes one shard lock
 * and holds it for microseconds; none waits longer than SST_LOCK_WAIT_MS in
 * which the machine runs, and then answers SST_BUSY.  No function calls back
 * while it holds a lock, none is safe in a signal handler, and no pointer into
 * the segment ever leaves this library.
 *
 * Time. Every time is in milliseconds of CLOCK_BOOTTIME (shm_store_clock_ms)
 * and `now_ms` is an argument.  The segment keeps times in ticks of
 * SST_TICK_MS, rounded down: a record ends at most one tick early and never
 * late.  A step of the wall clock moves nothing.  If the file outlives a
 * reboot, attach carries its times over by the wall clock.
 *
 * Errors are values of shm_status.  A miss is not an error and an error is
 * never a miss.  Nothing here logs or prints: attach tells what happened in the
 * report that it fills.  If the file is cut off under us all calls answer
 * SST_UNAVAILABLE, by a SIGBUS that no caller may block (sst_bus.h).
 */
#ifndef SHM_STORE_H
#define SHM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SST_KEY_LEN         32
#define SST_TICK_MS         100
#define SST_LOCK_WAIT_MS    100 /* a shard lock is waited for no longer */
#define SST_SIZE_MIN        ((uint64_t)1 << 20)
#define SST_SIZE_MAX        ((uint64_t)1 << 38) /* 256 GiB */
#define SST_MAX_RECORD_MAX  ((uint32_t)4 << 20)
#define SST_LIFETIME_MAX_MS ((int64_t)10 * 365 * 86400 * 1000)
#define SST_EACH_BATCH      64

#define SST_MUST_CHECK __attribute__((warn_unused_result))

typedef enum shm_status {
    SST_OK = 0,
    SST_MISS,    /* no such record, or it has ended */
    SST_GONE,    /* put_if with a token found no record: nothing is revived */
    SST_CHANGED, /* the record's token is another one */
    SST_BUSY,    /* a lock was not had within SST_LOCK_WAIT_MS */
    SST_FULL,    /* no room and nothing that may be evicted */
    SST_TOOBIG,  /* value larger than max_record, or than the buffer given */
    SST_DAMAGED, /* the record failed its check and was taken out */
    SST_UNAVAILABLE, /* not attached, or the segment cannot be trusted */
    SST_BADARG       /* a time, kind or length outside its range */
} shm_status;

/* What a record is: decides who goes first when the segment is full. */
typedef enum shm_kind {
    SST_ANONYMOUS = 1, /* a session without a user */
    SST_USER,          /* a session with a user */
    SST_ALIAS,         /* what a silent renewal leaves for its grace */
    SST_EPOCH,         /* a per-user "not before"; never evicted */
    SST_TOMBSTONE,     /* an end that must be remembered */
    SST_KIND_COUNT
} shm_kind;

/* What happens to records with a user when nothing else may go. */
typedef enum shm_on_full {
    SST_REFUSE = 0, /* they stay, and the write is refused */
    SST_EVICT       /* the one not used for longest goes, for another user's */
} shm_on_full;

typedef struct shm_store shm_store; /* this process's handle */

/* ---- open: the parent's part -------------------------------------------- */

typedef struct shm_store_config {
    const char *path; /* absolute; its last component is made if missing */
    uint64_t size;    /* bytes; SST_SIZE_MIN..SST_SIZE_MAX; 0: as the file is */
    uint32_t max_record; /* bytes of one value; 1..SST_MAX_RECORD_MAX */
    shm_on_full on_full;
    unsigned
        max_anonymous; /* per cent of the pages that all anonymous records */
    unsigned
        max_namespace; /* or those of one namespace may fill; 0: no limit */
    uid_t owner;       /* who must own the file; a new one is given to them */
    gid_t group;       /* with `shared`: group that may also open it */
    bool shared;       /* 0660 and `group`; else 0600 */
    bool is_server;    /* take the server lock: one server a file */
    bool is_guest; /* opened for whom it forks: in nobody's way till attach */
    const char *snapshot; /* of a server: absolute path of what shm_store_dump's
                           * caller keeps, its journal beside it; or NULL */
} shm_store_config;

/**
 * Create or verify the file ${config->path} and map it.  The descriptor is
 * close-on-exec; the mapping lives until shm_store_close.
 *
 * The file must be regular, have one link, belong to ${config->owner}, and be
 * closed to others; no directory above it may be writable to others (a sticky
 * one is accepted).  It is allocated in full, so that a full file system is
 * an error here and not a SIGBUS later.  A file that is shorter or longer than
 * ${config->size} is grown in place, or if it is too long or its size makes no
 * segment, moved aside to PATH.old.  No symbolic link is followed anywhere in
 * the path.  With size 0 an existing file is opened and none is made.
 *
 * Returns the handle, or NULL and in ${err} (${errlen} bytes) one sentence
 * that names the path, what is wrong and what is accepted.  ${err} may also
 * hold a notice beside a handle, such as that a file was moved aside.  Of the
 * segment's contents not one byte is read.
 */
shm_store *shm_store_open(const shm_store_config *config, char *err,
                          size_t errlen) SST_MUST_CHECK;

/**
 * Take a new configuration to an open segment: what a graceful restart does.
 * A larger size grows the file in place (up to four times the size it was
 * made with); a smaller one or a change of max_record is kept for the next
 * start and told in ${err} as a notice.  Parent only, no thread may be inside
 * the handle.  Returns SST_OK, SST_BADARG with a sentence in ${err}.
 */
shm_status shm_store_reopen(shm_store *store, const shm_store_config *config,
                            char *err, size_t errlen) SST_MUST_CHECK;

/** Unmap and close.  Never in a process that may hold a lock.  NULL is fine. */
void shm_store_close(shm_store *store);

/* ---- attach: a child's part --------------------------------------------- */

typedef enum shm_attach_result {
    SST_ATTACH_FORMATTED, /* the file was new: an empty segment was begun */
    SST_ATTACH_ADOPTED,   /* an existing segment passed its check */
    SST_ATTACH_RESET,     /* it could not be trusted: begun afresh */
    SST_ATTACH_JOINED     /* another process of this server had attached it */
} shm_attach_result;

typedef struct shm_attach_report {
    shm_attach_result result;
    uint64_t records;  /* found and kept (not for JOINED) */
    uint64_t lost;     /* records or shards that could not be kept */
    uint32_t layout;   /* ADOPTED: not 0: carried over from that version of the
                        * layout */
    char why[160];     /* RESET, SST_UNAVAILABLE: the reason, one line; ADOPTED:
                       * empty or a notice */
    char journal[160]; /* why no journal can be kept beside the snapshot; empty
                        * if one is, or none is wanted */
} shm_attach_report;

/**
 * Look inside for the first time: the first process of a server formats or
 * checks the segment under a file lock while the others wait; then all join.
 * Locks inside are made anew only when no process of an earlier server lives.
 *
 * A segment of an earlier layout that this library can read is carried over
 * to its own when nobody is inside it any more, with keys, values, tokens and
 * times; whoever dies at it, the old one or the new one is whole.
 *
 * Returns SST_OK, or SST_UNAVAILABLE with the reason in ${report->why}:
 * another layout while it is in use, or no room to carry it over; another pid
 * namespace while it is in use, a clock before the segment's.  After
 * SST_UNAVAILABLE it can be called again.  Call once per process, before its
 * threads.  A process forked from one that has attached need not attach.
 */
shm_status shm_store_attach(shm_store *store, int64_t now_ms,
                            shm_attach_report *report) SST_MUST_CHECK;

/* ---- records ------------------------------------------------------------ */

/* What lies beside the value in the clear.  Times in ms of the boot clock. */
typedef struct shm_meta {
    shm_kind kind;
    uint32_t ns;       /* namespace: a hash of its name */
    uint64_t user_tag; /* keyed hash of the user; 0: none */
    uint64_t handle;   /* public handle of the session; 0: none */
    int64_t created_ms;
    int64_t last_access_ms;
    int64_t expires_ms;  /* the end that counts; at most hard_end_ms */
    int64_t hard_end_ms; /* the absolute end: no touch goes beyond it */
    uint64_t token;      /* out only: compare-and-put token, never 0 */
    uint32_t value_len;  /* out only */
} shm_meta;

/**
 * Copy the record of ${key} out: its value into ${buf} (${buflen} bytes), the
 * rest into ${meta}.  A record whose expires_ms + ${grace_ms} <= ${now_ms} is
 * a miss; commits pass a grace so that a request which began in time may
 * finish.
 *
 * Returns SST_OK; SST_MISS; SST_TOOBIG (meta->value_len says what is needed);
 * SST_DAMAGED (checksum or structure: the record is removed and counted);
 * SST_BUSY; SST_UNAVAILABLE.  One shard lock; O(1).
 */
shm_status shm_store_get(shm_store *store, const unsigned char key[SST_KEY_LEN],
                         void *buf, size_t buflen, shm_meta *meta,
                         int64_t grace_ms, int64_t now_ms) SST_MUST_CHECK;

/* Why SST_FULL. */
typedef enum shm_refusal {
    SST_REFUSED_NOT = 0,
    SST_REFUSED_ROOM,      /* no room, and nothing that may go for it */
    SST_REFUSED_ANONYMOUS, /* max_anonymous is smaller than the record */
    SST_REFUSED_NAMESPACE, /* max_namespace is full, and they may not go */
    SST_REFUSED_COUNT
} shm_refusal;

typedef struct shm_put_report {
    unsigned evicted; /* live records that had to go for it */
    shm_refusal refusal;
} shm_put_report;

/**
 * Compare and put.  With ${token} 0: create; SST_CHANGED if the key exists and
 * has not ended.  Else replace the record whose token is ${token}: SST_GONE if
 * there is none (it is never created), SST_CHANGED if its token differs.
 * A record past its end can be replaced while it is still there.  One that is
 * found damaged on the way is taken out and counts as missing.
 *
 * Without room: first goes what has ended, then anonymous records, those of
 * five minutes that nobody used again before those not used for longest, then
 * by on_full.  Nobody with a user goes for an anonymous record, and epochs go
 * for nobody.  The limits of the configuration hold for creations and for
 * values that grow; at a limit only records under it go.  Creations leave the
 * last 3 % to replacements; epochs, tombstones, and a record whose created_ms
 * lies before ${now_ms}, a session that moves, may use it; no limit is theirs.
 *
 * ${meta}: kind, ns, user_tag, handle and the four times are stored.  On
 * SST_OK meta->token is the new token, larger than every earlier one of this
 * key.  ${report} (may be NULL) says what became of others, and why SST_FULL.
 *
 * Returns SST_OK, SST_GONE, SST_CHANGED, SST_FULL, SST_TOOBIG, SST_BUSY,
 * SST_UNAVAILABLE, SST_BADARG.  When it does not return SST_OK the key's record
 * is as it was.  One shard lock, in several holds if many others have to go.
 */
shm_status shm_store_put_if(shm_store *store,
                            const unsigned char key[SST_KEY_LEN],
                            uint64_t token, const void *value, size_t len,
                            shm_meta *meta, shm_put_report *report,
                            int64_t now_ms) SST_MUST_CHECK;

/**
 * Note an access: set last access to ${now_ms} and the end to ${expires_ms}
 * (cut at hard_end), by one 8-byte store.  Never makes an ended record live.
 * If ${now_ms} is before the last access, the end is never brought nearer.
 * Returns SST_OK, SST_MISS, SST_BUSY, SST_UNAVAILABLE, SST_DAMAGED.
 */
shm_status shm_store_touch(shm_store *store,
                           const unsigned char key[SST_KEY_LEN],
                           int64_t expires_ms, int64_t now_ms) SST_MUST_CHECK;

/**
 * Remove a record: any one with ${token} 0, else only the one whose token it
 * is.  Its memory is wiped.  Allocates nothing, so it works in a full store.
 * Returns SST_OK, SST_MISS, SST_CHANGED, SST_BUSY, SST_UNAVAILABLE.
 */
shm_status shm_store_remove(shm_store *store,
                            const unsigned char key[SST_KEY_LEN],
                            uint64_t token) SST_MUST_CHECK;

/**
 * Visit every record: ${visit} gets a copy of key and meta, outside all locks,
 * and returns false to stop.  A record present throughout is visited exactly
 * once; one that comes or goes meanwhile at most once.  At most SST_EACH_BATCH
 * records are copied per lock hold.  Ended records are not shown.
 * Returns SST_OK (also when stopped), SST_BUSY, SST_UNAVAILABLE.
 */
typedef bool shm_store_visit(void *baton, const unsigned char *key,
                             const shm_meta *meta);
shm_status shm_store_each(shm_store *store, shm_store_visit *visit, void *baton,
                          int64_t now_ms) SST_MUST_CHECK;

/* ---- commit locks ------------------------------------------------------- */

/*
 * A queue for writers of one record who have lost the compare-and-put race
 * too often.  256 robust locks, chosen by key; they guard no memory of the
 * store.  Hold one for one attempt to commit and never across application
 * code; hold one at a time.
 */
/** Returns SST_OK, SST_BUSY after ${wait_ms}, SST_UNAVAILABLE. */
shm_status shm_store_commit_lock(shm_store *store,
                                 const unsigned char key[SST_KEY_LEN],
                                 int64_t wait_ms) SST_MUST_CHECK;
void shm_store_commit_unlock(shm_store *store,
                             const unsigned char key[SST_KEY_LEN]);

/* ---- upkeep ------------------------------------------------------------- */

typedef struct shm_sweep_report {
    uint64_t pages; /* looked at */
    uint64_t freed; /* records past their end and grace */
    bool finished;  /* the whole segment was covered */
} shm_sweep_report;

/* Records are kept this long past their end, so that a request that loaded
 * one in time can commit it. */
#define SST_COMMIT_GRACE_MS 60000

/**
 * Free records that ended more than SST_COMMIT_GRACE_MS before ${now_ms}:
 * visits pages whose bound says that something is due, from where the last
 * sweep stopped, for about ${budget_us} microseconds; skips shards whose lock
 * is taken.  Any process may sweep at any time.
 */
shm_status shm_store_sweep(shm_store *store, int64_t budget_us, int64_t now_ms,
                           shm_sweep_report *report) SST_MUST_CHECK;

/**
 * Verify the whole segment, one shard at a time under its lock: every record
 * reachable once, checksum right, every chunk owned once, every bitmap, list,
 * bound and counter true.  Changes nothing.  Returns SST_OK, SST_DAMAGED with
 * the first fault in ${why} (${whylen} bytes), SST_BUSY, SST_UNAVAILABLE.
 */
shm_status shm_store_check(shm_store *store, char *why,
                           size_t whylen) SST_MUST_CHECK;

/** The same for one of the shards that shm_store_stats counts, for those who
 *  show how far they are. */
shm_status shm_store_check_shard(shm_store *store, uint32_t shard, char *why,
                                 size_t whylen) SST_MUST_CHECK;

/* ---- the cleanup thread ------------------------------------------------- */

/*
 * One runner a segment, elected by a lease inside it: the holder renews a
 * heartbeat and sweeps in bounded slices; the others sleep and take over
 * within two seconds when the heartbeat stops.  Two runners or none are
 * correct too: a put that needs room sweeps by itself.
 */
typedef struct shm_cleanup shm_cleanup;

/*
 * Long work of the runner, such as a snapshot: called in a thread of its own
 * every ${every_ms}, the first time at once, and with ${cleanup} NULL in the
 * last process that leaves the segment.  False: it failed and is tried again
 * in ten seconds, or in every_ms if that is sooner.
 */
typedef struct shm_chore {
    int64_t every_ms;
    bool (*work)(void *baton, const shm_cleanup *cleanup);
    void *baton;
} shm_chore;

/**
 * Start a cleanup thread in this process, which has attached ${store}; every
 * signal is blocked in it.  ${chore} is copied; NULL: none.  Returns NULL with
 * errno set if no thread could be made.
 */
shm_cleanup *shm_store_cleanup_start(shm_store *store,
                                     const shm_chore *chore) SST_MUST_CHECK;

/** Give up the lease if held, wait for its threads, and leave the segment: for
 *  others this process is no longer inside.  NULL is fine. */
void shm_store_cleanup_stop(shm_cleanup *cleanup);

/** Does the lease belong to this process at this moment? */
bool shm_store_cleanup_holds(const shm_cleanup *cleanup);

/** Is this process's thread the one that sweeps?  For status and tests. */
bool shm_store_cleanup_is_runner(const shm_cleanup *cleanup);

/* ---- small things ------------------------------------------------------- */

/** The clock of every `now_ms`: CLOCK_BOOTTIME in milliseconds. */
int64_t shm_store_clock_ms(void);

/** A short English word for ${status}: a constant. */
const char *shm_status_str(shm_status status);

/** Why a write was refused, as the end of a sentence: a constant. */
const char *shm_refusal_str(shm_refusal refusal);

/** The size range and what a segment of ${size} bytes must divide into, for
 *  messages.  Returns true if ${size} is acceptable. */
bool shm_store_size_ok(uint64_t size);

#ifdef __cplusplus
}
#endif

#endif
