/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that their own cookie carries: the id, a dot, and the record sealed
 * (XChaCha20-Poly1305, under a key of the key file, bound to the id and so to
 * cookie name and namespace).  As in Plug, Rails and Play, a session costs the
 * server no memory while nobody asks.  What those cannot do needs a store
 * beside it, `inner`:
 *
 *   an end      A cookie that was sent cannot be taken back.  A session that
 *               is destroyed or whose id is renewed leaves a tombstone under
 *               its store key, for as long as any cookie of it may live.
 *   an epoch    The user's epochs are records of `inner` (sx_user.h).
 *   a merge     What is written stays in `inner` for SX_CARRY_SHARE_MS, too,
 *               where another request that runs meanwhile finds it, whichever
 *               cookie it came with: so that requests at the same time merge
 *               by key, as in any other store.
 *   a spill     What is too large for a cookie, or is written when the headers
 *               have left, stays in `inner` up to its end, and the cookie has
 *               the id alone; with the next write that fits, it goes back.
 *
 * Each write counts a sequence number up; of what the cookie and `inner` hold,
 * the higher one is the session.  A cookie is of one life of `inner`: if that
 * store is begun anew, tombstones and epochs are gone, and with them every
 * cookie that was sent before.
 *
 * What is weaker than in `inner` itself: an older cookie of a session that
 * lives is taken for that session, if nobody has written for the share; and a
 * writer that is slower than the share replaces what others wrote meanwhile.
 *
 * Unlike other backends, a handle is of one request: it holds what that
 * request's cookies carry and what its response must.
 */
#ifndef SX_STORE_COOKIE_H
#define SX_STORE_COOKIE_H

#include "sx_cookie.h"
#include "sx_id.h"
#include "sx_store.h"

#define SX_CARRY_SHARE_MS SX_COMMIT_GRACE_MS

/** A handle for one request.  ${inner} and the strings of ${scope} are
 *  borrowed. */
sx_store *sx_store_cookie_create(sx_store *inner, const sx_id_scope *scope,
                                 apr_pool_t *pool);

/**
 * Begin a look at the client's cookies: take what the values of the id cookie
 * carry, instead of what was taken before, and leave the ids in ${values}.
 * Nothing is opened yet.  One id with two different loads is none of them:
 * never "first wins".  ${now} tells how far the clocks are apart.
 */
void sx_store_cookie_take(sx_store *store, sx_str *values, size_t count,
                          sx_now now);

/** May the response still send a cookie?  Until said otherwise it may; what is
 *  written when it may not is spilled. */
void sx_store_cookie_may_send(sx_store *store, bool may);

#endif
