/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_object.h"

#include <sodium.h>
#include <string.h>

/* A record: length of the id, 4 bytes; id; NUL; value. */
#define LEN_LEN 4

static void write_len(unsigned char le[LEN_LEN], size_t len)
{
    for (int i = 0; i < LEN_LEN; i++)
        le[i] = (unsigned char)(len >> (8 * i));
}

static void copy(unsigned char *to, sx_str from)
{
    if (from.len > 0)
        memcpy(to, from.p, from.len);
}

void sx_object_key(const unsigned char secret[SX_SECRET_LEN], sx_str owner,
                   sx_str id, unsigned char key[SX_STORE_KEY_LEN])
{
    crypto_generichash_state state;
    unsigned char le[LEN_LEN];

    crypto_generichash_init(&state, secret, SX_SECRET_LEN, SX_STORE_KEY_LEN);
    /* Its length first: "ab" and "c" are not "a" and "bc". */
    write_len(le, owner.len);
    crypto_generichash_update(&state, le, sizeof le);
    crypto_generichash_update(&state, (const unsigned char *)owner.p,
                              owner.len);
    crypto_generichash_update(&state, (const unsigned char *)id.p, id.len);
    crypto_generichash_final(&state, key, SX_STORE_KEY_LEN);
    sodium_memzero(&state, sizeof state);
}

size_t sx_object_size(size_t id_len, size_t value_len)
{
    return LEN_LEN + id_len + 1 + value_len;
}

void sx_object_write(unsigned char *record, sx_str id, sx_str value)
{
    write_len(record, id.len);
    copy(record + LEN_LEN, id);
    record[LEN_LEN + id.len] = '\0';
    copy(record + LEN_LEN + id.len + 1, value);
}

bool sx_object_read(const unsigned char *record, size_t len, sx_str *id,
                    sx_str *value)
{
    size_t id_len = 0;

    if (len < LEN_LEN + 1)
        return false;
    for (int i = 0; i < LEN_LEN; i++)
        id_len |= (size_t)record[i] << (8 * i);
    if (id_len > len - LEN_LEN - 1 || record[LEN_LEN + id_len] != '\0')
        return false;
    *id = (sx_str){(const char *)record + LEN_LEN, id_len};
    *value = (sx_str){id->p + id_len + 1, len - LEN_LEN - id_len - 1};
    return true;
}
