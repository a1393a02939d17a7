/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two stores as one: FAST, of this host, in front of DURABLE, which other hosts
 * may share.  Django's cached_db, with a version instead of hope: what this
 * host has confirmed is never followed by something older here, and what others
 * write is seen here after ${max_age_ms} at the latest.
 *
 *   get      a copy in FAST that is younger than ${max_age_ms}; else DURABLE's
 *            record, a copy of which goes to FAST
 *   put_if   FAST's copy is made unusable, DURABLE is written, and when that
 *            is confirmed FAST has a copy of it
 *   touch, remove    the same, and no copy is left
 *   each     of DURABLE; FAST may have anything or nothing
 *
 * DURABLE is the store: its tokens, its clock, its life, its answers.  FAST may
 * lose everything at any moment, be full, damaged or out of reach; that costs
 * time and nothing else, but for one thing: a process that cannot reach FAST
 * cannot take copies out of it, and those who can see them for ${max_age_ms}.
 *
 * With ${max_age_ms} 0 DURABLE is asked each time, and FAST is only cleared.
 *
 * What is not there is not remembered: a record that another host makes is
 * found at once.  The exception is a user's epoch (sx_user.h), which most users
 * have never had and each of their requests asks for.  So a logout everywhere
 * is seen at once on the host where it is done, and on others after
 * ${max_age_ms}, as any other write.  But a copy tells nobody that he is out:
 * one that has ended is not believed, since another host may have noted an
 * access, and an epoch or a registry that does not know a session is asked for
 * anew.
 *
 * While DURABLE cannot be asked, copies that are young enough are given out,
 * and everything else is its outage; after that, too, nothing is older than
 * ${max_age_ms}.
 *
 * Nobody waits here but in the two stores, for as long as they say.
 */
#ifndef SX_STORE_TIER_H
#define SX_STORE_TIER_H

#include "sx_store.h"

/** A backend over ${fast} and ${durable}, which are borrowed; ${name} says what
 *  DURABLE is, so that copies of two of them can be in one FAST.  Neither may
 *  be a cookie store, and DURABLE no tier.  It may be made anew for each
 *  request. */
sx_store *sx_store_tier_create(sx_store *fast, sx_store *durable,
                               const char *name, int64_t max_age_ms,
                               apr_pool_t *pool);

#endif
