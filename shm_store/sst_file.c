/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's part: find, verify, lock, allocate and map the file.  Runs as
 * root on a file that less privileged processes write, so nothing here reads
 * a byte of it; what the contents are worth is for attach, in a child.
 *
 * The path is walked one directory at a time without following a link, and
 * everything is judged by the open descriptor, so nothing can be exchanged
 * between check and use.
 */
#include "sst_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sst_bus.h"
#include "sst_journal.h"
#include "sst_map.h"

#define TRIES       3 /* the file may be moved aside under us */
#define USERS_TRIES 250
#define USERS_WAIT  10 /* ms: somebody is attaching */
#define GROW_WAIT   1000

typedef struct opening {
    const shm_store_config *config;
    char *err;
    size_t errlen;
    int dir;          /* where the file is */
    const char *name; /* its last component */
    int fd;
    bool created;
    bool alone; /* no server and no tool but us */
    struct stat st;
} opening;

__attribute__((format(printf, 2, 3))) static bool say(const opening *open,
                                                      const char *format, ...)
{
    va_list args;
    int used;

    if (open->errlen > 0) {
        used = snprintf(open->err, open->errlen, "%s: ", open->config->path);
        if (used >= 0 && (size_t)used < open->errlen) {
            va_start(args, format);
            vsnprintf(open->err + used, open->errlen - (size_t)used, format,
                      args);
            va_end(args);
        }
    }
    return false;
}

/* ---- the way to the file ------------------------------------------------ */

static bool directory_ok(const opening *open, int fd, int len)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return say(open, "cannot look at its directory: %m");
    }
    if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)) {
        return say(open,
                   "the directory %.*s is writable to others, who could "
                   "exchange the file; take that right away or use another",
                   len > 0 ? len : 1, open->config->path);
    }
    return true;
}

/* Leaves the open directory in open->dir and the file's name in open->name. */
static bool walk(opening *open)
{
    const char *path = open->config->path, *at = path + 1, *end;
    char part[NAME_MAX + 1];

    open->dir = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (open->dir >= 0 && (end = strchr(at, '/')) != NULL) {
        size_t len = (size_t)(end - at);
        int next;

        if (!directory_ok(open, open->dir, (int)(at - path))) {
            return false;
        }
        if (len == 0 || len > NAME_MAX || (len == 1 && *at == '.') ||
            (len == 2 && at[0] == '.' && at[1] == '.')) {
            return say(open, "not a plain absolute path: no empty component, "
                             "'.' or '..' is accepted");
        }
        memcpy(part, at, len);
        part[len] = '\0';
        next = openat(open->dir, part,
                      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) {
            return say(open, "%.*s is not a directory that exists%s",
                       (int)(end - path), path,
                       errno == ENOTDIR || errno == ELOOP
                           ? " (symbolic links are not followed)"
                           : "");
        }
        close(open->dir);
        open->dir = next;
        at = end + 1;
    }
    open->name = at;
    if (*at == '\0' || strcmp(at, ".") == 0 || strcmp(at, "..") == 0 ||
        strlen(at) > NAME_MAX - 4) {
        return say(open, "names no file");
    }
    return open->dir >= 0 ? directory_ok(open, open->dir, (int)(at - path))
                          : say(open, "cannot open /: %m");
}

/* What is not there may have been made by another when we make it. */
static void open_either(opening *open)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

    open->created = false;
    for (int i = 0; i < TRIES; i++) {
        open->fd = openat(open->dir, open->name, flags);
        if (open->fd >= 0 || errno != ENOENT || open->config->size == 0) {
            return;
        }
        open->fd =
            openat(open->dir, open->name, flags | O_CREAT | O_EXCL, 0600);
        open->created = open->fd >= 0;
        if (open->created || errno != EEXIST) {
            return;
        }
    }
}

static bool open_or_make(opening *open)
{
    const shm_store_config *config = open->config;

    open_either(open);
    if (open->fd < 0 && errno == ENOENT) {
        return say(open, "does not exist");
    }
    if (open->fd < 0) {
        return errno == ELOOP ? say(open, "is a symbolic link; a regular file "
                                          "or none is accepted")
                              : say(open, "cannot be opened: %m");
    }
    if (open->created &&
        (fchown(open->fd, config->owner,
                config->shared ? config->group : (gid_t)-1) != 0 ||
         fchmod(open->fd, config->shared ? 0660 : 0600) != 0)) {
        return say(open, "cannot be given to uid %ld: %m", (long)config->owner);
    }
    return true;
}

static bool file_ok(opening *open)
{
    const shm_store_config *config = open->config;
    const mode_t allowed = config->shared ? 0660 : 0600;

    if (fstat(open->fd, &open->st) != 0) {
        return say(open, "cannot be looked at: %m");
    }
    if (!S_ISREG(open->st.st_mode)) {
        return say(open, "is not a regular file; a regular file or none is "
                         "accepted");
    }
    if (open->st.st_nlink != 1) {
        return say(open, "has %ld links; a file with one is accepted",
                   (long)open->st.st_nlink);
    }
    if (open->st.st_uid != config->owner) {
        return say(open, "belongs to uid %ld; it must belong to uid %ld",
                   (long)open->st.st_uid, (long)config->owner);
    }
    if (open->st.st_mode & 07777 & ~allowed) {
        return say(open, "has mode %04o; %04o is accepted",
                   (unsigned)(open->st.st_mode & 07777), (unsigned)allowed);
    }
    if (config->shared && open->st.st_gid != config->group) {
        return say(open, "belongs to group %ld; it must belong to group %ld",
                   (long)open->st.st_gid, (long)config->group);
    }
    return true;
}

/* ---- who else ----------------------------------------------------------- */

static bool lock_server(opening *open)
{
    if (!sst_file_lock(open->fd, F_WRLCK, SST_BYTE_SERVER)) {
        return errno == EAGAIN || errno == EACCES
                   ? say(open, "is in use by another server, or by children "
                               "that outlived it; one server a file")
                   : say(open, "cannot be locked: %m");
    }
    open->alone = sst_file_lock(open->fd, F_WRLCK, SST_BYTE_USERS);
    (void)sst_file_lock(open->fd, F_UNLCK, SST_BYTE_USERS);
    return true;
}

static bool lock_user(opening *open)
{
    open->alone = false;
    /* Whoever attaches says that he is inside. */
    if (open->config->is_guest) {
        return true;
    }
    for (int i = 0; i < USERS_TRIES; i++) {
        if (sst_file_lock(open->fd, F_RDLCK, SST_BYTE_USERS)) {
            return true;
        }
        sst_pause_ms(USERS_WAIT);
    }
    return say(open, "is being attached by a process that does not finish");
}

/* The lock counts only if the path still leads to what was locked. */
static bool still_there(const opening *open)
{
    struct stat now;

    return fstatat(open->dir, open->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_dev == open->st.st_dev && now.st_ino == open->st.st_ino;
}

/* Opened, judged and locked. */
static bool acquire(opening *open)
{
    for (int i = 0; i < TRIES; i++) {
        if (!open_or_make(open) || !file_ok(open) ||
            !(open->config->is_server ? lock_server(open) : lock_user(open))) {
            return false;
        }
        if (still_there(open)) {
            return true;
        }
        sst_file_close(open->fd);
        open->fd = -1;
    }
    return say(open, "is exchanged again and again by somebody else");
}

/* ---- size --------------------------------------------------------------- */

static uint64_t length_of(uint64_t size)
{
    return size / SST_BLOCK * SST_BLOCK;
}

static bool length_possible(uint64_t len)
{
    return len >= SST_SIZE_MIN && len <= SST_SIZE_MAX * SST_GROWTH &&
           len % SST_BLOCK == 0;
}

static bool allocate(opening *open, uint64_t want)
{
    uint64_t have = (uint64_t)open->st.st_size;
    struct statvfs room;
    int rc = sst_map_allocate(open->fd, have, want);

    if (rc == 0) {
        return fstat(open->fd, &open->st) == 0 ||
               say(open, "cannot be looked at: %m");
    }
    /* What it got so far is given back; a file that we made goes. */
    if (ftruncate(open->fd, (off_t)have) == 0 && open->created) {
        unlinkat(open->dir, open->name, 0);
    }
    if (rc != ENOSPC && rc != EFBIG && rc != EDQUOT) {
        errno = rc;
        return say(open, "%llu bytes cannot be allocated: %m",
                   (unsigned long long)want);
    }
    if (fstatvfs(open->fd, &room) != 0) {
        room = (struct statvfs){0};
    }
    return say(open,
               "needs %llu bytes more and the file system has %llu "
               "available; make room or set a smaller size",
               (unsigned long long)(want - have),
               (unsigned long long)room.f_bavail *
                   (unsigned long long)room.f_frsize);
}

static bool move_aside(opening *open, const char *why)
{
    char aside[NAME_MAX + 1];

    snprintf(aside, sizeof(aside), "%s.old", open->name);
    if (renameat(open->dir, open->name, open->dir, aside) != 0) {
        return say(open, "%s and cannot be moved aside: %m", why);
    }
    sst_file_close(open->fd);
    open->fd = -1;
    return true;
}

/* Somebody died at carrying the records over from another layout: the next one
 * to attach finishes it, for which all of the file is needed. */
static bool is_half(const opening *open)
{
    uint64_t len = (uint64_t)open->st.st_size;

    if (!length_possible(sst_segment_len(len)) || sst_segment_len(len) == len) {
        return false;
    }
    say(open, "keeps its size until the next start: its records are being "
              "carried over from another layout");
    return true;
}

/* The file gets the length that it should have, or another file does. */
static bool fit(opening *open)
{
    uint64_t want = length_of(open->config->size);
    uint64_t have = (uint64_t)open->st.st_size;
    const char *why;

    if (is_half(open)) {
        return true;
    }
    if (have == 0 && want != 0) {
        return allocate(open, want);
    }
    if (length_possible(have) && have == want) {
        return allocate(open, want);
    }
    if (length_possible(have) && (want == 0 || !open->config->is_server)) {
        return true;
    }
    if (length_possible(have) && have < want) {
        return allocate(open, want);
    }
    if (!open->config->is_server || want == 0) {
        return say(open, "has %llu bytes, which no segment has",
                   (unsigned long long)have);
    }
    if (length_possible(have) && !open->alone) {
        say(open, "stays at %llu bytes while a tool has it open",
            (unsigned long long)have);
        return true;
    }
    why = length_possible(have) ? "is larger than configured"
                                : "has a length that no segment has";
    if (!move_aside(open, why) || !acquire(open) || !allocate(open, want)) {
        return false;
    }
    say(open, "%s (%llu bytes); it is now %s.old and a new one was begun", why,
        (unsigned long long)have, open->config->path);
    return true;
}

/* ---- the handle --------------------------------------------------------- */

static bool config_ok(const opening *open)
{
    const shm_store_config *config = open->config;

    if (config->path[0] != '/') {
        return say(open, "is not an absolute path");
    }
    if (config->size != 0 && !shm_store_size_ok(config->size)) {
        return say(open,
                   "a size of %llu bytes is outside the range: %llu to %llu "
                   "are accepted",
                   (unsigned long long)config->size,
                   (unsigned long long)SST_SIZE_MIN,
                   (unsigned long long)SST_SIZE_MAX);
    }
    if (config->max_record == 0 || config->max_record > SST_MAX_RECORD_MAX) {
        return say(open,
                   "a max-record of %lu bytes is outside the range: 1 to %lu "
                   "are accepted",
                   (unsigned long)config->max_record,
                   (unsigned long)SST_MAX_RECORD_MAX);
    }
    if (config->max_anonymous > 100 || config->max_namespace > 100) {
        return say(open,
                   "a limit of %u per cent is outside the range: 0 to "
                   "100 are accepted",
                   config->max_anonymous > 100 ? config->max_anonymous
                                               : config->max_namespace);
    }
    return true;
}

/* What may change while the segment is in use. */
static void limits_take(shm_store *store, const shm_store_config *config)
{
    store->on_full = config->on_full;
    store->max_anonymous = config->max_anonymous;
    store->max_namespace = config->max_namespace;
}

static void handle_free(shm_store *store)
{
    sst_journal_close(store);
    free(store->path);
    free(store);
}

static shm_store *handle_make(opening *open)
{
    shm_store *store = calloc(1, sizeof(*store));

    if (store == NULL) {
        say(open, "out of memory");
        return NULL;
    }
    store->journal.fd = -1;
    pthread_mutex_init(&store->journal.lock, NULL);
    store->path = strdup(open->config->path);
    if (open->config->snapshot != NULL) {
        store->journal.base = strdup(open->config->snapshot);
        store->journal.ours = open->config->is_server;
    }
    if (sodium_init() < 0 || store->path == NULL ||
        (open->config->snapshot != NULL && store->journal.base == NULL)) {
        say(open, "out of memory, or no random numbers");
        handle_free(store);
        return NULL;
    }
    store->fd = open->fd;
    store->is_server = open->config->is_server;
    store->is_guest = open->config->is_guest;
    store->dev = open->st.st_dev;
    store->ino = open->st.st_ino;
    store->file_size = sst_segment_len((uint64_t)open->st.st_size);
    store->max_record = open->config->max_record;
    limits_take(store, open->config);
    while (store->nonce == 0) {
        randombytes_buf(&store->nonce, sizeof(store->nonce));
    }
    if (!sst_map(store)) {
        say(open, "cannot be mapped: %m");
        handle_free(store);
        return NULL;
    }
    return store;
}

shm_store *shm_store_open(const shm_store_config *config, char *err,
                          size_t errlen)
{
    opening open = {.config = config,
                    .err = err,
                    .errlen = errlen,
                    .dir = -1,
                    .name = "",
                    .fd = -1};
    shm_store *store = NULL;

    if (errlen > 0) {
        *err = '\0';
    }
    if (config_ok(&open) && walk(&open) && acquire(&open) && fit(&open)) {
        store = handle_make(&open);
    }
    if (open.dir >= 0) {
        close(open.dir);
    }
    if (store == NULL && open.fd >= 0) {
        sst_file_close(open.fd);
    }
    return store;
}

static bool same_path(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right
                                         : strcmp(left, right) == 0;
}

/* Who attaches may be using what lies behind the segment. */
static shm_status grow(opening *open, shm_store *store, uint64_t want)
{
    bool grown;

    if (!sst_attach_queue(store->fd, GROW_WAIT)) {
        say(open, "is being attached by a process that does not finish; it "
                  "grows at the next restart");
        return SST_OK;
    }
    grown = fstat(store->fd, &open->st) == 0 &&
            (is_half(open) || allocate(open, want));
    store->file_size = sst_segment_len((uint64_t)open->st.st_size);
    (void)sst_process_lock(store->fd, F_UNLCK, SST_BYTE_ATTACH);
    return grown ? SST_OK : SST_BADARG;
}

shm_status shm_store_reopen(shm_store *store, const shm_store_config *config,
                            char *err, size_t errlen)
{
    opening open = {
        .config = config, .err = err, .errlen = errlen, .fd = store->fd};
    uint64_t want = length_of(config->size);

    if (errlen > 0) {
        *err = '\0';
    }
    if (!config_ok(&open)) {
        return SST_BADARG;
    }
    if (fstat(store->fd, &open.st) != 0) {
        say(&open, "cannot be looked at: %m");
        return SST_BADARG;
    }
    limits_take(store, config);
    if ((uint64_t)open.st.st_size < store->file_size) {
        /* Made long again it would be empty under those who use it. */
        say(&open, "was cut off while in use, by somebody who may write to it; "
                   "stop and start the server to begin it anew");
        return SST_BADARG;
    }
    if (want > store->map_len) {
        say(&open,
            "%llu bytes are more than it can grow to without a stop; it stays "
            "at %llu until the next start",
            (unsigned long long)want, (unsigned long long)store->file_size);
    }
    else if (want > store->file_size) {
        return grow(&open, store, want);
    }
    else if (want != 0 && want < store->file_size) {
        say(&open, "the smaller size of %llu bytes counts from the next start",
            (unsigned long long)want);
    }
    else if (config->max_record != store->max_record) {
        say(&open, "the new max-record counts from the next start");
    }
    else if (!same_path(config->snapshot, store->journal.base)) {
        say(&open, "the new snapshot= counts from the next start");
    }
    return SST_OK;
}

void shm_store_close(shm_store *store)
{
    if (store == NULL) {
        return;
    }
    sst_bus_unwatch(store);
    sst_unmap(store);
    sst_file_close(store->fd);
    handle_free(store);
}
