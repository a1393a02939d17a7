/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long memory is kept for records that are over.  10 000 sessions a second
 * come and end after 10 to 30 seconds, a third of them touched and so longer,
 * on a clock of the test's own; the cleanup ticks as its thread does.  What
 * lies there beyond its end and the commit grace is at most what came in two
 * seconds, or a hundredth of what lives.
 */
#include "util.h"

#define RATE    10000 /* creations a second */
#define TICK_MS 250   /* as the cleanup thread */
#define SLICES  32
#define LIFE_MS 10000
#define LEN     200
#define TICKS   4096 /* more than a run has, with the longest life behind it */

static uint64_t created, seed = 11;
static uint64_t ends[TICKS]; /* records whose end and grace are over then */

static uint64_t *over_at(int64_t end_ms)
{
    /* Ends are kept in ticks of the store, rounded down. */
    return &ends[(end_ms + SST_COMMIT_GRACE_MS - START_MS) / TICK_MS];
}

static void create(shm_store *store, unsigned count, int64_t now)
{
    static unsigned char value[LEN];
    unsigned char key[SST_KEY_LEN];

    for (unsigned i = 0; i < count; i++) {
        int64_t life = LIFE_MS + (int64_t)(next_random(&seed) % (2 * LIFE_MS));
        shm_meta meta = meta_of(SST_USER, now, life);

        if (shm_store_put_if(store, key_of(created, key), 0, value, LEN, &meta,
                             NULL, now) != SST_OK) {
            printf("Bail out! no room\n");
            exit(1);
        }
        if (created % 3 == 0 &&
            shm_store_touch(store, key, now + life + 5000, now) == SST_OK) {
            life += 5000;
        }
        ++*over_at(now + life);
        created++;
    }
}

static void tick(shm_store *store, int64_t now)
{
    shm_sweep_report report = {0};

    for (int i = 0; i < SLICES && !report.finished; i++) {
        if (shm_store_sweep(store, 1000, now, &report) != SST_OK) {
            return;
        }
    }
}

int main(void)
{
    const int64_t seconds = is_long() ? 600 : 120;
    uint64_t worst = 0, over = 0, most = 0;
    shm_store *store;
    shm_stats stats;
    scratch at;

    scratch_make(&at);
    store = store_new(&at, 512 * MIB);
    for (int64_t ms = 0; ms < seconds * 1000; ms += TICK_MS) {
        over += ends[ms / TICK_MS];
        create(store, RATE * TICK_MS / 1000, START_MS + ms);
        tick(store, START_MS + ms);
        if (shm_store_stats(store, &stats) != SST_OK) {
            break;
        }
        most = stats.records > most ? stats.records : most;
        if (over > stats.expired && over - stats.expired > worst) {
            worst = over - stats.expired;
        }
    }
    ok(over > created / 10, "%llu of %llu records are over",
       (unsigned long long)over, (unsigned long long)created);
    ok(worst <= 2 * RATE || worst <= most / 100,
       "of at most %llu records %llu were kept too long (%.1f s of arrivals)",
       (unsigned long long)most, (unsigned long long)worst,
       (double)worst / RATE);
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_unlink(&at, "");
    scratch_remove(&at);
    return done_testing();
}
