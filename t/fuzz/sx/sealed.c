/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of all texts only those that were issued open: the input is laid over them,
 * or stands for itself.  And whatever an app's value is, it comes back.
 */
#include <apr_strings.h>

#include "pool.h"
#include "sx_sealed.h"
#include "sx_seal.h"

#define NOW INT64_C(1700000000)

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

/* Opens ${text}, which may do so only if it is ${issued}. */
static void judge(const sx_sealed_scope *scope, sx_str text, sx_str issued,
                  apr_pool_t *pool)
{
    sx_sealed got;
    bool opened = sx_sealed_open(scope, text, NOW, &got, pool) == SX_SEALED_OK;

    MUST(opened == sx_str_eq(text, issued));
}

/* What a holder of the key may have made of any bytes is read in its bounds. */
static void judge_facts(const sx_sealed_scope *scope, sx_str facts,
                        apr_pool_t *pool)
{
    static const char bound[] = "ck\1\1\1\3\0sid\7\0example";
    sx_str sealed = sx_seal(sx_keys_get(scope->keys, 1, SX_PURPOSE_ENCRYPT),
                            (sx_str){bound, sizeof bound - 1}, facts, pool);
    char *raw = apr_palloc(pool, sealed.len + 2);
    sx_sealed got;

    memcpy(raw, "\1\1", 2);
    memcpy(raw + 2, sealed.p, sealed.len);
    if (sx_sealed_open(scope, sx_to_text((sx_str){raw, sealed.len + 2}, pool),
                       NOW, &got, pool) == SX_SEALED_OK) {
        MUST(got.value.len <= facts.len);
        MUST(got.attrs.path == NULL || strlen(got.attrs.path) <= facts.len);
        MUST(got.attrs.domain == NULL || strlen(got.attrs.domain) <= facts.len);
    }
}

static void judge_mode(sx_sealed_mode mode, const uint8_t *data, size_t size,
                       apr_pool_t *pool)
{
    sx_sealed_scope scope = {one_key(), "sid", "example", mode,
                             SX_SEALED_AGE_MAX_S};
    sx_str input = {(const char *)data, size};
    sx_sealed sealed = {.value = input, .attrs.path = "/", .issued_s = NOW};
    sx_str issued = sx_sealed_make(&scope, &sealed, pool);
    char *over = apr_pmemdup(pool, issued.p, issued.len);

    MUST(sx_sealed_open(&scope, issued, NOW, &sealed, pool) == SX_SEALED_OK);
    MUST(sx_str_eq(sealed.value, input) && sealed.issued_s == NOW);
    for (size_t i = 0; i + 1 < size; i += 2) {
        over[data[i] % issued.len] = (char)data[i + 1];
    }
    judge(&scope, (sx_str){over, issued.len}, issued, pool);
    judge(&scope, (sx_str){over, size % issued.len}, issued, pool);
    /* libFuzzer sees the texts above and gives them back as inputs. */
    if (sx_sealed_open(&scope, input, NOW, &sealed, pool) == SX_SEALED_OK &&
        mode == SX_SIGN) {
        MUST(sx_str_eq(sx_sealed_make(&scope, &sealed, pool), input));
    }
    if (mode == SX_ENCRYPT) {
        judge_facts(&scope, input, pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();

    judge_mode(SX_SIGN, data, size, pool);
    judge_mode(SX_ENCRYPT, data, size, pool);
    apr_pool_destroy(pool);
    return 0;
}
