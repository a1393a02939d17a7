/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app's Set-Cookie: what is read lies in it; what is sent in its place can
 * be read again, holds no control character, is not too long, and leads back
 * to the app's value.
 */
#include <apr_strings.h>

#include "pool.h"
#include "sx_sealed_cookie.h"
#include "sx_set_cookie.h"

#define NOW INT64_C(1700000000)

static sx_keys *one_key(void)
{
    static const unsigned char kids[] = {1};
    static const unsigned char secret[1][SX_SECRET_LEN] = {{1, 2, 3}};
    static sx_keys *keys;

    if (keys == NULL) {
        MUST(sx_crypto_init());
        keys = sx_keys_from_memory(kids, secret, 1);
    }
    return keys;
}

static void judge_sent(const sx_sealed_scope *scope, const char *sent,
                       const sx_set_cookie *said, apr_pool_t *pool)
{
    sx_set_cookie again;
    sx_sealed_found found;
    const char *cookies;

    MUST(sx_set_cookie_read(sent, NOW, &again, pool) == NULL);
    MUST(sx_str_eq(again.name, sx_str_of(scope->name)));
    MUST(again.name.len + again.value.len <= SX_COOKIE_MAX);
    MUST(again.http_only && again.has_samesite);
    if (said->has_lifetime && said->lifetime_s <= 0) {
        MUST(again.value.len == 0 && again.lifetime_s <= 0);
        return;
    }
    cookies = apr_pstrcat(pool, scope->name, "=",
                          sx_str_dup(again.value, pool).p, NULL);
    sx_sealed_find(scope, cookies, NOW, &found, pool);
    MUST(found.verdict == SX_SEALED_OK);
    MUST(sx_str_eq(found.sealed.value, said->value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    const char *line = apr_pstrmemdup(pool, (const char *)data, size);
    sx_set_cookie said;
    const char *why = sx_set_cookie_read(line, NOW, &said, pool);

    for (sx_sealed_mode mode = SX_SIGN; why == NULL && mode <= SX_ENCRYPT;
         mode++) {
        sx_seal_policy policy = {
            .scope = {one_key(), sx_str_dup(said.name, pool).p, "example", mode,
                      SX_SEALED_AGE_MAX_S}};
        const char *refused;
        const char *sent =
            sx_sealed_set_cookie(&policy, line, "/a/b", NOW, &refused, pool);

        MUST(sent != NULL || refused != NULL);
        if (sent != NULL) {
            judge_sent(&policy.scope, sent, &said, pool);
        }
    }
    MUST(why != NULL || said.name.len + said.value.len <= strlen(line));
    apr_pool_destroy(pool);
    return 0;
}
