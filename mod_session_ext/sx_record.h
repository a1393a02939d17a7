/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session as a record of a store: encoded, sealed under a key that needs the
 * client's cookie, and bound to its place.  A record is a session or an alias,
 * which holds the id that the session has now.
 *
 * Times inside a session are sealed as ms since its creation, which lies beside
 * it.  So whatever carries a record to another clock (a reboot, a snapshot, a
 * copy to another store) and has to translate the times beside it, without a
 * key, has translated these, too.
 */
#ifndef SX_RECORD_H
#define SX_RECORD_H

#include "sx_delta.h"
#include "sx_id.h"
#include "sx_lifetime.h"
#include "sx_store.h"

/* What a client that has changed does to its session: see sx_client.h. */
typedef enum sx_bind { SX_BIND_OFF, SX_BIND_LOG, SX_BIND_KILL } sx_bind;

typedef struct sx_client {
    sx_bind bind;
    sx_str part[SX_CLIENT_PARTS]; /* p is NULL: not known, or not looked at */
} sx_client;

/* How many sessions a user may have: see sx_registry.h. */
typedef struct sx_per_user {
    unsigned max; /* 0: any number */
    bool deny;    /* beyond it log-ins are refused; else the oldest goes */
} sx_per_user;

/* What somebody has opened before: a record of that token holds these bytes. */
typedef struct sx_opened {
    unsigned char store_key[SX_STORE_KEY_LEN];
    uint64_t token; /* 0: nothing */
    sx_str plain;
} sx_opened;

/* Where a request's session lives and what rules it: made by the caller per
 * scope, read only here. */
typedef struct sx_realm {
    sx_id_scope scope; /* keys, cookie name, namespace */
    sx_store *store;
    sx_lifetimes times;
    sx_limits limits;
    sx_str user_key;
    bool encrypt;
    sx_per_user per_user;
    sx_client client;        /* of this request */
    sx_process self;         /* for claims: who asks */
    const sx_opened *opened; /* need not be opened again; or NULL */
} sx_realm;

/** ${plain} as bytes of the record of ${id}: sealed, or in the clear where the
 *  realm says so; an alias always sealed. */
sx_str sx_record_close(const sx_realm *realm, const sx_id *id, sx_kind kind,
                       sx_str plain, apr_pool_t *pool);

/** ${session} as bytes of its record, beside which ${meta} will lie; empty if
 *  it breaks a limit of the format. */
sx_str sx_record_session(const sx_realm *realm, const sx_id *id,
                         const sx_record_meta *meta, sx_session *session,
                         apr_pool_t *pool);

/* A session as one read found it. */
typedef struct sx_found {
    sx_id id;
    sx_record_meta meta;
    sx_session *session;
    bool via_alias;
    bool has_epoch;      /* its user's came along: */
    sx_store_read epoch; /* that of meta.user_tag, if there is one */
    sx_str bytes;        /* of the record */
    sx_str plain;        /* the same, open */
} sx_found;

/** Get the record of at->id, whatever it is: at->meta and at->bytes. */
sx_answer sx_record_get(const sx_realm *realm, sx_found *at, int64_t grace_ms,
                        sx_now now, apr_pool_t *pool);

/** Open what was got and, while it is an alias, the record it leads to; fills
 *  the rest of ${at}.  SX_STORE_DAMAGED covers what does not open, too. */
sx_answer sx_record_open(const sx_realm *realm, sx_found *at, int64_t grace_ms,
                         sx_now now, apr_pool_t *pool);

/** Both. */
sx_answer sx_record_read(const sx_realm *realm, sx_found *at, int64_t grace_ms,
                         sx_now now, apr_pool_t *pool);

/** End the session that ${id} leads to, whoever writes or renews it meanwhile.
 *  SX_STORE_OK: by us; SX_STORE_MISS: it was gone; an outage. */
sx_answer sx_record_end(const sx_realm *realm, const sx_id *id, sx_now now,
                        apr_pool_t *pool);

#endif
