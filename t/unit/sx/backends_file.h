/* SPDX-License-Identifier: Apache-2.0 */
/* Files as a stage. */
#ifndef BACKENDS_FILE_H
#define BACKENDS_FILE_H

#include <ftw.h>

#include "stage.h"

#include "sx_store_file.h"
#include "sx_store_file_dir.h"

/* The stage's path is the directory. */
static void file_open(stage *at, uint64_t size, shm_on_full on_full)
{
    sx_file_config config = {.path = at->path,
                             .boot_ms = at->now.boot_ms,
                             .wall_ms = at->now.boot_ms,
                             .boot_id = "a boot"};
    const char *why;

    (void)size;
    (void)on_full;
    /* In memory, where a sync costs nothing: thousands of stores are begun. */
    snprintf(at->path, sizeof(at->path), "%s/sx-test-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(at->path)) {
        stage_give_up("no scratch directory");
    }
    at->realm.store = sx_store_file_open(&config, &why, at->pool);
    if (!at->realm.store) {
        stage_give_up(why);
    }
}

static int file_remove(const char *path, const struct stat *st, int type,
                       struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void file_close(stage *at)
{
    if (nftw(at->path, file_remove, 8, FTW_DEPTH | FTW_PHYS) != 0) {
        stage_give_up("the scratch directory cannot be removed");
    }
}

static long long file_count;

static int file_count_one(const char *path, const struct stat *st, int type,
                          struct FTW *at)
{
    unsigned char key[SX_STORE_KEY_LEN];

    (void)st;
    file_count += type == FTW_F && sx_file_key_of(path + at->base, key);
    return 0;
}

static long long file_records(stage *at)
{
    file_count = 0;
    return nftw(at->path, file_count_one, 8, FTW_PHYS) == 0 ? file_count : -1;
}

static void file_spoil(stage *at, const unsigned char *key)
{
    char name[SX_FILE_NAME];
    FILE *file;

    sx_file_name(key, name);
    file = fopen(apr_pstrcat(at->pool, at->path, "/", name, NULL), "r+b");
    if (!file || fseek(file, -1, SEEK_END) != 0 || fputc('!', file) == EOF ||
        fclose(file) != 0) {
        stage_give_up("nothing to spoil");
    }
}

static const stage_backend stage_file = {.name = "file",
                                         .max_record = SX_FILE_RECORD_MAX,
                                         .open = file_open,
                                         .close = file_close,
                                         .records = file_records,
                                         .spoil = file_spoil};

#endif
