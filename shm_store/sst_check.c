/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole truth about a segment, told without changing a byte: walk each
 * shard's index, note in private memory which chunks it names, and compare
 * with what bitmaps, lists, bounds and figures claim.  Shares none of repair's
 * code that decides, so that a mistake there is seen here.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sst_lock.h"
#include "sst_record.h"

#define WORDS_MAX 16u /* of a page's bitmap */

typedef struct page_seen {
    uint64_t bitmap[WORDS_MAX];
    uint32_t used;
    uint32_t bound; /* while used is not 0 */
    bool listed;
} page_seen;

typedef struct check {
    sst_shard shard;
    page_seen *pages; /* by number; the kernel makes only what is touched */
    uint32_t npages;
    sst_figures_shm figures;
    sst_use_shm uses[SST_POOLS][SST_CLASS_MAX];
    char *why;
    size_t whylen;
} check;

__attribute__((format(printf, 2, 3))) static bool fault(check *on,
                                                        const char *format, ...)
{
    int used = on->whylen > 0
                   ? snprintf(on->why, on->whylen, "shard %u: ", on->shard.no)
                   : 0;
    va_list args;

    if (used >= 0 && (size_t)used < on->whylen) {
        va_start(args, format);
        vsnprintf(on->why + used, on->whylen - (size_t)used, format, args);
        va_end(args);
    }
    return false;
}

static bool see_chunk(check *on, const sst_chunk *chunk)
{
    page_seen *seen;
    uint64_t bit = UINT64_C(1) << (chunk->index % 64);

    if (chunk->page >= on->npages) {
        return fault(on, "page %u is beyond the segment", chunk->page);
    }
    seen = &on->pages[chunk->page];
    if (seen->bitmap[chunk->index / 64] & bit) {
        return fault(on, "page %u chunk %u is referenced twice", chunk->page,
                     chunk->index);
    }
    seen->bitmap[chunk->index / 64] |= bit;
    if (seen->used++ == 0) {
        seen->bound = SST_NEVER;
    }
    return true;
}

/* The cells are those of the shard, so that the two can be compared. */
static void count_record(sst_figures_shm *figures, const sst_head *head,
                         uint64_t bytes)
{
    unsigned cell = 0;

    while (cell < SST_NS_CELLS &&
           (figures->ns[cell].taken == 0 || figures->ns[cell].ns != head->ns)) {
        cell++;
    }
    figures->ns[cell].bytes += bytes;
    figures->records++;
    figures->kinds[head->kind]++;
    figures->bytes_values += head->len;
    figures->bytes_chunks += bytes;
    figures->bytes_anonymous += head->kind == SST_ANONYMOUS ? bytes : 0;
}

static bool see_record(check *on, const sst_chunk *chunk, const sst_head *head)
{
    sst_pieces pieces = sst_pieces_begin(&on->shard, chunk, head->len);
    page_seen *seen;
    uint64_t bytes = 0;
    bool sound = true;

    if (!sst_record_sound(&on->shard, chunk, head)) {
        return fault(on, "page %u chunk %u: wrong checksum", chunk->page,
                     chunk->index);
    }
    do {
        if (!see_chunk(on, &pieces.chunk)) {
            return false;
        }
        if (pieces.chunk.at != chunk->at &&
            ((const sst_piece_shm *)(void *)pieces.chunk.at)->head !=
                sst_link_make(chunk)) {
            return fault(on, "page %u chunk %u leads back to another record",
                         pieces.chunk.page, pieces.chunk.index);
        }
        bytes += pieces.chunk.size;
    } while (sst_pieces_next(&pieces, &sound));
    seen = &on->pages[chunk->page];
    if (head->expires < seen->bound) {
        seen->bound = head->expires;
    }
    count_record(&on->figures, head, bytes);
    return true;
}

static bool check_word(check *on, uint32_t bucket, uint64_t *word)
{
    sst_shard *shard = &on->shard;
    const unsigned char *key;
    sst_chunk chunk;
    sst_head head;
    sst_hash hash;
    sst_slot slot;

    if (*word == 0) {
        return true;
    }
    if (!sst_word_chunk(shard, *word, &chunk)) {
        return fault(on, "bucket %u names no chunk of the shard", bucket);
    }
    if (!sst_head_read(&chunk, &head)) {
        return fault(on, "page %u chunk %u: a field is outside its range",
                     chunk.page, chunk.index);
    }
    key = chunk.at + sizeof(sst_record_shm);
    hash = sst_hash_of(shard->store, key);
    if (hash.shard != shard->no || hash.bucket != bucket ||
        sst_word_make(shard->store, &hash, &chunk) != *word) {
        return fault(on, "bucket %u holds a record of another place", bucket);
    }
    if (!sst_index_find_locked(shard, &hash, key, &slot) || slot.word != word) {
        return fault(on, "bucket %u holds a key twice", bucket);
    }
    if (head.token > shard->shm->token) {
        return fault(on, "bucket %u: a token from the future", bucket);
    }
    return see_record(on, &chunk, &head);
}

static bool check_chain(check *on, uint32_t bucket)
{
    sst_chain chain = sst_chain_begin(&on->shard, bucket);

    for (;;) {
        for (unsigned i = 0; i < SST_SLOTS; i++) {
            if (!check_word(on, bucket, &chain.bucket->words[i])) {
                return false;
            }
        }
        if (!sst_chain_next(&chain)) {
            break;
        }
        if (sst_bucket_empty(chain.bucket)) {
            return fault(on, "bucket %u has an empty overflow bucket", bucket);
        }
        if (!see_chunk(on, &chain.chunk)) {
            return false;
        }
    }
    return chain.bucket->link == 0 ||
           fault(on, "bucket %u: its chain leads nowhere", bucket);
}

static bool check_lists(check *on, uint32_t pool, uint32_t class_id)
{
    const sst_shard *shard = &on->shard;
    uint32_t link = shard->shm->heads[pool][class_id], before = 0;

    while (link != 0) {
        uint32_t really;
        const sst_page_shm *page;

        if (link > on->npages || !sst_page_owned(shard, link - 1, &really) ||
            really != class_id || on->pages[link - 1].used == 0) {
            return fault(on, "a list leads to page %u", link - 1);
        }
        page = sst_page(shard->store, link - 1);
        if (on->pages[link - 1].listed || page->prev != before ||
            page->pool != pool) {
            return fault(on, "page %u is wrongly linked", link - 1);
        }
        on->pages[link - 1].listed = true;
        before = link;
        link = page->next;
    }
    return true;
}

static bool check_page(check *on, uint32_t no, uint32_t class_id)
{
    const shm_store *store = on->shard.store;
    const sst_class *class = &store->classes[class_id];
    const sst_page_shm *page = sst_page(store, no);
    const page_seen *seen = &on->pages[no];

    if (seen->used == 0) {
        return fault(on, "page %u is owned and empty", no);
    }
    if (page->magic != SST_PAGE_MAGIC || page->class_id != class_id) {
        return fault(on, "page %u has a wrong head", no);
    }
    if (page->used != seen->used ||
        memcmp(page->bitmap, seen->bitmap, (size_t) class->words * 8) != 0) {
        return fault(on, "page %u: %u chunks marked, %u referenced", no,
                     page->used, seen->used);
    }
    if (sst_owner(store, no)->bound > seen->bound) {
        return fault(on, "page %u: a record ends before its bound", no);
    }
    if (seen->listed != (seen->used < class->count)) {
        return fault(on, "page %u is %s a list", no,
                     seen->listed ? "full and on" : "partial and not on");
    }
    on->uses[sst_page_pool(page)][class_id].pages++;
    on->uses[sst_page_pool(page)][class_id].used += seen->used;
    return true;
}

static bool check_pages(check *on)
{
    const shm_store *store = on->shard.store;
    uint32_t class_id;

    for (uint32_t pool = 0; pool < SST_POOLS; pool++) {
        for (class_id = 0; class_id < store->geo.nclasses; class_id++) {
            if (!check_lists(on, pool, class_id)) {
                return false;
            }
        }
    }
    for (uint32_t no = 0; no < on->npages; no++) {
        uint32_t owner = SST_LOAD(sst_owner(store, no)->owner);

        if (owner != 0 &&
            ((owner >> 8) > store->geo.nshards || owner >> 8 == 0 ||
             (owner & 0xff) >= store->geo.nclasses)) {
            return fault(on, "page %u belongs to nobody", no);
        }
        if (sst_page_owned(&on->shard, no, &class_id) &&
            !check_page(on, no, class_id)) {
            return false;
        }
    }
    return true;
}

static bool check_shard(check *on)
{
    const sst_shard_shm *shm = on->shard.shm;

    if (shm->token > SST_TOKEN_MAX) {
        return fault(on, "its last token is beyond all that can be");
    }
    on->figures = (sst_figures_shm){0};
    memset(on->uses, 0, sizeof(on->uses));
    for (unsigned i = 0; i < SST_NS_CELLS; i++) {
        on->figures.ns[i].ns = shm->figures.ns[i].ns;
        on->figures.ns[i].taken = shm->figures.ns[i].taken;
    }
    for (uint32_t i = 0; i < on->shard.store->geo.nbuckets; i++) {
        if (!check_chain(on, i)) {
            return false;
        }
    }
    if (!check_pages(on)) {
        return false;
    }
    if (memcmp(on->uses, shm->uses, sizeof(on->uses)) != 0) {
        return fault(on, "pages and chunks in use are counted wrongly");
    }
    if (memcmp(&on->figures, &shm->figures, sizeof(on->figures)) != 0) {
        return fault(on, "%llu records counted, %llu found",
                     (unsigned long long)shm->figures.records,
                     (unsigned long long)on->figures.records);
    }
    return true;
}

static shm_status lock_and_check(check *on, shm_store *store, uint32_t no)
{
    shm_status status = sst_shard_lock(store, no, SST_LOCK_WAIT_MS, &on->shard);

    if (status == SST_OK) {
        status = check_shard(on) ? SST_OK : SST_DAMAGED;
        /* A look must not repair what it finds. */
        on->shard.repair_wanted = false;
        sst_shard_unlock(&on->shard);
    }
    return status;
}

shm_status shm_store_check_shard(shm_store *store, uint32_t shard, char *why,
                                 size_t whylen)
{
    check on = {.why = why, .whylen = whylen};
    shm_status status;

    if (whylen > 0) {
        *why = '\0';
    }
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    if (shard >= store->geo.nshards) {
        return SST_BADARG;
    }
    on.npages = sst_pages_now(store);
    on.pages = calloc(on.npages + 1, sizeof(*on.pages));
    if (on.pages == NULL) {
        return SST_UNAVAILABLE;
    }
    status = lock_and_check(&on, store, shard);
    free(on.pages);
    return sst_answer(store, status);
}

shm_status shm_store_check(shm_store *store, char *why, size_t whylen)
{
    shm_status status = SST_OK;

    if (whylen > 0) {
        *why = '\0';
    }
    if (!sst_usable(store)) {
        return SST_UNAVAILABLE;
    }
    for (uint32_t no = 0; no < store->geo.nshards && status == SST_OK; no++) {
        status = shm_store_check_shard(store, no, why, whylen);
    }
    return status;
}
