/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_retry.h"

#include <time.h>
#include "sx_seal.h"

/* Conflicts before a writer makes way, and tries before it gives up.  Behind
 * the queue a conflict can only come from who is still in the first tries. */
#define TRIES_BEFORE_WAIT 2
#define TRIES_MAX         100

/* Who cannot queue waits for a random part of a span that doubles: from about
 * what a try takes to what a few dozen writers need for one each. */
#define SPAN_MIN_US 1000u
#define SPAN_MAX_US 64000u

static void stand_back(unsigned conflicts)
{
    const unsigned doubled = conflicts < 6 ? conflicts : 6;
    struct timespec pause = {0};
    uint32_t n;

    _Static_assert(SPAN_MIN_US << 6 == SPAN_MAX_US, "as often as it doubles");
    sx_random(&n, sizeof n);
    pause.tv_nsec = (long)(n % (SPAN_MIN_US << doubled)) * 1000;
    nanosleep(&pause, NULL);
}

/* As "full jitter": two that met once are not likely to meet again. */
static sx_answer retry_apart(sx_try_fn *once, void *baton)
{
    const int64_t until_us =
        sx_monotonic_us() + (int64_t)SX_COMMIT_WAIT_MS * 1000;
    sx_answer answer = SX_STORE_CHANGED;

    for (unsigned i = 0; answer == SX_STORE_CHANGED; i++) {
        if (i >= TRIES_BEFORE_WAIT)
            stand_back(i - TRIES_BEFORE_WAIT);
        if (i > 0 && sx_monotonic_us() >= until_us)
            break;
        answer = once(baton, i);
    }
    return answer;
}

sx_answer sx_retry(sx_store *store, const unsigned char *key, sx_try_fn *once,
                   void *baton)
{
    sx_answer answer = SX_STORE_CHANGED;
    bool queued = false;

    if (!store->ops->queue_enter)
        return retry_apart(once, baton);
    for (unsigned i = 0; i < TRIES_MAX && answer == SX_STORE_CHANGED; i++) {
        if (i == TRIES_BEFORE_WAIT) {
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
