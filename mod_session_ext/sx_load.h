/* SPDX-License-Identifier: Apache-2.0 */
/* Load: from cookie values to a session, or to why there is none. */
#ifndef SX_LOAD_H
#define SX_LOAD_H

#include "sx_env.h"
#include "sx_record.h"

/* What load found; what commit starts from. */
typedef struct sx_loaded {
    sx_status status;
    sx_session *session; /* NULL unless ACTIVE, and open */
    sx_record_meta meta; /* of the session's record, if ACTIVE */
    sx_id id;            /* of the session, if ACTIVE */
    bool via_alias;      /* the cookie holds an old id in its grace */
    bool has_epoch;      /* that of its user came with the record: */
    sx_store_read epoch;
    bool is_closed;   /* ACTIVE so far: its record was got, not opened */
    sx_str bytes;     /* of that record */
    sx_str plain;     /* of the session, as it was opened */
    bool reuse;       /* INVALID: an old id after its grace */
    unsigned killed;  /* INVALID: ended by us, since these parts of the
                          * client have changed (sx_client.h); meta.handle is
                          * the session's */
    sx_answer outage; /* UNAVAILABLE: what the store said */
} sx_loaded;

/**
 * Load the session that the cookie values ${candidates} lead to.  Forged ones
 * are ignored; two different genuine ids are no session.  ${cookies} is how
 * many there are: with none the status is NONE and no store is asked.
 */
void sx_load(const sx_realm *realm, const sx_str *candidates, size_t cookies,
             sx_now now, sx_loaded *loaded, apr_pool_t *pool);

/** The same for the id ${id}, which is known to be genuine. */
void sx_load_id(const sx_realm *realm, const sx_id *id, sx_now now,
                sx_loaded *loaded, apr_pool_t *pool);

/**
 * The same in two steps, for who may not need the session itself: begin gets
 * the record, as sx_load does, but leaves it closed where nothing but what is
 * in it can tell if the session lives.  finish opens it, at any later time:
 * what has happened to the session meanwhile does not count.  Until then there
 * is no commit.
 */
void sx_load_begin(const sx_realm *realm, const sx_str *candidates,
                   size_t cookies, sx_now now, sx_loaded *loaded,
                   apr_pool_t *pool);
void sx_load_finish(const sx_realm *realm, sx_now now, sx_loaded *loaded,
                    apr_pool_t *pool);

#endif
