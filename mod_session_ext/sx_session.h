/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session model: what a session is, without where it lives or how it is
 * named.  Typed entries in order of their first set, flash messages, and what
 * lifetimes and apps need to know.  No I/O, no HTTP, no clock.
 *
 * Names are case-sensitive byte strings of 1..SX_KEY_MAX bytes.  A value is a
 * byte string with a type; scalars are kept in their canonical text, so that
 * every reader sees one thing.  Functions that store copy into the session's
 * pool.
 */
#ifndef SX_SESSION_H
#define SX_SESSION_H

#include <apr_tables.h>
#include "sx.h"
#include "sx_process.h"

typedef enum sx_type {
    SX_TEXT = 0,
    SX_INT,    /* canonical int64 */
    SX_BOOL,   /* "0" or "1" */
    SX_FLOAT,  /* as PHP prints it with precision 17 */
    SX_OPAQUE, /* a serialised value of one language; never decoded here */
    SX_SECRET, /* for modules of httpd alone, such as a password of
                * mod_auth_form: no app is shown it, and none may take it for
                * a value of its own language */
    SX_TYPE_COUNT
} sx_type;

typedef struct sx_entry {
    sx_str key;
    sx_str value;
    sx_type type;
} sx_entry;

/* Who has taken a message to show it: see sx_flash.h. */
typedef struct sx_flash_claim {
    uint64_t id;      /* random, of one request; 0: nobody has */
    int64_t since_ms; /* store clock; see sx_record.h */
    sx_process by;
} sx_flash_claim;

typedef struct sx_message {
    uint64_t id; /* random: a message is shown once whoever saw the list */
    sx_str level;
    sx_str text;
    sx_flash_claim claim;
} sx_message;

/* What is noted of a session's client: see sx_client.h. */
typedef enum sx_client_part {
    SX_CLIENT_UA,
    SX_CLIENT_ADDRESS,
    SX_CLIENT_TLS,
    SX_CLIENT_PARTS
} sx_client_part;

typedef struct sx_session {
    apr_pool_t *pool;
    uint64_t version;   /* SESSION_VERSION; 0 until the first commit */
    uint64_t handle;    /* SESSION_HANDLE; through all renewals */
    int64_t created_s;  /* wall clock, for people */
    int64_t login_s;    /* wall clock of the last log-in; 0: none */
    int64_t id_born_ms; /* store clock: when this id was made; sealed as ms
                         * since the creation, see sx_record.h */
    uint64_t epoch;     /* of its user: see sx_user.h */
    uint64_t seat;      /* among its user's: see sx_registry.h; 0: none */
    uint32_t client[SX_CLIENT_PARTS]; /* tags; 0: not noted */
    uint32_t idle_s; /* idle timeout asked for by the app; 0: the scope's */
    bool persist;    /* keep the cookie up to the absolute end */
    apr_array_header_t *entries;  /* of sx_entry */
    apr_array_header_t *messages; /* of sx_message */
} sx_session;

/**
 * Is ${value} the canonical text of a ${type}?  Any bytes are for SX_TEXT,
 * SX_OPAQUE and SX_SECRET.  Of an SX_FLOAT the shape is judged ("-0.5",
 * "1.0E+25", "INF"), not whether another text names the same number.
 */
bool sx_type_accepts(sx_type type, sx_str value);

/** Is ${level} a flash level: 1 to SX_LEVEL_MAX letters a to z? */
bool sx_is_level(sx_str level);

/** May apps, expressions and logs see values of this type as text? */
bool sx_type_is_shown(sx_type type);

/** An empty session of version 0. */
sx_session *sx_session_create(apr_pool_t *pool);

/** A copy, for a try that may be thrown away: changing one changes nothing of
 *  the other.  It shares the strings, which nobody changes in place, so the
 *  session's must live as long as the copy does. */
sx_session *sx_session_clone(const sx_session *session, apr_pool_t *pool);

/** The entry of ${key}, or NULL.  Valid until the next change. */
const sx_entry *sx_session_get(const sx_session *session, sx_str key);

/** Set or replace.  Returns true if anything changed.  Limits and types are
 *  the caller's to check: sx_delta does, and sx_encode refuses what they do
 *  not allow. */
bool sx_session_set(sx_session *session, sx_str key, sx_str value,
                    sx_type type);

/** Remove.  Returns true if it was there. */
bool sx_session_unset(sx_session *session, sx_str key);

/** Remove all entries; messages stay.  Returns true if there were any. */
bool sx_session_clear(sx_session *session);

/** Bytes of all keys and values, as SessionExtMaxSize counts them. */
size_t sx_session_size(const sx_session *session);

/** The value of the user key, or an empty string. */
sx_str sx_session_user(const sx_session *session, sx_str user_key);

#endif
