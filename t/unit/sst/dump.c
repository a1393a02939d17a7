/* SPDX-License-Identifier: Apache-2.0 */
/* Dump and load: every record once, times that go on, tokens that only grow,
 * and nothing of a stream that is damaged. */
#include "stream.h"

#include "sst_dump.h"

#define RECORDS 300
#define REAL_MS INT64_C(1700000000000)
#define YEAR_MS ((int64_t)365 * 24 * HOUR_MS)
#define EVERY   97 /* of the damages that can be done */

static unsigned char value[SST_MAX_RECORD_MAX], out[SST_MAX_RECORD_MAX];
static shm_load_report report;

static size_t length_of(uint64_t number)
{
    return number % 50 == 7 ? 20000 + number : number * 3;
}

static shm_meta put_one(shm_store *store, uint64_t number, shm_kind kind,
                        int64_t life_ms)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(kind, START_MS - 5000, life_ms);
    size_t len = length_of(number);

    meta.user_tag = number * 11;
    meta.handle = number * 13 + 1;
    value_fill(value, len, number);
    if (shm_store_put_if(store, key_of(number, key), 0, value, len, &meta, NULL,
                         START_MS) != SST_OK) {
        printf("Bail out! put %llu\n", (unsigned long long)number);
        exit(1);
    }
    return meta;
}

static void fill_store(shm_store *store)
{
    for (uint64_t i = 1; i <= RECORDS; i++) {
        (void)put_one(store, i, (shm_kind)(1 + i % 5), HOUR_MS + (int64_t)i);
    }
}

static bool same_meta(const shm_meta *a, const shm_meta *b, int64_t later_ms)
{
    /* A tick is lost at most each time a time is stored. */
#define NEAR(field)                                                            \
    (a->field + later_ms - b->field >= 0 &&                                    \
     a->field + later_ms - b->field <= 2 * SST_TICK_MS)
    return a->kind == b->kind && a->ns == b->ns && a->user_tag == b->user_tag &&
           a->handle == b->handle && a->value_len == b->value_len &&
           NEAR(created_ms) && NEAR(last_access_ms) && NEAR(expires_ms) &&
           NEAR(hard_end_ms);
#undef NEAR
}

/* How many of the records are there as they were put. */
static int right_ones(shm_store *from, shm_store *to, int64_t from_ms,
                      int64_t to_ms)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta old, new;
    int right = 0;

    for (uint64_t i = 1; i <= RECORDS; i++) {
        right += shm_store_get(from, key_of(i, key), out, sizeof(out), &old, 0,
                               from_ms) == SST_OK &&
                 shm_store_get(to, key, out, sizeof(out), &new, 0, to_ms) ==
                     SST_OK &&
                 same_meta(&old, &new, to_ms - from_ms) &&
                 new.value_len == length_of(i) &&
                 value_is(out, new.value_len, i) && new.token > old.token;
    }
    return right;
}

static void test_round_trip(const scratch *one, const scratch *two)
{
    shm_store *from = store_new(one, 4 * MIB), *to = store_new(two, 8 * MIB);
    stream dump = {0};

    fill_store(from);
    is_int(dump_to(from, &dump, 0, START_MS), SST_OK, "a store is dumped");
    is_int(load_from(to, &dump, false, START_MS, &report), SST_OK,
           "and loaded into one of another size");
    is_int(report.records, RECORDS, "all of it");
    is_int(count_of(to), RECORDS, "and nothing else");
    is_int(right_ones(from, to, START_MS, START_MS), RECORDS,
           "with all that a record has, under larger tokens");
    check_clean(to, "in a sound store");
    is_int(load_from(to, &dump, false, START_MS, &report), SST_OK,
           "loaded once more");
    ok(report.records == 0 && report.present == RECORDS,
       "what is there stays as it is");
    dump.limit = 10;
    is_int(dump_to(from, &dump, 0, START_MS), SST_UNAVAILABLE,
           "a sink that gives up ends the dump");
    free(dump.bytes);
    shm_store_close(from);
    shm_store_close(to);
    scratch_unlink(one, "");
    scratch_unlink(two, "");
}

/* Between two pieces some records are replaced, one goes and one comes. */
static void disturb(void *baton, size_t piece)
{
    shm_store *store = baton;
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    for (uint64_t i = piece % 7 + 1; i <= RECORDS; i += 13) {
        if (shm_store_get(store, key_of(i, key), out, sizeof(out), &meta, 0,
                          START_MS) == SST_OK) {
            (void)!shm_store_put_if(store, key, meta.token, out, meta.value_len,
                                    &meta, NULL, START_MS);
        }
    }
    (void)!shm_store_remove(store, key_of(100000 + piece, key), 0);
    meta = meta_of(SST_USER, START_MS, HOUR_MS);
    (void)!shm_store_put_if(store, key_of(100003 + piece, key), 0, "x", 1,
                            &meta, NULL, START_MS);
}

static void test_meanwhile(const scratch *one, const scratch *two)
{
    shm_store *from = store_new(one, 4 * MIB), *to = store_new(two, 4 * MIB);
    stream dump = {.between = disturb, .baton = from};
    unsigned char *seen = calloc(1, RECORDS + 1);
    sst_dump_record record;
    bool twice = false;
    int missing = 0;

    fill_store(from);
    is_int(dump_to(from, &dump, 0, START_MS), SST_OK,
           "a dump while records are replaced, come and go");
    for (size_t at = sizeof(sst_dump_head); at < dump.len;
         at += sizeof(record) + record.value_len) {
        uint64_t number;

        memcpy(&record, dump.bytes + at, sizeof(record));
        memcpy(&number, record.key, sizeof(number));
        if (record.type == SST_DUMP_RECORD && number <= RECORDS) {
            twice |= seen[number]++ > 0;
        }
    }
    for (int i = 1; i <= RECORDS; i++) {
        missing += seen[i] == 0;
    }
    ok(!twice && missing == 0, "has each that was there throughout once");
    is_int(load_from(to, &dump, false, START_MS, &report), SST_OK,
           "and can be loaded");
    free(seen);
    free(dump.bytes);
    shm_store_close(from);
    shm_store_close(to);
    scratch_unlink(one, "");
    scratch_unlink(two, "");
}

static shm_store *new_boot(const scratch *at, int boot, int64_t real_ms,
                           int64_t now_ms)
{
    shm_store_config config = config_of(at, 4 * MIB);

    sst_test.has_boot = 1;
    memset(sst_test.boot_id, boot, 16);
    sst_test.real_ms = real_ms;
    return store_with(&config, now_ms);
}

/* The dump of a store with the records 1, which has an hour left, and 2, which
 * has a minute, is loaded ${real_ms} later by the wall clock. */
static void times_case(const scratch *two, stream *dump, int boot,
                       int64_t wall_ms, int64_t now_ms, int64_t left,
                       const char *name)
{
    shm_store *to = new_boot(two, boot, REAL_MS + wall_ms, now_ms);
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = {0};
    shm_status status;

    ok(load_from(to, dump, false, now_ms, &report) == SST_OK, "%s", name);
    status =
        shm_store_get(to, key_of(1, key), out, sizeof(out), &meta, 0, now_ms);
    if (left <= 0) {
        is_int(status, SST_MISS, "all is over");
        is_int(report.over, 2, "and said to be");
    }
    else {
        ok(status == SST_OK && meta.expires_ms <= now_ms + left &&
               meta.expires_ms >= now_ms + left - 2 * SST_TICK_MS,
           "what was left of its time is left: %lld s",
           (long long)(meta.expires_ms - now_ms) / 1000);
        is_int(report.over, left < HOUR_MS ? 1 : 0,
               "and what is over meanwhile stays away");
    }
    shm_store_close(to);
    scratch_unlink(two, "");
}

static void test_times(const scratch *one, const scratch *two)
{
    shm_store *from = new_boot(one, 1, REAL_MS, START_MS);
    stream dump = {0};

    (void)put_one(from, 1, SST_USER, HOUR_MS + 5000);
    (void)put_one(from, 2, SST_USER, 60000 + 5000);
    (void)put_one(from, 3, SST_USER, 1);
    is_int(dump_to(from, &dump, 0, START_MS), SST_OK, "a dump of one boot");
    shm_store_close(from);
    scratch_unlink(one, "");
    times_case(two, &dump, 1, 0, START_MS, HOUR_MS, "loaded at once");
    times_case(two, &dump, 1, -YEAR_MS, START_MS + HOUR_MS / 2, HOUR_MS / 2,
               "in the same boot the wall clock does not count");
    times_case(two, &dump, 2, HOUR_MS / 2, 7000, HOUR_MS / 2,
               "after a reboot it does");
    times_case(two, &dump, 2, YEAR_MS, 7000, 0,
               "after a reboot, a year later by the wall clock");
    times_case(two, &dump, 2, -YEAR_MS, 7000, HOUR_MS,
               "after a reboot, a year earlier by the wall clock");
    free(dump.bytes);
    memset(&sst_test, 0, sizeof(sst_test));
}

/* A wall clock that went back would have a new segment begin below the tokens
 * of the old one, and a shard whose last token is damaged would leave none. */
static void test_tokens(const scratch *one, const scratch *two)
{
    shm_store *from = new_boot(one, 1, REAL_MS, START_MS), *to;
    uint64_t highest = 0, lowest = UINT64_MAX;
    unsigned char key[SST_KEY_LEN];
    stream dump = {0};
    shm_meta meta;

    for (uint64_t i = 1; i <= 200; i++) {
        meta = put_one(from, i, SST_USER, HOUR_MS);
        highest = meta.token > highest ? meta.token : highest;
    }
    sst_shard_header(from, 0)->token = UINT64_MAX;
    is_int(dump_to(from, &dump, 0, START_MS), SST_OK, "a dump");
    shm_store_close(from);
    scratch_unlink(one, "");
    to = new_boot(two, 2, REAL_MS - YEAR_MS, 7000);
    is_int(load_from(to, &dump, false, 7000, &report), SST_OK,
           "loaded by a wall clock that went back a year");
    for (uint64_t i = 1; i <= 200; i++) {
        if (shm_store_get(to, key_of(i, key), out, sizeof(out), &meta, 0,
                          7000) == SST_OK) {
            lowest = meta.token < lowest ? meta.token : lowest;
        }
    }
    ok(lowest != UINT64_MAX && lowest > highest,
       "every token is beyond those of before");
    free(dump.bytes);
    shm_store_close(to);
    scratch_unlink(two, "");
    memset(&sst_test, 0, sizeof(sst_test));
}

static void test_damage(const scratch *one, const scratch *two)
{
    shm_store *from = store_new(one, 4 * MIB), *to = store_new(two, 4 * MIB);
    int refused = 0, tried = 0, empty = 0;
    stream dump = {0};
    size_t len;

    for (uint64_t i = 1; i <= 20; i++) {
        (void)put_one(from, i, SST_USER, HOUR_MS);
    }
    (void)!dump_to(from, &dump, 0, START_MS);
    len = dump.len;
    for (size_t at = 0; at < len; at += EVERY) {
        dump.bytes[at] ^= 0x10;
        refused +=
            load_from(to, &dump, false, START_MS, &report) == SST_DAMAGED &&
            report.why[0] != '\0';
        dump.bytes[at] ^= 0x10;
        empty += count_of(to) == 0;
        tried++;
    }
    for (dump.len = 0; dump.len < len; dump.len += EVERY) {
        refused +=
            load_from(to, &dump, false, START_MS, &report) == SST_DAMAGED;
        empty += count_of(to) == 0;
        tried++;
    }
    is_int(refused, tried, "a flipped bit or a cut is refused, wherever it is");
    is_int(empty, tried, "and leaves nothing behind");
    check_clean(to, "in a sound store");
    dump.len = len - 250; /* into the last records, whichever they are */
    is_int(load_from(to, &dump, true, START_MS, &report), SST_OK,
           "by force what is good is taken");
    ok(report.records > 0 && report.records < 20 &&
           count_of(to) == report.records && strstr(report.why, "cut"),
       "%d records, and the damage is told", (int)report.records);
    free(dump.bytes);
    shm_store_close(from);
    shm_store_close(to);
    scratch_unlink(one, "");
    scratch_unlink(two, "");
}

/* Records that change places have right sums each. */
static void test_order(const scratch *one, const scratch *two)
{
    shm_store *from = store_new(one, MIB), *to = store_new(two, MIB);
    unsigned char *a, *b, copy[sizeof(sst_dump_record) + 3];
    stream dump = {0};

    (void)put_one(from, 1, SST_USER, HOUR_MS);
    (void)!dump_to(from, &dump, 0, START_MS);
    shm_store_close(from);
    scratch_unlink(one, "");
    from = store_new(one, MIB);
    for (uint64_t i = 1; i <= 2; i++) {
        unsigned char key[SST_KEY_LEN];
        shm_meta meta = meta_of(SST_USER, START_MS, HOUR_MS);

        (void)!shm_store_put_if(from, key_of(i, key), 0, "abc", 3, &meta, NULL,
                                START_MS);
    }
    (void)!dump_to(from, &dump, 0, START_MS);
    a = dump.bytes + sizeof(sst_dump_head);
    b = a + sizeof(copy);
    memcpy(copy, a, sizeof(copy));
    memcpy(a, b, sizeof(copy));
    memcpy(b, copy, sizeof(copy));
    is_int(load_from(to, &dump, false, START_MS, &report), SST_DAMAGED,
           "two records that changed places are noticed");
    memcpy(a, b, sizeof(copy));
    is_int(load_from(to, &dump, false, START_MS, &report), SST_DAMAGED,
           "one that is there twice, too");
    dump.bytes[8] = 2;
    is_int(load_from(to, &dump, false, START_MS, &report), SST_DAMAGED,
           "another version is refused");
    ok(strstr(report.why, "version 2") != NULL, "and named: %s", report.why);
    free(dump.bytes);
    shm_store_close(from);
    shm_store_close(to);
    scratch_unlink(one, "");
    scratch_unlink(two, "");
}

static void test_small(const scratch *one, const scratch *two)
{
    shm_store *from = store_new(one, 8 * MIB), *to = store_new(two, MIB);
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;
    stream dump = {0};
    int updated = 0;

    for (uint64_t i = 1; i <= 4000; i++) {
        meta = meta_of(SST_USER, START_MS - 1000, HOUR_MS);
        (void)!shm_store_put_if(from, key_of(i, key), 0, value, 800, &meta,
                                NULL, START_MS);
    }
    (void)!dump_to(from, &dump, 0, START_MS);
    is_int(load_from(to, &dump, false, START_MS, &report), SST_OK,
           "a dump that is larger than the store");
    ok(report.refused > 0 && report.records + report.refused == 4000,
       "fills it: %d, and %d are told to be left out", (int)report.records,
       (int)report.refused);
    for (uint64_t i = 1; i <= 4000; i++) {
        updated += shm_store_get(to, key_of(i, key), out, sizeof(out), &meta, 0,
                                 START_MS) == SST_OK &&
                   shm_store_put_if(to, key, meta.token, value, 900, &meta,
                                    NULL, START_MS) == SST_OK;
        if (updated == 20) {
            break;
        }
    }
    is_int(updated, 20, "and leaves the room that updates need");
    free(dump.bytes);
    shm_store_close(from);
    shm_store_close(to);
}

int main(void)
{
    scratch one, two;

    scratch_make(&one);
    scratch_make(&two);
    test_round_trip(&one, &two);
    test_meanwhile(&one, &two);
    test_times(&one, &two);
    test_tokens(&one, &two);
    test_damage(&one, &two);
    test_order(&one, &two);
    test_small(&one, &two);
    scratch_remove(&one);
    scratch_remove(&two);
    return done_testing();
}
