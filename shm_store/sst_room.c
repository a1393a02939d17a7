/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sst_room.h.
 *
 * Another shard's lock is only tried, under ours: nobody waits for a lock
 * while holding one, so there is no order to keep and nothing to deadlock.
 * Who dies holding two leaves two shards to be repaired, each by itself.  A
 * page changes hands through "free": the victim's lock covers the emptying,
 * and the claim is a compare-and-swap, so at no moment has a page two owners.
 */
#include "sst_room.h"

#include "sst_figures.h"
#include "sst_lock.h"
#include "sst_move.h"
#include "sst_sweep.h"

#define ROUNDS_MAX  64u /* searches for victims in one write */
#define HOLD_MAX    3u  /* of these, or pages emptied, in one hold */
#define ASK_MAX     64u /* shards looked at for a page */
#define LOCK_MAX    4u  /* of which may be locked */
#define FOREIGN_MAX 8u  /* searches in another shard */

/* Is it time to let others have the lock? */
static bool spent(sst_room *room)
{
    room->again = room->again || room->held >= HOLD_MAX;
    return room->again;
}

/* ---- a page from another shard ------------------------------------------ */

static bool free_a_page(sst_shard *victim, sst_room *room, bool evict)
{
    bool done = sst_move_page_out_locked(victim, SST_GENERAL);
    sst_evict want = room->want;

    /* The sizes here are not those wanted: a page must come free. */
    want.bytes = 0;
    want.users = false;
    want.many = true;
    for (unsigned i = 0; evict && !done && i < FOREIGN_MAX && !spent(room);
         i++) {
        room->held++;
        if (sst_evict_locked(victim, &want) == 0) {
            break;
        }
        done = sst_move_page_out_locked(victim, SST_GENERAL);
    }
    room->want.live = want.live;
    return done;
}

static bool has_anonymous(const sst_shard_shm *shm)
{
    return SST_LOAD(shm->figures.kinds[SST_ANONYMOUS]) > 0;
}

static bool steal(sst_shard *shard, sst_room *room, bool evict)
{
    shm_store *store = shard->store;
    const uint32_t nshards = store->geo.nshards;
    uint32_t no = shard->shm->steal_shard;
    unsigned locked = 0;
    bool done = false;

    for (unsigned i = 0;
         i < ASK_MAX && i < nshards && locked < LOCK_MAX && !room->again; i++) {
        sst_shard victim = {.store = store};

        no = (no + 1) % nshards;
        victim.no = no;
        victim.shm = sst_shard_header(store, no);
        if (no == shard->no ||
            !(sst_page_may_spare(&victim, SST_GENERAL) ||
              (evict && has_anonymous(victim.shm))) ||
            sst_shard_lock(store, no, 0, &victim) != SST_OK) {
            continue;
        }
        locked++;
        done = free_a_page(&victim, room, evict);
        sst_shard_unlock(&victim);
        if (done) {
            break;
        }
    }
    SST_STORE(shard->shm->steal_shard, no);
    return done;
}

/* ---- step by step ------------------------------------------------------- */

static bool evict_here(sst_shard *shard, sst_room *room, bool users)
{
    sst_evict *want = &room->want;

    want->users = users;
    want->many = room->rounds > 0;
    if (room->rounds >= ROUNDS_MAX || sst_evict_locked(shard, want) == 0) {
        return false;
    }
    room->rounds++;
    return true;
}

static bool take_step(sst_shard *shard, sst_room *room)
{
    switch (room->step) {
    case SST_ROOM_SWEEP:
        return sst_sweep_shard_locked(shard, room->want.keep,
                                      room->want.now_ms) > 0;
    case SST_ROOM_MOVE:
        return sst_move_page_out_locked(shard, SST_GENERAL);
    case SST_ROOM_STEAL:
        return steal(shard, room, false);
    case SST_ROOM_RESERVE:
        if (room->use.create || room->use.reserve) {
            return room->use.reserve &&
                   sst_move_page_out_locked(shard, SST_RESERVE);
        }
        room->use.reserve = true;
        return true;
    case SST_ROOM_GENEROUS:
        /* Once, and then again as before: what is evicted leaves a fit. */
        room->use.generous = !room->use.generous;
        return room->use.generous;
    case SST_ROOM_EVICT:
        return sst_move_page_out_locked(shard, SST_GENERAL) ||
               evict_here(shard, room, false);
    case SST_ROOM_FOREIGN:
        return steal(shard, room, true);
    case SST_ROOM_USERS:
        return shard->store->on_full == SST_EVICT &&
               (sst_move_page_out_locked(shard, SST_GENERAL) ||
                evict_here(shard, room, true));
    case SST_ROOM_NONE:
        break;
    }
    return false;
}

bool sst_room_make_locked(sst_shard *shard, sst_room *room, uint32_t bytes)
{
    room->want.bytes = bytes;
    room->moved = true;
    while (room->step < SST_ROOM_NONE && !spent(room)) {
        if (take_step(shard, room)) {
            room->held++;
            return true;
        }
        if (!room->again) {
            room->step++;
        }
    }
    return false;
}

/* ---- limits ------------------------------------------------------------- */

static bool over_namespace(const sst_shard *shard, const sst_room *room,
                           uint64_t bytes)
{
    unsigned percent = shard->store->max_namespace;

    return percent > 0 &&
           sst_figures_of_ns(&shard->shm->figures, room->want.ns) + bytes >
               sst_figures_share(shard->store, percent);
}

static bool over_anonymous(const sst_shard *shard, const sst_room *room,
                           uint64_t bytes)
{
    unsigned percent = shard->store->max_anonymous;

    return percent > 0 && room->want.kind == SST_ANONYMOUS &&
           shard->shm->figures.bytes_anonymous + bytes >
               sst_figures_share(shard->store, percent);
}

shm_refusal sst_room_limits_locked(sst_shard *shard, sst_room *room,
                                   uint64_t bytes)
{
    const uint32_t largest = sst_slab_largest(shard->store);
    sst_evict want = room->want;
    shm_refusal refusal = SST_REFUSED_NOT;

    for (;;) {
        bool in_ns = over_namespace(shard, room, bytes);
        bool anonymous = over_anonymous(shard, room, bytes);

        refusal = in_ns       ? SST_REFUSED_NAMESPACE
                  : anonymous ? SST_REFUSED_ANONYMOUS
                              : SST_REFUSED_NOT;
        if (refusal == SST_REFUSED_NOT) {
            break;
        }
        want.in_ns = in_ns;
        want.anonymous = anonymous;
        want.users = shard->store->on_full == SST_EVICT;
        want.bytes = (uint32_t)(bytes < largest ? bytes : largest);
        want.many = room->rounds > 0;
        room->moved = true;
        if (room->rounds >= ROUNDS_MAX || spent(room) ||
            sst_evict_locked(shard, &want) == 0) {
            break;
        }
        room->rounds++;
        room->held++;
    }
    room->want.live = want.live;
    return refusal;
}
