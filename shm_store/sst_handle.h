/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handle: what one process knows about a segment.  Everything that
 * decides where in memory we read or write is here and not in the segment:
 * after attach the header's copy of the geometry is never looked at again.
 *
 * Owned by whoever called shm_store_open.  Written by open, reopen and attach
 * only, except for what says atomic.  Forked children have copies of their own.
 */
#ifndef SST_HANDLE_H
#define SST_HANDLE_H

#include "shm_snapshot.h"
#include "sst_fault.h"
#include "sst_layout.h"

/* The journal as this process has it open.  `lock` guards all but base and
 * ours, is held for one write, and no other lock is taken under it. */
typedef struct sst_journal {
    pthread_mutex_t lock;
    char *base; /* the snapshot's path; NULL: not known */
    bool ours;  /* from the configuration, not from the segment */
    int fd;
    uint64_t generation;
    int64_t synced; /* bytes of it that are on the disk, as far as we know */
} sst_journal;

struct shm_store {
    char *path;
    int fd;
    bool is_server;
    bool is_guest;
    bool attached;
    bool fresh; /* at open: nobody else lived */
    bool lost;  /* atomic: its file was cut off under us, see sst_bus.h; in what
                * was a gap, so that handles of before have it, too */
    uint64_t nonce;
    uint64_t dev, ino;
    uint64_t file_size;
    uint32_t max_record;
    shm_on_full on_full;
    unsigned max_anonymous; /* per cent; 0: no limit */
    unsigned max_namespace;

    unsigned char *base;
    uint64_t map_len; /* reserved; more than file_size, so the file can grow */

    sst_geometry_shm geo;
    sst_class classes[SST_CLASS_MAX];
    uint8_t class_of[SST_CLASS_UNITS]; /* by size in units of 16 bytes */
    unsigned page_shift;
    unsigned char hash_key[16];
    int64_t base_ms;

    sst_journal journal;
    shm_store_refill *refill; /* NULL: a fresh segment stays empty */
    void *refill_baton;

    uint32_t npages_seen; /* atomic: pages known to be backed by the file */
};

/* A shard whose lock the caller holds. */
typedef struct sst_shard {
    shm_store *store;
    sst_shard_shm *shm;
    uint32_t no;
    bool repair_wanted; /* damage was found: repaired before the unlock */
    uint32_t emptying;  /* page + 1 that is on no list for the moment; 0 */
} sst_shard;

/** May its memory be asked?  And what to answer at the end of an operation:
 *  what came of zeros is nothing to go by, be it good or bad. */
static inline bool sst_usable(const shm_store *store)
{
    return store->attached && !SST_LOAD(store->lost);
}

static inline shm_status sst_answer(const shm_store *store, shm_status status)
{
    return SST_LOAD(store->lost) ? SST_UNAVAILABLE : status;
}

static inline void *sst_at(const shm_store *store, uint64_t offset)
{
    return store->base + offset;
}

static inline sst_header_shm *sst_header(const shm_store *store)
{
    return sst_at(store, 0);
}

/** The clocks that count. */
static inline const sst_clock_shm *sst_clock(const sst_header_shm *header)
{
    return &header->clocks[SST_LOAD(header->clock) & 1];
}

/** Let ${clock} count from now on, all of it or nothing. */
void sst_clock_set(sst_header_shm *header, const sst_clock_shm *clock);

static inline sst_shard_shm *sst_shard_header(const shm_store *store,
                                              uint32_t no)
{
    sst_shard_shm *all = sst_at(store, store->geo.shards_off);

    return &all[no];
}

static inline sst_owner_shm *sst_owner(const shm_store *store, uint32_t page)
{
    sst_owner_shm *all = sst_at(store, store->geo.table_off);

    return &all[page];
}

static inline sst_bucket_shm *sst_bucket(const shm_store *store, uint32_t shard,
                                         uint32_t bucket)
{
    sst_bucket_shm *all = sst_at(store, store->geo.index_off);

    return &all[(uint64_t)shard * store->geo.nbuckets + bucket];
}

static inline sst_page_shm *sst_page(const shm_store *store, uint32_t page)
{
    return sst_at(store,
                  store->geo.pages_off + ((uint64_t)page << store->page_shift));
}

/** Pages there are now, as far as the file backs them.  The header says how
 *  many; what it says beyond what this process has seen is checked against
 *  the file, or a damaged header would be a SIGBUS. */
uint32_t sst_pages_now(shm_store *store);

/** Ticks of a time, cut to what a segment can hold; rounded down, so that a
 *  record never ends late. */
static inline uint32_t sst_tick(const shm_store *store, int64_t ms)
{
    int64_t since;

    if (__builtin_sub_overflow(ms, store->base_ms, &since)) {
        return ms < 0 ? 1 : SST_NEVER - 1;
    }
    if (since < SST_TICK_MS) {
        return 1;
    }
    /* Unsigned, which is half of a signed division. */
    since = (int64_t)((uint64_t)since / SST_TICK_MS);
    return since < SST_NEVER ? (uint32_t)since : SST_NEVER - 1;
}

/** Milliseconds of a tick. */
static inline int64_t sst_tick_ms(const shm_store *store, uint32_t tick)
{
    return store->base_ms + (int64_t)tick * SST_TICK_MS;
}

/** The segment's own clock at ${ms}: it goes on over a reboot. */
static inline int64_t sst_own_ms(const shm_store *store, int64_t ms)
{
    return (int64_t)((uint64_t)ms - (uint64_t)store->base_ms);
}

/** The kernel's number of this boot. */
void sst_boot_id(uint8_t boot_id[16]);

/** CLOCK_MONOTONIC in nanoseconds, for budgets. */
int64_t sst_monotonic_ns(void);

/** The wall clock in milliseconds: only to carry times over a reboot, and for
 *  tokens. */
int64_t sst_real_ms(void);

/** Behind this one the tokens of a new segment begin: beyond all that an
 *  earlier one can have given, and, whatever the clock says, with half of them
 *  left to give. */
static inline uint64_t sst_token_first(void)
{
    return ((uint64_t)sst_real_ms() << 20) & (SST_TOKEN_MAX >> 1);
}

/** The last token given, of a counter that says ${token}.  None can follow one
 *  that is damaged, or used up: then it begins as in a new segment. */
static inline uint64_t sst_token_last(uint64_t token)
{
    return token < SST_TOKEN_MAX ? token : sst_token_first();
}

static inline bool sst_token_ok(uint64_t token)
{
    return token != 0 && token <= SST_TOKEN_MAX;
}

#endif
