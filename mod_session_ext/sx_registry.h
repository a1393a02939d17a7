/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of a user: which sessions count, where there is a limit of how
 * many a user may have.
 *
 * A log-in takes a *seat*, a random number that the session keeps for as long
 * as its user stays.  The seats of a user are one record, the oldest log-in
 * first, with where each one's session lies.  A session with a seat lives only
 * while the registry names it.  So whoever replaces that one record by
 * compare-and-put has decided who is in, whatever a hundred other log-ins and
 * renewals do at that moment, and no store is ever searched.
 *
 * Nothing is written when a session ends, expires or logs out: a seat whose
 * record is gone, or whose epoch has ended, is free, and is found to be when
 * all are taken.
 *
 * The order of a log-in.  Where beyond the limit the oldest goes, the log-in
 * is decided first (its record is there, the old one removed) and takes its
 * seat afterwards: one that loses a race must end nobody.  Where it is
 * refused, it takes its seat first, and gives it back if it comes to nothing.
 * A renewal says where its session lies after it has been decided, too: before
 * that, its rivals would say the same.
 *
 * Like Spring's SessionRegistry, but exact with many processes, and without
 * listeners to keep it true.
 *
 * Tags, and with them registries, are made with the key of the session's id.
 * During a rotation a user has several; a log-in counts them all.
 */
#ifndef SX_REGISTRY_H
#define SX_REGISTRY_H

#include "sx_record.h"

#define SX_SEATS_MAX  1000
#define SX_SEAT_BYTES 80 /* of a registry's record, behind 8 for its head */

/* A session of a user that is about to be written, or has just been. */
typedef struct sx_sitting {
    const sx_realm *realm;
    sx_record_meta *meta;
    sx_session *session;
    const sx_id *id; /* under which it is written */
    bool logs_in;
    bool moves; /* it had another id before */
    sx_now now;
    apr_pool_t *pool;
} sx_sitting;

/* What a log-in has got hold of: one for all tries of a commit. */
typedef struct sx_claim {
    uint64_t number; /* of its seat; 0: not chosen yet */
    uint64_t tag; /* not 0: of the registry where the seat was taken for it */
    bool denied;
} sx_claim;

/** Does its user's registry name this session?  SX_STORE_OK, also for one
 *  without a seat; SX_STORE_GONE; an outage. */
sx_answer sx_registry_check(const sx_realm *realm, const sx_found *at,
                            sx_now now, apr_pool_t *pool);

/**
 * Before the record is written, whose registry was that of ${tag_before}.  A
 * session that goes on keeps its seat, or takes one if it has none and there is
 * room; SX_STORE_GONE: it has been ended.  One that logs in chooses one, and
 * takes it where log-ins are refused; claim->denied and SX_STORE_FULL: it is.
 */
sx_answer sx_registry_reserve(const sx_sitting *who, uint64_t tag_before,
                              sx_claim *claim);

/**
 * After it has been written under another id: where it lies.  One that logs in
 * is the newest now, and ${*evicted} of the oldest were ended for it.
 * SX_STORE_GONE: it has been ended itself.
 */
sx_answer sx_registry_settle(const sx_sitting *who, unsigned *evicted);

/** Give back a seat that was taken and came to nothing. */
void sx_registry_leave(const sx_realm *realm, const sx_claim *claim, sx_now now,
                       apr_pool_t *pool);

#endif
