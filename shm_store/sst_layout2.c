/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout 2 as later layouts read it: docs/store-format.md of that time in
 * structs, and nothing taken from sst_layout.h, which goes on.  As long as both
 * are the same the compiler is asked whether they are.
 *
 * Not a byte of it is believed.  Every offset is checked against the length;
 * what a record says counts when its checksum is right over a copy of ours; and
 * all records and overflow buckets together cannot have more bytes than the
 * file has, which bounds the walk whatever leads where.
 */
#include "sst_layout2.h"

#include <stdlib.h>

#define MAGIC       UINT64_C(0x31455254534d4853)
#define READY       UINT64_C(0x5245414459525359)
#define ENDIAN_MARK UINT32_C(0x01020304)
#define WORD_MARK   ((uint32_t)(sizeof(void *) * 8 + sizeof(long)))
#define SHARD_ROOM  8192u
#define TOKEN_AT    64u /* in a shard's header */
#define SLOTS       7u
#define OFFSET_MASK ((UINT64_C(1) << 40) - 1)
#define CLASS_MAX   96u
#define CHUNK_MIN   64u
#define PIECE_MIN   256u
#define PAGE_HEAD   32u
#define VALUE_MAX   ((uint32_t)4 << 20)
#define TICK_MS     100
#define LEN_BITS    28u

typedef struct geometry2 {
    uint64_t size, shards_off, commit_off, table_off, index_off, pages_off;
    uint32_t page_size, nshards, nbuckets, max_pages, nclasses, unused;
} geometry2;

typedef struct clock2 {
    uint8_t boot_id[16];
    int64_t anchor_boot_ms, anchor_real_ms, base_ms;
} clock2;

typedef struct header2 {
    uint64_t magic;
    uint32_t version, mutex_size, endian, word;
    uint64_t state;
    geometry2 geo;
    uint8_t hash_key[16];
    uint64_t sum, pid_ns, dev, ino;
    clock2 clocks[2];
    uint64_t clock, server_nonce;
    uint32_t npages, sweep_page;
    uint64_t hints[2], unused[4], lease_nonce;
    int64_t lease_beat_ms;
    uint64_t snap_gen, snap_fail;
    int64_t snap_done;
    char snap_path[1024];
} header2;

typedef struct bucket2 {
    uint64_t words[SLOTS], link;
} bucket2;

typedef struct record2 {
    uint64_t times; /* expires:32 | last access:32 */
    uint32_t sum, next;
    uint64_t token, user_tag, handle;
    uint32_t created, hard_end, len_kind, ns;
    uint8_t key[SST_KEY_LEN];
} record2;

typedef struct piece2 {
    uint32_t next, len, head, unused;
} piece2;

_Static_assert(sizeof(header2) == 344 + 1024 && sizeof(record2) == 88, "v2");
_Static_assert(sizeof(((sst_old_head *)0)->snap_path) >=
                   sizeof(((header2 *)0)->snap_path),
               "a path is carried over whole");

#if SST_LAYOUT_VERSION == 2
#define SAME(old, now, field, as)                                              \
    _Static_assert(offsetof(old, field) == offsetof(now, as), "layout 2")
SAME(header2, sst_header_shm, geo, geo);
SAME(header2, sst_header_shm, hash_key, hash_key);
SAME(header2, sst_header_shm, sum, sum);
SAME(header2, sst_header_shm, pid_ns, pid_ns);
SAME(header2, sst_header_shm, clocks, clocks);
SAME(header2, sst_header_shm, clock, clock);
SAME(header2, sst_header_shm, snap_gen, snap_gen);
SAME(header2, sst_header_shm, snap_path, snap_path);
SAME(geometry2, sst_geometry_shm, page_size, page_size);
SAME(geometry2, sst_geometry_shm, nclasses, nclasses);
SAME(clock2, sst_clock_shm, base_ms, base_ms);
SAME(bucket2, sst_bucket_shm, link, link);
SAME(record2, sst_record_shm, token, token);
SAME(record2, sst_record_shm, created, created);
SAME(record2, sst_record_shm, ns, ns);
SAME(piece2, sst_piece_shm, head, head);
_Static_assert(sizeof(sst_shard_shm) == SHARD_ROOM &&
                   offsetof(sst_shard_shm, token) == TOKEN_AT &&
                   sizeof(sst_record_shm) + SST_KEY_LEN == sizeof(record2) &&
                   sizeof(sst_page_shm) == PAGE_HEAD && SST_SLOTS == SLOTS &&
                   SST_CLASS_MAX == CLASS_MAX && SST_TICK_MS == TICK_MS &&
                   SST_PIECE_MIN == PIECE_MIN,
               "layout 2");
#endif

typedef struct class2 {
    uint32_t size, count, first;
} class2;

/* A record as we have read it: sums go from the fields on into the value. */
typedef struct copy2 {
    record2 record;
    unsigned char value[VALUE_MAX];
} copy2;

typedef struct reading {
    const unsigned char *base;
    uint64_t len;
    uint64_t left; /* bytes that records not yet met can have */
    header2 header;
    class2 classes[CLASS_MAX];
    copy2 *copy;
    uint32_t value_len;
} reading;

/* ---- head ---------------------------------------------------------------- */

static bool inside(const reading *at, uint64_t offset, uint64_t count,
                   uint64_t size)
{
    return offset <= at->len && offset % 8 == 0 &&
           count <= (at->len - offset) / size;
}

static const char *read_header(reading *at)
{
    header2 *header = &at->header;
    const geometry2 *geo = &header->geo;

    if (at->len < sizeof(*header)) {
        return "the file is too short";
    }
    memcpy(header, at->base, sizeof(*header));
    if (header->magic != MAGIC || header->version != 2 ||
        header->state != READY || header->endian != ENDIAN_MARK ||
        header->word != WORD_MARK) {
        return "it is not a segment of this kind of machine";
    }
    if (header->sum !=
        sst_sum(geo, sizeof(*geo) + sizeof(header->hash_key), 2)) {
        return "the checksum of its header is wrong";
    }
    if ((geo->page_size != 16384 && geo->page_size != 32768) ||
        geo->nclasses > CLASS_MAX || geo->nshards > 4096 ||
        !inside(at, geo->shards_off, geo->nshards, SHARD_ROOM) ||
        !inside(at, geo->table_off, geo->max_pages, 8) ||
        !inside(at, geo->index_off, (uint64_t)geo->nshards * geo->nbuckets,
                sizeof(bucket2)) ||
        !inside(at, geo->pages_off, 0, 1)) {
        return "its geometry does not fit the file";
    }
    return NULL;
}

static uint64_t highest_token(const reading *at)
{
    const geometry2 *geo = &at->header.geo;
    uint64_t highest = 0;

    for (uint32_t no = 0; no < geo->nshards; no++) {
        uint64_t token;

        memcpy(&token,
               at->base + geo->shards_off + (uint64_t)no * SHARD_ROOM +
                   TOKEN_AT,
               sizeof(token));
        highest = token > highest ? token : highest;
    }
    return highest;
}

static const char *head2(const unsigned char *base, uint64_t len,
                         sst_old_head *head)
{
    reading at = {.base = base, .len = len};
    const char *bad = read_header(&at);
    const header2 *header = &at.header;
    const clock2 *clock = &header->clocks[header->clock & 1];

    if (bad != NULL) {
        return bad;
    }
    *head = (sst_old_head){.clock = {.anchor_boot_ms = clock->anchor_boot_ms,
                                     .anchor_real_ms = clock->anchor_real_ms,
                                     .base_ms = clock->base_ms},
                           .pid_ns = header->pid_ns,
                           .dev = header->dev,
                           .ino = header->ino,
                           .token = highest_token(&at),
                           .snap_gen = header->snap_gen,
                           .snap_fail = header->snap_fail};
    memcpy(head->clock.boot_id, clock->boot_id, sizeof(clock->boot_id));
    memcpy(head->hash_key, header->hash_key, sizeof(head->hash_key));
    memcpy(head->snap_path, header->snap_path, sizeof(header->snap_path));
    return NULL;
}

/* ---- chunks -------------------------------------------------------------- */

static class2 class_of_size(uint32_t size, uint32_t page_size)
{
    class2 made = {.count = (page_size - PAGE_HEAD) / size};

    do {
        uint32_t words = (made.count + 63) / 64;

        made.first = (PAGE_HEAD + words * 8 + 63) / 64 * 64;
    } while (made.first + made.count * size > page_size && made.count-- > 0);
    made.size = (page_size - made.first) / made.count / 16 * 16;
    return made;
}

static uint32_t next_size(uint32_t size, uint32_t largest)
{
    uint32_t step = size / 16 / 16 * 16;

    size += step > 16 ? step : 16;
    return size < largest ? size : largest;
}

static void classes_make(reading *at)
{
    uint32_t page_size = at->header.geo.page_size;
    uint32_t largest = (page_size - 64) / 4 / 16 * 16;
    uint32_t size = CHUNK_MIN;

    for (uint32_t i = 0; i < CLASS_MAX; i++) {
        at->classes[i] = class_of_size(size, page_size);
        size = at->classes[i].size;
        if (size >= largest) {
            break;
        }
        size = next_size(size, largest);
    }
}

/* The class of a page of the shard; NULL: it is none. */
static const class2 *class_of_page(const reading *at, uint64_t page,
                                   uint32_t shard)
{
    const geometry2 *geo = &at->header.geo;
    uint32_t owner;

    if (page >= geo->max_pages ||
        page >= (at->len - geo->pages_off) / geo->page_size) {
        return NULL;
    }
    memcpy(&owner, at->base + geo->table_off + page * 8, sizeof(owner));
    return owner >> 8 == shard + 1 && (owner & 0xff) < geo->nclasses &&
                   at->classes[owner & 0xff].size != 0
               ? &at->classes[owner & 0xff]
               : NULL;
}

static const unsigned char *chunk_nth(const reading *at, uint64_t page,
                                      uint64_t index, const class2 *class)
{
    const geometry2 *geo = &at->header.geo;

    return at->base + geo->pages_off + page * geo->page_size + class->first +
           index * class->size;
}

/* The chunk that an index word or the link of a bucket names. */
static const unsigned char *chunk_at(const reading *at, uint64_t word,
                                     uint32_t shard, uint32_t *size)
{
    const geometry2 *geo = &at->header.geo;
    uint64_t offset = (word & OFFSET_MASK) * 16, page, in_page;
    const class2 *class;

    if (offset < geo->pages_off) {
        return NULL;
    }
    page = (offset - geo->pages_off) / geo->page_size;
    in_page = (offset - geo->pages_off) % geo->page_size;
    class = class_of_page(at, page, shard);
    if (class == NULL || in_page < class->first ||
        (in_page - class->first) % class->size != 0 ||
        (in_page - class->first) / class->size >= class->count) {
        return NULL;
    }
    *size = class->size;
    return chunk_nth(at, page, (in_page - class->first) / class->size, class);
}

/* The chunk that the link of a record's piece names. */
static const unsigned char *piece_at(const reading *at, uint32_t link,
                                     uint32_t shard, uint32_t *size)
{
    const class2 *class =
        link >> 8 != 0 ? class_of_page(at, (link >> 8) - 1, shard) : NULL;

    if (class == NULL || (link & 0xff) >= class->count ||
        class->size < PIECE_MIN) {
        return NULL;
    }
    *size = class->size;
    return chunk_nth(at, (link >> 8) - 1, link & 0xff, class);
}

/* ---- records ------------------------------------------------------------- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool spend(reading *at, uint64_t bytes)
{
    bool has = bytes <= at->left;

    at->left -= has ? bytes : at->left;
    return has;
}

/* What lies behind the first chunk, and the sum over all of it. */
static bool read_pieces(reading *at, uint32_t have, uint32_t shard,
                        uint64_t *sum)
{
    unsigned char *value = at->copy->value;
    uint32_t next = at->copy->record.next;

    while (have < at->value_len) {
        uint32_t size;
        const unsigned char *chunk = piece_at(at, next, shard, &size);
        piece2 piece;

        if (chunk == NULL) {
            return false;
        }
        memcpy(&piece, chunk, sizeof(piece));
        size = smaller(at->value_len - have, size - (uint32_t)sizeof(piece));
        if (piece.len != size) {
            return false;
        }
        memcpy(value + have, chunk + sizeof(piece), size);
        *sum = sst_sum(value + have, size, *sum);
        have += size;
        next = piece.next;
    }
    return next == 0;
}

static uint64_t first_sum(const copy2 *copy, uint32_t have)
{
    const size_t from = offsetof(copy2, record.token);

    return sst_sum((const unsigned char *)copy + from,
                   offsetof(copy2, value) - from + have, 0);
}

static bool read_record(reading *at, uint64_t word, uint32_t shard)
{
    uint32_t size, have;
    const unsigned char *chunk = chunk_at(at, word, shard, &size);
    record2 *record = &at->copy->record;
    uint64_t sum;

    if (chunk == NULL || size < sizeof(*record)) {
        return false;
    }
    memcpy(record, chunk, sizeof(*record));
    at->value_len = record->len_kind & ((1u << LEN_BITS) - 1);
    if (at->value_len > VALUE_MAX ||
        !spend(at, sizeof(*record) + at->value_len)) {
        return false;
    }
    have = smaller(at->value_len, size - (uint32_t)sizeof(*record));
    memcpy(at->copy->value, chunk + sizeof(*record), have);
    sum = first_sum(at->copy, have);
    return read_pieces(at, have, shard, &sum) && (uint32_t)sum == record->sum;
}

static int64_t time_of(const reading *at, uint32_t tick)
{
    const header2 *header = &at->header;
    int64_t base_ms = header->clocks[header->clock & 1].base_ms;

    return (int64_t)((uint64_t)base_ms + (uint64_t)tick * TICK_MS);
}

static bool meta_of(const reading *at, shm_meta *meta)
{
    const record2 *record = &at->copy->record;
    uint32_t expires = (uint32_t)(record->times >> 32);
    uint32_t access = (uint32_t)record->times;

    *meta = (shm_meta){.kind = (shm_kind)(record->len_kind >> LEN_BITS),
                       .ns = record->ns,
                       .user_tag = record->user_tag,
                       .handle = record->handle,
                       .created_ms = time_of(at, record->created),
                       .last_access_ms = time_of(at, access),
                       .expires_ms = time_of(at, expires),
                       .hard_end_ms = time_of(at, record->hard_end),
                       .token = record->token,
                       .value_len = at->value_len};
    return record->created <= expires && expires <= record->hard_end &&
           record->created <= access && access <= record->hard_end &&
           sst_token_ok(record->token) && meta->kind >= SST_ANONYMOUS &&
           meta->kind <= SST_TOMBSTONE;
}

/* ---- all of them --------------------------------------------------------- */

typedef struct telling {
    sst_old_visit *visit;
    void *baton;
    uint64_t *lost;
} telling;

/* False: no more is wanted. */
static bool tell_words(reading *at, const bucket2 *bucket, uint32_t shard,
                       const telling *to)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        shm_meta meta;

        if (bucket->words[i] == 0) {
            continue;
        }
        if (!read_record(at, bucket->words[i], shard) || !meta_of(at, &meta)) {
            ++*to->lost;
        }
        else if (!to->visit(to->baton, at->copy->record.key, at->copy->value,
                            &meta)) {
            return false;
        }
    }
    return true;
}

static bool tell_chain(reading *at, uint64_t no, uint32_t shard,
                       const telling *to)
{
    bucket2 bucket;

    memcpy(&bucket, at->base + at->header.geo.index_off + no * sizeof(bucket),
           sizeof(bucket));
    while (tell_words(at, &bucket, shard, to)) {
        uint32_t size;
        const unsigned char *next =
            bucket.link != 0 ? chunk_at(at, bucket.link, shard, &size) : NULL;

        if (next == NULL || !spend(at, sizeof(bucket))) {
            *to->lost += bucket.link != 0;
            return true;
        }
        memcpy(&bucket, next, sizeof(bucket));
    }
    return false;
}

static bool each2(const unsigned char *base, uint64_t len, sst_old_visit *visit,
                  void *baton, uint64_t *lost)
{
    reading at = {.base = base, .len = len, .left = len};
    const telling to = {visit, baton, lost};
    const geometry2 *geo = &at.header.geo;
    bool more = read_header(&at) == NULL;

    at.copy = malloc(sizeof(*at.copy));
    if (at.copy == NULL) {
        return false;
    }
    classes_make(&at);
    for (uint64_t no = 0; more && no < (uint64_t)geo->nshards * geo->nbuckets;
         no++) {
        more = tell_chain(&at, no, (uint32_t)(no / geo->nbuckets), &to);
    }
    free(at.copy);
    return true;
}

const sst_old sst_layout2 = {.version = 2, .head = head2, .each = each2};
