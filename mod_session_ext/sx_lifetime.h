/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetimes: pure policy.  (policy, session, now) -> how long, and what is due
 * at this request.  Nothing here reads a clock or a store.
 */
#ifndef SX_LIFETIME_H
#define SX_LIFETIME_H

#include "sx_session.h"
#include "sx_store.h"

typedef struct sx_lifetimes {
    int64_t idle_ms;     /* SessionExtIdleTimeout */
    int64_t idle_max_ms; /* SessionExtIdleMax */
    int64_t absolute_ms; /* SessionExtAbsoluteTimeout */
    int64_t renew_ms;    /* SessionExtRenewInterval; 0: never */
    int64_t grace_ms;    /* SessionExtRenewGrace */
    int64_t touch_ms;    /* SessionExtTouchInterval */
} sx_lifetimes;

/** The idle timeout that applies: the app's wish up to the scope's maximum. */
int64_t sx_lifetime_idle_ms(const sx_lifetimes *policy,
                            const sx_session *session);

/** The end of a session accessed at ${now_ms}: now + idle, at most
 *  ${hard_end_ms}. */
int64_t sx_lifetime_end(const sx_lifetimes *policy, const sx_session *session,
                        int64_t hard_end_ms, int64_t now_ms);

/** Is the last noted access older than min(touch interval, idle / 10)? */
bool sx_lifetime_touch_due(const sx_lifetimes *policy,
                           const sx_session *session,
                           const sx_record_meta *meta, int64_t now_ms);

/** Is the id older than the renew interval, or, by a clock that was another
 *  one, to be made so much later? */
bool sx_lifetime_renew_due(const sx_lifetimes *policy,
                           const sx_session *session, int64_t now_ms);

#endif
