/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files, and keys in memory.
 *
 * A sx_keys is one sodium_malloc block with guard pages around it.  It is
 * filled, then made read-only for good: threads share it without a lock, and a
 * stray write faults instead of changing a key.  The secrets of the file are
 * not in it: only subkeys are used, so only subkeys are kept, and equal
 * subkeys mean equal secrets.
 *
 * Everything is checked on the open descriptor, never on the path: between
 * two looks at a path somebody else may have put another file there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>
#include <apr_errno.h>
#include <apr_strings.h>
#include "sx_keys.h"

#define FILE_MAX    16384 /* 16 keys are 800 bytes; the rest is comments */
#define DECODED_MAX 256   /* of one line, so that a wrong length has a number */
#define BASE64_LEN  44    /* of 32 bytes, with padding */

_Static_assert(SX_SECRET_LEN == crypto_kdf_KEYBYTES, "kdf key");

struct sx_keys {
    size_t count;
    unsigned char kids[SX_KEYS_PER_FILE];
    unsigned char subkeys[SX_KEYS_PER_FILE][SX_PURPOSE_COUNT][SX_SECRET_LEN];
};

/* One file being parsed. */
typedef struct parser {
    sx_keys *keys;
    int line;
    int line_of[SX_KEYS_PER_FILE];
    apr_pool_t *pool;
} parser;

bool sx_crypto_init(void)
{
    return sodium_init() >= 0;
}

void sx_random(void *buf, size_t len)
{
    randombytes_buf(buf, len);
}

void sx_wipe(void *buf, size_t len)
{
    sodium_memzero(buf, len);
}

/* The slot of ${kid}, or keys->count. */
static size_t find_kid(const sx_keys *keys, unsigned char kid)
{
    size_t i = 0;

    while (i < keys->count && keys->kids[i] != kid) {
        i++;
    }
    return i;
}

static void add_key(sx_keys *keys, unsigned char kid,
                    const unsigned char secret[SX_SECRET_LEN])
{
    unsigned char(*slot)[SX_SECRET_LEN] = keys->subkeys[keys->count];

    for (unsigned purpose = 1; purpose < SX_PURPOSE_COUNT; purpose++) {
        crypto_kdf_derive_from_key(slot[purpose], SX_SECRET_LEN, purpose,
                                   "sessext1", secret);
    }
    keys->kids[keys->count] = kid;
    keys->count++;
}

static sx_keys *keys_create(void)
{
    sx_keys *keys = sodium_malloc(sizeof(*keys));

    if (keys != NULL) {
        memset(keys, 0, sizeof(*keys));
    }
    return keys;
}

void sx_keys_free(sx_keys *keys)
{
    sodium_free(keys);
}

sx_keys *sx_keys_from_memory(const unsigned char *kids,
                             const unsigned char (*secrets)[SX_SECRET_LEN],
                             size_t count)
{
    sx_keys *keys;

    if (count == 0 || count > SX_KEYS_PER_FILE) {
        return NULL;
    }
    keys = keys_create();
    for (size_t i = 0; keys != NULL && i < count; i++) {
        if (find_kid(keys, kids[i]) < keys->count) {
            sodium_free(keys);
            return NULL;
        }
        add_key(keys, kids[i], secrets[i]);
    }
    if (keys != NULL) {
        sodium_mprotect_readonly(keys);
    }
    return keys;
}

/* "kid:" at the front of a line.  Leading zeros are refused: "01" and "1"
 * would be two names of one key. */
static const char *parse_kid(sx_str line, unsigned char *kid, size_t *used)
{
    static const char *const wanted =
        "a line is 'kid:base64', kid a number from 0 to 255 without leading "
        "zeros";
    unsigned value = 0;
    size_t i = 0;

    while (i < line.len && i < 3 && line.p[i] >= '0' && line.p[i] <= '9') {
        value = value * 10 + (unsigned)(line.p[i] - '0');
        i++;
    }
    if (i == 0 || i == line.len || line.p[i] != ':' || value > 255 ||
        (i > 1 && line.p[0] == '0')) {
        return wanted;
    }
    *kid = (unsigned char)value;
    *used = i + 1;
    return NULL;
}

static const char *decode_secret(sx_str text,
                                 unsigned char secret[SX_SECRET_LEN],
                                 apr_pool_t *pool)
{
    unsigned char raw[DECODED_MAX];
    const char *why = NULL;
    size_t len = 0;

    if (text.len > DECODED_MAX) {
        return apr_psprintf(pool, "the key is too long, %d bytes are needed",
                            SX_SECRET_LEN);
    }
    if (sodium_base642bin(raw, sizeof(raw), text.p, text.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        why = "the key is not base64 (A-Z a-z 0-9 + /, padded with = and with "
              "nothing behind it)";
    }
    else if (len != SX_SECRET_LEN) {
        why = apr_psprintf(pool, "the key decodes to %d bytes, %d are needed",
                           (int)len, SX_SECRET_LEN);
    }
    else {
        memcpy(secret, raw, SX_SECRET_LEN);
    }
    sodium_memzero(raw, sizeof(raw));
    return why;
}

/* A key that somebody typed to get started protects nobody. */
static bool all_equal(const unsigned char secret[SX_SECRET_LEN])
{
    return memcmp(secret, secret + 1, SX_SECRET_LEN - 1) == 0;
}

static const char *parse_key(parser *in, sx_str line)
{
    unsigned char secret[SX_SECRET_LEN];
    unsigned char kid = 0;
    size_t used = 0, slot;
    const char *why = parse_kid(line, &kid, &used);

    if (why != NULL) {
        return why;
    }
    slot = find_kid(in->keys, kid);
    if (slot < in->keys->count) {
        return apr_psprintf(in->pool,
                            "kid %d is on line %d already; each key needs a "
                            "kid of its own",
                            kid, in->line_of[slot]);
    }
    if (slot == SX_KEYS_PER_FILE) {
        return apr_psprintf(in->pool, "more than %d keys, %d are accepted",
                            SX_KEYS_PER_FILE, SX_KEYS_PER_FILE);
    }
    why = decode_secret((sx_str){line.p + used, line.len - used}, secret,
                        in->pool);
    if (why == NULL && all_equal(secret)) {
        why = "the key is one byte repeated, random bytes are needed";
    }
    if (why == NULL) {
        in->line_of[slot] = in->line;
        add_key(in->keys, kid, secret);
    }
    sodium_memzero(secret, sizeof(secret));
    return why;
}

static const char *parse_line(parser *in, sx_str line)
{
    if (line.len == 0 || line.p[0] == '#') {
        return NULL;
    }
    if (line.p[line.len - 1] == '\r') {
        return "the line ends in a carriage return, a line feed alone is "
               "needed";
    }
    return parse_key(in, line);
}

/* The last line needs no line feed. */
static const char *parse_text(parser *in, sx_str text)
{
    const char *p = text.p;
    const char *end = text.p + text.len;

    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((lf != NULL ? lf : end) - p);
        const char *why;

        in->line++;
        why = parse_line(in, (sx_str){p, len});
        if (why != NULL) {
            return apr_psprintf(in->pool, "line %d: %s", in->line, why);
        }
        p += len + 1;
    }
    if (in->keys->count == 0) {
        return "there is no key in it, a line 'kid:base64 of 32 random bytes' "
               "is needed";
    }
    return NULL;
}

static const char *errno_str(apr_status_t error, apr_pool_t *pool)
{
    char buf[128];

    return apr_pstrdup(pool, apr_strerror(error, buf, sizeof(buf)));
}

static const char *check_mode(const sx_keys_file *file, const struct stat *st,
                              apr_pool_t *pool)
{
    unsigned mode = (unsigned)st->st_mode & 07777U;

    if ((mode & ~0600U) == 0) {
        return NULL;
    }
    if (!file->group_may_read) {
        return apr_psprintf(pool, "its mode is %04o, 0600 or less is needed",
                            mode);
    }
    if ((mode & ~0640U) == 0 && st->st_gid == file->group) {
        return NULL;
    }
    return apr_psprintf(pool,
                        "its mode is %04o and its group %lu, 0600 or less, or "
                        "0640 and group %lu, is needed",
                        mode, (unsigned long)st->st_gid,
                        (unsigned long)file->group);
}

static const char *check_file(int fd, const sx_keys_file *file,
                              apr_pool_t *pool)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return apr_psprintf(pool, "it cannot be examined: %s",
                            errno_str(errno, pool));
    }
    if (!S_ISREG(st.st_mode)) {
        return "it is not a regular file, only a regular file is accepted";
    }
    if (st.st_uid != 0 && st.st_uid != file->owner) {
        return apr_psprintf(
            pool, "it belongs to uid %lu, only root%s is accepted",
            (unsigned long)st.st_uid,
            file->owner == 0 ? ""
                             : apr_psprintf(pool, " or uid %lu",
                                            (unsigned long)file->owner));
    }
    return check_mode(file, &st, pool);
}

/* O_NONBLOCK: the open of a FIFO must not wait for its writer. */
static const char *open_file(const sx_keys_file *file, int *fd,
                             apr_pool_t *pool)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

    if (!file->follow_link) {
        flags |= O_NOFOLLOW;
    }
    *fd = open(file->path, flags);
    if (*fd >= 0) {
        return NULL;
    }
    if (errno == ELOOP && !file->follow_link) {
        return "it is a symbolic link, name the file itself or add 'symlink'";
    }
    return apr_psprintf(pool, "it cannot be opened: %s",
                        errno_str(errno, pool));
}

/* Reads to the end of the file whatever fstat said of its size: the file may
 * be growing. */
static const char *read_all(int fd, char *buf, size_t *len, apr_pool_t *pool)
{
    *len = 0;
    for (;;) {
        ssize_t got = read(fd, buf + *len, FILE_MAX + 1 - *len);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return apr_psprintf(pool, "it cannot be read: %s",
                                errno_str(errno, pool));
        }
        if (got == 0) {
            return NULL;
        }
        *len += (size_t)got;
        if (*len > FILE_MAX) {
            return apr_psprintf(pool,
                                "it is larger than %d bytes, which "
                                "holds %d keys and comments",
                                FILE_MAX, SX_KEYS_PER_FILE);
        }
    }
}

static const char *load(int fd, const sx_keys_file *file, parser *in, char *buf)
{
    size_t len = 0;
    const char *why = check_file(fd, file, in->pool);

    if (why == NULL) {
        why = read_all(fd, buf, &len, in->pool);
    }
    return why != NULL ? why : parse_text(in, (sx_str){buf, len});
}

sx_keys *sx_keys_load(const sx_keys_file *file, const char **why,
                      apr_pool_t *pool)
{
    parser in = {.pool = pool};
    const char *reason;
    char *buf = NULL;
    int fd = -1;

    reason = open_file(file, &fd, pool);
    if (reason != NULL) {
        goto out;
    }
    buf = sodium_malloc(FILE_MAX + 1);
    in.keys = keys_create();
    if (buf == NULL || in.keys == NULL) {
        reason = "there is no memory for its keys";
        goto out;
    }
    reason = load(fd, file, &in, buf);
    if (reason == NULL) {
        sodium_mprotect_readonly(in.keys);
    }
out:
    if (reason != NULL) {
        *why =
            apr_psprintf(pool, "SessionExtKeyFile %s: %s", file->path, reason);
        sodium_free(in.keys);
        in.keys = NULL;
    }
    sodium_free(buf);
    if (fd >= 0) {
        close(fd);
    }
    return in.keys;
}

static bool write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, p, len);

        if (put < 0 && errno != EINTR) {
            return false;
        }
        if (put > 0) {
            p += put;
            len -= (size_t)put;
        }
    }
    return true;
}

static bool write_key(int fd)
{
    unsigned char secret[SX_SECRET_LEN];
    char base64[BASE64_LEN + 1];
    char text[160];
    int len;
    bool ok;

    randombytes_buf(secret, sizeof(secret));
    sodium_bin2base64(base64, sizeof(base64), secret, sizeof(secret),
                      sodium_base64_VARIANT_ORIGINAL);
    len = snprintf(text, sizeof(text),
                   "# kid:base64 of 32 random bytes; the first key writes, "
                   "all of them read\n1:%s\n",
                   base64);
    ok = len > 0 && (size_t)len < sizeof(text) && fchmod(fd, 0600) == 0 &&
         write_all(fd, text, (size_t)len) && fsync(fd) == 0;
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(base64, sizeof(base64));
    sodium_memzero(text, sizeof(text));
    return ok;
}

/* A name that is not durable is only a key made anew after a crash, so what
 * this answers does not matter. */
static void sync_directory(const char *path, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    const char *dir =
        slash == NULL ? "."
        : slash == path
            ? "/"
            : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

/* The complete file gets its name by link(), which, other than rename(), fails
 * where the name is taken: of two servers that start together one wins, and
 * no reader ever sees half a file. */
const char *sx_keys_generate(const char *path, apr_pool_t *pool)
{
    const char *why = NULL;
    const char *temp;
    uint64_t suffix;
    struct stat st;
    int fd;

    if (lstat(path, &st) == 0) {
        return NULL;
    }
    randombytes_buf(&suffix, sizeof(suffix));
    temp = apr_psprintf(pool, "%s.%016" APR_UINT64_T_HEX_FMT, path, suffix);
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return apr_psprintf(pool, "SessionExtKeyFile %s: %s cannot be made: %s",
                            path, temp, errno_str(errno, pool));
    }
    if (!write_key(fd) || (link(temp, path) != 0 && errno != EEXIST)) {
        why = apr_psprintf(pool, "SessionExtKeyFile %s: it cannot be made: %s",
                           path, errno_str(errno, pool));
    }
    close(fd);
    unlink(temp);
    sync_directory(path, pool);
    return why;
}

void sx_keys_after_fork(const sx_keys *keys)
{
    /* That the pages are in no core dump is inherited; only this is not. */
    if (mlock(keys, sizeof(*keys)) != 0) {
        sx_log(SX_LOG_WARN, "keys cannot be locked in memory and may be "
                            "swapped to disk; raise the memory lock limit");
    }
}

unsigned char sx_keys_first(const sx_keys *keys)
{
    return keys->kids[0];
}

const unsigned char *sx_keys_get(const sx_keys *keys, unsigned char kid,
                                 sx_purpose purpose)
{
    size_t slot = find_kid(keys, kid);

    return slot < keys->count ? keys->subkeys[slot][purpose] : NULL;
}

bool sx_keys_overlap(const sx_keys *a, const sx_keys *b)
{
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            if (sodium_memcmp(a->subkeys[i][SX_PURPOSE_ID],
                              b->subkeys[j][SX_PURPOSE_ID],
                              SX_SECRET_LEN) == 0) {
                return true;
            }
        }
    }
    return false;
}

size_t sx_keys_blob_size(void)
{
    return sizeof(sx_keys);
}

void sx_keys_save(const sx_keys *keys, void *blob)
{
    memcpy(blob, keys, sizeof(*keys));
}

sx_keys *sx_keys_restore(const void *blob, size_t len)
{
    sx_keys *keys = len == sizeof(*keys) ? keys_create() : NULL;

    if (keys == NULL) {
        return NULL;
    }
    memcpy(keys, blob, sizeof(*keys));
    if (keys->count == 0 || keys->count > SX_KEYS_PER_FILE) {
        sodium_free(keys);
        return NULL;
    }
    sodium_mprotect_readonly(keys);
    return keys;
}
