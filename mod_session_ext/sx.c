/* SPDX-License-Identifier: Apache-2.0 */
#include "sx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <apr_strings.h>
#include <sodium.h>

static sx_log_fn *log_fn;

static int64_t us_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t sx_boot_us(void)
{
    return us_of(CLOCK_BOOTTIME);
}

int64_t sx_monotonic_us(void)
{
    return us_of(CLOCK_MONOTONIC);
}

struct timespec sx_monotonic_in(int64_t ms)
{
    const int64_t us = sx_monotonic_us() + ms * 1000;

    return (struct timespec){.tv_sec = us / 1000000,
                             .tv_nsec = us % 1000000 * 1000};
}

sx_str sx_str_of(const char *z)
{
    return (sx_str){z, z ? strlen(z) : 0};
}

bool sx_str_eq(sx_str a, sx_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

sx_str sx_str_dup(sx_str s, apr_pool_t *pool)
{
    return (sx_str){apr_pstrmemdup(pool, s.len ? s.p : "", s.len), s.len};
}

bool sx_parse_int64(sx_str s, int64_t *out)
{
    bool negative = s.len > 0 && s.p[0] == '-';
    size_t i = negative ? 1 : 0;
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t n = 0;

    /* One text per number: no empty, "-", "-0", or leading zero. */
    if (i == s.len || (s.p[i] == '0' && (negative || s.len > 1)))
        return false;
    for (; i < s.len; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
        if (digit > 9 || n > (limit - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    if (negative)
        *out = n == limit ? INT64_MIN : -(int64_t)n;
    else
        *out = (int64_t)n;
    return true;
}

static sx_str decimal(bool negative, uint64_t n, apr_pool_t *pool)
{
    size_t room = sizeof "-9223372036854775808" + 1;
    char *end = (char *)apr_palloc(pool, room) + room - 1;
    char *p = end;

    *end = '\0';
    do {
        *--p = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    if (negative)
        *--p = '-';
    return (sx_str){p, (size_t)(end - p)};
}

sx_str sx_int64_str(int64_t n, apr_pool_t *pool)
{
    return decimal(n < 0, n < 0 ? -(uint64_t)n : (uint64_t)n, pool);
}

sx_str sx_uint64_str(uint64_t n, apr_pool_t *pool)
{
    return decimal(false, n, pool);
}

char *sx_hex(const void *bytes, size_t len, char *hex)
{
    return sodium_bin2hex(hex, 2 * len + 1, bytes, len);
}

bool sx_unhex(const char *hex, size_t len, void *bytes)
{
    size_t got;

    return strlen(hex) == 2 * len &&
           sodium_hex2bin(bytes, len, hex, 2 * len, NULL, &got, NULL) == 0 &&
           got == len;
}

void sx_log_set(sx_log_fn *fn)
{
    log_fn = fn;
}

void sx_log(sx_log_level level, const char *format, ...)
{
    char line[512];
    va_list args;

    if (!log_fn)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_fn(level, line);
}
