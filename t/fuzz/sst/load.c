/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dump with its journal, whatever is in them.  What is put back stands in the
 * dump under a right sum and was not ended by the journal; what is refused
 * leaves nothing behind; and the store is sound.
 */
#include "image.h"

#include "sst_dump.h"
#include "sst_journal.h"
#include "stream.h"

#define RECORDS   30
#define DUMP_MAX  (256u << 10)
#define ENDS_MAX  20
#define REAL_MS   INT64_C(1700000000000)
#define OFFSET(n) (offsets[(n) % (RECORDS + 2)])

/* Bits of the first byte. */
#define FORCED     1u
#define SUMS_RIGHT 2u
#define ANY_BYTES  4u
#define JOURNALS   48u
enum { UNKNOWN = 0, ENTRIES = 16, ANY_ENTRIES = 32, MISSING = 48 };

static unsigned char dumped[DUMP_MAX], now_dumped[DUMP_MAX], empty[SIZE];
static size_t dumped_len, offsets[RECORDS + 2];
static uint64_t life;
static shm_store *to;
static scratch to_at;
static char base[PATH_ROOM + 8], journal[SST_JOURNAL_NAME];

static sst_journal_entry ends[ENDS_MAX];
static unsigned nends;

/* ---- once --------------------------------------------------------------- */

static void leave(void)
{
    shm_store_close(to);
    unlink(journal);
    scratch_remove(&to_at);
}

static void dump_make(void)
{
    static unsigned char value[9000];
    shm_store *from = store_new(&image_at, SIZE);
    stream dump = {0};
    size_t at = sizeof(sst_dump_head);

    for (uint64_t i = 0; i < RECORDS; i++) {
        shm_meta meta = meta_of((shm_kind)(1 + i % 5), START_MS, HOUR_MS);
        size_t len = i % 15 == 7 ? sizeof(value) : i * 3;
        unsigned char key[SST_KEY_LEN];

        meta.user_tag = i % 4;
        meta.handle = i;
        value_fill(value, len, i);
        MUST(shm_store_put_if(from, key_of(i, key), 0, value, len, &meta, NULL,
                              START_MS) == SST_OK);
    }
    MUST(dump_to(from, &dump, 1, START_MS) == SST_OK && dump.len <= DUMP_MAX);
    memcpy(dumped, dump.bytes, dumped_len = dump.len);
    for (unsigned i = 1; i < RECORDS + 2; i++) {
        uint32_t len;

        offsets[i] = at;
        memcpy(&len, dumped + at + offsetof(sst_dump_record, value_len), 4);
        at += sizeof(sst_dump_record) + len;
    }
    MUST(at == dumped_len);
    life = shm_store_life(from);
    free(dump.bytes);
    shm_store_close(from);
}

static void make(void)
{
    if (to != NULL) {
        return;
    }
    sst_test.real_ms = REAL_MS;
    image_make();
    scratch_unlink(&image_at, "");
    dump_make();
    scratch_make(&to_at);
    snprintf(base, sizeof(base), "%s/dump", to_at.dir);
    sst_journal_name(journal, base, 1);
    to = store_new(&to_at, SIZE);
    memcpy(empty, to->base, SIZE);
    (void)atexit(leave);
}

/* ---- a dump ------------------------------------------------------------- */

/* Anywhere, or in the fields of the head or of a record. */
static size_t aim(fuzz_input *from)
{
    size_t what = fuzz_take(from, 1), where = fuzz_take(from, 2);

    return what % 3 == 0 ? where * 257 % dumped_len
                         : OFFSET(what / 3) + where % sizeof(sst_dump_record);
}

static size_t hurt(fuzz_input *from)
{
    size_t len = dumped_len;

    memcpy(now_dumped, dumped, dumped_len);
    for (uint64_t i = fuzz_take(from, 1) % 16; i > 0 && from->left > 0; i--) {
        size_t at = aim(from), source = OFFSET(at);
        unsigned how = (unsigned)fuzz_take(from, 1), bytes = how / 8 % 8 + 1;

        if (how % 8 == 0) {
            len = at < len ? at : len;
        }
        if (how % 8 == 1) {
            bytes = sizeof(sst_dump_record);
        }
        for (size_t j = 0; how % 8 != 0 && j < bytes && at + j < len; j++) {
            now_dumped[at + j] = how % 8 == 1 ? dumped[(source + j) % len]
                                 : how % 8 == 2
                                     ? 0xff
                                     : (unsigned char)fuzz_take(from, 1);
        }
    }
    return len;
}

/* The next record of what is loaded, if it is whole; its value is behind it. */
static bool record_at(size_t len, size_t at, sst_dump_record *record)
{
    if (at > len || len - at < sizeof(*record)) {
        return false;
    }
    memcpy(record, now_dumped + at, sizeof(*record));
    return record->value_len <= SST_MAX_RECORD_MAX &&
           record->value_len <= len - at - sizeof(*record);
}

/* What lies behind the sums is to be tried, too. */
static void sums_again(size_t len)
{
    sst_dump_head head;
    sst_dump_record record;
    size_t at = sizeof(head);

    if (len < sizeof(head)) {
        return;
    }
    memcpy(&head, now_dumped, sizeof(head));
    head.sum = sst_dump_head_sum(&head);
    memcpy(now_dumped, &head, sizeof(head));
    for (uint64_t no = 0; record_at(len, at, &record); no++) {
        record.sum =
            sst_dump_record_sum(&record, now_dumped + at + sizeof(record), no);
        memcpy(now_dumped + at, &record, sizeof(record));
        at += sizeof(record) + record.value_len;
    }
}

/* ---- a journal ---------------------------------------------------------- */

static void entries_take(fuzz_input *from, const sst_journal_head *head)
{
    nends = (unsigned)fuzz_take(from, 1) % ENDS_MAX;
    for (unsigned i = 0; i < nends; i++) {
        unsigned what = (unsigned)fuzz_take(from, 1), no = what / 4;
        unsigned char key[SST_KEY_LEN];

        ends[i] = (sst_journal_entry){.type = what % 4};
        if (what % 4 == SST_JOURNAL_EPOCH) {
            ends[i].of.epoch.user_tag = no % 4;
            ends[i].of.epoch.own_ms = (int64_t)fuzz_take(from, 6);
        }
        else {
            memcpy(ends[i].of.key, key_of(no, key), SST_JOURNAL_KEY);
            ends[i].token =
                fuzz_take(from, 1) % 2 ? UINT64_MAX : fuzz_take(from, 8);
        }
        ends[i].sum = sst_journal_entry_sum(&ends[i], head);
    }
}

static void journal_make(unsigned choice, fuzz_input *from)
{
    sst_journal_head head = {.magic = SST_JOURNAL_MAGIC,
                             .version = SST_JOURNAL_VERSION,
                             .generation = 1,
                             .life = life};
    int fd;

    unlink(journal);
    nends = 0;
    if (choice == UNKNOWN || choice == MISSING) {
        return;
    }
    fd = open(journal, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    head.sum = sst_journal_head_sum(&head);
    MUST(fd >= 0);
    if (choice == ENTRIES) {
        size_t bytes;

        entries_take(from, &head);
        bytes = nends * sizeof(*ends);
        MUST(write(fd, &head, sizeof(head)) == sizeof(head) &&
             write(fd, ends, bytes) == (ssize_t)bytes);
    }
    else {
        size_t bytes = from->left < 200 ? from->left : 200;

        MUST(fuzz_take(from, 1) % 2 == 0 ||
             write(fd, &head, sizeof(head)) == sizeof(head));
        bytes = bytes < from->left ? bytes : from->left;
        MUST(write(fd, from->at, bytes) == (ssize_t)bytes);
    }
    close(fd);
}

/* ---- what came of it ---------------------------------------------------- */

static bool is_ended(const sst_dump_record *record)
{
    sst_dump_head head;

    memcpy(&head, now_dumped, sizeof(head));
    for (unsigned i = 0; head.generation == 1 && i < nends; i++) {
        const sst_journal_entry *end = &ends[i];

        if (end->type == SST_JOURNAL_ENDED && end->token >= record->token &&
            memcmp(end->of.key, record->key, SST_JOURNAL_KEY) == 0) {
            return true;
        }
        if (end->type == SST_JOURNAL_EPOCH && record->user_tag != 0 &&
            record->kind != SST_EPOCH &&
            end->of.epoch.user_tag == record->user_tag &&
            (head.life != life || end->of.epoch.own_ms > record->created_ms)) {
            return true;
        }
    }
    return false;
}

typedef struct visited {
    size_t len; /* of what was loaded */
    uint64_t count;
} visited;

static bool stands_there(size_t len, const unsigned char *key,
                         const shm_meta *meta)
{
    size_t at = sizeof(sst_dump_head);
    sst_dump_record record;

    for (uint64_t no = 0; record_at(len, at, &record); no++) {
        const unsigned char *value = now_dumped + at + sizeof(record);

        if (record.type == SST_DUMP_RECORD &&
            memcmp(record.key, key, SST_KEY_LEN) == 0 &&
            record.kind == (uint32_t)meta->kind && record.ns == meta->ns &&
            record.user_tag == meta->user_tag &&
            record.handle == meta->handle &&
            record.value_len == meta->value_len &&
            memcmp(image_out, value, record.value_len) == 0 &&
            record.sum == sst_dump_record_sum(&record, value, no) &&
            !is_ended(&record)) {
            return true;
        }
        at += sizeof(record) + record.value_len;
    }
    return false;
}

static bool judge(void *baton, const unsigned char *key, const shm_meta *seen)
{
    visited *on = baton;
    shm_meta meta;

    (void)seen;
    MUST(shm_store_get(to, key, image_out, sizeof(image_out), &meta, 0,
                       START_MS) == SST_OK);
    MUST(stands_there(on->len, key, &meta));
    MUST(++on->count <= DUMP_MAX / sizeof(sst_dump_record));
    return true;
}

/* Nobody asks for more than there is room for. */
static bool read_some(void *baton, void *bytes, size_t len)
{
    MUST(len <= SST_MAX_RECORD_MAX);
    return stream_read(baton, bytes, len);
}

static void load_and_judge(size_t len, const char *snapshot, bool force)
{
    stream from = {.bytes = now_dumped, .len = len};
    shm_load_source source = {.read = read_some,
                              .baton = &from,
                              .snapshot = snapshot,
                              .force = force};
    visited on = {.len = len};
    shm_load_report report;
    shm_status status;
    char why[200];

    memcpy(to->base, empty, SIZE);
    to->journal.generation = 0;
    status = shm_store_load(to, &source, START_MS, &report);
    MUST(status == SST_OK || status == SST_DAMAGED);
    MUST(status == SST_OK || (report.why[0] != '\0' && report.records == 0));
    MUST(count_of(to) == report.records);
    MUST(shm_store_each(to, judge, &on, START_MS) == SST_OK);
    MUST(shm_store_check(to, why, sizeof(why)) == SST_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input from = {data, size};
    unsigned choice, kind;
    size_t len;

    make();
    choice = (unsigned)fuzz_take(&from, 1);
    kind = choice & JOURNALS;
    journal_make(kind, &from);
    if (choice & ANY_BYTES) {
        len = from.left < DUMP_MAX ? from.left : DUMP_MAX;
        memcpy(now_dumped, from.at, len);
    }
    else {
        len = hurt(&from);
    }
    if (choice & SUMS_RIGHT) {
        sums_again(len);
    }
    load_and_judge(len, kind == UNKNOWN ? NULL : base, (choice & FORCED) != 0);
    return 0;
}
