/* SPDX-License-Identifier: Apache-2.0 */
/* Set-Cookie headers of apps, read as browsers read them. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "sx_set_cookie.h"

#define NOW 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static apr_pool_t *pool;

static const char *text_of(sx_str s)
{
    return apr_pstrmemdup(pool, s.p, s.len);
}

/* All that was read, in one line. */
static const char *read_line(const char *line)
{
    static const char *const samesite[] = {"lax", "strict", "none"};
    sx_set_cookie got;
    const char *why = sx_set_cookie_read(line, NOW, &got, pool);
    const char *text;

    if (why)
        return why;
    text = apr_pstrcat(pool, "[", text_of(got.name), "=", text_of(got.value),
                       "]", got.path.len ? " path=" : "", text_of(got.path),
                       got.domain.len ? " domain=" : "", text_of(got.domain),
                       got.has_samesite ? " samesite=" : "",
                       got.has_samesite ? samesite[got.samesite] : "",
                       got.secure ? " secure" : "",
                       got.http_only ? " httponly" : "",
                       got.partitioned ? " partitioned" : "", NULL);
    if (got.has_lifetime)
        text = apr_psprintf(pool, "%s age=%" APR_INT64_T_FMT, text,
                            (apr_int64_t)got.lifetime_s);
    for (int i = 0; i < got.others->nelts; i++)
        text = apr_pstrcat(pool, text, " (",
                           text_of(APR_ARRAY_IDX(got.others, i, sx_str)), ")",
                           NULL);
    return text;
}

/* Header value, what is read, label. */
static const char *const lines[][3] = {
    {"a=1", "[a=1]", "name and value"},
    {"a=", "[a=]", "an empty value"},
    {" a = 1 ", "[a=1]", "blanks around"},
    {"a=\"x, y\" ; Path=/", "[a=\"x, y\"] path=/", "quotes and a comma"},
    {"a=b=c==", "[a=b=c==]", "equals signs in the value"},
    {"a=\xff%00+", "[a=\xff%00+]", "any bytes"},
    {"a=1\t2", "[a=1\t2]", "a tab"},
    {"word", "it has no name", "no equals sign"},
    {"=; Path=/", "it has no name", "nothing but an equals sign"},
    {"a=1\x01", "it has control characters", "a control character"},
    {"a=1; Path=/\x7f", "it has control characters", "DEL in an attribute"},
    {"a=1; path=/x; Path=/y", "[a=1] path=/y", "the last of two"},
    {"a=1; Path=/x; Path=y", "[a=1]", "the last one says nothing valid"},
    {"a=1; Path=", "[a=1]", "an empty path"},
    {"a=1; Domain = .example.org ", "[a=1] domain=.example.org", "a domain"},
    {"a=1; SECURE; httponly; Partitioned", "[a=1] secure httponly partitioned",
     "flags in any case"},
    {"a=1; Secure=no", "[a=1] secure", "a flag with a value"},
    {"a=1; SameSite=strict", "[a=1] samesite=strict", "SameSite=strict"},
    {"a=1; SameSite=LAX", "[a=1] samesite=lax", "SameSite=LAX"},
    {"a=1; SameSite=None; SameSite=", "[a=1]", "SameSite that says nothing"},
    {"a=1; SameSite=noneofthem", "[a=1]", "SameSite of another word"},
    {"a=1; Max-Age=60", "[a=1] age=60", "Max-Age"},
    {"a=1; Max-Age=-1", "[a=1] age=-1", "a negative Max-Age"},
    {"a=1; Max-Age=0", "[a=1] age=0", "Max-Age=0"},
    {"a=1; Max-Age=60x", "[a=1]", "Max-Age with a letter"},
    {"a=1; Max-Age=", "[a=1]", "Max-Age with nothing"},
    {"a=1; Max-Age=-", "[a=1]", "Max-Age with a sign alone"},
    {"a=1; Max-Age=+5", "[a=1]", "Max-Age with a plus"},
    {"a=1; Max-Age=99999999999999999999999999", "[a=1] age=999999999999",
     "a Max-Age beyond all numbers"},
    {"a=1; Expires=Sun, 06 Nov 1994 08:50:37 GMT", "[a=1] age=60", "Expires"},
    {"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "[a=1] age=-784111777",
     "Expires when 1970 began"},
    {"a=1; Expires=0", "[a=1]", "Expires that is no date"},
    {"a=1; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "[a=1] age=5",
     "Max-Age before Expires"},
    {"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5", "[a=1] age=5",
     "Expires before Max-Age"},
    {"a=1; Max-Age=x; Expires=Sun, 06 Nov 1994 08:50:37 GMT", "[a=1] age=60",
     "a Max-Age that is none, and Expires"},
    {"a=1; Priority=High; ;x", "[a=1] (Priority=High) (x)", "unknown ones"},
};

static void test_lines(void)
{
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        is_str(read_line(lines[i][0]), lines[i][1],
               apr_pstrcat(pool, "read: ", lines[i][2], NULL));
}

static void test_long_attributes(void)
{
    char *path = apr_palloc(pool, 1026);

    memset(path, '/', 1025);
    path[1025] = '\0';
    is_str(read_line(apr_pstrcat(pool, "a=1; Path=", path, NULL)), "[a=1]",
           "a path of 1025 bytes is ignored");
    is_int(strlen(read_line(apr_pstrcat(pool, "a=1; Path=", path + 1, NULL))),
           strlen("[a=1] path=") + 1024, "one of 1024 bytes is taken");
}

typedef struct date_case {
    const char *text;
    int64_t seconds; /* -1: no date */
} date_case;

static const date_case dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", NOW},
    {"Sun, 06-Nov-1994 08:49:37 GMT", NOW},
    {"Sunday, 06-Nov-94 08:49:37 GMT", NOW},
    {"Sun Nov  6 08:49:37 1994", NOW},
    {"6 november 94 8:49:37", NOW},
    {"1994 Nov 06th 08:49:37 UTC", NOW},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Thu, 01-Jan-70 00:00:01 GMT", 1},
    {"Mon, 01 Jan 1900 00:00:00 GMT", 0},
    {"Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799)},
    {"Tue, 01 Jan 69 00:00:00 GMT", INT64_C(3124224000)},
    {"", -1},
    {"0", -1},
    {"-1", -1},
    {"Sun, 06 Nov 1994", -1},
    {"08:49:37", -1},
    {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
    {"Sun, 06 Nov 1994 08:60:00 GMT", -1},
    {"Sun, 32 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1600 08:49:37 GMT", -1},
    {"Sun, 06 Nov 19944 08:49:37 GMT", -1},
    {"Sun, 06 No 1994 08:49:37 GMT", -1},
    {"Sun, 06 Nov 1994 08:49 GMT", -1},
};

static void test_dates(void)
{
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        int64_t got = -1;

        if (!sx_cookie_date(sx_str_of(dates[i].text), &got))
            got = -1;
        is_int(got, dates[i].seconds,
               apr_pstrcat(pool, "date: '", dates[i].text, "'", NULL));
    }
}

static void test_default_paths(void)
{
    static const char *const paths[][2] = {
        {"/", "/"},        {"/a", "/"}, {"/a/", "/a"}, {"/a/b", "/a"},
        {"/a/b/", "/a/b"}, {"*", "/"},  {"", "/"},     {"a/b", "/"}};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        is_str(text_of(sx_cookie_default_path(paths[i][0])), paths[i][1],
               apr_pstrcat(pool, "the path of a cookie from '", paths[i][0],
                           "'", NULL));
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_lines();
    test_long_attributes();
    test_dates();
    test_default_paths();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
