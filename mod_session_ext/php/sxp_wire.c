/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   mark 1 | entries:  type 1 | key length 4 | value length 4 | key | value
 *
 * The mark is a byte that no text of PHP's own serializers begins with.  A key
 * may be longer than a session takes: that is told when it is written.
 */
#include "sxp_wire.h"

#define MARK 1
#define HEAD 9

static size_t room_of(const apr_array_header_t *entries)
{
    size_t room = 1;

    for (int i = 0; i < entries->nelts; i++) {
        const sx_entry *entry = &APR_ARRAY_IDX(entries, i, sx_entry);

        room += HEAD + entry->key.len + entry->value.len;
    }
    return room;
}

static char *put_length(char *at, size_t len)
{
    for (int shift = 0; shift < 32; shift += 8)
        *at++ = (char)(unsigned char)(len >> shift);
    return at;
}

static size_t get_length(const unsigned char *at)
{
    return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 |
           (size_t)at[3] << 24;
}

static char *put(char *at, sx_str s)
{
    if (s.len)
        memcpy(at, s.p, s.len);
    return at + s.len;
}

zend_string *sxp_wire_make(const apr_array_header_t *entries)
{
    zend_string *wire = zend_string_alloc(room_of(entries), 0);
    char *at = ZSTR_VAL(wire);

    *at++ = MARK;
    for (int i = 0; i < entries->nelts; i++) {
        const sx_entry *entry = &APR_ARRAY_IDX(entries, i, sx_entry);

        *at++ = (char)entry->type;
        at = put_length(at, entry->key.len);
        at = put_length(at, entry->value.len);
        at = put(at, entry->key);
        at = put(at, entry->value);
    }
    *at = '\0';
    return wire;
}

/* One entry, taken off ${rest}. */
static bool take(sx_str *rest, sx_entry *entry)
{
    const unsigned char *head = (const unsigned char *)rest->p;

    if (rest->len < HEAD || head[0] >= SX_TYPE_COUNT)
        return false;
    rest->p += HEAD;
    rest->len -= HEAD;
    *entry = (sx_entry){.type = (sx_type)head[0],
                        .key = {rest->p, get_length(head + 1)},
                        .value = {NULL, get_length(head + 5)}};
    entry->value.p = rest->p + entry->key.len;
    if (entry->key.len + entry->value.len > rest->len)
        return false;
    rest->p += entry->key.len + entry->value.len;
    rest->len -= entry->key.len + entry->value.len;
    return sx_type_accepts(entry->type, entry->value);
}

apr_array_header_t *sxp_wire_read(sx_str bytes, apr_pool_t *pool)
{
    apr_array_header_t *entries = apr_array_make(pool, 16, sizeof(sx_entry));
    sx_str rest = {bytes.p + 1, bytes.len - 1};

    if (bytes.len == 0 || bytes.p[0] != MARK)
        return NULL;
    while (rest.len > 0)
        if (!take(&rest, apr_array_push(entries)))
            return NULL;
    return entries;
}
