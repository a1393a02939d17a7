/* SPDX-License-Identifier: Apache-2.0 */
/* Every crash point of the operations on records, and of their repair. */
#include "crash.h"

#define REMOVED 30
#define MEDIUM  400 /* a value's length */

/* ---- the operations ----------------------------------------------------- */

static const expected small = {901, 210};
static const expected other_class = {902, 900};
static const expected chained = {903, 13000};

static shm_status act_insert(scene *on)
{
    return put(on, RECORDS, 0, small, SST_USER, NOW);
}

static shm_status act_insert_chained(scene *on)
{
    return put(on, RECORDS, 0, chained, SST_USER, NOW);
}

static shm_status act_replace_same(scene *on)
{
    return put(on, 3, on->tokens[3], small, SST_ANONYMOUS, NOW);
}

static shm_status act_replace_other(scene *on)
{
    return put(on, 3, on->tokens[3], other_class, SST_ANONYMOUS, NOW);
}

static shm_status act_replace_chained(scene *on)
{
    return put(on, 5, on->tokens[5], chained, SST_ANONYMOUS, NOW);
}

static shm_status act_shrink_chained(scene *on)
{
    return put(on, 5, on->tokens[5], small, SST_ANONYMOUS, NOW);
}

/* What is refused has been written, and is taken back. */
static shm_status act_refused(scene *on)
{
    shm_status status =
        put(on, 3, on->tokens[3] + 1, small, SST_ANONYMOUS, NOW);

    return status == SST_CHANGED ? SST_OK : status;
}

static shm_status act_remove(scene *on)
{
    unsigned char key[SST_KEY_LEN];

    return shm_store_remove(on->store, key_of(3, key), 0);
}

static shm_status act_remove_chained(scene *on)
{
    unsigned char key[SST_KEY_LEN];

    return shm_store_remove(on->store, key_of(5, key), 0);
}

static shm_status act_touch(scene *on)
{
    unsigned char key[SST_KEY_LEN];

    return shm_store_touch(on->store, key_of(3, key), NOW + 1000, NOW + 500);
}

static shm_status act_get(scene *on)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    return shm_store_get(on->store, key_of(3, key), out, sizeof(out), &meta, 0,
                         NOW);
}

static shm_status act_sweep(scene *on)
{
    shm_sweep_report report;

    return shm_store_sweep(on->store, 1000000, LATER, &report);
}

static const crash_case cases[] = {
    {"insert", act_insert, RECORDS, {901, 210}, false},
    {"insert of a chained value",
     act_insert_chained,
     RECORDS,
     {903, 13000},
     false},
    {"replacement in the same class", act_replace_same, 3, {901, 210}, false},
    {"replacement in another class", act_replace_other, 3, {902, 900}, false},
    {"replacement of a chained value",
     act_replace_chained,
     5,
     {903, 13000},
     false},
    {"replacement of a chained value by a small one",
     act_shrink_chained,
     5,
     {901, 210},
     false},
    {"replacement that is refused", act_refused, RECORDS, {GONE, 0}, false},
    {"remove", act_remove, 3, {GONE, 0}, false},
    {"remove of a chained value", act_remove_chained, 5, {GONE, 0}, false},
    {"touch", act_touch, RECORDS, {GONE, 0}, false},
    {"get", act_get, RECORDS, {GONE, 0}, false},
    {"sweep", act_sweep, RECORDS, {GONE, 0}, true},
};

/* ---- a full store, and a full bucket ------------------------------------ */

static shm_status act_put_full(scene *on)
{
    /* Room is made by ending the oldest anonymous record. */
    return put(on, RECORDS, 0, small, SST_USER, NOW + 1000);
}

static void test_evict(const scratch *at)
{
    static const crash_case evict = {
        "insert that evicts", act_put_full, RECORDS, {901, 210}, true};
    shm_stats stats;
    scene on;

    scene_begin(&on, at, MIB, SST_EVICT);
    for (unsigned i = 100;; i++) {
        (void)put(&on, i, 0, (expected){i, 210}, SST_ANONYMOUS, NOW);
        if (shm_store_stats(on.store, &stats) != SST_OK ||
            stats.evicted_anonymous > 0) {
            break;
        }
    }
    (void)enumerate(&on, &evict);
    scene_end(&on);
}

static shm_status act_many(scene *on)
{
    shm_status status = SST_OK;

    for (unsigned i = 0; i < 6 && status == SST_OK; i++) {
        status = put(on, 9000 + i, 0, (expected){9000 + i, 40}, SST_USER, NOW);
    }
    return status;
}

static shm_status act_unmany(scene *on)
{
    unsigned char key[SST_KEY_LEN];
    shm_status status = SST_OK;

    for (unsigned i = 0; i < REMOVED && status == SST_OK; i++) {
        status = shm_store_remove(on->store, key_of(4500 + i, key), 0);
    }
    return status;
}

/* Enough records for a load where most chains have an overflow bucket. */
static void test_overflow(const scratch *at)
{
    static const crash_case fill = {
        "inserts into full buckets", act_many, RECORDS, {GONE, 0}, false};
    static const crash_case drain = {
        "removes from long chains", act_unmany, RECORDS, {GONE, 0}, false};
    scene on;

    scene_begin(&on, at, MIB, SST_REFUSE);
    for (unsigned i = 0; i < 4000; i++) {
        (void)put(&on, 1000 + i, 0, (expected){i, 40}, SST_ANONYMOUS, NOW);
    }
    (void)enumerate(&on, &fill);
    /* Few are left in the overflow buckets, so that some become empty. */
    for (unsigned i = 0; i < 3500; i++) {
        unsigned char key[SST_KEY_LEN];

        (void)!shm_store_remove(on.store, key_of(1000 + i, key), 0);
    }
    on.may_go = REMOVED;
    (void)enumerate(&on, &drain);
    scene_end(&on);
}

/* Borrows a chunk of the reserve, and goes home to the one that its old record
 * leaves. */
static shm_status act_borrow(scene *on)
{
    return put(on, 3, on->tokens[3], (expected){9000004, MEDIUM}, SST_USER,
               NOW);
}

static void test_borrow(const scratch *at)
{
    static const crash_case borrow = {
        "replacement that borrows from the reserve",
        act_borrow,
        3,
        {9000004, MEDIUM},
        false};
    scene on;

    scene_begin(&on, at, MIB, SST_REFUSE);
    for (unsigned i = 100;
         put(&on, i, 0, (expected){i, MEDIUM}, SST_USER, NOW) == SST_OK; i++) {
    }
    /* Creations have left one chunk of the size: this takes it. */
    on.before[3] = (expected){9000005, MEDIUM};
    is_int(put(&on, 3, on.tokens[3], on.before[3], SST_USER, NOW), SST_OK,
           "a full store");
    (void)enumerate(&on, &borrow);
    scene_end(&on);
}

int main(void)
{
    scratch at;
    scene on;

    scratch_make(&at);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        long points;

        scene_begin(&on, &at, MIB, SST_REFUSE);
        points = enumerate(&on, &cases[i]);
        if (cases[i].act == act_replace_chained ||
            cases[i].act == act_replace_other) {
            on.stride = is_long() ? 1 : 2 * STRIDE;
            enumerate_repair(&on, &cases[i], points);
        }
        scene_end(&on);
    }
    test_evict(&at);
    test_overflow(&at);
    test_borrow(&at);
    scratch_remove(&at);
    diag("%ld crash points", crash_points);
    return done_testing();
}
