/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application/x-www-form-urlencoded, both ways.  The one text format between
 * httpd and apps, because every language has an encoder for it.
 */
#ifndef SX_FORM_H
#define SX_FORM_H

#include "sx.h"

/** Growing text.  Start with zeros and a pool; `p` is NUL-terminated once
 *  anything was appended. */
typedef struct sx_buf {
    apr_pool_t *pool;
    char *p;
    size_t len, cap;
} sx_buf;

void sx_buf_append(sx_buf *buf, const char *bytes, size_t len);

/** Append ${raw} percent-encoded; blanks become '+'. */
void sx_form_encode(sx_buf *buf, sx_str raw);

/** Append `name=value`, with '&' in front unless ${buf} is empty. */
void sx_form_pair(sx_buf *buf, sx_str name, sx_str value);

/**
 * Decode one name or value.  Returns true and the bytes, or false and in
 * ${*at} the offset of the byte that is not allowed: a raw blank or control
 * byte, or a '%' without two hex digits.
 */
bool sx_form_decode(sx_str text, sx_str *out, size_t *at, apr_pool_t *pool);

/**
 * The next item of a list whose separators are '&' and ','; blanks around
 * items are trimmed, empty items skipped.  ${*pos} starts at 0 and is moved
 * on.  Returns false at the end.
 */
bool sx_form_next(sx_str list, size_t *pos, sx_str *item);

#endif
