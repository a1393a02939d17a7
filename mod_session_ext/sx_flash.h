/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a flash message: queued, taken by a page, and shown and gone, or
 * given back.  Pure policy on a session's list: nothing here reads a store or
 * a clock.
 *
 * Two pages that load at once must not both show a message, and nothing is
 * locked while their apps run.  So who hands messages to an app marks them
 * first, in the record, with a claim: a random number for the request, and
 * who made it.  Others pass over them.  The end of the request settles the
 * claim: what was shown goes, everything else is free again.
 *
 * Who is killed settles nothing.  A claim is void, and its messages are free,
 *
 *   of a process of this place  when it does not run any more (sx_process.h),
 *                               at once; a slow page keeps its messages while
 *                               its process lives, SX_FLASH_LOST_MS at most,
 *                               for a process may live on and yet never have
 *                               reached the store to settle;
 *   of any other place          after SX_FLASH_LEASE_MS: of another host, boot
 *                               or container nothing can be seen, and to wait
 *                               is better than to show twice.
 *
 * A lease alone would not do: short, it shows the messages of a slow page
 * twice; long, it hides those of a page that crashed.  A lock that ends with
 * its process (fcntl, robust mutex) would: but it needs a file or memory beside
 * the record, which no store but shm has, and as many locks as requests.
 */
#ifndef SX_FLASH_H
#define SX_FLASH_H

#include "sx_session.h"

#define SX_FLASH_LEASE_MS ((int64_t)300 * 1000)
#define SX_FLASH_LOST_MS  ((int64_t)3600 * 1000)

/**
 * Queue ${message}, whose strings are borrowed.  NULL, or why not: more than
 * ${max} messages or ${max_bytes} bytes of levels and texts would wait.
 */
const char *sx_flash_queue(apr_array_header_t *messages, sx_message message,
                           uint32_t max, size_t max_bytes);

/** Take for ${claim} whatever is free.  True if that was anything. */
bool sx_flash_take(apr_array_header_t *messages, const sx_flash_claim *claim);

/** Those that the request ${id} has taken, in order; NULL: none. */
const apr_array_header_t *sx_flash_taken(const apr_array_header_t *messages,
                                         uint64_t id, apr_pool_t *pool);

/** The request ${id} is over: what it has taken was shown and goes, or is free
 *  again.  True if it had taken anything. */
bool sx_flash_settle(apr_array_header_t *messages, uint64_t id, bool shown);

/**
 * The session gets an id that the requests which run now do not know, so that
 * none of them can settle: what a living one has taken is being shown, and
 * goes; what a dead one has taken is free.
 */
void sx_flash_move_on(apr_array_header_t *messages, const sx_process *self,
                      int64_t now_ms);

#endif
