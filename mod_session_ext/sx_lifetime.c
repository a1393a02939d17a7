/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_lifetime.h"

int64_t sx_lifetime_idle_ms(const sx_lifetimes *policy,
                            const sx_session *session)
{
    if (session->idle_s == 0)
        return policy->idle_ms;
    return sx_min64((int64_t)session->idle_s * 1000, policy->idle_max_ms);
}

int64_t sx_lifetime_end(const sx_lifetimes *policy, const sx_session *session,
                        int64_t hard_end_ms, int64_t now_ms)
{
    return sx_min64(now_ms + sx_lifetime_idle_ms(policy, session), hard_end_ms);
}

bool sx_lifetime_touch_due(const sx_lifetimes *policy,
                           const sx_session *session,
                           const sx_record_meta *meta, int64_t now_ms)
{
    int64_t idle = sx_lifetime_idle_ms(policy, session);

    return now_ms - meta->last_access_ms >=
           sx_min64(policy->touch_ms, idle / 10);
}

bool sx_lifetime_renew_due(const sx_lifetimes *policy,
                           const sx_session *session, int64_t now_ms)
{
    return policy->renew_ms > 0 &&
           (session->id_born_ms <= now_ms - policy->renew_ms ||
            session->id_born_ms >= now_ms + policy->renew_ms);
}
