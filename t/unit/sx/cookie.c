/* SPDX-License-Identifier: Apache-2.0 */
/* Cookies in and out, and the ways in which names and values were forged in
 * other software. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "sx_cookie.h"

#define ID "__Host-sid"

typedef struct in_case {
    const char *cookies;
    const char *values; /* of ID, each followed by '|' */
    const char *rest;   /* without ID; NULL: nothing; "=": unchanged */
    const char *label;
} in_case;

static const in_case headers[] = {
    {"", "", "=", "an empty header"},
    {";", "", "=", "a lone semicolon"},
    {"; ;", "", "=", "semicolons and blanks"},
    {"=", "", "=", "a lone equals sign"},
    {"a", "", "=", "a word"},
    {"a=1; b=2", "", "=", "other cookies"},
    {ID "=v", "v|", NULL, "only ours"},
    {ID "=v;", "v|", NULL, "ours and an empty pair"},
    {"; " ID "=v ; ", "v|", NULL, "ours between empty pairs"},
    {ID "=v; a=1; b=2", "v|", "a=1; b=2", "ours first"},
    {"a=1; " ID "=v; b=2", "v|", "a=1; b=2", "ours in the middle"},
    {"a=1; b=2; " ID "=v", "v|", "a=1; b=2", "ours last"},
    {"a=1;" ID "=v;b=2", "v|", "a=1;b=2", "no blanks"},
    {"a=1;\t " ID "=v \t;b=2", "v|", "a=1;b=2", "tabs and blanks are trimmed"},
    {"a = \"x y\" ;" ID "=v;;b", "v|", "a = \"x y\" ;;b",
     "bytes of other cookies stay as they were"},
    {ID "=", "|", NULL, "an empty value"},
    {ID "=a=b==", "a=b==|", NULL, "a value with equals signs"},
    {ID "=\"v\"", "\"v\"|", NULL, "quotes belong to the value"},
    {ID "=%76", "%76|", NULL, "a value is not decoded"},
    {ID "=v; " ID "=v", "v|", NULL, "equal values count once"},
    {ID "=v; " ID "=w; a=1; " ID "=v", "v|w|", "a=1", "two different values"},
    {ID "=1;" ID "=2;" ID "=3;" ID "=4;" ID "=5", "1|2|3|4|", NULL,
     "more than four values"},
    {"a=1, " ID "=v", "", "=", "a comma is no separator"},
    {"a=x," ID "=v; b=2", "", "=", "a value with a comma cannot plant ours"},
    {"__%48ost-sid=v", "", "=", "an escaped letter in the name"},
    {"%5f%5fHost-sid=v", "", "=", "escaped underscores in the name"},
    {"__host-sid=v", "", "=", "the name in lower case"},
    {"__HOST-SID=v", "", "=", "the name in upper case"},
    {"..Host-sid=v; a=1", "", "a=1", "dots, which PHP turns into underscores"},
    {"_ Host-sid=v; a=1", "", "a=1", "a blank, which PHP turns into one"},
    {"_[Host-sid=v; a=1", "", "a=1", "a bracket, which PHP turns into one"},
    {ID "[=v; a=1", "", "a=1", "an open bracket behind the name"},
    {ID "[x]=v; a=1", "", "a=1", "an array of our name"},
    {"\v\f__Host-sid=v; a=1", "", "a=1", "white space that PHP skips"},
    {ID " =v; a=1", "", "a=1", "a blank between name and equals sign"},
    {ID "; a=1", "", "a=1", "our name without a value"},
    {"\xe2\x80\x80" ID "=v", "", "=", "a Unicode blank before the name"},
    {"\xc2\xa0" ID "=v", "", "=", "a no-break space before the name"},
    {"\xa0" ID "=v", "", "=", "a Latin-1 no-break space before the name"},
    {"\x85" ID "=v", "", "=", "a next-line byte before the name"},
    {"=" ID "=v", "", "=",
     "a cookie without a name whose value looks like one"},
    {ID "x=v", "", "=", "a longer name"},
    {"__Host-si=v", "", "=", "a shorter name"},
    {"__Host-sid.=v", "", "=", "a name with a dot more"},
    {"-" ID "=v", "", "=", "a name with something before it"},
    {"$Version=1; " ID "=v; $Path=/", "v|", "$Version=1; $Path=/",
     "attributes of old are cookies like others"},
    {"a=\"b; " ID "=v\"", "v\"|", "a=\"b", "a quoted string ends at ';' too"},
};

static void test_headers(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const in_case *test = &headers[i];
        sx_str out[SX_COOKIE_CANDIDATES];
        size_t found = sx_cookie_find(test->cookies, ID, out);
        const char *got = "", *rest, *want = test->rest;

        for (size_t k = 0; k < found; k++)
            got = apr_pstrcat(pool, got,
                              apr_pstrmemdup(pool, out[k].p, out[k].len), "|",
                              NULL);
        is_str(got, test->values,
               apr_pstrcat(pool, "found: ", test->label, NULL));
        rest = sx_cookie_without(test->cookies, ID, pool);
        if (want && strcmp(want, "=") == 0)
            ok(rest == test->cookies, "passed on untouched: %s", test->label);
        else
            is_str(rest, want,
                   apr_pstrcat(pool, "passed on: ", test->label, NULL));
    }
}

/* Two names: `a`, of which `old` becomes "new one", and `b_c`, which goes. */
typedef struct change_case {
    const char *cookies;
    const char *seen; /* "=": unchanged */
    const char *label;
} change_case;

static const change_case changed[] = {
    {"x=1; y=2", "=", "other cookies"},
    {"a=old", "a=new one", "alone"},
    {" a=old ", " a=new one", "blanks in front stay"},
    {"x=1;\ta=old; y = 2 ", "x=1;\ta=new one; y = 2 ", "in its place"},
    {"a=other", NULL, "another value goes"},
    {"a=other; a=old; x=1", "a=new one; x=1", "the one that is meant stays"},
    {"a=old; a=old; x=1", "a=new one; x=1", "once"},
    {"b_c=1; a=old", "a=new one", "the first one goes, the second changes"},
    {"b.c=1; b_c=old; b[c=2;x", "x", "all spellings of a name go"},
    {"a =old; a[]=old; a; x=1", "x=1", "and what an app might take for one"},
    {"A=old; aa=old; =a=old", "=", "but no other name"},
    {"a=old;;x", "a=new one;;x", "empty pairs stay"},
};

static void test_changes(apr_pool_t *pool)
{
    const sx_str old = sx_str_of("old");
    const sx_cookie_change changes[] = {
        {.name = "a", .came = &old, .value = sx_str_of("new one")},
        {.name = "b_c"},
    };

    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        const char *came = changed[i].cookies, *want = changed[i].seen;
        const char *got = sx_cookie_changed(came, changes, 2, pool);

        if (want && strcmp(want, "=") == 0)
            ok(got == came, "not touched: %s", changed[i].label);
        else
            is_str(got, want,
                   apr_pstrcat(pool, "changed: ", changed[i].label, NULL));
    }
    ok(sx_cookie_changed(NULL, changes, 2, pool) == NULL, "no header");
}

/* `b.c` may be read as `b_c`, but has a name of its own. */
static void test_own_name_first(apr_pool_t *pool)
{
    const sx_str old = sx_str_of("old");
    const sx_cookie_change changes[] = {
        {.name = "b_c"},
        {.name = "b.c", .came = &old, .value = sx_str_of("new")},
    };

    is_str(sx_cookie_changed("b.c=old; b_c=old; b c=old", changes, 2, pool),
           "b.c=new", "a name of its own comes before what it is read as");
}

static void test_no_header(apr_pool_t *pool)
{
    sx_str out[SX_COOKIE_CANDIDATES];

    ok(sx_cookie_find(NULL, ID, out) == 0, "no header has no cookie");
    ok(sx_cookie_without(NULL, ID, pool) == NULL, "no header stays none");
    ok(sx_cookie_find("=v", "", out) == 0, "a cookie without a name is never "
                                           "found");
}

/* Whatever find accepts, an app must not see; checked for all short headers
 * over the bytes that matter. */
static void test_nothing_found_is_passed_on(apr_pool_t *pool)
{
    static const char alphabet[] = "s_.;= [,";
    int wrong = 0, hits = 0;

    for (int n = 0; n < 1 << 18; n++) {
        char text[7];
        sx_str out[SX_COOKIE_CANDIDATES];
        const char *rest;

        for (int i = 0, k = n; i < 6; i++, k /= 8)
            text[i] = alphabet[k % 8];
        text[6] = '\0';
        hits += sx_cookie_find(text, "s_", out) > 0;
        rest = sx_cookie_without(text, "s_", pool);
        wrong += rest && sx_cookie_find(rest, "s_", out) > 0;
        wrong += rest && sx_cookie_without(rest, "s_", pool) != rest;
        wrong += rest && strlen(rest) > strlen(text);
        if (n % 1024 == 0)
            apr_pool_clear(pool);
    }
    ok(hits > 100, "short headers hold the cookie in many ways");
    is_int(wrong, 0, "and none of them is passed on with it");
}

/* Costs are counted in memory, as they must not be by the clock: foreign pairs
 * take none, and what is passed on is no longer than what came. */
static void test_thousands(apr_pool_t *pool)
{
    size_t pairs = 500000;
    char *text = apr_palloc(pool, 2 * pairs + sizeof(ID "=v"));
    sx_str out[SX_COOKIE_CANDIDATES];
    const char *rest;

    for (size_t i = 0; i < pairs; i++)
        memcpy(text + 2 * i, "a;", 2);
    memcpy(text + 2 * pairs, ID "=v", sizeof(ID "=v"));
    is_int(sx_cookie_find(text, ID, out), 1,
           "ours is found behind half a million pairs");
    rest = sx_cookie_without(text, ID, pool);
    is_int(strlen(rest), 2 * pairs - 1,
           "and taken out from behind half a million pairs");
    for (size_t i = 0; i < pairs; i++)
        memcpy(text + 2 * i, "__", 2);
    ok(sx_cookie_without(text, ID, pool) == text,
       "a name of a megabyte is looked at once and left alone");
}

/* ---- out ---------------------------------------------------------------- */

typedef struct check_case {
    const char *name;
    sx_cookie_attrs attrs;
    const char *word; /* in the sentence; NULL: accepted */
    const char *label;
} check_case;

#define SECURE .secure = true

static const check_case checks[] = {
    {"sid", {.path = "/"}, NULL, "a plain cookie"},
    {ID, {.path = "/", SECURE}, NULL, "a host cookie"},
    {"a!#$%&'*+-.^_`|~Z9", {.path = "/"}, NULL, "every character of a token"},
    {"s", {.path = "/a/b%20c,d", .domain = "example.org"}, NULL, "a domain"},
    {"s", {.path = "/", .domain = ".a-b.example"}, NULL, "a leading dot"},
    {"s", {.path = "/", SECURE, .samesite = SX_NONE}, NULL, "SameSite=None"},
    {"s", {.path = "/", SECURE, .partitioned = true}, NULL, "Partitioned"},
    {"__Secure-s", {.path = "/x", .domain = "a.b", SECURE}, NULL, "__Secure-"},
    {ID, {.path = "/"}, "Secure", "__Host- without Secure"},
    {ID, {.path = "/a", SECURE}, "Path", "__Host- with a path"},
    {ID,
     {.path = "/", .domain = "a.b", SECURE},
     "Domain",
     "__Host- and Domain"},
    {"__hOST-x", {.path = "/"}, "Secure", "__Host- in another case"},
    {"__Host-Http-x",
     {.path = "/a", SECURE},
     "Path",
     "__Host-Http- and a path"},
    {"__Secure-s", {.path = "/"}, "Secure", "__Secure- without Secure"},
    {"__SECURE-s", {.path = "/"}, "Secure", "__Secure- in another case"},
    {"__Http-s", {.path = "/"}, "Secure", "__Http- without Secure"},
    {"s", {.path = "/", .samesite = SX_NONE}, "SameSite", "None, not Secure"},
    {"s",
     {.path = "/", .partitioned = true},
     "Partitioned",
     "Partitioned without Secure"},
    {"", {.path = "/"}, "name", "an empty name"},
    {"a b", {.path = "/"}, "name", "a blank in the name"},
    {"a=b", {.path = "/"}, "name", "an equals sign in the name"},
    {"a;b", {.path = "/"}, "name", "a semicolon in the name"},
    {"a,b", {.path = "/"}, "name", "a comma in the name"},
    {"a\"", {.path = "/"}, "name", "a quote in the name"},
    {"a\r\nb", {.path = "/"}, "name", "a line end in the name"},
    {"a\xc3\xa4", {.path = "/"}, "name", "a letter beyond ASCII in the name"},
    {"s", {.path = NULL}, "Path", "no path"},
    {"s", {.path = ""}, "Path", "an empty path"},
    {"s", {.path = "a"}, "Path", "a path without a slash"},
    {"s", {.path = "/;Domain=x"}, "Path", "a semicolon in the path"},
    {"s", {.path = "/\r\nX: y"}, "Path", "a line end in the path"},
    {"s", {.path = "/a "}, "Path", "a blank at the end of the path"},
    {"s", {.path = "/\xff"}, "Path", "a byte beyond ASCII in the path"},
    {"s", {.path = "/", .domain = ""}, "Domain", "an empty domain"},
    {"s", {.path = "/", .domain = "."}, "Domain", "a dot as domain"},
    {"s", {.path = "/", .domain = "a..b"}, "Domain", "two dots in the domain"},
    {"s", {.path = "/", .domain = "a.b."}, "Domain", "a dot at the end"},
    {"s", {.path = "/", .domain = "a;b"}, "Domain", "a semicolon in it"},
    {"s", {.path = "/", .domain = "a b"}, "Domain", "a blank in the domain"},
    {"s", {.path = "/", .domain = "a\nb"}, "Domain", "a line end in it"},
    {"s", {.path = "/", .domain = "a:80"}, "Domain", "a port in the domain"},
};

static void test_checks(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const check_case *test = &checks[i];
        const char *why = sx_cookie_check(test->name, &test->attrs, pool);

        if (test->word)
            ok(why && strstr(why, test->word), "refused: %s", test->label);
        else
            is_str(why, NULL,
                   apr_pstrcat(pool, "accepted: ", test->label, NULL));
    }
}

static void test_lengths(apr_pool_t *pool)
{
    char *long_path = apr_palloc(pool, 1026);
    sx_cookie_attrs attrs = {.path = long_path};

    memset(long_path, '/', 1025);
    long_path[1025] = '\0';
    ok(sx_cookie_check("s", &attrs, pool), "a path of 1025 bytes is refused");
    long_path[1024] = '\0';
    ok(!sx_cookie_check("s", &attrs, pool), "a path of 1024 bytes is accepted");
    /* With an id behind it far from the 4096 that browsers take. */
    attrs.path = "/";
    memset(long_path, 's', 1025);
    long_path[1025] = '\0';
    ok(sx_cookie_check(long_path, &attrs, pool),
       "a name of 1025 bytes is refused");
    long_path[1024] = '\0';
    ok(!sx_cookie_check(long_path, &attrs, pool),
       "a name of 1024 bytes is accepted");
}

typedef struct out_case {
    const char *name, *value;
    sx_cookie_attrs attrs;
    int64_t max_age_s;
    const char *want;
    const char *label;
} out_case;

#define NOW 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static const out_case outs[] = {
    {ID,
     "v",
     {.path = "/", SECURE},
     0,
     ID "=v; Path=/; Secure; HttpOnly; SameSite=Lax",
     "the fixed form"},
    {"sid",
     "v",
     {.path = "/a", .samesite = SX_STRICT},
     0,
     "sid=v; Path=/a; HttpOnly; SameSite=Strict",
     "without Secure"},
    {"s",
     "v",
     {.path = "/",
      .domain = "a.b",
      .samesite = SX_NONE,
      SECURE,
      .partitioned = true},
     0,
     "s=v; Path=/; Secure; HttpOnly; SameSite=None; Domain=a.b; Partitioned",
     "all attributes"},
    {"s",
     "v",
     {.path = "/"},
     60,
     "s=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; "
     "Expires=Sun, 06 Nov 1994 08:50:37 GMT",
     "a lifetime"},
    {"s",
     "v",
     {.path = "/"},
     INT64_MAX,
     "s=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=34560000; "
     "Expires=Mon, 11 Dec 1995 08:49:37 GMT",
     "a lifetime of 400 days at most"},
    {"s",
     "v",
     {.path = "/x",
      .domain = "a.b",
      .samesite = SX_NONE,
      SECURE,
      .partitioned = true},
     -1,
     "s=; Path=/x; Secure; HttpOnly; SameSite=None; Domain=a.b; Partitioned; "
     "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
     "a deletion has the same attributes and no value"},
    {"s",
     "v",
     {.path = NULL, .readable = true},
     0,
     "s=v; SameSite=Lax",
     "no path, and for scripts"},
    {"s",
     "!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~",
     {.path = "/"},
     0,
     "s=!#$&'()*+-./09:<=>?@AZ[]^_`az{|}~; Path=/; HttpOnly; SameSite=Lax",
     "every kind of octet that a value may have"},
    {"s", "a;b", {.path = "/"}, 0, NULL, "no value with a semicolon"},
    {"s", "a,b", {.path = "/"}, 0, NULL, "no value with a comma"},
    {"s", "a b", {.path = "/"}, 0, NULL, "no value with a blank"},
    {"s", "a\"b", {.path = "/"}, 0, NULL, "no value with a quote"},
    {"s", "a\\b", {.path = "/"}, 0, NULL, "no value with a backslash"},
    {"s", "a\r\nX: y", {.path = "/"}, 0, NULL, "no value with a line end"},
    {"s", "a\x7f", {.path = "/"}, 0, NULL, "no value with DEL"},
    {"s", "a\xc3\xa4", {.path = "/"}, 0, NULL, "no value beyond ASCII"},
};

static void test_format(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof outs / sizeof *outs; i++) {
        const out_case *test = &outs[i];

        is_str(sx_cookie_format(test->name, test->value, &test->attrs,
                                test->max_age_s, NOW, pool),
               test->want, apr_pstrcat(pool, "sent: ", test->label, NULL));
    }
}

/* Set-Cookie header, name under which it comes back, label, value. */
static const char *const set_cookies[][4] = {
    {"sid=v; Path=/", "sid", "a cookie", "v"},
    {" sid = v ;x", "sid", "blanks around", "v"},
    {"sid", "", "no equals sign", ""},
    {"sid; a=b", "", "an equals sign only in an attribute", ""},
    {"", "", "nothing", ""},
    {";", "", "a semicolon", ""},
    {"=", "", "an equals sign", ""},
    {"=v", "", "a value without a name", ""},
    {"=sid=v", "sid", "a value that is sent back as a pair", "v"},
    {"==sid=v", "", "a value that begins with an equals sign", "sid=v"},
    {"sid=", "sid", "an empty value", ""},
    {"sid=a=b=", "sid", "equals signs in it", "a=b="},
    {"SID=v", "SID", "the case stays", "v"},
};

static void test_set_cookies(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof set_cookies / sizeof *set_cookies; i++) {
        sx_str got = sx_cookie_name_of(set_cookies[i][0]);

        is_str(apr_pstrmemdup(pool, got.p, got.len), set_cookies[i][1],
               apr_pstrcat(pool, "name of a Set-Cookie: ", set_cookies[i][2],
                           NULL));
        got = sx_cookie_value_of(set_cookies[i][0]);
        is_str(apr_pstrmemdup(pool, got.p, got.len), set_cookies[i][3],
               apr_pstrcat(pool, "and its value: ", set_cookies[i][2], NULL));
    }
}

int main(void)
{
    apr_pool_t *pool, *scratch;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&scratch, pool);
    test_headers(pool);
    test_changes(pool);
    test_own_name_first(pool);
    test_no_header(pool);
    test_nothing_found_is_passed_on(scratch);
    test_thousands(pool);
    test_checks(pool);
    test_lengths(pool);
    test_format(pool);
    test_set_cookies(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
