/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is noted of a session's client, to tell when another one has its
 * cookie: of each part (User-Agent, address, TLS) a tag, a keyed hash cut to
 * 32 bits.  It tells two clients apart and cannot be turned back: not even
 * a list of all browsers helps without the key.
 *
 * Parts are noted one by one, so that scopes which look at different ones may
 * share a session, and so that the log can say which it was.  The key is that
 * of the session's id, and a part that a scope does not look at is forgotten
 * when the id gets another key.
 */
#ifndef SX_CLIENT_H
#define SX_CLIENT_H

#include "sx_record.h"

#define SX_CLIENT_ALL ((1U << SX_CLIENT_PARTS) - 1)

/** Which parts of the client of ${realm} are not those that ${session}, which
 *  has the id ${id}, has noted: bits 1 << sx_client_part; 0 if none, or none is
 *  known. */
unsigned sx_client_changed(const sx_realm *realm, const sx_id *id,
                           const sx_session *session);

/** Note the client of ${realm} in ${session}, which gets the id ${id}: what is
 *  not noted yet, and of the parts ${anew} (bits) what is there now. */
void sx_client_note(const sx_realm *realm, const sx_id *id, unsigned anew,
                    sx_session *session);

/** Bits of sx_client_changed in words, for the log: a constant. */
const char *sx_client_str(unsigned changed);

#endif
