/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a session is that is about to be written: what of its user lies beside
 * the record, which epoch it is of, and its seat. */
#ifndef SX_OWNER_H
#define SX_OWNER_H

#include "sx_registry.h"

/** Fill in kind and user tag of who->meta, which has those of before, epoch and
 *  seat of who->session.  SX_STORE_GONE: it has been ended; SX_STORE_FULL with
 *  claim->denied: its log-in is refused. */
sx_answer sx_owner_set(const sx_sitting *who, sx_claim *claim);

#endif
