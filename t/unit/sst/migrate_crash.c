/* SPDX-License-Identifier: Apache-2.0 */
/* A migration that dies, and segments of which something is wrong. */
#include "migrate.h"

/* A fork takes a sanitizer forty times as long: there a sample has to do. */
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 97
#else
#define STRIDE 7
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

/* Each store of an attach that migrates; by ${restart} everybody dies there, so
 * that a parent that knows only the length opens it. */
static void die_everywhere(const scratch *at, bool restart, long stride)
{
    const char *why = "";
    unsigned half = 0;
    long k;

    for (k = 1; *why == '\0'; k += stride) {
        shm_store *store;
        bool died;

        image_put(at);
        store = open_server(at, MIB);
        died = dies_at(store, k);
        half += length_of_file(at) != (off_t)MIB;
        if (restart) {
            shm_store_close(store);
            store = open_server(at, MIB);
        }
        if (died) {
            why = after_death(store, at);
        }
        shm_store_close(store);
        if (!died) {
            break;
        }
    }
    if (!ok(*why == '\0' && k > 100 && half > 0,
            "dying at %s of %ld stores loses nothing%s",
            stride == 1 ? "each" : "some", k - 1,
            restart ? ", nor does a start behind it" : "")) {
        diag("at store %ld: %s", k - stride, why);
    }
}

static void test_death(const scratch *at)
{
    make_old(at);
    image_take(at);
    die_everywhere(at, false, is_long() ? 1 : STRIDE);
    die_everywhere(at, true, is_long() ? 1 : STRIDE + 4);
}

/* ---- what is not right --------------------------------------------------- */

static void poke(const scratch *at, size_t where, unsigned char bits)
{
    unsigned char byte = image[where] ^ bits;
    int fd = open(at->path, O_RDWR | O_CLOEXEC);

    (void)!pwrite(fd, &byte, 1, (off_t)where);
    close(fd);
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
    shm_store_close(store);
    image_put(at);
    poke(at, offsetof(sst_header_shm, hash_key), 1);
    store = open_server(at, MIB);
    ok(attach_next(store) == SST_OK && report.result == SST_ATTACH_RESET,
       "a header whose checksum is wrong is begun afresh: %s", report.why);
    shm_store_close(store);
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
        shm_store_close(store);
    }
    ok(right, "whatever bytes are wrong, what is carried over is sound");
}

/* A file of a length that only a migration gives, without one. */
static void test_cut(const scratch *at)
{
    uint64_t state = SST_STATE_MIGRATING;
    shm_store *store;
    int fd;

    make_old(at);
    fd = open(at->path, O_RDWR | O_CLOEXEC);
    (void)!pwrite(fd, &state, sizeof(state), offsetof(sst_header_shm, state));
    close(fd);
    store = open_server(at, MIB);
    ok(attach_next(store) == SST_OK && report.result == SST_ATTACH_RESET,
       "a segment whose successor is missing is begun afresh: %s", report.why);
    shm_store_close(store);
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    scratch at;

    scratch_make(&at);
    test_death(&at);
    test_damage(&at, seed);
    test_cut(&at);
    scratch_remove(&at);
    return done_testing();
}
