/* SPDX-License-Identifier: Apache-2.0 */
/* Items of a list lie in it, one behind the other; what decodes, encodes to
 * something that decodes to the same; a refusal names a byte of the text. */
#include "pool.h"
#include "sx_form.h"

static void one_item(sx_str item, apr_pool_t *pool)
{
    sx_buf buf = {.pool = pool};
    sx_str raw, again;
    size_t at = 0;

    if (!sx_form_decode(item, &raw, &at, pool)) {
        MUST(at < item.len);
        return;
    }
    sx_form_encode(&buf, raw);
    MUST(sx_form_decode((sx_str){buf.p, buf.len}, &again, &at, pool));
    MUST(again.len == raw.len && memcmp(again.p, raw.p, raw.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    sx_str list = {(const char *)data, size}, item;
    const char *before = list.p;
    size_t pos = 0;

    while (sx_form_next(list, &pos, &item)) {
        MUST(pos <= size && item.len > 0 && item.p >= before &&
             item.p + item.len <= list.p + size);
        before = item.p + item.len;
        one_item(item, pool);
    }
    one_item(list, pool);
    apr_pool_destroy(pool);
    return 0;
}
