/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chunk moves out of place: copy it, let the one word that names it name the
 * copy, wipe the original.  So a death leaves the one or the other, and what
 * nobody names is freed by the repair, as with every write.
 *
 * What names a chunk depends on what lies in it, and nothing in the chunk is
 * believed for that: a record is one if its index word names this chunk, an
 * overflow bucket if a link of the chain that its words belong to does, and a
 * continuation if the record that it leads back to comes along it.  A chunk
 * that is none of the three (one that a write under way has taken and not yet
 * published) stays where it is, and so does its page.
 */
#include "sst_move.h"

/* Copy to another page of pool and class; ${to} is the copy. */
static bool copy_out(sst_shard *shard, const sst_chunk *from, sst_chunk *to)
{
    if (!sst_slab_take_class_locked(shard, sst_slab_pool(shard, from),
                                    from->class_id, to)) {
        return false;
    }
    sst_copy(to->at, from->at, from->size);
    return true;
}

static bool move_record(sst_shard *shard, const sst_slot *slot)
{
    sst_chunk to;
    sst_head head;
    uint64_t word = *slot->word;

    if (!sst_head_read(&slot->chunk, &head) ||
        !copy_out(shard, &slot->chunk, &to)) {
        return false;
    }
    sst_slab_lower_bound(shard, to.page, head.expires);
    sst_publish(slot->word, sst_word_moved(shard->store, word, &to));
    sst_record_own_pieces_locked(shard, &to, head.len);
    sst_slab_give_locked(shard, &slot->chunk);
    return true;
}

/* The link that names the continuation in ${chunk}, or NULL. */
static uint32_t *link_to_piece(sst_shard *shard, const sst_chunk *chunk)
{
    const sst_piece_shm *piece = (const sst_piece_shm *)(void *)chunk->at;
    uint32_t wanted = sst_link_make(chunk);
    sst_chunk first;
    sst_slot slot;
    sst_head head;
    sst_pieces pieces;
    uint32_t *link;
    bool sound = true;

    if (chunk->size < SST_PIECE_MIN ||
        !sst_link_chunk(shard, piece->head, &first) ||
        !sst_index_reverse_locked(shard, &first, &slot) ||
        !sst_head_read(&first, &head)) {
        return NULL;
    }
    pieces = sst_pieces_begin(shard, &first, head.len);
    link = &head.at->next;
    while (*link != wanted && sst_pieces_next(&pieces, &sound)) {
        link = &((sst_piece_shm *)(void *)pieces.chunk.at)->next;
    }
    return *link == wanted ? link : NULL;
}

static bool move_piece(sst_shard *shard, const sst_chunk *chunk)
{
    uint32_t *link = link_to_piece(shard, chunk);
    sst_chunk to;

    if (link == NULL || !copy_out(shard, chunk, &to)) {
        return false;
    }
    SST_STORE(*link, sst_link_make(&to));
    sst_slab_give_locked(shard, chunk);
    return true;
}

static bool move_bucket(sst_shard *shard, const sst_chunk *chunk)
{
    uint64_t *link = sst_index_link_to(shard, chunk);
    sst_chunk to;

    if (link == NULL || !copy_out(shard, chunk, &to)) {
        return false;
    }
    sst_publish(link, sst_slab_units(shard->store, &to));
    sst_slab_give_locked(shard, chunk);
    return true;
}

static bool move_chunk(sst_shard *shard, const sst_chunk *chunk)
{
    sst_slot slot;
    bool moved = sst_index_reverse_locked(shard, chunk, &slot)
                     ? move_record(shard, &slot)
                     : move_piece(shard, chunk) || move_bucket(shard, chunk);

    if (moved) {
        SST_ADD(shard->shm->counters.moved, 1);
    }
    return moved;
}

static bool move_all(sst_shard *shard, uint32_t page)
{
    uint32_t class_id;
    sst_chunk chunk;

    if (!sst_page_owned(shard, page, &class_id)) {
        return false;
    }
    /* The page is given back with its last chunk, and then ours no longer. */
    for (uint32_t i = 0; sst_slab_nth(shard, page, i, &chunk); i++) {
        if (sst_slab_used(shard, &chunk) && !move_chunk(shard, &chunk)) {
            return false;
        }
    }
    return !sst_page_owned(shard, page, &class_id);
}

bool sst_move_page_out_locked(sst_shard *shard, uint32_t pool)
{
    uint32_t page;
    bool emptied;

    if (!sst_page_sparsest(shard, pool, &page)) {
        return false;
    }
    sst_page_unlist_locked(shard, page);
    shard->emptying = page + 1;
    emptied = move_all(shard, page);
    shard->emptying = 0;
    if (!emptied) {
        sst_page_list_locked(shard, page);
        return false;
    }
    SST_ADD(shard->shm->counters.pages_emptied, 1);
    return true;
}
