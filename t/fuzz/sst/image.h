/* SPDX-License-Identifier: Apache-2.0 */
/* A small segment with records, kept as bytes, and ways to damage a copy of
 * it.  What a value must be follows from its key, so whatever is given out can
 * be judged. */
#ifndef IMAGE_H
#define IMAGE_H

#include <fcntl.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "sst_handle.h"
#include "util.h"

#define SIZE MIB
#define KEYS 120

static unsigned char image[SIZE], image_out[1 << 20];
static sst_geometry_shm image_geo;
static scratch image_at;

static inline void image_leave(void)
{
    scratch_remove(&image_at);
}

static inline size_t image_len(uint64_t number)
{
    return number % 37 == 0 ? 9000 : 60 + number;
}

/* Once: make it, and keep its bytes. */
static inline void image_make(void)
{
    shm_store *store;

    if (image_geo.size != 0) {
        return;
    }
    scratch_make(&image_at);
    (void)atexit(image_leave);
    store = store_new(&image_at, SIZE);
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t token = 0;

        MUST(put_number(store, i, &token, image_len(i), START_MS) == SST_OK);
    }
    image_geo = store->geo;
    memcpy(image, store->base, SIZE);
    shm_store_close(store);
}

/* Whoever can write a lock can do as it likes: not what is tested. */
static inline bool image_lock(size_t offset)
{
    size_t in_shard = (offset - image_geo.shards_off) % sizeof(sst_shard_shm);

    return (offset >= image_geo.commit_off && offset < image_geo.table_off) ||
           (offset >= image_geo.shards_off && offset < image_geo.commit_off &&
            in_shard < sizeof(sst_lock_shm));
}

/* An offset from the input: anywhere, or where it hurts. */
static inline size_t image_aim(fuzz_input *from)
{
    size_t what = fuzz_take(from, 1), where = fuzz_take(from, 3);

    switch (what % 6) {
    case 0:
        return where % SIZE;
    case 1:
        return image_geo.table_off + where % 480;
    case 2:
        return image_geo.index_off +
               where % (image_geo.pages_off - image_geo.index_off);
    case 3:
        return image_geo.shards_off + where % sizeof(sst_shard_shm);
    case 4:
        return image_geo.pages_off + where % 40 * image_geo.page_size +
               where / 40 % 300;
    default:
        return where % SST_BLOCK;
    }
}

/* Words that are set, flipped, or copied from elsewhere. */
static inline void image_hurt(unsigned char *at, fuzz_input *from, bool locks)
{
    for (uint64_t i = fuzz_take(from, 1) % 32; i > 0 && from->left > 0; i--) {
        size_t to = image_aim(from);
        unsigned how = (unsigned)fuzz_take(from, 1);
        unsigned len = how / 4 % 8 + 1;

        for (size_t j = 0; j < len && to + j < SIZE; j++) {
            size_t source = how % 4 == 3 ? (to + 4096 * (j + 1)) % SIZE : 0;

            if (!locks && image_lock(to + j)) {
                continue;
            }
            at[to + j] = how % 4 == 0 ? (unsigned char)fuzz_take(from, 1)
                         : how % 4 == 1
                             ? (unsigned char)(at[to + j] ^ fuzz_take(from, 1))
                         : how % 4 == 2 ? 0
                                        : at[source];
        }
    }
}

static inline bool image_visit(void *baton, const unsigned char *key,
                               const shm_meta *meta)
{
    unsigned *count = baton;

    (void)key;
    (void)meta;
    return ++*count < 100000;
}

/* Whatever the answers, what is given out is what was put. */
static inline void image_use(shm_store *store, uint64_t choice, int64_t now_ms)
{
    shm_sweep_report report;
    unsigned char key[SST_KEY_LEN];
    unsigned count = 0;
    shm_meta meta;

    for (uint64_t i = 0; i < 40; i++) {
        uint64_t number = (choice + i * 7) % (KEYS + 20), token = 0;
        shm_status status = shm_store_get(store, key_of(number, key), image_out,
                                          sizeof(image_out), &meta, 0, now_ms);

        MUST(status != SST_OK || value_is(image_out, meta.value_len, number));
        token = status == SST_OK ? meta.token : 0;
        (void)!shm_store_touch(store, key, now_ms + HOUR_MS, now_ms);
        if (i % 3 == 0) {
            (void)put_number(store, number, &token, image_len(number + i),
                             now_ms);
        }
        else if (i % 7 == 0) {
            (void)!shm_store_remove(store, key, 0);
        }
    }
    (void)!shm_store_sweep(store, 2000, now_ms + 2 * HOUR_MS, &report);
    (void)!shm_store_each(store, image_visit, &count, now_ms);
    MUST(count < 100000);
}

/* The structure is sound.  Values are judged when they are read, unless the
 * file comes from elsewhere. */
static inline bool image_sound(shm_store *store)
{
    char why[200] = "";
    shm_status status = shm_store_check(store, why, sizeof(why));

    if (status != SST_OK && strstr(why, "wrong checksum") == NULL) {
        fprintf(stderr, "%s: %s\n", shm_status_str(status), why);
        return false;
    }
    return true;
}

#endif
