/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_redis_record.h"

#include <endian.h>
#include <string.h>

static const char MAGIC[3] = {'s', 'x', 1};

static bool time_ok(int64_t ms)
{
    return ms > -SX_REDIS_TIME_MAX && ms < SX_REDIS_TIME_MAX;
}

bool sx_redis_meta_ok(const sx_record_meta *meta)
{
    return sx_record_meta_ok(meta) && time_ok(meta->created_ms) &&
           time_ok(meta->last_access_ms) && time_ok(meta->expires_ms) &&
           time_ok(meta->hard_end_ms);
}

void sx_redis_put64(void *at, uint64_t number)
{
    number = htole64(number);
    memcpy(at, &number, sizeof number);
}

uint64_t sx_redis_get64(const void *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof number);
    return le64toh(number);
}

static void put32(void *at, uint32_t number)
{
    number = htole32(number);
    memcpy(at, &number, sizeof number);
}

static uint32_t get32(const void *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof number);
    return le32toh(number);
}

void sx_redis_head_make(unsigned char head[SX_REDIS_HEAD_LEN],
                        const sx_record_meta *meta, size_t len)
{
    memcpy(head, MAGIC, sizeof MAGIC);
    head[3] = (unsigned char)meta->kind;
    put32(head + 4, meta->ns);
    sx_redis_put64(head + SX_REDIS_TOKEN_AT, meta->token);
    sx_redis_put64(head + 16, meta->user_tag);
    sx_redis_put64(head + 24, meta->handle);
    sx_redis_put64(head + 32, (uint64_t)meta->created_ms);
    sx_redis_put64(head + 40, (uint64_t)meta->hard_end_ms);
    sx_redis_put64(head + 48, (uint64_t)meta->last_access_ms);
    sx_redis_put64(head + 56, (uint64_t)meta->expires_ms);
    put32(head + 64, (uint32_t)len);
}

bool sx_redis_head_open(const char *head, sx_record_meta *meta, size_t *len)
{
    *meta = (sx_record_meta){
        .kind = (sx_kind)(unsigned char)head[3],
        .ns = get32(head + 4),
        .token = sx_redis_get64(head + SX_REDIS_TOKEN_AT),
        .user_tag = sx_redis_get64(head + 16),
        .handle = sx_redis_get64(head + 24),
        .created_ms = (int64_t)sx_redis_get64(head + 32),
        .hard_end_ms = (int64_t)sx_redis_get64(head + 40),
        .last_access_ms = (int64_t)sx_redis_get64(head + 48),
        .expires_ms = (int64_t)sx_redis_get64(head + 56),
    };
    *len = get32(head + 64);
    return !memcmp(head, MAGIC, sizeof MAGIC) && meta->token != 0 &&
           sx_redis_meta_ok(meta);
}

bool sx_redis_record_open(sx_str value, sx_record_meta *meta, sx_str *bytes)
{
    size_t len;

    if (value.len < SX_REDIS_HEAD_LEN ||
        !sx_redis_head_open(value.p, meta, &len) ||
        len != value.len - SX_REDIS_HEAD_LEN)
        return false;
    *bytes = (sx_str){value.p + SX_REDIS_HEAD_LEN, len};
    return true;
}
