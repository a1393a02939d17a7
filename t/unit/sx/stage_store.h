/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of a stage: what a test has to know of a backend and to do to it
 * beside the contract, and the one that stages have by themselves, a real
 * segment in a file of its own.
 */
#ifndef STAGE_STORE_H
#define STAGE_STORE_H

#include <apr_general.h>
#include <apr_strings.h>

#include "sx_command.h"
#include "sx_commit.h"
#include "shm_stats.h"
#include "sx_store_shm.h"
#include "tap.h"

#define MIB    ((uint64_t)1 << 20)
#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

typedef struct stage stage;

/* What a backend cannot do. */
enum {
    CANNOT_EACH = 1,
    CANNOT_SWEEP = 2,
    CANNOT_QUEUE = 4,
    CANNOT_COUNT = 8,    /* nobody knows how many records there are */
    CANNOT_COMPARE = 16, /* but between requests that run at the same time */
    CANNOT_SPOIL = 32    /* a record that is damaged is no record of it */
};

/* A store to test on: what is no part of the contract of stores, but what a
 * test must do to one. */
typedef struct stage_backend {
    const char *name;
    unsigned cannot;
    size_t max_record; /* bytes */
    void (*open)(stage *at, uint64_t size, shm_on_full on_full);
    void (*close)(stage *at);
    /** All records, ended ones included: an orphan cannot hide. */
    long long (*records)(stage *at);
    /** Change a byte of the value under ${key}, behind the store's back. */
    void (*spoil)(stage *at, const unsigned char *key);
    /** Behind each call of a store whose handle is of one request: the client
     *  comes again.  NULL: the handle stays. */
    void (*turn)(stage *at);
    /** Where the store is that a gate may be put in front of; NULL:
     *  at->realm.store. */
    sx_store **(*inner)(stage *at);
    /** Such a request's handle: of a client that holds ${cookie}, whose id is
     *  left in ${value}; NULL: at->realm.store is for all. */
    sx_store *(*arrive)(stage *at, sx_str *value, size_t count);
} stage_backend;

struct stage {
    apr_pool_t *pool;
    char path[64];
    shm_store *segment;
    sx_keys *keys;
    sx_realm realm;
    sx_now now;
    struct stage_visit *visits; /* of backends that have a handle for each */
    struct stage_given *given;
    apr_array_header_t *jar; /* of sx_str: what a client holds, by stage_key */
};

/* Which handle a request was loaded with, and which cookie its response has
 * left with the client. */
typedef struct stage_visit {
    struct stage_visit *next;
    const sx_loaded *loaded;
    sx_store *store;
} stage_visit;

typedef struct stage_given {
    struct stage_given *next;
    const sx_committed *done;
    const char *cookie;
} stage_given;

__attribute__((noreturn)) static inline void stage_give_up(const char *why)
{
    printf("Bail out! %s\n", why);
    exit(1);
}

/* Keys whose first bytes are ${kids}: the same kid is the same key. */
static inline sx_keys *stage_keys(const unsigned char *kids, size_t count)
{
    unsigned char secrets[SX_KEYS_PER_FILE][SX_SECRET_LEN];

    for (size_t i = 0; i < count; i++) {
        memset(secrets[i], kids[i], SX_SECRET_LEN);
    }
    return sx_keys_from_memory(
        kids, (const unsigned char(*)[SX_SECRET_LEN])secrets, count);
}

static inline void stage_segment(stage *at, uint64_t size, shm_on_full on_full)
{
    shm_store_config config = {.path = at->path,
                               .size = size,
                               .max_record = 256 * 1024,
                               .on_full = on_full,
                               .owner = geteuid(),
                               .is_server = true};
    shm_attach_report report;
    char err[300];
    int fd;

    memcpy(at->path, "/tmp/sx-test-XXXXXX", sizeof("/tmp/sx-test-XXXXXX"));
    fd = mkstemp(at->path);
    if (fd < 0) {
        stage_give_up("no scratch file");
    }
    close(fd);
    at->segment = shm_store_open(&config, err, sizeof(err));
    if (!at->segment) {
        stage_give_up(err);
    }
    if (shm_store_attach(at->segment, at->now.boot_ms, &report) != SST_OK) {
        stage_give_up(report.why);
    }
}

static void stage_open_shm(stage *at, uint64_t size, shm_on_full on_full)
{
    stage_segment(at, size, on_full);
    at->realm.store = sx_store_shm_create(at->segment, at->pool);
}

static void stage_close_shm(stage *at)
{
    shm_store_close(at->segment);
    unlink(at->path);
}

static long long stage_records_shm(stage *at)
{
    shm_stats stats;

    return shm_store_stats(at->segment, &stats) == SST_OK
               ? (long long)stats.records
               : -1;
}

/* Its value must be nowhere else in the file. */
static void stage_spoil_shm(stage *at, const unsigned char *key)
{
    static char file[4 * 1048576];
    FILE *segment = fopen(at->path, "r+b");
    size_t len;
    sx_record_meta meta;
    sx_str value;
    char *found;

    if (at->realm.store->ops->get(at->realm.store, key, &value, &meta, 0,
                                  at->now.boot_ms, at->pool) != SX_STORE_OK ||
        !segment)
        stage_give_up("nothing to spoil");
    len = fread(file, 1, sizeof(file), segment);
    found = memmem(file, len, value.p, value.len);
    if (!found)
        stage_give_up("the value is not in the file");
    *found ^= 1;
    if (fseek(segment, found - file, SEEK_SET) != 0 ||
        fwrite(found, 1, 1, segment) != 1 || fclose(segment) != 0)
        stage_give_up("the value cannot be spoiled");
}

static const stage_backend stage_shm = {.name = "shm",
                                        .max_record = 256 * 1024,
                                        .open = stage_open_shm,
                                        .close = stage_close_shm,
                                        .records = stage_records_shm,
                                        .spoil = stage_spoil_shm};

static const stage_backend *stage_on = &stage_shm;

/* From now on stages are begun on ${backend}. */
static inline void stage_use(const stage_backend *backend)
{
    stage_on = backend;
}

static inline bool stage_can(unsigned what)
{
    return !(stage_on->cannot & what);
}

#endif
