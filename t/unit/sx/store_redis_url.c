/* SPDX-License-Identifier: Apache-2.0 */
/* Where Redis is, and a password's file: what is accepted, what is not, and
 * that no message tells the password. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sx_store_redis.h"
#include "tap.h"

static apr_pool_t *pool;

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static void accepts(const char *url, sx_redis_config wanted)
{
    sx_redis_config c;
    const char *why = sx_redis_config_read(&c, url, pool);

    ok(!why && same(c.shown, wanted.shown) && same(c.path, wanted.path) &&
           same(c.host, wanted.host) && same(c.port, wanted.port) &&
           same(c.user, wanted.user) && same(c.password, wanted.password) &&
           same(c.password_file, wanted.password_file) &&
           same(c.ca_file, wanted.ca_file) &&
           same(c.cert_file, wanted.cert_file) &&
           same(c.key_file, wanted.key_file) && c.is_tls == wanted.is_tls &&
           same(c.prefix, wanted.prefix ? wanted.prefix : "sx:") &&
           c.db == wanted.db,
       "%s is read: %s", url, why ? why : "yes");
}

static void refuses(const char *url, const char *sentence)
{
    sx_redis_config c;
    const char *why = sx_redis_config_read(&c, url, pool);

    ok(why && strstr(why, sentence) && !strstr(why, "secret"),
       "%s is refused: %s", url, why ? why : "no");
}

static void test_urls(void)
{
    accepts("redis://db.example.org",
            (sx_redis_config){.shown = "redis://db.example.org:6379",
                              .host = "db.example.org",
                              .port = "6379"});
    accepts("redis://web:a%2Fb%40c@10.0.0.1:7000/5?prefix=shop:",
            (sx_redis_config){.shown = "redis://10.0.0.1:7000",
                              .host = "10.0.0.1",
                              .port = "7000",
                              .user = "web",
                              .password = "a/b@c",
                              .prefix = "shop:",
                              .db = 5});
    accepts("redis://:pw@[::1]:7000",
            (sx_redis_config){.shown = "redis://[::1]:7000",
                              .host = "::1",
                              .port = "7000",
                              .password = "pw"});
    accepts("redis://web@h?password-file=/etc/redis.pw&db=2",
            (sx_redis_config){.shown = "redis://h:6379",
                              .host = "h",
                              .port = "6379",
                              .user = "web",
                              .password_file = "/etc/redis.pw",
                              .db = 2});
    accepts("rediss://:pw@h:7000/1?ca-file=/ca.pem&cert-file=/c&key-file=/k",
            (sx_redis_config){.shown = "rediss://h:7000",
                              .host = "h",
                              .port = "7000",
                              .password = "pw",
                              .ca_file = "/ca.pem",
                              .cert_file = "/c",
                              .key_file = "/k",
                              .is_tls = true,
                              .db = 1});
    accepts("unix:/run/redis/redis.sock?db=1",
            (sx_redis_config){.shown = "unix:/run/redis/redis.sock",
                              .path = "/run/redis/redis.sock",
                              .db = 1});
    refuses("", "scheme");
    refuses("http://h", "scheme");
    refuses("redis://:secret@h?ca-file=/x", "rediss");
    refuses("rediss://:secret@h?cert-file=/x", "together");
    refuses("rediss://:secret@h?ca-file=x", "absolute");
    refuses("redis://", "not a URL");
    refuses("redis://:secret@h:70000", "port");
    refuses("redis://:secret@h/first", "database");
    refuses("redis://:secret@h/-1", "database");
    refuses("redis://:secret@h/?db=x", "db is a number");
    refuses("redis://:secret@h?prefix=a*", "prefix");
    refuses("redis://:secret@h?prefix=", "prefix");
    refuses("redis://:secret@h?timeout=1", "no such option");
    refuses("redis://:secret@h?db", "NAME=VALUE");
    refuses("redis://:secret@h?password-file=/x", "not in both");
    refuses("redis://h?password-file=x", "absolute");
    refuses("redis://:sec%2@h", "percent");
    refuses("unix:redis.sock", "absolute path");
    refuses(apr_psprintf(pool, "unix:/%0110d", 1), "107 bytes");
}

static const char *read_file(const char *path, const char **password)
{
    sx_redis_config c = {.password_file = path};
    const char *why = sx_redis_config_load(&c, pool);

    *password = c.password;
    return why ? why : "";
}

static void test_password_file(void)
{
    char dir[] = "/tmp/sx-redis-url-XXXXXX";
    const char *file, *link, *password, *why;
    FILE *out;

    if (!mkdtemp(dir))
        exit(1);
    file = apr_pstrcat(pool, dir, "/pw", NULL);
    link = apr_pstrcat(pool, dir, "/link", NULL);
    out = fopen(file, "w");
    if (!out || fputs("secret\nand more\n", out) < 0 || fclose(out) != 0 ||
        symlink(file, link) != 0 || chmod(file, 0640) != 0)
        exit(1);
    ok(!*read_file(file, &password) && same(password, "secret"),
       "the first line of a file is the password");
    why = read_file(link, &password);
    ok(strstr(why, "cannot be opened") && !password, "no link is followed");
    chmod(file, 0604);
    why = read_file(file, &password);
    ok(strstr(why, "by others") && !password,
       "one that others can read is refused");
    chmod(file, 0620);
    ok(strstr(read_file(file, &password), "by others") && !password,
       "or can write");
    ok(strstr(read_file(dir, &password), "regular") && !password,
       "a directory is none");
    chmod(file, 0600);
    if (truncate(file, 0) != 0)
        exit(1);
    ok(strstr(read_file(file, &password), "first line") && !password,
       "nothing is no password");
    unlink(file);
    unlink(link);
    rmdir(dir);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_urls();
    test_password_file();
    return done_testing();
}
