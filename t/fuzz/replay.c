/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives a fuzz target every file of its corpus, and of each file variations
 * that follow from a seed, so that make check does what a fuzzer does for a
 * moment.  Files named as arguments are tried as they are: reproducers.
 */
#include <dirent.h>

#include "fuzz.h"
#include "tap.h"

#define ROOM       (64 << 10)
#define VARIATIONS 150

static uint8_t bytes[ROOM];
static unsigned tried;

/* Of exactly its size, so that a read beyond the end is one. */
static void try_bytes(const uint8_t *from, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    if (copy != NULL) {
        memcpy(copy, from, len);
        (void)LLVMFuzzerTestOneInput(copy, len);
        tried++;
    }
    free(copy);
}

static size_t read_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    size_t len = in != NULL ? fread(bytes, 1, ROOM / 2, in) : 0;

    if (in == NULL || fclose(in) != 0) {
        printf("Bail out! cannot read %s\n", path);
        exit(1);
    }
    return len;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Flip, set, cut, or say twice. */
static size_t vary(uint8_t *at, size_t len, uint64_t *seed)
{
    for (uint64_t i = next(seed) % 8 + 1; i > 0 && len > 0; i--) {
        size_t where = next(seed) % len;

        switch (next(seed) % 5) {
        case 0:
            at[where] ^= (uint8_t)(1 << next(seed) % 8);
            break;
        case 1:
            at[where] = (uint8_t)next(seed);
            break;
        case 2:
            at[where] = (uint8_t) "\0\xff%&=,;+ \"\r"[next(seed) % 11];
            break;
        case 3:
            len = where;
            break;
        default:
            if (len + len - where <= ROOM) {
                memmove(at + len, at + where, len - where);
                len += len - where;
            }
        }
    }
    return len;
}

static void try_file(const char *path, unsigned variations, uint64_t *seed)
{
    static uint8_t varied[ROOM];
    size_t len = read_file(path);

    try_bytes(bytes, len);
    for (unsigned i = 0; i < variations; i++) {
        memcpy(varied, bytes, len);
        try_bytes(varied, vary(varied, len, seed));
    }
}

static unsigned try_corpus(const char *dir, uint64_t *seed)
{
    const struct dirent *entry;
    DIR *list = opendir(dir);
    unsigned files = 0;

    while (list != NULL && (entry = readdir(list)) != NULL) {
        char path[1400];

        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
            try_file(path, VARIATIONS, seed);
            files++;
        }
    }
    if (list != NULL) {
        closedir(list);
    }
    return files;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    uint64_t seed = 1;
    char dir[1024];
    unsigned files = 0;

    alarm(120); /* a loop is a failure, not a wait */
    for (int i = 1; i < argc; i++) {
        try_file(argv[i], 0, &seed);
        files++;
    }
    if (argc == 1) {
        snprintf(dir, sizeof(dir), "%s/%s", CORPUS,
                 slash != NULL ? slash + 1 : argv[0]);
        files = try_corpus(dir, &seed);
    }
    diag("%u inputs of %u files", tried, files);
    ok(files > 0, "what must hold holds for the whole corpus");
    return done_testing();
}
