/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_cache_record.h"

#include <endian.h>
#include <string.h>
#include <sodium.h>

static const char magic[4] = "SXC1";

#define TAG_LEN 16

typedef struct shape {
    char magic[4];
    uint8_t kind, zero[3];
    uint32_t ns, len;
    uint64_t life, user_tag, handle;
    uint64_t created_ms, last_access_ms, expires_ms, hard_end_ms, token;
    unsigned char tag[TAG_LEN];
} shape;

_Static_assert(sizeof(shape) == SX_CACHE_HEAD_LEN, "format");

static void make_tag(const sx_cache_facts *facts, const shape *h,
                     const unsigned char *key, sx_str bytes,
                     unsigned char tag[TAG_LEN])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, facts->secret, sizeof facts->secret,
                            TAG_LEN);
    crypto_generichash_update(&state, key, SX_STORE_KEY_LEN);
    crypto_generichash_update(&state, (const unsigned char *)h,
                              offsetof(shape, tag));
    if (bytes.len)
        crypto_generichash_update(&state, (const unsigned char *)bytes.p,
                                  bytes.len);
    crypto_generichash_final(&state, tag, TAG_LEN);
}

void sx_cache_head_make(const sx_cache_facts *facts,
                        unsigned char head[SX_CACHE_HEAD_LEN],
                        const unsigned char *key, sx_str bytes,
                        const sx_record_meta *meta)
{
    shape h = {
        .kind = (uint8_t)meta->kind,
        .ns = htole32(meta->ns),
        .len = htole32((uint32_t)bytes.len),
        .life = htole64(facts->life),
        .user_tag = htole64(meta->user_tag),
        .handle = htole64(meta->handle),
        .created_ms = htole64((uint64_t)meta->created_ms),
        .last_access_ms = htole64((uint64_t)meta->last_access_ms),
        .expires_ms = htole64((uint64_t)meta->expires_ms),
        .hard_end_ms = htole64((uint64_t)meta->hard_end_ms),
        .token = htole64(meta->token),
    };

    memcpy(h.magic, magic, sizeof magic);
    make_tag(facts, &h, key, bytes, h.tag);
    memcpy(head, &h, sizeof h);
}

static void meta_of(const shape *h, sx_record_meta *meta)
{
    *meta = (sx_record_meta){
        .kind = (sx_kind)h->kind,
        .ns = le32toh(h->ns),
        .user_tag = le64toh(h->user_tag),
        .handle = le64toh(h->handle),
        .created_ms = (int64_t)le64toh(h->created_ms),
        .last_access_ms = (int64_t)le64toh(h->last_access_ms),
        .expires_ms = (int64_t)le64toh(h->expires_ms),
        .hard_end_ms = (int64_t)le64toh(h->hard_end_ms),
        .token = le64toh(h->token),
    };
}

sx_answer sx_cache_record_open(const sx_cache_facts *facts,
                               const unsigned char *key, sx_str whole,
                               sx_str *bytes, sx_record_meta *meta)
{
    unsigned char tag[TAG_LEN];
    shape h;

    if (whole.len < sizeof h)
        return SX_STORE_DAMAGED;
    memcpy(&h, whole.p, sizeof h);
    *bytes = (sx_str){whole.p + sizeof h, whole.len - sizeof h};
    if (memcmp(h.magic, magic, sizeof magic) != 0 ||
        le32toh(h.len) != bytes->len)
        return SX_STORE_DAMAGED;
    if (le64toh(h.life) != facts->life)
        return SX_STORE_MISS;
    make_tag(facts, &h, key, *bytes, tag);
    meta_of(&h, meta);
    return sodium_memcmp(tag, h.tag, sizeof tag) == 0 && meta->token != 0 &&
                   meta->token != UINT64_MAX && sx_record_meta_ok(meta)
               ? SX_STORE_OK
               : SX_STORE_DAMAGED;
}
