/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a segment.  Offsets only, fixed widths, little-endian; no
 * pointer of ours and no size_t, so that a tool built tomorrow, or a process
 * that maps elsewhere, reads the same.
 *
 *   0           header page (4 KiB)            sst_header_shm
 *   shards_off  one header a shard             sst_shard_shm    [nshards]
 *   commit_off  commit locks                   sst_lock_shm     [256]
 *   table_off   page table, for max_pages      sst_owner_shm    [max_pages]
 *   index_off   buckets, shard after shard     sst_bucket_shm   [nshards*n]
 *   pages_off   pages                          sst_page_shm + chunks [npages]
 *
 * Invariants: every area starts on a 4 KiB boundary, pages on a page_size
 * boundary.  All offsets follow from the size at creation and nothing else,
 * so a header that lies is found out by computing them again.  max_pages is
 * SST_GROWTH times what the creation size has, so the file can grow in place
 * with no area moving.
 *
 * The first 32 bytes of the header are the same in every layout, so that each
 * knows the others.  A change of anything else here is a new layout: the
 * version goes up, and what reads the old one for sst_migrate.c, as
 * sst_layout2.c does for 2, gets a file of its own.
 *
 * Locks: what lies in a shard's header, its buckets, its pages (owner word
 * says shard) and their bounds is written under the shard's lock only.  Owner
 * words and the words of the header are atomics of their own.
 */
#ifndef SST_LAYOUT_H
#define SST_LAYOUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm_stats.h"

/* 1 in a build that no one but t/unit/sst/migrate.c has: the layout that may
 * come after this one, in which nothing is where it was. */
#ifndef SST_TEST_LAYOUT
#define SST_TEST_LAYOUT 0
#endif

#define SST_MAGIC          UINT64_C(0x31455254534d4853) /* "SHMSTRE1" */
#define SST_PAGE_MAGIC     UINT32_C(0x50545353)
#define SST_LAYOUT_VERSION (2u + SST_TEST_LAYOUT)
#define SST_ENDIAN_MARK    UINT32_C(0x01020304)
#define SST_WORD_MARK      ((uint32_t)(sizeof(void *) * 8 + sizeof(long)))

#define SST_BLOCK        4096u /* alignment of areas, unit of the length */
#define SST_GROWTH       4u
#define SST_COMMIT_LOCKS 256u
#define SST_CLASS_MAX    ((uint32_t)SST_CLASSES_MAX)
#define SST_CLASS_UNITS                                                        \
    1025u                  /* the largest chunk in units of 16 bytes, plus 1 */
#define SST_SLOTS      7u  /* index words of a bucket */
#define SST_CHAIN_MAX  64u /* overflow buckets behind one bucket */
#define SST_CHUNK_MIN  64u
#define SST_NS_CELLS   256u /* namespaces that a shard counts one by one */
#define SST_PIECE_MIN  256u /* smallest chunk of a continuation: 8-bit index */
#define SST_SHARD_ROOM (8192u << SST_TEST_LAYOUT)
#define SST_FIRST_TICK (UINT32_C(1) << 26)
#define SST_NEVER      UINT32_MAX /* bound of a page where nothing ends */
#define SST_SNAP_PATH  1024u      /* bytes of the snapshot's path, with its 0 */
#define SST_TOKEN_MAX  ((uint64_t)INT64_MAX) /* the last; 0 is none */

/* State word: READY is stored last, so all before it is there.  MIGRATING: the
 * segment that counts lies whole behind this one (sst_migrate.h). */
#define SST_STATE_NEW        UINT64_C(0)
#define SST_STATE_FORMATTING UINT64_C(0x464f524d4154544e)
#define SST_STATE_MIGRATING  UINT64_C(0x4d49475241544e47)
#define SST_STATE_READY      UINT64_C(0x5245414459525359)

/* Two pools: what creations may use, and the rest for everything else. */
enum { SST_GENERAL, SST_RESERVE, SST_POOLS };

/* Where everything is.  Never changes after the format. */
typedef struct sst_geometry_shm {
    uint64_t size; /* of the file at creation */
    uint64_t shards_off;
    uint64_t commit_off;
    uint64_t table_off;
    uint64_t index_off;
    uint64_t pages_off;
    uint32_t page_size;
    uint32_t nshards;
    uint32_t nbuckets; /* a shard */
    uint32_t max_pages;
    uint32_t nclasses;
    uint32_t unused;
} sst_geometry_shm;
_Static_assert(sizeof(sst_geometry_shm) == 72, "layout");

/* How ticks, the boot clock and the wall clock hang together.  Half old and
 * half new would move the end of every record. */
typedef struct sst_clock_shm {
    uint8_t boot_id[16];
    int64_t anchor_boot_ms; /* the two clocks at one moment */
    int64_t anchor_real_ms;
    int64_t base_ms; /* tick 0 on the boot clock */
} sst_clock_shm;
_Static_assert(sizeof(sst_clock_shm) == 40, "layout");

typedef struct sst_header_shm {
    uint64_t magic;
    uint32_t version;
    uint32_t mutex_size;
    uint32_t endian;
    uint32_t word;
    uint64_t state;
    sst_geometry_shm geo; /* these two are under `sum` */
    uint8_t hash_key[16];
    uint64_t sum;
    uint64_t pid_ns;
    uint64_t dev, ino;       /* a copy of the file has others */
    sst_clock_shm clocks[2]; /* which of them counts is one store */
    uint64_t clock;
    uint64_t server_nonce;         /* of the server that checked it last */
    uint32_t npages;               /* now; grows by one store */
    uint32_t sweep_page;           /* hint: where the next sweep begins */
    uint64_t free_hint[SST_POOLS]; /* generation:32 | no free page below:32 */
    uint64_t unused0[4];
    uint64_t lease_nonce; /* cleanup thread; 0: nobody */
    int64_t lease_beat_ms;
    uint64_t snap_gen;  /* journal that ends are noted in; 0: none */
    uint64_t snap_fail; /* generation whose journal could not be written */
    int64_t snap_done;  /* when the last snapshot was: the segment's clock */
    char snap_path[SST_SNAP_PATH];
    uint8_t unused[SST_BLOCK - 344 - SST_SNAP_PATH];
} sst_header_shm;
_Static_assert(sizeof(sst_header_shm) == SST_BLOCK, "layout");
_Static_assert(offsetof(sst_header_shm, version) == 8 &&
                   offsetof(sst_header_shm, state) == 24,
               "the same in every layout");

typedef union sst_lock_shm {
    pthread_mutex_t mutex;
    uint8_t room[64];
} sst_lock_shm;
_Static_assert(sizeof(sst_lock_shm) == 64, "layout");

/* The counters in the order of SHM_STORE_COUNTERS. */
typedef struct sst_counters_shm {
#define X(name, what) uint64_t name;
    SHM_STORE_COUNTERS(X)
#undef X
} sst_counters_shm;

/* What one namespace holds.  A cell that has been given out stays, so that a
 * namespace is found again where it was counted. */
typedef struct sst_ns_shm {
    uint32_t ns;
    uint32_t taken;
    uint64_t bytes; /* of chunks */
} sst_ns_shm;
_Static_assert(sizeof(sst_ns_shm) == 16, "layout");

/* What is there now: repair counts it again. */
typedef struct sst_figures_shm {
    uint64_t records;
    uint64_t kinds[SST_KIND_COUNT];
    uint64_t bytes_values;
    uint64_t bytes_chunks;
    uint64_t bytes_anonymous;        /* of the chunks of anonymous records */
    sst_ns_shm ns[SST_NS_CELLS + 1]; /* the last: all that found no cell */
} sst_figures_shm;
_Static_assert(sizeof(sst_figures_shm) == 80 + 16 * 257, "layout");

/* Pages of a class, and how many of their chunks are in use. */
typedef struct sst_use_shm {
    uint32_t pages;
    uint32_t used;
} sst_use_shm;

/* Sampled durations of an operation: cell n counts those below 2^n ns. */
typedef struct sst_latency_shm {
    uint64_t cells[SST_LATENCY_CELLS];
} sst_latency_shm;

/* The lines behind the lock are what every operation writes. */
typedef struct sst_shard_shm {
    sst_lock_shm lock;
    uint64_t token; /* the last one given; beyond the last there is: damage */
    sst_counters_shm counters;
    uint32_t sweep_page;   /* where a put that needs room looks next */
    uint32_t evict_bucket; /* where the next search for a victim begins */
    uint32_t steal_shard;  /* whom to ask next for a page */
    uint32_t unused0;
    uint32_t heads[SST_POOLS][SST_CLASS_MAX]; /* partial pages; 0: none */
    sst_use_shm uses[SST_POOLS][SST_CLASS_MAX];
    sst_latency_shm latency[SST_OP_COUNT];
    sst_figures_shm figures;
    uint8_t unused[SST_SHARD_ROOM - 64 - 8 - sizeof(sst_counters_shm) - 16 -
                   (size_t)SST_POOLS * SST_CLASS_MAX * 12 -
                   SST_OP_COUNT * sizeof(sst_latency_shm) -
                   sizeof(sst_figures_shm) - 64];
    uint64_t busy; /* waits for the lock in vain: counted without it, so the
                      last line is of its own */
    uint8_t unused1[56];
} sst_shard_shm;
_Static_assert(sizeof(sst_shard_shm) == SST_SHARD_ROOM, "layout");
_Static_assert(offsetof(sst_shard_shm, busy) == SST_SHARD_ROOM - 64, "layout");
_Static_assert(SST_SHARD_ROOM % 128 == 0, "no false sharing");

/* One a page.  The owner word is the truth about a page. */
typedef struct sst_owner_shm {
    uint32_t owner; /* 0: free; (shard + 1) << 8 | class */
    uint32_t bound; /* no record in the page ends before this tick */
} sst_owner_shm;
_Static_assert(sizeof(sst_owner_shm) == 8, "layout");

/* Index word: tag:24 | offset in units of 16 bytes:40; 0: empty. */
typedef struct sst_bucket_shm {
    uint64_t words[SST_SLOTS];
    uint64_t link; /* offset of an overflow bucket in 16 bytes; 0: none */
} sst_bucket_shm;
_Static_assert(sizeof(sst_bucket_shm) == 64, "layout");

/* At the start of each page; links are page numbers plus one. */
typedef struct sst_page_shm {
    uint32_t magic;
    uint16_t class_id;
    uint16_t used;
    uint32_t next;
    uint32_t prev;
    uint32_t pool; /* the list that it is on, fixed when it is claimed */
    uint32_t unused[3];
    uint64_t bitmap[]; /* a bit a chunk: 1 used */
} sst_page_shm;
_Static_assert(sizeof(sst_page_shm) == 32, "layout");

/* Key and value follow.  The checksum covers them and the fields behind
 * `next`: links are outside it, so that a chunk can move by one store. */
typedef struct sst_record_shm {
#if SST_TEST_LAYOUT
    uint64_t unused[2];
#endif
    uint64_t times; /* expires:32 | last access:32, ticks; one store */
    uint32_t sum;
    uint32_t next; /* first continuation: page + 1:24 | chunk:8; 0: none */
    uint64_t token;
    uint64_t user_tag;
    uint64_t handle;
    uint32_t created; /* ticks */
    uint32_t hard_end;
    uint32_t len_kind; /* value length:28 | kind:4 */
    uint32_t ns;
} sst_record_shm;
_Static_assert(sizeof(sst_record_shm) == 56 + 16 * SST_TEST_LAYOUT, "layout");
#define SST_RECORD_HEAD ((uint32_t)sizeof(sst_record_shm) + SST_KEY_LEN)

/* A continuation of a value that is too long for one chunk; bytes follow.
 * `head` leads back to the record: who empties a page needs to know whose
 * piece lies in it. */
typedef struct sst_piece_shm {
    uint32_t next;
    uint32_t len;
    uint32_t head;
    uint32_t unused;
} sst_piece_shm;
_Static_assert(sizeof(sst_piece_shm) == 16, "layout");

/* A size class, computed by every process for itself and never read. */
typedef struct sst_class {
    uint32_t size;    /* bytes of a chunk */
    uint32_t count;   /* chunks in a page */
    uint32_t first;   /* where in the page the chunks begin */
    uint32_t words;   /* of the bitmap */
    uint32_t inverse; /* 2^32 / size, rounded up: to divide by multiplying */
} sst_class;

/** Compute the geometry of a file of ${size} bytes.  False if the size is
 *  outside the range or its areas leave no room for pages. */
bool sst_geometry_make(sst_geometry_shm *geo, uint64_t size);

/** Fill ${classes} for pages of ${page_size}; returns how many there are. */
uint32_t sst_classes_make(sst_class classes[SST_CLASS_MAX], uint32_t page_size);

/** Pages that a file of ${bytes} has room for under ${geo}. */
uint32_t sst_pages_in(const sst_geometry_shm *geo, uint64_t bytes);

/** Bytes of the segment in a file of ${len} bytes: all, unless a migration has
 *  not come to its end.  Then the file holds the segment twice, and so many
 *  bytes more that its length alone tells: the parent reads nothing else. */
uint64_t sst_segment_len(uint64_t len);

/** The length of such a file, for a segment of ${len} bytes. */
uint64_t sst_migrating_len(uint64_t len);

/** How many of ${npages} creations may use: the rest is the reserve. */
uint32_t sst_general_pages(uint32_t npages);

/** 64-bit checksum of ${len} bytes, chained by ${seed}. */
uint64_t sst_sum(const void *bytes, size_t len, uint64_t seed);

#endif
