/* SPDX-License-Identifier: Apache-2.0 */
/* With which generation a server begins its journal, or that it keeps none,
 * whatever the segment says of the one before. */
#include "journal.h"

/* A server whose configuration no longer names a snapshot keeps none. */
static void test_given_up(const scratch *at)
{
    stream dump = {0};
    refill how = {0};
    shm_store *store = with_journal(at, &how, &dump);
    unsigned char key[SST_KEY_LEN];
    off_t size = journal_size(2);

    shm_store_close(store);
    store = store_new(at, MIB);
    ok(!shm_store_snapshot_counts(store, 2), "the last one counts no more");
    is_int(shm_store_remove(store, key_of(3, key), 0), SST_OK,
           "without snapshot= an end");
    is_int(journal_size(2), size, "is noted nowhere");
    shm_store_close(store);
    free(dump.bytes);
    clear(at);
}

/* A name for the snapshot that the segment has no room for. */
static void test_cannot(const scratch *at)
{
    char own[sizeof(base)];
    stream dump = {0};
    refill how = {0};
    shm_store *store = with_journal(at, &how, &dump);
    size_t len = strlen(at->dir);

    shm_store_close(store);
    memcpy(own, base, sizeof(own));
    snprintf(base, sizeof(base), "%s", at->dir);
    while (len + 2 < SST_SNAP_PATH) {
        memcpy(base + len, "/.", 3);
        len += 2;
    }
    snprintf(base + len, sizeof(base) - len, "/snapshot");
    store = server(at, &how);
    ok(strstr(attached.journal, "no journal can be kept") != NULL,
       "a server that can keep no journal says so");
    ok(!shm_store_snapshot_counts(store, 2), "and no snapshot counts");
    shm_store_close(store);
    memcpy(base, own, sizeof(own));
    free(dump.bytes);
    clear(at);
}

/* The header of a segment may say anything, and be older than the journals. */
static void test_start(const scratch *at)
{
    stream dump = {0};
    refill how = {0};
    shm_store *store = with_journal(at, &how, &dump);
    char name[SST_JOURNAL_NAME];
    uint64_t generation;

    shm_store_snapshot_done(store, 2, START_MS);
    shm_store_close(store);
    store = server(at, &how);
    is_int(sst_header(store)->snap_done, 0,
           "with a server a first snapshot is due at once");
    sst_header(store)->snap_gen = UINT64_MAX;
    shm_store_close(store);
    store = server(at, &how);
    generation = shm_store_snapshot_begin(store);
    ok(attached.journal[0] == '\0' &&
           shm_store_snapshot_counts(store, generation),
       "a generation behind which there is none does not end all snapshots");
    /* The first one of all is given up, and what it left is removed. */
    sst_header(store)->snap_fail = 1;
    shm_store_close(store);
    store = store_new(at, MIB);
    shm_store_close(store);
    for (uint64_t i = 1; i <= generation; i++) {
        journal_path(name, i);
        unlink(name);
    }
    store = server(at, &how);
    ok(shm_store_snapshot_counts(store, 1),
       "nor does one that was given up once");
    shm_store_close(store);
    free(dump.bytes);
    clear(at);
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    snprintf(base, sizeof(base), "%s/snapshot", at.dir);
    test_given_up(&at);
    test_cannot(&at);
    test_start(&at);
    scratch_remove(&at);
    return done_testing();
}
