/* SPDX-License-Identifier: Apache-2.0 */
/* See sst_record.h. */
#include "sst_record.h"

#include "sst_figures.h"

/* What the checksum covers of a head begins behind itself and the link. */
#define SUM_FROM offsetof(sst_record_shm, token)

/* ---- pieces ------------------------------------------------------------- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t sst_link_make(const sst_chunk *chunk)
{
    return (chunk->page + 1) << 8 | chunk->index;
}

bool sst_link_chunk(const sst_shard *shard, uint32_t link, sst_chunk *chunk)
{
    return link >> 8 != 0 &&
           sst_slab_nth(shard, (link >> 8) - 1, link & 0xff, chunk) &&
           chunk->size >= SST_PIECE_MIN;
}

sst_pieces sst_pieces_begin(const sst_shard *shard, const sst_chunk *chunk,
                            uint32_t len)
{
    const sst_record_shm *at = (const sst_record_shm *)(void *)chunk->at;
    uint32_t here = smaller(len, chunk->size - SST_RECORD_HEAD);

    return (sst_pieces){
        .shard = shard,
        .chunk = *chunk,
        .bytes = chunk->at + SST_RECORD_HEAD,
        .len = here,
        .left = len - here,
        .next = at->next,
    };
}

bool sst_pieces_next(sst_pieces *pieces, bool *sound)
{
    const sst_piece_shm *at;

    if (pieces->left == 0) {
        *sound = *sound && pieces->next == 0;
        return false;
    }
    if (!sst_link_chunk(pieces->shard, pieces->next, &pieces->chunk)) {
        *sound = false;
        return false;
    }
    at = (const sst_piece_shm *)(void *)pieces->chunk.at;
    pieces->next = at->next;
    pieces->len = smaller(pieces->left,
                          pieces->chunk.size - (uint32_t)sizeof(sst_piece_shm));
    pieces->bytes = pieces->chunk.at + sizeof(sst_piece_shm);
    pieces->left -= pieces->len;
    if (at->len != pieces->len) {
        *sound = false;
        return false;
    }
    return true;
}

static uint32_t record_sum(const sst_shard *shard, const sst_chunk *chunk,
                           uint32_t len, bool *sound)
{
    sst_pieces pieces;
    uint64_t sum;

    if (sst_chunk_holds(chunk, len)) {
        *sound = ((const sst_record_shm *)(void *)chunk->at)->next == 0;
        return (uint32_t)sst_sum(chunk->at + SUM_FROM,
                                 SST_RECORD_HEAD - SUM_FROM + len, 0);
    }
    *sound = true;
    pieces = sst_pieces_begin(shard, chunk, len);
    sum = sst_sum(chunk->at + SUM_FROM, SST_RECORD_HEAD - SUM_FROM + pieces.len,
                  0);
    while (sst_pieces_next(&pieces, sound)) {
        sum = sst_sum(pieces.bytes, pieces.len, sum);
    }
    return (uint32_t)sum;
}

bool sst_record_sound(const sst_shard *shard, const sst_chunk *chunk,
                      const sst_head *head)
{
    bool sound;
    uint32_t sum = record_sum(shard, chunk, head->len, &sound);

    return sound && sum == head->at->sum;
}

uint64_t sst_pieces_bytes(const sst_shard *shard, const sst_chunk *chunk,
                          uint32_t len)
{
    sst_pieces pieces = sst_pieces_begin(shard, chunk, len);
    uint64_t bytes = chunk->size;
    bool sound = true;

    while (sst_pieces_next(&pieces, &sound)) {
        bytes += pieces.chunk.size;
    }
    return bytes;
}

/* ---- take, fill, give --------------------------------------------------- */

uint64_t sst_pieces_give_locked(sst_shard *shard, const sst_chunk *chunk,
                                uint32_t len)
{
    sst_pieces pieces = sst_pieces_begin(shard, chunk, len);
    uint64_t bytes = 0;
    bool more = true, sound = true;

    while (more) {
        sst_chunk gone = pieces.chunk;

        /* Step on before the link is wiped. */
        more = sst_pieces_next(&pieces, &sound);
        bytes += gone.size;
        sst_slab_give_locked(shard, &gone);
    }
    return bytes;
}

/* Gives back a chain whose last link is still open. */
static void give_partial(sst_shard *shard, const sst_chunk *head)
{
    const sst_record_shm *at = (const sst_record_shm *)(void *)head->at;
    uint32_t link = at->next;
    sst_chunk chunk;

    sst_slab_give_locked(shard, head);
    while (sst_link_chunk(shard, link, &chunk)) {
        link = ((const sst_piece_shm *)(void *)chunk.at)->next;
        sst_slab_give_locked(shard, &chunk);
    }
}

bool sst_record_take_locked(sst_shard *shard, uint32_t len, sst_use use,
                            sst_chunk *head, uint32_t *missing)
{
    const uint32_t largest = sst_slab_largest(shard->store);
    const uint32_t extra = (uint32_t)sizeof(sst_piece_shm);
    uint32_t left = len - smaller(len, largest - SST_RECORD_HEAD);
    uint32_t *link;

    *missing = smaller(SST_RECORD_HEAD + len, largest);
    if (!sst_slab_take_locked(shard, *missing, use, head)) {
        return false;
    }
    link = &((sst_record_shm *)(void *)head->at)->next;
    while (left > 0) {
        uint32_t want = smaller(left + extra, largest);
        sst_piece_shm *piece;
        sst_chunk chunk;

        *missing = want > SST_PIECE_MIN ? want : SST_PIECE_MIN;
        if (!sst_slab_take_locked(shard, *missing, use, &chunk)) {
            give_partial(shard, head);
            return false;
        }
        piece = (sst_piece_shm *)(void *)chunk.at;
        want = smaller(left, chunk.size - extra);
        SST_STORE(piece->len, want);
        SST_STORE(piece->head, sst_link_make(head));
        SST_STORE(*link, sst_link_make(&chunk));
        link = &piece->next;
        left -= want;
    }
    return true;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

void sst_draft_make(const shm_store *store, const unsigned char *key,
                    const shm_meta *meta, uint32_t len, sst_draft *draft)
{
    int64_t created = meta->created_ms, end = meta->hard_end_ms;
    uint64_t expires = sst_tick(store, clamp(meta->expires_ms, created, end));

    draft->head = (sst_record_shm){
        .times = expires << 32 |
                 sst_tick(store, clamp(meta->last_access_ms, created, end)),
        .user_tag = meta->user_tag,
        .handle = meta->handle,
        .created = sst_tick(store, created),
        .hard_end = sst_tick(store, end),
        .len_kind = len | (uint32_t)meta->kind << SST_LEN_BITS,
        .ns = meta->ns,
    };
    memcpy(draft->key, key, sizeof(draft->key));
}

static void fill_value(sst_shard *shard, const sst_chunk *chunk, uint32_t len,
                       const unsigned char *from)
{
    sst_pieces pieces;
    bool more = true, sound = true;

    if (sst_chunk_holds(chunk, len)) {
        sst_copy(chunk->at + SST_RECORD_HEAD, from, len);
        return;
    }
    pieces = sst_pieces_begin(shard, chunk, len);
    while (more) {
        if (pieces.len > 0) {
            sst_copy(pieces.bytes, from, pieces.len);
            from += pieces.len;
        }
        more = sst_pieces_next(&pieces, &sound);
    }
}

void sst_record_fill_locked(sst_shard *shard, const sst_chunk *chunk,
                            const sst_draft *draft, uint64_t token,
                            const void *value)
{
    const uint32_t len = draft->head.len_kind & SST_LEN_MASK;
    sst_record_shm *at = (sst_record_shm *)(void *)chunk->at;
    bool sound;

    SST_STORE(at->times, draft->head.times);
    SST_STORE(at->token, token);
    sst_copy(&at->user_tag, &draft->head.user_tag,
             sizeof(*draft) - offsetof(sst_draft, head.user_tag));
    fill_value(shard, chunk, len, value);
    SST_STORE(at->sum, record_sum(shard, chunk, len, &sound));
}

void sst_record_meta(const shm_store *store, const sst_head *head,
                     shm_meta *meta)
{
    *meta = (shm_meta){
        .kind = head->kind,
        .ns = head->ns,
        .user_tag = head->at->user_tag,
        .handle = head->at->handle,
        .created_ms = sst_tick_ms(store, head->created),
        .last_access_ms = sst_tick_ms(store, head->last_access),
        .expires_ms = sst_tick_ms(store, head->expires),
        .hard_end_ms = sst_tick_ms(store, head->hard_end),
        .token = head->token,
        .value_len = head->len,
    };
}

void sst_record_own_pieces_locked(sst_shard *shard, const sst_chunk *chunk,
                                  uint32_t len)
{
    sst_pieces pieces = sst_pieces_begin(shard, chunk, len);
    const uint32_t link = sst_link_make(chunk);
    bool sound = true;

    while (sst_pieces_next(&pieces, &sound)) {
        sst_piece_shm *at = (sst_piece_shm *)(void *)pieces.chunk.at;

        if (at->head != link) {
            SST_STORE(at->head, link);
        }
    }
}

/* ---- end ---------------------------------------------------------------- */

uint64_t sst_record_free_locked(sst_shard *shard, const sst_chunk *chunk,
                                const sst_head *head)
{
    /* A chain could lead into someone else's chunks. */
    if (!sst_head_single(chunk, head) &&
        !sst_record_sound(shard, chunk, head)) {
        shard->repair_wanted = true;
        return 0;
    }
    return sst_record_give_locked(shard, chunk, head->len);
}

void sst_record_drop_locked(sst_shard *shard, const sst_slot *slot)
{
    uint32_t bucket =
        sst_hash_of(shard->store, slot->chunk.at + sizeof(sst_record_shm))
            .bucket;
    uint64_t bytes = 0;
    sst_head head;

    sst_publish(slot->word, 0);
    if (sst_head_read(&slot->chunk, &head)) {
        bytes = sst_record_free_locked(shard, &slot->chunk, &head);
    }
    else {
        shard->repair_wanted = true;
    }
    if (bytes > 0) {
        sst_figures_sub_locked(&shard->shm->figures, &head, bytes);
    }
    sst_index_trim_locked(shard, bucket);
}

void sst_record_damaged_locked(sst_shard *shard, const sst_slot *slot)
{
    sst_publish(slot->word, 0);
    SST_ADD(shard->shm->counters.damaged, 1);
    shard->repair_wanted = true;
}
