/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shm_store and what bounds it, under the load of load.h.
 *
 *   store ENGINE RECORDS VALUE_BYTES DIRECTORY
 *
 *   shm     shm_store in a file in DIRECTORY, every put a compare-and-put
 *   table   lookup and copy in shared memory: tagged words, full key compared,
 *           no lock, no checksum, no expiry, values overwritten in place
 *   memcpy  a bare copy from or to a random place: nothing looked up
 *
 * A caller of shm_store has read the token before it puts.  Here tokens lie in
 * an array that the workers share by halves, so that a put is one call.
 */
#include "load.h"
#include "shm_store.h"

#define HOUR_MS 3600000

/* ---- shm_store ---------------------------------------------------------- */

typedef struct shm_self {
    shm_store *store;
    uint64_t *tokens;
    int64_t now_ms;
    atomic_ullong *answers; /* shared: how often each that is not OK came */
} shm_self;

#define ANSWERS (SST_BADARG + 1)

static bool shm_ok(shm_self *self, shm_status status)
{
    if (status != SST_OK)
        atomic_fetch_add(&self->answers[status], 1);
    return status == SST_OK;
}

/* Why operations failed is not told by how many did. */
static void shm_tell(const shm_self *self)
{
    for (int i = 0; i < ANSWERS; i++) {
        unsigned long long count = atomic_load(&self->answers[i]);

        if (count)
            fprintf(stderr, "store: %llu times %s\n", count,
                    shm_status_str((shm_status)i));
    }
}

static size_t shm_get(void *baton, uint64_t record, unsigned char *buf,
                      size_t cap)
{
    shm_self *self = baton;
    unsigned char key[SST_KEY_LEN];
    shm_meta meta;

    load_key(record, key);
    if (!shm_ok(self, shm_store_get(self->store, key, buf, cap, &meta, 0,
                                    self->now_ms)))
        return 0;
    return meta.value_len;
}

static bool shm_put(void *baton, uint64_t record, const unsigned char *value,
                    size_t len)
{
    shm_self *self = baton;
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = {
        .kind = SST_USER,
        .ns = 1,
        .user_tag = record + 1,
        .handle = record + 1,
        .created_ms = self->now_ms,
        .last_access_ms = self->now_ms,
        .expires_ms = self->now_ms + HOUR_MS,
        .hard_end_ms = self->now_ms + HOUR_MS,
    };

    load_key(record, key);
    if (!shm_ok(self, shm_store_put_if(self->store, key, self->tokens[record],
                                       value, len, &meta, NULL, self->now_ms)))
        return false;
    self->tokens[record] = meta.token;
    return true;
}

static bool shm_open_store(shm_self *self, const char *dir, uint64_t records,
                           size_t len)
{
    char path[512], err[512];
    shm_attach_report report;
    shm_store_config config = {
        .path = path,
        /* Room is not what is measured. */
        .size = ((records * (len + 160) * 5 / 4 >> 20) + 16) << 20,
        .max_record = 1 << 20,
        .owner = geteuid(),
        .is_server = true,
    };

    snprintf(path, sizeof path, "%s/bench-%d.shm", dir, (int)getpid());
    self->store = shm_store_open(&config, err, sizeof err);
    if (!self->store) {
        fprintf(stderr, "store: %s\n", err);
        return false;
    }
    /* Mapped, so the name is not needed: nothing is left behind by a kill. */
    self->now_ms = shm_store_clock_ms();
    if (shm_store_attach(self->store, self->now_ms, &report) != SST_OK) {
        fprintf(stderr, "store: %s\n", report.why);
        unlink(path);
        return false;
    }
    unlink(path);
    self->tokens = load_shared(records * sizeof *self->tokens);
    self->answers = load_shared(ANSWERS * sizeof *self->answers);
    return true;
}

static const load_engine shm_engine = {shm_get, shm_put, NULL};

/* ---- the bounds --------------------------------------------------------- */

/* A word of the table: 16 bits of the key over 48 bits of slot number + 1. */
typedef struct plain_self {
    unsigned char *slots;
    size_t stride; /* key, value, padded to a cache line */
    size_t len;
    uint64_t *words;
    uint64_t mask;
    uint64_t used;
} plain_self;

#define WORD_SLOT ((UINT64_C(1) << 48) - 1)

static uint64_t key_hash(const unsigned char *key)
{
    uint64_t hash;

    memcpy(&hash, key, sizeof hash);
    return hash;
}

/* The slot of ${key}, or NULL with the free word for it in ${at}. */
static unsigned char *table_find(plain_self *self, const unsigned char *key,
                                 uint64_t *at)
{
    uint64_t hash = key_hash(key);
    unsigned char *slot;

    for (*at = hash & self->mask; self->words[*at] != 0;
         *at = (*at + 1) & self->mask) {
        if ((self->words[*at] ^ hash) >> 48 != 0)
            continue;
        slot =
            self->slots + ((self->words[*at] & WORD_SLOT) - 1) * self->stride;
        if (memcmp(slot, key, LOAD_KEY_LEN) == 0)
            return slot;
    }
    return NULL;
}

static size_t table_get(void *baton, uint64_t record, unsigned char *buf,
                        size_t cap)
{
    plain_self *self = baton;
    unsigned char key[LOAD_KEY_LEN], *slot;
    uint64_t at;

    load_key(record, key);
    slot = table_find(self, key, &at);
    if (!slot || self->len > cap)
        return 0;
    memcpy(buf, slot + LOAD_KEY_LEN, self->len);
    return self->len;
}

static bool table_put(void *baton, uint64_t record, const unsigned char *value,
                      size_t len)
{
    plain_self *self = baton;
    unsigned char key[LOAD_KEY_LEN], *slot;
    uint64_t at;

    load_key(record, key);
    slot = table_find(self, key, &at);
    if (!slot) {
        slot = self->slots + self->used * self->stride;
        self->words[at] = (key_hash(key) & ~WORD_SLOT) | ++self->used;
        memcpy(slot, key, LOAD_KEY_LEN);
    }
    memcpy(slot + LOAD_KEY_LEN, value, len);
    return true;
}

static size_t memcpy_get(void *baton, uint64_t record, unsigned char *buf,
                         size_t cap)
{
    plain_self *self = baton;

    if (self->len > cap)
        return 0;
    memcpy(buf, self->slots + record * self->stride + LOAD_KEY_LEN, self->len);
    return self->len;
}

static bool memcpy_put(void *baton, uint64_t record, const unsigned char *value,
                       size_t len)
{
    plain_self *self = baton;

    memcpy(self->slots + record * self->stride + LOAD_KEY_LEN, value, len);
    return true;
}

static void plain_open(plain_self *self, uint64_t records, size_t len)
{
    uint64_t words = 64;

    while (words < records * 2)
        words *= 2;
    self->mask = words - 1;
    self->words = load_shared(words * sizeof *self->words);
    self->len = len;
    self->stride = (LOAD_KEY_LEN + len + 63) & ~(size_t)63;
    self->slots = load_shared(records * self->stride);
}

static const load_engine table_engine = {table_get, table_put, NULL};
static const load_engine memcpy_engine = {memcpy_get, memcpy_put, NULL};

int main(int argc, char **argv)
{
    load_job job = {0};
    shm_self shm = {0};
    plain_self plain = {0};
    int status;

    if (argc == 5) {
        job.records = strtoull(argv[2], NULL, 10);
        job.len = strtoull(argv[3], NULL, 10);
    }
    if (job.records < LOAD_WORKERS || job.len < 8 || job.len > LOAD_VALUE_MAX) {
        fputs("usage: store shm|table|memcpy RECORDS VALUE_BYTES DIRECTORY\n",
              stderr);
        return 2;
    }
    if (strcmp(argv[1], "shm") == 0) {
        job.engine = &shm_engine;
        job.self = &shm;
        if (!shm_open_store(&shm, argv[4], job.records, job.len))
            return 1;
        status = load_serve(&job);
        shm_tell(&shm);
        return status;
    }
    job.engine = strcmp(argv[1], "table") == 0 ? &table_engine : &memcpy_engine;
    job.self = &plain;
    plain_open(&plain, job.records, job.len);
    return load_serve(&job);
}
