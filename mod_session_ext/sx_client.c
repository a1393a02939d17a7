/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_client.h. */
#include "sx_client.h"

#include "sx_tag.h"

/* 0: nothing is known of this part, or nobody asks for it. */
static uint32_t tag_of(const sx_realm *realm, unsigned char kid, unsigned part)
{
    sx_str value = realm->client.part[part];

    if (realm->client.bind == SX_BIND_OFF || value.p == NULL)
        return 0;
    return sx_short_tag(sx_keys_get(realm->scope.keys, kid, SX_PURPOSE_CLIENT),
                        value);
}

unsigned sx_client_changed(const sx_realm *realm, const sx_id *id,
                           const sx_session *session)
{
    unsigned changed = 0;

    for (unsigned i = 0; i < SX_CLIENT_PARTS; i++) {
        uint32_t tag = session->client[i] ? tag_of(realm, id->kid, i) : 0;

        if (tag && tag != session->client[i])
            changed |= 1U << i;
    }
    return changed;
}

void sx_client_note(const sx_realm *realm, const sx_id *id, unsigned anew,
                    sx_session *session)
{
    for (unsigned i = 0; i < SX_CLIENT_PARTS; i++)
        if (session->client[i] == 0 || anew & 1U << i)
            session->client[i] = tag_of(realm, id->kid, i);
}

const char *sx_client_str(unsigned changed)
{
    static const char *const words[1 << SX_CLIENT_PARTS] = {
        "nothing",
        "User-Agent",
        "address",
        "User-Agent and address",
        "TLS",
        "User-Agent and TLS",
        "address and TLS",
        "User-Agent, address and TLS",
    };

    return words[changed % (1 << SX_CLIENT_PARTS)];
}
