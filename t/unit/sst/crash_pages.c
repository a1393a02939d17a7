/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every crash point of what a write does for room: emptying a page whose
 * chunks are records, continuations or overflow buckets, having a page of
 * another shard emptied, evicting for one's own and another's limits.
 */
#include "crash.h"

#include "sst_index.h"

#define NONE   UINT32_MAX
#define MEDIUM 9000001 /* numbers of no other value */
#define TINY   9000002

static const expected medium = {MEDIUM, 900};
static const expected tiny = {TINY, 20};

static shm_status act_medium(scene *on)
{
    return put(on, RECORDS, 0, medium, SST_USER, NOW);
}

static shm_status act_tiny(scene *on)
{
    return put(on, RECORDS, 0, tiny, SST_USER, NOW);
}

/* An existing record grows into a class that has no page. */
static shm_status act_grow(scene *on)
{
    return put(on, 3, on->tokens[3], medium, SST_USER, NOW);
}

/* Records of ${len} from 100 on, until there is no room. */
static unsigned fill(scene *on, size_t len, shm_kind kind)
{
    unsigned no = 100;

    while (no < 200000 &&
           put(on, no, 0, (expected){no, len}, kind, NOW) == SST_OK) {
        no++;
    }
    return no;
}

static uint32_t shard_of(const scene *on, unsigned no)
{
    unsigned char key[SST_KEY_LEN];

    return sst_hash_of(on->store, key_of(no, key)).shard;
}

/* The ${which} one of ${of} stays, so that every page has room and none is
 * free; but all stay in shard ${full}. */
static void thin(scene *on, unsigned end, unsigned which, unsigned of,
                 uint32_t full)
{
    unsigned char key[SST_KEY_LEN];

    for (unsigned no = 100; no < end; no++) {
        if (no % of != which && shard_of(on, no) != full) {
            (void)!shm_store_remove(on->store, key_of(no, key), 0);
        }
    }
}

/* Pages that thinning has set free are taken by records of another size; the
 * reserve stays. */
static void fill_free_pages(scene *on)
{
    const uint64_t reserve = 2;
    shm_stats stats;

    for (unsigned no = 400000;
         shm_store_stats(on->store, &stats) == SST_OK &&
         stats.pages_free > reserve &&
         put(on, no, 0, (expected){no, 1900}, SST_USER, NOW) == SST_OK;
         no++) {
    }
}

static uint64_t emptied(scene *on)
{
    shm_stats stats;

    return shm_store_stats(on->store, &stats) == SST_OK ? stats.pages_emptied
                                                        : 0;
}

/* That the operation does empty a page is seen by letting it come through. */
static long run(scene *on, const crash_case *c)
{
    uint64_t before = emptied(on), tokens[RECORDS];
    unsigned char *image = malloc(on->size);

    memcpy(image, on->mapped, on->size);
    memcpy(tokens, on->tokens, sizeof(tokens));
    is_int(c->act(on), SST_OK, c->name);
    ok(emptied(on) > before, "it empties a page");
    memcpy(on->mapped, image, on->size);
    memcpy(on->tokens, tokens, sizeof(tokens));
    free(image);
    return enumerate(on, c);
}

static void test_records(const scratch *at)
{
    static const crash_case cases[] = {
        {"a page of records is emptied for an insert",
         act_medium,
         RECORDS,
         {MEDIUM, 900},
         false},
        {"a page of records is emptied for a replacement",
         act_grow,
         3,
         {MEDIUM, 900},
         false}};

    for (size_t i = 0; i < 2; i++) {
        long points;
        scene on;

        scene_begin(&on, at, MIB, SST_REFUSE);
        thin(&on, fill(&on, 210, SST_USER), 0, 3, NONE);
        points = run(&on, &cases[i]);
        on.stride = is_long() ? 1 : 41 * STRIDE;
        enumerate_repair(&on, &cases[i], points);
        scene_end(&on);
    }
}

/* Which of them stay decides whether first chunks or continuations lie alone in
 * their pages, and so which are moved. */
static void test_pieces(const scratch *at)
{
    static const crash_case cases[] = {
        {"a page of long records' first chunks",
         act_tiny,
         RECORDS,
         {TINY, 20},
         false},
        {"a page of continuations", act_tiny, RECORDS, {TINY, 20}, false}};

    for (unsigned i = 0; i < 2; i++) {
        scene on;

        scene_begin(&on, at, MIB, SST_REFUSE);
        thin(&on, fill(&on, 13000, SST_USER), i, 2, NONE);
        fill_free_pages(&on);
        (void)run(&on, &cases[i]);
        scene_end(&on);
    }
}

/* Three of four chains are emptied, so that overflow buckets are few in their
 * pages. */
static void thin_chains(scene *on, unsigned end)
{
    unsigned char key[SST_KEY_LEN];

    for (unsigned no = 100; no < end; no++) {
        if (sst_hash_of(on->store, key_of(no, key)).bucket % 4 != 0) {
            (void)!shm_store_remove(on->store, key, 0);
        }
    }
}

static uint64_t bucket_pages(const scene *on)
{
    shm_stats stats;

    return shm_store_stats(on->store, &stats) == SST_OK
               ? stats.by_class[0].pages
               : 0;
}

/* Pages of records are emptied first, because more is to spare there: up to the
 * put for which one of overflow buckets is, and without that. */
static bool until_buckets_move(scene *on)
{
    uint64_t had = bucket_pages(on);
    unsigned char *image = malloc(on->size);
    bool moved = false;

    for (unsigned no = 400000; !moved && no < 401000; no++) {
        memcpy(image, on->mapped, on->size);
        if (put(on, no, 0, (expected){no, 1900}, SST_USER, NOW) != SST_OK) {
            break;
        }
        moved = bucket_pages(on) < had;
        had = bucket_pages(on);
    }
    memcpy(on->mapped, image, on->size);
    free(image);
    return moved;
}

static void test_buckets(const scratch *at)
{
    static const crash_case move = {"a page of overflow buckets is emptied",
                                    act_medium,
                                    RECORDS,
                                    {MEDIUM, 900},
                                    false};
    scene on;

    scene_begin(&on, at, MIB, SST_REFUSE);
    thin_chains(&on, fill(&on, 8, SST_USER));
    ok(until_buckets_move(&on), "a page of overflow buckets is to spare");
    (void)run(&on, &move);
    scene_end(&on);
}

/* Two shards: all that is in the other one, and none of what is in ours. */
static void test_steal(const scratch *at)
{
    static const crash_case steal = {"a page of another shard is emptied",
                                     act_medium,
                                     RECORDS,
                                     {MEDIUM, 900},
                                     false};
    sst_shard_shm *ours;
    scene on;

    scene_begin(&on, at, 16 * MIB, SST_REFUSE);
    on.stride = is_long() ? 1 : 37 * STRIDE;
    thin(&on, fill(&on, 210, SST_USER), 0, 3, shard_of(&on, RECORDS));
    (void)run(&on, &steal);
    ours = sst_shard_header(on.store, shard_of(&on, RECORDS));
    ours->steal_shard = shard_of(&on, RECORDS);
    (void)act_medium(&on);
    ok(ours->steal_shard != shard_of(&on, RECORDS),
       "the next search goes on behind the shard that was asked last");
    scene_end(&on);
}

static void test_evict(const scratch *at)
{
    static const crash_case evict = {
        "anonymous records of another size go for a user",
        act_medium,
        RECORDS,
        {MEDIUM, 900},
        false};
    scene on;

    scene_begin(&on, at, MIB, SST_REFUSE);
    (void)fill(&on, 210, SST_USER);
    for (unsigned no = 100; no < 160; no++) {
        unsigned char key[SST_KEY_LEN];

        (void)!shm_store_remove(on.store, key_of(no, key), 0);
    }
    for (unsigned no = 300000; no < 300060; no++) {
        (void)put(&on, no, 0, (expected){no, 210}, SST_ANONYMOUS, NOW);
    }
    on.may_go = 60;
    (void)run(&on, &evict);
    scene_end(&on);
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    test_records(&at);
    test_pieces(&at);
    test_buckets(&at);
    test_steal(&at);
    test_evict(&at);
    scratch_unlink(&at, "");
    scratch_remove(&at);
    diag("%ld crash points", crash_points);
    return done_testing();
}
