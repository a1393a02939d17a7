/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a snapshot: what is written comes back, whatever was changed in
 * it is noticed before anything counts, and nobody finds half of one. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>

#include "stage.h"

#include "sx_snapshot.h"

#define RECORDS 400

static char dir[64], store_path[96], path[96];
static sx_keys *keys;
static char why[600];
static shm_load_report report;

static int64_t now(void)
{
    return shm_store_clock_ms();
}

static shm_store *store_at(bool is_server)
{
    shm_store_config config = {.path = store_path,
                               .size = 4 * MIB,
                               .max_record = 256 * 1024,
                               .owner = geteuid(),
                               .is_server = is_server,
                               .snapshot = is_server ? path : NULL};
    shm_attach_report attached;
    char err[300];
    shm_store *store = shm_store_open(&config, err, sizeof(err));

    if (store == NULL || shm_store_attach(store, now(), &attached) != SST_OK) {
        stage_give_up(store == NULL ? err : attached.why);
    }
    return store;
}

static const unsigned char *key_of(unsigned no, unsigned char key[SST_KEY_LEN])
{
    memset(key, 3, SST_KEY_LEN);
    memcpy(key, &no, sizeof(no));
    return key;
}

static void fill(shm_store *store)
{
    static unsigned char value[3000];
    unsigned char key[SST_KEY_LEN];

    memset(value, 'v', sizeof(value));
    for (unsigned i = 0; i < RECORDS; i++) {
        shm_meta meta = {.kind = SST_USER,
                         .created_ms = now(),
                         .last_access_ms = now(),
                         .expires_ms = now() + HOUR,
                         .hard_end_ms = now() + HOUR};

        (void)!shm_store_put_if(store, key_of(i, key), 0, value, 500 + i * 5,
                                &meta, NULL, now());
    }
}

static uint64_t count(shm_store *store)
{
    shm_stats stats;

    return shm_store_stats(store, &stats) == SST_OK ? stats.records : 999999;
}

static sx_snapshot snapshot_of(shm_store *store, bool journal)
{
    return (sx_snapshot){
        .store = store, .path = path, .keys = keys, .journal = journal};
}

static bool write_one(shm_store *store, bool journal)
{
    sx_snapshot snapshot = snapshot_of(store, journal);
    shm_dump_report dumped;

    return sx_snapshot_write(&snapshot, now(), &dumped, why, sizeof(why));
}

static sx_restored restore_to(shm_store *store, bool force)
{
    sx_snapshot snapshot = snapshot_of(store, true);

    return sx_snapshot_restore(&snapshot, force, now(), &report, why,
                               sizeof(why));
}

/* A store that holds nothing, in another file. */
static shm_store *empty_store(void)
{
    unlink(store_path);
    return store_at(true);
}

static int files_beside(const char *part)
{
    const struct dirent *entry;
    DIR *list = opendir(dir);
    int found = 0;

    while ((entry = readdir(list)) != NULL) {
        found += strstr(entry->d_name, part) != NULL;
    }
    closedir(list);
    return found;
}

static void poke(off_t where, unsigned char flip)
{
    unsigned char byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);

    (void)!pread(fd, &byte, 1, where);
    byte ^= flip;
    (void)!pwrite(fd, &byte, 1, where);
    close(fd);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[8192];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got;

    while ((got = read(in, bytes, sizeof(bytes))) > 0) {
        (void)!write(out, bytes, (size_t)got);
    }
    close(in);
    close(out);
}

/* The directory with all that is in it. */
static void remove_all(void)
{
    const struct dirent *entry;
    DIR *list = opendir(dir);

    while ((entry = readdir(list)) != NULL) {
        (void)unlinkat(dirfd(list), entry->d_name, 0);
    }
    closedir(list);
    rmdir(dir);
}

static off_t size_of(void)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void refused(shm_store *store, const char *needle, const char *name)
{
    sx_restored result = restore_to(store, false);

    ok(result == SX_RESTORE_REFUSED && strstr(why, needle) != NULL &&
           strstr(why, path) != NULL && strchr(why, '\n') == NULL &&
           count(store) == 0,
       "%s: %s", name, why);
}

static void test_round_trip(void)
{
    shm_store *store = store_at(true);
    struct stat st;

    fill(store);
    ok(write_one(store, true), "a snapshot is written: %s", why);
    ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600,
       "readable by nobody else");
    ok(st.st_size > RECORDS * 500, "%ld bytes of it", (long)st.st_size);
    is_int(files_beside(".tmp."), 0, "and nothing lies about");
    is_int(files_beside(".journal."), 1, "but its journal");
    shm_store_close(store);
    store = empty_store();
    is_int(restore_to(store, false), SX_RESTORE_DONE, "it is restored");
    ok(report.records == RECORDS && count(store) == RECORDS && why[0] == '\0',
       "all of it");
    shm_store_close(store);
}

static void test_secret(void)
{
    unsigned char *bytes = malloc((size_t)size_of());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, bytes, (size_t)size_of());

    close(fd);
    ok(got > 0 && memmem(bytes, (size_t)got, "vvvvvvvv", 8) == NULL,
       "no value lies in it in the clear");
    free(bytes);
}

static void test_changed(void)
{
    shm_store *store = empty_store();
    off_t size = size_of();
    int missed = 0, tried = 0;

    for (off_t at = 0; at < size; at += size / 97 + 1, tried++) {
        poke(at, 0x20);
        missed += restore_to(store, false) != SX_RESTORE_REFUSED ||
                  count(store) != 0 || why[0] == '\0';
        poke(at, 0x20);
    }
    ok(tried > 90 && missed == 0, "a flipped bit is noticed at %d places",
       tried);
    poke(0, 1);
    refused(store, "not a snapshot", "another file");
    poke(0, 1);
    poke(8, 3);
    refused(store, "format version 2", "another version");
    poke(8, 3);
    poke(9, 6);
    refused(store, "not in the key file", "an unknown key");
    poke(9, 6);
    poke(60, 1);
    refused(store, "does not open with key 1", "a change in the first piece");
    poke(60, 1);
    poke(size - 30, 1);
    refused(store, "was changed in the piece", "a change in the last one");
    is_int(restore_to(store, true), SX_RESTORE_DONE, "by force");
    ok(report.records > 0 && report.records < RECORDS &&
           count(store) == report.records && why[0] != '\0',
       "what stood before it is taken: %d records", (int)report.records);
    poke(size - 30, 1);
    shm_store_close(store);
}

static void test_cut(void)
{
    shm_store *store = empty_store();
    char whole[128];
    off_t size = size_of();
    int fd, missed = 0, tried = 0;

    snprintf(whole, sizeof(whole), "%s.whole", path);
    copy_file(path, whole);
    for (off_t at = size - 1; at >= 0; at -= size / 41 + 1, tried++) {
        (void)!truncate(path, at);
        missed +=
            restore_to(store, false) != SX_RESTORE_REFUSED || count(store) != 0;
    }
    ok(missed == 0 && tried > 35, "a cut is noticed at %d places", tried);
    copy_file(whole, path);
    (void)!truncate(path, 40);
    refused(store, "cut short at byte 40", "a head and no more");
    copy_file(whole, path);
    (void)!truncate(path, size - 5);
    refused(store, "cut short", "five bytes too few");
    copy_file(whole, path);
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    (void)!write(fd, "x", 1);
    close(fd);
    refused(store, "behind its end", "one byte too many");
    copy_file(whole, path);
    shm_store_close(store);
}

static void test_keys(void)
{
    unsigned char other[SX_SECRET_LEN], mine[SX_SECRET_LEN];
    const unsigned char kids[2] = {7, 1};
    unsigned char secrets[2][SX_SECRET_LEN];
    shm_store *store = empty_store();
    sx_keys *ours = keys;

    memset(other, 0x77, sizeof(other));
    memset(mine, 1, sizeof(mine));
    keys = sx_keys_from_memory(
        kids + 1, (const unsigned char(*)[SX_SECRET_LEN]) & other, 1);
    refused(store, "does not open with key 1", "another key of that number");
    sx_keys_free(keys);
    memcpy(secrets[0], other, SX_SECRET_LEN);
    memcpy(secrets[1], mine, SX_SECRET_LEN);
    keys = sx_keys_from_memory(
        kids, (const unsigned char(*)[SX_SECRET_LEN])secrets, 2);
    is_int(restore_to(store, false), SX_RESTORE_DONE,
           "a key that was rotated still opens it");
    sx_keys_free(keys);
    keys = ours;
    shm_store_close(store);
}

static void test_file(void)
{
    shm_store *store = empty_store();
    char aside[128];

    snprintf(aside, sizeof(aside), "%s.x", path);
    chmod(path, 0640);
    refused(store, "0640", "a file that others may read");
    chmod(path, 0600);
    (void)!link(path, aside);
    refused(store, "one link", "a file with two links");
    unlink(path);
    (void)!symlink(aside, path);
    refused(store, "symbolic link", "a symbolic link");
    unlink(path);
    (void)!mkfifo(path, 0600);
    refused(store, "regular file", "a FIFO");
    unlink(path);
    is_int(restore_to(store, false), SX_RESTORE_NONE, "no file is no error");
    rename(aside, path);
    shm_store_close(store);
}

static bool never(void *baton)
{
    (void)baton;
    return false;
}

/* While it writes, another one begins. */
static void begin_another(void *baton, uint64_t bytes)
{
    (void)bytes;
    (void)!shm_store_snapshot_begin(baton);
}

static void test_name(void)
{
    shm_store *store = empty_store();
    sx_snapshot snapshot = snapshot_of(store, true);
    shm_dump_report dumped;
    struct stat before, after;
    int status;
    pid_t pid;

    fill(store);
    stat(path, &before);
    snapshot.still = never;
    ok(!sx_snapshot_write(&snapshot, now(), &dumped, why, sizeof(why)) &&
           stat(path, &after) == 0 && before.st_ino == after.st_ino,
       "who has lost the lease meanwhile leaves the old file: %s", why);
    snapshot.still = NULL;
    snapshot.progress = begin_another;
    snapshot.baton = store;
    ok(!sx_snapshot_write(&snapshot, now(), &dumped, why, sizeof(why)) &&
           stat(path, &after) == 0 && before.st_ino == after.st_ino,
       "so does who has been overtaken: %s", why);
    is_int(files_beside(".tmp."), 0, "and nothing lies about");
    pid = fork();
    if (pid == 0) {
        snapshot.progress = (void (*)(void *, uint64_t))abort;
        (void)sx_snapshot_write(&snapshot, now(), &dumped, why, sizeof(why));
        _exit(0);
    }
    waitpid(pid, &status, 0);
    is_int(files_beside(".tmp."), 1, "who is killed leaves an unnamed file");
    snapshot.progress = NULL;
    ok(sx_snapshot_write(&snapshot, now(), &dumped, why, sizeof(why)) &&
           stat(path, &after) == 0 && before.st_ino != after.st_ino,
       "the next one gets the name");
    is_int(files_beside(".tmp."), 0, "and takes that away");
    shm_store_close(store);
}

/* By hand: no journal, so only by force. */
static void test_by_hand(void)
{
    shm_store *store;

    unlink(path);
    store = empty_store();
    fill(store);
    ok(write_one(store, false), "a snapshot without a journal");
    shm_store_close(store);
    store = empty_store();
    refused(store, "no journal", "is not restored");
    is_int(restore_to(store, true), SX_RESTORE_DONE, "unless it is forced");
    ok(report.records == RECORDS && why[0] != '\0', "and that is told");
    ok(sx_snapshot_set_aside(path) && size_of() == -1 &&
           files_beside(".refused") >= 1,
       "what was refused can be set aside");
    shm_store_close(store);
}

/* What a log-in notes where there is a limit is no log-out: a session from
 * before it comes back with the snapshot, and one that had to go does not. */
static void test_registry(void)
{
    shm_store *store = empty_store();
    const char *gone, *stays, *late;
    stage own;

    stage_begin(&own);
    own.now.boot_ms = now();
    own.realm.store = sx_store_shm_create(store, own.pool);
    own.realm.per_user = (sx_per_user){2, false};
    gone = begin(&own, "Session-Set: user=alice");
    stays = begin(&own, "Session-Set: user=alice");
    ok(write_one(store, true), "a snapshot with sessions that count");
    stage_pass(&own, SECOND);
    late = begin(&own, "Session-Set: user=alice");
    shm_store_close(store);
    store = empty_store();
    own.realm.store = sx_store_shm_create(store, own.pool);
    is_int(restore_to(store, false), SX_RESTORE_DONE, "is restored");
    ok(alive(&own, stays), "a log-in after it has ended none of them");
    ok(dead(&own, gone), "but the one that had to go for it");
    ok(dead(&own, late), "and is lost itself");
    shm_store_close(store);
    stage_end(&own);
}

int main(void)
{
    const unsigned char kid = 1;
    unsigned char secret[SX_SECRET_LEN];

    apr_initialize();
    snprintf(dir, sizeof(dir), "/dev/shm/sx-snap-XXXXXX");
    if (!sx_crypto_init() || mkdtemp(dir) == NULL) {
        stage_give_up("no directory");
    }
    snprintf(store_path, sizeof(store_path), "%s/store", dir);
    snprintf(path, sizeof(path), "%s/snap", dir);
    memset(secret, 1, sizeof(secret));
    keys = sx_keys_from_memory(
        &kid, (const unsigned char(*)[SX_SECRET_LEN]) & secret, 1);
    test_round_trip();
    test_secret();
    test_changed();
    test_cut();
    test_keys();
    test_file();
    test_name();
    test_by_hand();
    test_registry();
    sx_keys_free(keys);
    remove_all();
    return done_testing();
}
