/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates are not read by APR: for it the second in which 1970 began, which is
 * what most deletions say, is the same as an error.
 */
#include "sx_set_cookie.h"

#include <string.h>
#include <strings.h>
#include <apr_time.h>

#define ATTR_MAX 1024 /* browsers ignore longer ones */

static sx_str trim(sx_str s)
{
    while (s.len && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static bool is(sx_str s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- dates -------------------------------------------------------------- */

/* What RFC 6265 5.1.1 has between the words of a date. */
static bool is_delimiter(char c)
{
    return c == '\t' || (c >= ' ' && c <= '/') || (c >= ';' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* A date while it is read: -1 for what was not there yet. */
typedef struct date {
    int hour, minute, second, day, month, year;
} date;

/* ${min} to ${max} digits at the front of ${*s}, and no further one. */
static bool take_digits(sx_str *s, size_t min, size_t max, int *out)
{
    size_t n = 0;
    int value = 0;

    while (n < s->len && n <= max && is_digit(s->p[n]))
        value = value * 10 + (s->p[n++] - '0');
    if (n < min || n > max)
        return false;
    s->p += n;
    s->len -= n;
    *out = value;
    return true;
}

static bool take_colon(sx_str *s)
{
    if (!s->len || s->p[0] != ':')
        return false;
    s->p++;
    s->len--;
    return true;
}

static bool take_time(sx_str word, date *out)
{
    int hour, minute, second;

    if (!take_digits(&word, 1, 2, &hour) || !take_colon(&word) ||
        !take_digits(&word, 1, 2, &minute) || !take_colon(&word) ||
        !take_digits(&word, 1, 2, &second))
        return false;
    out->hour = hour;
    out->minute = minute;
    out->second = second;
    return true;
}

static bool take_month(sx_str word, date *out)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int i = 0; word.len >= 3 && i < 12; i++) {
        if (strncasecmp(word.p, names + (size_t)i * 3, 3) == 0) {
            out->month = i;
            return true;
        }
    }
    return false;
}

static void take_word(sx_str word, date *out)
{
    sx_str rest = word;

    if (out->hour < 0 && take_time(word, out))
        return;
    if (out->day < 0 && take_digits(&rest, 1, 2, &out->day))
        return;
    if (out->month < 0 && take_month(word, out))
        return;
    if (out->year < 0)
        (void)take_digits(&rest, 2, 4, &out->year);
}

bool sx_cookie_date(sx_str text, int64_t *seconds)
{
    date d = {-1, -1, -1, -1, -1, -1};
    apr_time_exp_t fields = {0};
    apr_time_t time;
    size_t i = 0;

    while (i < text.len) {
        size_t from = i;

        while (i < text.len && !is_delimiter(text.p[i]))
            i++;
        take_word((sx_str){text.p + from, i - from}, &d);
        i++;
    }
    if (d.year >= 0 && d.year < 100)
        d.year += d.year < 70 ? 2000 : 1900;
    if (d.hour < 0 || d.hour > 23 || d.minute > 59 || d.second > 59 ||
        d.day < 1 || d.day > 31 || d.month < 0 || d.year < 1601)
        return false;
    fields.tm_hour = d.hour;
    fields.tm_min = d.minute;
    fields.tm_sec = d.second;
    fields.tm_mday = d.day;
    fields.tm_mon = d.month;
    fields.tm_year = d.year - 1900;
    /* APR knows no year before 1970; before today is all that counts. */
    if (d.year < 1970)
        *seconds = 0;
    else if (apr_time_exp_gmt_get(&time, &fields) == APR_SUCCESS)
        *seconds = apr_time_sec(time);
    else
        return false;
    return true;
}

/* ---- attributes --------------------------------------------------------- */

/* Browsers take a '-' and digits, however many, and nothing else. */
static bool read_max_age(sx_str text, int64_t *seconds)
{
    bool negative = text.len && text.p[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t n = 0;

    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        if (!is_digit(text.p[i]))
            return false;
        if (n < INT64_C(100000000000))
            n = n * 10 + (text.p[i] - '0');
    }
    *seconds = negative ? -n : n;
    return true;
}

static void read_samesite(sx_str text, sx_set_cookie *out)
{
    static const char *const names[] = {
        [SX_LAX] = "lax", [SX_STRICT] = "strict", [SX_NONE] = "none"};

    out->has_samesite = false;
    for (int i = SX_LAX; i <= SX_NONE; i++) {
        if (is(text, names[i])) {
            out->samesite = (sx_samesite)i;
            out->has_samesite = true;
        }
    }
}

/* What only the whole line can tell. */
typedef struct reader {
    sx_set_cookie *out;
    int64_t now_s;
    bool has_max_age; /* counts more than Expires, wherever it stands */
} reader;

static void read_lifetime(reader *in, sx_str name, sx_str value)
{
    int64_t seconds;

    if (is(name, "max-age")) {
        if (!read_max_age(value, &seconds))
            return;
        in->has_max_age = true;
        in->out->lifetime_s = seconds;
    }
    else {
        if (in->has_max_age || !sx_cookie_date(value, &seconds))
            return;
        in->out->lifetime_s = seconds - in->now_s;
    }
    in->out->has_lifetime = true;
}

static void read_attribute(reader *in, sx_str whole)
{
    sx_set_cookie *out = in->out;
    const char *equals = whole.len ? memchr(whole.p, '=', whole.len) : NULL;
    size_t name_len = equals ? (size_t)(equals - whole.p) : whole.len;
    sx_str name = trim((sx_str){whole.p, name_len});
    sx_str value = {"", 0};

    if (equals)
        value = trim((sx_str){equals + 1, whole.len - name_len - 1});
    if (value.len > ATTR_MAX || whole.len == 0)
        return;
    if (is(name, "path"))
        out->path = value.len && value.p[0] == '/' ? value : (sx_str){"", 0};
    else if (is(name, "domain"))
        out->domain = value;
    else if (is(name, "secure"))
        out->secure = true;
    else if (is(name, "httponly"))
        out->http_only = true;
    else if (is(name, "partitioned"))
        out->partitioned = true;
    else if (is(name, "samesite"))
        read_samesite(value, out);
    else if (is(name, "max-age") || is(name, "expires"))
        read_lifetime(in, name, value);
    else
        APR_ARRAY_PUSH(out->others, sx_str) = whole;
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
            return true;
    return false;
}

const char *sx_set_cookie_read(const char *line, int64_t now_s,
                               sx_set_cookie *out, apr_pool_t *pool)
{
    reader in = {.out = out, .now_s = now_s};
    const char *end = strchrnul(line, ';');

    memset(out, 0, sizeof *out);
    out->path = out->domain = (sx_str){"", 0};
    out->others = apr_array_make(pool, 2, sizeof(sx_str));
    out->name = sx_cookie_name_of(line);
    if (!out->name.len)
        return "it has no name";
    if (has_control(line))
        return "it has control characters";
    out->value = sx_cookie_value_of(line);
    while (*end) {
        const char *begin = end + 1;

        end = strchrnul(begin, ';');
        read_attribute(&in, trim((sx_str){begin, (size_t)(end - begin)}));
    }
    return NULL;
}

sx_str sx_cookie_default_path(const char *url_path)
{
    const char *last = strrchr(url_path, '/');

    if (url_path[0] != '/' || last == url_path)
        return (sx_str){"/", 1};
    return (sx_str){url_path, (size_t)(last - url_path)};
}
