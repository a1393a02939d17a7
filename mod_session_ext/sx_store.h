/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store: where sessions live.  This is the whole contract between the
 * session core and a backend; changing the backend changes nothing else.
 *
 * What a store sees: a 32-byte store key (a keyed hash; never an id), a kind,
 * a namespace number, a clear user tag, a public handle, four times, opaque
 * bytes, and the CAS token that it hands out itself.  It never sees a session
 * and no session sees a store.
 *
 * What it promises.
 *   - put_if is atomic against every other put_if, touch and remove of that
 *     key, from every process that uses the store.  A reader gets the old
 *     record or the new one.
 *   - Tokens of one key only grow.  put_if with a token on a missing key says
 *     GONE and never creates: absence is final.
 *   - What was answered OK survives the death of the process that was
 *     answered.
 *   - Ends are exact on the store's clock: an ended record is a miss though it
 *     may lie there for a grace.
 *   - Every answer is a different value: MISS is never an error, and an error
 *     is never a MISS, because a miss logs the user out and an error must not.
 *
 * Who blocks. No call waits longer than the backend's stated deadline (shm:
 * 100 ms on a lock).  Calls may be made by any thread of any process that has
 * the store open.
 */
#ifndef SX_STORE_H
#define SX_STORE_H

#include "sx.h"

typedef enum sx_answer {
    SX_STORE_OK = 0,
    SX_STORE_MISS,        /* no such record, or it has ended */
    SX_STORE_GONE,        /* put_if: nothing to replace, nothing is revived */
    SX_STORE_CHANGED,     /* another token: read again */
    SX_STORE_FULL,        /* no room: nothing was changed */
    SX_STORE_TOOBIG,      /* larger than a record may be */
    SX_STORE_DAMAGED,     /* the record failed its check; it is gone */
    SX_STORE_BUSY,        /* not within the deadline; nothing was changed */
    SX_STORE_UNAVAILABLE, /* cannot be reached; nothing was changed */
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

typedef struct sx_store sx_store;

/* What a backend fills in: a static const table.  Arguments are checked and
 * never NULL when a slot is called. */
typedef struct sx_store_ops {
    const char *name;

    /** The record of ${key}.  Live until expires_ms + ${grace_ms}. */
    sx_answer (*get)(sx_store *store, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool);

    /** Create (token 0) or replace the record with that token; the new token
     *  is in meta->token. */
    sx_answer (*put_if)(sx_store *store, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms);

    /** Note an access; never revives. */
    sx_answer (*touch)(sx_store *store, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms);

    /** Remove: any record (token 0), or the one with that token. */
    sx_answer (*remove)(sx_store *store, const unsigned char *key,
                        uint64_t token);

    /** Queue behind other writers of ${key} for at most ${wait_ms}; NULL if
     *  the backend has no queue. */
    sx_answer (*queue_enter)(sx_store *store, const unsigned char *key,
                             int64_t wait_ms);
    void (*queue_leave)(sx_store *store, const unsigned char *key);

    /** A number of the store's present life: when it has another, all that it
     *  once held may be gone.  NULL: it cannot say. */
    uint64_t (*life)(sx_store *store);

    /** What the client's cookie has to carry behind the id of ${key} after
     *  this request ("": the id alone), or NULL: what it has.  Lives as long
     *  as the handle.  NULL instead of the function: nothing ever. */
    const char *(*carry)(sx_store *store, const unsigned char *key);
} sx_store_ops;

/* A backend's handle begins with this. */
struct sx_store {
    const sx_store_ops *ops;
};

/** A short English word for ${answer}: a constant. */
const char *sx_answer_str(sx_answer answer);

/** Could the store not be asked (BUSY, UNAVAILABLE, UNKNOWN)? */
bool sx_answer_is_outage(sx_answer answer);

#endif
