/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of a stream to and from a file; what they hold is shm_store's. */
#include "sx_snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>

#define VERSION   1
#define PIECE     65536
#define SEALED    (PIECE + crypto_secretstream_xchacha20poly1305_ABYTES)
#define NAME_ROOM (PATH_MAX + 64)

static const char magic[8] = "SXSNAP\r\n";

typedef struct head {
    char magic[8];
    unsigned char version;
    unsigned char kid;
    unsigned char zero[6];
    unsigned char stream[crypto_secretstream_xchacha20poly1305_HEADERBYTES];
} head;
_Static_assert(sizeof(head) == 40, "format");
#define BOUND 16 /* bytes of it that every piece is bound to */

_Static_assert(SX_SECRET_LEN == crypto_secretstream_xchacha20poly1305_KEYBYTES,
               "stream key");

/* A file on its way in or out. */
typedef struct stream {
    const sx_snapshot *snapshot;
    int fd;
    head head;
    crypto_secretstream_xchacha20poly1305_state state;
    unsigned char plain[PIECE];
    unsigned char sealed[4 + SEALED];
    size_t len, at; /* of plain: filled, taken */
    uint64_t bytes; /* of the file so far */
    bool final;     /* the last piece was read */
    bool quiet;     /* what is wrong was told already */
    char *err;
    size_t errlen;
} stream;

__attribute__((format(printf, 2, 3))) static bool say(stream *s,
                                                      const char *format, ...)
{
    va_list args;
    int used;

    if (s->quiet || s->errlen == 0) {
        return false;
    }
    used = snprintf(s->err, s->errlen, "%s: ", s->snapshot->path);
    if (used >= 0 && (size_t)used < s->errlen) {
        va_start(args, format);
        vsnprintf(s->err + used, s->errlen - (size_t)used, format, args);
        va_end(args);
    }
    s->quiet = true;
    return false;
}

static void told_progress(const stream *s)
{
    if (s->snapshot->progress) {
        s->snapshot->progress(s->snapshot->baton, s->bytes);
    }
}

/* Buffers of half a megabyte of sessions are not for the stack, nor to be left
 * behind. */
static stream *stream_make(const sx_snapshot *snapshot, char *err,
                           size_t errlen)
{
    stream *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        snprintf(err, errlen, "%s: out of memory", snapshot->path);
        return NULL;
    }
    s->snapshot = snapshot;
    s->fd = -1;
    s->err = err;
    s->errlen = errlen;
    if (errlen > 0) {
        *err = '\0';
    }
    return s;
}

static void stream_free(stream *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    sodium_memzero(s, sizeof(*s));
    free(s);
}

/* ---- out ---------------------------------------------------------------- */

static bool put_bytes(stream *s, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t put = write(s->fd, p, len);

        if (put < 0 && errno != EINTR) {
            return say(s, "cannot be written: %s", strerror(errno));
        }
        if (put > 0) {
            p += put;
            len -= (size_t)put;
            s->bytes += (uint64_t)put;
        }
    }
    told_progress(s);
    return true;
}

static bool begin_out(stream *s)
{
    const sx_keys *keys = s->snapshot->keys;

    memcpy(s->head.magic, magic, sizeof(magic));
    s->head.version = VERSION;
    s->head.kid = sx_keys_first(keys);
    crypto_secretstream_xchacha20poly1305_init_push(
        &s->state, s->head.stream,
        sx_keys_get(keys, s->head.kid, SX_PURPOSE_SNAPSHOT));
    return put_bytes(s, &s->head, sizeof(s->head));
}

static bool put_piece(stream *s, unsigned char tag)
{
    unsigned long long len = 0;

    crypto_secretstream_xchacha20poly1305_push(
        &s->state, s->sealed + 4, &len, s->plain, s->len,
        (const unsigned char *)&s->head, BOUND, tag);
    for (int i = 0; i < 4; i++) {
        s->sealed[i] = (unsigned char)(len >> (8 * i));
    }
    s->len = 0;
    return put_bytes(s, s->sealed, 4 + (size_t)len);
}

static bool stream_write(void *baton, const void *bytes, size_t len)
{
    stream *s = baton;
    const unsigned char *p = bytes;

    while (len > 0) {
        size_t room = PIECE - s->len;
        size_t part = len < room ? len : room;

        memcpy(s->plain + s->len, p, part);
        s->len += part;
        p += part;
        len -= part;
        if (s->len == PIECE && !put_piece(s, 0)) {
            return false;
        }
    }
    return true;
}

static void sync_directory(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    int fd;

    snprintf(dir, sizeof(dir), "%.*s",
             slash == NULL ? 1
             : len         ? (int)len
                           : 1,
             slash == NULL ? "." : path);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

/* Files that whoever was killed while it wrote has left. */
static void remove_left(const char *path, uint64_t generation)
{
    char dir[PATH_MAX], prefix[NAME_MAX + 16], left[NAME_ROOM + NAME_MAX];
    const char *slash = strrchr(path, '/');
    const struct dirent *entry;
    DIR *list;

    if (slash == NULL) {
        return;
    }
    snprintf(dir, sizeof(dir), "%.*s", slash > path ? (int)(slash - path) : 1,
             path);
    snprintf(prefix, sizeof(prefix), "%s.tmp.", slash + 1);
    list = opendir(dir);
    while (list != NULL && (entry = readdir(list)) != NULL) {
        const char *number = entry->d_name + strlen(prefix);

        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            strtoull(number, NULL, 10) < generation) {
            snprintf(left, sizeof(left), "%s/%s", dir, entry->d_name);
            (void)unlink(left);
        }
    }
    if (list != NULL) {
        closedir(list);
    }
}

static bool counts(const sx_snapshot *snapshot, uint64_t generation)
{
    return (!snapshot->journal ||
            shm_store_snapshot_counts(snapshot->store, generation)) &&
           (snapshot->still == NULL || snapshot->still(snapshot->baton));
}

/* Whoever wakes up after a long stop must not put an old snapshot in the place
 * of a new one, so it asks before; and if it was stopped just then, the file
 * has no journal any more and is better gone. */
static bool give_name(stream *s, const char *temp, uint64_t generation)
{
    const sx_snapshot *snapshot = s->snapshot;

    if (!counts(snapshot, generation)) {
        return say(s, "not written: another snapshot was begun meanwhile, or "
                      "the journal could not be written");
    }
    if (rename(temp, snapshot->path) != 0) {
        return say(s, "cannot be named: %s", strerror(errno));
    }
    if (snapshot->journal &&
        !shm_store_snapshot_counts(snapshot->store, generation)) {
        (void)unlink(snapshot->path);
        return say(s, "removed: its journal could not be written, or another "
                      "snapshot was begun meanwhile");
    }
    sync_directory(snapshot->path);
    return true;
}

static bool write_all(stream *s, uint64_t generation, int64_t now_ms,
                      shm_dump_report *report)
{
    shm_dump_sink sink = {
        .write = stream_write, .baton = s, .generation = generation};
    shm_status status;

    if (!begin_out(s)) {
        return false;
    }
    status = shm_store_dump(s->snapshot->store, &sink, now_ms, report);
    if (status != SST_OK) {
        return say(s, "not written: the store is %s", shm_status_str(status));
    }
    if (!put_piece(s, crypto_secretstream_xchacha20poly1305_TAG_FINAL)) {
        return false;
    }
    return fsync(s->fd) == 0 ||
           say(s, "cannot be brought to the disk: %s", strerror(errno));
}

bool sx_snapshot_write(const sx_snapshot *snapshot, int64_t now_ms,
                       shm_dump_report *report, char *err, size_t errlen)
{
    stream *s = stream_make(snapshot, err, errlen);
    uint64_t generation = 0;
    char temp[NAME_ROOM];
    bool done = false;

    if (s == NULL) {
        return false;
    }
    if (snapshot->journal) {
        generation = shm_store_snapshot_begin(snapshot->store);
        if (generation == 0) {
            say(s, "no journal can be kept beside it: %s", strerror(errno));
            goto out;
        }
    }
    snprintf(temp, sizeof(temp), "%s.tmp.%llu-%08x", snapshot->path,
             (unsigned long long)generation, randombytes_random());
    s->fd =
        open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->fd < 0) {
        say(s, "cannot be made: %s", strerror(errno));
        goto out;
    }
    done = write_all(s, generation, now_ms, report) &&
           give_name(s, temp, generation);
    if (!done) {
        (void)unlink(temp);
    }
    else if (snapshot->journal) {
        shm_store_snapshot_done(snapshot->store, generation, now_ms);
        remove_left(snapshot->path, generation);
    }
out:
    stream_free(s);
    return done;
}

/* ---- in ----------------------------------------------------------------- */

static bool get_bytes(stream *s, void *bytes, size_t len, size_t *got)
{
    char *p = bytes;

    for (*got = 0; *got < len;) {
        ssize_t part = read(s->fd, p + *got, len - *got);

        if (part < 0 && errno != EINTR) {
            return say(s, "cannot be read: %s", strerror(errno));
        }
        if (part == 0) {
            break;
        }
        *got += part > 0 ? (size_t)part : 0;
    }
    s->bytes += *got;
    told_progress(s);
    return true;
}

static bool cut_short(stream *s)
{
    return say(s, "is cut short at byte %llu", (unsigned long long)s->bytes);
}

static bool begin_in(stream *s)
{
    const unsigned char *key;
    size_t got;

    s->bytes = 0;
    s->len = s->at = 0;
    s->final = false;
    if (lseek(s->fd, 0, SEEK_SET) != 0 ||
        !get_bytes(s, &s->head, sizeof(s->head), &got)) {
        return say(s, "cannot be read: %s", strerror(errno));
    }
    if (got < sizeof(magic) ||
        memcmp(s->head.magic, magic, sizeof(magic)) != 0) {
        return say(s, "is not a snapshot: its first bytes are others");
    }
    if (got < sizeof(s->head)) {
        return cut_short(s);
    }
    if (s->head.version != VERSION) {
        return say(s, "has format version %d; version %d is accepted",
                   s->head.version, VERSION);
    }
    key = sx_keys_get(s->snapshot->keys, s->head.kid, SX_PURPOSE_SNAPSHOT);
    if (key == NULL) {
        return say(s, "was sealed with key %d, which is not in the key file",
                   s->head.kid);
    }
    return crypto_secretstream_xchacha20poly1305_init_pull(
               &s->state, s->head.stream, key) == 0 ||
           say(s, "is damaged in its head");
}

static bool open_piece(stream *s, size_t len, uint64_t where)
{
    unsigned long long opened;
    unsigned char tag;

    if (crypto_secretstream_xchacha20poly1305_pull(
            &s->state, s->plain, &opened, &tag, s->sealed, len,
            (const unsigned char *)&s->head, BOUND) != 0) {
        return where == sizeof(s->head)
                   ? say(s,
                         "does not open with key %d of the key file: it was "
                         "changed, or that is another key",
                         s->head.kid)
                   : say(s, "was changed in the piece at byte %llu",
                         (unsigned long long)where);
    }
    s->len = (size_t)opened;
    s->at = 0;
    s->final = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return true;
}

static bool get_piece(stream *s)
{
    uint64_t where = s->bytes;
    unsigned char number[4];
    size_t got, len;

    if (s->final) {
        return false;
    }
    if (!get_bytes(s, number, sizeof(number), &got)) {
        return false;
    }
    if (got < sizeof(number)) {
        return cut_short(s);
    }
    len = (size_t)number[0] | (size_t)number[1] << 8 | (size_t)number[2] << 16 |
          (size_t)number[3] << 24;
    if (len < crypto_secretstream_xchacha20poly1305_ABYTES || len > SEALED) {
        return say(s, "was changed in the piece at byte %llu",
                   (unsigned long long)where);
    }
    if (!get_bytes(s, s->sealed, len, &got)) {
        return false;
    }
    return got == len ? open_piece(s, len, where) : cut_short(s);
}

/* From its first byte to its last, before anything of it counts. */
static bool verify(stream *s)
{
    size_t more;
    char byte;

    if (!begin_in(s)) {
        return false;
    }
    while (!s->final) {
        if (!get_piece(s)) {
            return false;
        }
    }
    if (!get_bytes(s, &byte, 1, &more)) {
        return false;
    }
    return more == 0 || say(s, "has bytes behind its end");
}

static bool stream_read(void *baton, void *bytes, size_t len)
{
    stream *s = baton;
    unsigned char *p = bytes;

    while (len > 0) {
        size_t part = s->len - s->at < len ? s->len - s->at : len;

        memcpy(p, s->plain + s->at, part);
        s->at += part;
        p += part;
        len -= part;
        if (len > 0 && !get_piece(s)) {
            return false;
        }
    }
    return true;
}

static sx_restored open_in(stream *s)
{
    struct stat st;

    s->fd = open(s->snapshot->path,
                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (s->fd < 0 && errno == ENOENT) {
        say(s, "does not exist");
        return SX_RESTORE_NONE;
    }
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        say(s,
            errno == ELOOP ? "is a symbolic link; a regular file is accepted"
                           : "cannot be opened: %s",
            strerror(errno));
    }
    else if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
        say(s, "is not a regular file with one link");
    }
    else if (st.st_mode & 077) {
        say(s, "has mode %04o; 0600 or less is accepted",
            (unsigned)(st.st_mode & 07777));
    }
    else if (geteuid() != 0 && st.st_uid != 0 && st.st_uid != geteuid()) {
        say(s, "belongs to uid %ld; it must belong to uid %ld", (long)st.st_uid,
            (long)geteuid());
    }
    else {
        return SX_RESTORE_DONE;
    }
    return SX_RESTORE_REFUSED;
}

static sx_restored load(stream *s, bool force, int64_t now_ms,
                        shm_load_report *report)
{
    shm_load_source source = {.read = stream_read,
                              .baton = s,
                              .snapshot = s->snapshot->path,
                              .force = force};
    shm_status status;

    if (!begin_in(s)) {
        return SX_RESTORE_REFUSED;
    }
    status = shm_store_load(s->snapshot->store, &source, now_ms, report);
    if (report->why[0] != '\0') {
        say(s, "%s", report->why);
    }
    else if (status != SST_OK) {
        say(s, "not restored: the store is %s", shm_status_str(status));
    }
    return status == SST_OK ? SX_RESTORE_DONE : SX_RESTORE_REFUSED;
}

sx_restored sx_snapshot_restore(const sx_snapshot *snapshot, bool force,
                                int64_t now_ms, shm_load_report *report,
                                char *err, size_t errlen)
{
    stream *s = stream_make(snapshot, err, errlen);
    sx_restored result;

    *report = (shm_load_report){0};
    if (s == NULL) {
        return SX_RESTORE_REFUSED;
    }
    result = open_in(s);
    if (result == SX_RESTORE_DONE) {
        result = verify(s) || force ? load(s, force, now_ms, report)
                                    : SX_RESTORE_REFUSED;
    }
    stream_free(s);
    return result;
}

bool sx_snapshot_set_aside(const char *path)
{
    char aside[NAME_ROOM];

    snprintf(aside, sizeof(aside), "%s.refused", path);
    return rename(path, aside) == 0 && shm_store_journals_move(path, aside);
}
