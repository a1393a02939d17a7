/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one request's session costs in the core, without httpd: load, load and
 * commit, and the parts that they are made of, over shm_store.
 *
 *   commit DIRECTORY [sealed|clear]     nanoseconds of CPU, a line a part
 *   commit DIRECTORY MODE PART COUNT    only that part, for callgrind with
 *                                       --toggle-collect=measured*
 *
 * 1 000 sessions with 1 KB of values, taken in turns, as many requests would.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "sx_codec.h"
#include "sx_command.h"
#include "sx_commit.h"
#include "sx_store_shm.h"

#define SESSIONS  1000
#define VALUE_LEN 1024
#define ROUNDS    9
#define ROUND_NS  60000000

typedef struct bench {
    sx_realm realm;
    sx_id ids[SESSIONS];
    sx_now now;
    unsigned turn;
    apr_pool_t *pool;    /* of one request: cleared after each */
    sx_session *session; /* of the newest load, in a pool that stays */
    sx_str plain;        /* that session, encoded */
} bench;

static void die(const char *what)
{
    fprintf(stderr, "commit: %s\n", what);
    exit(1);
}

/* ---- a realm ------------------------------------------------------------ */

static shm_store *open_segment(const char *dir)
{
    char path[512], err[512];
    shm_attach_report report;
    shm_store_config config = {
        .path = path,
        .size = 16 << 20,
        .max_record = 1 << 20,
        .owner = geteuid(),
        .is_server = true,
    };
    shm_store *store;

    snprintf(path, sizeof path, "%s/commit-%d.shm", dir, (int)getpid());
    store = shm_store_open(&config, err, sizeof err);
    if (!store)
        die(err);
    if (shm_store_attach(store, shm_store_clock_ms(), &report) != SST_OK)
        die(report.why);
    unlink(path);
    return store;
}

/* As the default of SessionExtBind has it. */
static const char user_agent[] =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36";

static void open_realm(bench *b, const char *dir, bool encrypt,
                       apr_pool_t *pool)
{
    static const unsigned char kids[] = {1};
    unsigned char secret[1][SX_SECRET_LEN];

    sx_random(secret, sizeof secret);
    b->now = (sx_now){shm_store_clock_ms(), (int64_t)time(NULL)};
    b->realm = (sx_realm){
        .scope = {sx_keys_from_memory(kids, secret, 1), "sid", "localhost"},
        .store = sx_store_shm_create(open_segment(dir), pool),
        .times = {1800000, 1800000, 43200000, 3600000, 10000, 60000},
        .limits = {65536, 1800, SX_FLASH_MAX, SX_FLASH_BYTES},
        .user_key = sx_str_of("user"),
        .encrypt = encrypt,
        .client = {.bind = SX_BIND_LOG, .part = {sx_str_of(user_agent)}},
    };
}

static void fill(bench *b)
{
    sx_loaded none = {.status = SX_STATUS_NONE};
    sx_commit_mode mode = {true, true};
    sx_committed done = {0};
    char *value = apr_palloc(b->pool, VALUE_LEN + 1);

    memset(value, 'v', VALUE_LEN);
    value[VALUE_LEN] = '\0';
    for (unsigned i = 0; i < SESSIONS; i++) {
        sx_delta *delta = sx_delta_create(b->pool);

        sx_command_parse(delta, "Session-Set",
                         apr_pstrcat(b->pool, "user=u",
                                     apr_itoa(b->pool, (int)i),
                                     "&n=0&d=", value, NULL));
        sx_commit(&b->realm, &none, delta, mode, b->now, &done, b->pool);
        if (done.verdict != SX_COMMIT_OK || !done.created)
            die("a session could not be made");
        b->ids[i] = done.id;
    }
    apr_pool_clear(b->pool);
}

/* ---- parts -------------------------------------------------------------- */

static const sx_id *next_id(bench *b)
{
    return &b->ids[b->turn++ % SESSIONS];
}

static void load(bench *b, sx_loaded *loaded)
{
    sx_str cookie = {next_id(b)->text, SX_ID_LEN};

    sx_load(&b->realm, &cookie, 1, b->now, loaded, b->pool);
    if (loaded->status != SX_STATUS_ACTIVE)
        die("a session was not found");
}

static void part_load(bench *b)
{
    sx_loaded loaded;

    load(b, &loaded);
}

static void commit(bench *b, sx_delta *delta, bool writes)
{
    sx_commit_mode mode = {true, true};
    sx_committed done = {0};
    sx_loaded loaded;

    load(b, &loaded);
    sx_commit(&b->realm, &loaded, delta, mode, b->now, &done, b->pool);
    if (done.verdict != SX_COMMIT_OK || done.wrote != writes)
        die("a commit did not do what it should");
}

static void part_load_idle(bench *b)
{
    commit(b, sx_delta_create(b->pool), false);
}

static void part_load_commit(bench *b)
{
    sx_delta *delta = sx_delta_create(b->pool);

    sx_command_parse(delta, "Session-Incr", "n=1");
    commit(b, delta, true);
}

static void part_verify(bench *b)
{
    sx_id id;

    if (!sx_id_verify(&id, (sx_str){next_id(b)->text, SX_ID_LEN},
                      &b->realm.scope))
        die("an id was refused");
}

static void part_get(bench *b)
{
    sx_str bytes;
    sx_record_meta meta;

    if (b->realm.store->ops->get(b->realm.store, next_id(b)->store_key, &bytes,
                                 &meta, 0, b->now.boot_ms,
                                 b->pool) != SX_STORE_OK)
        die("a record was not found");
}

static void part_read(bench *b)
{
    sx_found at = {.id = *next_id(b)};

    if (sx_record_read(&b->realm, &at, 0, b->now, b->pool) != SX_STORE_OK)
        die("a record did not open");
}

static void part_encode(bench *b)
{
    if (sx_encode(b->session, b->pool).len == 0)
        die("a session was not encoded");
}

static void part_decode(bench *b)
{
    if (!sx_decode(b->plain, b->pool))
        die("a session was not decoded");
}

static void part_close(bench *b)
{
    if (sx_record_close(&b->realm, next_id(b), SX_USER, b->plain, b->pool)
            .len == 0)
        die("a session was not sealed");
}

static void part_env(bench *b)
{
    sx_env_in in = {
        .status = SX_STATUS_ACTIVE,
        .session = b->session,
        .user = sx_session_user(b->session, b->realm.user_key),
        .all_keys = true,
    };

    if (sx_env_make(&in, b->pool)->nelts == 0)
        die("no environment was made");
}

static const struct {
    const char *name;
    void (*run)(bench *b);
} parts[] = {
    {"load", part_load},
    {"load+commit", part_load_commit},
    {"load+idle-commit", part_load_idle},
    {"id-verify", part_verify},
    {"store-get", part_get},
    {"get+open+decode", part_read},
    {"decode", part_decode},
    {"encode", part_encode},
    {"seal", part_close},
    {"environment", part_env},
};

/* ---- measuring ---------------------------------------------------------- */

/* Its own function, so that callgrind can begin and end with it. */
__attribute__((noinline)) static void measured(bench *b, size_t part,
                                               unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        parts[part].run(b);
        apr_pool_clear(b->pool);
    }
}

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double once(bench *b, size_t part)
{
    int64_t begin = cpu_ns(), end;
    unsigned count = 0;

    do {
        measured(b, part, 100);
        count += 100;
        end = cpu_ns();
    } while (end - begin < ROUND_NS);
    return (double)(end - begin) / count;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* All parts in turns, so that noise falls on all; the median of each. */
static void table(bench *b)
{
    size_t count = sizeof parts / sizeof parts[0];
    double ns[sizeof parts / sizeof parts[0]][ROUNDS];

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t part = 0; part < count; part++)
            ns[part][round] = once(b, part);
    }
    for (size_t part = 0; part < count; part++) {
        qsort(ns[part], ROUNDS, sizeof ns[part][0], by_value);
        printf("%s %.0f %.0f %.0f\n", parts[part].name, ns[part][ROUNDS / 2],
               ns[part][0], ns[part][ROUNDS - 1]);
    }
}

static int run_part(bench *b, const char *name, unsigned count)
{
    for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
        if (strcmp(parts[part].name, name) == 0) {
            /* Code and data are warm before anything is counted. */
            for (unsigned i = 0; i < SESSIONS; i++) {
                parts[part].run(b);
                apr_pool_clear(b->pool);
            }
            measured(b, part, count);
            return 0;
        }
    }
    fprintf(stderr, "commit: there is no part '%s'\n", name);
    return 2;
}

int main(int argc, char **argv)
{
    static bench b;
    apr_pool_t *pool;
    sx_loaded loaded;

    if (argc != 2 && argc != 3 && argc != 5) {
        fputs("usage: commit DIRECTORY [sealed|clear [PART COUNT]]\n", stderr);
        return 2;
    }
    if (apr_initialize() != APR_SUCCESS || !sx_crypto_init())
        die("APR or libsodium cannot be used");
    apr_pool_create(&pool, NULL);
    apr_pool_create(&b.pool, pool);
    open_realm(&b, argv[1], argc < 3 || strcmp(argv[2], "clear") != 0, pool);
    fill(&b);
    load(&b, &loaded);
    b.session = sx_session_clone(loaded.session, pool);
    b.plain = sx_encode(b.session, pool);
    apr_pool_clear(b.pool);
    if (argc == 5)
        return run_part(&b, argv[3], (unsigned)strtoul(argv[4], NULL, 10));
    table(&b);
    return 0;
}
