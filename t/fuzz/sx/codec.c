/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that decode are those that encode makes of what they decode to. */
#include "pool.h"
#include "sx_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    sx_session *session = sx_decode((sx_str){(const char *)data, size}, pool);

    if (session != NULL) {
        sx_str again = sx_encode(session, pool);

        MUST(again.len == size && memcmp(again.p, data, size) == 0);
    }
    apr_pool_destroy(pool);
    return 0;
}
