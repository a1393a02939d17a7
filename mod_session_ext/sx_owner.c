/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_owner.h"

#include "sx_user.h"

sx_answer sx_owner_set(const sx_sitting *who, sx_claim *claim)
{
    const sx_realm *realm = who->realm;
    sx_str user = sx_session_user(who->session, realm->user_key);
    uint64_t before = who->meta->user_tag, tag;
    sx_answer answer = SX_STORE_OK;

    who->meta->kind = user.len ? SX_USER : SX_ANONYMOUS;
    who->meta->user_tag = 0;
    if (!user.len) {
        who->session->seat = 0;
        return SX_STORE_OK;
    }
    tag = who->meta->user_tag = sx_user_tag(realm, who->id->kid, user);
    if (who->logs_in)
        answer = sx_epoch_join(realm, tag, who->session, who->now, who->pool);
    else if (tag != before)
        answer = sx_epoch_follow(realm, tag, who->session, who->now, who->pool);
    return answer == SX_STORE_OK ? sx_registry_reserve(who, before, claim)
                                 : answer;
}
