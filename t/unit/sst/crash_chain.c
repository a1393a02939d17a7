/* SPDX-License-Identifier: Apache-2.0 */
/* Death while one chain of several overflow buckets gets shorter in its middle,
 * shorter at its end, or longer: all records lie in one bucket. */
#include "crash.h"

#include "sst_index.h"

#define MIDDLE SST_SLOTS /* the first record of the first overflow bucket */
#define BEHIND (2 * SST_SLOTS)

static shm_status act_empty(scene *on)
{
    unsigned char key[SST_KEY_LEN];
    shm_status status = SST_OK;

    for (unsigned i = on->gone_from; i < on->gone_end && status == SST_OK;
         i++) {
        status = shm_store_remove(on->store, key_at(on, i, key), 0);
    }
    return status;
}

static shm_status act_insert(scene *on)
{
    return put(on, RECORDS, 0, (expected){901, 210}, SST_USER, NOW);
}

/* Keys that share a bucket with the first. */
static void choose_numbers(scene *on)
{
    unsigned char key[SST_KEY_LEN];
    sst_hash first = sst_hash_of(on->store, key_of(0, key));
    uint64_t number = 0;

    for (unsigned i = 0; i <= RECORDS; number++) {
        sst_hash hash = sst_hash_of(on->store, key_of(number, key));

        if (hash.shard == first.shard && hash.bucket == first.bucket) {
            on->numbers[i++] = number;
        }
    }
}

static void enumerate_gone(scene *on, const char *name, unsigned from,
                           unsigned end)
{
    crash_case empty = {name, act_empty, RECORDS, {GONE, 0}, false};

    on->gone_from = from;
    on->gone_end = end;
    (void)enumerate(on, &empty);
    on->gone_from = on->gone_end = 0;
}

int main(void)
{
    static const crash_case longer = {
        "insert behind a full chain", act_insert, RECORDS, {901, 210}, false};
    unsigned char key[SST_KEY_LEN];
    scratch at;
    scene on;

    scratch_make(&at);
    scene_begin(&on, &at, MIB, SST_REFUSE);
    for (unsigned i = 0; i < RECORDS; i++) {
        (void)!shm_store_remove(on.store, key_at(&on, i, key), 0);
    }
    choose_numbers(&on);
    scene_fill(&on);
    enumerate_gone(&on, "removes that empty a bucket inside a chain", MIDDLE,
                   BEHIND);
    enumerate_gone(&on, "removes that empty the last buckets", BEHIND, RECORDS);
    (void)enumerate(&on, &longer);
    scene_end(&on);
    scratch_remove(&at);
    diag("%ld crash points", crash_points);
    return done_testing();
}
