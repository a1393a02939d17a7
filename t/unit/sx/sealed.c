/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed cookies: each opens to the very bytes, and for nothing but what it was
 * made for.
 */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "sx_sealed_cookie.h"

#define NOW   INT64_C(1700000000)
#define URL   "/shop/cart"
#define KNOWN "light.AQEA8VNlABAOAAAAAQAAAC-lzrVnByQlnqseuiQQrfPc"

static apr_pool_t *pool;
static const char *why;
static sx_keys *keys, *rotated, *other, *gone;

static sx_keys *keys_of(const unsigned char *kids, size_t count)
{
    unsigned char secrets[2][SX_SECRET_LEN];

    for (size_t k = 0; k < count; k++)
        for (unsigned i = 0; i < SX_SECRET_LEN; i++)
            secrets[k][i] = (unsigned char)(i + kids[k]);
    return sx_keys_from_memory(
        kids, (const unsigned char(*)[SX_SECRET_LEN])secrets, count);
}

static void make_keys(void)
{
    unsigned char foreign[1][SX_SECRET_LEN] = {{9, 9, 1}};

    keys = keys_of((unsigned char[]){1}, 1);
    rotated = keys_of((unsigned char[]){2, 1}, 2);
    gone = keys_of((unsigned char[]){2}, 1);
    other =
        sx_keys_from_memory((unsigned char[]){1},
                            (const unsigned char(*)[SX_SECRET_LEN])foreign, 1);
}

static sx_seal_policy policy_of(sx_sealed_mode mode)
{
    return (sx_seal_policy){
        .scope = {keys, "theme", "example.org", mode, SX_SEALED_AGE_MAX_S}};
}

/* The line that is sent for the app's ${line}, or why none is. */
static const char *sent_for(const sx_seal_policy *policy, const char *line)
{
    const char *sent = sx_sealed_set_cookie(policy, line, URL, NOW, &why, pool);

    return sent ? sent : why;
}

static const char *text_in(const char *line)
{
    sx_str value = sx_cookie_value_of(line);

    return apr_pstrmemdup(pool, value.p, value.len);
}

static const char *attributes_in(const char *line)
{
    const char *end = strchr(line, ';');

    return end ? end : "";
}

/* What a Cookie header leads to. */
static const char *found_at(const sx_sealed_scope *scope, const char *cookies,
                            int64_t now_s)
{
    sx_sealed_found found;

    sx_sealed_find(scope, cookies, now_s, &found, pool);
    if (found.verdict != SX_SEALED_OK)
        return sx_sealed_verdict_str(found.verdict);
    return apr_pstrcat(
        pool, "=",
        apr_pstrmemdup(pool, found.sealed.value.p, found.sealed.value.len),
        NULL);
}

static const char *found(const sx_sealed_scope *scope, const char *text)
{
    return found_at(scope, apr_pstrcat(pool, "theme=", text, NULL), NOW);
}

static const char *plural(sx_sealed_mode mode)
{
    return mode == SX_SIGN ? "signed" : "encrypted";
}

/* ---- values ------------------------------------------------------------- */

static const char *const values[] = {
    "light",
    "",
    "\"quoted, with blanks\"",
    "a b  c",
    "%20%00+",
    "a=b==",
    "1.2.3.",
    ".",
    "\xff\x80\xc3\xa4",
    "{\"a\":1}",
    "tab\tinside",
    "\\",
};

static void test_values(sx_sealed_mode mode)
{
    sx_seal_policy policy = policy_of(mode);

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const char *text = text_in(
            sent_for(&policy, apr_pstrcat(pool, "theme=", values[i], NULL)));

        is_str(found(&policy.scope, text),
               apr_pstrcat(pool, "=", values[i], NULL),
               apr_psprintf(pool, "%s: value %d comes back as it was",
                            plural(mode), (int)i));
        ok(mode == SX_SIGN || !values[i][0] || !values[i][1] ||
               !strstr(text, values[i]),
           "%s: and is not to be read, if so", plural(mode));
    }
}

static void test_known(void)
{
    sx_seal_policy policy = policy_of(SX_SIGN);

    is_str(found_at(&policy.scope, "theme=" KNOWN, NOW), "=light",
           "a text of before opens: the layout is the same");
    is_str(text_in(sent_for(&policy, "theme=light; Path=/; Max-Age=3600")),
           KNOWN, "and is what would be made today");
}

/* ---- what it is bound to ------------------------------------------------ */

static void test_bindings(sx_sealed_mode mode)
{
    sx_seal_policy policy = policy_of(mode);
    const sx_sealed_scope *scope = &policy.scope;
    const char *text = text_in(sent_for(&policy, "theme=light"));
    const char *forged = sx_sealed_verdict_str(SX_SEALED_FORGED);
    sx_sealed_scope at = *scope;

    at.ns = "example.net";
    is_str(found(&at, text), forged, "not in another namespace");
    at = *scope;
    at.keys = other;
    is_str(found(&at, text), forged, "not under another key of the same kid");
    at.keys = gone;
    is_str(found(&at, text), sx_sealed_verdict_str(SX_SEALED_NO_KEY),
           "not without its key");
    at.keys = NULL;
    is_str(found(&at, text), sx_sealed_verdict_str(SX_SEALED_NO_KEY),
           "not without any key");
    at.keys = rotated;
    is_str(found(&at, text), "=light", "but beside a newer key");
    at = *scope;
    at.name = "skin";
    is_str(found_at(&at, apr_pstrcat(pool, "skin=", text, NULL), NOW), forged,
           "not as another cookie");
    at.name = "Theme";
    is_str(found_at(&at, apr_pstrcat(pool, "Theme=", text, NULL), NOW), forged,
           "nor in another spelling of its name");
}

/* What was made one way is nothing the other way, whatever it is. */
static void test_modes(void)
{
    sx_seal_policy sign = policy_of(SX_SIGN), encrypt = policy_of(SX_ENCRYPT);
    const char *signed_text = text_in(sent_for(&sign, "theme=light"));
    const char *encrypted = text_in(sent_for(&encrypt, "theme=light"));

    ok(found(&encrypt.scope, signed_text)[0] != '=',
       "a signed one is no encrypted one");
    ok(found(&sign.scope, encrypted)[0] != '=',
       "an encrypted one is no signed one");
    ok(found(&encrypt.scope, strrchr(signed_text, '.') + 1)[0] != '=',
       "nor is its seal alone");
    ok(found(&sign.scope, apr_pstrcat(pool, "light.", encrypted, NULL))[0] !=
           '=',
       "nor an encrypted one behind a value");
}

static void test_tampering(sx_sealed_mode mode)
{
    sx_seal_policy policy = policy_of(mode);
    const char *text = text_in(sent_for(&policy, "theme=light; Path=/a"));
    size_t len = strlen(text);
    int opened = 0, cut = 0;

    for (size_t i = 0; i < len; i++) {
        for (int c = '!'; c < 0x7f; c++) {
            char *changed = apr_pstrdup(pool, text);

            if (c == text[i] || c == ';')
                continue;
            changed[i] = (char)c;
            opened += found(&policy.scope, changed)[0] == '=';
        }
    }
    for (size_t i = 0; i < len; i++) {
        cut += found(&policy.scope, apr_pstrmemdup(pool, text, i))[0] == '=';
        cut += i > 0 && found(&policy.scope, text + i)[0] == '=';
    }
    cut += found(&policy.scope, apr_pstrcat(pool, text, "A", NULL))[0] == '=';
    cut += found(&policy.scope, apr_pstrcat(pool, text, "=", NULL))[0] == '=';
    is_int(opened, 0, "no character of it can be another");
    is_int(cut, 0, "and none can be missing or more");
}

/* ---- several ------------------------------------------------------------ */

static void test_several(sx_sealed_mode mode)
{
    sx_seal_policy policy = policy_of(mode);
    const char *light = text_in(sent_for(&policy, "theme=light; Path=/"));
    const char *again = text_in(sent_for(&policy, "theme=light; Path=/b"));
    const char *dark = text_in(sent_for(&policy, "theme=dark"));
    const char *both =
        apr_pstrcat(pool, "theme=", light, "; theme=", dark, NULL);

    is_str(found_at(&policy.scope, both, NOW),
           sx_sealed_verdict_str(SX_SEALED_AMBIGUOUS),
           "two genuine ones that differ are none");
    both = apr_pstrcat(pool, "theme=", light, "; theme=", again, NULL);
    is_str(found_at(&policy.scope, both, NOW), "=light",
           "two genuine ones with one value are one");
    both = apr_pstrcat(pool, "theme=junk; theme=", dark, "; theme=x", NULL);
    is_str(found_at(&policy.scope, both, NOW), "=dark",
           "junk beside a genuine one does not harm");
    is_str(found_at(&policy.scope, NULL, NOW),
           sx_sealed_verdict_str(SX_SEALED_ABSENT), "no header has none");
    is_str(found_at(&policy.scope, "theme=light", NOW),
           sx_sealed_verdict_str(SX_SEALED_PLAIN),
           "a plain value is not taken");
}

/* ---- ages --------------------------------------------------------------- */

static void test_ages(sx_sealed_mode mode)
{
    sx_seal_policy policy = policy_of(mode);
    const char *old = sx_sealed_verdict_str(SX_SEALED_TOO_OLD);
    const char *cookies = apr_pstrcat(
        pool, "theme=", text_in(sent_for(&policy, "theme=light")), NULL);
    sx_sealed_scope scope = policy.scope;

    is_str(found_at(&scope, cookies, NOW + SX_SEALED_AGE_MAX_S), "=light",
           "400 days old is accepted");
    is_str(found_at(&scope, cookies, NOW + SX_SEALED_AGE_MAX_S + 1), old,
           "older is not");
    scope.max_age_s = 60;
    is_str(found_at(&scope, cookies, NOW + 60), "=light", "60 s of max-age=60");
    is_str(found_at(&scope, cookies, NOW + 61), old, "61 s of max-age=60");
    is_str(found_at(&scope, cookies, NOW - 86400), "=light",
           "a clock may run ahead for a day");
    is_str(found_at(&scope, cookies, NOW - 86401), old, "but no longer");
    cookies = apr_pstrcat(
        pool, "theme=", text_in(sent_for(&policy, "theme=light; Max-Age=30")),
        NULL);
    is_str(found_at(&policy.scope, cookies, NOW + 30), "=light",
           "the app's Max-Age=30, 30 s later");
    is_str(found_at(&policy.scope, cookies, NOW + 31), old,
           "31 s later it has ended, whoever kept it");
}

/* ---- attributes --------------------------------------------------------- */

typedef struct out_case {
    const char *line;
    sx_cookie_attrs attrs;
    const char *want; /* the attributes, or why it is not sent */
    const char *label;
} out_case;

#define DATE_60 "Tue, 14 Nov 2023 22:14:20 GMT"

static const out_case outs[] = {
    {"theme=l", {0}, "; HttpOnly; SameSite=Lax", "what is always there"},
    {"theme=l; Path=/x; SameSite=Strict; Secure; HttpOnly",
     {0},
     "; Path=/x; Secure; HttpOnly; SameSite=Strict",
     "what the app says stays"},
    {"theme=l",
     {.path = "/p",
      .domain = "example.org",
      .samesite = SX_NONE,
      .secure = true,
      .partitioned = true},
     "; Path=/p; Secure; HttpOnly; SameSite=None; Domain=example.org; "
     "Partitioned",
     "what it does not say is the policy's"},
    {"theme=l; Path=/x; Domain=a.example.org; SameSite=Lax",
     {.path = "/p", .domain = "example.org", .samesite = SX_STRICT},
     "; Path=/x; HttpOnly; SameSite=Lax; Domain=a.example.org",
     "the app's word before the policy's"},
    {"theme=l", {.readable = true}, "; SameSite=Lax", "for scripts"},
    {"theme=l; HttpOnly",
     {.readable = true},
     "; HttpOnly; SameSite=Lax",
     "for scripts, but the app forbids it"},
    {"theme=l; Max-Age=60",
     {0},
     "; HttpOnly; SameSite=Lax; Max-Age=60; Expires=" DATE_60,
     "Max-Age is joined by Expires"},
    {"theme=l; Expires=" DATE_60,
     {0},
     "; HttpOnly; SameSite=Lax; Max-Age=60; Expires=" DATE_60,
     "and the other way round"},
    {"theme=l; Max-Age=999999999",
     {0},
     "; HttpOnly; SameSite=Lax; Max-Age=34560000; "
     "Expires=Wed, 18 Dec 2024 22:13:20 GMT",
     "400 days at most"},
    {"theme=l; Priority=High; x=y",
     {0},
     "; HttpOnly; SameSite=Lax; Priority=High; x=y",
     "what is unknown stays"},
    {"theme=l; Path=/a; Path=/b; Secure; Secure",
     {0},
     "; Path=/b; Secure; HttpOnly; SameSite=Lax",
     "nothing is there twice"},
    {"theme=deleted; Max-Age=0; Path=/x",
     {.partitioned = true, .secure = true},
     "; Path=/x; Secure; HttpOnly; SameSite=Lax; Partitioned; Max-Age=0; "
     "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
     "a deletion has all attributes"},
    {"theme=deleted; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
     {0},
     "; HttpOnly; SameSite=Lax; Max-Age=0; "
     "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
     "also one by date"},
    {"theme=l; SameSite=None",
     {0},
     "browsers refuse SameSite=None unless the cookie is Secure; Lax and "
     "Strict need nothing",
     "None without Secure"},
    {"theme=l\x01", {0}, "it has control characters", "a control character"},
};

static void test_attributes(sx_sealed_mode mode)
{
    for (size_t i = 0; i < sizeof outs / sizeof *outs; i++) {
        sx_seal_policy policy = policy_of(mode);
        const char *line;

        policy.attrs = outs[i].attrs;
        line = sent_for(&policy, outs[i].line);
        is_str(strncmp(line, "theme=", 6) == 0 ? attributes_in(line) : line,
               outs[i].want, apr_pstrcat(pool, "sent: ", outs[i].label, NULL));
    }
}

static void test_max_age(void)
{
    sx_seal_policy policy = policy_of(SX_ENCRYPT);

    policy.scope.max_age_s = 60;
    is_str(attributes_in(sent_for(&policy, "theme=l; Max-Age=3600")),
           "; HttpOnly; SameSite=Lax; Max-Age=60; Expires=" DATE_60,
           "Max-Age is at most that of the policy");
    is_str(attributes_in(sent_for(&policy, "theme=l")),
           "; HttpOnly; SameSite=Lax",
           "and none where the app says none: the browser forgets it earlier");
    is_str(text_in(sent_for(&policy, "theme=gone; Max-Age=0")), "",
           "what is deleted has no value");
}

static void test_prefix(void)
{
    sx_seal_policy policy = policy_of(SX_ENCRYPT);

    policy.scope.name = "__Host-theme";
    policy.attrs = (sx_cookie_attrs){.path = "/", .secure = true};
    is_str(attributes_in(sent_for(&policy, "__Host-theme=l")),
           "; Path=/; Secure; HttpOnly; SameSite=Lax",
           "__Host- has what it needs");
    ok(strstr(sent_for(&policy, "__Host-theme=l; Domain=a.b"), "__Host-"),
       "and is not sent with a Domain");
    ok(strstr(sent_for(&policy, "__Host-theme=l; Path=/a"), "__Host-"),
       "nor with a Path");
}

/* ---- lengths ------------------------------------------------------------ */

static const char *with_value(size_t len)
{
    char *line = apr_palloc(pool, len + 7);

    memcpy(line, "theme=", 6);
    memset(line + 6, 'v', len);
    line[6 + len] = '\0';
    return line;
}

static void test_lengths(sx_sealed_mode mode)
{
    sx_seal_policy policy = policy_of(mode);
    size_t fits = 0, longest = 0;

    for (size_t len = 2900; len < 4200; len++) {
        const char *line = sent_for(&policy, with_value(len));

        if (strncmp(line, "theme=", 6) == 0) {
            fits = len;
            longest = strlen("theme") + strlen(text_in(line));
        }
    }
    ok(longest <= 4096 && longest > 4092,
       "%s: the longest that is sent has %d bytes", plural(mode), (int)longest);
    is_str(sent_for(&policy, with_value(fits + 40)),
           apr_psprintf(pool,
                        "sealed, its name and value have %d bytes, of which "
                        "browsers keep 4096",
                        mode == SX_SIGN ? 4136 : (int)(longest + 53)),
           "the sentence for a longer one has its size");
}

/* ---- under the first key ------------------------------------------------ */

static const char *reissued(const sx_sealed_scope *scope, const char *line,
                            const char *url, int64_t now_s)
{
    sx_sealed_found got;

    sx_sealed_find(scope, apr_pstrcat(pool, "theme=", text_in(line), NULL),
                   now_s, &got, pool);
    if (got.verdict != SX_SEALED_OK)
        return "not found";
    return sx_sealed_reissue(scope, &got.sealed, url, now_s, pool);
}

static void test_reissue(sx_sealed_mode mode)
{
    sx_seal_policy policy = policy_of(mode);
    const char *line = sent_for(&policy, "theme=light; Path=/shop; Max-Age=90; "
                                         "SameSite=Strict; Domain=a.b");
    const char *bare = sent_for(&policy, "theme=light");
    sx_sealed_scope scope = policy.scope;
    const char *again;

    is_str(reissued(&scope, line, "/", NOW), NULL,
           "what the first key made is not made again");
    scope.keys = rotated;
    again = reissued(&scope, line, "/elsewhere", NOW + 30);
    is_str(attributes_in(again),
           "; Path=/shop; HttpOnly; SameSite=Strict; Domain=a.b; Max-Age=60; "
           "Expires=Tue, 14 Nov 2023 22:14:50 GMT",
           "under a new key it has the same attributes and the same end");
    scope.keys = gone;
    is_str(found_at(&scope, apr_pstrcat(pool, "theme=", text_in(again), NULL),
                    NOW + 90),
           "=light", "it opens without the old key");
    is_str(found_at(&scope, apr_pstrcat(pool, "theme=", text_in(again), NULL),
                    NOW + 91),
           sx_sealed_verdict_str(SX_SEALED_TOO_OLD),
           "and has not become younger");
    scope.keys = rotated;
    is_str(attributes_in(reissued(&scope, bare, "/shop/other", NOW)),
           "; HttpOnly; SameSite=Lax",
           "one without a path, from where it has the same path");
    is_str(reissued(&scope, bare, "/other", NOW), NULL,
           "but not from where it would have another");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(sx_crypto_init(), "libsodium is there");
    make_keys();
    test_known();
    test_modes();
    test_max_age();
    test_prefix();
    for (sx_sealed_mode mode = SX_SIGN; mode <= SX_ENCRYPT; mode++) {
        test_values(mode);
        test_bindings(mode);
        test_tampering(mode);
        test_several(mode);
        test_ages(mode);
        test_attributes(mode);
        test_lengths(mode);
        test_reissue(mode);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
