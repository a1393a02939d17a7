/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's part: look inside, for the first time.  One process at a time,
 * under a lock on the file that dies with it; the first of a server checks or
 * formats and stores the server's nonce last, so if it dies the next begins
 * again, and everybody behind it joins.
 *
 * "Alone" decides what may be done.  It means that no tool has the file open,
 * no other server lives (its lock is ours) and no process of this one has
 * attached.  Only then are the locks inside made anew, and they must be:
 * those of a segment that outlived a power cut are held by nobody for ever.
 *
 * Everything in the header was written by somebody else: it is copied, the
 * copy is judged, and from then on only the handle's copy counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sst_bus.h"
#include "sst_file.h"
#include "sst_format.h"
#include "sst_journal.h"
#include "sst_lock.h"
#include "sst_migrate.h"
#include "sst_repair.h"

#define ATTACH_WAIT_MS 60000 /* who waits for ever must not stop a server */
#define CLOCK_LATE_MS  60000 /* how long ago `now_ms` may have been read */
#define SST_CUT_OFF                                                            \
    "the file was cut off while in use; stop and start the server to begin "   \
    "it anew"

/* What the header says, judged. */
typedef enum verdict {
    LOOKS_NEW,
    LOOKS_GOOD,
    LOOKS_OLD,  /* of an earlier layout that we can read */
    LOOKS_HALF, /* carried over from one, but not yet at its place */
    LOOKS_BAD
} verdict;

typedef struct attaching {
    shm_store *store;
    sst_header_shm *header; /* in the segment: written only */
    sst_header_shm copy;    /* what is judged */
    shm_attach_report *report;
    uint8_t boot_id[16];
    uint64_t pid_ns;
    int64_t now_ms;
    bool alone;
    bool foreign; /* another file or boot made it */
} attaching;

__attribute__((format(printf, 2, 3))) static void why(attaching *at,
                                                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(at->report->why, sizeof(at->report->why), format, args);
    va_end(args);
}

/* ---- the world outside -------------------------------------------------- */

static uint64_t read_pid_ns(void)
{
    struct stat st;

#ifdef SST_TEST_HOOKS
    if (sst_test.pid_ns != 0) {
        return sst_test.pid_ns;
    }
#endif
    return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* While we hold this, a tool that opens the file waits. */
static bool users_take(const shm_store *store)
{
    return sst_file_lock(store->fd, F_WRLCK, SST_BYTE_USERS) &&
           (store->is_server ||
            !sst_file_locked(store->fd, SST_BYTE_SERVER, false)) &&
           !sst_file_locked(store->fd, SST_BYTE_INSIDE, true);
}

static void users_give(const shm_store *store)
{
    bool holds = !store->is_server && !store->is_guest;

    (void)sst_file_lock(store->fd, holds ? F_RDLCK : F_UNLCK, SST_BYTE_USERS);
}

/* ---- what is there ------------------------------------------------------ */

static bool all_zero(const sst_header_shm *header)
{
    return sodium_is_zero((const unsigned char *)header, sizeof(*header)) == 1;
}

static bool bad(attaching *at, const char *what)
{
    why(at, "%s", what);
    return false;
}

static bool geometry_ok(attaching *at)
{
    const sst_header_shm *copy = &at->copy;
    sst_geometry_shm geo;

    if (copy->magic != SST_MAGIC) {
        return bad(at, "its first bytes are not those of a segment");
    }
    if (copy->version != SST_LAYOUT_VERSION) {
        why(at, "it has layout version %u, this program knows %u",
            copy->version, SST_LAYOUT_VERSION);
        return false;
    }
    if (copy->endian != SST_ENDIAN_MARK || copy->word != SST_WORD_MARK ||
        copy->mutex_size != sizeof(pthread_mutex_t)) {
        return bad(at, "it was made by another kind of machine or C library");
    }
    if (copy->sum != sst_ident_sum(copy)) {
        return bad(at, "the checksum of its header is wrong");
    }
    if (!sst_geometry_make(&geo, copy->geo.size) ||
        memcmp(&geo, &copy->geo, sizeof(geo)) != 0) {
        return bad(at, "its geometry is not that of its size");
    }
    if (at->store->file_size < copy->geo.size) {
        return bad(at, "the file was truncated");
    }
    return true;
}

static verdict judge_old(attaching *at)
{
    const shm_store *store = at->store;
    sst_old_head head;
    const char *wrong = sst_old_find(at->copy.version)
                            ->head(store->base, store->file_size, &head);

    if (wrong != NULL) {
        why(at, "%s", wrong);
    }
    return wrong != NULL ? LOOKS_BAD : LOOKS_OLD;
}

static verdict judge(attaching *at)
{
    const sst_header_shm *copy = &at->copy;

    sst_copy(&at->copy, at->header, sizeof(at->copy));
    if (all_zero(copy)) {
        return LOOKS_NEW;
    }
    if (copy->magic == SST_MAGIC && copy->state == SST_STATE_MIGRATING) {
        if (sst_migrate_whole(at->store)) {
            return LOOKS_HALF;
        }
        why(at, "it was being carried over from another layout and was cut");
        return LOOKS_BAD;
    }
    if (copy->state == SST_STATE_FORMATTING) {
        why(at, "the process that made it did not finish");
        return LOOKS_BAD;
    }
    if (copy->magic == SST_MAGIC && sst_old_find(copy->version) != NULL) {
        return judge_old(at);
    }
    if (!geometry_ok(at)) {
        return LOOKS_BAD;
    }
    if (copy->state != SST_STATE_READY) {
        why(at, "its state word is none that exists");
        return LOOKS_BAD;
    }
    at->foreign = copy->dev != at->store->dev || copy->ino != at->store->ino ||
                  memcmp(sst_clock(copy)->boot_id, at->boot_id, 16) != 0;
    return LOOKS_GOOD;
}

/* ---- format ------------------------------------------------------------- */

/* What changes from one attach to the next. */
static void stamp(attaching *at)
{
    sst_header_shm *header = at->header;
    sst_clock_shm clock = {.anchor_boot_ms = at->now_ms,
                           .anchor_real_ms = sst_real_ms(),
                           .base_ms = at->store->base_ms};

    memcpy(clock.boot_id, at->boot_id, sizeof(clock.boot_id));
    sst_clock_set(header, &clock);
    SST_STORE(header->pid_ns, at->pid_ns);
    SST_STORE(header->dev, at->store->dev);
    SST_STORE(header->ino, at->store->ino);
    /* Last: this is what the others of this server join. */
    sst_publish(&header->server_nonce, at->store->nonce);
}

static bool format(attaching *at, bool wipe)
{
    sst_header_shm made = {.state = SST_STATE_FORMATTING};

    randombytes_buf(made.hash_key, sizeof(made.hash_key));
    made.clocks[0].base_ms = at->now_ms - (int64_t)SST_FIRST_TICK * SST_TICK_MS;
    if (!sst_format(at->store, &made, sst_token_first(), wipe)) {
        return false;
    }
    stamp(at);
    return true;
}

/* A server without a journal serves all the same: the report says so. */
static void journal_start(attaching *at, bool fresh)
{
    (void)sst_journal_start(at->store, fresh, at->report->journal,
                            sizeof(at->report->journal));
}

/* Behind a format, while the state still says that it is not finished: if we
 * die here the next one begins again. */
static bool fill(attaching *at)
{
    shm_store *store = at->store;
    bool filled = true;

    if (store->refill != NULL) {
        store->attached = true;
        filled = store->refill(store->refill_baton, store, at->now_ms);
        store->attached = false;
    }
    if (!filled && !format(at, true)) {
        return false;
    }
    journal_start(at, true);
    sst_publish(&at->header->state, SST_STATE_READY);
    return true;
}

/* ---- adopt -------------------------------------------------------------- */

static bool clock_went_back(const attaching *at)
{
    const sst_clock_shm *then = sst_clock(&at->copy);

    return memcmp(then->boot_id, at->boot_id, 16) == 0 &&
           at->now_ms < then->anchor_boot_ms &&
           then->anchor_boot_ms - at->now_ms > CLOCK_LATE_MS;
}

/* Time goes on after a reboot: by what the wall clock says has passed since
 * the two clocks were last seen together, and never backwards.  So it does in
 * a copy whose boot clock was ahead of ours. */
static void carry_over_boot(attaching *at)
{
    const sst_clock_shm *then = sst_clock(&at->copy);
    int64_t passed, store_ms;

    if (memcmp(then->boot_id, at->boot_id, 16) == 0 && !clock_went_back(at)) {
        return;
    }
    if (__builtin_sub_overflow(sst_real_ms(), then->anchor_real_ms, &passed) ||
        passed < 0) {
        passed = 0;
    }
    if (__builtin_sub_overflow(then->anchor_boot_ms, then->base_ms,
                               &store_ms) ||
        __builtin_add_overflow(store_ms, passed, &store_ms) ||
        __builtin_sub_overflow(at->now_ms, store_ms, &store_ms)) {
        return;
    }
    at->store->base_ms = store_ms;
}

static bool clock_ok(const attaching *at)
{
    int64_t since;

    return !__builtin_sub_overflow(at->now_ms, at->store->base_ms, &since) &&
           since > 0 && since / SST_TICK_MS < SST_NEVER;
}

/* Owner words of nobody, or beyond the file's end, are free pages. */
static void owners_clean(const shm_store *store)
{
    for (uint32_t no = 0; no < store->geo.max_pages; no++) {
        sst_owner_shm *entry = sst_owner(store, no);
        uint32_t owner = SST_LOAD(entry->owner);

        if (owner != 0 && (no >= store->npages_seen || owner >> 8 == 0 ||
                           owner >> 8 > store->geo.nshards)) {
            SST_STORE(entry->owner, 0u);
        }
    }
}

static bool shards_repair(attaching *at)
{
    shm_store *store = at->store;

    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        sst_shard shard = {
            .store = store, .shm = sst_shard_header(store, no), .no = no};

        if (!at->alone &&
            sst_shard_lock(store, no, SST_LOCK_WAIT_MS, &shard) != SST_OK) {
            why(at, "it is in use and shard %u cannot be locked", no);
            return false;
        }
        at->report->lost += sst_repair_locked(&shard, at->foreign);
        at->report->records += shard.shm->figures.records;
        if (!at->alone) {
            sst_shard_unlock(&shard);
        }
    }
    return true;
}

static bool adopt(attaching *at)
{
    shm_store *store = at->store;

    SST_STORE(at->header->npages, store->npages_seen);
    if (at->alone) {
        if (!sst_locks_make(store)) {
            why(at, "its locks cannot be made");
            return false;
        }
        owners_clean(store);
        SST_STORE(at->header->lease_nonce, UINT64_C(0));
    }
    if (!shards_repair(at)) {
        return false;
    }
    journal_start(at, false);
    stamp(at);
    if (store->file_size >
        store->geo.pages_off +
            (uint64_t)store->geo.max_pages * store->geo.page_size +
            store->geo.page_size) {
        why(at,
            "it was made with %llu bytes and cannot use more than four "
            "times that; remove the file while stopped to use all",
            (unsigned long long)store->geo.size);
    }
    return true;
}

/* ---- what to do --------------------------------------------------------- */

/* Only for a server: a tool that is given the wrong file must leave it as it
 * is. */
static shm_status begin_afresh(attaching *at, verdict looks)
{
    if (!at->store->is_server) {
        if (looks == LOOKS_NEW) {
            why(at, "the server has not begun it yet");
        }
        return SST_UNAVAILABLE;
    }
    at->report->result =
        looks == LOOKS_NEW ? SST_ATTACH_FORMATTED : SST_ATTACH_RESET;
    if (!format(at, looks != LOOKS_NEW) || !fill(at)) {
        why(at, "the file's size makes no segment");
        return SST_UNAVAILABLE;
    }
    return SST_OK;
}

/* Others are inside: what they rely on stays as it is. */
static bool may_enter(attaching *at)
{
    const sst_header_shm *copy = &at->copy;

    if (memcmp(sst_clock(copy)->boot_id, at->boot_id, 16) != 0) {
        why(at, "it is from before the last boot and not checked yet");
        return false;
    }
    if (copy->pid_ns != at->pid_ns) {
        why(at, "it is in use in another pid namespace");
        return false;
    }
    return true;
}

static shm_status join(attaching *at)
{
    shm_store *store = at->store;

    at->report->result = SST_ATTACH_JOINED;
    if (!may_enter(at)) {
        return SST_UNAVAILABLE;
    }
    /* The file has grown since: tell everybody, by one store. */
    if (store->is_server && store->npages_seen > at->copy.npages) {
        SST_STORE(at->header->npages, store->npages_seen);
    }
    return SST_OK;
}

/* In the file itself a boot clock that is before the segment's means another
 * time namespace, whose processes would end sessions at other times than ours.
 * Of a copy that nobody uses there are no such processes. */
static bool clock_usable(attaching *at)
{
    const sst_header_shm *copy = &at->copy;
    bool moved = copy->dev != at->store->dev || copy->ino != at->store->ino;

    if (!clock_went_back(at) || (at->alone && moved)) {
        return true;
    }
    why(at, "the boot clock is before the segment's: another time namespace, "
            "or a clock that went back; remove the file or copy it to use it");
    return false;
}

static shm_status attach_good(attaching *at)
{
    shm_store *store = at->store;
    bool ours = at->copy.server_nonce == store->nonce;

    if (!clock_usable(at)) {
        return SST_UNAVAILABLE;
    }
    sst_handle_load(store, &at->copy);
    if (ours || (!at->alone && !store->is_server)) {
        return join(at);
    }
    if (!at->alone && !may_enter(at)) {
        return SST_UNAVAILABLE;
    }
    carry_over_boot(at);
    if (!clock_ok(at)) {
        why(at, "its clock is beyond what it can count");
        return at->alone ? begin_afresh(at, LOOKS_BAD) : SST_UNAVAILABLE;
    }
    at->report->result = SST_ATTACH_ADOPTED;
    return adopt(at) ? SST_OK : SST_UNAVAILABLE;
}

/* What is old or half becomes good, or cannot be had now. */
static shm_status carry_over(attaching *at, verdict looks)
{
    const sst_old *old = sst_old_find(at->copy.version);

    if (!at->alone || !at->store->is_server) {
        why(at,
            "it has layout version %u: version %u takes it over when no "
            "process of the server before is left in it",
            at->copy.version, SST_LAYOUT_VERSION);
        return SST_UNAVAILABLE;
    }
    if (looks == LOOKS_OLD && !sst_migrate(at->store, old, at->report)) {
        return SST_UNAVAILABLE;
    }
    if (!sst_migrate_finish(at->store)) {
        why(at, "what was carried over cannot be brought to its place: %s",
            strerror(errno));
        return SST_UNAVAILABLE;
    }
    at->report->layout = looks == LOOKS_OLD ? old->version : 0;
    return SST_OK;
}

static shm_status attach_locked(attaching *at)
{
    verdict looks = judge(at);

    if (at->store->is_server && looks != LOOKS_HALF) {
        sst_migrate_clean(at->store);
    }
    if (looks == LOOKS_OLD || looks == LOOKS_HALF) {
        if (carry_over(at, looks) != SST_OK) {
            return SST_UNAVAILABLE;
        }
        looks = judge(at);
    }
    if (looks == LOOKS_GOOD) {
        return attach_good(at);
    }
    /* A segment that was never ready has nobody inside, tools or not. */
    if (at->alone || (at->store->is_server && looks == LOOKS_NEW)) {
        return begin_afresh(at, looks);
    }
    if (looks == LOOKS_NEW) {
        why(at, "the server has not begun it yet");
    }
    return SST_UNAVAILABLE;
}

void shm_store_on_fresh(shm_store *store, shm_store_refill *refill, void *baton)
{
    store->refill = refill;
    store->refill_baton = baton;
}

/* While nobody else attaches, who may change it. */
static bool measure(attaching *at)
{
    shm_store *store = at->store;
    uint64_t len;
    struct stat st;

    if (fstat(store->fd, &st) != 0) {
        why(at, "the file cannot be looked at: %s", strerror(errno));
        return false;
    }
    len = sst_segment_len((uint64_t)st.st_size);
    if (sst_bus_look(store) || len < store->file_size) {
        why(at, SST_CUT_OFF);
        return false;
    }
    store->file_size = len;
    if (store->file_size > store->map_len) {
        store->file_size = store->map_len;
    }
    return true;
}

static shm_status enter(attaching *at)
{
    shm_store *store = at->store;
    shm_status status;

    if (!measure(at)) {
        return SST_UNAVAILABLE;
    }
    sst_bus_watch(store);
    sst_boot_id(at->boot_id);
    at->pid_ns = read_pid_ns();
    at->alone = users_take(store);
    status = sst_answer(store, attach_locked(at));
    if (SST_LOAD(store->lost)) {
        why(at, SST_CUT_OFF);
    }
    if (status == SST_OK) {
        sst_journal_join(store);
        store->attached = true;
        (void)sst_process_lock(store->fd, F_RDLCK, SST_BYTE_INSIDE);
    }
    sst_fault_settle();
    users_give(store);
    return status;
}

shm_status shm_store_attach(shm_store *store, int64_t now_ms,
                            shm_attach_report *report)
{
    attaching at = {.store = store,
                    .header = sst_header(store),
                    .report = report,
                    .now_ms = now_ms};
    shm_status status;

    *report = (shm_attach_report){0};
    if (sodium_init() < 0 || !sst_attach_queue(store->fd, ATTACH_WAIT_MS)) {
        why(&at, "another process does not finish attaching it");
        return SST_UNAVAILABLE;
    }
    status = enter(&at);
    (void)sst_process_lock(store->fd, F_UNLCK, SST_BYTE_ATTACH);
    return status;
}
