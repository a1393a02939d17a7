/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes write records of their own keys and read everybody's while
 * a killer takes one after the other by SIGKILL.  Every value says its key and
 * version; a process notes each version that was acknowledged in memory that
 * outlives it.  So a mix-up, a lost write and a rollback are all seen.
 * Arguments: seed, kills.
 */
#include "util.h"

#include <sys/mman.h>

#define WRITERS 4
#define KEYS    200 /* of each */
#define LEN_MAX 9000

typedef struct value_head {
    uint64_t key;
    uint64_t version;
    uint64_t len;
} value_head;

/* In memory that is shared by all and not part of the store. */
typedef struct notes {
    /* The last version that was acknowledged and, in the same word, how many
     * removes had been begun by then; 0: none. */
    uint64_t acknowledged[WRITERS][KEYS];
    uint64_t token[WRITERS][KEYS];
    uint64_t removes[WRITERS][KEYS]; /* begun */
    uint64_t operations;
    uint64_t wrong;
    char what[200];
    bool stop;
} notes;

static unsigned char value[LEN_MAX], out[LEN_MAX];

static void complain(notes *on, const char *what, uint64_t key, uint64_t have,
                     uint64_t want)
{
    if (__atomic_fetch_add(&on->wrong, 1, __ATOMIC_RELAXED) == 0) {
        snprintf(on->what, sizeof(on->what), "%s: key %llu, %llu for %llu",
                 what, (unsigned long long)key, (unsigned long long)have,
                 (unsigned long long)want);
    }
}

static bool value_right(const shm_meta *meta, uint64_t key, uint64_t *version)
{
    value_head head;

    if (meta->value_len < sizeof(head)) {
        return false;
    }
    memcpy(&head, out, sizeof(head));
    *version = head.version;
    return head.key == key && head.len == meta->value_len &&
           value_is(out + sizeof(head), meta->value_len - sizeof(head),
                    key * 1000003 + head.version);
}

static void read_one(shm_store *store, notes *on, unsigned who, unsigned no)
{
    uint64_t noted =
        __atomic_load_n(&on->acknowledged[who][no], __ATOMIC_ACQUIRE);
    uint64_t before = noted >> 32;
    uint64_t number = who * KEYS + no, version = 0;
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;
    shm_status status = shm_store_get(store, key_of(number, key), out,
                                      sizeof(out), &meta, 0, START_MS);

    if (status == SST_OK && !value_right(&meta, number, &version)) {
        complain(on, "another record's bytes", number, version, before);
    }
    else if (status == SST_OK && version < before) {
        complain(on, "rolled back", number, version, before);
    }
    else if (status == SST_MISS && before != 0 &&
             __atomic_load_n(&on->removes[who][no], __ATOMIC_ACQUIRE) ==
                 (noted & UINT32_MAX)) {
        complain(on, "an acknowledged write is gone", number, 0, before);
    }
    else if (status != SST_OK && status != SST_MISS && status != SST_BUSY) {
        complain(on, shm_status_str(status), number, 0, before);
    }
}

/* What was written by a predecessor that died before it could note it.  False
 * if there was no answer. */
static bool resume(shm_store *store, notes *on, unsigned who, unsigned no,
                   uint64_t *version)
{
    unsigned char key[SST_KEY_LEN];
    uint64_t number = who * KEYS + no;
    shm_meta meta;
    shm_status status = shm_store_get(store, key_of(number, key), out,
                                      sizeof(out), &meta, 0, START_MS);

    *version = on->acknowledged[who][no] >> 32;
    if (status == SST_OK && value_right(&meta, number, version)) {
        on->token[who][no] = meta.token;
    }
    else {
        on->token[who][no] = 0;
    }
    return status != SST_BUSY;
}

static void write_one(shm_store *store, notes *on, unsigned who, unsigned no,
                      uint64_t *seed)
{
    uint64_t number = who * KEYS + no, version;
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, START_MS, HOUR_MS);
    value_head head;
    shm_status status;

    if (!resume(store, on, who, no, &version)) {
        return;
    }
    head = (value_head){number, version + 1,
                        sizeof(head) + next_random(seed) % 400};
    if (next_random(seed) % 16 == 0) {
        head.len = LEN_MAX - next_random(seed) % 4000;
    }
    memcpy(value, &head, sizeof(head));
    value_fill(value + sizeof(head), head.len - sizeof(head),
               number * 1000003 + head.version);
    status = shm_store_put_if(store, key_of(number, key), on->token[who][no],
                              value, head.len, &meta, NULL, START_MS);
    if (status == SST_OK) {
        __atomic_store_n(&on->acknowledged[who][no],
                         head.version << 32 | on->removes[who][no],
                         __ATOMIC_RELEASE);
    }
    else if (status != SST_BUSY) {
        complain(on, shm_status_str(status), number, 0, head.version);
    }
}

static void remove_one(shm_store *store, notes *on, unsigned who, unsigned no)
{
    unsigned char key[SST_KEY_LEN];

    __atomic_add_fetch(&on->removes[who][no], 1, __ATOMIC_ACQ_REL);
    (void)!shm_store_remove(store, key_of(who * KEYS + no, key), 0);
}

static void writer(shm_store *store, notes *on, unsigned who, uint64_t seed)
{
    seed |= 1;
    while (!__atomic_load_n(&on->stop, __ATOMIC_RELAXED)) {
        unsigned no = (unsigned)(next_random(&seed) % KEYS);
        unsigned what = (unsigned)(next_random(&seed) % 10);

        if (what < 4) {
            write_one(store, on, who, no, &seed);
        }
        else if (what < 9) {
            read_one(store, on, (unsigned)(next_random(&seed) % WRITERS), no);
        }
        else {
            remove_one(store, on, who, no);
        }
        __atomic_fetch_add(&on->operations, 1, __ATOMIC_RELAXED);
    }
    _exit(0);
}

static pid_t spawn(shm_store *store, notes *on, unsigned who, uint64_t seed)
{
    pid_t pid = fork();

    if (pid == 0) {
        writer(store, on, who, seed);
    }
    return pid;
}

static void storm(shm_store *store, notes *on, uint64_t seed, unsigned kills)
{
    pid_t pids[WRITERS];

    for (unsigned i = 0; i < WRITERS; i++) {
        pids[i] = spawn(store, on, i, next_random(&seed));
    }
    for (; kills > 0; kills--) {
        unsigned victim = (unsigned)(next_random(&seed) % WRITERS);

        usleep((useconds_t)(next_random(&seed) % 3000));
        kill(pids[victim], SIGKILL);
        waitpid(pids[victim], NULL, 0);
        pids[victim] = spawn(store, on, victim, next_random(&seed));
    }
    __atomic_store_n(&on->stop, true, __ATOMIC_RELAXED);
    alarm(5); /* a hang is a failure, not a wait */
    for (unsigned i = 0; i < WRITERS; i++) {
        waitpid(pids[i], NULL, 0);
    }
    alarm(0);
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv) | 1;
    unsigned kills = is_long() ? 100000 : 600;
    int64_t begun = shm_store_clock_ms();
    shm_store *store;
    shm_stats stats;
    scratch at;
    notes *on;

    if (argc > 2) {
        kills = (unsigned)strtoul(argv[2], NULL, 10);
    }
    scratch_make(&at);
    store = store_new(&at, 16 * MIB);
    on = mmap(NULL, sizeof(*on), PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    storm(store, on, seed, kills);
    for (unsigned who = 0; who < WRITERS; who++) {
        for (unsigned no = 0; no < KEYS; no++) {
            read_one(store, on, who, no);
        }
    }
    is_int(shm_store_stats(store, &stats), SST_OK, "stats");
    diag("%u kills in %lld ms, %llu operations, %llu repairs", kills,
         (long long)(shm_store_clock_ms() - begun),
         (unsigned long long)on->operations,
         (unsigned long long)stats.owner_deaths);
    ok(stats.owner_deaths > 0, "some of the %u killed were inside", kills);
    if (!ok(on->wrong == 0, "every acknowledged write is there, as written")) {
        diag("%llu wrong; first: %s", (unsigned long long)on->wrong, on->what);
    }
    is_int(stats.damaged, 0, "nothing was damaged");
    check_clean(store, "the store is sound");
    munmap(on, sizeof(*on));
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
