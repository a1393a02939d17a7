/* SPDX-License-Identifier: Apache-2.0 */
/* Each counter counts what SHM_STORE_COUNTERS says, once, and nothing else. */
#include "util.h"

#include "sst_handle.h"

#define NOW START_MS

static shm_stats before;

static shm_stats stats_of(shm_store *store)
{
    shm_stats stats = {0};

    if (shm_store_stats(store, &stats) != SST_OK) {
        printf("Bail out! no stats\n");
        exit(1);
    }
    return stats;
}

/* The counters that moved since the last call, as text. */
static const char *moved(shm_store *store)
{
    static char text[400];
    shm_stats now = stats_of(store);
    size_t len = 0;

    *text = '\0';
#define X(name, what)                                                          \
    if (now.name != before.name) {                                             \
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s+%lld ",    \
                                #name, (long long)(now.name - before.name));   \
    }
    SHM_STORE_COUNTERS(X)
#undef X
    before = now;
    return text;
}

static shm_status put_life(shm_store *store, uint64_t number, shm_kind kind,
                           int64_t life_ms, int64_t now_ms)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(kind, now_ms, life_ms);

    return shm_store_put_if(store, key_of(number, key), 0, "some value", 10,
                            &meta, NULL, now_ms);
}

static shm_status get(shm_store *store, uint64_t number, int64_t now_ms)
{
    static unsigned char out[20000];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    return shm_store_get(store, key_of(number, key), out, sizeof(out), &meta, 0,
                         now_ms);
}

static void test_plain(shm_store *store)
{
    unsigned char key[SST_KEY_LEN];
    shm_sweep_report report;
    uint64_t token = 0, other = 99;

    (void)moved(store);
    (void)put_number(store, 1, &token, 100, NOW);
    is_str(moved(store), "creates+1 ", "a creation");
    (void)put_number(store, 1, &token, 100, NOW);
    is_str(moved(store), "replaces+1 ", "a replacement");
    (void)put_number(store, 1, &other, 100, NOW);
    is_str(moved(store), "conflicts+1 ", "a put with another token");
    (void)put_number(store, 2, &other, 100, NOW);
    is_str(moved(store), "gones+1 ", "a put over nothing");
    (void)get(store, 1, NOW);
    is_str(moved(store), "hits+1 ", "a get");
    (void)get(store, 2, NOW);
    is_str(moved(store), "misses+1 ", "a get of nothing");
    (void)!shm_store_touch(store, key_of(1, key), NOW + HOUR_MS, NOW);
    is_str(moved(store), "touches+1 ", "a touch");
    (void)!shm_store_remove(store, key_of(1, key), 99);
    is_str(moved(store), "conflicts+1 ", "a remove with another token");
    (void)!shm_store_remove(store, key_of(1, key), token);
    is_str(moved(store), "removes+1 ", "a remove");
    token = 0;
    (void)put_number(store, 3, &token, 100, NOW);
    (void)moved(store);
    (void)!shm_store_sweep(store, 1000000, NOW + 2 * HOUR_MS, &report);
    is_str(moved(store), "expired+1 ", "a sweep of what has ended");
}

/* Somebody dies inside; the index has a word that names nothing, and the last
 * token is forgotten. */
static void test_repair(shm_store *store)
{
    uint64_t token = 0, old;
    pid_t pid;

    (void)put_number(store, 4, &token, 100, NOW);
    (void)moved(store);
    old = token;
    sst_shard_header(store, 0)->token = 1;
    sst_bucket(store, 0, 0)->words[SST_SLOTS - 1] = 12345;
    pid = fork();
    if (pid == 0) {
        sst_test.count = 0;
        sst_test.die_at = 1;
        (void)put_number(store, 4, &token, 100, NOW);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    (void)get(store, 4, NOW);
    is_str(moved(store), "hits+1 owner_deaths+1 damaged+1 ",
           "a repair, and what it could not keep");
    (void)put_number(store, 4, &token, 100, NOW);
    ok(token > old, "tokens go on behind the largest that is in use");
}

/* Room is made by the batch, and pages may change their class for it. */
static void has_moved(shm_store *store, const char *what, const char *name)
{
    const char *all = moved(store);

    if (!ok(strstr(all, what) != NULL, "%s", name)) {
        diag("moved: %s", all);
    }
}

static void test_full(const scratch *at, shm_on_full on_full)
{
    shm_store_config config = config_of(at, MIB);
    shm_store *store;
    uint64_t number = 0;

    scratch_unlink(at, "");
    config.on_full = on_full;
    store = store_with(&config, NOW);
    do {
        (void)moved(store);
    } while (put_life(store, ++number, SST_USER, HOUR_MS, NOW) == SST_OK &&
             number < 50000 && stats_of(store).evicted_user == 0);
    if (on_full == SST_REFUSE) {
        is_str(moved(store), "refused_room+1 ",
               "a creation where there is no room");
    }
    else {
        has_moved(store, "evicted_user+", "one that ends users");
        (void)put_life(store, ++number, SST_USER, HOUR_MS, NOW + HOUR_MS + 1);
        has_moved(store, "expired+", "one that finds what has ended");
    }
    shm_store_close(store);
}

/* Those of a few minutes go before the others, and are counted as they are. */
static void test_anonymous(const scratch *at, int64_t life_ms, const char *name)
{
    uint64_t number = 0;
    shm_store *store;
    shm_stats stats;

    scratch_unlink(at, "");
    store = store_new(at, MIB);
    do {
        (void)moved(store);
        stats = stats_of(store);
    } while (put_life(store, ++number, SST_ANONYMOUS, life_ms, NOW) == SST_OK &&
             number < 50000 && stats.evicted_anonymous == 0 &&
             stats.evicted_user == 0);
    ok(stats.evicted_anonymous > 0 && stats.evicted_user == 0, "%s", name);
    shm_store_close(store);
}

/* Small records lie few in many pages when a larger one comes. */
static void test_moved(const scratch *at)
{
    unsigned char key[SST_KEY_LEN];
    uint64_t number = 0, token;
    const char *all;
    shm_store *store;

    scratch_unlink(at, "");
    store = store_new(at, MIB);
    do {
        token = 0;
    } while (put_number(store, ++number, &token, 100, NOW) == SST_OK);
    while (--number > 0) {
        if (number % 4 != 0) {
            (void)!shm_store_remove(store, key_of(number, key), 0);
        }
    }
    token = 0;
    (void)moved(store);
    (void)put_number(store, 900000, &token, 2000, NOW);
    all = moved(store);
    if (!ok(strstr(all, " moved+") != NULL &&
                strstr(all, "pages_emptied+") != NULL,
            "one for which a page is emptied")) {
        diag("moved: %s", all);
    }
    shm_store_close(store);
}

int main(void)
{
    shm_store *store;
    scratch at;

    scratch_make(&at);
    store = store_new(&at, MIB);
    test_plain(store);
    test_repair(store);
    check_clean(store, "the store is sound");
    shm_store_close(store);
    test_full(&at, SST_REFUSE);
    test_full(&at, SST_EVICT);
    test_anonymous(&at, HOUR_MS, "one that ends anonymous sessions");
    test_anonymous(&at, 60000, "one that ends those of a minute");
    test_moved(&at);
    scratch_remove(&at);
    return done_testing();
}
