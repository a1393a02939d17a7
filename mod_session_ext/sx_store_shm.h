/* SPDX-License-Identifier: Apache-2.0 */
/* The shared-memory backend: shm_store behind the contract of sx_store.h. */
#ifndef SX_STORE_SHM_H
#define SX_STORE_SHM_H

#include "shm_store.h"
#include "sx_store.h"

/** A backend over ${segment}, which is borrowed and must be attached in the
 *  process that calls.  Its clock is CLOCK_BOOTTIME. */
sx_store *sx_store_shm_create(shm_store *segment, apr_pool_t *pool);

#endif
