/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the file backend has beside the contract (contract.c): its clock over
 * reboots, files that are not as it left them, a file system that refuses, and
 * what is on the disk when.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "backends.h"
#include "sx_store_file_record.h"

static stage at;
static sx_file_figures figures;

/* ---- what is brought to the disk ---------------------------------------- */

static int syncs;

int fsync(int fd)
{
    (void)fd;
    syncs++;
    return 0;
}

int fdatasync(int fildes)
{
    return fsync(fildes);
}

/* ---- calls -------------------------------------------------------------- */

static sx_answer put_as(const unsigned char *key, sx_kind kind, uint64_t token,
                        const char *value, int64_t life_ms)
{
    sx_record_meta meta = {.kind = kind,
                           .created_ms = at.now.boot_ms,
                           .last_access_ms = at.now.boot_ms,
                           .expires_ms = at.now.boot_ms + life_ms,
                           .hard_end_ms = at.now.boot_ms + 24 * HOUR};

    return at.realm.store->ops->put_if(at.realm.store, key, token,
                                       sx_str_of(value), &meta, at.now.boot_ms);
}

static const unsigned char *made(const char *value)
{
    const unsigned char *key = stage_key(&at);

    if (put_as(key, SX_USER, 0, value, 10 * MINUTE) != SX_STORE_OK)
        stage_give_up("a record could not be made");
    return key;
}

static sx_answer get(const unsigned char *key, const char *want)
{
    sx_record_meta meta;
    sx_str got;
    sx_answer answer = at.realm.store->ops->get(
        at.realm.store, key, &got, &meta, 0, at.now.boot_ms, at.pool);

    /* What nobody has put is none of the answers that are asked for. */
    return answer == SX_STORE_OK && !sx_str_eq(got, sx_str_of(want))
               ? SX_STORE_UNKNOWN
               : answer;
}

static const char *path_of(const unsigned char *key)
{
    char name[SX_FILE_NAME];

    sx_file_name(key, name);
    return apr_pstrcat(at.pool, at.path, "/", name, NULL);
}

static sx_store *reopen(const char *boot_id, int64_t boot_ms, int64_t wall_ms)
{
    sx_file_config config = {.path = at.path,
                             .figures = &figures,
                             .boot_ms = boot_ms,
                             .wall_ms = wall_ms,
                             .boot_id = boot_id};
    const char *why = NULL;
    sx_store *store = sx_store_file_open(&config, &why, at.pool);

    if (!store)
        stage_give_up(why);
    return store;
}

/* ---- the clock ---------------------------------------------------------- */

/* What a store's clock shows when the boot's shows ${boot_ms}. */
static int64_t shows(sx_store *store, int64_t boot_ms)
{
    return store->ops->clock_ms(store) - shm_store_clock_ms() + boot_ms;
}

static bool about(int64_t a, int64_t b)
{
    return a - b < SECOND && b - a < SECOND;
}

static void test_clock(void)
{
    const int64_t wall = 1800000000 * SECOND;
    sx_sweep_report report = {0};
    const unsigned char *key;
    sx_store *store = reopen("boot 1", 5 * HOUR, wall);

    at.realm.store = store;
    ok(about(shows(store, 5 * HOUR), wall), "a store begins with the wall's");
    at.now.boot_ms = wall;
    key = made("x");
    store = reopen("boot 1", 6 * HOUR, wall + 300 * HOUR);
    ok(about(shows(store, 6 * HOUR), wall + HOUR),
       "no step of the wall clock moves it while the host runs");
    at.realm.store = store = reopen("boot 2", SECOND, wall + 5 * MINUTE);
    ok(about(shows(store, SECOND), wall + 5 * MINUTE),
       "after a reboot it goes on by the wall's");
    at.now.boot_ms = shows(store, SECOND);
    is_int(get(key, "x"), SX_STORE_OK, "a session that lives outlives it");
    at.realm.store = store = reopen("boot 3", SECOND, wall + 20 * MINUTE);
    at.now.boot_ms = shows(store, SECOND);
    is_int(get(key, "x"), SX_STORE_MISS, "one that has ended meanwhile not");
    at.now.boot_ms += 23 * HOUR;
    while (!report.finished)
        if (store->ops->sweep(store, SECOND * 1000, at.now.boot_ms, &report) !=
            SX_STORE_OK)
            stage_give_up("no sweep");
    store = reopen("boot 4", SECOND, 0);
    ok(shows(store, SECOND) >= wall + 23 * HOUR,
       "and one whose wall clock is behind revives nothing");
}

/* ---- damage ------------------------------------------------------------- */

static void flip(const char *path, long offset)
{
    FILE *file = fopen(path, "r+b");
    int byte;

    if (!file || fseek(file, offset, SEEK_SET) != 0 ||
        (byte = fgetc(file)) == EOF || fseek(file, offset, SEEK_SET) != 0 ||
        fputc(byte ^ 4, file) == EOF || fclose(file) != 0)
        stage_give_up("no byte to flip");
}

static void test_each_byte(void)
{
    const long all = SX_FILE_HEAD_LEN + 5;
    int told = 0, gone = 0;

    figures = (sx_file_figures){0};
    for (long i = 0; i < all; i++) {
        const unsigned char *key = made("value");

        flip(path_of(key), i);
        told += get(key, "value") == SX_STORE_DAMAGED;
        gone += get(key, "value") == SX_STORE_MISS;
    }
    ok(told == all && gone == all, "each byte of a file is watched");
    is_int(figures.damaged, all, "and each damage counted");
}

static void test_other_lengths(void)
{
    static const long lengths[] = {0, 1, 127, 128, 132, 134, 100000};
    int told = 0;

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        const unsigned char *key = made("value");

        if (truncate(path_of(key), lengths[i]) != 0)
            stage_give_up("truncate");
        told += get(key, "value") == SX_STORE_DAMAGED;
    }
    is_int(told, sizeof(lengths) / sizeof(*lengths),
           "so is a file that is cut off, or too long");
}

/* Each puts something that is no file of ours at the path of a record. */
static int to_link(const char *path, const char *other)
{
    return rename(path, other) || symlink(other, path);
}

static int to_second_name(const char *path, const char *other)
{
    return unlink(other) || link(path, other);
}

static int to_other_record(const char *path, const char *other)
{
    return rename(other, path);
}

static int to_readable(const char *path, const char *other)
{
    (void)other;
    return chmod(path, 0644);
}

static int to_pipe(const char *path, const char *other)
{
    (void)other;
    return unlink(path) || mkfifo(path, 0600);
}

static int to_directory(const char *path, const char *other)
{
    (void)other;
    return unlink(path) || mkdir(path, 0700);
}

static int to_foreign(const char *path, const char *other)
{
    (void)other;
    return geteuid() == 0 ? chown(path, 65534, 65534) : chmod(path, 0660);
}

static void test_not_ours(void)
{
    static const struct {
        const char *what;
        int (*change)(const char *path, const char *other);
    } changes[] = {{"a symbolic link", to_link},
                   {"a second name", to_second_name},
                   {"another record", to_other_record},
                   {"a file that others may read", to_readable},
                   {"a pipe", to_pipe},
                   {"a directory", to_directory},
                   {"somebody else's file", to_foreign}};

    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        const unsigned char *key = made("value"), *other = made("value");
        sx_answer first, then;

        if (changes[i].change(path_of(key), path_of(other)) != 0)
            stage_give_up(changes[i].what);
        first = get(key, "value");
        then = get(key, "value");
        ok(first == SX_STORE_DAMAGED && then == SX_STORE_MISS &&
               put_as(key, SX_USER, 0, "new", MINUTE) == SX_STORE_OK &&
               get(key, "new") == SX_STORE_OK,
           "%s is set aside, and a new record can be made", changes[i].what);
    }
}

static void test_aside(void)
{
    const struct timespec days = {.tv_sec = time(NULL) - 8 * 86400};
    const struct timespec old[2] = {days, days};
    const char *dir = apr_pstrcat(at.pool, at.path, "/damaged", NULL);
    const unsigned char *key = made("value");
    const char *aside =
        apr_pstrcat(at.pool, dir, path_of(key) + strlen(at.path) + 3, NULL);
    sx_sweep_report report = {0};

    flip(path_of(key), 0);
    get(key, "value");
    ok(access(aside, F_OK) == 0, "what is set aside can be looked at");
    (void)utimensat(AT_FDCWD, aside, old, 0);
    while (!report.finished)
        if (at.realm.store->ops->sweep(at.realm.store, SECOND * 1000,
                                       at.now.boot_ms, &report) != SX_STORE_OK)
            stage_give_up("no sweep");
    ok(access(aside, F_OK) != 0, "but not for ever");
}

/* ---- what deaths leave -------------------------------------------------- */

static void test_left_behind(void)
{
    const unsigned char *key = made("value");
    char *path = apr_pstrdup(at.pool, path_of(key));
    sx_record_meta meta;
    sx_str got;
    FILE *file;

    *strrchr(path, '/') = '\0';
    path = apr_pstrcat(at.pool, path, "/new", NULL);
    file = fopen(path, "w");
    if (!file || fputs("half a rec", file) == EOF || fclose(file) != 0)
        stage_give_up("nothing left behind");
    is_int(get(key, "value"), SX_STORE_OK, "what is half written is no record");
    at.realm.store->ops->get(at.realm.store, key, &got, &meta, 0,
                             at.now.boot_ms, at.pool);
    ok(put_as(key, SX_USER, meta.token, "next", MINUTE) == SX_STORE_OK &&
           get(key, "next") == SX_STORE_OK && access(path, F_OK) != 0,
       "and the next writer takes it away");
}

static void test_tokens(void)
{
    const unsigned char *key = made("value");
    sx_record_meta before, after;
    sx_str got;

    at.realm.store->ops->get(at.realm.store, key, &got, &before, 0,
                             at.now.boot_ms, at.pool);
    at.realm.store->ops->remove(at.realm.store, key, 0);
    unlink(apr_pstrcat(at.pool, at.path, "/lock", NULL));
    put_as(key, SX_USER, 0, "anew", MINUTE);
    at.realm.store->ops->get(at.realm.store, key, &got, &after, 0,
                             at.now.boot_ms, at.pool);
    ok(after.token > before.token, "a lost file of tokens gives no old ones");
}

/* Only by hand there is one: with no token behind it. */
static void test_last_token(void)
{
    const unsigned char *key = made("value");
    sx_record_meta meta = {.kind = SX_USER,
                           .created_ms = at.now.boot_ms,
                           .last_access_ms = at.now.boot_ms,
                           .expires_ms = at.now.boot_ms,
                           .hard_end_ms = at.now.boot_ms + HOUR,
                           .token = UINT64_MAX};
    unsigned char head[SX_FILE_HEAD_LEN];
    FILE *file = fopen(path_of(key), "r+b");

    sx_file_head_make(head, key, sx_str_of("value"), &meta);
    if (!file || fwrite(head, sizeof(head), 1, file) != 1 || fclose(file) != 0)
        stage_give_up("no last token");
    ok(put_as(key, SX_USER, 0, "next", MINUTE) == SX_STORE_OK &&
           get(key, "next") == SX_STORE_OK,
       "a record with the last token is none");
}

/* ---- locks -------------------------------------------------------------- */

static pid_t lock_bucket(const unsigned char *key)
{
    int told[2];
    char byte = 0;
    pid_t pid;

    if (pipe(told) != 0 || (pid = fork()) < 0)
        stage_give_up("fork");
    if (pid == 0) {
        int dir = open(at.path, O_RDONLY | O_DIRECTORY);

        byte = sx_file_lock(dir, SX_FILE_LOCK_BUCKET + key[0], 0) >= 0;
        if (write(told[1], &byte, 1) == 1)
            pause();
        _exit(0);
    }
    if (read(told[0], &byte, 1) != 1 || !byte)
        stage_give_up("the lock could not be had");
    close(told[0]);
    close(told[1]);
    return pid;
}

static void test_locked(void)
{
    const unsigned char *key = made("value");
    pid_t holder = lock_bucket(key);
    int64_t took_us = -sx_monotonic_us();

    is_int(put_as(key, SX_USER, 1, "x", MINUTE), SX_STORE_BUSY,
           "who finds it locked is told so");
    took_us += sx_monotonic_us();
    ok(took_us >= SX_FILE_WAIT_MS * 1000 && took_us < 5000000,
       "after the deadline");
    is_int(get(key, "value"), SX_STORE_OK, "who reads needs no lock");
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    is_int(put_as(key, SX_USER, 1, "x", MINUTE), SX_STORE_CHANGED,
           "and it goes with who is killed");
}

static void test_one_sweeps(void)
{
    apr_pool_t *pool;
    sx_file_config config = {.path = at.path, .boot_id = "a boot"};
    sx_sweep_report report;
    const char *why;
    sx_store *first, *second = at.realm.store;

    apr_pool_create(&pool, at.pool);
    first = sx_store_file_open(&config, &why, pool);
    ok(first->ops->sweep(first, 1, 0, &report) == SX_STORE_OK &&
           first->ops->sweep(first, 1, 0, &report) == SX_STORE_OK,
       "one sweeps");
    is_int(second->ops->sweep(second, 1, 0, &report), SX_STORE_BUSY,
           "and others do not");
    apr_pool_destroy(pool);
    is_int(second->ops->sweep(second, 1, 0, &report), SX_STORE_OK,
           "until it leaves");
}

/* ---- the file system refuses -------------------------------------------- */

static void test_no_room(void)
{
    const struct rlimit small = {1000, RLIM_INFINITY};
    struct rlimit before;
    const unsigned char *key = made("value"), *other = stage_key(&at);
    char *large = apr_pcalloc(at.pool, 4001);
    sx_record_meta meta;
    sx_str got;

    memset(large, 'x', 4000);
    at.realm.store->ops->get(at.realm.store, key, &got, &meta, 0,
                             at.now.boot_ms, at.pool);
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    is_int(put_as(key, SX_USER, meta.token, large, MINUTE), SX_STORE_FULL,
           "what finds no room is told so");
    is_int(put_as(other, SX_USER, 0, large, MINUTE), SX_STORE_FULL,
           "also what is new");
    ok(get(key, "value") == SX_STORE_OK && get(other, "") == SX_STORE_MISS,
       "and has changed nothing");
    is_int(at.realm.store->ops->remove(at.realm.store, key, meta.token),
           SX_STORE_OK, "an end needs none");
    setrlimit(RLIMIT_FSIZE, &before);
}

static void test_no_descriptors(void)
{
    const unsigned char *key = made("value");
    struct rlimit before, none;

    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    ok(get(key, "value") == SX_STORE_UNAVAILABLE &&
           put_as(key, SX_USER, 1, "x", MINUTE) == SX_STORE_UNAVAILABLE &&
           at.realm.store->ops->remove(at.realm.store, key, 0) ==
               SX_STORE_UNAVAILABLE,
       "without descriptors nothing is a miss");
    setrlimit(RLIMIT_NOFILE, &before);
    is_int(get(key, "value"), SX_STORE_OK, "and with them it is there again");
}

static void test_gone(void)
{
    const unsigned char *key = made("value");

    file_close(&at);
    ok(get(key, "") == SX_STORE_UNAVAILABLE &&
           put_as(stage_key(&at), SX_USER, 0, "x", MINUTE) ==
               SX_STORE_UNAVAILABLE &&
           at.realm.store->ops->remove(at.realm.store, key, 0) ==
               SX_STORE_UNAVAILABLE,
       "a directory that is gone is no miss");
    if (mkdir(at.path, 0700) != 0)
        stage_give_up("mkdir");
    is_int(get(key, ""), SX_STORE_UNAVAILABLE, "nor is another in its place");
}

/* ---- what must be on the disk ------------------------------------------- */

static int synced_by(sx_kind kind)
{
    syncs = 0;
    if (put_as(stage_key(&at), kind, 0, "x", MINUTE) != SX_STORE_OK)
        stage_give_up("put");
    return syncs;
}

static void test_power(void)
{
    const unsigned char *key = made("x");

    is_int(synced_by(SX_USER), 0, "a session waits for no disk");
    ok(synced_by(SX_EPOCH) >= 2 && synced_by(SX_ALIAS) >= 2 &&
           synced_by(SX_TOMBSTONE) >= 2,
       "an end does: the file and its name");
    syncs = 0;
    at.realm.store->ops->remove(at.realm.store, key, 0);
    ok(syncs >= 1, "and so does what is removed");
}

/* ---- the directory ------------------------------------------------------ */

static bool refused(const char *path, const char *because)
{
    const char *why = sx_store_file_check(path, geteuid(), true, at.pool);

    if (why && strstr(why, because))
        return true;
    diag("%s: %s", path, why ? why : "accepted");
    return false;
}

static void test_directory(void)
{
    const char *dir = apr_pstrcat(at.pool, at.path, "/x", NULL);
    const char *below = apr_pstrcat(at.pool, dir, "/store", NULL);
    const char *beside = apr_pstrcat(at.pool, at.path, "/link", NULL);
    struct stat st;

    ok(!sx_store_file_check(dir, geteuid(), false, at.pool) &&
           stat(dir, &st) != 0,
       "one that is not there is fit, and is not made by looking");
    ok(!sx_store_file_check(dir, geteuid(), true, at.pool) &&
           stat(dir, &st) == 0 && (st.st_mode & 0777) == 0700,
       "it is made for its user alone");
    ok(refused(below + strlen(below), "absolute"), "a path is absolute");
    ok(refused(apr_pstrcat(at.pool, below, "/y", NULL), "reached"),
       "one without a directory above it is refused");
    chmod(dir, 0750);
    ok(refused(dir, "open to others"), "so is one that others can read");
    chmod(dir, 0707);
    ok(refused(below, "others may write"), "or exchange");
    chmod(dir, 0700);
    ok(symlink(dir, beside) == 0 && refused(beside, "link") &&
           refused(apr_pstrcat(at.pool, beside, "/y", NULL), "link"),
       "or a link in its path");
    ok(sx_store_file_check(dir, geteuid() + 1, true, at.pool) != NULL,
       "or another user's");
    ok(mkdir(apr_pstrcat(at.pool, dir, "/other", NULL), 0700) == 0 &&
           refused(dir, "other files"),
       "or one with other files in it");
}

int main(void)
{
    apr_initialize();
    stage_use(&stage_file);
    stage_begin(&at);
    at.realm.store = reopen("a boot", at.now.boot_ms, at.now.boot_ms);
    test_each_byte();
    test_other_lengths();
    test_not_ours();
    test_left_behind();
    test_tokens();
    test_last_token();
    test_locked();
    test_one_sweeps();
    test_aside();
    test_power();
    test_no_room();
    test_no_descriptors();
    test_directory();
    stage_end(&at);
    stage_begin(&at);
    test_clock();
    stage_end(&at);
    stage_begin(&at);
    test_gone();
    stage_end(&at);
    return done_testing();
}
