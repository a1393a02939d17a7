/* SPDX-License-Identifier: Apache-2.0 */
/* Of all texts only the one that was issued is an id: the input is laid over
 * it, or stands for itself. */
#include "pool.h"
#include "sx_id.h"
#include "sx_keys.h"

#define TOKEN "AQGgoaKjpKWmp6ipqqusra6vsLE03LvhMelY-MVBsneeJSql"

static sx_keys *one_key(void)
{
    static const unsigned char kids[] = {1};
    static sx_keys *keys;
    unsigned char secret[1][SX_SECRET_LEN];

    if (keys == NULL) {
        for (unsigned i = 0; i < SX_SECRET_LEN; i++) {
            secret[0][i] = (unsigned char)i;
        }
        MUST(sx_crypto_init());
        keys = sx_keys_from_memory(
            kids, (const unsigned char(*)[SX_SECRET_LEN])secret, 1);
    }
    return keys;
}

static void judge(const char *text, size_t len, const sx_id_scope *scope)
{
    bool issued = len == SX_ID_LEN && memcmp(text, TOKEN, len) == 0;
    sx_id id;

    MUST(sx_id_verify(&id, (sx_str){text, len}, scope) == issued);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sx_id_scope scope = {one_key(), "__Host-sid", "example.org"};
    char over[SX_ID_LEN];

    memcpy(over, TOKEN, SX_ID_LEN);
    for (size_t i = 0; i + 1 < size; i += 2) {
        over[data[i] % SX_ID_LEN] = (char)data[i + 1];
    }
    judge((const char *)data, size, &scope);
    judge(over, SX_ID_LEN, &scope);
    judge(over, size % (SX_ID_LEN + 1), &scope);
    return 0;
}
