/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of `<which header><value>` become a delta, which is applied to a
 * session: a refusal is a printable sentence, and what was not refused is a
 * session that can be written and read.
 */
#include <apr_strings.h>
#include <ctype.h>

#include "pool.h"
#include "sx_codec.h"
#include "sx_command.h"

static void parse_lines(sx_delta *delta, const char *text, size_t size)
{
    const char *const *names = sx_command_names();
    size_t count = 0;

    while (names[count] != NULL) {
        count++;
    }
    MUST(count > 0);
    while (size > 1) {
        const char *end = memchr(text, '\n', size);
        size_t len = end != NULL ? (size_t)(end - text) : size;

        if (len > 0) {
            sx_command_parse(delta, names[(unsigned char)*text % count],
                             apr_pstrmemdup(delta->pool, text + 1, len - 1));
        }
        len += end != NULL;
        text += len;
        size -= len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    sx_delta *delta = sx_delta_create(pool);
    sx_session *session = sx_session_create(pool);
    sx_limits limits = {65536, 3600, SX_FLASH_MAX, SX_FLASH_BYTES};
    sx_change change = {0};

    parse_lines(delta, (const char *)data, size);
    for (const char *at = delta->refused; at != NULL && *at; at++) {
        MUST(isprint((unsigned char)*at));
    }
    if (delta->refused == NULL &&
        sx_delta_apply(delta, session, true, &limits, &change) == SX_APPLIED) {
        sx_str bytes = sx_encode(session, pool);

        MUST(bytes.len > 0 && sx_decode(bytes, pool) != NULL);
    }
    apr_pool_destroy(pool);
    return 0;
}
