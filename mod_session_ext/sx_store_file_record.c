/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_file_record.h"

#include <endian.h>
#include <string.h>
#include <sodium.h>

static const char magic[4] = "SXR1";

typedef struct shape {
    char magic[4];
    uint8_t kind, zero[3];
    uint32_t ns, len;
    uint64_t user_tag, handle, created_ms, hard_end_ms, token;
    unsigned char key[SX_STORE_KEY_LEN];
    uint64_t value_check, head_check;
    uint64_t expires_ms, last_access_ms, times_check;
} shape;

_Static_assert(sizeof(shape) == SX_FILE_HEAD_LEN, "format");
_Static_assert(offsetof(shape, expires_ms) == SX_FILE_TIMES_AT, "format");
_Static_assert(sizeof(shape) - SX_FILE_TIMES_AT == SX_FILE_TIMES_LEN, "format");

#define CHECKED offsetof(shape, head_check)

uint64_t sx_file_check(const void *bytes, size_t len)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] =
        "session records";
    uint64_t sum;

    _Static_assert(sizeof sum == crypto_shorthash_BYTES, "a word");
    crypto_shorthash((unsigned char *)&sum, len ? bytes : "", len, key);
    return sum;
}

/* Bound to the token, so that no times of another record fit. */
static void close_times(shape *h, const sx_record_meta *meta)
{
    const uint64_t parts[3] = {htole64((uint64_t)meta->expires_ms),
                               htole64((uint64_t)meta->last_access_ms),
                               htole64(meta->token)};

    h->expires_ms = parts[0];
    h->last_access_ms = parts[1];
    h->times_check = sx_file_check(parts, sizeof parts);
}

void sx_file_head_make(unsigned char head[SX_FILE_HEAD_LEN],
                       const unsigned char *key, sx_str bytes,
                       const sx_record_meta *meta)
{
    shape h = {
        .kind = (uint8_t)meta->kind,
        .ns = htole32(meta->ns),
        .len = htole32((uint32_t)bytes.len),
        .user_tag = htole64(meta->user_tag),
        .handle = htole64(meta->handle),
        .created_ms = htole64((uint64_t)meta->created_ms),
        .hard_end_ms = htole64((uint64_t)meta->hard_end_ms),
        .token = htole64(meta->token),
        .value_check = sx_file_check(bytes.p, bytes.len),
    };

    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.key, key, SX_STORE_KEY_LEN);
    h.head_check = sx_file_check(&h, CHECKED);
    close_times(&h, meta);
    memcpy(head, &h, sizeof h);
}

void sx_file_times_make(unsigned char times[SX_FILE_TIMES_LEN],
                        const sx_record_meta *meta)
{
    shape h;

    close_times(&h, meta);
    memcpy(times, &h.expires_ms, SX_FILE_TIMES_LEN);
}

bool sx_file_head_open(const unsigned char head[SX_FILE_HEAD_LEN],
                       const unsigned char *key, sx_record_meta *meta,
                       size_t *len)
{
    shape h, times;

    memcpy(&h, head, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0 ||
        memcmp(h.key, key, SX_STORE_KEY_LEN) != 0 ||
        h.head_check != sx_file_check(&h, CHECKED))
        return false;
    *meta = (sx_record_meta){
        .kind = (sx_kind)h.kind,
        .ns = le32toh(h.ns),
        .user_tag = le64toh(h.user_tag),
        .handle = le64toh(h.handle),
        .created_ms = (int64_t)le64toh(h.created_ms),
        .last_access_ms = (int64_t)le64toh(h.last_access_ms),
        .expires_ms = (int64_t)le64toh(h.expires_ms),
        .hard_end_ms = (int64_t)le64toh(h.hard_end_ms),
        .token = le64toh(h.token),
    };
    *len = le32toh(h.len);
    close_times(&times, meta);
    /* Behind the last token there would be none. */
    return times.times_check == h.times_check && meta->token != 0 &&
           meta->token != UINT64_MAX && sx_record_meta_ok(meta);
}

bool sx_file_value_ok(const unsigned char head[SX_FILE_HEAD_LEN], sx_str bytes)
{
    shape h;

    memcpy(&h, head, sizeof h);
    return h.value_check == sx_file_check(bytes.p, bytes.len);
}
