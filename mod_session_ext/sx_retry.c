/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_retry.h"

/* Conflicts before a writer queues, and tries before it gives up.  Behind the
 * queue a conflict can only come from writers still in their first tries. */
#define TRIES_BEFORE_QUEUE 2
#define TRIES_MAX          100

sx_answer sx_retry(sx_store *store, const unsigned char *key, sx_try_fn *once,
                   void *baton)
{
    sx_answer answer = SX_STORE_CHANGED;
    bool queued = false;

    for (unsigned i = 0; i < TRIES_MAX && answer == SX_STORE_CHANGED; i++) {
        if (i == TRIES_BEFORE_QUEUE && store->ops->queue_enter) {
            if (store->ops->queue_enter(store, key, SX_COMMIT_WAIT_MS) !=
                SX_STORE_OK)
                break;
            queued = true;
        }
        answer = once(baton, i);
    }
    if (queued)
        store->ops->queue_leave(store, key);
    return answer;
}
