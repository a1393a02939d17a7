/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of sx_store.h, call by call, on each backend: what it answers,
 * what lies beside the bytes, when it ends, and what does not come back.  What
 * a backend cannot do it says in its table (backends.h); the rest is tested.
 * contract_meet.c has who calls at the same time; interleave.c, contention.c,
 * logout.c and contract_kill.c hold them to what sessions need of it.
 */
#include "contract.h"

/* ---- answers ------------------------------------------------------------ */

static void test_answers(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = stage_key(&at);
    sx_answer late;
    sx_str got;

    says(get(key, &got, &found) == SX_STORE_MISS, "what is not there misses");
    says(put(key, 7, sx_str_of("x"), &meta) == SX_STORE_GONE,
         "a put with a token makes nothing");
    says(is_missing(key), "and leaves nothing");
    says(touch(key, at.now.boot_ms + MINUTE) == SX_STORE_MISS,
         "there is nothing to touch");
    says(put(key, 0, sx_str_of("value"), &meta) == SX_STORE_OK,
         "a put without one makes a record");
    says(meta.token != 0, "which has a token");
    says(get(key, &got, &found) == SX_STORE_OK &&
             sx_str_eq(got, sx_str_of("value")) && found.token == meta.token,
         "it is there with its bytes and its token");
    says(put(key, found.token, sx_str_of("new"), &meta) == SX_STORE_OK &&
             holds(key, "new"),
         "a put with its token replaces it");
    says(get(key, &got, &found) == SX_STORE_OK &&
             drop(key, found.token) == SX_STORE_OK && is_missing(key),
         "a remove with its token takes it away");
    says(drop(key, 0) == SX_STORE_MISS, "once");
    late = put(key, found.token, sx_str_of("late"), &meta);
    says((late == SX_STORE_GONE ||
          (late == SX_STORE_CHANGED && !stage_can(CANNOT_COMPARE))) &&
             is_missing(key),
         "and a put that comes late does not bring it back");
    says(touch(key, at.now.boot_ms + MINUTE) == SX_STORE_MISS &&
             is_missing(key),
         "nor does an access");
}

static void test_tokens(void)
{
    sx_record_meta meta = meta_of(SX_USER), again = meta_of(SX_USER);
    const unsigned char *key = made("one", &meta);
    uint64_t first = meta.token;

    says(put(key, 0, sx_str_of("two"), &again) == SX_STORE_CHANGED &&
             again.token == 0,
         "what is there is not made again, and no token is given");
    says(put(key, first + 1, sx_str_of("two"), &again) == SX_STORE_CHANGED &&
             holds(key, "one"),
         "another token changes nothing");
    says(put(key, first, sx_str_of("two"), &meta) == SX_STORE_OK &&
             meta.token > first,
         "its own is followed by a larger one");
    says(put(key, first, sx_str_of("three"), &again) == SX_STORE_CHANGED &&
             drop(key, first) == SX_STORE_CHANGED && holds(key, "two"),
         "an old one replaces and removes nothing");
    first = meta.token;
    says(drop(key, 0) == SX_STORE_OK && is_missing(key),
         "without a token any record is removed");
    says(put(key, 0, sx_str_of("anew"), &meta) == SX_STORE_OK &&
             meta.token > first,
         "and one that begins anew has a token that was never used");
}

/* ---- beside the bytes --------------------------------------------------- */

static void test_beside(void)
{
    static const sx_kind kinds[] = {SX_ANONYMOUS, SX_USER, SX_EPOCH, SX_ALIAS,
                                    SX_TOMBSTONE};
    /* In a cookie an alias leads somewhere, and a tombstone is a miss. */
    size_t count = stage_can(CANNOT_COMPARE) ? 5 : 3;
    sx_record_meta meta = {0}, found = {0};
    sx_str got;

    for (size_t i = 0; i < count; i++) {
        const unsigned char *key;

        meta = meta_of(kinds[i]);
        key = made(i ? "value" : "", &meta);
        ok(get(key, &got, &found) == SX_STORE_OK && found.kind == kinds[i] &&
               got.len == (i ? 5 : 0),
           "%s: kind %d is kept", stage_on->name, (int)kinds[i]);
    }
    says(found.ns == meta.ns && found.user_tag == 88 && found.handle == 99,
         "so are namespace, tag and handle");
    says(found.created_ms == meta.created_ms &&
             found.last_access_ms == meta.last_access_ms &&
             found.expires_ms == meta.expires_ms &&
             found.hard_end_ms == meta.hard_end_ms,
         "and the four times");
}

static void test_nonsense(void)
{
    sx_record_meta wrong[4];
    const unsigned char *key = stage_key(&at);
    int refused = 0;

    for (int i = 0; i < 4; i++)
        wrong[i] = meta_of(SX_USER);
    wrong[0].created_ms = wrong[0].hard_end_ms + 1;
    wrong[1].expires_ms = wrong[1].hard_end_ms + 1;
    wrong[2].hard_end_ms = wrong[2].created_ms + SX_RECORD_LIFE_MAX_MS + 1;
    wrong[3].hard_end_ms = INT64_MAX;
    wrong[3].created_ms = INT64_MIN;
    for (int i = 0; i < 4; i++)
        refused +=
            put(key, 0, sx_str_of("x"), &wrong[i]) == SX_STORE_UNAVAILABLE;
    says(refused == 4 && is_missing(key),
         "times that contradict each other are not stored");
}

static void test_sizes(void)
{
    const size_t most = stage_on->max_record;
    const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000, most};
    char *bytes = apr_palloc(at.pool, most + 1);
    sx_record_meta meta = meta_of(SX_USER), found = {0};
    sx_str got;

    for (size_t i = 0; i < most + 1; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        const unsigned char *key = stage_key(&at);
        sx_str value = {bytes, sizes[i]};

        ok(put(key, 0, value, &meta) == SX_STORE_OK &&
               get(key, &got, &found) == SX_STORE_OK && sx_str_eq(got, value),
           "%s: %lu bytes come back", stage_on->name, (unsigned long)sizes[i]);
        drop(key, found.token);
    }
    says(put(stage_key(&at), 0, (sx_str){bytes, most + 1}, &meta) ==
             SX_STORE_TOOBIG,
         "more than a record may have does not");
}

/* ---- time --------------------------------------------------------------- */

static void test_ends(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("x", &meta);
    const int64_t begun = at.now.boot_ms;
    sx_str got;

    stage_pass(&at, MINUTE - SECOND);
    says(holds(key, "x"), "before its end it is there");
    says(touch(key, at.now.boot_ms + MINUTE) == SX_STORE_OK,
         "an access moves the end");
    stage_pass(&at, 2 * SECOND);
    says(get(key, &got, &found) == SX_STORE_OK &&
             found.expires_ms == begun + 2 * MINUTE - SECOND &&
             found.last_access_ms == begun + MINUTE - SECOND &&
             (!stage_can(CANNOT_COMPARE) || found.token == meta.token),
         "to where it said, and the token stays");
    stage_pass(&at, MINUTE);
    says(get(key, &got, &found) == SX_STORE_MISS, "then it is a miss");
    says(get_within(key, MINUTE, &got, &found) == SX_STORE_OK,
         "within a grace it can be had");
    says(touch(key, at.now.boot_ms + MINUTE) == SX_STORE_MISS &&
             get(key, &got, &found) == SX_STORE_MISS,
         "but no access revives it");
    says(get_within(key, MINUTE, &got, &found) == SX_STORE_OK,
         "who has begun in time");
    meta = meta_of(SX_USER);
    says(put(key, found.token, sx_str_of("y"), &meta) == SX_STORE_OK &&
             holds(key, "y"),
         "can finish");
}

static void test_touch(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("x", &meta);
    sx_str got;

    stage_pass(&at, 30 * SECOND);
    says(holds(key, "x") &&
             touch(key, meta.hard_end_ms + HOUR) == SX_STORE_OK &&
             get(key, &got, &found) == SX_STORE_OK &&
             found.expires_ms == meta.hard_end_ms,
         "no access leads behind the absolute end");
    stage_pass(&at, -10 * SECOND);
    says(holds(key, "x") &&
             touch(key, at.now.boot_ms + MINUTE) == SX_STORE_OK &&
             get(key, &got, &found) == SX_STORE_OK &&
             found.expires_ms == meta.hard_end_ms &&
             found.last_access_ms == at.now.boot_ms + 10 * SECOND,
         "who comes late takes nothing back");
    stage_pass(&at, 20 * SECOND);
    says(holds(key, "x") && touch(key, at.now.boot_ms + SECOND) == SX_STORE_OK,
         "an access may bring the end nearer");
    stage_pass(&at, SECOND);
    says(get(key, &got, &found) == SX_STORE_MISS, "and that is exact");
}

static void test_anew(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("x", &meta);
    uint64_t token = meta.token;
    sx_str got;

    stage_pass(&at, 61 * SECOND);
    meta = meta_of(SX_USER);
    says(get(key, &got, &found) == SX_STORE_MISS &&
             put(key, 0, sx_str_of("y"), &meta) == SX_STORE_OK &&
             meta.token > token && holds(key, "y"),
         "what has ended makes way for a new one");
}

/* ---- damage ------------------------------------------------------------- */

static void test_damage(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("a value to be spoiled", &meta);
    uint64_t token = meta.token;
    sx_str got;

    stage_on->spoil(&at, key);
    says(get(key, &got, &found) == SX_STORE_DAMAGED,
         "a record that was damaged is told so, and not given out");
    says(is_missing(key), "and is gone with that");
    says(put(key, token, sx_str_of("x"), &meta) == SX_STORE_GONE &&
             put(key, 0, sx_str_of("x"), &meta) == SX_STORE_OK &&
             meta.token > token && holds(key, "x"),
         "so that the key can be used anew");
}

/* ---- each, sweep -------------------------------------------------------- */

#define MANY 300

typedef struct walk {
    const unsigned char *keys[MANY];
    int shown[MANY];
    const unsigned char *ended;
    int wrong, stop_at, count;
    bool drops; /* the record it is shown, and the one before */
} walk;

static bool show(void *baton, const unsigned char *key,
                 const sx_record_meta *meta, size_t bytes)
{
    walk *w = baton;
    int no = -1;

    for (int i = 0; i < MANY; i++)
        if (!memcmp(key, w->keys[i], SX_STORE_KEY_LEN))
            no = i;
    w->count++;
    w->wrong += !memcmp(key, w->ended, SX_STORE_KEY_LEN);
    if (no < 0)
        return true;
    w->shown[no]++;
    w->wrong += meta->handle != 99 || meta->token == 0 ||
                meta->kind != (no % 2 ? SX_USER : SX_ANONYMOUS) ||
                bytes != (size_t)no;
    if (w->drops) {
        drop(key, 0);
        if (no > 0)
            drop(w->keys[no - 1], 0);
    }
    return w->count != w->stop_at;
}

/* A server that waits for a processor may miss a deadline: once is no fault. */
static sx_answer each(walk *w)
{
    const sx_store_ops *ops = at.realm.store->ops;
    sx_answer answer =
        ops->each(at.realm.store, show, w, at.now.boot_ms, at.pool);

    if (answer == SX_STORE_UNAVAILABLE && w->count == 0)
        answer = ops->each(at.realm.store, show, w, at.now.boot_ms, at.pool);
    return answer;
}

static int shown_times(const walk *w, int times)
{
    int n = 0;

    for (int i = 0; i < MANY; i++)
        n += w->shown[i] == times;
    return n;
}

static void test_each(void)
{
    char *bytes = apr_pcalloc(at.pool, MANY);
    sx_record_meta ends = meta_of(SX_USER);
    walk w = {0}, some;

    ends.expires_ms = at.now.boot_ms + SECOND;
    memset(bytes, 'x', MANY - 1);
    for (int i = 0; i < MANY; i++) {
        sx_record_meta meta = meta_of(i % 2 ? SX_USER : SX_ANONYMOUS);

        w.keys[i] = made(bytes + MANY - 1 - i, &meta);
    }
    w.ended = made("ends soon", &ends);
    stage_pass(&at, 2 * SECOND);
    some = w;
    says(each(&some) == SX_STORE_OK && shown_times(&some, 1) == MANY &&
             some.wrong == 0,
         "each record is shown once, with what lies beside it, and none that "
         "has ended");
    some = w;
    some.stop_at = 7;
    says(each(&some) == SX_STORE_OK && some.count == 7,
         "until who is shown them has enough");
    some = w;
    some.drops = true;
    says(each(&some) == SX_STORE_OK &&
             shown_times(&some, 0) + shown_times(&some, 1) == MANY,
         "who removes them meanwhile sees none twice");
    some = w;
    says(each(&some) == SX_STORE_OK && shown_times(&some, 0) == MANY,
         "and none is left");
}

static uint64_t sweep_all(int64_t budget_us, int *slices)
{
    sx_sweep_report report = {0};
    uint64_t freed = 0;

    for (*slices = 0; !report.finished && *slices < 10000; ++*slices) {
        if (at.realm.store->ops->sweep(at.realm.store, budget_us,
                                       at.now.boot_ms, &report) != SX_STORE_OK)
            stage_give_up("a sweep failed");
        freed += report.freed;
    }
    return freed;
}

static void test_sweep(void)
{
    const long long before = records(&at);
    sx_record_meta meta = meta_of(SX_USER), lives = meta_of(SX_EPOCH);
    const unsigned char *key;
    int slices;

    lives.expires_ms = lives.hard_end_ms;
    for (int i = 0; i < 100; i++)
        made("some value", &meta);
    key = made("lives", &lives);
    stage_pass(&at, MINUTE + SX_COMMIT_GRACE_MS - SECOND);
    says(sweep_all(1000000, &slices) == 0 && records(&at) == before + 101,
         "what may still be committed is not swept");
    stage_pass(&at, 2 * SECOND);
    says(records(&at) == before + 101, "nothing goes by itself");
    says(sweep_all(1, &slices) == 100 && slices > 1,
         "what has ended goes, in small slices, too");
    says(records(&at) == before + 1 && holds(key, "lives"),
         "and what has not stays");
}

static void test_backend(void)
{
    stage_begin(&at);
    test_answers();
    test_beside();
    test_nonsense();
    test_sizes();
    test_ends();
    test_touch();
    if (stage_can(CANNOT_COMPARE)) {
        test_tokens();
        test_anew();
    }
    if (stage_can(CANNOT_SPOIL))
        test_damage();
    if (stage_can(CANNOT_EACH))
        test_each();
    stage_end(&at);
    if (stage_can(CANNOT_SWEEP)) {
        stage_begin(&at);
        test_sweep();
        stage_end(&at);
    }
}

int main(void)
{
    return stage_each(test_backend);
}
