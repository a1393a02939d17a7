/* SPDX-License-Identifier: Apache-2.0 */
/* A file that grows while two generations of a server work on it: the old one
 * uses the new room, too, and whoever dies at any store of the growth costs
 * nobody a record. */
#include "util.h"

#include "sst_fault.h"
#include "sst_handle.h"

#define LEN   700
#define SMALL MIB
#define LARGE (3 * MIB)

static unsigned char out[4096];
static char err[300];

/* A worker: attaches if it is new, puts records from ${first} on until there is
 * no room or ${most} are there, and tells how many by a byte for each: what was
 * acknowledged is known whenever it dies. */
static pid_t worker(shm_store *store, bool attach, uint64_t first, int most,
                    int told, long die_at)
{
    shm_attach_report report;
    uint64_t token;
    pid_t pid = fork();

    if (pid != 0) {
        return pid;
    }
    sst_test.count = 0;
    sst_test.die_at = die_at;
    if (attach && shm_store_attach(store, START_MS, &report) != SST_OK) {
        _exit(2);
    }
    for (int i = 0; i < most; i++) {
        token = 0;
        if (put_number(store, first + (uint64_t)i, &token, LEN, START_MS) !=
            SST_OK) {
            break;
        }
        (void)!write(told, "p", 1);
    }
    _exit(0);
}

/* How many a worker has acknowledged, once it is gone. */
static int acknowledged(pid_t pid, int told[2], int *status)
{
    char bytes[4096];
    int count = 0;
    ssize_t got;

    close(told[1]);
    while ((got = read(told[0], bytes, sizeof(bytes))) > 0) {
        count += (int)got;
    }
    close(told[0]);
    waitpid(pid, status, 0);
    return count;
}

static int lost(shm_store *store, uint64_t first, int count)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;
    int gone = 0;

    for (int i = 0; i < count; i++) {
        uint64_t number = first + (uint64_t)i;

        gone += shm_store_get(store, key_of(number, key), out, sizeof(out),
                              &meta, 0, START_MS) != SST_OK ||
                meta.value_len != LEN || !value_is(out, LEN, number);
    }
    return gone;
}

static shm_store *begin(const scratch *at)
{
    shm_store_config config = config_of(at, SMALL);
    shm_store *store = shm_store_open(&config, err, sizeof(err));
    shm_attach_report report;
    pid_t pid = fork();
    int status;

    /* As in a server, the parent never looks inside. */
    if (pid == 0) {
        _exit(shm_store_attach(store, START_MS, &report) == SST_OK ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    if (status != 0) {
        printf("Bail out! attach\n");
        exit(1);
    }
    return store;
}

static void grow(const scratch *at, shm_store *store)
{
    shm_store_config config = config_of(at, LARGE);

    if (shm_store_reopen(store, &config, err, sizeof(err)) != SST_OK) {
        printf("Bail out! reopen: %s\n", err);
        exit(1);
    }
}

/* All have gone, as with kill -9 of a whole server; the next one comes. */
static void next_server(const scratch *at, shm_store *store, int old_count,
                        int new_count, const char *name)
{
    shm_store_config config = config_of(at, LARGE);

    shm_store_close(store);
    store = store_with(&config, START_MS);
    ok(lost(store, 1000, old_count) == 0 && lost(store, 100000, new_count) == 0,
       "%s: the next server finds all %d records", name, old_count + new_count);
    check_clean(store, "in a sound store");
    shm_store_close(store);
    scratch_unlink(at, "");
}

/* The old generation is in the middle of its work when the file grows. */
static void test_two(const scratch *at)
{
    shm_store *store = begin(at);
    int old_told[2], new_told[2], go[2], status, old_count, new_count;
    shm_attach_report report;
    pid_t old_pid, new_pid;
    char byte;

    (void)!pipe(old_told);
    (void)!pipe(new_told);
    (void)!pipe(go);
    old_pid = fork();
    if (old_pid == 0) {
        uint64_t number = 1000, token;

        (void)!shm_store_attach(store, START_MS, &report);
        do {
            token = 0;
            status = (int)put_number(store, number++, &token, LEN, START_MS);
            (void)!write(old_told[1], "p", status == SST_OK);
        } while (status == SST_OK);
        /* Full: the parent may grow it.  Then there is room again. */
        (void)!write(go[1], "f", 1);
        number--;
        while (status != SST_OK) {
            usleep(1000);
            token = 0;
            status = (int)put_number(store, number, &token, LEN, START_MS);
        }
        (void)!write(old_told[1], "p", 1);
        close(old_told[0]);
        for (int i = 1; i < 300; i++) {
            token = 0;
            if (put_number(store, number + (uint64_t)i, &token, LEN,
                           START_MS) != SST_OK) {
                break;
            }
            (void)!write(old_told[1], "p", 1);
        }
        _exit(0);
    }
    (void)!read(go[0], &byte, 1);
    grow(at, store);
    new_pid = worker(store, true, 100000, 500, new_told[1], 0);
    old_count = acknowledged(old_pid, old_told, &status);
    is_int(status, 0, "the old generation, which was full, goes on");
    new_count = acknowledged(new_pid, new_told, &status);
    is_int(status, 0, "so does the new one");
    ok((uint64_t)(old_count + new_count) * LEN > SMALL + SMALL / 4 &&
           new_count == 500,
       "%d and %d records: more than the old file could hold", old_count,
       new_count);
    next_server(at, store, old_count, new_count, "two generations");
    close(go[0]);
    close(go[1]);
}

/* The new generation's first process dies at its ${k}-th store, the first of
 * which publish the growth; an old one and another new one go on. */
static bool dies_at(const scratch *at, long k, bool *died)
{
    int told[3][2], status, count[3];
    shm_store *store = begin(at);
    shm_store_config config = config_of(at, LARGE);
    bool right;
    pid_t pid;

    for (int i = 0; i < 3; i++) {
        (void)!pipe(told[i]);
    }
    pid = worker(store, true, 1000, 200, told[0][1], 0);
    count[0] = acknowledged(pid, told[0], &status);
    grow(at, store);
    pid = worker(store, true, 100000, 3, told[1][1], k);
    count[1] = acknowledged(pid, told[1], &status);
    *died = WIFSIGNALED(status);
    pid = worker(store, true, 200000, 2000, told[2][1], 0);
    count[2] = acknowledged(pid, told[2], &status);
    right = status == 0 && count[2] > 500;
    shm_store_close(store);
    store = store_with(&config, START_MS);
    right = right && lost(store, 1000, count[0]) == 0 &&
            lost(store, 100000, count[1]) == 0 &&
            lost(store, 200000, count[2]) == 0 &&
            shm_store_check(store, err, sizeof(err)) == SST_OK;
    shm_store_close(store);
    scratch_unlink(at, "");
    return right;
}

static void test_deaths(const scratch *at)
{
    bool right = true, died = true;
    long k = 0;

    while (right && died) {
        k++;
        right = dies_at(at, k, &died);
    }
    ok(right && k > 10,
       "the first of a new generation dies, at any of %ld stores", k);
}

/* The pages that a header tells of beyond the file's end are not there. */
static void test_told_too_much(const scratch *at)
{
    shm_store *store = store_new(at, SMALL);
    uint64_t token = 0;
    uint64_t number = 0;

    sst_header(store)->npages = store->geo.max_pages;
    while (put_number(store, number, &token, LEN, START_MS) == SST_OK) {
        number++;
        token = 0;
    }
    ok(number > 500 && (number * LEN) < SMALL,
       "a page count that lies ends at the file's end: %d records",
       (int)number);
    shm_store_close(store);
    scratch_unlink(at, "");
}

int main(void)
{
    scratch at;

    scratch_make(&at);
    test_two(&at);
    test_deaths(&at);
    test_told_too_much(&at);
    scratch_remove(&at);
    return done_testing();
}
