/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order: what has ended, spent aliases and tombstones among it; anonymous
 * sessions, least recently used first; then users, but only for a user.
 * Epochs never: without one, sessions that it ended would live again.
 *
 * A shard's records are not kept in any order of use, because that would be a
 * list to tear and a store on every get.  A search looks at SAMPLE records
 * from a moving place in the index, which is a random sample since keys are
 * hashed, and takes the first in the order above: within a fraction of a per
 * cent of the true oldest, in bounded time.  Only while anonymous sessions
 * exist and none was met does it look further before a user has to go.
 *
 * A victim must leave room of the right size: one of the same or a slightly
 * larger class, or else a whole page of the shard all of which may go.
 */
#include "sst_evict.h"

#define SAMPLE      512u
#define SAMPLE_MORE 8192u
#define BUCKETS_MAX 65536u
#define PAGE_TRIES  8u

/* Lower goes first; within a rank the lower tick. */
typedef enum sst_rank {
    RANK_ENDED,
    RANK_ANONYMOUS,
    RANK_USER,
    RANK_NEVER
} sst_rank;

typedef struct search {
    sst_shard *shard;
    const unsigned char *keep;
    int64_t now_ms;
    shm_kind kind;
    uint32_t size_min, size_max; /* chunk sizes that would help */
    unsigned seen;
    sst_rank best;
    uint32_t best_tick;
    sst_slot slot;
} search;

static sst_rank rank_of(const search *find, const sst_head *head)
{
    if (sst_head_ended(find->shard->store, head, 0, find->now_ms)) {
        return head->kind == SST_EPOCH ? RANK_NEVER : RANK_ENDED;
    }
    switch (head->kind) {
    case SST_ANONYMOUS:
        return RANK_ANONYMOUS;
    case SST_USER:
        return find->kind == SST_ANONYMOUS ? RANK_NEVER : RANK_USER;
    case SST_ALIAS:
    case SST_TOMBSTONE:
    case SST_EPOCH:
    case SST_KIND_COUNT:
        break;
    }
    return RANK_NEVER;
}

static void consider(search *find, uint64_t *word)
{
    sst_chunk chunk;
    sst_head head;
    uint32_t tick;
    sst_rank rank;

    if (*word == 0 || !sst_word_chunk(find->shard, *word, &chunk)) {
        return;
    }
    find->seen++;
    if (chunk.at == find->keep || chunk.size < find->size_min ||
        chunk.size > find->size_max || !sst_head_read(&chunk, &head)) {
        return;
    }
    rank = rank_of(find, &head);
    tick = rank == RANK_ENDED ? head.expires : head.last_access;
    if (rank < find->best ||
        (rank == find->best && rank != RANK_NEVER && tick < find->best_tick)) {
        find->best = rank;
        find->best_tick = tick;
        find->slot = (sst_slot){.word = word, .chunk = chunk};
    }
}

static bool search_enough(const search *find)
{
    uint64_t anonymous = find->shard->shm->figures.kinds[SST_ANONYMOUS];

    if (find->seen < SAMPLE) {
        return false;
    }
    return find->best <= RANK_ANONYMOUS || anonymous == 0 ||
           find->seen >= SAMPLE_MORE;
}

static bool find_victim(search *find)
{
    sst_shard *shard = find->shard;
    const uint32_t nbuckets = shard->store->geo.nbuckets;
    uint32_t left = nbuckets < BUCKETS_MAX ? nbuckets : BUCKETS_MAX;
    uint32_t bucket = shard->shm->evict_bucket & (nbuckets - 1);

    find->best = RANK_NEVER;
    find->seen = 0;
    for (; left > 0 && !search_enough(find); left--) {
        sst_chain chain = sst_chain_begin(shard, bucket);

        do {
            for (unsigned i = 0; i < SST_SLOTS; i++) {
                consider(find, &chain.bucket->words[i]);
            }
        } while (sst_chain_next(&chain));
        bucket = (bucket + 1) & (nbuckets - 1);
    }
    SST_STORE(shard->shm->evict_bucket, bucket);
    return find->best != RANK_NEVER;
}

static void evict(sst_shard *shard, const sst_slot *slot, bool was_live,
                  unsigned *live)
{
    sst_record_drop_locked(shard, slot);
    if (was_live) {
        SST_ADD(shard->shm->counters.evicted, 1);
        ++*live;
    }
    else {
        SST_ADD(shard->shm->counters.expired, 1);
    }
}

/* Whether every chunk of the page is a record that may go. */
static bool page_may_go(search *find, uint32_t page)
{
    const sst_class *classes = find->shard->store->classes;
    uint32_t class_id;
    sst_chunk chunk;
    sst_slot slot;
    sst_head head;

    if (!sst_slab_owned(find->shard, page, &class_id)) {
        return false;
    }
    for (uint32_t i = 0; i < classes[class_id].count; i++) {
        if (!sst_slab_nth(find->shard, page, i, &chunk)) {
            return false;
        }
        if (sst_slab_used(find->shard, &chunk) &&
            (chunk.at == find->keep ||
             !sst_index_reverse_locked(find->shard, &chunk, &slot) ||
             !sst_head_read(&chunk, &head) ||
             rank_of(find, &head) == RANK_NEVER)) {
            return false;
        }
    }
    return true;
}

static unsigned evict_page(search *find, uint32_t page, unsigned *live)
{
    unsigned gone = 0;
    uint32_t class_id;
    sst_chunk chunk;
    sst_slot slot;
    sst_head head;

    if (!sst_slab_owned(find->shard, page, &class_id)) {
        return 0;
    }
    for (uint32_t i = 0; i < find->shard->store->classes[class_id].count; i++) {
        if (!sst_slab_nth(find->shard, page, i, &chunk)) {
            break;
        }
        if (sst_slab_used(find->shard, &chunk) &&
            sst_index_reverse_locked(find->shard, &chunk, &slot) &&
            sst_head_read(&chunk, &head)) {
            evict(find->shard, &slot, rank_of(find, &head) != RANK_ENDED, live);
            gone++;
        }
    }
    return gone;
}

static unsigned evict_some_page(search *find, shm_kind kind, unsigned *live)
{
    search wide = *find;

    wide.kind = kind;
    wide.size_min = 0;
    wide.size_max = UINT32_MAX;
    for (unsigned i = 0; i < PAGE_TRIES && find_victim(&wide); i++) {
        uint32_t page = wide.slot.chunk.page;

        if (page_may_go(&wide, page)) {
            return evict_page(&wide, page, live);
        }
    }
    return 0;
}

unsigned sst_evict_locked(sst_shard *shard, uint32_t bytes, shm_kind kind,
                          const unsigned char *keep, int64_t now_ms,
                          unsigned *live)
{
    search find = {
        .shard = shard,
        .keep = keep,
        .now_ms = now_ms,
        .kind = kind,
        .size_min = bytes,
        .size_max = 2 * bytes,
    };
    bool found = find_victim(&find);
    unsigned gone = 0;

    /* A page of anonymous sessions goes before one user of the right size. */
    if (!found || find.best == RANK_USER) {
        gone = evict_some_page(&find, SST_ANONYMOUS, live);
    }
    if (gone == 0 && found) {
        evict(shard, &find.slot, find.best != RANK_ENDED, live);
        gone = 1;
    }
    if (gone == 0 && kind != SST_ANONYMOUS) {
        gone = evict_some_page(&find, kind, live);
    }
    return gone;
}
