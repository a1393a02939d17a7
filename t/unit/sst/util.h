/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share: a scratch directory, keys and metas that
 * follow from numbers, and a store that is open and attached. */
#ifndef UTIL_H
#define UTIL_H

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "shm_stats.h"
#include "tap.h"

#define MIB       ((uint64_t)1 << 20)
#define HOUR_MS   ((int64_t)3600 * 1000)
#define START_MS  ((int64_t)1000000000)
#define PATH_ROOM 256

typedef struct scratch {
    char dir[PATH_ROOM - 64];
    char path[PATH_ROOM];
} scratch;

static inline void scratch_make(scratch *at)
{
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    snprintf(at->dir, sizeof(at->dir), "%s/sst-test-XXXXXX", root);
    if (mkdtemp(at->dir) == NULL) {
        printf("Bail out! no scratch directory: %s\n", strerror(errno));
        exit(1);
    }
    snprintf(at->path, sizeof(at->path), "%s/store", at->dir);
}

static inline void scratch_unlink(const scratch *at, const char *suffix)
{
    char name[PATH_ROOM + 8];

    snprintf(name, sizeof(name), "%s%s", at->path, suffix);
    unlink(name);
}

static inline void scratch_remove(const scratch *at)
{
    scratch_unlink(at, "");
    scratch_unlink(at, ".old");
    rmdir(at->dir);
}

static inline shm_store_config config_of(const scratch *at, uint64_t size)
{
    return (shm_store_config){.path = at->path,
                              .size = size,
                              .max_record = 1 << 20,
                              .on_full = SST_REFUSE,
                              .owner = geteuid(),
                              .is_server = true};
}

/* Open and attach, or give up loudly: for tests that are about other things. */
static inline shm_store *store_with(const shm_store_config *config,
                                    int64_t now_ms)
{
    shm_attach_report report;
    char err[300];
    shm_store *store = shm_store_open(config, err, sizeof(err));

    if (store == NULL) {
        printf("Bail out! open: %s\n", err);
        exit(1);
    }
    if (shm_store_attach(store, now_ms, &report) != SST_OK) {
        printf("Bail out! attach: %s\n", report.why);
        exit(1);
    }
    return store;
}

static inline shm_store *store_new(const scratch *at, uint64_t size)
{
    shm_store_config config = config_of(at, size);

    return store_with(&config, START_MS);
}

static inline const unsigned char *key_of(uint64_t number,
                                          unsigned char key[SST_KEY_LEN])
{
    memset(key, 0x5a, SST_KEY_LEN);
    memcpy(key, &number, sizeof(number));
    return key;
}

static inline shm_meta meta_of(shm_kind kind, int64_t now_ms, int64_t life_ms)
{
    return (shm_meta){.kind = kind,
                      .ns = 7,
                      .created_ms = now_ms,
                      .last_access_ms = now_ms,
                      .expires_ms = now_ms + life_ms,
                      .hard_end_ms = now_ms + 24 * HOUR_MS};
}

/* Bytes that follow from a number, so that another record's are noticed. */
static inline void value_fill(unsigned char *value, size_t len, uint64_t number)
{
    for (size_t i = 0; i < len; i++) {
        number = number * 6364136223846793005u + 1442695040888963407u;
        value[i] = (unsigned char)(number >> 56);
    }
}

static inline bool value_is(const unsigned char *value, size_t len,
                            uint64_t number)
{
    for (size_t i = 0; i < len; i++) {
        number = number * 6364136223846793005u + 1442695040888963407u;
        if (value[i] != (unsigned char)(number >> 56)) {
            return false;
        }
    }
    return true;
}

static inline shm_status put_number(shm_store *store, uint64_t number,
                                    uint64_t *token, size_t len, int64_t now_ms)
{
    static unsigned char value[SST_MAX_RECORD_MAX];
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = meta_of(SST_USER, now_ms, HOUR_MS);
    shm_status status;

    value_fill(value, len, number);
    status = shm_store_put_if(store, key_of(number, key), *token, value, len,
                              &meta, NULL, now_ms);
    if (status == SST_OK) {
        *token = meta.token;
    }
    return status;
}

/* Is the long form of a test asked for? */
static inline bool is_long(void)
{
    const char *asked = getenv("SXTEST_LONG");

    return asked != NULL && *asked != '\0' && *asked != '0';
}

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void check_clean(shm_store *store, const char *name)
{
    char why[200];
    shm_status status = shm_store_check(store, why, sizeof(why));

    if (!ok(status == SST_OK, "%s", name)) {
        diag("%s: %s", shm_status_str(status), why);
    }
}

#endif
