/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session <-> bytes.  Versioned, bounded, canonical: what encode makes decode
 * accepts, and decode accepts nothing else, whatever bytes it is given.  The
 * format is drawn in docs/architecture.md.
 */
#ifndef SX_CODEC_H
#define SX_CODEC_H

#include "sx_session.h"

/** The bytes of ${session}; never empty, but for a session that breaks a limit
 *  of sx.h or holds a value that its type does not accept: what could not be
 *  read back is not written. */
sx_str sx_encode(const sx_session *session, apr_pool_t *pool);

/** The session of ${bytes}, or NULL if they are not exactly one.  Never reads
 *  beyond them; keys, counts and lengths are held to the limits of sx.h.
 *  The session has a copy of all it needs in ${pool}; its strings have no NUL
 *  behind them. */
sx_session *sx_decode(sx_str bytes, apr_pool_t *pool);

#endif
