/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the store, finding a record in it, and what a system call that failed
 * comes to. */
#include "sx_store_file_handle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_strings.h>

/* ---- errors ------------------------------------------------------------- */

sx_answer sx_file_failed(sx_file_store *store, const char *what)
{
    const int error = errno;
    const int64_t told = sx_monotonic_us() / 1000000 * 1000 + error;
    char reason[100];

    if (__atomic_exchange_n(&store->told, told, __ATOMIC_RELAXED) != told)
        sx_log(SX_LOG_ERR, "the store in %s: %s: %s", store->path, what,
               strerror_r(error, reason, sizeof reason));
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
        SX_FILE_COUNT(store, full, 1);
        return SX_STORE_FULL;
    }
    SX_FILE_COUNT(store, failed, 1);
    return SX_STORE_UNAVAILABLE;
}

/* What is not there is a miss only if the store is. */
sx_answer sx_file_missing(sx_file_store *store)
{
    struct stat st;

    if (fstat(store->dir, &st) == 0 && st.st_nlink > 0)
        return SX_STORE_MISS;
    errno = ENOENT;
    return sx_file_failed(store, "its directory is gone");
}

/* ---- finding ------------------------------------------------------------ */

/* Other than regular files of this user's own, that nobody else can write and
 * that have no second name, nothing here is ours. */
static bool is_ours(int fd, off_t *size)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    *size = st.st_size;
    return S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 077) == 0 && st.st_nlink <= 1;
}

sx_answer sx_file_find(sx_file_store *store, const unsigned char *key,
                       const char *name, int flags, sx_file_found *found)
{
    off_t size;
    ssize_t len;

    found->fd = openat(store->dir, name,
                       flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (found->fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
        return SX_STORE_DAMAGED;
    if (found->fd < 0)
        return errno == ENOENT ? sx_file_missing(store)
                               : sx_file_failed(store, "opening a record");
    if (!is_ours(found->fd, &size)) {
        close(found->fd);
        return SX_STORE_DAMAGED;
    }
    len = pread(found->fd, found->head, sizeof found->head, 0);
    if (len < 0) {
        sx_answer answer = sx_file_failed(store, "reading a record");

        close(found->fd);
        return answer;
    }
    if (len == sizeof found->head &&
        sx_file_head_open(found->head, key, &found->meta, &found->len) &&
        size == (off_t)(sizeof found->head + found->len))
        return SX_STORE_OK;
    close(found->fd);
    return SX_STORE_DAMAGED;
}

void sx_file_set_aside(sx_file_store *store, const char *name)
{
    char aside[SX_FILE_NAME + 8];

    snprintf(aside, sizeof aside, "damaged/%s", name + 3);
    if (mkdirat(store->dir, "damaged", 0700) != 0 && errno != EEXIST)
        (void)sx_file_failed(store, "making a place for damaged records");
    if (renameat(store->dir, name, store->dir, aside) == 0)
        (void)utimensat(store->dir, aside, NULL, AT_SYMLINK_NOFOLLOW);
    else if (unlinkat(store->dir, name, 0) != 0)
        (void)sx_file_failed(store, "setting a damaged record aside");
    SX_FILE_COUNT(store, damaged, 1);
    sx_log(SX_LOG_WARN,
           "the store in %s: a record failed its check and was set aside",
           store->path);
}

int sx_file_enter(sx_file_store *store, const unsigned char *key,
                  sx_answer *answer)
{
    int fd =
        sx_file_lock(store->dir, SX_FILE_LOCK_BUCKET + key[0], SX_FILE_WAIT_MS);

    if (fd < 0 && errno == EAGAIN) {
        SX_FILE_COUNT(store, busy, 1);
        *answer = SX_STORE_BUSY;
    }
    else if (fd < 0) {
        *answer = sx_file_failed(store, "its lock");
    }
    return fd;
}

/* ---- open ---------------------------------------------------------------- */

static apr_status_t close_store(void *baton)
{
    sx_file_store *store = baton;

    if (store->sweep.names)
        closedir(store->sweep.names);
    if (store->sweep.fd >= 0)
        close(store->sweep.fd);
    pthread_mutex_destroy(&store->sweep.lock);
    close(store->dir);
    return APR_SUCCESS;
}

sx_store *sx_store_file_open(const sx_file_config *config, const char **why,
                             apr_pool_t *pool)
{
    sx_file_store *store = apr_pcalloc(pool, sizeof *store);
    char reason[100];

    *why = sx_store_file_check(config->path, geteuid(), false, pool);
    if (*why)
        return NULL;
    store->base.ops = &sx_file_ops;
    store->path = apr_pstrdup(pool, config->path);
    store->figures = config->figures
                         ? config->figures
                         : apr_pcalloc(pool, sizeof *store->figures);
    store->dir =
        open(config->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (store->dir < 0) {
        *why = apr_psprintf(pool, "%s: %s", config->path,
                            strerror_r(errno, reason, sizeof reason));
        return NULL;
    }
    if (!sx_file_facts_read(store->dir, config, &store->facts, why, pool)) {
        close(store->dir);
        return NULL;
    }
    store->sweep.fd = -1;
    pthread_mutex_init(&store->sweep.lock, NULL);
    apr_pool_cleanup_register(pool, store, close_store, apr_pool_cleanup_null);
    return &store->base;
}
