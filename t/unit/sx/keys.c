/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: making a key file, subkeys and tags, and the memory they live in.  The
 * known answers were computed apart from libsodium (BLAKE2b with salt and
 * person).
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "sx_keys.h"
#include "sx_tag.h"
#include "tap.h"

/* Secrets are 00 01 02 .. 1f and 64 65 .. 83. */
#define K1 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define K2 "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="

static apr_pool_t *pool;
static char dir[] = "/tmp/sx-keys-XXXXXX";

static const char *in_dir(const char *name)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

static const char *write_file(const char *name, const char *text, size_t len,
                              mode_t mode)
{
    const char *path = in_dir(name);
    int fd;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len ||
        fchmod(fd, mode) != 0) {
        diag("%s: %s", path, strerror(errno));
        exit(2);
    }
    close(fd);
    return path;
}

static sx_keys_file file_of(const char *path)
{
    return (sx_keys_file){.path = path, .owner = geteuid()};
}

static int entries_in_dir(const char *prefix)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;
    int count = 0;

    while (d != NULL && (entry = readdir(d)) != NULL) {
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    if (d != NULL) {
        closedir(d);
    }
    return count;
}

static void test_generate(void)
{
    const char *path = in_dir("made");
    sx_keys_file file = file_of(path);
    char before[512] = "", after[512] = "";
    mode_t mask = umask(0777);
    const char *why = NULL;
    sx_keys *keys;
    struct stat st;
    FILE *f;

    is_str(sx_keys_generate(path, pool), NULL, "a key file is made");
    umask(mask);
    ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600,
       "its mode is 0600 whatever the umask");
    keys = sx_keys_load(&file, &why, pool);
    is_str(why, NULL, "it is accepted");
    sx_keys_free(keys);
    is_int(entries_in_dir("made"), 1, "nothing else is left beside it");
    f = fopen(path, "r");
    ok(f && fread(before, 1, sizeof(before) - 1, f) > 44, "it has a key");
    fclose(f);
    is_str(sx_keys_generate(path, pool), NULL, "a second time is not an error");
    f = fopen(path, "r");
    ok(f && fread(after, 1, sizeof(after) - 1, f) > 44, "it is still there");
    fclose(f);
    is_str(after, before, "and the key is the same");
    ok(symlink("nowhere", in_dir("dangling")) == 0 &&
           sx_keys_generate(in_dir("dangling"), pool) == NULL &&
           access(in_dir("nowhere"), F_OK) != 0,
       "a symbolic link is left alone and not written through");
    ok(strstr(sx_keys_generate(in_dir("no/such"), pool),
              "No such file or directory") != NULL,
       "a missing directory is told");
}

/* In a child: wait for the start, make the file, read it, tell its key. */
static void make_and_tell(const char *path, int start, int told)
{
    sx_keys_file file = file_of(path);
    const char *why = NULL;
    sx_keys *keys = NULL;
    uint64_t tag = 0;
    char go;

    if (read(start, &go, 1) == 0 && sx_keys_generate(path, pool) == NULL) {
        keys = sx_keys_load(&file, &why, pool);
    }
    if (keys != NULL) {
        tag = sx_tag(sx_keys_get(keys, sx_keys_first(keys), SX_PURPOSE_USER),
                     sx_str_of("a"), sx_str_of(""));
    }
    _exit(write(told, &tag, sizeof(tag)) == sizeof(tag) ? 0 : 1);
}

/* How many of eight makers at once read the key that the file has in the
 * end.  A replaced file, or half a file, is another number or none. */
static int race(const char *path)
{
    sx_keys_file file = file_of(path);
    const char *why = NULL;
    uint64_t tag = 0, tags[8] = {0};
    int start[2], told[2], same = 0;
    sx_keys *keys;

    if (pipe(start) != 0 || pipe(told) != 0) {
        return -1;
    }
    for (int i = 0; i < 8; i++) {
        if (fork() == 0) {
            close(start[1]);
            make_and_tell(path, start[0], told[1]);
        }
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < 8; i++) {
        wait(NULL);
    }
    close(told[1]);
    for (int i = 0; i < 8; i++) {
        same += read(told[0], &tags[i], sizeof(tag)) == sizeof(tag);
    }
    close(told[0]);
    keys = sx_keys_load(&file, &why, pool);
    if (same < 8 || keys == NULL) {
        return -1;
    }
    tag = sx_tag(sx_keys_get(keys, sx_keys_first(keys), SX_PURPOSE_USER),
                 sx_str_of("a"), sx_str_of(""));
    sx_keys_free(keys);
    same = 0;
    for (int i = 0; i < 8; i++) {
        same += tags[i] == tag;
    }
    return same;
}

static void test_generate_race(void)
{
    int same = 0;

    for (int round = 0; round < 10; round++) {
        same += race(in_dir(apr_psprintf(pool, "race%d", round)));
    }
    is_int(same, 80, "of eight makers at once all read one and the same key");
    is_int(entries_in_dir("race"), 10, "and there is one file");
}

static const char *hex(const unsigned char *bytes)
{
    char *text = apr_pcalloc(pool, 2 * SX_SECRET_LEN + 1);

    for (size_t i = 0; bytes != NULL && i < SX_SECRET_LEN; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    return text;
}

static sx_keys *load_text(const char *text)
{
    sx_keys_file file = file_of(write_file("keys", text, strlen(text), 0600));
    const char *why = NULL;
    sx_keys *keys = sx_keys_load(&file, &why, pool);

    if (keys == NULL) {
        diag("%s", why);
        exit(2);
    }
    return keys;
}

static void test_subkeys(void)
{
    static const char *const known[SX_PURPOSE_COUNT] = {
        "",
        "3dd607eab027c3a0d7e6543a0124cc3fcd9d1b4dfed8dff12129a8360f99d9b1",
        "d522383b1483bd539fd43032706ba467e1966803f1432ad41a2b601fa10dfd6c",
        "dcfe4b3656734711a8d46e1e250a8a296129363f854c8e1d1093d292a6576475",
        "63c3b4f39b1655af15ee8569242b11d1ebfa720b5c1d8c1288786e32ee208d29",
        "c81f2601b0b34c9d32cf3d6e63a9057457d0f27f3defdb1c9eccdcd32ae051c0",
        "ee16875083588672d59ab98e3a8e62e57ce5deee37a11570837e8aaa0f25debe",
        "7d17643e64ac3edd864367f2636bb385f4b6c678cd847bb74cad328d316ebabb",
        "7b7529f0c8cb1fc6ca15c6ff9935a4296b0ba5b32daed84a405f07ca6e410a55",
        "64b4cd78bde7df80e1c8e5f0b3cb32db2a3984c72555a9ad17f643311c6edfeb",
        "d1cad12f1c18543ef2c574b8aa2802e8f4651b6ca03f68e110a175aaeacee352",
        "d90fadb18a35cfb3e16f6c4bd70473ded2eb3035203c3af3bcfdff84c69ba48b",
    };
    sx_keys *keys = load_text("9:" K2 "\n1:" K1 "\n");

    is_int(sx_keys_first(keys), 9, "the first line writes");
    for (unsigned p = 1; p < SX_PURPOSE_COUNT; p++) {
        is_str(hex(sx_keys_get(keys, 1, (sx_purpose)p)), known[p],
               apr_psprintf(pool, "the subkey of purpose %u is known", p));
    }
    ok(sx_keys_get(keys, 2, SX_PURPOSE_ID) == NULL,
       "a kid that is not in the file has no key");
    sx_keys_free(keys);
}

static void test_tags(void)
{
    sx_keys *keys = load_text("9:" K2 "\n1:" K1 "\n");
    sx_str user = sx_str_of("alice"), ns = sx_str_of("example.org");
    const unsigned char *subkey = sx_keys_get(keys, 1, SX_PURPOSE_USER);

    ok(sx_tag(subkey, ns, user) == 0x362e23477b64136fULL, "a tag is known");
    ok(sx_tag(subkey, ns, user) !=
           sx_tag(sx_keys_get(keys, 9, SX_PURPOSE_USER), ns, user),
       "tags of two keys differ");
    ok(sx_tag(subkey, ns, user) !=
           sx_tag(sx_keys_get(keys, 1, SX_PURPOSE_ALIAS), ns, user),
       "tags of two purposes differ");
    ok(sx_tag(subkey, sx_str_of("ab"), sx_str_of("c")) !=
           sx_tag(subkey, sx_str_of("a"), sx_str_of("bc")),
       "a tag keeps its two strings apart");
    ok(sx_short_tag(subkey, user) == 0xa5e85029U, "a short tag is known");
    ok(sx_short_tag(subkey, user) != sx_short_tag(subkey, ns),
       "short tags of two strings differ");
    ok(sx_short_tag(subkey, user) !=
           sx_short_tag(sx_keys_get(keys, 9, SX_PURPOSE_USER), user),
       "short tags of two keys differ");
    sx_keys_free(keys);
}

static void test_overlap(void)
{
    sx_keys *one = load_text("1:" K1 "\n");
    sx_keys *two = load_text("1:" K2 "\n");
    sx_keys *both = load_text("5:" K2 "\n6:" K1 "\n");

    ok(!sx_keys_overlap(one, two), "two secrets of one kid do not overlap");
    ok(sx_keys_overlap(one, both) && sx_keys_overlap(both, two),
       "one secret under two kids does");
    sx_keys_free(one);
    sx_keys_free(two);
    sx_keys_free(both);
    sx_keys_free(NULL);
}

static void test_from_memory(void)
{
    unsigned char kids[17];
    unsigned char secrets[17][SX_SECRET_LEN];
    const unsigned char(*view)[SX_SECRET_LEN] =
        (const unsigned char(*)[SX_SECRET_LEN])secrets;
    sx_keys *keys;

    for (size_t i = 0; i < sizeof(kids); i++) {
        kids[i] = (unsigned char)(200 - i);
        for (size_t j = 0; j < SX_SECRET_LEN; j++) {
            secrets[i][j] = (unsigned char)(i * 100 + j);
        }
    }
    ok(sx_keys_from_memory(kids, view, 0) == NULL, "no keys are no set");
    ok(sx_keys_from_memory(kids, view, 17) == NULL, "17 keys are no set");
    keys = sx_keys_from_memory(kids, view, 16);
    is_int(keys != NULL ? sx_keys_first(keys) : -1, 200,
           "sixteen keys are a set, and the first one writes");
    is_str(hex(sx_keys_get(keys, 200, SX_PURPOSE_ID)),
           "3dd607eab027c3a0d7e6543a0124cc3fcd9d1b4dfed8dff12129a8360f99d9b1",
           "with the same subkeys as from a file");
    sx_keys_free(keys);
    kids[3] = kids[1];
    ok(sx_keys_from_memory(kids, view, 4) == NULL, "nor is a doubled kid");
}

static void test_blob(void)
{
    sx_keys *keys = load_text("9:" K2 "\n1:" K1 "\n");
    size_t len = sx_keys_blob_size();
    unsigned char *blob = malloc(len), *secret = malloc(SX_SECRET_LEN);
    sx_keys *again;

    for (unsigned i = 0; i < SX_SECRET_LEN; i++) {
        secret[i] = (unsigned char)i;
    }
    sx_keys_save(keys, blob);
    ok(memmem(blob, len, secret, SX_SECRET_LEN) == NULL,
       "a saved set holds no secret of the file");
    again = sx_keys_restore(blob, len);
    ok(again != NULL && sx_keys_first(again) == 9 &&
           memcmp(sx_keys_get(again, 1, SX_PURPOSE_RECORD),
                  sx_keys_get(keys, 1, SX_PURPOSE_RECORD), SX_SECRET_LEN) == 0,
       "a restored set has the keys that were saved");
    ok(sx_keys_restore(blob, len - 1) == NULL,
       "a blob of another size is refused");
    memset(blob, 0, len);
    ok(sx_keys_restore(blob, len) == NULL, "so is one without keys");
    memset(blob, 0xff, len);
    ok(sx_keys_restore(blob, len) == NULL, "or with more than there can be");
    sx_keys_free(again);
    sx_keys_free(keys);
    free(blob);
    free(secret);
}

static long locked_kb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kb = -1;

    while (f != NULL && kb < 0 && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "VmLck:", 6) == 0) {
            kb = strtol(line + 6, NULL, 10);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return kb;
}

/* Not under a sanitizer, which makes mlock do nothing, and not where the limit
 * of locked memory is zero. */
static bool mlock_works(void)
{
    static char page[4096];
    long before = locked_kb();

    return mlock(page, sizeof(page)) == 0 && locked_kb() > before;
}

static void test_memory(void)
{
    sx_keys *keys = load_text("1:" K1 "\n");
    int status = 0;
    union {
        const unsigned char *read;
        unsigned char *write;
    } key = {sx_keys_get(keys, 1, SX_PURPOSE_ID)};
    pid_t pid;
    int bytes[2];

    /* Through the kernel, which answers where a store would kill. */
    ok(pipe(bytes) == 0 && write(bytes[1], "x", 1) == 1, "a byte to write");
    ok(read(bytes[0], key.write, 1) == -1 && errno == EFAULT,
       "a key cannot be written to");
    close(bytes[0]);
    close(bytes[1]);
    pid = fork();
    if (pid == 0) {
        long before = locked_kb();

        sx_keys_after_fork(keys);
        _exit(before == 0 && (locked_kb() > 0) == mlock_works() ? 0 : 1);
    }
    ok(waitpid(pid, &status, 0) == pid && status == 0,
       "a child's keys are locked after sx_keys_after_fork, and not before");
    sx_keys_free(keys);
}

static void remove_dir(void)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;

    while (d != NULL && (entry = readdir(d)) != NULL) {
        unlink(in_dir(entry->d_name));
    }
    if (d != NULL) {
        closedir(d);
    }
    rmdir(dir);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(sx_crypto_init() && sx_crypto_init(), "the library starts, also twice");
    if (mkdtemp(dir) == NULL) {
        diag("mkdtemp: %s", strerror(errno));
        return 2;
    }
    test_generate();
    test_generate_race();
    test_subkeys();
    test_tags();
    test_overlap();
    test_from_memory();
    test_blob();
    test_memory();
    remove_dir();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
