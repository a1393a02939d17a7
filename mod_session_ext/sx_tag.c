/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_tag.h"

#include <string.h>
#include <sodium.h>

_Static_assert(SX_SECRET_LEN <= crypto_generichash_KEYBYTES_MAX, "hash key");
_Static_assert(SX_SECRET_LEN >= crypto_shorthash_KEYBYTES, "short hash key");

static uint64_t number(const unsigned char *bytes, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void hash_str(crypto_generichash_state *state, sx_str s)
{
    unsigned char len[8];

    for (size_t i = 0; i < sizeof(len); i++)
        len[i] = (unsigned char)((uint64_t)s.len >> (8 * i));
    crypto_generichash_update(state, len, sizeof(len));
    if (s.len > 0)
        crypto_generichash_update(state, (const unsigned char *)s.p, s.len);
}

uint64_t sx_tag(const unsigned char *subkey, sx_str a, sx_str b)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    crypto_generichash_state state;
    uint64_t tag;

    crypto_generichash_init(&state, subkey, SX_SECRET_LEN, sizeof(hash));
    hash_str(&state, a);
    hash_str(&state, b);
    crypto_generichash_final(&state, hash, sizeof(hash));
    sodium_memzero(&state, sizeof(state));
    tag = number(hash, 8);
    return tag ? tag : 1;
}

uint32_t sx_short_tag(const unsigned char *subkey, sx_str value)
{
    unsigned char hash[crypto_shorthash_BYTES];
    uint32_t tag;

    crypto_shorthash(hash, (const unsigned char *)value.p, value.len, subkey);
    tag = (uint32_t)number(hash, 4);
    return tag ? tag : 1;
}

uint32_t sx_ns_number(const char *ns)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)ns,
                       strlen(ns), NULL, 0);
    return (uint32_t)number(hash, 4);
}
