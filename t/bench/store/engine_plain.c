/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What bounds a store in shared memory.
 *
 *   table   lookup and copy: tagged words, full key compared, no lock, no
 *           checksum, no expiry, values overwritten in place
 *   memcpy  a bare copy from or to a random place: nothing looked up
 */
#include "engine.h"

/* A word of the table: 16 bits of the key over 48 bits of slot number + 1. */
static unsigned char *slots;
static size_t stride; /* key, value, padded to a cache line */
static size_t value_len;
static uint64_t *words;
static uint64_t mask;
static uint64_t count;

#define WORD_SLOT ((UINT64_C(1) << 48) - 1)

static const char *plain_open(const bench_plan *plan)
{
    uint64_t room = 64;

    while (room < plan->records * 2)
        room *= 2;
    mask = room - 1;
    words = bench_shared(room * sizeof *words);
    value_len = plan->len;
    stride = (BENCH_KEY_LEN + plan->len + 63) & ~(size_t)63;
    slots = bench_shared(plan->records * stride);
    return NULL;
}

static uint64_t key_hash(const unsigned char *key)
{
    uint64_t hash;

    memcpy(&hash, key, sizeof hash);
    return hash;
}

/* The slot of ${key}, or NULL with the free word for it in ${at}. */
static unsigned char *table_find(const unsigned char *key, uint64_t *at)
{
    uint64_t hash = key_hash(key);
    unsigned char *slot;

    for (*at = hash & mask; words[*at] != 0; *at = (*at + 1) & mask) {
        if ((words[*at] ^ hash) >> 48 != 0)
            continue;
        slot = slots + ((words[*at] & WORD_SLOT) - 1) * stride;
        if (memcmp(slot, key, BENCH_KEY_LEN) == 0)
            return slot;
    }
    return NULL;
}

static size_t table_get(uint64_t record, unsigned char *buf, size_t cap)
{
    unsigned char key[BENCH_KEY_LEN], *slot;
    uint64_t at;

    bench_key(record, key);
    slot = table_find(key, &at);
    if (!slot || value_len > cap)
        return 0;
    memcpy(buf, slot + BENCH_KEY_LEN, value_len);
    return value_len;
}

static bool table_put(uint64_t record, const unsigned char *value, size_t len)
{
    unsigned char key[BENCH_KEY_LEN], *slot;
    uint64_t at;

    bench_key(record, key);
    slot = table_find(key, &at);
    if (!slot) {
        slot = slots + count * stride;
        words[at] = (key_hash(key) & ~WORD_SLOT) | ++count;
        memcpy(slot, key, BENCH_KEY_LEN);
    }
    memcpy(slot + BENCH_KEY_LEN, value, len);
    return true;
}

static size_t memcpy_get(uint64_t record, unsigned char *buf, size_t cap)
{
    if (value_len > cap)
        return 0;
    memcpy(buf, slots + record * stride + BENCH_KEY_LEN, value_len);
    return value_len;
}

static bool memcpy_put(uint64_t record, const unsigned char *value, size_t len)
{
    memcpy(slots + record * stride + BENCH_KEY_LEN, value, len);
    return true;
}

const bench_engine engine_table = {
    .name = "table",
    .open = plain_open,
    .get = table_get,
    .put = table_put,
};

const bench_engine engine_memcpy = {
    .name = "memcpy",
    .open = plain_open,
    .get = memcpy_get,
    .put = memcpy_put,
};
