/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every crash point.  For each operation and each k a child dies by SIGKILL
 * before its k-th store into the segment.  The next locker repairs; then the
 * key has its old value or its new one, all other records are as they were,
 * the check finds nothing, and no byte of a value that is gone is left.
 */
#include "util.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "sst_fault.h"

#define SIZE    MIB
#define RECORDS 24
#define NOW     START_MS
#define LATER   (NOW + 2 * HOUR_MS)
#define GONE    UINT64_MAX /* instead of a value's number */

/* Where each record's value comes from: key -> number and length. */
typedef struct expected {
    uint64_t number;
    size_t len;
} expected;

typedef struct scene {
    shm_store *store;
    unsigned char *image;  /* the segment before the operation */
    unsigned char *mapped; /* the file, mapped a second time */
    uint64_t tokens[RECORDS];
    expected before[RECORDS + 1];
} scene;

static unsigned char value[1 << 20], out[1 << 20];

static shm_status put(scene *on, unsigned no, uint64_t token, expected what,
                      shm_kind kind, int64_t now_ms)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(kind, now_ms, HOUR_MS);
    shm_status status;

    value_fill(value, what.len, what.number);
    status = shm_store_put_if(on->store, key_of(no, key), token, value,
                              what.len, &meta, NULL, now_ms);
    if (status == SST_OK && no < RECORDS) {
        on->tokens[no] = meta.token;
    }
    return status;
}

/* ---- the operations ----------------------------------------------------- */

typedef struct crash_case {
    const char *name;
    shm_status (*act)(scene *on);
    unsigned key;   /* the one that it changes */
    expected after; /* to what */
    bool others_may_go;
} crash_case;

static const expected small = {901, 210};
static const expected other_class = {902, 900};
static const expected chained = {903, 13000};

static shm_status act_insert(scene *on)
{
    return put(on, RECORDS, 0, small, SST_USER, NOW);
}

static shm_status act_insert_chained(scene *on)
{
    return put(on, RECORDS, 0, chained, SST_USER, NOW);
}

static shm_status act_replace_same(scene *on)
{
    return put(on, 3, on->tokens[3], small, SST_ANONYMOUS, NOW);
}

static shm_status act_replace_other(scene *on)
{
    return put(on, 3, on->tokens[3], other_class, SST_ANONYMOUS, NOW);
}

static shm_status act_replace_chained(scene *on)
{
    return put(on, 5, on->tokens[5], chained, SST_ANONYMOUS, NOW);
}

static shm_status act_shrink_chained(scene *on)
{
    return put(on, 5, on->tokens[5], small, SST_ANONYMOUS, NOW);
}

static shm_status act_remove(scene *on)
{
    unsigned char key[SST_KEY_LEN];

    return shm_store_remove(on->store, key_of(3, key), 0);
}

static shm_status act_remove_chained(scene *on)
{
    unsigned char key[SST_KEY_LEN];

    return shm_store_remove(on->store, key_of(5, key), 0);
}

static shm_status act_touch(scene *on)
{
    unsigned char key[SST_KEY_LEN];

    return shm_store_touch(on->store, key_of(3, key), NOW + 1000, NOW + 500);
}

static shm_status act_get(scene *on)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    return shm_store_get(on->store, key_of(3, key), out, sizeof(out), &meta, 0,
                         NOW);
}

static shm_status act_sweep(scene *on)
{
    shm_sweep_report report;

    return shm_store_sweep(on->store, 1000000, LATER, &report);
}

static shm_status act_check(scene *on)
{
    char why[200];

    return shm_store_check(on->store, why, sizeof(why));
}

static const crash_case cases[] = {
    {"insert", act_insert, RECORDS, {901, 210}, false},
    {"insert of a chained value",
     act_insert_chained,
     RECORDS,
     {903, 13000},
     false},
    {"replacement in the same class", act_replace_same, 3, {901, 210}, false},
    {"replacement in another class", act_replace_other, 3, {902, 900}, false},
    {"replacement of a chained value",
     act_replace_chained,
     5,
     {903, 13000},
     false},
    {"replacement of a chained value by a small one",
     act_shrink_chained,
     5,
     {901, 210},
     false},
    {"remove", act_remove, 3, {GONE, 0}, false},
    {"remove of a chained value", act_remove_chained, 5, {GONE, 0}, false},
    {"touch", act_touch, RECORDS, {GONE, 0}, false},
    {"get", act_get, RECORDS, {GONE, 0}, false},
    {"sweep", act_sweep, RECORDS, {GONE, 0}, true},
};

/* ---- enumeration -------------------------------------------------------- */

static void scene_begin(scene *on, const scratch *at, shm_on_full on_full)
{
    shm_store_config config = config_of(at, SIZE);
    int fd;

    memset(on, 0, sizeof(*on));
    scratch_unlink(at, "");
    config.on_full = on_full;
    on->store = store_with(&config, NOW);
    fd = open(at->path, O_RDWR | O_CLOEXEC);
    on->mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    on->image = malloc(SIZE);
    if (on->image == NULL || on->mapped == MAP_FAILED) {
        printf("Bail out! no memory\n");
        exit(1);
    }
    for (unsigned i = 0; i < RECORDS; i++) {
        on->before[i] = (expected){i, i == 5 ? 9000 : 200 + i};
        if (put(on, i, 0, on->before[i], SST_ANONYMOUS, NOW) != SST_OK) {
            printf("Bail out! setup\n");
            exit(1);
        }
    }
    on->before[RECORDS] = (expected){GONE, 0};
}

static void scene_end(scene *on)
{
    munmap(on->mapped, SIZE);
    free(on->image);
    shm_store_close(on->store);
}

static bool matches(scene *on, unsigned no, expected what, shm_status status,
                    const shm_meta *meta)
{
    (void)on;
    (void)no;
    if (what.number == GONE) {
        return status == SST_MISS;
    }
    return status == SST_OK && meta->value_len == what.len &&
           value_is(out, what.len, what.number);
}

/* None of the first bytes of a value may be anywhere in the file. */
static bool traces(const scene *on, expected what)
{
    unsigned char mark[16];

    if (what.number == GONE) {
        return false;
    }
    value_fill(mark, sizeof(mark), what.number);
    return memmem(on->mapped, SIZE, mark, sizeof(mark)) != NULL;
}

/* "" or what is wrong after a death and the repair behind it. */
static const char *verify(scene *on, const crash_case *c)
{
    static char why[300];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    for (unsigned no = 0; no <= RECORDS; no++) {
        shm_status status = shm_store_get(on->store, key_of(no, key), out,
                                          sizeof(out), &meta, 0, NOW);
        bool old = matches(on, no, on->before[no], status, &meta);
        bool new = no == c->key &&matches(on, no, c->after, status, &meta);

        if (status == SST_MISS && c->others_may_go) {
            continue;
        }
        if (!old && !new) {
            snprintf(why, sizeof(why), "record %u: %s", no,
                     shm_status_str(status));
            return why;
        }
        if (no == c->key && c->after.number != on->before[no].number &&
            traces(on, new ? on->before[no] : c->after)) {
            return "bytes of a value that is not there";
        }
    }
    if (shm_store_check(on->store, why, sizeof(why)) != SST_OK) {
        return why;
    }
    return "";
}

/* Runs the operation in a child that dies at its k-th store.  False when it
 * came through. */
static bool die_at(scene *on, const crash_case *c, long k)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        sst_test.count = 0;
        sst_test.die_at = k;
        _exit(c->act(on) == SST_OK ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        printf("Bail out! %s failed by itself\n", c->name);
        exit(1);
    }
    return WIFSIGNALED(status);
}

static long enumerate(scene *on, const crash_case *c)
{
    const char *why = "";
    long k = 0;

    memcpy(on->image, on->mapped, SIZE);
    do {
        memcpy(on->mapped, on->image, SIZE);
        k++;
        if (!die_at(on, c, k)) {
            break;
        }
        why = verify(on, c);
    } while (*why == '\0');
    if (!ok(*why == '\0' && k > 1, "%s: dying at each of %ld stores", c->name,
            k - 1)) {
        diag("at store %ld: %s", k, why);
    }
    memcpy(on->mapped, on->image, SIZE);
    return k - 1;
}

/* Repair of what a death left, dying itself at each of its stores. */
static void enumerate_repair(scene *on, const crash_case *c, long points)
{
    static const long eighths[] = {1, 3, 5, 7};
    const crash_case again = {"repair", act_check, c->key, c->after, false};

    for (size_t i = 0; i < sizeof(eighths) / sizeof(*eighths); i++) {
        unsigned char *start = malloc(SIZE);
        crash_case named = again;
        char name[120];

        snprintf(name, sizeof(name), "repair after %s died at %ld/8", c->name,
                 eighths[i]);
        named.name = name;
        memcpy(start, on->mapped, SIZE);
        (void)die_at(on, c, 1 + points * eighths[i] / 8);
        (void)enumerate(on, &named);
        memcpy(on->mapped, start, SIZE);
        free(start);
    }
}

/* ---- a full store, and a full bucket ------------------------------------ */

static shm_status act_put_full(scene *on)
{
    /* Room is made by ending the oldest anonymous record. */
    return put(on, RECORDS, 0, small, SST_USER, NOW + 1000);
}

static void test_evict(const scratch *at)
{
    static const crash_case evict = {
        "insert that evicts", act_put_full, RECORDS, {901, 210}, true};
    shm_stats stats;
    scene on;

    scene_begin(&on, at, SST_EVICT);
    for (unsigned i = 100;; i++) {
        (void)put(&on, i, 0, (expected){i, 210}, SST_ANONYMOUS, NOW);
        if (shm_store_stats(on.store, &stats) != SST_OK || stats.evicted > 0) {
            break;
        }
    }
    (void)enumerate(&on, &evict);
    scene_end(&on);
}

static shm_status act_many(scene *on)
{
    shm_status status = SST_OK;

    for (unsigned i = 0; i < 6 && status == SST_OK; i++) {
        status = put(on, 9000 + i, 0, (expected){9000 + i, 40}, SST_USER, NOW);
    }
    return status;
}

static shm_status act_unmany(scene *on)
{
    unsigned char key[SST_KEY_LEN];
    shm_status status = SST_OK;

    for (unsigned i = 0; i < 30 && status == SST_OK; i++) {
        status = shm_store_remove(on->store, key_of(4500 + i, key), 0);
    }
    return status;
}

/* Enough records for a load where most chains have an overflow bucket. */
static void test_overflow(const scratch *at)
{
    static const crash_case fill = {
        "inserts into full buckets", act_many, RECORDS, {GONE, 0}, false};
    static const crash_case drain = {
        "removes from long chains", act_unmany, RECORDS, {GONE, 0}, false};
    scene on;

    scene_begin(&on, at, SST_REFUSE);
    for (unsigned i = 0; i < 4000; i++) {
        (void)put(&on, 1000 + i, 0, (expected){i, 40}, SST_ANONYMOUS, NOW);
    }
    (void)enumerate(&on, &fill);
    /* Few are left in the overflow buckets, so that some become empty. */
    for (unsigned i = 0; i < 3500; i++) {
        unsigned char key[SST_KEY_LEN];

        (void)!shm_store_remove(on.store, key_of(1000 + i, key), 0);
    }
    (void)enumerate(&on, &drain);
    scene_end(&on);
}

int main(void)
{
    scratch at;
    scene on;

    scratch_make(&at);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        long points;

        scene_begin(&on, &at, SST_REFUSE);
        points = enumerate(&on, &cases[i]);
        if (cases[i].act == act_replace_chained ||
            cases[i].act == act_replace_other) {
            enumerate_repair(&on, &cases[i], points);
        }
        scene_end(&on);
    }
    test_evict(&at);
    test_overflow(&at);
    scratch_remove(&at);
    return done_testing();
}
