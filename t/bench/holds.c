/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the upkeep of a store holds a shard's lock: that is what operations
 * may have to wait for.  Each scenario makes a store of one shard and has
 * something done in it; what counts is the longest hold, which is seen because
 * the C library's lock and unlock go through here.
 *
 * Processor time of the thread, so that waiting for a processor does not count;
 * what an interrupt or a cold cache costs does, so each scenario is run anew
 * some times, and the smallest of the longest is told, too.
 *
 *   holds [--only NAME] [--rounds N] [DIRECTORY]
 *
 * For instructions instead of time, one scenario at a time:
 *
 *   valgrind --tool=callgrind --toggle-collect=measured holds --only NAME \
 *       --rounds 1
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shm_snapshot.h"
#include "shm_stats.h"

#define OPS_MAX  200000u
#define START_MS ((int64_t)1000000000)
#define LIFE_MS  ((int64_t)3600000)
#define VALUE    104 /* with its head, 32 k records are the most of a shard */
#define MARK     "a mark in a value"

typedef struct hold {
    shm_store *store;
    char path[200];
    uint64_t records;
    uint64_t random;
    int64_t longest_ns, all_ns; /* of holds; of operations */
    uint64_t ops;
} hold;

static unsigned char value[SST_MAX_RECORD_MAX];

_Noreturn static void die(const char *why)
{
    fprintf(stderr, "holds: %s\n", why);
    exit(1);
}

/* ---- operations --------------------------------------------------------- */

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- holds -------------------------------------------------------------- */

#define NESTED_MAX 8

typedef int lock_call(pthread_mutex_t *mutex);

static pthread_mutex_t *held[NESTED_MAX];
static unsigned nheld;
static int64_t held_since, longest_ns;

static lock_call *next_of(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    lock_call *call;

    memcpy(&call, &found, sizeof(call));
    return call;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    static lock_call *next;
    int rc;

    next = next != NULL ? next : next_of("pthread_mutex_trylock");
    rc = next(mutex);
    if (rc == 0 && nheld < NESTED_MAX) {
        if (nheld == 0) {
            held_since = cpu_ns();
        }
        held[nheld++] = mutex;
    }
    return rc;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    static lock_call *next;

    if (nheld > 0 && held[nheld - 1] == mutex && --nheld == 0) {
        int64_t took = cpu_ns() - held_since;

        longest_ns = took > longest_ns ? took : longest_ns;
    }
    next = next != NULL ? next : next_of("pthread_mutex_unlock");
    return next(mutex);
}

static uint64_t next_random(hold *on)
{
    on->random ^= on->random << 13;
    on->random ^= on->random >> 7;
    on->random ^= on->random << 17;
    return on->random;
}

static const unsigned char *key_of(uint64_t number,
                                   unsigned char key[SST_KEY_LEN])
{
    memset(key, 0x5a, SST_KEY_LEN);
    memcpy(key, &number, sizeof(number));
    return key;
}

typedef struct job {
    enum { PUT, GET, REMOVE, SWEEP, DUMP } what;
    uint64_t number;
    size_t len;
    shm_kind kind;
    int64_t now_ms;
    shm_sweep_report swept;
} job;

static shm_status put(const hold *on, const job *todo)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = {.kind = todo->kind,
                     .ns = 7,
                     .created_ms = todo->now_ms,
                     .last_access_ms = todo->now_ms,
                     .expires_ms = todo->now_ms + LIFE_MS,
                     .hard_end_ms = todo->now_ms + LIFE_MS};

    return shm_store_put_if(on->store, key_of(todo->number, key), 0, value,
                            todo->len, &meta, NULL, todo->now_ms);
}

static bool sink(void *baton, const void *bytes, size_t len)
{
    (void)bytes;
    *(uint64_t *)baton += len;
    return true;
}

static shm_status dump(const hold *on, const job *todo)
{
    uint64_t len = 0;
    const shm_dump_sink to = {.write = sink, .baton = &len};
    shm_dump_report report;

    return shm_store_dump(on->store, &to, todo->now_ms, &report);
}

/* Not static and not inlined: callgrind knows it by its name. */
shm_status measured(const hold *on, job *todo);
__attribute__((noinline)) shm_status measured(const hold *on, job *todo)
{
    static unsigned char out[SST_MAX_RECORD_MAX];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    switch (todo->what) {
    case PUT:
        return put(on, todo);
    case GET:
        return shm_store_get(on->store, key_of(todo->number, key), out,
                             sizeof(out), &meta, 0, todo->now_ms);
    case REMOVE:
        return shm_store_remove(on->store, key_of(todo->number, key), 0);
    case DUMP:
        return dump(on, todo);
    case SWEEP:
        break;
    }
    return shm_store_sweep(on->store, 0, todo->now_ms, &todo->swept);
}

static shm_status timed(hold *on, job *todo)
{
    int64_t began = cpu_ns();
    shm_status status;

    longest_ns = 0;
    status = measured(on, todo);
    on->all_ns += cpu_ns() - began;
    on->longest_ns = longest_ns > on->longest_ns ? longest_ns : on->longest_ns;
    on->ops++;
    return status;
}

/* ---- a store ------------------------------------------------------------ */

static void begin(hold *on, const char *dir, uint64_t size)
{
    shm_store_config config = {.path = on->path,
                               .size = size,
                               .max_record = SST_MAX_RECORD_MAX,
                               .on_full = SST_EVICT,
                               .owner = geteuid(),
                               .is_server = true};
    shm_attach_report report;
    char err[400];

    snprintf(on->path, sizeof(on->path), "%s/holds-%d.shm", dir, (int)getpid());
    on->store = shm_store_open(&config, err, sizeof(err));
    if (on->store == NULL) {
        die(err);
    }
    if (shm_store_attach(on->store, START_MS, &report) != SST_OK) {
        die(report.why);
    }
}

/* Until something has to go; or ${most}. */
static void fill(hold *on, size_t len, shm_kind kind, uint64_t most)
{
    job todo = {.len = len, .kind = kind, .now_ms = START_MS};
    shm_stats stats = {0};
    shm_status status;

    for (on->records = 0; on->records < most; on->records++) {
        todo.number = on->records;
        status = put(on, &todo);
        if (status != SST_OK ||
            (on->records % 64 == 0 &&
             (shm_store_stats(on->store, &stats) != SST_OK ||
              stats.evicted_user + stats.evicted_anonymous > 0))) {
            break;
        }
    }
}

/* ---- scenarios ---------------------------------------------------------- */

/* A page is looked at per call, and all in it have ended. */
static void sweep(hold *on)
{
    job todo = {.what = SWEEP, .now_ms = START_MS + LIFE_MS + 3600000};
    uint64_t freed = 0;

    fill(on, 8, SST_USER, UINT64_MAX);
    do {
        (void)!timed(on, &todo);
        freed += todo.swept.freed;
    } while (on->ops < OPS_MAX && freed + on->records / 10 < on->records);
}

/* New anonymous records push out old ones. */
static void evict(hold *on)
{
    job todo = {
        .what = PUT, .len = VALUE, .kind = SST_ANONYMOUS, .now_ms = START_MS};

    fill(on, VALUE, SST_ANONYMOUS, UINT64_MAX);
    for (uint64_t i = 0; i < 20000; i++) {
        todo.number = on->records + 1 + i;
        (void)!timed(on, &todo);
    }
}

/* One anonymous record among all the users has to be found first. */
static void evict_rare(hold *on)
{
    job rare = {.len = VALUE, .kind = SST_ANONYMOUS, .now_ms = START_MS};
    job todo = {
        .what = PUT, .len = VALUE, .kind = SST_USER, .now_ms = START_MS};

    rare.number = UINT64_MAX;
    (void)!put(on, &rare);
    fill(on, VALUE, SST_USER, UINT64_MAX);
    for (uint64_t i = 0; i < 2000; i++) {
        rare.number--;
        (void)!put(on, &rare);
        todo.number = on->records + 1 + i;
        (void)!timed(on, &todo);
    }
}

/* Sizes shift: pages with some records left in them have to be emptied. */
static void move(hold *on)
{
    job todo = {.what = PUT, .len = 2000, .kind = SST_USER, .now_ms = START_MS};
    unsigned char key[SST_KEY_LEN];

    fill(on, 8, SST_USER, UINT64_MAX);
    for (uint64_t i = 0; i < on->records; i++) {
        if (next_random(on) % 8 != 0) {
            (void)!shm_store_remove(on->store, key_of(i, key), 0);
        }
    }
    for (uint64_t i = 0; i < 4000; i++) {
        todo.number = on->records + 1 + i;
        (void)!timed(on, &todo);
    }
}

static void put_large(hold *on, size_t len)
{
    job todo = {.what = PUT, .len = len, .kind = SST_USER, .now_ms = START_MS};

    fill(on, VALUE, SST_ANONYMOUS, UINT64_MAX);
    for (uint64_t i = 0; i < 20; i++) {
        todo.number = on->records + 1 + i;
        (void)!timed(on, &todo);
    }
}

static void large_64k(hold *on)
{
    put_large(on, 65536);
}

static void large_1m(hold *on)
{
    put_large(on, 1 << 20);
}

/* All that is there, as a snapshot reads it. */
static void snapshot(hold *on)
{
    job todo = {.what = DUMP, .now_ms = START_MS};

    fill(on, VALUE, SST_USER, UINT64_MAX);
    if (timed(on, &todo) != SST_OK) {
        die("no dump was made");
    }
}

/* A byte of one value is changed: who reads it repairs the shard. */
static void spoil(const hold *on)
{
    struct stat st;
    unsigned char *bytes, *at;
    FILE *file = fopen(on->path, "r+b");

    if (file == NULL || fstat(fileno(file), &st) != 0) {
        die("cannot look at the file");
    }
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                 fileno(file), 0);
    if (bytes == MAP_FAILED) {
        die("cannot map the file");
    }
    at = memmem(bytes, (size_t)st.st_size, MARK, sizeof(MARK));
    if (at == NULL) {
        die("the value is not where it was put");
    }
    at[0] ^= 1;
    munmap(bytes, (size_t)st.st_size);
    /* Takes our own locks on the file with it; there is nobody else. */
    (void)fclose(file);
}

static void repair(hold *on)
{
    job marked = {.number = UINT64_MAX,
                  .len = VALUE,
                  .kind = SST_USER,
                  .now_ms = START_MS};
    job todo = {.what = GET, .number = UINT64_MAX, .now_ms = START_MS};

    memcpy(value, MARK, sizeof(MARK));
    (void)!put(on, &marked);
    memset(value, 0, sizeof(MARK));
    fill(on, VALUE, SST_USER, 32000);
    spoil(on);
    if (timed(on, &todo) != SST_DAMAGED) {
        die("nothing was repaired");
    }
}

typedef struct scenario {
    const char *name;
    uint64_t size;
    void (*run)(hold *on);
    const char *what;
} scenario;

#define SHARD ((uint64_t)8 << 20)

static const scenario scenarios[] = {
    {"sweep", SHARD, sweep, "a page of records that have ended"},
    {"evict", SHARD, evict, "put, full of anonymous records"},
    {"evict-rare", SHARD, evict_rare, "put, full of users and one anonymous"},
    {"move", SHARD, move, "put that has pages emptied for it"},
    {"large-64k", SHARD, large_64k, "put of 64 KiB, full of small records"},
    {"large-1m", SHARD, large_1m, "put of 1 MiB, full of small records"},
    {"snapshot", SHARD, snapshot, "a dump of all records"},
    {"repair", SHARD, repair, "repair of 32 k records"},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(*scenarios))

static void run(const scenario *scene, const char *dir, unsigned rounds)
{
    int64_t least = INT64_MAX, most = 0, all = 0;
    uint64_t ops = 0, records = 0;

    rounds = rounds > 0 ? rounds : 1;
    for (unsigned i = 0; i < rounds; i++) {
        hold on = {.random = 88172645463325252u};

        begin(&on, dir, scene->size);
        scene->run(&on);
        shm_store_close(on.store);
        unlink(on.path);
        least = on.longest_ns < least ? on.longest_ns : least;
        most = on.longest_ns > most ? on.longest_ns : most;
        all += on.all_ns;
        ops += on.ops;
        records = on.records;
    }
    printf("%-11s %-38s %8llu %8llu %9.1f %9.1f %9.1f\n", scene->name,
           scene->what, (unsigned long long)records,
           (unsigned long long)(ops / rounds),
           ops > 0 ? (double)all / (double)ops / 1e3 : 0.0, (double)least / 1e3,
           (double)most / 1e3);
}

int main(int argc, char **argv)
{
    const char *dir = "/dev/shm", *only = NULL;
    unsigned rounds = 7;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            only = argv[++i];
        }
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc &&
                 strtoul(argv[i + 1], NULL, 10) > 0) {
            rounds = (unsigned)strtoul(argv[++i], NULL, 10);
        }
        else if (argv[i][0] != '-') {
            dir = argv[i];
        }
        else {
            die("usage: holds [--only NAME] [--rounds N] [DIRECTORY]");
        }
    }
    printf("%u rounds; us of processor time: mean of operations, longest hold "
           "in the best round and in the worst\n"
           "%-11s %-38s %8s %8s %9s %9s %9s\n",
           rounds, "", "", "records", "ops", "mean", "hold", "(worst)");
    for (size_t i = 0; i < SCENARIOS; i++) {
        if (only == NULL || strcmp(only, scenarios[i].name) == 0) {
            run(&scenarios[i], dir, rounds);
        }
    }
    return 0;
}
