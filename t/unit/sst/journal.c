/* SPDX-License-Identifier: Apache-2.0 */
/* What was ended after a snapshot's walk had found it does not come back with
 * the snapshot: not by removal, alias, eviction or epoch, and not if whoever
 * ended it dies at any point. */
#include "journal.h"

#define RECORDS 40

static void make_file(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)!write(fd, "x", 1);
    close(fd);
}

/* Everything that ends a record, and what ends none. */
static void test_ends(const scratch *at)
{
    refill how = {0};
    shm_store *store = server(at, &how), *tool;
    shm_store_config config = config_of(at, 0);
    unsigned char key[SST_KEY_LEN];
    stream dump = {0};
    shm_meta meta, alias;
    char err[300];

    ok(attached.journal[0] == '\0' && journal_size(1) == 32,
       "a server with a snapshot keeps a journal from its start");
    for (uint64_t i = 1; i <= 12; i++) {
        (void)put(store, i, SST_USER, i == 7 || i == 8 ? 77 : i);
    }
    is_int(snapshot(store, &dump), 2, "a snapshot is the next generation");
    shm_store_snapshot_done(store, 2, START_MS);
    is_int(journal_size(1), -1, "the journal of before is not needed any more");
    is_int(journal_size(2), 32, "and there is one of its own");
    is_int(shm_store_remove(store, key_of(1, key), 0), SST_OK, "removed");
    meta = put(store, 13, SST_USER, 13);
    is_int(shm_store_remove(store, key_of(2, key), meta.token + 99),
           SST_CHANGED, "not removed, by a wrong token");
    (void)!shm_store_get(store, key_of(3, key), out, sizeof(out), &meta, 0,
                         START_MS);
    alias = meta;
    alias.kind = SST_ALIAS;
    is_int(shm_store_put_if(store, key, meta.token, "alias", 5, &alias, NULL,
                            START_MS),
           SST_OK, "an alias takes a session's place");
    (void)!shm_store_get(store, key_of(4, key), out, sizeof(out), &meta, 0,
                         START_MS);
    is_int(shm_store_put_if(store, key, meta.token, "again", 5, &meta, NULL,
                            START_MS),
           SST_OK, "a session is written");
    meta = meta_of(SST_EPOCH, START_MS, HOUR_MS);
    meta.user_tag = 77;
    is_int(shm_store_put_if(store, key_of(99, key), 0, "", 0, &meta, NULL,
                            START_MS),
           SST_OK, "an epoch ends two");
    tool =
        shm_store_open((config.is_server = false, &config), err, sizeof(err));
    ok(tool != NULL && shm_store_attach(tool, START_MS, &attached) == SST_OK,
       "a tool joins, which knows of no snapshot");
    if (tool != NULL) {
        is_int(shm_store_remove(tool, key_of(5, key), 0), SST_OK,
               "and removes one");
    }
    is_int(journal_size(2), 32 * 5, "four ends and no more are in the journal");
    shm_store_close(tool);
    shm_store_close(store);

    scratch_unlink(at, "");
    how.dump = &dump;
    store = server(at, &how);
    is_int(attached.result, SST_ATTACH_FORMATTED, "the segment was lost");
    is_int(how.report.ended, 5, "five are not restored");
    ok(!has(store, 1) && !has(store, 3) && !has(store, 5),
       "those that were removed or renewed away");
    ok(!has(store, 7) && !has(store, 8), "those of the epoch's user");
    ok(has(store, 2) && has(store, 4) && has(store, 6) && has(store, 12),
       "the others are");
    ok(!has(store, 13), "what came later is lost");
    ok(journal_size(2) > 0 && journal_size(3) == 32,
       "and a new generation has begun");
    is_int(shm_store_remove(store, key_of(6, key), 0), SST_OK,
           "one more is removed");
    shm_store_close(store);
    scratch_unlink(at, "");
    store = server(at, &how);
    ok(!has(store, 6) && !has(store, 1) && has(store, 2),
       "a second restore from the same snapshot knows both journals");
    shm_store_close(store);
    free(dump.bytes);
    clear(at);
}

static void test_eviction(const scratch *at)
{
    refill how = {0};
    shm_store *store = server(at, &how);
    unsigned char key[SST_KEY_LEN];
    static unsigned char big[700];
    stream dump = {0};
    shm_meta meta;
    int revived = 0, gone = 0;
    unsigned char *live = calloc(1, 4000);

    for (uint64_t i = 0; i < 2000; i++) {
        meta = meta_of(SST_ANONYMOUS, START_MS, HOUR_MS);
        (void)!shm_store_put_if(store, key_of(i, key), 0, big, sizeof(big),
                                &meta, NULL, START_MS);
    }
    (void)snapshot(store, &dump);
    for (uint64_t i = 2000; i < 2200; i++) {
        meta = meta_of(SST_USER, START_MS, HOUR_MS);
        (void)!shm_store_put_if(store, key_of(i, key), 0, big, sizeof(big),
                                &meta, NULL, START_MS);
    }
    for (uint64_t i = 0; i < 2000; i++) {
        live[i] = has(store, i);
    }
    shm_store_close(store);
    scratch_unlink(at, "");
    how.dump = &dump;
    store = server(at, &how);
    for (uint64_t i = 0; i < 2000; i++) {
        gone += !live[i];
        revived += !live[i] && has(store, i);
    }
    ok(gone > 100 && how.report.ended > 100 && revived == 0,
       "none of those evicted since comes back (%d ended)",
       (int)how.report.ended);
    shm_store_close(store);
    free(live);
    free(dump.bytes);
    clear(at);
}

/* The race that the look under the lock is for. */
static void test_generation(const scratch *at)
{
    refill how = {0};
    shm_store *store = server(at, &how);
    unsigned char key[SST_KEY_LEN];
    sst_noted noted = {0};
    uint64_t first, second;

    (void)put(store, 1, SST_USER, 1);
    ok(!sst_journal_may_end(store, &noted, 5), "an end has to be noted first");
    sst_journal_note(store, key_of(1, key), &noted);
    ok(sst_journal_may_end(store, &noted, 5), "then it may be");
    ok(!sst_journal_may_end(store, &noted, 6),
       "but not if the record was replaced meanwhile");
    noted.token = 5;
    first = shm_store_snapshot_begin(store);
    ok(!sst_journal_may_end(store, &noted, 5),
       "nor if a snapshot was begun meanwhile");
    ok(shm_store_snapshot_counts(store, first), "which counts");
    second = shm_store_snapshot_begin(store);
    ok(second > first && !shm_store_snapshot_counts(store, first),
       "until another one is begun");
    shm_store_close(store);
    clear(at);
}

/* A process ends sessions while snapshots are made, and dies at its ${k}-th
 * store.  Whatever the segment says has ended must not be in a restore. */
static bool dies_at(const scratch *at, long k, bool *died)
{
    refill how = {0};
    shm_store *store = server(at, &how);
    unsigned char key[SST_KEY_LEN];
    stream dump = {0};
    bool right = true, ended[RECORDS + 1];
    int status;
    pid_t pid;

    for (uint64_t i = 1; i <= RECORDS; i++) {
        (void)put(store, i, SST_USER, i);
    }
    (void)snapshot(store, &dump);
    pid = fork();
    if (pid == 0) {
        sst_test.count = 0;
        sst_test.die_at = k;
        for (uint64_t i = 1; i <= RECORDS; i++) {
            (void)!shm_store_remove(store, key_of(i, key), 0);
        }
        _exit(0);
    }
    waitpid(pid, &status, 0);
    *died = WIFSIGNALED(status);
    for (uint64_t i = 1; i <= RECORDS; i++) {
        ended[i] = !has(store, i);
    }
    shm_store_close(store);
    scratch_unlink(at, "");
    how.dump = &dump;
    store = server(at, &how);
    for (uint64_t i = 1; i <= RECORDS; i++) {
        right = right && !(ended[i] && has(store, i));
    }
    right = right && how.status == SST_OK;
    shm_store_close(store);
    free(dump.bytes);
    clear(at);
    return right;
}

static void test_deaths(const scratch *at)
{
    bool right = true, died = true;
    long k = 0;

    while (right && died) {
        k++;
        right = dies_at(at, k, &died);
        k += k > 30 ? 6 : 0;
    }
    ok(right && k > 100, "whoever ends sessions dies, at any of %ld stores", k);
}

/* Many end, one after another, while many snapshots are made; all die. */
static bool storm(const scratch *at, uint64_t seed)
{
    refill how = {0};
    shm_store *store = server(at, &how);
    unsigned char key[SST_KEY_LEN];
    stream dump = {0};
    bool right = true, ended[500];
    pid_t pid;

    for (uint64_t i = 0; i < 500; i++) {
        (void)put(store, i, SST_USER, i + 1);
    }
    pid = fork();
    if (pid == 0) {
        for (uint64_t i = 0; i < 500; i++) {
            (void)!shm_store_remove(store, key_of((i * 7 + seed) % 500, key),
                                    0);
        }
        _exit(0);
    }
    for (uint64_t i = 0; i < 3 + seed % 12; i++) {
        (void)snapshot(store, &dump);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (uint64_t i = 0; i < 500; i++) {
        ended[i] = !has(store, i);
    }
    shm_store_close(store);
    scratch_unlink(at, "");
    how.dump = &dump;
    store = server(at, &how);
    for (uint64_t i = 0; i < 500; i++) {
        right = right && !(ended[i] && has(store, i));
    }
    right = right && how.status == SST_OK;
    shm_store_close(store);
    free(dump.bytes);
    clear(at);
    return right;
}

static void poke_journal(off_t where)
{
    char name[SST_JOURNAL_NAME];
    unsigned char byte;
    int fd;

    journal_path(name, 2);
    fd = open(name, O_RDWR | O_CLOEXEC);
    (void)!pread(fd, &byte, 1, where);
    byte ^= 4;
    (void)!pwrite(fd, &byte, 1, where);
    close(fd);
}

static void damage_case(const scratch *at, int how_damaged, const char *name)
{
    stream dump = {0};
    refill how = {0};
    shm_store *store = with_journal(at, &how, &dump);
    char file[SST_JOURNAL_NAME], moved[SST_JOURNAL_NAME + 8];

    shm_store_close(store);
    scratch_unlink(at, "");
    journal_path(file, 2);
    snprintf(moved, sizeof(moved), "%s.away", file);
    if (how_damaged == 0) {
        poke_journal(32 + 20);
    }
    else if (how_damaged == 1) {
        poke_journal(3);
    }
    else if (how_damaged == 2) {
        (void)!truncate(file, 32 + 40);
    }
    else {
        (void)!rename(file, moved);
        if (how_damaged == 4) {
            (void)!symlink(moved, file);
        }
        else if (how_damaged == 5) {
            (void)!link(moved, file);
        }
    }
    how.dump = &dump;
    store = server(at, &how);
    ok(how.status == SST_DAMAGED && strstr(how.report.why, base) != NULL &&
           count_of(store) == 0,
       "%s refuses the restore: %s", name, how.report.why);
    shm_store_close(store);
    scratch_unlink(at, "");
    how.force = true;
    store = server(at, &how);
    ok(how.status == SST_OK && has(store, 3) && how.report.why[0] != '\0',
       "unless it is forced, and told");
    shm_store_close(store);
    unlink(moved);
    free(dump.bytes);
    clear(at);
}

/* A journal that cannot be written ends the snapshot. */
static void test_unwritable(const scratch *at)
{
    refill how = {0};
    shm_store *store = server(at, &how);
    unsigned char key[SST_KEY_LEN];
    char name[SST_JOURNAL_NAME];
    uint64_t generation;
    pid_t pid;

    (void)put(store, 3, SST_USER, 3);
    generation = shm_store_snapshot_begin(store);
    shm_store_snapshot_done(store, generation, START_MS);
    make_file(base);
    journal_path(name, generation);
    unlink(name);
    (void)mkdir(name, 0700);
    pid = fork();
    if (pid == 0) {
        /* As if it had never looked: a child that joins opens it itself. */
        close(store->journal.fd);
        store->journal.fd = -1;
        _exit(shm_store_remove(store, key_of(3, key), 0) == SST_OK ? 0 : 1);
    }
    waitpid(pid, NULL, 0);
    ok(!has(store, 3), "an end that cannot be noted happens all the same");
    ok(access(base, F_OK) != 0, "but the snapshot is gone");
    ok(!shm_store_snapshot_counts(store, generation),
       "and one that is being made does not count");
    is_int(sst_header(store)->snap_done, 0, "so another one is due at once");
    rmdir(name);
    ok(shm_store_snapshot_counts(store, shm_store_snapshot_begin(store)),
       "the next one does");
    journal_path(name, generation + 1);
    unlink(name);
    make_file(base);
    close(store->journal.fd);
    store->journal.fd = -1;
    sst_journal_sync(store);
    ok(access(base, F_OK) != 0,
       "a journal that is gone is noticed by who syncs it");
    shm_store_close(store);
    clear(at);
}

/* Whoever restores dies in the middle; the next one begins again. */
static void test_restorer_dies(const scratch *at)
{
    stream dump = {0};
    refill how = {0};
    shm_store *store = server(at, &how);
    pid_t pid;
    int status;

    for (uint64_t i = 1; i <= 200; i++) {
        (void)put(store, i, SST_USER, i);
    }
    (void)snapshot(store, &dump);
    shm_store_close(store);
    scratch_unlink(at, "");
    how.dump = &dump;
    pid = fork();
    if (pid == 0) {
        how.dies = true;
        (void)server(at, &how);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(WIFSIGNALED(status), "a process that restores is killed");
    store = server(at, &how);
    is_int(attached.result, SST_ATTACH_RESET, "the next one begins again");
    is_int(how.report.records, 200, "with all of the snapshot");
    is_int(count_of(store), 200, "once");
    check_clean(store, "in a sound store");
    shm_store_close(store);
    free(dump.bytes);
    clear(at);
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv);
    bool right = true;
    scratch at;

    scratch_make(&at);
    snprintf(base, sizeof(base), "%s/snapshot", at.dir);
    test_ends(&at);
    test_eviction(&at);
    test_generation(&at);
    test_deaths(&at);
    for (int i = 0; i < 60 && right; i++) {
        right = storm(&at, next_random(&seed));
    }
    ok(right, "nothing ended in a storm of snapshots comes back");
    damage_case(&at, 0, "a flipped bit in a journal's entry");
    damage_case(&at, 1, "one in its head");
    damage_case(&at, 2, "an entry cut short");
    damage_case(&at, 3, "a journal that is missing");
    damage_case(&at, 4, "a symbolic link for one");
    damage_case(&at, 5, "a second link to one");
    test_unwritable(&at);
    test_restorer_dies(&at);
    scratch_remove(&at);
    return done_testing();
}
