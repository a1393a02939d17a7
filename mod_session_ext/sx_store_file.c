/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_store_file.h.  The calls: get without a lock, the others behind that
 * of the record's bucket. */
#include "sx_store_file_handle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEW_NAME "ab/new"

static sx_file_store *file_of(sx_store *store)
{
    return (sx_file_store *)store;
}

/* Behind the lock: what is damaged goes. */
static sx_answer find_locked(sx_file_store *store, const unsigned char *key,
                             const char *name, int flags, sx_file_found *found)
{
    sx_answer answer = sx_file_find(store, key, name, flags, found);

    if (answer == SX_STORE_DAMAGED)
        sx_file_set_aside(store, name);
    return answer;
}

/* ---- get ---------------------------------------------------------------- */

static sx_answer read_value(sx_file_store *store, const sx_file_found *found,
                            sx_str *bytes, apr_pool_t *pool)
{
    size_t have = 0;
    ssize_t len = 1;
    char *value;

    if (found->len > SX_FILE_RECORD_MAX)
        return SX_STORE_DAMAGED;
    value = apr_palloc(pool, found->len + 1);
    while (have < found->len && len > 0) {
        len = pread(found->fd, value + have, found->len - have,
                    (off_t)(SX_FILE_HEAD_LEN + have));
        have += len > 0 ? (size_t)len : 0;
    }
    if (len < 0)
        return sx_file_failed(store, "reading a record");
    *bytes = (sx_str){value, have};
    return have == found->len && sx_file_value_ok(found->head, *bytes)
               ? SX_STORE_OK
               : SX_STORE_DAMAGED;
}

static sx_answer read_record(sx_file_store *store, const unsigned char *key,
                             const char *name, sx_str *bytes,
                             sx_record_meta *meta, apr_pool_t *pool)
{
    sx_file_found found;
    sx_answer answer = sx_file_find(store, key, name, O_RDONLY, &found);

    if (answer != SX_STORE_OK)
        return answer;
    answer = read_value(store, &found, bytes, pool);
    close(found.fd);
    *meta = found.meta;
    return answer;
}

/* An access may have been noted while it was read.  Only what is damaged while
 * nobody writes is. */
static sx_answer read_again(sx_file_store *store, const unsigned char *key,
                            const char *name, sx_str *bytes,
                            sx_record_meta *meta, apr_pool_t *pool)
{
    sx_answer answer;
    int lock = sx_file_enter(store, key, &answer);

    if (lock < 0)
        return answer;
    answer = read_record(store, key, name, bytes, meta, pool);
    if (answer == SX_STORE_DAMAGED)
        sx_file_set_aside(store, name);
    close(lock);
    return answer;
}

static sx_answer get(sx_store *base, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    sx_file_store *store = file_of(base);
    char name[SX_FILE_NAME];
    sx_answer answer;

    sx_file_name(key, name);
    answer = read_record(store, key, name, bytes, meta, pool);
    if (answer == SX_STORE_DAMAGED)
        answer = read_again(store, key, name, bytes, meta, pool);
    if (answer == SX_STORE_OK && meta->expires_ms <= now_ms - grace_ms)
        return SX_STORE_MISS;
    return answer;
}

/* ---- put ---------------------------------------------------------------- */

/* What ends something must not be undone by a power cut. */
static bool is_an_end(sx_kind kind)
{
    return kind != SX_ANONYMOUS && kind != SX_USER;
}

void sx_file_set_due(int fd, int64_t end_ms)
{
    const struct timespec due = {.tv_sec = end_ms / 1000,
                                 .tv_nsec = end_ms % 1000 * 1000000};
    const struct timespec both[2] = {due, due};

    (void)futimens(fd, both);
}

static void name_new(const char *name, char new_name[sizeof NEW_NAME])
{
    memcpy(new_name, NEW_NAME, sizeof NEW_NAME);
    memcpy(new_name, name, 2);
}

/* Who was killed may have left one; the lock says that nobody is at it. */
static int open_new(sx_file_store *store, const char *name)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = -1;

    for (int i = 0; i < 3 && fd < 0; i++) {
        fd = openat(store->dir, name, flags, 0600);
        if (fd >= 0)
            break;
        if (errno == EEXIST && unlinkat(store->dir, name, 0) == 0)
            continue;
        if (errno == ENOENT) {
            char bucket[3] = {name[0], name[1], '\0'};

            if (mkdirat(store->dir, bucket, 0700) == 0 || errno == EEXIST)
                continue;
        }
        break;
    }
    return fd;
}

static bool write_all(int fd, const unsigned char *head, sx_str bytes)
{
    size_t done = 0, all = SX_FILE_HEAD_LEN + bytes.len;

    while (done < all) {
        size_t head_done = done < SX_FILE_HEAD_LEN ? done : SX_FILE_HEAD_LEN;
        size_t value_done = done - head_done;
        struct iovec parts[2];
        ssize_t len;

        parts[0].iov_base = (unsigned char *)(uintptr_t)head + head_done;
        parts[0].iov_len = SX_FILE_HEAD_LEN - head_done;
        parts[1].iov_base = (char *)(uintptr_t)bytes.p + value_done;
        parts[1].iov_len = bytes.len - value_done;
        len = writev(fd, parts, bytes.len > value_done ? 2 : 1);
        if (len < 0)
            return false;
        done += (size_t)len;
    }
    return true;
}

static bool sync_bucket(sx_file_store *store, const char *name)
{
    char bucket[3] = {name[0], name[1], '\0'};
    int fd = openat(store->dir, bucket,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return good;
}

/* Behind the lock: ${meta} has its token. */
static sx_answer write_locked(sx_file_store *store, const unsigned char *key,
                              const char *name, sx_str bytes,
                              const sx_record_meta *meta)
{
    unsigned char head[SX_FILE_HEAD_LEN];
    char new_name[sizeof NEW_NAME];
    const bool is_end = is_an_end(meta->kind);
    sx_answer answer;
    int fd;

    name_new(name, new_name);
    fd = open_new(store, new_name);
    if (fd < 0)
        return sx_file_missing(store) == SX_STORE_MISS
                   ? sx_file_failed(store, "making a record")
                   : SX_STORE_UNAVAILABLE;
    sx_file_head_make(head, key, bytes, meta);
    if (!write_all(fd, head, bytes) || (is_end && fdatasync(fd) != 0)) {
        answer = sx_file_failed(store, "writing a record");
        unlinkat(store->dir, new_name, 0);
    }
    else {
        sx_file_set_due(fd, meta->expires_ms);
        answer = renameat(store->dir, new_name, store->dir, name) == 0
                     ? SX_STORE_OK
                     : sx_file_failed(store, "publishing a record");
    }
    close(fd);
    if (answer == SX_STORE_OK && is_end && !sync_bucket(store, name)) {
        (void)sx_file_failed(store, "bringing an end to the disk");
        return SX_STORE_UNKNOWN;
    }
    return answer;
}

/* May it be put?  OK, also if there is nothing to replace. */
static sx_answer compare_locked(sx_file_store *store, const unsigned char *key,
                                const char *name, uint64_t token,
                                int64_t now_ms, uint64_t *last)
{
    sx_file_found found;
    sx_answer answer = find_locked(store, key, name, O_RDONLY, &found);

    *last = 0;
    if (answer == SX_STORE_MISS || answer == SX_STORE_DAMAGED)
        return token ? SX_STORE_GONE : SX_STORE_OK;
    if (answer != SX_STORE_OK)
        return answer;
    close(found.fd);
    *last = found.meta.token;
    if (!sx_record_meta_yields(&found.meta, token, now_ms))
        return SX_STORE_CHANGED;
    return SX_STORE_OK;
}

static sx_answer put_locked(sx_file_store *store, const unsigned char *key,
                            uint64_t token, sx_str bytes, sx_record_meta *meta,
                            int lock, int64_t now_ms)
{
    char name[SX_FILE_NAME];
    sx_record_meta put = *meta;
    uint64_t last;
    sx_answer answer;

    sx_file_name(key, name);
    answer = compare_locked(store, key, name, token, now_ms, &last);
    if (answer != SX_STORE_OK)
        return answer;
    put.token = sx_file_token(lock, key[0]);
    if (put.token == 0)
        return sx_file_failed(store, "its tokens");
    if (put.token <= last)
        put.token = last + 1;
    sx_record_meta_order(&put);
    answer = write_locked(store, key, name, bytes, &put);
    if (answer == SX_STORE_OK)
        meta->token = put.token;
    return answer;
}

static sx_answer put_if(sx_store *base, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    sx_file_store *store = file_of(base);
    sx_answer answer;
    int lock;

    if (!sx_record_meta_ok(meta))
        return SX_STORE_UNAVAILABLE;
    if (bytes.len > SX_FILE_RECORD_MAX)
        return SX_STORE_TOOBIG;
    lock = sx_file_enter(store, key, &answer);
    if (lock < 0)
        return answer;
    answer = put_locked(store, key, token, bytes, meta, lock, now_ms);
    close(lock);
    if (answer == SX_STORE_OK && token)
        SX_FILE_COUNT(store, replaces, 1);
    else if (answer == SX_STORE_OK)
        SX_FILE_COUNT(store, creates, 1);
    return answer;
}

/* ---- touch, remove ------------------------------------------------------ */

static sx_answer touch_found(sx_file_store *store, sx_file_found *found,
                             int64_t expires_ms, int64_t now_ms)
{
    unsigned char times[SX_FILE_TIMES_LEN];

    if (!sx_record_meta_touch(&found->meta, expires_ms, now_ms))
        return SX_STORE_MISS;
    sx_file_times_make(times, &found->meta);
    if (pwrite(found->fd, times, sizeof times, SX_FILE_TIMES_AT) !=
        sizeof times)
        return sx_file_failed(store, "noting an access");
    sx_file_set_due(found->fd, found->meta.expires_ms);
    return SX_STORE_OK;
}

static sx_answer touch(sx_store *base, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    sx_file_store *store = file_of(base);
    char name[SX_FILE_NAME];
    sx_file_found found;
    sx_answer answer;
    int lock = sx_file_enter(store, key, &answer);

    if (lock < 0)
        return answer;
    sx_file_name(key, name);
    answer = find_locked(store, key, name, O_RDWR, &found);
    if (answer == SX_STORE_OK) {
        answer = touch_found(store, &found, expires_ms, now_ms);
        close(found.fd);
    }
    close(lock);
    return answer;
}

/* What is damaged can be removed, too, but by no token. */
static sx_answer remove_locked(sx_file_store *store, const unsigned char *key,
                               const char *name, uint64_t token)
{
    sx_file_found found;
    sx_answer answer;

    if (token) {
        answer = find_locked(store, key, name, O_RDONLY, &found);
        if (answer != SX_STORE_OK)
            return answer;
        close(found.fd);
        if (found.meta.token != token)
            return SX_STORE_CHANGED;
    }
    if (unlinkat(store->dir, name, 0) == 0)
        return SX_STORE_OK;
    return errno == ENOENT ? sx_file_missing(store)
                           : sx_file_failed(store, "removing a record");
}

static sx_answer remove_record(sx_store *base, const unsigned char *key,
                               uint64_t token)
{
    sx_file_store *store = file_of(base);
    char name[SX_FILE_NAME];
    sx_answer answer;
    int lock = sx_file_enter(store, key, &answer);

    if (lock < 0)
        return answer;
    sx_file_name(key, name);
    answer = remove_locked(store, key, name, token);
    close(lock);
    if (answer != SX_STORE_OK)
        return answer;
    SX_FILE_COUNT(store, removes, 1);
    if (sync_bucket(store, name))
        return SX_STORE_OK;
    (void)sx_file_failed(store, "bringing an end to the disk");
    return SX_STORE_UNKNOWN;
}

/* ---- the queue, the clock ----------------------------------------------- */

static sx_answer queue_enter(sx_store *base, const unsigned char *key,
                             int64_t wait_ms)
{
    sx_file_store *store = file_of(base);
    int fd = sx_file_lock(store->dir, SX_FILE_LOCK_QUEUE + key[0], wait_ms);

    if (fd >= 0) {
        store->queue[key[0]] = fd;
        return SX_STORE_OK;
    }
    return errno == EAGAIN ? SX_STORE_BUSY : sx_file_failed(store, "its lock");
}

static void queue_leave(sx_store *base, const unsigned char *key)
{
    close(file_of(base)->queue[key[0]]);
}

static uint64_t life(sx_store *base)
{
    return file_of(base)->facts.life;
}

static int64_t clock_ms(sx_store *base)
{
    return sx_boot_us() / 1000 + file_of(base)->facts.offset_ms;
}

const sx_store_ops sx_file_ops = {
    .name = "file",
    .get = get,
    .put_if = put_if,
    .touch = touch,
    .remove = remove_record,
    .each = sx_file_each,
    .sweep = sx_file_sweep_some,
    .queue_enter = queue_enter,
    .queue_leave = queue_leave,
    .life = life,
    .clock_ms = clock_ms,
};
