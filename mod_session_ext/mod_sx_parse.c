/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_parse.h"

#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "apr_strings.h"
#include "apr_user.h"
#include "shm_store.h"

typedef struct unit {
    char letter;
    int64_t factor;
} unit;

/* Digits and at most one unit letter; ${none} is the factor without one. */
static bool parse_with_unit(const char *word, const unit *units, int64_t none,
                            int64_t *out)
{
    char *end;
    int64_t factor = none;

    if (*word < '0' || *word > '9')
        return false;
    errno = 0;
    *out = strtoll(word, &end, 10);
    if (errno)
        return false;
    if (*end) {
        while (units->letter && units->letter != (*end | 0x20))
            units++;
        factor = units->factor;
        end++;
    }
    return factor && !*end && !__builtin_mul_overflow(*out, factor, out);
}

const char *mod_sx_parse_duration(const char *word, apr_int64_t *ms)
{
    static const unit units[] = {
        {'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {0, 0}};
    int64_t value;

    if (!parse_with_unit(word, units, 1000, &value) ||
        value > SST_LIFETIME_MAX_MS)
        return "a duration is a number with s, m, h or d behind it (seconds "
               "without), 0 to 10 years";
    *ms = value;
    return NULL;
}

const char *mod_sx_parse_size(const char *word, apr_int64_t *bytes)
{
    static const unit units[] = {
        {'k', 1024}, {'m', 1048576}, {'g', 1073741824}, {0, 0}};
    int64_t value;

    if (!parse_with_unit(word, units, 1, &value))
        return "a size is a number with k, m or g behind it (bytes without)";
    *bytes = value;
    return NULL;
}

const char *mod_sx_parse_name(const char *word)
{
    size_t len = strlen(word);

    return len == 0 || len > 64 ||
                   strspn(word,
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                          "0123456789._-") != len
               ? "a name has 1 to 64 of A-Z a-z 0-9 . _ -"
               : NULL;
}

const char *mod_sx_parse_percent(const char *word, unsigned *percent)
{
    static const unit units[] = {{'%', 1}, {0, 0}};
    size_t len = strlen(word);
    int64_t value;

    if (len < 2 || word[len - 1] != '%' ||
        !parse_with_unit(word, units, 1, &value) || value < 1 || value > 100)
        return "a limit is a share of the store, 1% to 100%";
    *percent = (unsigned)value;
    return NULL;
}

const char *mod_sx_parse_switch(const char *word, int *value)
{
    if (!strcasecmp(word, "on"))
        *value = 1;
    else if (!strcasecmp(word, "off"))
        *value = 0;
    else
        return "accepted are On and Off";
    return NULL;
}

const char *mod_sx_parse_group(const char *word, gid_t *gid, apr_pool_t *pool)
{
    apr_gid_t found;
    int64_t number;
    static const unit none[] = {{0, 0}};

    if (parse_with_unit(word, none, 1, &number) && number <= UINT32_MAX - 1) {
        *gid = (gid_t)number;
        return NULL;
    }
    if (apr_gid_get(&found, word, pool) != APR_SUCCESS)
        return "there is no such group on this host";
    *gid = found;
    return NULL;
}

bool mod_sx_parse_option(const char *word, const char *name, const char **value)
{
    size_t len = strlen(name);

    if (strncasecmp(word, name, len) || word[len] != '=')
        return false;
    *value = word + len + 1;
    return true;
}

const char *mod_sx_without_password(const char *word, apr_pool_t *pool)
{
    const char *host = strrchr(word, '@'), *begin = strstr(word, "://");

    /* What is no URL after all may hold one all the same. */
    begin = begin ? begin + 3 : strchr(word, ':');
    return host && begin && begin < host
               ? apr_pstrcat(
                     pool,
                     apr_pstrmemdup(pool, word, (apr_size_t)(begin - word)),
                     "...", host, NULL)
               : word;
}
