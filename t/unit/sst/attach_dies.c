/* SPDX-License-Identifier: Apache-2.0 */
/* A server's first process dies while it attaches; the next one makes it good,
 * whether the segment was new, unusable, from before a boot, or sound. */
#include "deaths.h"

#include <fcntl.h>

#include "sst_journal.h"

#define RECORDS 50
#define STRIDE  43 /* most stores are the locks', one like the other */
#define ENDS    40

static shm_attach_report report;
static char err[300], base[PATH_ROOM + 16];
static unsigned char image[MIB], out[4096];

/* What is there first, and what must be there at the end. */
typedef struct start {
    const char *name;
    bool file; /* there is one: the image */
    bool snapshot;
    int64_t first_ms, next_ms;
    bool (*right)(shm_store *store, bool died);
} start;

static void remove_files(const scratch *at)
{
    char name[SST_JOURNAL_NAME];

    scratch_unlink(at, "");
    for (uint64_t i = 1; i < 10; i++) {
        sst_journal_name(name, base, i);
        unlink(name);
    }
}

/* A segment as a server leaves it, in ${image}. */
static void image_make(const scratch *at, bool snapshot)
{
    shm_store_config config = config_of(at, MIB);
    shm_store *store;
    int fd;

    remove_files(at);
    config.snapshot = snapshot ? base : NULL;
    store = store_with(&config, START_MS);
    for (uint64_t i = 0; i < RECORDS; i++) {
        uint64_t token = 0;

        (void)put_number(store, i, &token, 100 + i, START_MS);
    }
    shm_store_close(store);
    fd = open(at->path, O_RDWR | O_CLOEXEC);
    is_int(read(fd, image, sizeof(image)), sizeof(image), "a segment");
    close(fd);
}

static shm_store *begin(const scratch *at, const start *from)
{
    shm_store_config config = config_of(at, MIB);
    int fd;

    remove_files(at);
    if (from->file) {
        fd = open(at->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        (void)!write(fd, image, sizeof(image));
        close(fd);
    }
    config.snapshot = from->snapshot ? base : NULL;
    return shm_store_open(&config, err, sizeof(err));
}

static bool attach_dies(shm_store *store, const start *from, long k)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        sst_test.count = 0;
        sst_test.die_at = k;
        _exit(shm_store_attach(store, from->first_ms, &report) != SST_OK);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status);
}

static void each_death(const scratch *at, const start *from)
{
    bool right = true, died = true;
    shm_store *store = begin(at, from);
    long k = 0;

    deaths_note();
    (void)attach_dies(store, from, LONG_MAX);
    deaths_noted();
    shm_store_close(store);
    while (right && died) {
        k = deaths_next(k, STRIDE, ENDS);
        store = begin(at, from);
        died = attach_dies(store, from, k);
        right = shm_store_attach(store, from->next_ms, &report) == SST_OK &&
                from->right(store, died) &&
                shm_store_check(store, err, sizeof(err)) == SST_OK;
        shm_store_close(store);
    }
    if (!ok(right && k > 10, "%s: dying at some of %ld stores", from->name,
            k - 1)) {
        diag("at store %ld: %d, %llu records; %s %s", k, (int)report.result,
             (unsigned long long)report.records, report.why, err);
    }
    remove_files(at);
}

/* ---- the cases ---------------------------------------------------------- */

static bool begun(shm_store *store, bool died)
{
    (void)store;
    return (report.result == SST_ATTACH_JOINED) == !died;
}

/* All of the old or all of the new: who comes later can live with the clock
 * for which it was begun afresh. */
static bool old_or_new(shm_store *store, bool died)
{
    return report.result == SST_ATTACH_ADOPTED ? report.records == RECORDS
                                               : begun(store, died);
}

/* No end has moved, but by what the wall clock says. */
static bool aged(shm_store *store, bool died)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    (void)died;
    return shm_store_get(store, key_of(3, key), out, sizeof(out), &meta, 0,
                         5000) == SST_OK &&
           meta.expires_ms == 5000 + HOUR_MS / 2;
}

static bool keeps_journal(shm_store *store, bool died)
{
    uint64_t generation = sst_header(store)->snap_gen;
    char name[SST_JOURNAL_NAME];

    (void)died;
    sst_journal_name(name, base, generation);
    return shm_store_snapshot_counts(store, generation) &&
           access(name, F_OK) == 0;
}

static void test_format(const scratch *at)
{
    static const start new = {"a new segment", false,    false,
                              START_MS,        START_MS, begun};

    each_death(at, &new);
}

static void test_reset(const scratch *at)
{
    static const start unusable = {
        "one whose clock cannot be", true,      false, START_MS,
        START_MS + HOUR_MS,          old_or_new};
    sst_header_shm *header = (sst_header_shm *)(void *)image;

    image_make(at, false);
    header->clocks[header->clock & 1].base_ms = START_MS + HOUR_MS / 2;
    each_death(at, &unusable);
}

static void test_reboot(const scratch *at)
{
    static const start before = {
        "one from before a boot", true, false, 5000, 5000, aged};

    sst_test.real_ms = INT64_C(1700000000000);
    sst_test.has_boot = 1;
    memset(sst_test.boot_id, 7, 16);
    image_make(at, false);
    sst_test.real_ms += HOUR_MS / 2;
    sst_test.boot_id[0] = 8;
    each_death(at, &before);
    memset(&sst_test, 0, sizeof(sst_test));
}

static void test_journal(const scratch *at)
{
    start from = {"a new one with a journal",
                  false,
                  true,
                  START_MS,
                  START_MS,
                  keeps_journal};

    each_death(at, &from);
    image_make(at, true);
    from.file = true;
    from.name = "one that had a journal";
    each_death(at, &from);
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    snprintf(base, sizeof(base), "%s/snapshot", at.dir);
    test_format(&at);
    test_reset(&at);
    test_reboot(&at);
    test_journal(&at);
    scratch_remove(&at);
    return done_testing();
}
