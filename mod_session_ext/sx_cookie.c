/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All walks over a Cookie header look at each byte once or twice and allocate
 * nothing: whoever sends thousands of pairs pays more than we do.
 *
 * What is taken out for apps is more than what is accepted from clients: an
 * app may read a name loosely, this module never does.
 */
#include "sx_cookie.h"

#include <string.h>
#include <apr_cstr.h>
#include <apr_strings.h>
#include <apr_time.h>

#define AGE_MAX_S  INT64_C(34560000) /* 400 days: browsers cut what is longer */
#define ATTR_MAX   1024              /* browsers ignore longer attributes */
#define NAME_MAX_B 1024 /* of the 4096 for name and value together */

/* ---- in ----------------------------------------------------------------- */

/* One stretch between two ';'. */
typedef struct cookie_pair {
    sx_str whole;
    sx_str front; /* before the first '=', or all */
    sx_str value; /* behind it, but for blanks at the end */
    bool has_value;
} cookie_pair;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static sx_str trim_begin(sx_str s)
{
    while (s.len && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    return s;
}

static sx_str trim_end(sx_str s)
{
    while (s.len && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

static sx_str trim(sx_str s)
{
    return trim_end(trim_begin(s));
}

/* The part of ${s} before ${c}, or all of it. */
static sx_str until(sx_str s, char c)
{
    const char *end = s.len ? memchr(s.p, c, s.len) : NULL;

    return (sx_str){s.p, end ? (size_t)(end - s.p) : s.len};
}

/* ${*cursor} moves behind the next ';', or becomes NULL after the last pair. */
static bool next_whole(const char **cursor, sx_str *whole)
{
    const char *begin = *cursor, *end;

    if (!begin)
        return false;
    end = strchrnul(begin, ';');
    *cursor = *end ? end + 1 : NULL;
    *whole = (sx_str){begin, (size_t)(end - begin)};
    return true;
}

static cookie_pair divide(sx_str whole)
{
    cookie_pair pair = {.whole = whole, .front = until(whole, '=')};

    pair.has_value = pair.front.len < whole.len;
    pair.value = (sx_str){whole.p + whole.len, 0};
    if (pair.has_value) {
        pair.value.p = whole.p + pair.front.len + 1;
        pair.value.len = whole.len - pair.front.len - 1;
        pair.value = trim_end(pair.value);
    }
    return pair;
}

/* May the name in ${whole} be read as ${name}, by whomever?  Told by one byte,
 * since most pairs are somebody else's and there may be thousands. */
static bool may_be(sx_str whole, const char *name)
{
    size_t i = 0;
    char c;

    while (i < whole.len &&
           (whole.p[i] == ' ' || (whole.p[i] >= '\t' && whole.p[i] <= '\r')))
        i++;
    c = i < whole.len ? whole.p[i] : '\0';
    return c == *name || (*name == '_' && (c == '.' || c == '['));
}

/* Is ${at} where a pair begins, but for blanks?  A name has none, so no blank
 * is looked at for two of them. */
static bool begins_pair(const char *cookies, const char *at)
{
    while (at > cookies && is_blank(at[-1]))
        at--;
    return at == cookies || at[-1] == ';';
}

static size_t add_new(sx_str out[SX_COOKIE_CANDIDATES], size_t found,
                      sx_str value)
{
    for (size_t i = 0; i < found; i++)
        if (sx_str_eq(out[i], value))
            return found;
    out[found] = value;
    return found + 1;
}

/* Looks for the name and not for pairs: of those there may be thousands. */
size_t sx_cookie_find(const char *cookies, const char *name,
                      sx_str out[SX_COOKIE_CANDIDATES])
{
    const char *at = cookies;
    size_t found = 0, len = strlen(name);

    if (!cookies || len == 0)
        return 0;
    while (found < SX_COOKIE_CANDIDATES && (at = strstr(at, name))) {
        const char *behind = at + len;

        if (*behind == '=' && begins_pair(cookies, at)) {
            const char *value = behind + 1;
            size_t value_len = (size_t)(strchrnul(value, ';') - value);

            found = add_new(out, found, trim_end((sx_str){value, value_len}));
        }
        at = behind;
    }
    return found;
}

/* Would an app take ${pair} for the cookie ${name}?  PHP skips white space,
 * turns ' ' and '.' into '_', and '[' into '_' or into an array of the name in
 * front of it; others trim the name, or take a bare word for an empty value. */
static bool app_reads_as(const cookie_pair *pair, sx_str name)
{
    sx_str got = trim(pair->front);
    size_t i = 0;

    while (got.len && strchr(" \t\n\v\f\r", got.p[0])) {
        got.p++;
        got.len--;
    }
    while (i < got.len && i < name.len) {
        char c = got.p[i];

        if (c != name.p[i] &&
            !(name.p[i] == '_' && (c == ' ' || c == '.' || c == '[')))
            return false;
        i++;
    }
    return i == name.len && (got.len == i || got.p[i] == '[');
}

/* Which of the changes is about ${whole}?  Its own name before one that an app
 * might take it for.  NULL: none. */
static const sx_cookie_change *change_of(sx_str whole,
                                         const sx_cookie_change *changes,
                                         size_t n)
{
    const sx_cookie_change *loose = NULL;

    for (size_t i = 0; i < n; i++) {
        sx_str name;
        cookie_pair pair;

        if (!may_be(whole, changes[i].name))
            continue;
        name = sx_str_of(changes[i].name);
        pair = divide(whole);
        if (!app_reads_as(&pair, name))
            continue;
        if (pair.has_value && sx_str_eq(trim_begin(pair.front), name))
            return &changes[i];
        loose = &changes[i];
    }
    return loose;
}

static bool any_changes(const char *cookies, const sx_cookie_change *changes,
                        size_t n)
{
    sx_str whole;

    while (next_whole(&cookies, &whole))
        if (change_of(whole, changes, n))
            return true;
    return false;
}

/* Does ${pair} stay, with another value? */
static bool is_replaced(const cookie_pair *pair, const sx_cookie_change *change)
{
    return change->came && pair->has_value &&
           sx_str_eq(pair->value, *change->came) &&
           sx_str_eq(trim_begin(pair->front), sx_str_of(change->name));
}

/* A header in the making. */
typedef struct writer {
    char *begin, *end;
} writer;

static void put(writer *out, sx_str bytes)
{
    if (bytes.len)
        memcpy(out->end, bytes.p, bytes.len);
    out->end += bytes.len;
}

/* The first of a header begins without the blanks that were behind a ';'. */
static void put_pair(writer *out, sx_str kept, bool came_first)
{
    if (out->end > out->begin)
        put(out, (sx_str){";", 1});
    else if (!came_first)
        kept = trim_begin(kept);
    put(out, kept);
}

const char *sx_cookie_changed(const char *cookies,
                              const sx_cookie_change *changes, size_t n,
                              apr_pool_t *pool)
{
    const char *cursor = cookies;
    size_t room = 1;
    bool *done;
    sx_str whole;
    writer out;

    if (!cookies || !any_changes(cookies, changes, n))
        return cookies;
    for (size_t i = 0; i < n; i++)
        room += changes[i].value.len;
    done = apr_pcalloc(pool, n * sizeof *done);
    out.begin = out.end = apr_palloc(pool, strlen(cookies) + room);
    while (next_whole(&cursor, &whole)) {
        const sx_cookie_change *change = change_of(whole, changes, n);
        bool came_first = whole.p == cookies;
        cookie_pair pair;

        if (!change) {
            put_pair(&out, whole, came_first);
            continue;
        }
        pair = divide(whole);
        if (is_replaced(&pair, change) && !done[change - changes]) {
            done[change - changes] = true;
            pair.front.len++; /* with its '=' */
            put_pair(&out, pair.front, came_first);
            put(&out, change->value);
        }
    }
    *out.end = '\0';
    return out.begin[strspn(out.begin, "; \t")] ? out.begin : NULL;
}

const char *sx_cookie_without(const char *cookies, const char *name,
                              apr_pool_t *pool)
{
    const sx_cookie_change gone = {.name = name};

    return sx_cookie_changed(cookies, &gone, 1, pool);
}

/* ---- check -------------------------------------------------------------- */

/* What a name's prefix promises, and browsers hold it to in any case. */
typedef struct name_prefix {
    const char *text;
    bool host_only; /* Path=/ and no Domain */
} name_prefix;

static const name_prefix prefixes[] = {
    {"__Host-", true},
    {"__Secure-", false},
    {"__Http-", false},
};

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

static bool is_token(const char *s)
{
    for (const char *p = s; *p; p++)
        if (!is_alnum(*p) && !strchr("!#$%&'*+-.^_`|~", *p))
            return false;
    return *s && strlen(s) <= NAME_MAX_B;
}

/* Browsers trim blanks and stop at ';'; a URL's path has neither. */
static bool is_path(const char *s)
{
    for (const char *p = s; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || *p == ';')
            return false;
    return *s == '/' && strlen(s) <= ATTR_MAX;
}

/* Host name labels; one leading dot means nothing to browsers and is usual. */
static bool is_domain(const char *s)
{
    size_t label = 0;

    if (*s == '.')
        s++;
    for (const char *p = s; *p; p++) {
        if (*p == '.' && label == 0)
            return false;
        if (*p != '.' && *p != '-' && *p != '_' && !is_alnum(*p))
            return false;
        label = *p == '.' ? 0 : label + 1;
    }
    return label > 0 && strlen(s) < ATTR_MAX;
}

static const char *check_grammar(const char *name, const sx_cookie_attrs *attrs)
{
    if (!is_token(name))
        return "a cookie name is 1 to 1024 letters, digits and characters of "
               "!#$%&'*+-.^_`|~";
    if (!attrs->path || !is_path(attrs->path))
        return "a cookie's Path begins with '/' and has at most 1024 printable "
               "ASCII characters, no blank and no ';'";
    if (attrs->domain && !is_domain(attrs->domain))
        return "a cookie's Domain is a host name of letters, digits, '-', '_' "
               "and single dots";
    return NULL;
}

static const char *check_prefix(const char *name, const sx_cookie_attrs *attrs,
                                apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        const name_prefix *prefix = &prefixes[i];

        if (apr_cstr_casecmpn(name, prefix->text, strlen(prefix->text)) != 0)
            continue;
        if (!attrs->secure)
            return apr_psprintf(pool,
                                "browsers refuse a cookie name that begins "
                                "with %s unless the cookie is Secure",
                                prefix->text);
        if (prefix->host_only &&
            (attrs->domain || !attrs->path || strcmp(attrs->path, "/") != 0))
            return apr_psprintf(pool,
                                "browsers refuse a cookie name that begins "
                                "with %s unless Path is '/' and there is no "
                                "Domain",
                                prefix->text);
    }
    return NULL;
}

const char *sx_cookie_clash(const char *name, const sx_cookie_attrs *attrs,
                            apr_pool_t *pool)
{
    const char *why = check_prefix(name, attrs, pool);

    if (!why && attrs->samesite == SX_NONE && !attrs->secure)
        why = "browsers refuse SameSite=None unless the cookie is Secure; Lax "
              "and Strict need nothing";
    if (!why && attrs->partitioned && !attrs->secure)
        why = "browsers refuse Partitioned unless the cookie is Secure";
    return why;
}

const char *sx_cookie_check(const char *name, const sx_cookie_attrs *attrs,
                            apr_pool_t *pool)
{
    const char *why = check_grammar(name, attrs);

    return why ? why : sx_cookie_clash(name, attrs, pool);
}

/* ---- out ---------------------------------------------------------------- */

/* The octets that RFC 6265 allows in a value. */
static bool is_value(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s >= 0x7f || strchr("\",;\\", *s))
            return false;
    return true;
}

static const char *lifetime(int64_t max_age_s, int64_t now_s, apr_pool_t *pool)
{
    int64_t age = max_age_s < AGE_MAX_S ? max_age_s : AGE_MAX_S;
    char date[APR_RFC822_DATE_LEN];

    if (age == 0)
        return "";
    if (age < 0)
        return "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    apr_rfc822_date(date, apr_time_from_sec(now_s + age));
    return apr_psprintf(pool, "; Max-Age=%" APR_INT64_T_FMT "; Expires=%s", age,
                        date);
}

const char *sx_cookie_line(const char *name, const char *value,
                           const sx_cookie_attrs *attrs, int64_t max_age_s,
                           int64_t now_s, apr_pool_t *pool)
{
    static const char *const samesite[] = {
        [SX_LAX] = "Lax", [SX_STRICT] = "Strict", [SX_NONE] = "None"};

    return apr_pstrcat(
        pool, name, "=", max_age_s < 0 ? "" : value,
        attrs->path ? "; Path=" : "", attrs->path ? attrs->path : "",
        attrs->secure ? "; Secure" : "", attrs->readable ? "" : "; HttpOnly",
        "; SameSite=", samesite[attrs->samesite],
        attrs->domain ? "; Domain=" : "", attrs->domain ? attrs->domain : "",
        attrs->partitioned ? "; Partitioned" : "",
        lifetime(max_age_s, now_s, pool), NULL);
}

const char *sx_cookie_format(const char *name, const char *value,
                             const sx_cookie_attrs *attrs, int64_t max_age_s,
                             int64_t now_s, apr_pool_t *pool)
{
    if (max_age_s >= 0 && !is_value(value))
        return NULL;
    return sx_cookie_line(name, value, attrs, max_age_s, now_s, pool);
}

/* ---- an app's Set-Cookie ------------------------------------------------ */

static void split(const char *set_cookie, sx_str *name, sx_str *value)
{
    sx_str text = trim(until(sx_str_of(set_cookie), ';'));

    if (text.len && text.p[0] == '=') {
        text.p++;
        text.len--;
    }
    *name = until(text, '=');
    *value = text;
    if (name->len == text.len)
        name->len = value->len = 0;
    else
        *value =
            trim((sx_str){text.p + name->len + 1, text.len - name->len - 1});
    *name = trim(*name);
}

sx_str sx_cookie_name_of(const char *set_cookie)
{
    sx_str name, value;

    split(set_cookie, &name, &value);
    return name;
}

sx_str sx_cookie_value_of(const char *set_cookie)
{
    sx_str name, value;

    split(set_cookie, &name, &value);
    return value;
}
