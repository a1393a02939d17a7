/* SPDX-License-Identifier: Apache-2.0 */
/* Load: from cookie values to a session, or to why there is none. */
#ifndef SX_LOAD_H
#define SX_LOAD_H

#include "sx_env.h"
#include "sx_record.h"

/* What load found; what commit starts from. */
typedef struct sx_loaded {
    sx_status status;
    sx_session *session; /* NULL unless ACTIVE */
    sx_record_meta meta; /* of the session's record, if ACTIVE */
    sx_id id;            /* of the session, if ACTIVE */
    bool via_alias;      /* the cookie holds an old id in its grace */
    bool has_epoch;      /* that of its user came with the record: */
    sx_store_read epoch;
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

#endif
