/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment that somebody damages while it is in use: answers may be wrong,
 * but nothing crashes, loops or writes elsewhere, a flipped value is never
 * given out, and a repair makes the segment sound again.  Argument: a seed.
 */
#include "util.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "sst_handle.h"
#include "sst_lock.h"
#include "sst_repair.h"

#define SIZE   MIB
#define ROUNDS 400
#define KEYS   300

static unsigned char out[1 << 20];

static void fill(shm_store *store)
{
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t token = 0;

        (void)put_number(store, i, &token, i % 37 == 0 ? 9000 : 100 + i,
                         START_MS);
    }
}

static void test_flip_value(shm_store *store, unsigned char *mapped)
{
    unsigned char key[SST_KEY_LEN], mark[16], *hit;
    shm_meta meta;
    shm_stats stats;

    value_fill(mark, sizeof(mark), 11);
    hit = memmem(mapped, SIZE, mark, sizeof(mark));
    ok(hit != NULL, "a value lies in the segment");
    if (hit == NULL) {
        return;
    }
    hit[20] ^= 0x10;
    is_int(shm_store_get(store, key_of(11, key), out, sizeof(out), &meta, 0,
                         START_MS),
           SST_DAMAGED, "with a bit flipped it is not given out");
    is_int(shm_store_get(store, key, out, sizeof(out), &meta, 0, START_MS),
           SST_MISS, "and then it is gone");
    is_int(shm_store_stats(store, &stats), SST_OK, "stats");
    is_int(stats.damaged, 1, "which is counted");
    check_clean(store, "the rest is sound");
}

static bool repair_all(shm_store *store)
{
    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        sst_shard shard;

        if (sst_shard_lock(store, no, SST_LOCK_WAIT_MS, &shard) != SST_OK) {
            return false;
        }
        (void)sst_repair_locked(&shard, true);
        sst_shard_unlock(&shard);
    }
    return true;
}

static void tokens_damage(shm_store *store)
{
    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        sst_shard_header(store, no)->token = UINT64_MAX;
    }
}

/* Behind the last token there is would come 0, which says that there is no
 * record: for a put, and of one. */
static void test_token(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    uint64_t token = 0, before;
    shm_meta meta;
    char why[200];

    is_int(put_number(store, KEYS, &token, 100, START_MS), SST_OK, "a put");
    before = token;
    usleep(2000); /* tokens begin at the wall clock */
    tokens_damage(store);
    is_int(shm_store_check(store, why, sizeof(why)), SST_DAMAGED,
           "a check finds that no token can follow the last");
    is_int(put_number(store, KEYS, &token, 100, START_MS), SST_OK,
           "the next put succeeds");
    ok(token > before, "with a token that was not given before");
    is_int(shm_store_get(store, key_of(KEYS, key), out, sizeof(out), &meta, 0,
                         START_MS),
           SST_OK, "and what it put is there");
    ok(meta.token == token, "under that token");
    tokens_damage(store);
    ok(repair_all(store), "a repair");
    check_clean(store, "lets tokens follow again");
    before = token;
    is_int(put_number(store, KEYS, &token, 100, START_MS), SST_OK, "a put");
    ok(token > before, "and they are behind those of the records");
}

static bool is_lock(const shm_store *store, size_t offset)
{
    const sst_geometry_shm *geo = &store->geo;
    size_t in_shard = (offset - geo->shards_off) % sizeof(sst_shard_shm);

    /* Whoever can write a lock can do as it likes: not what is tested. */
    return (offset >= geo->commit_off && offset < geo->table_off) ||
           (offset >= geo->shards_off && offset < geo->commit_off &&
            in_shard < sizeof(sst_lock_shm));
}

/* Aims at where it hurts: shard head, page table, index, heads of pages. */
static size_t aim(const shm_store *store, uint64_t *seed)
{
    const sst_geometry_shm *geo = &store->geo;
    uint64_t roll = next_random(seed);

    switch (roll % 6) {
    case 0:
        return next_random(seed) % SIZE;
    case 1:
        return geo->table_off + next_random(seed) % 480;
    case 2:
        return geo->index_off +
               next_random(seed) % (geo->pages_off - geo->index_off);
    case 3:
        return geo->shards_off + next_random(seed) % sizeof(sst_shard_shm);
    case 4:
        return geo->pages_off + next_random(seed) % 40 * geo->page_size +
               next_random(seed) % 200;
    default:
        return next_random(seed) % SST_BLOCK;
    }
}

static void hurt(shm_store *store, unsigned char *mapped, uint64_t *seed)
{
    unsigned bytes = 1 + (unsigned)(next_random(seed) % 64);
    unsigned style = (unsigned)(next_random(seed) % 3);

    for (unsigned i = 0; i < bytes; i++) {
        size_t offset = aim(store, seed);

        if (is_lock(store, offset)) {
            continue;
        }
        if (style == 0) {
            mapped[offset] ^= (unsigned char)(1 << next_random(seed) % 8);
        }
        else if (style == 1) {
            mapped[offset] = (unsigned char)next_random(seed);
        }
        else if (offset < SIZE - 512) {
            memmove(mapped + offset / 8 * 8,
                    mapped + aim(store, seed) / 8 * 8 % (SIZE - 512), 8);
        }
    }
}

static bool visit(void *baton, const unsigned char *key, const shm_meta *meta)
{
    unsigned *count = baton;

    (void)key;
    (void)meta;
    return ++*count < 100000;
}

static bool use(shm_store *store, uint64_t *seed)
{
    shm_sweep_report report;
    unsigned char key[SST_KEY_LEN];
    unsigned count = 0;
    bool right = true;
    shm_meta meta;

    for (unsigned i = 0; i < 200; i++) {
        uint64_t number = next_random(seed) % (KEYS * 2), token = 0;
        shm_status status = shm_store_get(store, key_of(number, key), out,
                                          sizeof(out), &meta, 0, START_MS);

        right &= status != SST_OK || value_is(out, meta.value_len, number);
        token = status == SST_OK ? meta.token : 0;
        (void)!shm_store_touch(store, key, START_MS + HOUR_MS, START_MS);
        (void)put_number(store, number, &token,
                         next_random(seed) % 10 ? 150 : 7000, START_MS);
        if (i % 7 == 0) {
            (void)!shm_store_remove(store, key, 0);
        }
    }
    (void)!shm_store_sweep(store, 2000, START_MS + 2 * HOUR_MS, &report);
    (void)!shm_store_each(store, visit, &count, START_MS);
    return right && count < 100000;
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv) | 1;
    bool right = true, repaired = true, sound = true;
    unsigned char *mapped, *clean = malloc(SIZE);
    char why[200] = "", first[200] = "";
    shm_store *store;
    scratch at;
    int fd;

    scratch_make(&at);
    store = store_new(&at, SIZE);
    fill(store);
    fd = open(at.path, O_RDWR | O_CLOEXEC);
    mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    test_flip_value(store, mapped);
    test_token(store);
    memcpy(clean, mapped, SIZE);
    alarm(60); /* a loop is a failure, not a wait */
    for (unsigned i = 0; i < ROUNDS; i++) {
        memcpy(mapped, clean, SIZE);
        hurt(store, mapped, &seed);
        right &= use(store, &seed);
        hurt(store, mapped, &seed);
        (void)!shm_store_check(store, why, sizeof(why));
        /* Owner words of nobody and the header's count of pages are for
         * attach; the rest is for repair. */
        repaired &= repair_all(store);
        if (shm_store_check(store, why, sizeof(why)) != SST_OK &&
            strstr(why, "belongs to nobody") == NULL &&
            strstr(why, "is beyond the segment") == NULL && sound) {
            memcpy(first, why, sizeof(first));
            sound = false;
        }
    }
    alarm(0);
    ok(right, "%d times damaged: what is given out is what was put", ROUNDS);
    ok(repaired, "the locks work on");
    if (!ok(sound, "and a repair makes the segment sound")) {
        diag("%s", first);
    }
    munmap(mapped, SIZE);
    close(fd);
    free(clean);
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
