/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a text is bound to goes into one string, each part with its
 * length before it or of a fixed length, so that no two different things make
 * the same string.  Nothing of a text is believed before the key has spoken
 * but its version and kid, which choose the key.
 */
#include "sx_sealed.h"

#include <string.h>
#include <apr_strings.h>
#include "sx_seal.h"

#define VERSION  1
#define AT_FACTS 2 /* behind version and kid */
#define FIXED    14
#define ISSUED   5
#define LIFETIME 4
#define LEN      2

/* A clock that runs ahead must not make cookies that live until it is right. */
#define AHEAD_MAX_S 86400

enum {
    SAMESITE = 3, /* the two bits of sx_samesite */
    SECURE = 4,
    READABLE = 8,
    PARTITIONED = 16,
    PATH_IS_BROWSERS = 32,
    ALL_FLAGS = 63
};

const char *sx_sealed_verdict_str(sx_sealed_verdict verdict)
{
    static const char *const words[] = {
        [SX_SEALED_OK] = "it is genuine",
        [SX_SEALED_ABSENT] = "there is none",
        [SX_SEALED_PLAIN] = "it is not sealed",
        [SX_SEALED_NO_KEY] = "its key is not in the key file",
        [SX_SEALED_FORGED] = "it was changed, or was made for something else",
        [SX_SEALED_TOO_OLD] = "it is too old",
        [SX_SEALED_AMBIGUOUS] = "there are several, which differ",
    };

    return words[verdict];
}

/* ---- bytes -------------------------------------------------------------- */

/* A string in the making; the room was counted by the caller. */
typedef struct writer {
    char *begin, *end;
} writer;

static writer begin_bytes(size_t room, apr_pool_t *pool)
{
    char *begin = apr_palloc(pool, room);

    return (writer){begin, begin};
}

static void put_bytes(writer *out, sx_str bytes)
{
    if (bytes.len)
        memcpy(out->end, bytes.p, bytes.len);
    out->end += bytes.len;
}

static void put_number(writer *out, uint64_t n, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        *out->end++ = (char)(unsigned char)(n >> (8 * i));
}

static sx_str written(const writer *out)
{
    return (sx_str){out->begin, (size_t)(out->end - out->begin)};
}

/* The next ${n} bytes; false if there are not so many. */
static bool take_bytes(sx_str *from, size_t n, sx_str *out)
{
    if (from->len < n)
        return false;
    *out = (sx_str){from->p, n};
    from->p += n;
    from->len -= n;
    return true;
}

static bool take_number(sx_str *from, size_t bytes, uint64_t *n)
{
    sx_str raw;

    *n = 0;
    if (!take_bytes(from, bytes, &raw))
        return false;
    for (size_t i = 0; i < bytes; i++)
        *n |= (uint64_t)(unsigned char)raw.p[i] << (8 * i);
    return true;
}

static sx_str or_empty(const char *z)
{
    return z ? sx_str_of(z) : (sx_str){"", 0};
}

/* ---- facts -------------------------------------------------------------- */

static sx_str facts_of(const sx_sealed *sealed, apr_pool_t *pool)
{
    const sx_cookie_attrs *attrs = &sealed->attrs;
    sx_str path = or_empty(attrs->path), domain = or_empty(attrs->domain);
    writer out = begin_bytes(FIXED + path.len + domain.len, pool);
    unsigned flags = (unsigned)attrs->samesite;

    flags |= attrs->secure ? SECURE : 0;
    flags |= attrs->readable ? READABLE : 0;
    flags |= attrs->partitioned ? PARTITIONED : 0;
    flags |= sealed->path_is_browsers ? PATH_IS_BROWSERS : 0;
    put_number(&out, (uint64_t)sealed->issued_s, ISSUED);
    put_number(&out, (uint64_t)sealed->lifetime_s, LIFETIME);
    put_number(&out, flags, 1);
    put_number(&out, path.len, LEN);
    put_number(&out, domain.len, LEN);
    put_bytes(&out, path);
    put_bytes(&out, domain);
    return written(&out);
}

static const char *null_if_empty(sx_str s, apr_pool_t *pool)
{
    return s.len ? apr_pstrmemdup(pool, s.p, s.len) : NULL;
}

/* Reads the facts at the front of ${*from} and leaves what is behind them. */
static bool take_facts(sx_str *from, sx_sealed *sealed, apr_pool_t *pool)
{
    uint64_t issued, lifetime, flags, path_len, domain_len;
    sx_str path, domain;

    if (!take_number(from, ISSUED, &issued) ||
        !take_number(from, LIFETIME, &lifetime) ||
        !take_number(from, 1, &flags) || !take_number(from, LEN, &path_len) ||
        !take_number(from, LEN, &domain_len) ||
        !take_bytes(from, path_len, &path) ||
        !take_bytes(from, domain_len, &domain) || flags > ALL_FLAGS ||
        (flags & SAMESITE) > SX_NONE)
        return false;
    sealed->issued_s = (int64_t)issued;
    sealed->lifetime_s = (int64_t)lifetime;
    sealed->path_is_browsers = (flags & PATH_IS_BROWSERS) != 0;
    sealed->attrs = (sx_cookie_attrs){
        .path = null_if_empty(path, pool),
        .domain = null_if_empty(domain, pool),
        .samesite = (sx_samesite)(flags & SAMESITE),
        .secure = (flags & SECURE) != 0,
        .partitioned = (flags & PARTITIONED) != 0,
        .readable = (flags & READABLE) != 0,
    };
    return true;
}

/* ---- what it is bound to ------------------------------------------------ */

static const unsigned char *key_of(const sx_sealed_scope *scope,
                                   unsigned char kid)
{
    return sx_keys_get(scope->keys, kid,
                       scope->mode == SX_SIGN ? SX_PURPOSE_SIGN
                                              : SX_PURPOSE_ENCRYPT);
}

/* What a text of ${kid} is bound to, and ${facts} and ${value} behind it. */
static sx_str bound_to(const sx_sealed_scope *scope, unsigned char kid,
                       sx_str facts, sx_str value, apr_pool_t *pool)
{
    sx_str name = sx_str_of(scope->name), ns = sx_str_of(scope->ns);
    writer out = begin_bytes(
        5 + 2 * LEN + name.len + ns.len + facts.len + value.len, pool);

    put_bytes(&out, (sx_str){"ck", 2});
    put_number(&out, scope->mode, 1);
    put_number(&out, VERSION, 1);
    put_number(&out, kid, 1);
    put_number(&out, name.len, LEN);
    put_bytes(&out, name);
    put_number(&out, ns.len, LEN);
    put_bytes(&out, ns);
    put_bytes(&out, facts);
    put_bytes(&out, value);
    return written(&out);
}

static const sx_str nothing = {"", 0};

/* Version and kid in front of ${rest} and ${tag}, as text. */
static sx_str to_text(unsigned char kid, sx_str rest, sx_str tag,
                      apr_pool_t *pool)
{
    writer out = begin_bytes(AT_FACTS + rest.len + tag.len, pool);

    put_number(&out, VERSION, 1);
    put_number(&out, kid, 1);
    put_bytes(&out, rest);
    put_bytes(&out, tag);
    return sx_to_text(written(&out), pool);
}

/* ---- sealing ------------------------------------------------------------ */

static sx_str make_signed(const sx_sealed_scope *scope, unsigned char kid,
                          const sx_sealed *sealed, apr_pool_t *pool)
{
    sx_str facts = facts_of(sealed, pool), text;
    unsigned char tag[SX_MAC_LEN];
    writer out;

    sx_mac(key_of(scope, kid), bound_to(scope, kid, facts, sealed->value, pool),
           tag);
    text = to_text(kid, facts, (sx_str){(char *)tag, sizeof tag}, pool);
    out = begin_bytes(sealed->value.len + 1 + text.len, pool);
    put_bytes(&out, sealed->value);
    put_bytes(&out, (sx_str){".", 1});
    put_bytes(&out, text);
    return written(&out);
}

static sx_str make_encrypted(const sx_sealed_scope *scope, unsigned char kid,
                             const sx_sealed *sealed, apr_pool_t *pool)
{
    sx_str facts = facts_of(sealed, pool);
    writer plain = begin_bytes(facts.len + sealed->value.len, pool);

    put_bytes(&plain, facts);
    put_bytes(&plain, sealed->value);
    return to_text(kid,
                   sx_seal(key_of(scope, kid),
                           bound_to(scope, kid, nothing, nothing, pool),
                           written(&plain), pool),
                   nothing, pool);
}

sx_str sx_sealed_make(const sx_sealed_scope *scope, const sx_sealed *sealed,
                      apr_pool_t *pool)
{
    unsigned char kid = sx_keys_first(scope->keys);

    return scope->mode == SX_SIGN ? make_signed(scope, kid, sealed, pool)
                                  : make_encrypted(scope, kid, sealed, pool);
}

/* ---- opening ------------------------------------------------------------ */

/* ${raw}: the facts and the tag. */
static bool open_signed(const sx_sealed_scope *scope, sx_str raw, sx_str value,
                        sx_sealed *sealed, apr_pool_t *pool)
{
    sx_str facts = raw, tag;

    if (raw.len < SX_MAC_LEN)
        return false;
    facts.len -= SX_MAC_LEN;
    tag = (sx_str){raw.p + facts.len, SX_MAC_LEN};
    if (!sx_mac_verify(key_of(scope, sealed->kid),
                       bound_to(scope, sealed->kid, facts, value, pool),
                       (const unsigned char *)tag.p))
        return false;
    sealed->value = value;
    return take_facts(&facts, sealed, pool) && facts.len == 0;
}

/* ${raw}: what sx_seal has made. */
static bool open_encrypted(const sx_sealed_scope *scope, sx_str raw,
                           sx_sealed *sealed, apr_pool_t *pool)
{
    sx_str bound = bound_to(scope, sealed->kid, nothing, nothing, pool);
    sx_str plain;

    if (!sx_unseal(key_of(scope, sealed->kid), bound, raw, false, &plain,
                   pool) ||
        !take_facts(&plain, sealed, pool))
        return false;
    sealed->value = plain;
    return true;
}

/* Divides at the last '.', which base64url has not. */
static bool divide(sx_str text, sx_str *value, sx_str *seal)
{
    const char *dot = text.len ? memrchr(text.p, '.', text.len) : NULL;

    if (!dot)
        return false;
    *value = (sx_str){text.p, (size_t)(dot - text.p)};
    *seal = (sx_str){dot + 1, text.len - value->len - 1};
    return true;
}

static bool is_too_old(const sx_sealed_scope *scope, const sx_sealed *sealed,
                       int64_t now_s)
{
    int64_t age = now_s - sealed->issued_s;
    int64_t most = scope->max_age_s;

    if (sealed->lifetime_s && sealed->lifetime_s < most)
        most = sealed->lifetime_s;
    return age > most || age < -AHEAD_MAX_S;
}

sx_sealed_verdict sx_sealed_open(const sx_sealed_scope *scope, sx_str text,
                                 int64_t now_s, sx_sealed *sealed,
                                 apr_pool_t *pool)
{
    sx_sealed found = {.kid = 0};
    sx_str value = nothing, raw, head;
    bool genuine;

    if ((scope->mode == SX_SIGN && !divide(text, &value, &text)) ||
        !sx_from_text(text, &raw, pool) || !take_bytes(&raw, AT_FACTS, &head) ||
        head.p[0] != VERSION)
        return SX_SEALED_PLAIN;
    found.kid = (unsigned char)head.p[1];
    if (!scope->keys || !key_of(scope, found.kid))
        return SX_SEALED_NO_KEY;
    genuine = scope->mode == SX_SIGN
                  ? open_signed(scope, raw, value, &found, pool)
                  : open_encrypted(scope, raw, &found, pool);
    if (!genuine)
        return SX_SEALED_FORGED;
    if (is_too_old(scope, &found, now_s))
        return SX_SEALED_TOO_OLD;
    *sealed = found;
    return SX_SEALED_OK;
}
