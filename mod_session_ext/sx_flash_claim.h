/* SPDX-License-Identifier: Apache-2.0 */
/* Taking messages for a page: the one write before the app runs.  Why there is
 * one, sx_flash.h says. */
#ifndef SX_FLASH_CLAIM_H
#define SX_FLASH_CLAIM_H

#include "sx_load.h"

/**
 * Take for the request ${id} what is free of the messages of ${loaded}, by one
 * put_if; with none, nothing is written or read.  On SX_STORE_OK ${loaded} is
 * the session as it is now, and what the request has is marked in it.  The
 * version, and the session's times, stay as they are.
 *
 * On any other answer nothing may be handed out.  Nothing was taken then, and
 * ${loaded} is as it was, unless it is SX_STORE_UNKNOWN: then it may have been,
 * is marked all the same, and is given back by a commit for the same ${id}.
 * Never blocks longer than a commit does.
 */
sx_answer sx_flash_claim_for(const sx_realm *realm, sx_loaded *loaded,
                             uint64_t id, sx_now now, apr_pool_t *pool);

#endif
