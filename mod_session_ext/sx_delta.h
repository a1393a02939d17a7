/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delta: what one response asks of its session, as a list of operations that
 * can be applied to whatever the session has become meanwhile.  This is the
 * heart of the merge: two requests that set different keys both win, and an
 * increment is added to the number that is there, not to the one that was
 * seen.
 *
 * All or nothing for data: if one data command is refused, none is applied.
 * Destroy, Logout and Renew stand apart and are honoured all the same, and so
 * is what the response settles by itself: the messages that its page took.
 */
#ifndef SX_DELTA_H
#define SX_DELTA_H

#include "sx_session.h"

/* Operations of one response.  Beyond it the response is refused as a whole:
 * each costs a walk over the session's keys, and a megabyte could hold three
 * hundred thousand. */
#define SX_COMMAND_OPS_MAX 4096

/* In the order in which they are applied. */
typedef enum sx_op_code {
    SX_OP_CLEAR,
    SX_OP_UNSET,
    SX_OP_SET,
    SX_OP_PUT, /* set with a type, as PHP and mod_session's users do: no header
                * has it */
    SX_OP_APPEND,
    SX_OP_INCR,
    SX_OP_IDLE,    /* number = seconds, 0: the scope's own */
    SX_OP_PERSIST, /* number = 0 or 1 */
    SX_OP_FLASH,   /* key = level, value = text, id = message id */
    SX_OP_COUNT
} sx_op_code;

typedef struct sx_op {
    sx_op_code code;
    sx_str key;
    sx_str value;
    int64_t number;
    uint64_t id;
    sx_type type; /* PUT; INCR: of a key that is not there yet */
} sx_op;

typedef enum sx_renewal { SX_KEEP_ID, SX_RENEW, SX_RENEW_DISCARD } sx_renewal;

typedef struct sx_delta {
    apr_pool_t *pool;
    bool has_if_version;
    uint64_t if_version; /* 0: the session must not exist */
    bool destroy;
    bool logout;  /* end the other sessions of its user; with destroy: all */
    bool reserve; /* if there is no session, begin one that is empty */
    const struct sx_id *fresh; /* the id that a new or renewed one gets; NULL:
                                * any.  Borrowed, as the strings are */
    sx_renewal renew;
    bool keep_flash;     /* Flash-Keep: the glue says that none was shown */
    uint64_t claim;      /* settle it (sx_flash.h); 0: there is none */
    bool shown;          /* what it took has been shown */
    const char *refused; /* why no data command may be applied, or NULL */
    size_t bytes;        /* of commands parsed so far */
    apr_array_header_t *ops[SX_OP_COUNT]; /* of sx_op, NULL if none */
} sx_delta;

/* What bounds an application. */
typedef struct sx_limits {
    size_t max_size;     /* SessionExtMaxSize */
    uint32_t idle_max_s; /* SessionExtIdleMax */
    uint32_t flash_max;  /* messages */
    size_t flash_bytes;
} sx_limits;

typedef enum sx_applied {
    SX_APPLIED,       /* see sx_change for what it did */
    SX_APPLY_VERSION, /* If-Version does not hold: 409 */
    SX_APPLY_REFUSED  /* a limit or a type: see `why` */
} sx_applied;

typedef struct sx_change {
    bool data;       /* keys changed: the version grew by one */
    bool other;      /* flash, idle, persist changed */
    const char *why; /* for SX_APPLY_REFUSED: names the header and the reason,
                      * never a key or a value */
} sx_change;

/** An empty delta. */
sx_delta *sx_delta_create(apr_pool_t *pool);

/** Append an operation; strings are borrowed until the delta's pool goes. */
void sx_delta_add(sx_delta *delta, sx_op op);

/** How many operations it has: at most SX_COMMAND_OPS_MAX are its makers' to
 *  see to. */
int sx_delta_count(const sx_delta *delta);

/** Take back the operations on the data key ${key} (NULL: on all of them) of
 *  this kind. */
void sx_delta_forget(sx_delta *delta, sx_op_code code, const sx_str *key);

/** Has it data commands (If-Version included)? */
bool sx_delta_has_data(const sx_delta *delta);

/** Does it ask for anything: data, an end, a logout, a new id, or to settle a
 *  claim? */
bool sx_delta_asks(const sx_delta *delta);

/** Would it ask for a session where there is none? */
bool sx_delta_creates(const sx_delta *delta);

/** Forget the data commands, as a 5xx answer does; the others stay. */
void sx_delta_drop_data(sx_delta *delta);

/** Settle the claim of ${delta} in ${session}; none of the messages counts as
 *  shown if the response is ${replaced}.  True if there was any. */
bool sx_delta_settle(const sx_delta *delta, sx_session *session, bool replaced);

/**
 * Settle the claim and apply the data commands of ${delta} to ${session}, in
 * the order of sx_op_code.  ${exists} is false for a session that is being
 * made.  On SX_APPLIED the session is changed and its version has grown if keys
 * did; else it may be half changed and must be thrown away: work on a clone.
 */
sx_applied sx_delta_apply(const sx_delta *delta, sx_session *session,
                          bool exists, const sx_limits *limits,
                          sx_change *change);

/**
 * What is left to do of a ${delta} with a Destroy to a session at ${version},
 * besides its end.  Destroy beside a flash is a log-out page: a new session
 * that carries only the message.  Destroy beside other data refuses the data;
 * beside an If-Version that does not hold there is no message, but the session
 * ends.  NULL: nothing; ${*applied} and ${*why} say what became of the data.
 */
const sx_delta *sx_delta_farewell(const sx_delta *delta, uint64_t version,
                                  sx_applied *applied, const char **why,
                                  apr_pool_t *pool);

#endif
