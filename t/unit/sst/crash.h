/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every crash point of an operation.  For each k a child dies by SIGKILL before
 * its k-th store into the segment.  The next locker repairs; then the key has
 * its old value or its new one, all other records are as they were, the check
 * finds nothing, and no byte of a value that is gone is left.
 */
#ifndef CRASH_H
#define CRASH_H

#include "deaths.h"

#include <fcntl.h>

#define RECORDS 24
#define NOW     START_MS
#define LATER   (NOW + 2 * HOUR_MS)
#define GONE    UINT64_MAX /* instead of a value's number */

/* A fork takes a sanitizer forty times as long: there a sample has to do. */
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 29
#else
#define STRIDE 1
#endif

#define COPY_EVERY 16 /* points at which a copy is attached, too */

/* Where each record's value comes from: key -> number and length. */
typedef struct expected {
    uint64_t number;
    size_t len;
} expected;

typedef struct scene {
    const scratch *at;
    shm_store *store;
    size_t size;
    long stride; /* between the points that are tried */
    long tried;
    unsigned char *image;  /* the segment before the operation */
    unsigned char *mapped; /* the file, mapped a second time */
    uint64_t tokens[RECORDS];
    expected before[RECORDS + 1];
    uint64_t numbers[RECORDS + 1]; /* of their keys */
    unsigned gone_from, gone_end;  /* these may go */
    uint64_t records;              /* before the operation */
    uint64_t may_go;               /* of those, besides the key's */
} scene;

static unsigned char value[1 << 20], out[1 << 20];
static long crash_points; /* tried by this program */

static const unsigned char *key_at(const scene *on, unsigned no,
                                   unsigned char key[SST_KEY_LEN])
{
    return key_of(no <= RECORDS ? on->numbers[no] : no, key);
}

static shm_status put(scene *on, unsigned no, uint64_t token, expected what,
                      shm_kind kind, int64_t now_ms)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(kind, now_ms, HOUR_MS);
    shm_status status;

    value_fill(value, what.len, what.number);
    status = shm_store_put_if(on->store, key_at(on, no, key), token, value,
                              what.len, &meta, NULL, now_ms);
    if (status == SST_OK && no < RECORDS) {
        on->tokens[no] = meta.token;
    }
    return status;
}

typedef struct crash_case {
    const char *name;
    shm_status (*act)(scene *on);
    unsigned key;   /* the one that it changes */
    expected after; /* to what */
    bool others_may_go;
} crash_case;

static shm_status act_check(scene *on)
{
    char why[200];

    return shm_store_check(on->store, why, sizeof(why));
}

static uint64_t records_of(const scene *on)
{
    shm_stats stats;

    return shm_store_stats(on->store, &stats) == SST_OK ? stats.records : 0;
}

/* ---- enumeration -------------------------------------------------------- */

static void scene_fill(scene *on)
{
    for (unsigned i = 0; i < RECORDS; i++) {
        on->before[i] = (expected){i, i == 5 ? 9000 : 200 + i};
        if (put(on, i, 0, on->before[i], SST_USER, NOW) != SST_OK) {
            printf("Bail out! setup\n");
            exit(1);
        }
    }
}

static void scene_begin(scene *on, const scratch *at, uint64_t size,
                        shm_on_full on_full)
{
    shm_store_config config = config_of(at, size);
    int fd;

    memset(on, 0, sizeof(*on));
    on->at = at;
    on->size = size;
    on->stride = STRIDE;
    for (unsigned i = 0; i <= RECORDS; i++) {
        on->numbers[i] = i;
    }
    scratch_unlink(at, "");
    config.on_full = on_full;
    on->store = store_with(&config, NOW);
    fd = open(at->path, O_RDWR | O_CLOEXEC);
    on->mapped =
        mmap(NULL, on->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    on->image = malloc(on->size);
    if (on->image == NULL || on->mapped == MAP_FAILED) {
        printf("Bail out! no memory\n");
        exit(1);
    }
    scene_fill(on);
    on->before[RECORDS] = (expected){GONE, 0};
}

static void scene_end(scene *on)
{
    crash_points += on->tried;
    munmap(on->mapped, on->size);
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
    return memmem(on->mapped, on->size, mark, sizeof(mark)) != NULL;
}

/* A record that was lost without a trace breaks no structure. */
static bool too_few(const scene *on, const crash_case *c, uint64_t records)
{
    uint64_t may_go =
        on->may_go + (on->gone_end - on->gone_from) +
        (c->after.number == GONE && on->before[c->key].number != GONE);

    return !c->others_may_go && records + may_go < on->records;
}

/* "" or what is wrong after a death and the repair behind it. */
static const char *verify(scene *on, const crash_case *c)
{
    static char why[300];
    unsigned char key[SST_KEY_LEN];
    shm_stats stats;
    shm_meta meta;

    for (unsigned no = 0; no <= RECORDS; no++) {
        shm_status status = shm_store_get(on->store, key_at(on, no, key), out,
                                          sizeof(out), &meta, 0, NOW);
        bool old = matches(on, no, on->before[no], status, &meta);
        bool new = no == c->key &&matches(on, no, c->after, status, &meta);

        if (status == SST_MISS &&
            (c->others_may_go || (no >= on->gone_from && no < on->gone_end))) {
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
    /* Death leaves things undone, never broken. */
    if (shm_store_stats(on->store, &stats) != SST_OK || stats.damaged != 0) {
        return "the repair found damage";
    }
    return too_few(on, c, stats.records) ? "records are lost" : "";
}

/* What a copy of the file, taken as a death left it, is when another server
 * finds it: a foreign segment, of which every checksum is verified. */
static const char *verify_copy(const scene *on, const unsigned char *left)
{
    static char why[300];
    shm_store_config config = config_of(on->at, 0);
    char path[PATH_ROOM + 8], err[200];
    shm_attach_report report = {0};
    shm_store *copy;
    int fd;

    snprintf(path, sizeof(path), "%s.copy", on->at->path);
    config.path = path;
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, left, on->size) != (ssize_t)on->size) {
        return "no room for a copy";
    }
    close(fd);
    copy = shm_store_open(&config, err, sizeof(err));
    if (copy == NULL) {
        return "a copy does not open";
    }
    if (shm_store_attach(copy, NOW, &report) != SST_OK ||
        report.result != SST_ATTACH_ADOPTED || report.lost != 0) {
        snprintf(why, sizeof(why), "a copy: %llu lost, %s",
                 (unsigned long long)report.lost, report.why);
    }
    else if (shm_store_check(copy, why, sizeof(why)) == SST_OK) {
        *why = '\0';
    }
    shm_store_close(copy);
    scratch_unlink(on->at, ".copy");
    return why;
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

    memcpy(on->image, on->mapped, on->size);
    if (c->act != act_check) {
        on->records = records_of(on);
    }
    deaths_note();
    (void)die_at(on, c, LONG_MAX);
    deaths_noted();
    do {
        memcpy(on->mapped, on->image, on->size);
        k = deaths_next(k, on->stride, 0);
        on->tried++;
        if (!die_at(on, c, k)) {
            break;
        }
        if (is_long() || k % COPY_EVERY == 1) {
            unsigned char *left = malloc(on->size);

            memcpy(left, on->mapped, on->size);
            why = verify_copy(on, left);
            free(left);
        }
        if (*why == '\0') {
            why = verify(on, c);
        }
    } while (*why == '\0');
    if (!ok(*why == '\0' && k > 1, "%s: dying at %s of %ld stores", c->name,
            on->stride == 1 ? "each" : "some", k - 1)) {
        diag("at store %ld: %s", k, why);
    }
    memcpy(on->mapped, on->image, on->size);
    return k - 1;
}

/* Repair of what a death left, dying itself at each of its stores. */
static void TAP_UNUSED enumerate_repair(scene *on, const crash_case *c,
                                        long points)
{
    static const long eighths[] = {1, 3, 5, 7};
    const crash_case again = {"repair", act_check, c->key, c->after, false};

    for (size_t i = 0; i < sizeof(eighths) / sizeof(*eighths); i++) {
        unsigned char *start = malloc(on->size);
        crash_case named = again;
        char name[120];

        snprintf(name, sizeof(name), "repair after %s died at %ld/8", c->name,
                 eighths[i]);
        named.name = name;
        memcpy(start, on->mapped, on->size);
        (void)die_at(on, c, 1 + points * eighths[i] / 8);
        (void)enumerate(on, &named);
        memcpy(on->mapped, start, on->size);
        free(start);
    }
}

#endif
