/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is what a cache has under a key: as it is (0), or any facts and
 * value with a right tag (1).  Whatever it is, it is opened or not; what opens
 * is what was closed, makes the same bytes again, and could be stored.
 */
#include "pool.h"

#include "sx_store_cache_record.h"

static const unsigned char key[SX_STORE_KEY_LEN] = "a key of a record";
static const sx_cache_facts facts = {"a secret of thirty-two bytes...", 7};

static int64_t take_time(fuzz_input *in)
{
    return (int64_t)((uint64_t)fuzz_take(in, 4) << 32 | fuzz_take(in, 4));
}

static sx_record_meta take_meta(fuzz_input *in)
{
    sx_record_meta meta = {.kind = (sx_kind)fuzz_take(in, 1)};

    meta.created_ms = take_time(in);
    meta.last_access_ms = take_time(in);
    meta.expires_ms = take_time(in);
    meta.hard_end_ms = take_time(in);
    meta.token = (uint64_t)take_time(in);
    return meta;
}

/* True: it was opened. */
static bool open_one(sx_str whole)
{
    unsigned char head[SX_CACHE_HEAD_LEN];
    sx_record_meta meta;
    sx_str bytes;
    sx_answer answer = sx_cache_record_open(&facts, key, whole, &bytes, &meta);

    MUST(answer == SX_STORE_OK || answer == SX_STORE_MISS ||
         answer == SX_STORE_DAMAGED);
    if (answer != SX_STORE_OK)
        return false;
    MUST(bytes.len + sizeof(head) == whole.len && sx_record_meta_ok(&meta) &&
         meta.token != 0);
    sx_cache_head_make(&facts, head, key, bytes, &meta);
    MUST(memcmp(head, whole.p, sizeof(head)) == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    apr_pool_t *pool = pool_for_one();
    sx_record_meta meta;
    unsigned char *whole;
    sx_str value;

    if (fuzz_take(&in, 1) % 2 == 0) {
        /* By chance nothing has the right tag. */
        MUST(!open_one((sx_str){(const char *)in.at, in.left}));
    }
    else {
        meta = take_meta(&in);
        value = (sx_str){(const char *)in.at, in.left};
        whole = apr_palloc(pool, SX_CACHE_HEAD_LEN + value.len);
        sx_cache_head_make(&facts, whole, key, value, &meta);
        memcpy(whole + SX_CACHE_HEAD_LEN, value.p, value.len);
        MUST(open_one((sx_str){(const char *)whole,
                               SX_CACHE_HEAD_LEN + value.len}) ==
             (meta.token != 0 && meta.token != UINT64_MAX &&
              sx_record_meta_ok(&meta)));
    }
    apr_pool_destroy(pool);
    return 0;
}
