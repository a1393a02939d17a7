/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order: what has ended, spent aliases and tombstones among it; anonymous
 * sessions, first those that were begun for a few minutes and not used since,
 * then the others, least recently used first; then users, if the store's policy
 * lets them go, and only for a user.  Epochs never: without one, sessions that
 * it ended would live again.
 *
 * A shard's records are not kept in any order of use, because that would be a
 * list to tear and a store on every get.  A search looks at SAMPLE records
 * from a moving place in the index, which is a random sample since keys are
 * hashed, and takes the first in the order above: within a fraction of a per
 * cent of the true oldest, in bounded time.  Only while anonymous sessions
 * exist and none was met does it look further before a user has to go.
 *
 * Sizes do not count: what goes need not leave a chunk that fits, because
 * pages are emptied and change their class.  That takes some more of the same
 * size, so a search keeps the BATCH that go first and not only one; and
 * BATCH_MANY of them when one search was not enough, since a large value would
 * else need dozens.
 */
#include "sst_evict.h"

#include "sst_journal.h"

#define SAMPLE      512u
#define SAMPLE_MORE 4096u
#define RESERVE_MS  300000u
#define BUCKETS_MAX 65536u
#define BATCH       8u
#define BATCH_MANY  32u
#define AHEAD       4u /* buckets */

/* Lower goes first; within a rank the lower tick. */
typedef enum sst_rank {
    RANK_ENDED,
    RANK_RESERVED,
    RANK_ANONYMOUS,
    RANK_USER,
    RANK_NEVER
} sst_rank;

typedef struct candidate {
    sst_rank rank;
    uint32_t tick;
    sst_slot slot;
} candidate;

typedef struct search {
    sst_shard *shard;
    const sst_evict *want;
    unsigned seen;
    unsigned found;
    unsigned room;
    candidate first[BATCH_MANY]; /* in order */
} search;

/* Begun by a visitor of whom nobody knows yet if there is a second look. */
static bool is_reserved(const sst_head *head)
{
    return head->last_access == head->created &&
           head->expires - head->created <= RESERVE_MS / SST_TICK_MS;
}

static sst_rank rank_of(const search *find, const sst_head *head)
{
    const sst_evict *want = find->want;

    if (head->kind == SST_EPOCH || head->token == want->keep ||
        (want->in_ns && head->ns != want->ns)) {
        return RANK_NEVER;
    }
    if (sst_head_ended(find->shard->store, head, 0, want->now_ms)) {
        return RANK_ENDED;
    }
    if (head->kind == SST_ANONYMOUS) {
        return is_reserved(head) ? RANK_RESERVED : RANK_ANONYMOUS;
    }
    if (head->kind == SST_USER && want->users && !want->anonymous &&
        want->kind != SST_ANONYMOUS) {
        return RANK_USER;
    }
    return RANK_NEVER;
}

static bool goes_before(const candidate *a, const candidate *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->tick < b->tick);
}

static void insert(search *find, const candidate *one)
{
    unsigned place = find->found;

    while (place > 0 && goes_before(one, &find->first[place - 1])) {
        place--;
    }
    if (place == find->room) {
        return;
    }
    if (find->found == find->room) {
        find->found--;
    }
    memmove(&find->first[place + 1], &find->first[place],
            (find->found - place) * sizeof(*one));
    find->first[place] = *one;
    find->found++;
}

static void consider(search *find, uint64_t *word)
{
    candidate one = {.slot = {.word = word}};
    sst_head head;

    if (*word == 0 || !sst_word_chunk(find->shard, *word, &one.slot.chunk) ||
        !sst_head_read(&one.slot.chunk, &head)) {
        return;
    }
    find->seen++;
    one.rank = rank_of(find, &head);
    one.tick = one.rank == RANK_ENDED ? head.expires : head.last_access;
    if (one.rank != RANK_NEVER) {
        insert(find, &one);
    }
}

static bool search_enough(const search *find)
{
    const sst_figures_shm *figures = &find->shard->shm->figures;

    if (find->seen < SAMPLE) {
        return false;
    }
    return (find->found > 0 && find->first[0].rank <= RANK_ANONYMOUS) ||
           figures->kinds[SST_ANONYMOUS] == 0 || find->seen >= SAMPLE_MORE;
}

/* Nearly all of a search is waiting for the heads of records: ask early. */
static void look_ahead(const sst_shard *shard, uint32_t no)
{
    const sst_bucket_shm *bucket = sst_bucket(shard->store, shard->no, no);

    for (unsigned i = 0; i < SST_SLOTS; i++) {
        if (bucket->words[i] != 0) {
            __builtin_prefetch(
                sst_word_address(shard->store, bucket->words[i]));
        }
    }
}

static void search_run(search *find)
{
    sst_shard *shard = find->shard;
    const uint32_t nbuckets = shard->store->geo.nbuckets;
    uint32_t left = nbuckets < BUCKETS_MAX ? nbuckets : BUCKETS_MAX;
    uint32_t bucket = shard->shm->evict_bucket % nbuckets;

    for (; left > 0 && !search_enough(find); left--) {
        sst_chain chain = sst_chain_begin(shard, bucket);

        look_ahead(shard, (bucket + AHEAD) % nbuckets);
        do {
            for (unsigned i = 0; i < SST_SLOTS; i++) {
                consider(find, &chain.bucket->words[i]);
            }
        } while (sst_chain_next(&chain));
        bucket = (bucket + 1) % nbuckets;
    }
    SST_STORE(shard->shm->evict_bucket, bucket);
}

static void evict(sst_shard *shard, const candidate *one, unsigned *live)
{
    sst_counters_shm *counters = &shard->shm->counters;

    if (one->rank != RANK_ENDED) {
        sst_journal_evicted_locked(shard, &one->slot.chunk);
    }
    /* Dropping one may take away the bucket of none of the others: a bucket
     * goes when it is empty. */
    sst_record_drop_locked(shard, &one->slot);
    if (one->rank == RANK_ENDED) {
        SST_ADD(counters->expired, 1);
        return;
    }
    if (one->rank == RANK_USER) {
        SST_ADD(counters->evicted_user, 1);
    }
    else {
        SST_ADD(counters->evicted_anonymous, 1);
    }
    ++*live;
}

unsigned sst_evict_locked(sst_shard *shard, sst_evict *want)
{
    search find = {
        .shard = shard, .want = want, .room = want->many ? BATCH_MANY : BATCH};
    const uint32_t class_id = sst_slab_class(shard->store, want->bytes);
    unsigned gone = 0;

    search_run(&find);
    while (gone < find.found && find.first[gone].rank == find.first[0].rank) {
        const candidate *one = &find.first[gone];

        evict(shard, one, &want->live);
        gone++;
        if (one->slot.chunk.class_id == class_id) {
            break;
        }
    }
    return gone;
}
