/* SPDX-License-Identifier: Apache-2.0 */
/* The first look inside: what is adopted, what is begun afresh, and what is
 * refused because somebody else relies on it. */
#include "util.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "sst_fault.h"
#include "sst_handle.h"

static shm_attach_report report;
static char err[300];

static shm_store *open_as(const scratch *at, bool is_server)
{
    shm_store_config config = config_of(at, is_server ? MIB : 0);

    config.is_server = is_server;
    return shm_store_open(&config, err, sizeof(err));
}

/* Attach in a child of its own, as a server's children do. */
static shm_status attach_in_child(shm_store *store, int64_t now_ms)
{
    struct {
        shm_status status;
        shm_attach_report report;
    } told;
    int fds[2];
    pid_t pid;

    memset(&told, 0, sizeof(told)); /* its padding, too, is written */
    (void)!pipe(fds);
    pid = fork();
    if (pid == 0) {
        told.status = shm_store_attach(store, now_ms, &told.report);
        (void)!write(fds[1], &told, sizeof(told));
        _exit(0);
    }
    (void)!read(fds[0], &told, sizeof(told));
    waitpid(pid, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    report = told.report;
    return told.status;
}

static void poke(const scratch *at, off_t where, const void *what, size_t len)
{
    int fd = open(at->path, O_RDWR | O_CLOEXEC);

    (void)!pwrite(fd, what, len, where);
    close(fd);
}

static void make_with_records(const scratch *at, uint64_t count)
{
    shm_store *store;

    scratch_unlink(at, "");
    store = store_new(at, MIB);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t token = 0;

        (void)put_number(store, i, &token, 100 + i, START_MS);
    }
    shm_store_close(store);
}

static void test_generations(const scratch *at)
{
    shm_store *store = open_as(at, true);

    is_int(attach_in_child(store, START_MS), SST_OK,
           "the first child attaches");
    is_int(report.result, SST_ATTACH_FORMATTED, "and begins the segment");
    is_int(attach_in_child(store, START_MS), SST_OK, "the second attaches");
    is_int(report.result, SST_ATTACH_JOINED, "and joins");
    shm_store_close(store);
    make_with_records(at, 50);
    store = open_as(at, true);
    is_int(attach_in_child(store, START_MS + 5000), SST_OK,
           "a child of the next server attaches");
    is_int(report.result, SST_ATTACH_ADOPTED, "and adopts what is there");
    is_int(report.records, 50, "all of it");
    is_int(report.lost, 0, "without a loss");
    shm_store_close(store);
}

/* What a graceful restart costs has nothing to do with the size of a store: who
 * joins can do so with nothing of it to be had but its header. */
static void test_join_is_cheap(const scratch *at)
{
    const size_t header = (size_t)sysconf(_SC_PAGESIZE);
    shm_store_config config = config_of(at, MIB);
    shm_store *store;
    int status = -1;
    pid_t pid;

    scratch_unlink(at, "");
    store = store_with(&config, START_MS);
    is_int(shm_store_reopen(store, &config, err, sizeof(err)), SST_OK,
           "a graceful restart");
    pid = fork();
    if (pid == 0) {
        bool joined =
            mprotect(store->base + header, MIB - header, PROT_NONE) == 0 &&
            shm_store_attach(store, START_MS, &report) == SST_OK &&
            report.result == SST_ATTACH_JOINED;

        _exit(joined ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    is_int(status, 0, "whose children look at the header and nothing else");
    shm_store_close(store);
}

static void reset_after(const scratch *at, off_t where, const void *what,
                        size_t len, const char *name)
{
    shm_store *store;

    make_with_records(at, 5);
    poke(at, where, what, len);
    store = open_as(at, true);
    ok(attach_in_child(store, START_MS) == SST_OK &&
           report.result == SST_ATTACH_RESET && report.why[0] != '\0',
       "%s: begun afresh (%s)", name, report.why);
    shm_store_close(store);
}

static void test_reset(const scratch *at, uint64_t seed)
{
    unsigned char junk[MIB];
    uint32_t version = SST_LAYOUT_VERSION + 1;
    uint64_t word = 12345;

    seed |= 1;
    for (size_t i = 0; i < sizeof(junk); i++) {
        junk[i] = (unsigned char)next_random(&seed);
    }
    reset_after(at, 0, junk, sizeof(junk), "random bytes");
    reset_after(at, offsetof(sst_header_shm, version), &version,
                sizeof(version), "another layout");
    reset_after(at, offsetof(sst_header_shm, geo), &word, sizeof(word),
                "a geometry that lies");
    reset_after(at, offsetof(sst_header_shm, hash_key), &word, sizeof(word),
                "another hash key");
    reset_after(at, offsetof(sst_header_shm, state), &word, sizeof(word),
                "a state that does not exist");
    word = SST_STATE_FORMATTING;
    reset_after(at, offsetof(sst_header_shm, state), &word, sizeof(word),
                "a format that did not finish");
}

static void test_in_use(const scratch *at)
{
    uint32_t version = SST_LAYOUT_VERSION + 1;
    shm_store *server, *tool;

    make_with_records(at, 5);
    tool = open_as(at, false);
    server = open_as(at, true);
    is_int(attach_in_child(server, START_MS), SST_OK,
           "a server attaches while a tool has the file open");
    is_int(report.result, SST_ATTACH_ADOPTED, "and adopts it");
    is_int(attach_in_child(tool, START_MS), SST_OK, "so does the tool");
    is_int(report.result, SST_ATTACH_JOINED, "which joins");
    sst_test.pid_ns = 1;
    is_int(attach_in_child(tool, START_MS), SST_UNAVAILABLE,
           "another pid namespace is kept out while it is in use");
    ok(strstr(report.why, "pid namespace") != NULL, "and told why");
    sst_test.pid_ns = 0;
    poke(at, offsetof(sst_header_shm, version), &version, sizeof(version));
    is_int(attach_in_child(tool, START_MS), SST_UNAVAILABLE,
           "another layout is left alone while it is in use");
    ok(strstr(report.why, "layout") != NULL, "and told");
    shm_store_close(tool);
    shm_store_close(server);
    make_with_records(at, 5);
    server = open_as(at, true);
    is_int(attach_in_child(server, START_MS - HOUR_MS), SST_UNAVAILABLE,
           "a boot clock before the segment's is refused");
    ok(strstr(report.why, "clock") != NULL &&
           strstr(report.why, "remove the file") != NULL,
       "and said to be the reason, with a remedy: %s", report.why);
    shm_store_close(server);
}

static void test_reboot(const scratch *at)
{
    static unsigned char out[4096];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;
    shm_store *store;

    sst_test.real_ms = INT64_C(1700000000000);
    make_with_records(at, 20);
    sst_test.has_boot = 1;
    memset(sst_test.boot_id, 7, 16);
    sst_test.real_ms += HOUR_MS / 2;
    store = store_new(at, MIB);
    shm_store_close(store);
    sst_test.boot_id[0] = 8;
    store = open_as(at, true);
    is_int(shm_store_attach(store, 5000, &report), SST_OK,
           "after a reboot, with a clock that began again");
    is_int(report.result, SST_ATTACH_ADOPTED, "the segment is adopted");
    is_int(report.records, 20, "with all records");
    is_int(
        shm_store_get(store, key_of(3, key), out, sizeof(out), &meta, 0, 5000),
        SST_OK, "which have lived on");
    is_int(meta.expires_ms, 5000 + HOUR_MS / 2,
           "and end when the wall clock says that their time is over");
    shm_store_close(store);
    sst_test.boot_id[0] = 9;
    sst_test.real_ms -= 100 * HOUR_MS;
    store = open_as(at, true);
    is_int(shm_store_attach(store, 777, &report), SST_OK,
           "a wall clock that went back over a reboot");
    is_int(shm_store_get(store, key, out, sizeof(out), &meta, 0, 777), SST_OK,
           "does not end them");
    is_int(meta.expires_ms, 777 + HOUR_MS / 2, "nor give them more time");
    shm_store_close(store);
    memset(&sst_test, 0, sizeof(sst_test));
}

/* A copy that was taken while a lock was held, of a file that somebody then
 * damaged: sums are verified because the inode is another one. */
static void test_foreign(const scratch *at)
{
    unsigned char *bytes = malloc(MIB), mark[16];
    unsigned char *hit;
    shm_store *store;
    int fd;

    make_with_records(at, 40);
    fd = open(at->path, O_RDWR | O_CLOEXEC);
    is_int(pread(fd, bytes, MIB, 0), MIB, "a copy is taken");
    close(fd);
    value_fill(mark, sizeof(mark), 17);
    hit = memmem(bytes, MIB, mark, sizeof(mark));
    ok(hit != NULL, "of which one record");
    if (hit == NULL) {
        free(bytes);
        return;
    }
    hit[3] ^= 1;
    unlink(at->path);
    fd = open(at->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    (void)!pwrite(fd, bytes, MIB, 0);
    close(fd);
    free(bytes);
    store = open_as(at, true);
    is_int(shm_store_attach(store, START_MS, &report), SST_OK,
           "has a bit flipped: it is adopted");
    is_int(report.records, 39, "without that record");
    is_int(report.lost, 1, "and the loss is told");
    check_clean(store, "what remains is sound");
    shm_store_close(store);
}

static void copy_file(const scratch *at)
{
    static unsigned char bytes[MIB];
    char old[PATH_ROOM + 8];
    int fd = open(at->path, O_RDWR | O_CLOEXEC);

    (void)!pread(fd, bytes, MIB, 0);
    close(fd);
    snprintf(old, sizeof(old), "%s.old", at->path);
    rename(at->path, old);
    fd = open(at->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    (void)!pwrite(fd, bytes, MIB, 0);
    close(fd);
}

/* A copy from a machine, or a time namespace, whose boot clock was ahead. */
static void test_copy_from_the_future(const scratch *at)
{
    static unsigned char out[4096];
    unsigned char key[SST_KEY_LEN];
    shm_store *store;
    shm_meta meta;

    sst_test.real_ms = INT64_C(1700000000000);
    make_with_records(at, 5);
    sst_test.real_ms += HOUR_MS / 2;
    store = open_as(at, true);
    is_int(attach_in_child(store, START_MS - HOUR_MS), SST_UNAVAILABLE,
           "the file itself, with a clock that is ahead, is refused");
    shm_store_close(store);
    copy_file(at);
    store = open_as(at, true);
    is_int(shm_store_attach(store, START_MS - HOUR_MS, &report), SST_OK,
           "a copy of it that nobody uses is not");
    ok(report.result == SST_ATTACH_ADOPTED && report.records == 5,
       "it is adopted");
    is_int(shm_store_get(store, key_of(3, key), out, sizeof(out), &meta, 0,
                         START_MS - HOUR_MS),
           SST_OK, "with its records");
    is_int(meta.expires_ms, START_MS - HOUR_MS + HOUR_MS / 2,
           "and what the wall clock has left of their time");
    check_clean(store, "in a sound store");
    shm_store_close(store);
    memset(&sst_test, 0, sizeof(sst_test));
}

/* Another pid namespace, another boot, and a wall clock that is off by a
 * year. */
static void test_elsewhere(const scratch *at)
{
    const int64_t year = (int64_t)365 * 24 * HOUR_MS;
    static unsigned char out[4096];
    unsigned char key[SST_KEY_LEN];
    shm_store *store;
    shm_meta meta;

    make_with_records(at, 5);
    sst_test.pid_ns = 99;
    store = open_as(at, true);
    is_int(attach_in_child(store, START_MS), SST_OK,
           "another pid namespace may have a segment that nobody uses");
    is_int(report.records, 5, "with all records");
    shm_store_close(store);
    memset(&sst_test, 0, sizeof(sst_test));
    for (int sign = -1; sign <= 1; sign += 2) {
        sst_test.real_ms = INT64_C(1700000000000);
        make_with_records(at, 5);
        sst_test.has_boot = 1;
        memset(sst_test.boot_id, 40 + sign, 16);
        sst_test.real_ms += sign * year;
        store = open_as(at, true);
        is_int(shm_store_attach(store, 5000, &report), SST_OK,
               "after a reboot, a wall clock that is off by a year");
        is_int(shm_store_get(store, key_of(3, key), out, sizeof(out), &meta, 0,
                             5000),
               sign < 0 ? SST_OK : SST_MISS,
               sign < 0 ? "backwards: nothing is over"
                        : "forwards: all is over");
        ok(sign > 0 || meta.expires_ms <= 5000 + HOUR_MS,
           "and nothing lives longer than it had left");
        shm_store_close(store);
        memset(&sst_test, 0, sizeof(sst_test));
    }
}

/* A file that is new by its header, and of a disk that was never wiped. */
static void test_dirty_pages(const scratch *at, uint64_t seed)
{
    unsigned char *bytes = malloc(MIB);
    shm_store *store;
    bool done = true;
    int fd;

    seed |= 1;
    for (size_t i = 0; i < MIB / 8; i++) {
        uint64_t random = i < 512 ? 0 : next_random(&seed);

        memcpy(bytes + i * 8, &random, 8);
    }
    scratch_unlink(at, "");
    fd = open(at->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    (void)!pwrite(fd, bytes, MIB, 0);
    close(fd);
    free(bytes);
    store = open_as(at, true);
    is_int(shm_store_attach(store, START_MS, &report), SST_OK,
           "a file with nothing but rubbish behind its header is begun");
    for (uint64_t i = 0; i < 200; i++) {
        uint64_t token = 0;

        done &= put_number(store, i, &token, i % 20 == 0 ? 9000 : 100,
                           START_MS) == SST_OK;
    }
    ok(done, "it can be written");
    check_clean(store, "and is sound");
    shm_store_close(store);
}

/* What only an attach mends. */
static void test_header_mended(const scratch *at)
{
    const uint64_t lease = 77;
    const int64_t beat = START_MS;
    const uint32_t owner = 5000 << 8 | 1, few = 1;
    shm_store *store;
    sst_header_shm header;

    make_with_records(at, 400);
    store = open_as(at, true);
    is_int(shm_store_attach(store, START_MS, &report), SST_OK, "attached");
    header = *sst_header(store);
    shm_store_close(store);
    poke(at, offsetof(sst_header_shm, lease_nonce), &lease, sizeof(lease));
    poke(at, offsetof(sst_header_shm, lease_beat_ms), &beat, sizeof(beat));
    poke(at, offsetof(sst_header_shm, npages), &few, sizeof(few));
    poke(at, (off_t)(header.geo.table_off + 55 * sizeof(sst_owner_shm)), &owner,
         sizeof(owner));
    store = open_as(at, true);
    is_int(shm_store_attach(store, START_MS, &report), SST_OK,
           "a page of a shard that does not exist, and a wrong count of pages");
    is_int(report.records, 400, "cost no record");
    is_int(SST_LOAD(sst_header(store)->npages), header.npages,
           "the pages are those of the file");
    is_int(SST_LOAD(sst_header(store)->lease_nonce), 0,
           "the lease of who is gone is free");
    check_clean(store, "the segment is sound");
    shm_store_close(store);
}

int main(int argc, char **argv)
{
    scratch at;

    scratch_make(&at);
    test_generations(&at);
    test_join_is_cheap(&at);
    test_reset(&at, tap_seed(argc, argv));
    test_in_use(&at);
    test_reboot(&at);
    test_foreign(&at);
    test_copy_from_the_future(&at);
    test_elsewhere(&at);
    test_dirty_pages(&at, tap_state.seed);
    test_header_mended(&at);
    scratch_remove(&at);
    return done_testing();
}
