/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All records of a file store: shown, and freed when they have ended.
 *
 * A file bears the time of its record's end, so that a sweep asks the directory
 * and opens only what is due; what a record says is what counts.  The lock of
 * sweepers is kept for as long as a process sweeps: who dies lets the next one
 * in, and nobody needs a heartbeat.
 */
#include "sx_store_file_handle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_strings.h>
#include <apr_tables.h>

#define ASIDE_MS   ((int64_t)7 * 86400 * 1000)
#define REACHED_MS 60000

static DIR *open_bucket(const sx_file_store *store, unsigned bucket)
{
    char name[3];
    int fd;
    DIR *names;

    snprintf(name, sizeof name, "%02x", bucket);
    fd = openat(store->dir, name,
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    names = fdopendir(fd);
    if (!names)
        close(fd);
    return names;
}

/* ---- each --------------------------------------------------------------- */

/* Behind the bucket's lock: one list, in which nobody is twice. */
static sx_answer list_bucket(sx_file_store *store, unsigned bucket,
                             apr_array_header_t *keys)
{
    unsigned char key[SX_STORE_KEY_LEN] = {(unsigned char)bucket};
    const struct dirent *entry;
    sx_answer answer;
    DIR *names;
    int lock = sx_file_enter(store, key, &answer);

    if (lock < 0)
        return answer;
    errno = ENOENT;
    names = open_bucket(store, bucket);
    answer = names || errno == ENOENT
                 ? SX_STORE_OK
                 : sx_file_failed(store, "reading a directory");
    while (names && (entry = readdir(names)) != NULL)
        if (sx_file_key_of(entry->d_name, key) && key[0] == bucket)
            memcpy(apr_array_push(keys), key, sizeof key);
    if (names)
        closedir(names);
    close(lock);
    return answer;
}

/* True: go on. */
static bool show_one(sx_file_store *store, const unsigned char *key,
                     sx_store_visit *visit, void *baton, int64_t now_ms)
{
    char name[SX_FILE_NAME];
    sx_file_found found;

    sx_file_name(key, name);
    /* What is damaged is for who asks for it. */
    if (sx_file_find(store, key, name, O_RDONLY, &found) != SX_STORE_OK)
        return true;
    close(found.fd);
    return found.meta.expires_ms <= now_ms ||
           visit(baton, key, &found.meta, found.len);
}

sx_answer sx_file_each(sx_store *store, sx_store_visit *visit, void *baton,
                       int64_t now_ms, apr_pool_t *pool)
{
    sx_file_store *files = (sx_file_store *)store;
    sx_answer answer = SX_STORE_OK;
    bool more = true;
    apr_pool_t *each;

    apr_pool_create(&each, pool);
    for (unsigned b = 0; b < SX_FILE_BUCKETS && more; b++) {
        apr_array_header_t *keys = apr_array_make(each, 64, SX_STORE_KEY_LEN);

        answer = list_bucket(files, b, keys);
        more = answer == SX_STORE_OK;
        for (int i = 0; i < keys->nelts && more; i++)
            more = show_one(files,
                            (const unsigned char *)keys->elts +
                                (size_t)i * SX_STORE_KEY_LEN,
                            visit, baton, now_ms);
        apr_pool_clear(each);
    }
    apr_pool_destroy(each);
    return answer;
}

/* ---- sweep -------------------------------------------------------------- */

/* Is what bears this time due by it?  A time that no record can have says
 * nothing. */
static bool may_be_due(const struct stat *st, int64_t now_ms)
{
    int64_t end_ms =
        (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;

    return end_ms <= now_ms - SX_COMMIT_GRACE_MS ||
           end_ms > now_ms + SX_RECORD_LIFE_MAX_MS;
}

/* Behind the lock, since a writer may have come first. */
static bool free_one(sx_file_store *store, const unsigned char *key,
                     int64_t now_ms)
{
    char name[SX_FILE_NAME];
    sx_file_found found;
    bool freed = false;
    int lock = sx_file_lock(store->dir, SX_FILE_LOCK_BUCKET + key[0], 0);

    if (lock < 0)
        return false;
    sx_file_name(key, name);
    if (sx_file_find(store, key, name, O_RDONLY, &found) == SX_STORE_OK) {
        freed = found.meta.expires_ms <= now_ms - SX_COMMIT_GRACE_MS &&
                unlinkat(store->dir, name, 0) == 0;
        if (!freed)
            sx_file_set_due(found.fd, found.meta.expires_ms);
        close(found.fd);
    }
    close(lock);
    return freed;
}

static void sweep_one(sx_file_store *store, const char *name, int64_t now_ms,
                      sx_sweep_report *report)
{
    unsigned char key[SX_STORE_KEY_LEN];
    struct stat st;

    if (!sx_file_key_of(name, key) || key[0] != store->sweep.bucket ||
        fstatat(dirfd(store->sweep.names), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (may_be_due(&st, now_ms) && free_one(store, key, now_ms)) {
        report->freed++;
        SX_FILE_COUNT(store, swept, 1);
    }
    else {
        store->sweep.left++;
    }
}

/* What was set aside is there to be looked at, but not for ever.  Its time is
 * that of the wall clock, as everybody's. */
static void sweep_aside(sx_file_store *store)
{
    int fd = openat(store->dir, "damaged",
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    struct stat st;

    if (fd >= 0 && !names)
        close(fd);
    while (names && (entry = readdir(names)) != NULL)
        if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            !S_ISDIR(st.st_mode) &&
            (int64_t)time(NULL) - st.st_mtim.tv_sec > ASIDE_MS / 1000)
            unlinkat(fd, entry->d_name, 0);
    if (names)
        closedir(names);
}

static void end_of_all(sx_file_store *store, int64_t now_ms)
{
    sx_file_sweep *sweep = &store->sweep;

    sweep->bucket = 0;
    __atomic_store_n(&store->figures->records, sweep->left, __ATOMIC_RELAXED);
    sweep->left = 0;
    if (now_ms - sweep->reached_ms < REACHED_MS)
        return;
    sweep->reached_ms = now_ms;
    sx_file_facts_reached(store->dir, now_ms);
    sweep_aside(store);
}

/* Where the last slice has stopped.  True: that was all. */
static bool sweep_slice(sx_file_store *store, int64_t budget_us, int64_t now_ms,
                        sx_sweep_report *report)
{
    sx_file_sweep *sweep = &store->sweep;
    const int64_t end_us = sx_monotonic_us() + budget_us;

    do {
        const struct dirent *entry = NULL;

        if (!sweep->names)
            sweep->names = open_bucket(store, sweep->bucket);
        if (sweep->names)
            entry = readdir(sweep->names);
        if (entry) {
            sweep_one(store, entry->d_name, now_ms, report);
            continue;
        }
        if (sweep->names)
            closedir(sweep->names);
        sweep->names = NULL;
        if (++sweep->bucket == SX_FILE_BUCKETS)
            return true;
    } while (sx_monotonic_us() < end_us);
    return false;
}

/* Is this the process that sweeps, or can it be? */
static bool may_sweep(sx_file_store *store)
{
    sx_file_sweep *sweep = &store->sweep;

    if (sweep->pid == getpid())
        return true;
    /* What a fork has of its parent's is not its own. */
    if (sweep->names)
        closedir(sweep->names);
    sweep->names = NULL;
    if (sweep->fd >= 0)
        close(sweep->fd);
    sweep->fd = sx_file_lock(store->dir, SX_FILE_LOCK_SWEEP, 0);
    sweep->bucket = 0;
    sweep->left = 0;
    sweep->pid = sweep->fd >= 0 ? getpid() : 0;
    return sweep->fd >= 0;
}

sx_answer sx_file_sweep_some(sx_store *store, int64_t budget_us, int64_t now_ms,
                             sx_sweep_report *report)
{
    sx_file_store *files = (sx_file_store *)store;

    *report = (sx_sweep_report){0};
    if (pthread_mutex_trylock(&files->sweep.lock) != 0)
        return SX_STORE_BUSY;
    if (!may_sweep(files)) {
        sx_answer answer =
            errno == EAGAIN ? SX_STORE_BUSY : sx_file_failed(files, "its lock");

        pthread_mutex_unlock(&files->sweep.lock);
        return answer;
    }
    report->finished = sweep_slice(files, budget_us, now_ms, report);
    if (report->finished)
        end_of_all(files, now_ms);
    pthread_mutex_unlock(&files->sweep.lock);
    return SX_STORE_OK;
}
