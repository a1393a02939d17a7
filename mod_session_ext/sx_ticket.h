/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ticket: what lets another program of this host, the PHP extension, work on
 * the session of one request as the server itself would.  It holds the id of
 * the session and the policy of the scope, sealed under a key of the key file,
 * so that only who has that file can read or make one.  The reply goes back in
 * a response header, and is bound to its ticket: whatever else the app writes
 * under that name is nothing.
 *
 *   ticket   alias, if there is a session | '.' | base64url( version 1 |
 *            kid 1 | seal(fields) )
 *   reply    base64url( seal(fields) ), or if there is nothing to say but that
 *            the session was used: a letter | tag 8 hex digits
 *
 * It travels in an environment variable; php-fpm loses one above 16 367 bytes
 * without a word, so none is made that would be longer.
 */
#ifndef SX_TICKET_H
#define SX_TICKET_H

#include "sx_commit.h"
#include "sx_place.h"

#define SX_TICKET_VARIABLE "SESSION_EXT_TICKET"
#define SX_REPLY_HEADER    "Session-Ext-Reply"
#define SX_ALIAS_LEN       32
#define SX_MARK_LEN        24

/* What a reply to one ticket is bound to. */
typedef struct sx_reply_to {
    unsigned char kid;
    unsigned char mark[SX_MARK_LEN]; /* no two tickets have the same */
} sx_reply_to;

typedef struct sx_ticket {
    sx_realm realm;       /* but for keys, store and process: who opens has its
                        * own */
    const char *store;    /* path of the store's file */
    uint64_t life;        /* of that store; 0: not known */
    sx_place_rules rules; /* and how it is written */
    const sx_id *id;      /* of the session; NULL: there is none */
    uint64_t handle;      /* of the same, as far as it is known; 0 */
    bool via_alias;       /* the client's cookie holds an earlier id */
    bool unavailable;     /* the store could not be asked */
    bool may_send_cookie;
    bool is_closed; /* the server has not opened the session, and need not if
                       * it hears that its access is noted */
} sx_ticket;

/** The text of ${ticket}, under the first of the keys of its realm; NULL if it
 *  would not fit any gateway. */
const char *sx_ticket_make(const sx_ticket *ticket, sx_reply_to *to,
                           apr_pool_t *pool);

/** The alias of the session ${id}, a text: made from the id, and no way back.
 *  It changes with the id. */
void sx_alias_of(const sx_id *id, char alias[SX_ALIAS_LEN + 1]);

/** The alias in front of the ticket ${text}: false if there is no session.
 *  Nothing is opened, and so nothing is proven. */
bool sx_ticket_alias(const char *text, char alias[SX_ALIAS_LEN + 1]);

/** Open ${text}: false unless it was made with one of ${keys}, which the realm
 *  then has.  What it points to is in ${pool}. */
bool sx_ticket_open(const sx_keys *keys, sx_str text, sx_ticket *ticket,
                    sx_reply_to *to, apr_pool_t *pool);

/** What became of the session, in words of a commit: cookie, id, times, handle
 *  and what happened. */
const char *sx_reply_make(const sx_keys *keys, const sx_reply_to *to,
                          const sx_committed *done, apr_pool_t *pool);

/** Read a reply; an id must be a genuine one of ${scope}, whose keys it is
 *  under. */
bool sx_reply_open(const sx_id_scope *scope, const sx_reply_to *to, sx_str text,
                   sx_committed *done, apr_pool_t *pool);

#endif
