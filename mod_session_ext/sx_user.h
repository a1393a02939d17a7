/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sessions of one user: the clear tag beside their records, and the epoch
 * by which all of them end at once.
 *
 * An epoch is a random number that a session takes over when its user appears.
 * It ends when another one is put in its place: one record a user, whatever
 * the number of sessions, which none of them needs to be found for.  A session
 * of another epoch is ended, but for the one that the present epoch names by
 * its handle.  No record is epoch 0: nobody has ended this user's sessions.
 *
 * Tags, and with them epochs, are made with the key of the session's id.  So a
 * logout turns the epoch under every key of the file; a session that gets an
 * id of another key takes over the epoch that it finds there, unless that one
 * says that it has ended.
 *
 * Like Django's SESSION_AUTH_HASH and Tomcat's session registry, but without a
 * list of sessions and without asking the app.
 */
#ifndef SX_USER_H
#define SX_USER_H

#include "sx_record.h"

#define SX_EPOCH_BYTES 16 /* of its record */

/** The tag of ${user}'s sessions whose ids are of the key ${kid}. */
uint64_t sx_user_tag(const sx_realm *realm, unsigned char kid, sx_str user);

/** Does the user's present epoch, or the one that was read with it, let this
 *  session live?  SX_STORE_OK, also without a user; SX_STORE_GONE; or an
 *  outage. */
sx_answer sx_epoch_check(const sx_realm *realm, const sx_found *at, sx_now now,
                         apr_pool_t *pool);

/** Let ${session}, whose user has just appeared, be of the present epoch of
 *  ${tag}. */
sx_answer sx_epoch_join(const sx_realm *realm, uint64_t tag,
                        sx_session *session, sx_now now, apr_pool_t *pool);

/** Let it be of the epoch of ${tag}, which is made with another key than that
 *  of the epoch it has.  SX_STORE_GONE if it has ended there. */
sx_answer sx_epoch_follow(const sx_realm *realm, uint64_t tag,
                          sx_session *session, sx_now now, apr_pool_t *pool);

/**
 * End all sessions of the user of ${at}, or if ${spare} all but this one.
 * SX_STORE_MISS: it has no user.  SX_STORE_GONE: it has been ended itself, and
 * who has been ended ends nobody.
 */
sx_answer sx_user_logout(const sx_realm *realm, const sx_found *at, bool spare,
                         sx_now now, apr_pool_t *pool);

/**
 * End all sessions of ${user} but the one with the handle ${except} (0: all).
 * On anything but SX_STORE_OK some of them may have ended.
 */
sx_answer sx_epoch_turn(const sx_realm *realm, sx_str user, uint64_t except,
                        sx_now now, apr_pool_t *pool);

/** From outside, where no session is opened: of the bytes of a user's epoch
 *  (sx_epoch_key, sx_store.h) the handle that it spares (0: none).  A session
 *  of that tag has ended if it is not that one and was last used before the
 *  record was created. */
uint64_t sx_epoch_spares(const unsigned char bytes[SX_EPOCH_BYTES]);

#endif
