/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both directions are one pass over the bytes.  Decoding is strict where the
 * web's usual decoders guess: a '%' that is not an escape is an error and not
 * a '%', since a value that was encoded twice or not at all must not be stored
 * as something close to it.
 */
#include "sx_form.h"

#include <string.h>
#include "sx_block.h"

#define FIRST_CAP 128

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_separator(char c)
{
    return c == '&' || c == ',';
}

/* What stands for itself.  Not isalnum(), which asks the locale of an app that
 * may live in the same process. */
static const bool is_unreserved[256] = {
    ['-'] = true,         ['.'] = true,         ['_'] = true,
    ['*'] = true,         ['0' ... '9'] = true, ['A' ... 'Z'] = true,
    ['a' ... 'z'] = true,
};

/* How much of the front of ${raw} does, in whole blocks: nearly all of it,
 * mostly. */
static size_t unreserved_len(sx_str raw)
{
    size_t len = 0;

    while (len + SX_BLOCK_LEN <= raw.len) {
        sx_block block = sx_block_load(raw.p + len);
        sx_block letters = sx_block_within(block | 0x20, 'a', 'z');
        sx_block digits = sx_block_within(block, '0', '9');
        sx_block marks =
            sx_block_equal(block, '-') | sx_block_equal(block, '.') |
            sx_block_equal(block, '_') | sx_block_equal(block, '*');

        if (sx_block_any(~(letters | digits | marks)))
            break;
        len += SX_BLOCK_LEN;
    }
    return len;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Room for ${more} bytes and a NUL.  Doubling, as a pool gives nothing back:
 * the sum of all outgrown blocks stays below the last one. */
static char *buf_room(sx_buf *buf, size_t more)
{
    size_t need = buf->len + more + 1;
    size_t cap = buf->cap ? buf->cap : FIRST_CAP;
    char *p;

    if (need <= buf->cap)
        return buf->p + buf->len;
    while (cap < need)
        cap *= 2;
    p = apr_palloc(buf->pool, cap);
    if (buf->len)
        memcpy(p, buf->p, buf->len);
    buf->p = p;
    buf->cap = cap;
    return p + buf->len;
}

void sx_buf_append(sx_buf *buf, const char *bytes, size_t len)
{
    char *end = buf_room(buf, len);

    if (len)
        memcpy(end, bytes, len);
    end[len] = '\0';
    buf->len += len;
}

static void encode_each(sx_buf *buf, const char *raw, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = buf_room(buf, 3 * len);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)raw[i];

        if (is_unreserved[c]) {
            *out++ = (char)c;
        }
        else if (c == ' ') {
            *out++ = '+';
        }
        else {
            *out++ = '%';
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        }
    }
    *out = '\0';
    buf->len = (size_t)(out - buf->p);
}

void sx_form_encode(sx_buf *buf, sx_str raw)
{
    sx_buf_append(buf, "", 0);
    while (raw.len > 0) {
        size_t len = unreserved_len(raw);
        size_t more = raw.len - len;

        if (more > SX_BLOCK_LEN)
            more = SX_BLOCK_LEN;
        sx_buf_append(buf, raw.p, len);
        encode_each(buf, raw.p + len, more);
        raw.p += len + more;
        raw.len -= len + more;
    }
}

void sx_form_pair(sx_buf *buf, sx_str name, sx_str value)
{
    if (buf->len)
        sx_buf_append(buf, "&", 1);
    sx_form_encode(buf, name);
    sx_buf_append(buf, "=", 1);
    sx_form_encode(buf, value);
}

bool sx_form_decode(sx_str text, sx_str *out, size_t *at, apr_pool_t *pool)
{
    char *p = apr_palloc(pool, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];

        *at = i;
        if (c <= ' ' || c == 0x7f)
            return false;
        if (c == '%') {
            int high = text.len - i > 2 ? hex_value(text.p[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text.p[i + 2]) : -1;

            if (low < 0)
                return false;
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        else if (c == '+') {
            c = ' ';
        }
        p[len++] = (char)c;
    }
    p[len] = '\0';
    *out = (sx_str){p, len};
    return true;
}

bool sx_form_next(sx_str list, size_t *pos, sx_str *item)
{
    size_t i = *pos;

    while (i < list.len) {
        size_t begin, end;

        while (i < list.len && (is_blank(list.p[i]) || is_separator(list.p[i])))
            i++;
        begin = i;
        while (i < list.len && !is_separator(list.p[i]))
            i++;
        end = i;
        while (end > begin && is_blank(list.p[end - 1]))
            end--;
        if (end > begin) {
            *pos = i;
            *item = (sx_str){list.p + begin, end - begin};
            return true;
        }
    }
    *pos = i;
    return false;
}
