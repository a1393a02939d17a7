/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store: where sessions live.  This is the whole contract between the
 * session core and a backend; changing the backend changes nothing else.  The
 * contract suite (t/unit/sx/contract*.c and what else loops over
 * t/unit/sx/backends.h) holds each backend to it, but for what its table says
 * it cannot do.
 *
 * What a store sees: a 32-byte store key (a keyed hash; never an id), a kind,
 * a namespace number, a clear user tag, a public handle, four times, opaque
 * bytes, and the CAS token that it hands out itself.  It never sees a session
 * and no session sees a store.
 *
 * What is atomic.  put_if, touch and remove of one key have an order, whichever
 * processes they are called from, and each happens whole or not at all; who is
 * killed in one leaves the record of before or the new one, never a third.  A
 * get finds what some moment between its call and its answer had, or, where a
 * store has `refresh`, a somewhat earlier one.  Nothing is promised about two
 * keys together.
 *
 * What lasts.  What was answered OK survives the death of the process that was
 * answered, and of every other one.  Which backend survives a reboot, and what
 * a power cut may take, is said where the backend is.
 *
 * Tokens are never 0.  Those of one key only grow, also over an end and a new
 * beginning under the same key, so that an old one never fits by chance.
 *
 * Ends are exact on the clock of ${now_ms} and decided by whoever asks, not by
 * a sweep.  A record that has ended is a miss; up to SX_COMMIT_GRACE_MS later
 * it lies there, can be had by a get with that grace, and can be replaced by
 * its token, so that a request may finish what it began in time.  Nothing else
 * makes it live again.  What is gone stays gone: only put_if with token 0,
 * under a key that was minted for it, makes a record.
 *
 * Answers are values that differ where their meaning does.  A miss logs
 * somebody out and an error must not, so MISS is never an error and an error is
 * never a MISS.  Unless it is OK or UNKNOWN, the call has changed nothing, but
 * that DAMAGED has taken out what was found damaged.  After UNKNOWN it may have
 * been done, or be done later, once: no backend repeats a put_if by itself.
 * What is done then is the caller's affair (sx_sure.h).
 *
 * Who may call.  Any thread of any process in which the handle was opened, and
 * any that it forks, at the same time; a handle of the cookie store belongs to
 * one request.  Never in a signal handler.
 *
 * Who waits.  No call waits for another caller longer than the deadline that is
 * stated where the backend is made (shm: 100 ms, file: 250 ms), then the answer
 * is BUSY; queue_enter for as long as it is told.  A caller that was killed
 * holds up nobody.
 */
#ifndef SX_STORE_H
#define SX_STORE_H

#include "sx.h"

typedef enum sx_answer {
    SX_STORE_OK = 0,
    SX_STORE_MISS,        /* no such record, or it has ended */
    SX_STORE_GONE,        /* put_if with a token: there is nothing to replace */
    SX_STORE_CHANGED,     /* another token: read again */
    SX_STORE_FULL,        /* no room (memory, disk, quota) */
    SX_STORE_TOOBIG,      /* larger than a record may be, now and later */
    SX_STORE_DAMAGED,     /* it failed its check and was taken out: from now on
                           * a miss */
    SX_STORE_BUSY,        /* others kept it for longer than the deadline */
    SX_STORE_UNAVAILABLE, /* cannot be reached, or was asked for nonsense */
    SX_STORE_UNKNOWN /* the reply was lost: it may or may not have happened */
} sx_answer;

typedef enum sx_kind {
    SX_ANONYMOUS = 1,
    SX_USER,
    SX_ALIAS,
    SX_EPOCH,    /* of a user, no session: never given up for want of room */
    SX_TOMBSTONE /* nor is this: an end that must be remembered */
} sx_kind;

/* Beside the bytes.  Times in ms of the store's clock. */
typedef struct sx_record_meta {
    sx_kind kind;
    uint32_t ns;
    uint64_t user_tag; /* 0: none */
    uint64_t handle;
    int64_t created_ms, last_access_ms, expires_ms, hard_end_ms;
    uint64_t token; /* set by get and put_if; never 0 */
} sx_record_meta;

/** A store keeps what has ended for this long, so that a request may finish
 *  what it began in time. */
#define SX_COMMIT_GRACE_MS 60000

/** No record is made for longer: ten years, as directives accept. */
#define SX_RECORD_LIFE_MAX_MS (INT64_C(3650) * 86400 * 1000)

typedef struct sx_store sx_store;

/** A record that `each` shows: false ends the walk.  ${bytes} is its size. */
typedef bool sx_store_visit(void *baton, const unsigned char *key,
                            const sx_record_meta *meta, size_t bytes);

/* What one read of several found. */
typedef struct sx_store_read {
    sx_answer answer; /* as that of a get */
    sx_str bytes;
    sx_record_meta meta;
} sx_store_read;

typedef struct sx_sweep_report {
    uint64_t freed; /* records that ended longer ago than the grace */
    bool finished;  /* all of the store was covered since it was last */
} sx_sweep_report;

/* What a backend fills in: a static const table.  Arguments are checked and
 * never NULL when a slot is called.  A slot that is NULL it cannot do. */
typedef struct sx_store_ops {
    const char *name;

    /**
     * The record of ${key}, unless it has ended longer than ${grace_ms} (0 to
     * SX_COMMIT_GRACE_MS) ago: its bytes, in ${pool}, and what lies beside.
     * OK; MISS; DAMAGED; an outage.  ${bytes} and ${meta} are set if it is OK,
     * and may be scribbled on otherwise.
     */
    sx_answer (*get)(sx_store *store, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool);

    /**
     * With ${token} 0 create: CHANGED if there is a record that has not ended.
     * Else replace the record with that token: GONE if there is none, CHANGED
     * if it has another.  What is found damaged on the way counts as missing.
     *
     * ${meta} is stored whole; times out of order are put in order, but a hard
     * end before the creation, or a record's end behind its hard end, or more
     * than SX_RECORD_LIFE_MAX_MS between, is UNAVAILABLE.  When it is OK, and
     * only then, the new token is in meta->token.  FULL; TOOBIG; an outage.
     */
    sx_answer (*put_if)(sx_store *store, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms);

    /**
     * Note an access at ${now_ms}: the record ends at ${expires_ms} now, but
     * never behind its hard end.  The token stays.  Who comes with an earlier
     * ${now_ms} than was noted last takes nothing back.  MISS also if it has
     * ended, whatever the grace: an access revives nothing.
     */
    sx_answer (*touch)(sx_store *store, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms);

    /**
     * Remove: any record (token 0), ended or not, or the one with that token;
     * CHANGED if it has another.  Works in a full store.  After OK and MISS it
     * is not there.
     */
    sx_answer (*remove)(sx_store *store, const unsigned char *key,
                        uint64_t token);

    /**
     * Show every record that has not ended, outside all locks.  One that is
     * there throughout is shown exactly once, one that comes or goes meanwhile
     * at most once.  OK also if ${visit} has ended it.  ${visit} may make any
     * other call of this store.  ${pool} for what the walk itself needs.
     */
    sx_answer (*each)(sx_store *store, sx_store_visit *visit, void *baton,
                      int64_t now_ms, apr_pool_t *pool);

    /**
     * Free what ended longer than SX_COMMIT_GRACE_MS ago, for about
     * ${budget_us} microseconds, from where the last sweep of this handle
     * stopped.  Who meets a lock passes by.  No answer of any other call
     * depends on it.  BUSY: another process is sweeping.
     */
    sx_answer (*sweep)(sx_store *store, int64_t budget_us, int64_t now_ms,
                       sx_sweep_report *report);

    /** Queue behind other writers of ${key} for at most ${wait_ms}: OK, BUSY.
     *  It guards nothing: a writer who does not queue is not kept out. */
    sx_answer (*queue_enter)(sx_store *store, const unsigned char *key,
                             int64_t wait_ms);
    void (*queue_leave)(sx_store *store, const unsigned char *key);

    /** Now, on the clock that all times and every ${now_ms} of this store are
     *  of, in ms.  It never goes back, and no step of the wall clock moves it;
     *  what a store that outlives a reboot holds ends by it thereafter. */
    int64_t (*clock_ms)(sx_store *store);

    /** A number of the store's present life: when it has another, all that it
     *  once held may be gone. */
    uint64_t (*life)(sx_store *store);

    /**
     * Optional, and the core's own two calls where it is NULL: a load in one
     * round trip.  As get; and if that finds the session of a user (SX_USER),
     * ${epoch} is what a get without a grace finds under the key of the epoch
     * of its user tag.  Otherwise ${epoch->answer} is MISS.
     */
    sx_answer (*get_with_epoch)(sx_store *store, const unsigned char *key,
                                sx_store_read *record, sx_store_read *epoch,
                                int64_t grace_ms, int64_t now_ms,
                                apr_pool_t *pool);

    /**
     * Optional like that: a commit in one round trip.  As put_if with a token;
     * but CHANGED, too, unless a get without a grace under the key of the epoch
     * of meta->user_tag would find the token ${epoch} (0: a miss): in the
     * moment of the replacement, or in an earlier one of the same call.  So who
     * ends all of a user meanwhile may come between the two, and what was
     * written has ended all the same.
     */
    sx_answer (*put_if_epoch)(sx_store *store, const unsigned char *key,
                              uint64_t token, uint64_t epoch, sx_str bytes,
                              sx_record_meta *meta, int64_t now_ms);

    /** Let the next get of ${key} be no older than its call.  NULL: none ever
     *  is.  For who is about to tell somebody that all has ended, or builds on
     *  a record without replacing it. */
    void (*refresh)(sx_store *store, const unsigned char *key);

    /** What the client's cookie has to carry behind the id of ${key} after
     *  this request ("": the id alone), or NULL: what it has.  Lives as long
     *  as the handle.  NULL instead of the function: nothing ever. */
    const char *(*carry)(sx_store *store, const unsigned char *key);
} sx_store_ops;

/* A backend's handle begins with this. */
struct sx_store {
    const sx_store_ops *ops;
};

/** The store keys of users' epochs (sx_user.h) begin so: most of what these
 *  name has never been there, and is asked for again and again. */
#define SX_EPOCH_KEY_BEGIN "epoch of a user"
bool sx_key_is_of_epoch(const unsigned char *key);

/** May ${meta} be stored: is it of a kind, and are its times none that
 *  contradict each other?  For backends. */
bool sx_record_meta_ok(const sx_record_meta *meta);

/** What a store keeps of ${meta}: its times in order, as put_if says. */
void sx_record_meta_order(sx_record_meta *meta);

/** The record with ${meta} was used at ${now_ms} and ends at ${expires_ms} now,
 *  as touch says.  False: it has ended, and ${meta} is as it was. */
bool sx_record_meta_touch(sx_record_meta *meta, int64_t expires_ms,
                          int64_t now_ms);

/** May the record with ${meta} be replaced by a put_if with ${token}? */
bool sx_record_meta_yields(const sx_record_meta *meta, uint64_t token,
                           int64_t now_ms);

/** The word for ${kind}, as people and dumps have it: a constant. */
const char *sx_kind_str(sx_kind kind);

/** The store key of the record of the epoch of the user with ${tag}: known
 *  here, so that a store can read it beside a session of that tag. */
void sx_epoch_key(uint64_t tag, unsigned char key[SX_STORE_KEY_LEN]);

/** A short English word for ${answer}: a constant. */
const char *sx_answer_str(sx_answer answer);

/** Could the store not be asked (BUSY, UNAVAILABLE, UNKNOWN)? */
bool sx_answer_is_outage(sx_answer answer);

#endif
