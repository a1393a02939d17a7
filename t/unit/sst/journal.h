/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the journal share: a server with a snapshot, which restores it
 * when its segment is new, and the names of journals. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "stream.h"

#include <fcntl.h>

#include "sst_fault.h"
#include "sst_journal.h"

static shm_attach_report attached;
static char base[SST_SNAP_PATH + 16];
static unsigned char out[4096];

/* What attach calls for a fresh segment. */
typedef struct refill {
    stream *dump; /* NULL: nothing is restored */
    bool force;
    bool dies; /* in the middle */
    shm_status status;
    shm_load_report report;
} refill;

static inline bool refill_run(void *baton, shm_store *store, int64_t now_ms)
{
    refill *at = baton;
    shm_load_source source = {.read = stream_read,
                              .baton = at->dump,
                              .snapshot = base,
                              .force = at->force};

    if (at->dump == NULL) {
        return true;
    }
    at->dump->at = 0;
    if (at->dies) {
        sst_test.count = 0;
        sst_test.die_at = 3000;
    }
    at->status = shm_store_load(store, &source, now_ms, &at->report);
    return at->status == SST_OK;
}

static inline shm_store *server(const scratch *at, refill *how)
{
    shm_store_config config = config_of(at, MIB);
    char err[300];
    shm_store *store;

    config.snapshot = base;
    config.on_full = SST_EVICT;
    store = shm_store_open(&config, err, sizeof(err));
    if (store == NULL) {
        printf("Bail out! %s\n", err);
        exit(1);
    }
    shm_store_on_fresh(store, refill_run, how);
    if (shm_store_attach(store, START_MS, &attached) != SST_OK) {
        printf("Bail out! %s\n", attached.why);
        exit(1);
    }
    return store;
}

static inline void journal_path(char *name, uint64_t generation)
{
    sst_journal_name(name, base, generation);
}

static inline off_t journal_size(uint64_t generation)
{
    char name[SST_JOURNAL_NAME];
    struct stat st;

    journal_path(name, generation);
    return stat(name, &st) == 0 ? st.st_size : -1;
}

static inline void clear(const scratch *at)
{
    char name[SST_JOURNAL_NAME];

    scratch_unlink(at, "");
    unlink(base);
    for (uint64_t i = 1; i < 500; i++) {
        journal_path(name, i);
        unlink(name);
    }
}

static inline shm_meta put(shm_store *store, uint64_t number, shm_kind kind,
                           uint64_t tag)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(kind, START_MS - 1000, HOUR_MS);

    meta.user_tag = tag;
    (void)!shm_store_put_if(store, key_of(number, key), 0, "value", 5, &meta,
                            NULL, START_MS);
    return meta;
}

static inline bool has(shm_store *store, uint64_t number)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    return shm_store_get(store, key_of(number, key), out, sizeof(out), &meta, 0,
                         START_MS) == SST_OK;
}

static inline uint64_t snapshot(shm_store *store, stream *dump)
{
    uint64_t generation = shm_store_snapshot_begin(store);

    if (generation == 0 ||
        dump_to(store, dump, generation, START_MS) != SST_OK) {
        printf("Bail out! no snapshot: %s\n", strerror(errno));
        exit(1);
    }
    return generation;
}

/* A good snapshot, and a journal with one end. */
static inline shm_store *with_journal(const scratch *at, refill *how,
                                      stream *dump)
{
    shm_store *store = server(at, how);
    unsigned char key[SST_KEY_LEN];

    for (uint64_t i = 1; i <= 5; i++) {
        (void)put(store, i, SST_USER, i);
    }
    (void)snapshot(store, dump);
    (void)!shm_store_remove(store, key_of(1, key), 0);
    (void)!shm_store_remove(store, key_of(2, key), 0);
    return store;
}

#endif
