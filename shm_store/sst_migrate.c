/* SPDX-License-Identifier: Apache-2.0 */
/* See sst_migrate.h. */
#include "sst_migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sst_format.h"
#include "sst_layout2.h"
#include "sst_record.h"

static const sst_old *const known[] = {&sst_layout2, NULL};

typedef struct migration {
    shm_store *store;
    shm_store image; /* the same, but for where it is */
    const sst_old *old;
    shm_attach_report *report;
    bool fits;
} migration;

__attribute__((format(printf, 2, 3))) static bool cannot(const migration *at,
                                                         const char *format,
                                                         ...)
{
    shm_attach_report *report = at->report;
    va_list args;

    va_start(args, format);
    vsnprintf(report->why, sizeof(report->why), format, args);
    va_end(args);
    return false;
}

const sst_old *sst_old_find(uint32_t version)
{
    for (size_t i = 0; known[i] != NULL; i++) {
        if (known[i]->version == version && version != SST_LAYOUT_VERSION) {
            return known[i];
        }
    }
    return NULL;
}

/* ---- the place behind the segment ---------------------------------------- */

static bool image_map(const shm_store *store, shm_store *image)
{
    void *base = mmap(NULL, store->file_size, PROT_READ | PROT_WRITE,
                      MAP_SHARED, store->fd, (off_t)store->file_size);

    *image = *store;
    image->base = base;
    image->map_len = store->file_size;
    if (base == MAP_FAILED) {
        return false;
    }
    (void)madvise(base, image->map_len, MADV_DONTDUMP);
    return true;
}

/* Before what says that it is there: a power cut must not keep only that. */
static bool to_disk(const shm_store *store)
{
    return fdatasync(store->fd) == 0;
}

void sst_migrate_clean(const shm_store *store)
{
    struct stat st;

    if (fstat(store->fd, &st) == 0 &&
        (uint64_t)st.st_size != sst_segment_len((uint64_t)st.st_size)) {
        (void)!ftruncate(store->fd, (off_t)store->file_size);
    }
}

/* All of it, so that a full file system is an error here and not a SIGBUS. */
static bool place_make(migration *at)
{
    const shm_store *store = at->store;
    const uint64_t len = store->file_size;
    struct statvfs room = {0};
    int rc = ftruncate(store->fd, (off_t)sst_migrating_len(len)) == 0
                 ? posix_fallocate(store->fd, (off_t)len, (off_t)len)
                 : errno;

    if (rc == 0) {
        return image_map(store, &at->image) ||
               cannot(at, "there is no room in memory to carry it over: %s",
                      strerror(errno));
    }
    sst_migrate_clean(store);
    (void)fstatvfs(store->fd, &room);
    return cannot(at,
                  "carrying it over from layout version %u takes %llu bytes "
                  "more for a moment and %llu are free (%s): make room",
                  at->old->version, (unsigned long long)len,
                  (unsigned long long)room.f_bavail *
                      (unsigned long long)room.f_frsize,
                  strerror(rc));
}

/* ---- the new segment ----------------------------------------------------- */

static bool image_begin(migration *at, const sst_old_head *head)
{
    sst_header_shm made = {.state = SST_STATE_MIGRATING,
                           .pid_ns = head->pid_ns,
                           .dev = head->dev,
                           .ino = head->ino,
                           .snap_gen = head->snap_gen,
                           .snap_fail = head->snap_fail};

    memcpy(made.hash_key, head->hash_key, sizeof(made.hash_key));
    memcpy(made.snap_path, head->snap_path, sizeof(made.snap_path));
    made.clocks[0] = head->clock;
    return sst_format(&at->image, &made, sst_token_last(head->token), false) ||
           cannot(at, "its size makes no segment in layout version %u",
                  SST_LAYOUT_VERSION);
}

/* As a write does, but nobody has to go for it, and the token is the record's
 * own.  Bounds and figures are for the repair that every attach does. */
static bool insert(sst_shard *shard, const sst_hash *hash,
                   const unsigned char *key, const void *value,
                   const shm_meta *meta)
{
    const sst_use use = {.reserve = true, .generous = true};
    sst_chunk chunk, bucket;
    sst_draft draft;
    uint32_t missing;
    uint64_t word, *place;

    if (!sst_record_take_locked(shard, meta->value_len, use, &chunk,
                                &missing)) {
        return false;
    }
    sst_draft_make(shard->store, key, meta, meta->value_len, &draft);
    sst_record_fill_locked(shard, &chunk, &draft, meta->token, value);
    word = sst_word_make(shard->store, hash, &chunk);
    place = sst_index_room_locked(shard, hash);
    if (place != NULL) {
        sst_publish(place, word);
        return true;
    }
    return sst_slab_take_locked(shard, sizeof(sst_bucket_shm), use, &bucket) &&
           sst_index_extend_locked(shard, hash, &bucket, word);
}

static bool carry(void *baton, const unsigned char *key, const void *value,
                  const shm_meta *meta)
{
    migration *at = baton;
    sst_hash hash = sst_hash_of(&at->image, key);
    /* Nobody else knows this segment: its locks are not needed. */
    sst_shard shard = {.store = &at->image,
                       .shm = sst_shard_header(&at->image, hash.shard),
                       .no = hash.shard};
    sst_slot twice;

    if (sst_index_find_locked(&shard, &hash, key, &twice)) {
        at->report->lost++;
        return true;
    }
    at->fits = insert(&shard, &hash, key, value, meta);
    return at->fits;
}

static bool image_fill(migration *at)
{
    const shm_store *store = at->store;

    at->fits = true;
    if (!at->old->each(store->base, store->file_size, carry, at,
                       &at->report->lost)) {
        return cannot(at, "out of memory for carrying its records over");
    }
    return at->fits ||
           cannot(at,
                  "its records in layout version %u do not fit its %llu bytes "
                  "in version %u: set a larger size",
                  at->old->version, (unsigned long long)store->file_size,
                  SST_LAYOUT_VERSION);
}

static bool image_make(migration *at, const sst_old_head *head)
{
    bool made;

    if (!place_make(at)) {
        return false;
    }
    made = image_begin(at, head) && image_fill(at) &&
           (to_disk(at->store) ||
            cannot(at, "it cannot be written: %s", strerror(errno)));
    munmap(at->image.base, at->image.map_len);
    return made;
}

bool sst_migrate(shm_store *store, const sst_old *old,
                 shm_attach_report *report)
{
    migration at = {.store = store, .old = old, .report = report};
    sst_old_head head;
    const char *bad = old->head(store->base, store->file_size, &head);

    if (bad != NULL) {
        return cannot(&at, "%s", bad);
    }
    if (!image_make(&at, &head)) {
        report->lost = 0;
        sst_migrate_clean(store);
        return false;
    }
    sst_publish(&sst_header(store)->state, SST_STATE_MIGRATING);
    return true;
}

/* ---- to its place -------------------------------------------------------- */

bool sst_migrate_whole(const shm_store *store)
{
    sst_header_shm header;
    struct stat st;

    return fstat(store->fd, &st) == 0 &&
           (uint64_t)st.st_size == sst_migrating_len(store->file_size) &&
           pread(store->fd, &header, sizeof(header), (off_t)store->file_size) ==
               (ssize_t)sizeof(header) &&
           header.magic == SST_MAGIC && header.state == SST_STATE_MIGRATING;
}

bool sst_migrate_finish(shm_store *store)
{
    shm_store image;
    bool done;

    if (!image_map(store, &image)) {
        return false;
    }
    /* In its header, too, the state is MIGRATING. */
    sst_copy(store->base + SST_BLOCK, image.base + SST_BLOCK,
             store->file_size - SST_BLOCK);
    sst_copy(store->base, image.base, SST_BLOCK);
    munmap(image.base, image.map_len);
    done = to_disk(store);
    if (done) {
        sst_publish(&sst_header(store)->state, SST_STATE_READY);
        done = to_disk(store);
    }
    if (done) {
        sst_migrate_clean(store);
    }
    return done;
}
