/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of a store by who has time: not a request but work that goes through
 * all of it.  What is held or cannot be reached for a moment is asked again,
 * for SX_PATIENT_MS, and a write whose answer was lost is made sure of
 * (sx_sure.h).  Answers are those of the call.
 */
#ifndef SX_PATIENT_H
#define SX_PATIENT_H

#include "sx_store.h"

#define SX_PATIENT_MS 5000

/** As get, without a grace. */
sx_answer sx_patient_get(sx_store *store, const unsigned char *key,
                         sx_str *bytes, sx_record_meta *meta, apr_pool_t *pool);

/** As put_if.  ${bytes} are none that another writes at the same time. */
sx_answer sx_patient_put(sx_store *store, const unsigned char *key,
                         uint64_t token, sx_str bytes, sx_record_meta *meta,
                         apr_pool_t *pool);

/** As touch. */
sx_answer sx_patient_touch(sx_store *store, const unsigned char *key,
                           int64_t expires_ms, int64_t now_ms);

/** As remove; what is gone when the answer was lost was removed: OK. */
sx_answer sx_patient_remove(sx_store *store, const unsigned char *key,
                            uint64_t token);

/** As each, which may begin anew: ${again} is called before, and forgets what
 *  was shown.  NULL: only what has shown nothing yet begins anew. */
sx_answer sx_patient_each(sx_store *store, sx_store_visit *visit,
                          void (*again)(void *baton), void *baton,
                          apr_pool_t *pool);

#endif
