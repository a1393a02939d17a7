/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is what lies in a directory of sessions: a record as it is (0), a
 * record with any facts and right checks (1), or DIR/store (2).  Whatever it
 * is, calls answer; a record is given out only if it is the one that was put
 * there whole, and one that cannot be believed is out of the way.
 */
#include "pool.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apr_strings.h>
#include "sx_store_file_dir.h"
#include "sx_store_file_record.h"

#define NOW 1750000000000

static char dir[64];
static const unsigned char key[SX_STORE_KEY_LEN] =
    "a key of a record in a file";

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_dir(void)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static sx_store *open_store(apr_pool_t *pool)
{
    sx_file_config config = {
        .path = dir, .boot_ms = 1000, .wall_ms = NOW, .boot_id = "a boot"};
    const char *why;

    if (!dir[0]) {
        snprintf(dir, sizeof(dir), "%s/sx-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        MUST(mkdtemp(dir) != NULL && atexit(remove_dir) == 0);
    }
    return sx_store_file_open(&config, &why, pool);
}

static void write_file(const char *name, const void *bytes, size_t len,
                       apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, dir, "/", name, NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    MUST(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0);
}

static bool count(void *baton, const unsigned char *shown,
                  const sx_record_meta *meta, size_t bytes)
{
    (void)meta;
    (void)bytes;
    MUST(memcmp(shown, key, sizeof(key)) == 0);
    ++*(int *)baton;
    return true;
}

/* All that can be asked of it. */
static void ask(sx_store *store, const sx_str *whole, apr_pool_t *pool)
{
    const sx_store_ops *ops = store->ops;
    sx_record_meta meta = {0}, put;
    sx_str bytes;
    sx_sweep_report report = {0};
    int shown = 0;
    sx_answer answer =
        ops->get(store, key, &bytes, &meta, SX_COMMIT_GRACE_MS, NOW, pool);

    MUST(answer == SX_STORE_OK || answer == SX_STORE_MISS ||
         answer == SX_STORE_DAMAGED);
    if (answer == SX_STORE_OK)
        MUST(whole && sx_str_eq(bytes, *whole) && sx_record_meta_ok(&meta));
    if (answer == SX_STORE_DAMAGED)
        MUST(ops->get(store, key, &bytes, &meta, 0, NOW, pool) ==
             SX_STORE_MISS);
    MUST(ops->each(store, count, &shown, NOW, pool) == SX_STORE_OK);
    MUST(shown <= (answer == SX_STORE_OK));
    ops->touch(store, key, NOW + 1000, NOW);
    while (!report.finished)
        MUST(ops->sweep(store, 1000000, NOW, &report) == SX_STORE_OK);
    put = (sx_record_meta){.kind = SX_USER,
                           .created_ms = NOW,
                           .expires_ms = NOW + 1000,
                           .hard_end_ms = NOW + 1000};
    answer = ops->put_if(store, key, 0, sx_str_of("new"), &put, NOW);
    MUST(answer == SX_STORE_OK || answer == SX_STORE_CHANGED);
    MUST(answer != SX_STORE_OK || put.token > 0);
    MUST(ops->remove(store, key, 0) == SX_STORE_OK);
}

static int64_t take_time(fuzz_input *in)
{
    return (int64_t)((uint64_t)fuzz_take(in, 4) << 32 | fuzz_take(in, 4));
}

static sx_record_meta take_meta(fuzz_input *in)
{
    sx_record_meta meta = {.kind = (sx_kind)fuzz_take(in, 1)};

    meta.created_ms = take_time(in);
    meta.last_access_ms = take_time(in);
    meta.expires_ms = take_time(in);
    meta.hard_end_ms = take_time(in);
    meta.token = (uint64_t)take_time(in);
    return meta;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    apr_pool_t *pool = pool_for_one();
    uint64_t what = fuzz_take(&in, 1) % 3;
    char name[SX_FILE_NAME], bucket[80];
    unsigned char *bytes;
    sx_record_meta meta;
    sx_store *store = open_store(pool);
    sx_str value;

    MUST(store != NULL);
    sx_file_name(key, name);
    snprintf(bucket, sizeof(bucket), "%s/%.2s", dir, name);
    mkdir(bucket, 0700);
    if (what == 0) {
        write_file(name, in.at, in.left, pool);
        /* By chance nothing is whole. */
        ask(store, NULL, pool);
    }
    else if (what == 1) {
        meta = take_meta(&in);
        value = (sx_str){(const char *)in.at, in.left};
        bytes = apr_palloc(pool, SX_FILE_HEAD_LEN + value.len);
        sx_file_head_make(bytes, key, value, &meta);
        memcpy(bytes + SX_FILE_HEAD_LEN, value.p, value.len);
        write_file(name, bytes, SX_FILE_HEAD_LEN + value.len, pool);
        ask(store, &value, pool);
    }
    else {
        write_file("store", in.at, in.left, pool);
        /* It is read or made anew, or of another version. */
        store = open_store(pool);
        if (store)
            ask(store, NULL, pool);
        write_file("store", "", 0, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
