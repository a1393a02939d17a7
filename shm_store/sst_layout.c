/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Geometry: a pure function of the size at creation.  The bounds on the size
 * (SST_SIZE_MIN..SST_SIZE_MAX) are checked first; below them no product here
 * comes near 64 bits, and max_pages stays below 2^24, which record links need.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sst_layout.h"

#define SMALL_PAGE   (16384u >> SST_TEST_LAYOUT)
#define LARGE_PAGE   32768u
#define LARGE_FROM   ((uint64_t)256 << 20)
#define SHARD_BYTES  ((uint64_t)8 << 20)
#define SHARDS_MAX   4096u
#define BUCKET_BYTES (1920u >> SST_TEST_LAYOUT)
#define BUCKETS_MIN  64u
#define TWICE_MORE   64u /* of a block: no segment has such a length */
#define PAGES_MAX    ((1u << 24) - 2) /* page + 1 has 24 bits in a link */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

bool shm_store_size_ok(uint64_t size)
{
    return size >= SST_SIZE_MIN && size <= SST_SIZE_MAX;
}

/* XXH3 has a quick way for up to 240 bytes and one for long inputs that takes
 * some hundred instructions to begin with: most records are between the two. */
#define SUM_BLOCK 240u
#define SUM_LONG  1024u

uint64_t sst_sum(const void *bytes, size_t len, uint64_t seed)
{
    const unsigned char *at = bytes;

    if (len > SUM_LONG) {
        return XXH3_64bits_withSeed(at, len, seed);
    }
    for (; len > SUM_BLOCK; len -= SUM_BLOCK, at += SUM_BLOCK) {
        seed = XXH3_64bits_withSeed(at, SUM_BLOCK, seed);
    }
    return XXH3_64bits_withSeed(at, len, seed);
}

static uint32_t shards_for(uint64_t size)
{
    uint32_t nshards = 1;

    while (nshards < SHARDS_MAX && (uint64_t)nshards * SHARD_BYTES < size) {
        nshards *= 2;
    }
    return nshards;
}

/* A bucket for so many bytes: records of 256 bytes make a load of under 5 of 7
 * slots, where one bucket in ten overflows; of 1 KB, 1.5, where the index costs
 * a twenty-fifth of the memory. */
static uint32_t buckets_for(uint64_t shard_bytes)
{
    uint64_t nbuckets = shard_bytes / BUCKET_BYTES;

    return nbuckets > BUCKETS_MIN ? (uint32_t)nbuckets : BUCKETS_MIN;
}

uint64_t sst_migrating_len(uint64_t len)
{
    return 2 * len + TWICE_MORE;
}

uint64_t sst_segment_len(uint64_t len)
{
    uint64_t half = len > TWICE_MORE ? (len - TWICE_MORE) / 2 : 0;

    return half % SST_BLOCK == 0 && len == sst_migrating_len(half) ? half : len;
}

uint32_t sst_pages_in(const sst_geometry_shm *geo, uint64_t bytes)
{
    uint64_t pages =
        bytes > geo->pages_off ? (bytes - geo->pages_off) / geo->page_size : 0;

    return pages < geo->max_pages ? (uint32_t)pages : geo->max_pages;
}

uint32_t sst_general_pages(uint32_t npages)
{
    /* Rounded up, so that the smallest segment has a reserve, too. */
    uint32_t reserve = (uint32_t)(((uint64_t)npages * 3 + 99) / 100);

    return npages - reserve;
}

bool sst_geometry_make(sst_geometry_shm *geo, uint64_t size)
{
    sst_class classes[SST_CLASS_MAX];
    uint64_t at = SST_BLOCK;

    *geo = (sst_geometry_shm){.size = size};
    if (!shm_store_size_ok(size)) {
        return false;
    }
    geo->page_size = size < LARGE_FROM ? SMALL_PAGE : LARGE_PAGE;
    geo->nshards = shards_for(size);
    geo->nbuckets = buckets_for(size / geo->nshards);
    geo->max_pages = (uint32_t)(size / geo->page_size * SST_GROWTH);
    if (geo->max_pages > PAGES_MAX) {
        geo->max_pages = PAGES_MAX;
    }
    geo->nclasses = sst_classes_make(classes, geo->page_size);

    geo->shards_off = at;
    at = round_up(at + geo->nshards * sizeof(sst_shard_shm), SST_BLOCK);
    geo->commit_off = at;
    at += SST_COMMIT_LOCKS * sizeof(sst_lock_shm);
    geo->table_off = at;
    at = round_up(at + geo->max_pages * sizeof(sst_owner_shm), SST_BLOCK);
    geo->index_off = at;
    at += (uint64_t)geo->nshards * geo->nbuckets * sizeof(sst_bucket_shm);
    geo->pages_off = round_up(at, geo->page_size);
    return geo->pages_off < size && sst_pages_in(geo, size) >= 8;
}

/* Steps of a sixteenth: half of what 1.125 would waste inside the chunks,
 * and a put that finds its class empty takes a neighbour, so many classes do
 * not strand a small segment. */
static uint32_t next_size(uint32_t size, uint32_t largest)
{
    uint32_t step = size / 16 / 16 * 16;

    size += step > 16 ? step : 16;
    return size < largest ? size : largest;
}

static sst_class class_of_size(uint32_t size, uint32_t page_size)
{
    sst_class made = {.size = size};
    uint32_t head = (uint32_t)sizeof(sst_page_shm);

    made.count = (page_size - head) / size;
    do {
        made.words = (made.count + 63) / 64;
        made.first = (uint32_t)round_up(head + made.words * 8, 64);
    } while (made.first + made.count * size > page_size && made.count-- > 0);
    /* What as many chunks can have more costs nothing. */
    made.size = (page_size - made.first) / made.count / 16 * 16;
    made.inverse = (uint32_t)((UINT64_C(1) << 32) / made.size + 1);
    return made;
}

uint32_t sst_classes_make(sst_class classes[SST_CLASS_MAX], uint32_t page_size)
{
    /* A quarter of what the page's own header leaves, so that four fit. */
    uint32_t largest = (page_size - 64) / 4 / 16 * 16;
    uint32_t size = SST_CHUNK_MIN;
    uint32_t count = 0;

    while (count < SST_CLASS_MAX) {
        classes[count] = class_of_size(size, page_size);
        size = classes[count++].size;
        if (size >= largest) {
            break;
        }
        size = next_size(size, largest);
    }
    return count;
}
