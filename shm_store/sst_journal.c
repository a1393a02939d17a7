/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the journal.  Why a check under the shard's lock, and not a second
 * look afterwards: a process that dies between ending a record and that look
 * would leave an end in a journal that the next restore does not read.  The
 * walk of a snapshot takes the same lock: either it comes first, and then the
 * generation that it raised is seen here, or it no longer finds the record.
 *
 * A tool follows what the segment says, which less privileged processes wrote.
 * So it makes no file and removes none: it only appends to what has the head
 * of this very journal.
 */
#include "sst_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sst_record.h"

#define RAISE_TRIES 1000
#define EVICT_TRIES 4

/* ---- files -------------------------------------------------------------- */

void sst_journal_name(char *name, const char *base, uint64_t generation)
{
    snprintf(name, SST_JOURNAL_NAME, "%s.journal.%llu", base,
             (unsigned long long)generation);
}

const char *sst_journal_check(int fd, uint64_t generation,
                              sst_journal_head *head)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return strerror(errno);
    }
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
        (st.st_mode & 07777 & ~0600u) != 0) {
        return "it is not a regular file with one link and mode 0600";
    }
    if (geteuid() != 0 && st.st_uid != geteuid()) {
        return "it belongs to somebody else";
    }
    if (pread(fd, head, sizeof(*head), 0) != (ssize_t)sizeof(*head) ||
        head->magic != SST_JOURNAL_MAGIC ||
        head->version != SST_JOURNAL_VERSION ||
        head->generation != generation ||
        head->sum != sst_journal_head_sum(head)) {
        return "its head is damaged, or of another version or generation";
    }
    return NULL;
}

/* The number behind "NAME.journal.", or 0. */
static uint64_t generation_of(const char *entry, const char *name)
{
    static const char mid[] = ".journal.";
    size_t len = strlen(name);
    unsigned long long generation;
    char *end;

    if (strncmp(entry, name, len) != 0 ||
        strncmp(entry + len, mid, sizeof(mid) - 1) != 0) {
        return 0;
    }
    entry += len + sizeof(mid) - 1;
    if (*entry < '1' || *entry > '9') {
        return 0;
    }
    errno = 0;
    generation = strtoull(entry, &end, 10);
    return errno == 0 && *end == '\0' ? generation : 0;
}

/* The path of the directory of ${base}, with what is the name in it. */
static const char *directory_of(char *dir, const char *base)
{
    const char *slash = strrchr(base, '/');
    size_t len = slash != NULL ? (size_t)(slash - base) : 0;

    if (slash == NULL) {
        snprintf(dir, PATH_MAX, ".");
        return base;
    }
    snprintf(dir, PATH_MAX, "%.*s", len > 0 ? (int)len : 1, base);
    return slash + 1;
}

bool sst_journal_each(const char *base, sst_journal_visit *visit, void *baton)
{
    char dir[PATH_MAX], path[SST_JOURNAL_NAME];
    const char *name = directory_of(dir, base);
    DIR *open_dir = opendir(dir);
    const struct dirent *entry;
    bool more = open_dir != NULL;

    while (more && (entry = readdir(open_dir)) != NULL) {
        uint64_t generation = generation_of(entry->d_name, name);

        if (generation != 0) {
            sst_journal_name(path, base, generation);
            more = visit(baton, path, generation);
        }
    }
    if (open_dir != NULL) {
        int error = errno;

        closedir(open_dir);
        errno = error;
    }
    return more;
}

static void sync_directory(const char *base)
{
    char dir[PATH_MAX];
    int fd;

    (void)directory_of(dir, base);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

/* ---- what is open ------------------------------------------------------- */

/* With the journal's lock. */
static void take_fd(sst_journal *journal, int fd, uint64_t generation)
{
    if (journal->fd >= 0) {
        close(journal->fd);
    }
    journal->fd = fd;
    journal->generation = generation;
    journal->synced = 0;
}

/* The same: a descriptor of that generation's journal, or -1. */
static int fd_of(sst_journal *journal, uint64_t generation)
{
    char name[SST_JOURNAL_NAME];
    sst_journal_head head;
    int fd;

    if (journal->fd >= 0 && journal->generation == generation) {
        return journal->fd;
    }
    if (journal->base == NULL) {
        return -1;
    }
    sst_journal_name(name, journal->base, generation);
    fd = open(name, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
                        O_CLOEXEC);
    if (fd >= 0 && sst_journal_check(fd, generation, &head) != NULL) {
        close(fd);
        return -1;
    }
    if (fd >= 0) {
        take_fd(journal, fd, generation);
    }
    return fd;
}

/* Nothing that this journal should know may be missing from it: without it
 * there is no snapshot. */
static void give_up(shm_store *store, uint64_t generation)
{
    sst_header_shm *header = sst_header(store);

    if (SST_LOAD(header->snap_gen) != generation) {
        return;
    }
    SST_STORE(header->snap_fail, generation);
    SST_STORE(header->snap_done, INT64_C(0));
    if (store->journal.ours) {
        (void)unlink(store->journal.base);
    }
}

static void append(shm_store *store, uint64_t generation,
                   sst_journal_entry *entry)
{
    sst_journal_head head = {.generation = generation,
                             .life = shm_store_life(store)};
    bool done;
    int fd;

    entry->sum = sst_journal_entry_sum(entry, &head);
    pthread_mutex_lock(&store->journal.lock);
    fd = fd_of(&store->journal, generation);
    done =
        fd >= 0 && write(fd, entry, sizeof(*entry)) == (ssize_t)sizeof(*entry);
    pthread_mutex_unlock(&store->journal.lock);
    if (!done) {
        give_up(store, generation);
    }
}

/* The generation that ends must be noted in; 0: none. */
static uint64_t wanted(const shm_store *store)
{
    const sst_header_shm *header = sst_header(store);
    uint64_t generation = SST_LOAD(header->snap_gen);

    return SST_LOAD(header->snap_fail) == generation ? 0 : generation;
}

/* ---- ends --------------------------------------------------------------- */

bool sst_journal_may_end(const shm_store *store, sst_noted *noted,
                         uint64_t token)
{
    uint64_t generation = wanted(store);

    noted->wanted = generation != 0 &&
                    (noted->generation != generation || noted->token != token);
    noted->token = token;
    return !noted->wanted;
}

void sst_journal_note(shm_store *store, const unsigned char *key,
                      sst_noted *noted)
{
    sst_journal_entry entry = {.type = SST_JOURNAL_ENDED,
                               .token = noted->token};

    memcpy(entry.of.key, key, sizeof(entry.of.key));
    noted->generation = wanted(store);
    if (noted->generation != 0) {
        append(store, noted->generation, &entry);
    }
}

/* Written under the shard's lock: the victim is only known here.  The system
 * call copies 32 bytes to the page cache. */
void sst_journal_evicted_locked(const sst_shard *shard, const sst_chunk *chunk)
{
    const sst_record_shm *at = (const sst_record_shm *)(void *)chunk->at;
    sst_noted noted = {.wanted = true};

    for (int i = 0; i < EVICT_TRIES &&
                    !sst_journal_may_end(shard->store, &noted, at->token);
         i++) {
        sst_journal_note(shard->store, chunk->at + sizeof(*at), &noted);
    }
}

/* An epoch lies in another shard than the sessions that it ends.  If a
 * snapshot begins behind the check, its walk still comes to the epoch's shard:
 * the epoch itself is in that snapshot. */
bool sst_journal_may_put(const shm_store *store, sst_noted *noted,
                         uint64_t token, const shm_meta *meta)
{
    if (meta->kind == SST_EPOCH) {
        return sst_journal_may_end(store, noted, meta->user_tag);
    }
    return token == 0 ||
           (meta->kind != SST_ALIAS && meta->kind != SST_TOMBSTONE) ||
           sst_journal_may_end(store, noted, token);
}

void sst_journal_note_put(shm_store *store, const unsigned char *key,
                          sst_noted *noted, const shm_meta *meta,
                          int64_t now_ms)
{
    sst_journal_entry entry = {.type = SST_JOURNAL_EPOCH};

    if (meta->kind != SST_EPOCH) {
        sst_journal_note(store, key, noted);
        return;
    }
    entry.of.epoch.user_tag = meta->user_tag;
    entry.of.epoch.own_ms = sst_own_ms(store, now_ms);
    noted->generation = wanted(store);
    if (noted->generation != 0) {
        append(store, noted->generation, &entry);
    }
}

/* Whether somebody has written since the last time: to sync a file that is
 * clean can still cost a disk a flush, four times a second.  A descriptor of
 * its own, because a disk may take its time and a log-out may not wait. */
static bool dirty(sst_journal *journal, uint64_t generation, int *fd)
{
    struct stat st;
    bool more = true;

    *fd = -1;
    pthread_mutex_lock(&journal->lock);
    if (fd_of(journal, generation) >= 0 && fstat(journal->fd, &st) == 0) {
        more = st.st_size != journal->synced;
        journal->synced = st.st_size;
        *fd = more ? fcntl(journal->fd, F_DUPFD_CLOEXEC, 3) : -1;
    }
    pthread_mutex_unlock(&journal->lock);
    return more;
}

void sst_journal_sync(shm_store *store)
{
    uint64_t generation = SST_LOAD(sst_header(store)->snap_gen);
    int fd;

    if (generation != 0 && dirty(&store->journal, generation, &fd)) {
        if (fd < 0 || fdatasync(fd) != 0) {
            give_up(store, generation);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    /* A tool that could not write may not remove the file itself. */
    if (generation != 0 && wanted(store) == 0 && store->journal.ours) {
        (void)unlink(store->journal.base);
    }
}

/* ---- generations -------------------------------------------------------- */

/* An empty journal under its name, on the disk. */
static int make_file(const shm_store *store, uint64_t generation)
{
    sst_journal_head head = {.magic = SST_JOURNAL_MAGIC,
                             .version = SST_JOURNAL_VERSION,
                             .generation = generation,
                             .life = shm_store_life(store)};
    char name[SST_JOURNAL_NAME];
    int fd, error;

    head.sum = sst_journal_head_sum(&head);
    sst_journal_name(name, store->journal.base, generation);
    fd = open(name,
              O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              0600);
    if (fd < 0) {
        return -1;
    }
    if (fchmod(fd, 0600) == 0 &&
        write(fd, &head, sizeof(head)) == (ssize_t)sizeof(head) &&
        fsync(fd) == 0) {
        sync_directory(store->journal.base);
        return fd;
    }
    error = errno != 0 ? errno : ENOSPC;
    close(fd);
    unlink(name);
    errno = error;
    return -1;
}

static bool publish(shm_store *store, uint64_t generation)
{
    uint64_t *word = &sst_header(store)->snap_gen;
    uint64_t now = SST_LOAD(*word);

    while (now < generation) {
        if (SST_SWAP_IF(*word, now, generation)) {
            return true;
        }
    }
    return false;
}

/* Make the next free generation the one that counts. */
static uint64_t raise_from(shm_store *store, uint64_t floor)
{
    for (int i = 0; i < RAISE_TRIES; i++) {
        int fd = make_file(store, ++floor);

        if (fd < 0 && errno != EEXIST) {
            return 0;
        }
        if (fd < 0) {
            continue;
        }
        pthread_mutex_lock(&store->journal.lock);
        take_fd(&store->journal, fd, floor);
        pthread_mutex_unlock(&store->journal.lock);
        if (publish(store, floor)) {
            return floor;
        }
        floor = SST_LOAD(sst_header(store)->snap_gen);
    }
    errno = EEXIST;
    return 0;
}

const char *shm_store_snapshot_path(const shm_store *store)
{
    return store->journal.ours ? store->journal.base : NULL;
}

uint64_t shm_store_snapshot_begin(shm_store *store)
{
    if (!sst_usable(store) || store->journal.base == NULL ||
        !store->journal.ours) {
        errno = EINVAL;
        return 0;
    }
    /* The snapshot that there is stays good with what was noted so far. */
    sst_journal_sync(store);
    return raise_from(store, SST_LOAD(sst_header(store)->snap_gen));
}

bool shm_store_snapshot_counts(const shm_store *store, uint64_t generation)
{
    return generation != 0 && wanted(store) == generation && sst_usable(store);
}

static bool remove_older(void *baton, const char *name, uint64_t generation)
{
    const uint64_t *limit = baton;

    if (generation < *limit) {
        (void)unlink(name);
    }
    return true;
}

void shm_store_snapshot_done(shm_store *store, uint64_t generation,
                             int64_t now_ms)
{
    SST_STORE(sst_header(store)->snap_done, sst_own_ms(store, now_ms));
    (void)sst_journal_each(store->journal.base, remove_older, &generation);
}

typedef struct moving {
    const char *to;
} moving;

static bool move_one(void *baton, const char *name, uint64_t generation)
{
    const moving *at = baton;
    char to[SST_JOURNAL_NAME];

    sst_journal_name(to, at->to, generation);
    return rename(name, to) == 0;
}

bool shm_store_journals_move(const char *from, const char *to)
{
    moving at = {.to = to};

    return sst_journal_each(from, move_one, &at);
}

/* ---- start -------------------------------------------------------------- */

static bool find_highest(void *baton, const char *name, uint64_t generation)
{
    uint64_t *highest = baton;

    (void)name;
    *highest = generation > *highest ? generation : *highest;
    return true;
}

/* Nobody looks at the path of no generation. */
static void stop(shm_store *store)
{
    SST_STORE(sst_header(store)->snap_gen, UINT64_C(0));
}

/* What ends from now on is noted nowhere: what is there must not come back. */
static bool cannot(shm_store *store, char *why, size_t whylen)
{
    int error = errno;
    bool gone = unlink(store->journal.base) == 0 || errno == ENOENT;

    snprintf(why, whylen, "no journal can be kept beside %s (%s)%s",
             store->journal.base, strerror(error),
             gone ? "" : "; remove that file, which must not be restored");
    stop(store);
    return false;
}

/* Was every end since that snapshot noted beside it? */
static bool was_kept(const shm_store *store)
{
    const sst_header_shm *header = sst_header(store);

    return wanted(store) != 0 &&
           strncmp(header->snap_path, store->journal.base, SST_SNAP_PATH) == 0;
}

bool sst_journal_start(shm_store *store, bool fresh, char *why, size_t whylen)
{
    sst_header_shm *header = sst_header(store);
    sst_journal *journal = &store->journal;
    uint64_t highest = SST_LOAD(header->snap_gen);

    if (!store->is_server) {
        return true;
    }
    if (journal->base == NULL) {
        stop(store);
        return true;
    }
    highest = highest > journal->generation ? highest : journal->generation;
    if (strlen(journal->base) >= SST_SNAP_PATH) {
        errno = ENAMETOOLONG;
        return cannot(store, why, whylen);
    }
    if (!sst_journal_each(journal->base, find_highest, &highest)) {
        return cannot(store, why, whylen);
    }
    /* A segment that goes on makes a new snapshot in a moment. */
    if (!fresh && !was_kept(store)) {
        (void)unlink(journal->base);
    }
    SST_STORE(header->snap_gen, UINT64_C(0));
    sst_copy(header->snap_path, journal->base, strlen(journal->base) + 1);
    SST_STORE(header->snap_fail, UINT64_C(0));
    SST_STORE(header->snap_done, INT64_C(0));
    return raise_from(store, highest) != 0 || cannot(store, why, whylen);
}

void sst_journal_join(shm_store *store)
{
    const char *path = sst_header(store)->snap_path;
    size_t len = strnlen(path, SST_SNAP_PATH);

    if (store->journal.base == NULL && wanted(store) != 0 && path[0] == '/' &&
        len < SST_SNAP_PATH) {
        store->journal.base = strndup(path, len);
    }
}

void sst_journal_close(shm_store *store)
{
    take_fd(&store->journal, -1, 0);
    free(store->journal.base);
    pthread_mutex_destroy(&store->journal.lock);
}
