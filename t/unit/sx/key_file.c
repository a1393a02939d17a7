/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files: what is refused, and in which words, and what is accepted.  Runs
 * as root and as anybody: where a file of somebody else is needed and we are
 * not root, the expected owner is changed instead.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "sx_keys.h"
#include "tap.h"

/* Secrets are 00 01 02 .. 1f and 64 65 .. 83. */
#define K1    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define K2    "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="
#define KZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define K31   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg=="
#define K33   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
/* one bit more than 32 bytes */
#define SPARE     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9="
#define LINES4(n) n "0:" K1 "\n" n "1:" K2 "\n" n "2:" K1 "\n" n "3:" K2 "\n"

#define BASE64                                                                 \
    "the key is not base64 (A-Z a-z 0-9 + /, padded with = and with nothing "  \
    "behind it)"
#define LINE                                                                   \
    "a line is 'kid:base64', kid a number from 0 to 255 without leading zeros"
#define NO_KEY                                                                 \
    "there is no key in it, a line 'kid:base64 of 32 random bytes' is needed"

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

/* The sentence a file is refused with, without the path; "" if accepted. */
static const char *reason_of(const sx_keys_file *file)
{
    const char *prefix =
        apr_psprintf(pool, "SessionExtKeyFile %s: ", file->path);
    const char *why = NULL;
    sx_keys *keys = sx_keys_load(file, &why, pool);

    if (keys != NULL) {
        sx_keys_free(keys);
        return "";
    }
    if (strncmp(why, prefix, strlen(prefix)) != 0) {
        return apr_pstrcat(pool, "(path not named) ", why, NULL);
    }
    return why + strlen(prefix);
}

static const struct {
    const char *name, *text, *why;
} texts[] = {
    {"one key", "1:" K1 "\n", ""},
    {"a last line without line feed", "1:" K1, ""},
    {"comments and empty lines", "# a\n\n1:" K1 "\n#\n\n2:" K2 "\n# end", ""},
    {"the kids 0 and 255", "0:" K1 "\n255:" K2 "\n", ""},
    {"sixteen keys", LINES4("") LINES4("1") LINES4("2") LINES4("3"), ""},
    {"an empty file", "", NO_KEY},
    {"only comments", "# 1:" K1 "\n\n", NO_KEY},
    {"31 bytes", "# x\n\n1:" K31 "\n",
     "line 3: the key decodes to 31 bytes, 32 are needed"},
    {"33 bytes", "1:" K33 "\n",
     "line 1: the key decodes to 33 bytes, 32 are needed"},
    {"no bytes", "1:\n", "line 1: the key decodes to 0 bytes, 32 are needed"},
    {"a very long key", "1:" K33 K33 K33 K33 K33 K33 "\n",
     "line 1: the key is too long, 32 bytes are needed"},
    {"one byte repeated", "1:" K1 "\n2:" KZERO "\n",
     "line 2: the key is one byte repeated, random bytes are needed"},
    {"a doubled kid", "7:" K1 "\n# x\n7:" K2 "\n",
     "line 3: kid 7 is on line 1 already; each key needs a kid of its own"},
    {"seventeen keys",
     LINES4("") LINES4("1") LINES4("2") LINES4("3") "99:" K1 "\n",
     "line 17: more than 16 keys, 16 are accepted"},
    {"no padding", "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
     "line 1: " BASE64},
    {"spare bits set", "1:" SPARE "\n", "line 1: " BASE64},
    {"the url-safe alphabet",
     "1:ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM=\n", "line 1: " BASE64},
    {"a blank behind the key", "1:" K1 " \n", "line 1: " BASE64},
    {"a word behind the key", "1:" K1 " new\n", "line 1: " BASE64},
    {"a comment behind the key", "1:" K1 " # x\n", "line 1: " BASE64},
    {"hexadecimal",
     "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
     "line 1: the key decodes to 48 bytes, 32 are needed"},
    {"carriage returns", "1:" K1 "\r\n",
     "line 1: the line ends in a carriage return, a line feed alone is "
     "needed"},
    {"an empty line with carriage return", "1:" K1 "\n\r\n",
     "line 2: the line ends in a carriage return, a line feed alone is "
     "needed"},
    {"no kid", K1 "\n", "line 1: " LINE},
    {"an empty kid", ":" K1 "\n", "line 1: " LINE},
    {"kid 256", "256:" K1 "\n", "line 1: " LINE},
    {"a kid of four digits", "1000:" K1 "\n", "line 1: " LINE},
    {"a kid with leading zero", "01:" K1 "\n", "line 1: " LINE},
    {"a negative kid", "-1:" K1 "\n", "line 1: " LINE},
    {"a kid that is a word", "main:" K1 "\n", "line 1: " LINE},
    {"a blank before the kid", " 1:" K1 "\n", "line 1: " LINE},
    {"a line of blanks", "1:" K1 "\n  \n", "line 2: " LINE},
    {"a kid and nothing else", "1", "line 1: " LINE},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "1:" K1 "\n",
     "line 1: " LINE},
};

static void test_texts(void)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *path =
            write_file("text", texts[i].text, strlen(texts[i].text), 0600);
        sx_keys_file file = file_of(path);

        is_str(
            reason_of(&file), texts[i].why,
            apr_psprintf(pool, "%s: %s",
                         *texts[i].why ? "refused with its reason" : "accepted",
                         texts[i].name));
    }
}

static void test_bytes(void)
{
    static char big[16385] = "1:" K1 "\n";
    static const char nul[] = "1:" K1 "\n\0\n2:" K2 "\n";
    sx_keys_file file =
        file_of(write_file("bytes", nul, sizeof(nul) - 1, 0600));

    is_str(reason_of(&file), "line 2: " LINE,
           "a NUL byte does not end the file");
    memset(big + strlen(big), '#', sizeof(big) - strlen(big));
    write_file("bytes", big, sizeof(big) - 1, 0600);
    is_str(reason_of(&file), "", "a file of 16384 bytes is accepted");
    write_file("bytes", big, sizeof(big), 0600);
    is_str(reason_of(&file),
           "it is larger than 16384 bytes, which holds 16 keys and comments",
           "a file of 16385 bytes is refused");
}

static void test_no_key_in_sentences(void)
{
    static const char *const lines[] = {"x:" K1, "1:" K1 "=", "1:" K1 "\r",
                                        "1:" K31, "999:" K1};
    int told = 0;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *path =
            write_file("quiet", lines[i], strlen(lines[i]), 0600);
        sx_keys_file file = file_of(path);
        const char *why = NULL;

        if (sx_keys_load(&file, &why, pool) != NULL || strstr(why, "AAEC")) {
            told++;
        }
    }
    is_int(told, 0, "no sentence holds a piece of a key");
}

static void test_modes(void)
{
    static const struct {
        unsigned mode;
        bool group_may_read, our_group;
        bool accepted;
    } modes[] = {
        {0600, false, true, true},  {0400, false, true, true},
        {0640, false, true, false}, {0644, false, true, false},
        {0604, false, true, false}, {0700, false, true, false},
        {0660, false, true, false}, {04600, false, true, false},
        {0600, true, true, true},   {0640, true, true, true},
        {0440, true, true, true},   {0640, true, false, false},
        {0600, true, false, true},  {0660, true, true, false},
        {0644, true, true, false},  {0650, true, true, false},
    };

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        const char *path = write_file("mode", "1:" K1 "\n",
                                      strlen("1:" K1 "\n"), modes[i].mode);
        sx_keys_file file = file_of(path);
        struct stat st;
        const char *why;

        stat(path, &st);
        file.group_may_read = modes[i].group_may_read;
        file.group = modes[i].our_group ? st.st_gid : st.st_gid + 1;
        why = reason_of(&file);
        ok(modes[i].accepted
               ? *why == '\0'
               : strstr(why, apr_psprintf(pool, "mode is %04o",
                                          modes[i].mode)) != NULL &&
                     strstr(why, "is needed") != NULL,
           "mode %04o%s%s is %s", modes[i].mode,
           modes[i].group_may_read ? " with group=" : "",
           modes[i].our_group ? "" : " of another group",
           modes[i].accepted ? "accepted" : "refused and named");
    }
}

static void test_owner(void)
{
    const char *path =
        write_file("owner", "1:" K1 "\n", strlen("1:" K1 "\n"), 0600);
    sx_keys_file file = file_of(path);
    const char *wanted;

    if (geteuid() == 0) {
        if (chown(path, 4242, (gid_t)-1) != 0) {
            diag("chown: %s", strerror(errno));
        }
        wanted = "it belongs to uid 4242, only root is accepted";
    }
    else {
        file.owner = geteuid() + 1;
        wanted = apr_psprintf(
            pool, "it belongs to uid %lu, only root or uid %lu is accepted",
            (unsigned long)geteuid(), (unsigned long)file.owner);
    }
    is_str(reason_of(&file), wanted, "a file of somebody else is refused");
    file.owner = geteuid() == 0 ? 4242 : geteuid();
    is_str(reason_of(&file), "", "a file of the given owner is accepted");
}

static void test_kinds_of_file(void)
{
    sx_keys_file file =
        file_of(write_file("real", "1:" K1 "\n", strlen("1:" K1 "\n"), 0600));
    const char *regular =
        "it is not a regular file, only a regular file is accepted";

    file.path = in_dir("link");
    ok(symlink("real", file.path) == 0 && mkfifo(in_dir("fifo"), 0600) == 0 &&
           symlink("fifo", in_dir("fifo-link")) == 0 &&
           symlink("nowhere", in_dir("dangling")) == 0,
       "links and a FIFO are made");
    is_str(reason_of(&file),
           "it is a symbolic link, name the file itself or add 'symlink'",
           "a symbolic link is refused");
    file.follow_link = true;
    is_str(reason_of(&file), "", "with 'symlink' a link is followed");
    file.path = in_dir("fifo-link");
    is_str(reason_of(&file), regular, "a link to a FIFO is refused");
    file.path = in_dir("fifo");
    is_str(reason_of(&file), regular,
           "a FIFO is refused, and its writer is not waited for");
    file.path = dir;
    is_str(reason_of(&file), regular, "a directory is refused");
    file.path = in_dir("dangling");
    is_str(reason_of(&file), "it cannot be opened: No such file or directory",
           "a link to nowhere is refused");
    file.path = in_dir("missing");
    is_str(reason_of(&file), "it cannot be opened: No such file or directory",
           "a missing file is refused");
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
    test_texts();
    test_bytes();
    test_no_key_in_sentences();
    test_modes();
    test_owner();
    test_kinds_of_file();
    remove_dir();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
