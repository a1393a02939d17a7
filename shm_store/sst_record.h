/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: a head with key and start of the value in one chunk, and for long
 * values a chain of continuation chunks.
 *
 * Invariants: how long each piece is follows from the value's length and the
 * chunks' sizes; a chain that says otherwise is damaged.  The checksum covers
 * all but itself and the times; each piece's sum is the seed of the next.
 * Times are one word, so that a touch is one store, and are believed only
 * within created..hard_end.
 */
#ifndef SST_RECORD_H
#define SST_RECORD_H

#include "sst_index.h"

/* How length and kind share a word. */
#define SST_LEN_BITS 28u
#define SST_LEN_MASK ((1u << SST_LEN_BITS) - 1)

/* What a record's head says, read once and checked. */
typedef struct sst_head {
    sst_record_shm *at;
    uint32_t expires; /* ticks */
    uint32_t last_access;
    uint32_t created;
    uint32_t hard_end;
    uint32_t len;
    uint32_t ns;
    shm_kind kind;
    uint64_t token;
} sst_head;

/* A record that has no place yet: all but token, links and sum.  Made before
 * the lock is taken, which then is held for less. */
typedef struct sst_draft {
    sst_record_shm head;
    unsigned char key[SST_KEY_LEN];
} sst_draft;
_Static_assert(sizeof(sst_draft) == SST_RECORD_HEAD, "as in the segment");

/* A walk over the pieces of a value. */
typedef struct sst_pieces {
    const sst_shard *shard;
    sst_chunk chunk;
    unsigned char *bytes;
    uint32_t len;  /* of this piece's bytes */
    uint32_t left; /* behind this piece */
    uint32_t next;
} sst_pieces;

/** Read a head.  False if a field is outside its range. */
static inline bool sst_head_read(const sst_chunk *chunk, sst_head *head)
{
    sst_record_shm *at = (sst_record_shm *)(void *)chunk->at;
    uint64_t times = SST_LOAD(at->times);
    uint32_t len_kind = at->len_kind;

    head->at = at;
    head->expires = (uint32_t)(times >> 32);
    head->last_access = (uint32_t)times;
    head->created = at->created;
    head->hard_end = at->hard_end;
    head->ns = at->ns;
    head->len = len_kind & SST_LEN_MASK;
    head->kind = (shm_kind)(len_kind >> SST_LEN_BITS);
    head->token = at->token;
    return head->created <= head->expires && head->expires <= head->hard_end &&
           head->created <= head->last_access &&
           head->last_access <= head->hard_end &&
           head->len <= SST_MAX_RECORD_MAX && sst_token_ok(head->token) &&
           head->kind >= SST_ANONYMOUS && head->kind < SST_KIND_COUNT;
}

/** First piece; then the next.  ${*sound} turns false when the chain is not
 *  what the length asks for; false is also the end. */
sst_pieces sst_pieces_begin(const sst_shard *shard, const sst_chunk *chunk,
                            uint32_t len);
bool sst_pieces_next(sst_pieces *pieces, bool *sound);

/** Whether chain and checksum are right. */
bool sst_record_sound(const sst_shard *shard, const sst_chunk *chunk,
                      const sst_head *head);

/** Take the chunks of a value of ${len} bytes and link them; nothing refers
 *  to them yet.  False, with nothing taken, when there is no room; then
 *  ${*missing} is the size of the chunk that was not to be had. */
bool sst_record_take_locked(sst_shard *shard, uint32_t len, sst_use use,
                            sst_chunk *head, uint32_t *missing);

/** Nearly every record is in one chunk, and of what is done to records the walk
 *  over the pieces would then be a good part. */
static inline bool sst_chunk_holds(const sst_chunk *chunk, uint32_t len)
{
    return len <= chunk->size - SST_RECORD_HEAD;
}

/** Give back the chunks of a chain that is ours and referenced no longer.
 *  Returns the bytes of its chunks. */
uint64_t sst_pieces_give_locked(sst_shard *shard, const sst_chunk *chunk,
                                uint32_t len);

static inline uint64_t sst_record_give_locked(sst_shard *shard,
                                              const sst_chunk *chunk,
                                              uint32_t len)
{
    if (!sst_chunk_holds(chunk, len)) {
        return sst_pieces_give_locked(shard, chunk, len);
    }
    sst_slab_give_locked(shard, chunk);
    return chunk->size;
}

/** Bytes of the chunks of the record that begins in ${chunk}. */
uint64_t sst_pieces_bytes(const sst_shard *shard, const sst_chunk *chunk,
                          uint32_t len);

static inline uint64_t sst_record_bytes(const sst_shard *shard,
                                        const sst_chunk *chunk, uint32_t len)
{
    return sst_chunk_holds(chunk, len) ? chunk->size
                                       : sst_pieces_bytes(shard, chunk, len);
}

/** Draft the record of ${key} and ${meta}, with a value of ${len} bytes.  End
 *  and last access are brought between creation and absolute end. */
void sst_draft_make(const shm_store *store, const unsigned char *key,
                    const shm_meta *meta, uint32_t len, sst_draft *draft);

/** Fill chunks that sst_record_take_locked gave. */
void sst_record_fill_locked(sst_shard *shard, const sst_chunk *chunk,
                            const sst_draft *draft, uint64_t token,
                            const void *value);

/** What the figures count of a draft. */
static inline sst_head sst_draft_head(const sst_draft *draft)
{
    return (sst_head){
        .expires = (uint32_t)(draft->head.times >> 32),
        .len = draft->head.len_kind & SST_LEN_MASK,
        .ns = draft->head.ns,
        .kind = (shm_kind)(draft->head.len_kind >> SST_LEN_BITS),
    };
}

/** Head to meta. */
void sst_record_meta(const shm_store *store, const sst_head *head,
                     shm_meta *meta);

/** Free what a record that no word names any longer had in ${chunk} and behind
 *  it: the bytes of its chunks, which the figures still count.  What is not
 *  sound is left to the repair, and then it is 0. */
uint64_t sst_record_free_locked(sst_shard *shard, const sst_chunk *chunk,
                                const sst_head *head);

/** End the record in ${slot}: unlink it, then free it. */
void sst_record_drop_locked(sst_shard *shard, const sst_slot *slot);

/** The same for one that failed a check, which is counted. */
void sst_record_damaged_locked(sst_shard *shard, const sst_slot *slot);

/** A chunk of a page of few as a link, and back: continuations, and the heads
 *  that have some. */
uint32_t sst_link_make(const sst_chunk *chunk);
bool sst_link_chunk(const sst_shard *shard, uint32_t link, sst_chunk *chunk);

/** Let each continuation lead back to ${chunk}, where its record begins. */
void sst_record_own_pieces_locked(sst_shard *shard, const sst_chunk *chunk,
                                  uint32_t len);

/** Most records: all in one chunk, with no chain to follow or to doubt. */
static inline bool sst_head_single(const sst_chunk *chunk, const sst_head *head)
{
    return head->at->next == 0 && head->len <= chunk->size - SST_RECORD_HEAD;
}

static inline bool sst_head_ended(const shm_store *store, const sst_head *head,
                                  int64_t grace_ms, int64_t now_ms)
{
    int64_t end;

    return !__builtin_add_overflow(sst_tick_ms(store, head->expires), grace_ms,
                                   &end) &&
           end <= now_ms;
}

#endif
