/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a snapshot, whatever is in it: it is restored only as it was
 * written, byte for byte; by force what is put back was in it; and whatever is
 * wrong is one sentence that names the file.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool.h"
#include "sx_snapshot.h"

#define RECORDS   6
#define LEN       30000 /* so that there are several pieces */
#define FILE_MAX  (256u << 10)
#define STORE_LEN ((uint64_t)1 << 20)
#define HOUR      ((int64_t)3600 * 1000)

/* Bits of the first byte. */
#define FORCED    1u
#define ANY_BYTES 6u /* both of them */
#define MORE      8u /* a byte behind the end */

static char dir[64], path[96], store_path[96], journal[128];
static unsigned char written[FILE_MAX], now_there[FILE_MAX], out[LEN];
static size_t written_len;
static int64_t now_ms;
static sx_keys *keys;

static void leave(void)
{
    sx_keys_free(keys);
    unlink(path);
    unlink(store_path);
    unlink(journal);
    rmdir(dir);
}

static shm_store *open_store(const char *snapshot)
{
    shm_store_config config = {.path = store_path,
                               .size = STORE_LEN,
                               .max_record = LEN,
                               .owner = geteuid(),
                               .is_server = true,
                               .snapshot = snapshot};
    shm_attach_report report;
    char why[300];
    shm_store *store;

    unlink(store_path);
    store = shm_store_open(&config, why, sizeof(why));
    MUST(store != NULL);
    MUST(shm_store_attach(store, now_ms, &report) == SST_OK);
    return store;
}

/* Record ${no}: each byte of key and value is its number. */
static void put(shm_store *store, unsigned no)
{
    unsigned char key[SST_KEY_LEN];
    shm_meta meta = {.kind = SST_USER,
                     .created_ms = now_ms,
                     .last_access_ms = now_ms,
                     .expires_ms = now_ms + HOUR,
                     .hard_end_ms = now_ms + HOUR};

    memset(key, (int)no, sizeof(key));
    memset(out, (int)no, sizeof(out));
    MUST(shm_store_put_if(store, key, 0, out, LEN - no, &meta, NULL, now_ms) ==
         SST_OK);
}

/* Its journal, the second of this store, says nothing. */
static void snapshot_write(void)
{
    shm_store *store = open_store(path);
    sx_snapshot snapshot = {
        .store = store, .path = path, .keys = keys, .journal = true};
    shm_dump_report report;
    char why[600];
    ssize_t got;
    int fd;

    for (unsigned no = 0; no < RECORDS; no++) {
        put(store, no);
    }
    MUST(sx_snapshot_write(&snapshot, now_ms, &report, why, sizeof(why)));
    shm_store_close(store);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    got = read(fd, written, sizeof(written));
    close(fd);
    MUST(report.records == RECORDS && got > RECORDS * (LEN - RECORDS));
    written_len = (size_t)got;
}

static void make(void)
{
    const unsigned char kid = 1;
    unsigned char secret[SX_SECRET_LEN];

    if (keys != NULL) {
        return;
    }
    MUST(sx_crypto_init());
    memset(secret, 1, sizeof(secret));
    keys = sx_keys_from_memory(
        &kid, (const unsigned char(*)[SX_SECRET_LEN]) & secret, 1);
    snprintf(dir, sizeof(dir), "%s/sx-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    MUST(keys != NULL && mkdtemp(dir) != NULL && atexit(leave) == 0);
    snprintf(path, sizeof(path), "%s/snap", dir);
    snprintf(store_path, sizeof(store_path), "%s/store", dir);
    snprintf(journal, sizeof(journal), "%s.journal.2", path);
    now_ms = shm_store_clock_ms();
    snapshot_write();
    MUST(access(journal, F_OK) == 0);
}

/* Bytes set, cut off, or taken from elsewhere in it. */
static size_t hurt(fuzz_input *from)
{
    size_t len = written_len;

    memcpy(now_there, written, written_len);
    for (uint64_t i = fuzz_take(from, 1) % 8; i > 0 && from->left > 0; i--) {
        size_t how = fuzz_take(from, 1), at = fuzz_take(from, 3) % written_len;
        size_t many = fuzz_take(from, 2) + 1;

        /* Where the first piece begins, and the head before it. */
        at = how % 4 == 0 ? at % 64 : at;
        if (how / 4 % 8 == 0) {
            len = at < len ? at : len;
        }
        for (size_t j = 0; how / 4 % 8 > 4 && j < many && at + j < len; j++) {
            now_there[at + j] = written[(at * 7 + j) % written_len];
        }
        if (how / 4 % 8 > 0 && how / 4 % 8 < 5) {
            now_there[at] = (unsigned char)fuzz_take(from, 1);
        }
    }
    return len;
}

static void write_file(size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    MUST(fd >= 0 && write(fd, now_there, len) == (ssize_t)len);
    close(fd);
}

static bool judge(void *baton, const unsigned char *key, const shm_meta *meta)
{
    shm_store *store = baton;
    shm_meta again;

    MUST(key[0] < RECORDS && meta->value_len == LEN - (unsigned)key[0]);
    MUST(shm_store_get(store, key, out, sizeof(out), &again, 0, now_ms) ==
         SST_OK);
    for (uint32_t i = 0; i < again.value_len; i++) {
        MUST(out[i] == key[0]);
    }
    return true;
}

static void restore(size_t len, bool force)
{
    shm_store *store = open_store(NULL);
    sx_snapshot snapshot = {.store = store, .path = path, .keys = keys};
    shm_load_report report;
    char why[600];
    sx_restored done = sx_snapshot_restore(&snapshot, force, now_ms, &report,
                                           why, sizeof(why));
    bool same =
        len == written_len && memcmp(now_there, written, written_len) == 0;

    MUST(done != SX_RESTORE_NONE);
    MUST((why[0] == '\0') == same && strchr(why, '\n') == NULL);
    MUST(same || strncmp(why, path, strlen(path)) == 0);
    MUST(!same || (done == SX_RESTORE_DONE && report.records == RECORDS));
    MUST(same || force || done == SX_RESTORE_REFUSED);
    MUST(done == SX_RESTORE_DONE || report.records == 0);
    MUST(shm_store_each(store, judge, store, now_ms) == SST_OK);
    MUST(shm_store_check(store, why, sizeof(why)) == SST_OK);
    shm_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input from = {data, size};
    unsigned choice;
    size_t len;

    make();
    choice = (unsigned)fuzz_take(&from, 1);
    if ((choice & ANY_BYTES) == ANY_BYTES) {
        len = from.left < FILE_MAX ? from.left : FILE_MAX;
        memcpy(now_there, from.at, len);
    }
    else {
        len = hurt(&from);
    }
    if ((choice & MORE) != 0 && len < FILE_MAX) {
        now_there[len++] = 0;
    }
    write_file(len);
    restore(len, (choice & FORCED) != 0);
    return 0;
}
