/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one layout to the next.  A program with this header is the store twice:
 * the functions that every test calls are the server before, and next_* are
 * those of a build in which nothing of the layout is where it was
 * (SST_TEST_LAYOUT).  Both use one handle, as two builds of a module do over a
 * graceful restart.
 */
#ifndef MIGRATE_H
#define MIGRATE_H

#include "util.h"

#include <fcntl.h>

#include "sst_bus.h"
#include "sst_fault.h"
#include "sst_layout.h"

extern __typeof__(shm_store_attach) next_shm_store_attach;
extern __typeof__(shm_store_check) next_shm_store_check;
extern __typeof__(shm_store_get) next_shm_store_get;
extern __typeof__(shm_store_put_if) next_shm_store_put_if;
extern __typeof__(shm_store_stats) next_shm_store_stats;
extern __typeof__(sst_bus_unwatch) next_sst_bus_unwatch;
extern sst_test_hooks next_sst_test;

/* Each build has a list of what it guards, and either may have attached it. */
static inline void close_both(shm_store *store)
{
    next_sst_bus_unwatch(store);
    shm_store_close(store);
}

#define COUNT 90
#define NOW   START_MS
#define LATER (NOW + 5000)

static const size_t lengths[] = {0,   1,    72,   73,   200,  255,  500,  1000,
                                 423, 3000, 4007, 4008, 4009, 9000, 20000};
static shm_meta expected[COUNT]; /* token 0: it is gone */
static uint64_t highest;
static unsigned char value[SST_MAX_RECORD_MAX];
static shm_attach_report report;
static char err[300];

static TAP_UNUSED shm_store *open_server(const scratch *at, uint64_t size)
{
    shm_store_config config = config_of(at, size);
    shm_store *store = shm_store_open(&config, err, sizeof(err));

    if (store == NULL) {
        printf("Bail out! open: %s\n", err);
        exit(1);
    }
    return store;
}

static TAP_UNUSED off_t length_of_file(const scratch *at)
{
    struct stat st;

    return stat(at->path, &st) == 0 ? st.st_size : -1;
}

/* ---- what the server before writes --------------------------------------- */

static TAP_UNUSED void write_one(shm_store *store, unsigned no, uint64_t token)
{
    unsigned char key[SST_KEY_LEN];
    size_t len = lengths[no % (sizeof(lengths) / sizeof(*lengths))];
    shm_meta meta = {.kind = (shm_kind)(SST_ANONYMOUS + no % 5),
                     .ns = no % 7,
                     .user_tag = UINT64_C(0x1111111111111111) * (no % 4),
                     .handle = UINT64_C(0xfeed000000000000) + no,
                     .created_ms = NOW - 1000 * (int64_t)no,
                     .last_access_ms = NOW - 100 * (int64_t)no,
                     .expires_ms = NOW + HOUR_MS + 700 * (int64_t)no,
                     .hard_end_ms = NOW + 9 * HOUR_MS + 100 * (int64_t)no};

    value_fill(value, len, no);
    if (shm_store_put_if(store, key_of(no, key), token, value, len, &meta, NULL,
                         NOW) != SST_OK ||
        shm_store_get(store, key, value, sizeof(value), &expected[no], 0,
                      NOW) != SST_OK) {
        printf("Bail out! record %u cannot be written\n", no);
        exit(1);
    }
    highest = meta.token > highest ? meta.token : highest;
}

/* Replaced, touched and removed ones among them; the last token that was given
 * belongs to none that is left. */
static TAP_UNUSED void write_all(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];

    highest = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        write_one(store, i, 0);
    }
    for (unsigned i = 0; i < COUNT; i += 9) {
        write_one(store, i, expected[i].token);
    }
    for (unsigned i = 0; i < COUNT; i += 6) {
        (void)!shm_store_touch(store, key_of(i, key), NOW + 2 * HOUR_MS,
                               NOW + 300);
        (void)!shm_store_get(store, key, value, sizeof(value), &expected[i], 0,
                             NOW);
    }
    for (unsigned i = 4; i < COUNT; i += 10) {
        write_one(store, i, expected[i].token);
        (void)!shm_store_remove(store, key_of(i, key), 0);
        expected[i].token = 0;
    }
}

static TAP_UNUSED uint64_t live(void)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < COUNT; i++) {
        count += expected[i].token != 0;
    }
    return count;
}

static TAP_UNUSED void make_old(const scratch *at)
{
    shm_store *store;

    scratch_unlink(at, "");
    store = store_new(at, MIB);
    write_all(store);
    close_both(store);
}

/* ---- what the server behind it finds ------------------------------------- */

static TAP_UNUSED bool same_meta(const shm_meta *a, const shm_meta *b)
{
    return a->kind == b->kind && a->ns == b->ns && a->user_tag == b->user_tag &&
           a->handle == b->handle && a->created_ms == b->created_ms &&
           a->last_access_ms == b->last_access_ms &&
           a->expires_ms == b->expires_ms && a->hard_end_ms == b->hard_end_ms &&
           a->token == b->token && a->value_len == b->value_len;
}

/* "" or what is wrong. */
static TAP_UNUSED const char *compare(shm_store *store)
{
    static char why[200];
    shm_stats stats;

    for (unsigned i = 0; i < COUNT; i++) {
        unsigned char key[SST_KEY_LEN];
        shm_meta meta;
        shm_status status = next_shm_store_get(store, key_of(i, key), value,
                                               sizeof(value), &meta, 0, LATER);

        if (expected[i].token == 0
                ? status != SST_MISS
                : status != SST_OK || !same_meta(&meta, &expected[i]) ||
                      !value_is(value, meta.value_len, i)) {
            snprintf(why, sizeof(why), "record %u: %s", i,
                     shm_status_str(status));
            return why;
        }
    }
    if (next_shm_store_check(store, why, sizeof(why)) != SST_OK) {
        return why;
    }
    return next_shm_store_stats(store, &stats) == SST_OK && stats.damaged == 0
               ? ""
               : "something was found damaged";
}

static TAP_UNUSED void is_same(shm_store *store, const char *name)
{
    const char *why = compare(store);

    if (!ok(*why == '\0', "%s", name)) {
        diag("%s", why);
    }
}

typedef struct attached {
    shm_status status;
    shm_attach_report report;
} attached;

/* Attach in a child, and say how it went; then go. */
static TAP_UNUSED pid_t begin_next(shm_store *store, int from, int to)
{
    pid_t pid = fork();

    if (pid == 0) {
        attached told = {0};
        char byte;

        if (from >= 0) {
            (void)!read(from, &byte, 1);
        }
        told.status = next_shm_store_attach(store, LATER, &told.report);
        (void)!write(to, &told, sizeof(told));
        _exit(0);
    }
    return pid;
}

static TAP_UNUSED shm_status attach_next(shm_store *store)
{
    attached told = {0};
    int fds[2];
    pid_t pid;

    (void)!pipe(fds);
    pid = begin_next(store, -1, fds[1]);
    (void)!read(fds[0], &told, sizeof(told));
    waitpid(pid, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    report = told.report;
    return told.status;
}

static unsigned char image[MIB];

static TAP_UNUSED void image_take(const scratch *at)
{
    int fd = open(at->path, O_RDWR | O_CLOEXEC);

    is_int(pread(fd, image, sizeof(image), 0), sizeof(image),
           "an image is taken");
    close(fd);
}

/* In the file that is there: a segment is known by its inode. */
static TAP_UNUSED void image_put(const scratch *at)
{
    int fd = open(at->path, O_RDWR | O_CLOEXEC);

    (void)!ftruncate(fd, sizeof(image));
    (void)!pwrite(fd, image, sizeof(image), 0);
    close(fd);
}

#endif
