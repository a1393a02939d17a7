/* SPDX-License-Identifier: Apache-2.0 */
/* A migration that dies, and segments of which something is wrong. */
#include "migrate.h"

#include <sys/mman.h>

/* A fork takes a sanitizer forty times as long: there a sample has to do. */
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 397
#else
#define STRIDE 29
#endif

/* ---- death --------------------------------------------------------------- */

static bool dies_at(shm_store *store, long k)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        shm_attach_report mine;

        next_sst_test.count = 0;
        next_sst_test.die_at = k;
        _exit(next_shm_store_attach(store, LATER, &mine) != SST_OK);
    }
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        printf("Bail out! a migration failed by itself\n");
        exit(1);
    }
    return WIFSIGNALED(status);
}

/* "" or what is wrong. */
static const char *after_death(shm_store *store, const scratch *at)
{
    if (next_shm_store_attach(store, LATER, &report) != SST_OK ||
        report.result != SST_ATTACH_ADOPTED || report.lost != 0) {
        return report.why[0] != '\0' ? report.why : "not adopted";
    }
    if (length_of_file(at) != (off_t)MIB) {
        return "the file keeps what was behind it";
    }
    return compare(store);
}

/* A migration dies before store ${k}, and if ${again} is not 0 the next one
 * before that store; by ${restart} everybody dies, so that a parent that knows
 * only the length opens the file. */
typedef struct death {
    long k;
    long again;
    bool restart;
} death;

/* False when it came through. */
static bool try_death(const scratch *at, death how, const char **why)
{
    shm_store *store;
    bool died;

    image_put(at);
    store = open_server(at, MIB);
    died =
        dies_at(store, how.k) && (how.again == 0 || dies_at(store, how.again));
    if (how.restart) {
        close_both(store);
        store = open_server(at, MIB);
    }
    *why = died ? after_death(store, at) : "";
    close_both(store);
    return died;
}

/* Deaths before store ${from}, every ${stride} stores, up to ${to}. */
static void die_along(const scratch *at, death how, long to, long stride,
                      const char *name)
{
    const char *why = "";
    long tried = 0;

    for (; how.k <= to && *why == '\0'; how.k += stride) {
        tried += try_death(at, how, &why);
    }
    if (!ok(*why == '\0' && tried > 10, "%s: dying at %ld stores loses nothing",
            name, tried)) {
        diag("at store %ld: %s", how.k - stride, why);
    }
}

static uint64_t state_of(const scratch *at)
{
    uint64_t state = 0;
    int fd = open(at->path, O_RDWR | O_CLOEXEC);

    (void)!pread(fd, &state, sizeof(state), offsetof(sst_header_shm, state));
    close(fd);
    return state;
}

/* The first death behind which the old segment does not count any more: stores
 * before it and behind it are few, and each is tried. */
static long point_of_no_return(const scratch *at, long stores)
{
    long low = 1, high = stores;

    while (low < high) {
        long k = low + (high - low) / 2;
        shm_store *store;

        image_put(at);
        store = open_server(at, MIB);
        (void)dies_at(store, k);
        close_both(store);
        if (state_of(at) == SST_STATE_READY &&
            length_of_file(at) != (off_t)MIB) {
            low = k + 1;
        }
        else {
            high = k;
        }
    }
    return low;
}

static long stores_of(const scratch *at)
{
    static sst_test_deaths *note;
    shm_store *store;

    note = mmap(NULL, sizeof(*note), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    image_put(at);
    store = open_server(at, MIB);
    next_sst_test.deaths = note;
    (void)dies_at(store, 0);
    next_sst_test.deaths = NULL;
    close_both(store);
    return note->stores;
}

static void test_death(const scratch *at)
{
    long stride = is_long() ? 1 : STRIDE;
    long stores, point;

    make_old(at);
    image_take(at);
    stores = stores_of(at);
    point = point_of_no_return(at, stores);
    diag("%ld stores, of which %ld make the new segment", stores, point);
    die_along(at, (death){.k = 1}, stores, stride, "anywhere");
    die_along(at, (death){.k = 4, .restart = true}, stores, stride,
              "anywhere, and with everybody");
    for (int restart = 0; restart < 2; restart++) {
        die_along(at, (death){.k = point - 4, .restart = restart}, point + 16,
                  1,
                  restart ? "there, and with everybody"
                          : "where one segment takes the other's place");
    }
    for (long again = 1; again < 6; again++) {
        const char *why = "";

        ok(try_death(at, (death){.k = point, .again = again}, &why) &&
               *why == '\0',
           "and so does who goes on and dies before store %ld: %s", again, why);
    }
}

/* ---- what is not right --------------------------------------------------- */

static void write_at(const scratch *at, size_t where, const void *bytes,
                     size_t len)
{
    int fd = open(at->path, O_RDWR | O_CLOEXEC);

    (void)!pwrite(fd, bytes, len, (off_t)where);
    close(fd);
}

static void poke(const scratch *at, size_t where, unsigned char bits)
{
    unsigned char byte = image[where] ^ bits;

    write_at(at, where, &byte, 1);
}

static void test_damage(const scratch *at, uint64_t seed)
{
    unsigned char mark[16], *hit;
    shm_store *store;
    char why[200];
    bool right = true;

    make_old(at);
    image_take(at);
    value_fill(mark, sizeof(mark), 17);
    hit = memmem(image, sizeof(image), mark, sizeof(mark));
    poke(at, (size_t)(hit - image) + 3, 1);
    store = open_server(at, MIB);
    is_int(attach_next(store), SST_OK, "a record has a bit flipped");
    ok(report.lost == 1 && report.records == live() - 1,
       "it is left out and counted, and the others are carried over");
    close_both(store);
    image_put(at);
    poke(at, offsetof(sst_header_shm, hash_key), 1);
    store = open_server(at, MIB);
    ok(attach_next(store) == SST_OK && report.result == SST_ATTACH_RESET,
       "a header whose checksum is wrong is begun afresh: %s", report.why);
    close_both(store);
    seed |= 1;
    for (unsigned round = 0; round < 60 && right; round++) {
        image_put(at);
        for (unsigned i = 0; i < 200; i++) {
            size_t where = next_random(&seed) % MIB;

            /* Where words and links are, more often than elsewhere. */
            where = i % 2 ? where : 4096 + where % (200 * 1024);
            poke(at, where, (unsigned char)next_random(&seed));
        }
        store = open_server(at, MIB);
        right = next_shm_store_attach(store, LATER, &report) == SST_OK &&
                next_shm_store_check(store, why, sizeof(why)) == SST_OK &&
                report.records <= live();
        close_both(store);
    }
    ok(right, "whatever bytes are wrong, what is carried over is sound");
}

/* A geometry that lies under a checksum that is right: each word of it, any
 * number.  Who dies at it is this program. */
static void test_lies(const scratch *at)
{
    static const uint32_t lies[] = {0, 1, 16384, INT32_MAX, UINT32_MAX};
    sst_header_shm header;
    uint32_t *words = (uint32_t *)(void *)&header.geo;
    bool right = true;

    make_old(at);
    image_take(at);
    for (unsigned i = 0; i < sizeof(header.geo) / 4 * 5 && right; i++) {
        char why[200];
        shm_store *store;

        memcpy(&header, image, sizeof(header));
        words[i / 5] = lies[i % 5];
        header.sum =
            sst_sum(&header.geo, sizeof(header.geo) + sizeof(header.hash_key),
                    header.version);
        image_put(at);
        write_at(at, 0, &header, sizeof(header));
        store = open_server(at, MIB);
        right = next_shm_store_attach(store, LATER, &report) == SST_OK &&
                next_shm_store_check(store, why, sizeof(why)) == SST_OK &&
                report.records <= live();
        close_both(store);
    }
    ok(right, "whatever an old header says of itself is checked");
}

/* A file of a length that only a migration gives, without one. */
static void test_cut(const scratch *at)
{
    uint64_t state = SST_STATE_MIGRATING;
    shm_store *store;

    make_old(at);
    write_at(at, offsetof(sst_header_shm, state), &state, sizeof(state));
    store = open_server(at, MIB);
    ok(attach_next(store) == SST_OK && report.result == SST_ATTACH_RESET,
       "a segment whose successor is missing is begun afresh: %s", report.why);
    close_both(store);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    scratch at;

    scratch_make(&at);
    test_death(&at);
    test_damage(&at, seed);
    test_lies(&at);
    test_cut(&at);
    scratch_remove(&at);
    return done_testing();
}
