/* SPDX-License-Identifier: Apache-2.0 */
/* First the way to the directory and its judgement, then names, locks, and
 * last what DIR/store says. */
#include "sx_store_file_dir.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <apr_strings.h>
#include "sx_keys.h"
#include "sx_store_file_record.h"

#define FACTS_WAIT_MS   5000 /* others only read or write 48 bytes meanwhile */
#define LOCK_FIRST_NS   20000
#define LOCK_LONGEST_NS 1000000

/* ---- is it fit? --------------------------------------------------------- */

typedef struct inspection {
    const char *path;
    uid_t owner;
    bool make;
    int fd;          /* of the directory that was reached */
    bool is_missing; /* and that is the one above */
    apr_pool_t *pool;
} inspection;

static const char *say(const inspection *at, const char *what, const char *more)
{
    return apr_pstrcat(at->pool, "the directory ", at->path, " of the store ",
                       what, more, NULL);
}

static const char *say_errno(const inspection *at, const char *what)
{
    char reason[100];

    return say(at, what, strerror_r(errno, reason, sizeof reason));
}

/* A directory above: who may write there could put another in its place. */
static const char *above_ok(const inspection *at)
{
    struct stat st;

    if (fstat(at->fd, &st) != 0)
        return say_errno(at, "cannot be reached: ");
    return (st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)
               ? say(at,
                     "is below one that others may write to, who could "
                     "exchange it: take that right away or use another",
                     "")
               : NULL;
}

static const char *step(inspection *at, const char *name, bool is_last)
{
    const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int next = openat(at->fd, name, is_last ? flags : flags | O_PATH);

    if (next < 0 && errno == ENOENT && is_last && at->make) {
        if (mkdirat(at->fd, name, 0700) != 0 && errno != EEXIST)
            return say_errno(at, "cannot be made: ");
        next = openat(at->fd, name, flags);
        if (next >= 0 && geteuid() != at->owner &&
            fchown(next, at->owner, (gid_t)-1) != 0) {
            close(next);
            return say_errno(at, "cannot be given to its user: ");
        }
    }
    at->is_missing = next < 0 && errno == ENOENT && is_last && !at->make;
    if (at->is_missing)
        return NULL;
    if (next < 0)
        return errno == ENOTDIR || errno == ELOOP
                   ? say(at,
                         "is none, or a link: accepted is a directory "
                         "without a symbolic link in its path",
                         "")
                   : say_errno(at, "cannot be reached: ");
    close(at->fd);
    at->fd = next;
    return NULL;
}

/* To the directory itself, or, where it is not there and need not be, to the
 * one above. */
static const char *walk(inspection *at)
{
    const char *next = at->path, *why = NULL;

    at->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at->fd < 0 || at->path[0] != '/' || at->path[1] == '\0')
        return say(at, "has no absolute path", "");
    while (*next && !why) {
        const char *begin = next + strspn(next, "/");
        size_t len = strcspn(begin, "/");
        const char *name = apr_pstrmemdup(at->pool, begin, len);

        if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
            return say(at, "has . or .. in its path, or a slash at its end",
                       "");
        next = begin + len;
        why = above_ok(at);
        if (!why)
            why = step(at, name, *next == '\0');
    }
    return why;
}

static const char *owner_ok(const inspection *at)
{
    struct stat st;

    if (fstat(at->fd, &st) != 0)
        return say_errno(at, "cannot be reached: ");
    if (st.st_uid != at->owner)
        return say(at, "belongs to ",
                   apr_psprintf(at->pool, "uid %ld: accepted is one of uid %ld",
                                (long)st.st_uid, (long)at->owner));
    if (st.st_mode & 077)
        return say(at, "is open to others: ",
                   apr_psprintf(at->pool, "its mode is %04o, accepted is 0700",
                                (unsigned)(st.st_mode & 07777)));
    return NULL;
}

/* Somebody else's files are not to be mixed with ours. */
static const char *content_ok(const inspection *at)
{
    int fd = openat(at->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    bool is_empty = true, is_store = false;

    if (!names) {
        if (fd >= 0)
            close(fd);
        return say_errno(at, "cannot be read: ");
    }
    while ((entry = readdir(names)) != NULL && !is_store) {
        is_store =
            !strcmp(entry->d_name, "store") || !strcmp(entry->d_name, "lock");
        is_empty = is_empty && (!strcmp(entry->d_name, ".") ||
                                !strcmp(entry->d_name, "..") ||
                                !strcmp(entry->d_name, "lost+found"));
    }
    closedir(names);
    return is_empty || is_store
               ? NULL
               : say(at, "has other files in it: accepted is one of its own",
                     "");
}

const char *sx_store_file_check(const char *path, uid_t owner, bool make,
                                apr_pool_t *pool)
{
    inspection at = {path, owner, make, -1, false, pool};
    const char *why = walk(&at);

    if (!why && !at.is_missing)
        why = owner_ok(&at);
    if (!why && !at.is_missing)
        why = content_ok(&at);
    if (at.fd >= 0)
        close(at.fd);
    return why;
}

/* ---- names -------------------------------------------------------------- */

void sx_file_name(const unsigned char *key, char name[SX_FILE_NAME])
{
    (void)sx_hex(key, SX_STORE_KEY_LEN, name + 3);
    name[0] = name[3];
    name[1] = name[4];
    name[2] = '/';
}

bool sx_file_key_of(const char *name, unsigned char *key)
{
    return !name[strspn(name, "0123456789abcdef")] &&
           sx_unhex(name, SX_STORE_KEY_LEN, key);
}

/* ---- locks -------------------------------------------------------------- */

/* Those who wait do not ask at the same moments. */
static void pause_a_little(long *longest_ns)
{
    struct timespec moment = {0};

    moment.tv_nsec = *longest_ns / 2 + sx_monotonic_us() % (*longest_ns / 2);
    nanosleep(&moment, NULL);
    if (*longest_ns < LOCK_LONGEST_NS)
        *longest_ns *= 2;
}

int sx_file_lock(int dir, off_t byte, int64_t wait_ms)
{
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    const int64_t end_us = sx_monotonic_us() + wait_ms * 1000;
    long longest_ns = LOCK_FIRST_NS;
    int fd =
        openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int saved;

    if (fd < 0)
        return -1;
    while (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if ((errno != EAGAIN && errno != EACCES) ||
            sx_monotonic_us() >= end_us) {
            saved = errno == EACCES ? EAGAIN : errno;
            close(fd);
            errno = saved;
            return -1;
        }
        pause_a_little(&longest_ns);
    }
    return fd;
}

/* Of the wall clock, too, so that tokens grow although the file was lost, or
 * was cut back by a power failure. */
static uint64_t least_token(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > 0
               ? (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000
               : 1;
}

uint64_t sx_file_token(int fd, unsigned bucket)
{
    const off_t at = (off_t)bucket * 8;
    uint64_t last = 0, least = least_token();
    ssize_t len = pread(fd, &last, sizeof last, at);

    if (len < 0)
        return 0;
    last = len == sizeof last ? le64toh(last) + 1 : least;
    if (last < least)
        last = least;
    least = htole64(last);
    return pwrite(fd, &least, sizeof least, at) == sizeof least ? last : 0;
}

/* ---- DIR/store ---------------------------------------------------------- */

typedef struct facts_shape {
    char magic[4];
    uint32_t version;
    uint64_t life, boot, offset_ms, reached_ms, check;
} facts_shape;

_Static_assert(sizeof(facts_shape) == 48, "format");

static const char facts_magic[4] = "SXS1";
#define FACTS_VERSION 1

static uint64_t boot_of(const char *boot_id)
{
    char text[64] = "";
    int fd;
    ssize_t len;

    if (boot_id)
        return sx_file_check(boot_id, strlen(boot_id));
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    len = fd >= 0 ? read(fd, text, sizeof text) : 0;
    if (fd >= 0)
        close(fd);
    return len > 0 ? sx_file_check(text, (size_t)len) : 0;
}

/* 1: read; 0: there is none, or it is damaged; -1: errno. */
static int read_facts(int dir, facts_shape *facts)
{
    int fd = openat(dir, "store", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t len;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    len = read(fd, facts, sizeof *facts);
    close(fd);
    if (len < 0)
        return -1;
    if (len == sizeof *facts &&
        !memcmp(facts->magic, facts_magic, sizeof facts_magic) &&
        facts->check == sx_file_check(facts, offsetof(facts_shape, check)))
        return 1;
    sx_log(SX_LOG_WARN, "the file that says what a store of files is was "
                        "damaged and is made anew");
    return 0;
}

static bool write_facts(int dir, facts_shape *facts)
{
    int fd =
        openat(dir, "store.new",
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good;

    if (fd < 0)
        return false;
    facts->check = sx_file_check(facts, offsetof(facts_shape, check));
    good = write(fd, facts, sizeof *facts) == sizeof *facts && fsync(fd) == 0;
    close(fd);
    return good && renameat(dir, "store.new", dir, "store") == 0 &&
           fsync(dir) == 0;
}

/* False: errno. */
static bool facts_locked(int dir, const sx_file_config *config,
                         sx_file_facts *facts)
{
    const uint64_t boot = htole64(boot_of(config->boot_id));
    facts_shape shape = {0};
    int found = read_facts(dir, &shape);

    if (found < 0)
        return false;
    if (found > 0 && le32toh(shape.version) != FACTS_VERSION) {
        errno = EPROTO;
        return false;
    }
    if (!found || shape.boot != boot || boot == 0) {
        int64_t now_ms = config->wall_ms;

        if (found)
            now_ms = sx_max64(now_ms, (int64_t)le64toh(shape.reached_ms));
        while (shape.life == 0)
            sx_random(&shape.life, sizeof shape.life);
        memcpy(shape.magic, facts_magic, sizeof facts_magic);
        shape.version = htole32(FACTS_VERSION);
        shape.boot = boot;
        shape.offset_ms = htole64((uint64_t)(now_ms - config->boot_ms));
        shape.reached_ms = htole64((uint64_t)now_ms);
        if (!write_facts(dir, &shape))
            return false;
    }
    *facts =
        (sx_file_facts){le64toh(shape.life), (int64_t)le64toh(shape.offset_ms)};
    return true;
}

bool sx_file_facts_read(int dir, const sx_file_config *config,
                        sx_file_facts *facts, const char **why,
                        apr_pool_t *pool)
{
    int lock = sx_file_lock(dir, SX_FILE_LOCK_STORE, FACTS_WAIT_MS);
    bool good = lock >= 0 && facts_locked(dir, config, facts);
    char reason[100];

    if (!good)
        *why = apr_psprintf(pool, "%s: %s", config->path,
                            errno == EPROTO
                                ? "this is a store of another version"
                                : strerror_r(errno, reason, sizeof reason));
    if (lock >= 0)
        close(lock);
    return good;
}

void sx_file_facts_reached(int dir, int64_t now_ms)
{
    int lock = sx_file_lock(dir, SX_FILE_LOCK_STORE, FACTS_WAIT_MS);
    facts_shape shape;

    if (lock < 0)
        return;
    if (read_facts(dir, &shape) > 0 &&
        (int64_t)le64toh(shape.reached_ms) < now_ms) {
        shape.reached_ms = htole64((uint64_t)now_ms);
        (void)write_facts(dir, &shape);
    }
    close(lock);
}
