/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on the store and on a model that is too simple to be
 * wrong; each answer must be the same.  Argument: a seed.
 */
#include "util.h"

#define KEYS 300
#define OPS  60000
#define ROOM 20000

typedef struct modelled {
    bool there;
    uint64_t token, number;
    size_t len;
    int64_t expires, hard_end; /* in ticks of the store: see grid() */
} modelled;

static modelled model[KEYS];
static uint64_t largest_token[KEYS];
static unsigned char value[ROOM], out[ROOM];

/* Times on the store's grid, so that rounding hides nothing. */
static int64_t grid(int64_t ms)
{
    return ms - (ms - START_MS) % SST_TICK_MS;
}

static size_t random_len(uint64_t *seed)
{
    switch (next_random(seed) % 8) {
    case 0:
        return next_random(seed) % ROOM;
    case 1:
        return next_random(seed) % 4200;
    default:
        return 100 + next_random(seed) % 300;
    }
}

static bool do_put(shm_store *store, unsigned no, uint64_t *seed, int64_t now)
{
    modelled *m = &model[no];
    unsigned char key[SST_KEY_LEN];
    uint64_t token = next_random(seed) % 3 == 0 ? 0 : m->token;
    uint64_t number = next_random(seed);
    size_t len = random_len(seed);
    shm_meta meta = meta_of(
        SST_USER, now,
        grid((int64_t)(next_random(seed) % 300000) + START_MS) - START_MS);
    shm_status got, want = SST_OK;

    value_fill(value, len, number);
    got = shm_store_put_if(store, key_of(no, key), token, value, len, &meta,
                           NULL, now);
    if (token == 0 && m->there && m->expires > now) {
        want = SST_CHANGED;
    }
    else if (token != 0 && !m->there) {
        want = SST_GONE;
    }
    if (want == SST_OK && got == SST_OK) {
        if (meta.token <= largest_token[no]) {
            return false;
        }
        largest_token[no] = meta.token;
        *m = (modelled){true, meta.token,      number,
                        len,  meta.expires_ms, meta.hard_end_ms};
    }
    return got == want;
}

static bool do_get(shm_store *store, unsigned no, int64_t now)
{
    const modelled *m = &model[no];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;
    shm_status got =
        shm_store_get(store, key_of(no, key), out, sizeof(out), &meta, 0, now);

    if (!m->there || m->expires <= now) {
        return got == SST_MISS;
    }
    return got == SST_OK && meta.token == m->token &&
           meta.value_len == m->len && meta.expires_ms == m->expires &&
           value_is(out, m->len, m->number);
}

static bool do_touch(shm_store *store, unsigned no, uint64_t *seed, int64_t now)
{
    modelled *m = &model[no];
    unsigned char key[SST_KEY_LEN];
    int64_t expires = now + (int64_t)(next_random(seed) % 3000) * SST_TICK_MS;
    shm_status got = shm_store_touch(store, key_of(no, key), expires, now);

    if (!m->there || m->expires <= now) {
        return got == SST_MISS;
    }
    m->expires = expires < m->hard_end ? expires : m->hard_end;
    return got == SST_OK;
}

static bool do_remove(shm_store *store, unsigned no)
{
    unsigned char key[SST_KEY_LEN];
    bool there = model[no].there;
    shm_status got = shm_store_remove(store, key_of(no, key), model[no].token);

    model[no].there = false;
    return got == (there ? SST_OK : SST_MISS);
}

/* What is past its end and grace is gone after a whole sweep, and only that. */
static bool do_sweep(shm_store *store, int64_t now)
{
    shm_sweep_report report;
    uint64_t due = 0;

    for (unsigned no = 0; no < KEYS; no++) {
        if (model[no].there && model[no].expires + SST_COMMIT_GRACE_MS <= now) {
            model[no].there = false;
            due++;
        }
    }
    return shm_store_sweep(store, 10000000, now, &report) == SST_OK &&
           report.finished && report.freed == due;
}

static bool one_step(shm_store *store, uint64_t *seed, int64_t now)
{
    unsigned no = (unsigned)(next_random(seed) % KEYS);
    unsigned what = (unsigned)(next_random(seed) % 100);

    if (what < 40) {
        return do_put(store, no, seed, now);
    }
    if (what < 75) {
        return do_get(store, no, now);
    }
    if (what < 88) {
        return do_touch(store, no, seed, now);
    }
    return what < 99 ? do_remove(store, no) : do_sweep(store, now);
}

static unsigned modelled_records(void)
{
    unsigned count = 0;

    for (unsigned no = 0; no < KEYS; no++) {
        count += model[no].there;
    }
    return count;
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv) | 1;
    int64_t now = START_MS;
    bool right = true;
    shm_stats stats;
    shm_store *store;
    scratch at;
    unsigned op;

    scratch_make(&at);
    store = store_new(&at, 4 * MIB);
    for (op = 0; op < OPS && right; op++) {
        now += (int64_t)(next_random(&seed) % 3) * SST_TICK_MS;
        right = one_step(store, &seed, now);
        if (op % 5000 == 0) {
            check_clean(store, "the store is sound on the way");
        }
    }
    ok(right, "%u random operations answered as the model does", op);
    is_int(shm_store_stats(store, &stats), SST_OK, "stats");
    is_int(stats.records, modelled_records(), "as many records as the model");
    check_clean(store, "the store is sound at the end");
    for (unsigned no = 0; no < KEYS; no++) {
        (void)do_remove(store, no);
    }
    for (uint64_t i = 0; i < 12000; i++) {
        uint64_t none = 0;

        right &= put_number(store, KEYS + i, &none, 8, now) == SST_OK;
    }
    check_clean(store, "twelve thousand small ones hang in long chains");
    for (uint64_t i = 0; i < 12000; i++) {
        unsigned char key[SST_KEY_LEN];

        right &= shm_store_remove(store, key_of(KEYS + i, key), 0) == SST_OK;
    }
    ok(right, "all of them come and go");
    is_int(shm_store_stats(store, &stats), SST_OK, "stats again");
    is_int(stats.pages_free, stats.pages,
           "an emptied store has no page in use");
    is_int(stats.bytes_chunks + stats.bytes_values + stats.records, 0,
           "and no byte");
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
