/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as a key file: keys, of which the first line's is the first, or a
 * printable sentence that names the file and is no longer than a sentence.
 */
#include <apr_strings.h>
#include <ctype.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool.h"
#include "sx_keys.h"

/* A file of its own in memory, under a path. */
static const char *file_of(const uint8_t *data, size_t size, int *fd,
                           apr_pool_t *pool)
{
    *fd = memfd_create("keys", MFD_CLOEXEC);
    MUST(*fd >= 0 && fchmod(*fd, 0600) == 0);
    MUST(write(*fd, data, size) == (ssize_t)size);
    return apr_psprintf(pool, "/proc/self/fd/%d", *fd);
}

/* The lines that are neither empty nor comments; the first one's number. */
static size_t count_keys(const char *text, size_t size, unsigned char *first)
{
    size_t count = 0;

    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t len = end != NULL ? (size_t)(end - text) : size;

        if (len > 0 && *text != '#' && count++ == 0) {
            *first = (unsigned char)strtoul(text, NULL, 10);
        }
        len += end != NULL;
        text += len;
        size -= len;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    char *text = apr_pstrmemdup(pool, (const char *)data, size);
    unsigned char first = 0;
    size_t count = count_keys(text, size, &first);
    sx_keys_file file = {.owner = geteuid(), .follow_link = true};
    const char *why = NULL;
    sx_keys *keys;
    int fd;

    MUST(sx_crypto_init());
    file.path = file_of(data, size, &fd, pool);
    keys = sx_keys_load(&file, &why, pool);
    MUST((keys != NULL) == (why == NULL));
    if (keys != NULL) {
        MUST(count >= 1 && count <= SX_KEYS_PER_FILE);
        MUST(sx_keys_first(keys) == first);
        MUST(sx_keys_get(keys, first, SX_PURPOSE_ID) != NULL);
    }
    else {
        MUST(strstr(why, file.path) != NULL && strlen(why) < 300);
        for (const char *at = why; *at; at++) {
            MUST(isprint((unsigned char)*at));
        }
    }
    sx_keys_free(keys);
    close(fd);
    apr_pool_destroy(pool);
    return 0;
}
