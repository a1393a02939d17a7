/* SPDX-License-Identifier: Apache-2.0 */
/* Where Redis is, as an administrator writes it; and the password, which does
 * not belong there. */
#include "sx_store_redis_tls.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include <apr_uri.h>

#define DB_MAX       65535
#define PREFIX_MAX   64
#define PASSWORD_MAX 512
#define ACCEPTED                                                               \
    "accepted is redis://[USER[:PASSWORD]@]HOST[:PORT][/DB], the same with "   \
    "rediss:// for TLS, or unix:PATH; and behind it ?db=N, prefix=TEXT, "      \
    "password-file=PATH, and with TLS ca-file=, cert-file= and "               \
    "key-file=PATH, joined by &"

static const char *decoded(const char *text, apr_pool_t *pool)
{
    return text ? apr_punescape_url(pool, text, NULL, NULL, 0) : NULL;
}

static bool read_db(sx_redis_config *config, const char *text)
{
    int64_t db;

    if (!sx_parse_int64(sx_str_of(text), &db) || db < 0 || db > DB_MAX)
        return false;
    config->db = (unsigned)db;
    return true;
}

/* So that it needs no escape in a pattern. */
static bool prefix_ok(const char *prefix)
{
    size_t len = strspn(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789:._-");

    return len > 0 && len <= PREFIX_MAX && prefix[len] == '\0';
}

static const char *read_path(sx_redis_config *config, const char *option,
                             const char *path)
{
    const struct {
        const char *name;
        const char **path;
    } files[] = {{"password-file", &config->password_file},
                 {"ca-file", &config->ca_file},
                 {"cert-file", &config->cert_file},
                 {"key-file", &config->key_file}};
    size_t i = 0;

    while (i < sizeof files / sizeof *files && strcmp(option, files[i].name))
        i++;
    if (i == sizeof files / sizeof *files)
        return "no such option; " ACCEPTED;
    *files[i].path = path;
    return path && *path == '/' ? NULL : "the path of a file is absolute";
}

static const char *read_option(sx_redis_config *config, char *option,
                               apr_pool_t *pool)
{
    char *value = strchr(option, '=');

    if (!value)
        return "an option is NAME=VALUE; " ACCEPTED;
    *value++ = '\0';
    if (!strcmp(option, "db"))
        return read_db(config, value) ? NULL : "db is a number from 0 to 65535";
    value = (char *)(uintptr_t)decoded(value, pool);
    if (!strcmp(option, "prefix")) {
        config->prefix = value;
        return value && prefix_ok(value) ? NULL
                                         : "a prefix is 1 to 64 letters, "
                                           "digits, and :._-";
    }
    return read_path(config, option, value);
}

static const char *read_options(sx_redis_config *config, const char *query,
                                apr_pool_t *pool)
{
    char *rest = apr_pstrdup(pool, query ? query : "");
    const char *why = NULL;

    while (rest && *rest && !why) {
        char *next = strchr(rest, '&');

        if (next)
            *next++ = '\0';
        why = read_option(config, rest, pool);
        rest = next;
    }
    if (why)
        return why;
    if (config->password_file && config->password)
        return "the password is in the URL or in a file, not in both";
    if (!config->is_tls &&
        (config->ca_file || config->cert_file || config->key_file))
        return "ca-file, cert-file and key-file are of rediss://";
    if (!config->cert_file != !config->key_file)
        return "cert-file and key-file belong together";
    return NULL;
}

static const char *read_socket(sx_redis_config *config, const char *path,
                               apr_pool_t *pool)
{
    const char *query = strchr(path, '?');

    config->path = decoded(
        query ? apr_pstrndup(pool, path, (size_t)(query - path)) : path, pool);
    if (!config->path || *config->path != '/' ||
        strlen(config->path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return "a socket is an absolute path of at most 107 bytes; " ACCEPTED;
    config->shown = apr_pstrcat(pool, "unix:", config->path, NULL);
    return read_options(config, query ? query + 1 : NULL, pool);
}

static bool port_ok(const char *text)
{
    int64_t port;

    return sx_parse_int64(sx_str_of(text), &port) && port > 0 && port < 65536;
}

static const char *read_uri(sx_redis_config *config, const char *url,
                            apr_pool_t *pool)
{
    apr_uri_t uri;

    if (apr_uri_parse(pool, url, &uri) != APR_SUCCESS || !uri.hostname ||
        !*uri.hostname || uri.fragment)
        return "not a URL; " ACCEPTED;
    if (uri.port_str && *uri.port_str && !port_ok(uri.port_str))
        return "a port is a number from 1 to 65535";
    config->host = uri.hostname;
    config->port = uri.port_str && *uri.port_str ? uri.port_str : "6379";
    config->user = decoded(uri.user && *uri.user ? uri.user : NULL, pool);
    config->password = decoded(uri.password, pool);
    if ((uri.user && *uri.user && !config->user) ||
        (uri.password && !config->password))
        return "user and password are percent-encoded";
    config->shown = apr_psprintf(
        pool, strchr(uri.hostname, ':') ? "%s://[%s]:%s" : "%s://%s:%s",
        uri.scheme, uri.hostname, config->port);
    config->is_tls = !strcmp(uri.scheme, "rediss");
    if (uri.path && strlen(uri.path) > 1 && !read_db(config, uri.path + 1))
        return "a database is a number from 0 to 65535; " ACCEPTED;
    return read_options(config, uri.query, pool);
}

const char *sx_redis_config_read(sx_redis_config *config, const char *url,
                                 apr_pool_t *pool)
{
    *config = (sx_redis_config){.prefix = SX_REDIS_PREFIX, .shown = "redis"};
    if (!strncmp(url, "unix:", 5))
        return read_socket(config, url + 5, pool);
    if (!strncmp(url, "redis://", 8) || !strncmp(url, "rediss://", 9))
        return read_uri(config, url, pool);
    return "not of a scheme that is known; " ACCEPTED;
}

/* ---- files --------------------------------------------------------------- */

static const char *read_line(int fd, const char **password, apr_pool_t *pool)
{
    char line[PASSWORD_MAX + 2];
    ssize_t len = read(fd, line, sizeof line - 1);
    size_t end;

    if (len < 0)
        return "cannot be read";
    line[len] = '\0';
    end = strcspn(line, "\r\n");
    if (end == 0 || end > PASSWORD_MAX)
        return "has no password of 1 to 512 bytes in its first line";
    *password = apr_pstrndup(pool, line, end);
    return NULL;
}

/* A descriptor of a file that nobody else can read, or -1 and why. */
static int open_secret(const char *path, const char **why)
{
    struct stat st;
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) != 0)
        *why = "cannot be opened";
    else if (!S_ISREG(st.st_mode))
        *why = "is no regular file";
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        *why = "belongs neither to root nor to the user that starts httpd";
    else if (st.st_mode & 027)
        *why = "can be read or written by others: its mode may be 0600 or 0640";
    return fd;
}

static const char *read_secret(const char *what, const char *path,
                               const char **password, apr_pool_t *pool)
{
    const char *why = NULL;
    int fd = path ? open_secret(path, &why) : -1;

    if (!why && fd >= 0 && password)
        why = read_line(fd, password, pool);
    if (fd >= 0)
        close(fd);
    return why ? apr_psprintf(pool, "the %s '%s' %s", what, path, why) : NULL;
}

const char *sx_redis_config_load(sx_redis_config *config, apr_pool_t *pool)
{
    const char *why = read_secret("password-file", config->password_file,
                                  &config->password, pool);

    if (!why)
        why = read_secret("key-file", config->key_file, NULL, pool);
    return why || !config->is_tls ? why : sx_redis_tls_load(config, pool);
}
