/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that was given to one size of record serves any other: pages are
 * emptied by moving what lives in them, and change class and shard.  While
 * more than 15 % of the pages is not filled by records no write is refused.
 */
#include "util.h"

#define NOW    START_MS
#define RECORD 88 /* bytes of a record over its value */
#define MOST   400000

static unsigned char value[65536], out[65536];

typedef struct herd {
    shm_store *store;
    uint64_t seed;
    uint64_t room; /* bytes that records may fill */
    uint64_t live; /* and do */
    unsigned count;
    unsigned refused;
    uint64_t next;
    uint64_t numbers[MOST];
    size_t lens[MOST];
} herd;

static herd all;

static void herd_begin(const scratch *at, uint64_t size)
{
    shm_store_config config = config_of(at, size);
    shm_stats stats;

    scratch_unlink(at, "");
    all = (herd){.store = store_with(&config, NOW), .seed = 7};
    is_int(shm_store_stats(all.store, &stats), SST_OK, "stats");
    all.room = stats.pages * stats.page_size / 100 * 85;
}

static void herd_end(void)
{
    check_clean(all.store, "the store is sound");
    shm_store_close(all.store);
}

static bool add(size_t len)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, NOW, HOUR_MS);

    if (all.live + RECORD + len > all.room || all.count == MOST) {
        return false;
    }
    value_fill(value, len, all.next);
    if (shm_store_put_if(all.store, key_of(all.next, key), 0, value, len, &meta,
                         NULL, NOW) != SST_OK) {
        all.refused++;
        return false;
    }
    all.numbers[all.count] = all.next++;
    all.lens[all.count++] = len;
    all.live += RECORD + len;
    return true;
}

static void drop(unsigned i)
{
    unsigned char key[SST_KEY_LEN];

    (void)!shm_store_remove(all.store, key_of(all.numbers[i], key), 0);
    all.live -= RECORD + all.lens[i];
    all.count--;
    all.numbers[i] = all.numbers[all.count];
    all.lens[i] = all.lens[all.count];
}

static unsigned some_one(void)
{
    return (unsigned)(next_random(&all.seed) % all.count);
}

/* All records give way, in random order, to some of ${len}. */
static void shift_to(size_t len)
{
    unsigned old = all.count;

    while (old > 0) {
        unsigned i = (unsigned)(next_random(&all.seed) % old);

        drop(i);
        old--;
        /* The last of the new ones stands where the old one was. */
        if (i < old) {
            uint64_t number = all.numbers[old];
            size_t was = all.lens[old];

            all.numbers[old] = all.numbers[i];
            all.lens[old] = all.lens[i];
            all.numbers[i] = number;
            all.lens[i] = was;
        }
        while (add(len)) {
        }
    }
}

static unsigned wrong(void)
{
    unsigned char key[SST_KEY_LEN];
    unsigned bad = 0;
    shm_meta meta;

    for (unsigned i = 0; i < all.count; i++) {
        bad += shm_store_get(all.store, key_of(all.numbers[i], key), out,
                             sizeof(out), &meta, 0, NOW) != SST_OK ||
               meta.value_len != all.lens[i] ||
               !value_is(out, all.lens[i], all.numbers[i]);
    }
    return bad;
}

static void test_shift(const scratch *at, uint64_t size)
{
    static const size_t lens[] = {2048, 200, 9000, 300, 30000, 200};
    shm_stats stats;

    herd_begin(at, size);
    while (add(200)) {
    }
    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        shift_to(lens[i]);
        ok(all.refused == 0, "%llu MiB: all shift to %zu bytes, %u refused",
           (unsigned long long)(size >> 20), lens[i], all.refused);
        ok(wrong() == 0, "and all %u are what they were", all.count);
    }
    is_int(shm_store_stats(all.store, &stats), SST_OK, "stats");
    ok(stats.pages_emptied > 0, "%llu pages were emptied, %llu chunks moved",
       (unsigned long long)stats.pages_emptied,
       (unsigned long long)stats.moved);
    herd_end();
}

/* Every size at once, each record replaced again and again by another size. */
static void test_mix(const scratch *at, uint64_t size)
{
    herd_begin(at, size);
    while (add(100 + next_random(&all.seed) % 3000)) {
    }
    for (unsigned i = 0; i < 60000; i++) {
        drop(some_one());
        while (add(next_random(&all.seed) % 20 == 0
                       ? next_random(&all.seed) % 40000
                       : 100 + next_random(&all.seed) % 3000)) {
        }
    }
    ok(all.refused == 0, "%llu MiB: of a mix of all sizes %u are refused",
       (unsigned long long)(size >> 20), all.refused);
    ok(wrong() == 0, "and all %u are what they were", all.count);
    herd_end();
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    test_shift(&at, 4 * MIB);
    test_shift(&at, 64 * MIB);
    test_mix(&at, 16 * MIB);
    scratch_unlink(&at, "");
    scratch_remove(&at);
    return done_testing();
}
