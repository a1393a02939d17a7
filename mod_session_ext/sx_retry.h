/* SPDX-License-Identifier: Apache-2.0 */
/* Read, change, put_if, and once more if another writer was first: how often,
 * and how writers of one session make way for each other: in the queue of the
 * store or, if it has none, by waiting for random times. */
#ifndef SX_RETRY_H
#define SX_RETRY_H

#include "sx_store.h"

/* How long a writer may queue, or try, before it gives up. */
#define SX_COMMIT_WAIT_MS 2000

/** Try number ${i}, from 0.  SX_STORE_CHANGED: once more from the top. */
typedef sx_answer sx_try_fn(void *baton, unsigned i);

/** Try until the answer is another than SX_STORE_CHANGED; that it is. */
sx_answer sx_retry(sx_store *store, const unsigned char *key, sx_try_fn *once,
                   void *baton);

#endif
