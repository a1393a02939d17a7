/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as a line of a dump: what it is, or a printable sentence that tells what
 * is accepted and nothing of the text.  A record that was read can be written,
 * and that line is read as the same.
 */
#include <ctype.h>

#include "pool.h"
#include "sx_dump.h"

static void read_again(const sx_dump_line *line, apr_pool_t *pool)
{
    const char *text =
        sx_dump_record(line->key, &line->meta, line->bytes, pool);
    sx_dump_line again;
    const char *why;

    MUST(sx_record_meta_ok(&line->meta));
    MUST(sx_dump_read(sx_str_of(text), &again, &why, pool) == SX_DUMP_RECORD);
    MUST(memcmp(again.key, line->key, sizeof(again.key)) == 0);
    MUST(sx_str_eq(again.bytes, line->bytes));
    MUST(memcmp(&again.meta, &line->meta, sizeof(again.meta)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    sx_str text = {(const char *)data, size};
    sx_dump_line line;
    const char *why = NULL;
    sx_dump_what what = sx_dump_read(text, &line, &why, pool);

    MUST((what == SX_DUMP_BAD) == (why != NULL));
    for (const char *at = why ? why : ""; *at; at++) {
        MUST(isprint((unsigned char)*at));
    }
    MUST(why == NULL || strlen(why) < 200);
    if (what == SX_DUMP_RECORD) {
        read_again(&line, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
