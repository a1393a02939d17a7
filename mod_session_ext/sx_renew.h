/* SPDX-License-Identifier: Apache-2.0 */
/* A session gets another id: on request, when the old one is dead at once, and
 * silently, when it leads to the new one for the grace. */
#ifndef SX_RENEW_H
#define SX_RENEW_H

#include "sx_attempt.h"

/** Log-in, log-out, Session-Renew.  SX_STORE_CHANGED, SX_STORE_GONE: another
 *  one was first, and nothing of this one is left. */
sx_answer sx_renew_now(sx_attempt *a);

/** By age, or by the key of the id.  If it fails, at.meta is the old record's
 *  again: a write in place may follow. */
sx_answer sx_renew_silently(sx_attempt *a);

#endif
