/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_sealed_cookie.h"

#include <string.h>
#include <apr_strings.h>
#include "sx_set_cookie.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static const char *zero_ended(sx_str s, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, s.p, s.len);
}

/* ---- in ----------------------------------------------------------------- */

void sx_sealed_find(const sx_sealed_scope *scope, const char *cookies,
                    int64_t now_s, sx_sealed_found *found, apr_pool_t *pool)
{
    sx_str texts[SX_COOKIE_CANDIDATES];
    size_t n = cookies ? sx_cookie_find(cookies, scope->name, texts) : 0;

    memset(found, 0, sizeof *found);
    found->verdict = SX_SEALED_ABSENT;
    for (size_t i = 0; i < n; i++) {
        bool has_one = found->verdict == SX_SEALED_OK;
        sx_sealed sealed;
        sx_sealed_verdict verdict =
            sx_sealed_open(scope, texts[i], now_s, &sealed, pool);

        if (verdict != SX_SEALED_OK) {
            /* What the log is told if there is no genuine one. */
            if (!has_one && verdict > found->verdict)
                found->verdict = verdict;
            continue;
        }
        if (has_one && !sx_str_eq(sealed.value, found->sealed.value)) {
            found->verdict = SX_SEALED_AMBIGUOUS;
            return;
        }
        if (!has_one || sealed.issued_s > found->sealed.issued_s)
            *found = (sx_sealed_found){SX_SEALED_OK, texts[i], sealed};
    }
}

/* ---- out ---------------------------------------------------------------- */

/* What the app says, and the policy where it says nothing. */
static sx_cookie_attrs complete(const sx_seal_policy *policy,
                                const sx_set_cookie *said, apr_pool_t *pool)
{
    sx_cookie_attrs attrs = policy->attrs;

    if (said->path.len)
        attrs.path = zero_ended(said->path, pool);
    if (said->domain.len)
        attrs.domain = zero_ended(said->domain, pool);
    if (said->has_samesite)
        attrs.samesite = said->samesite;
    attrs.secure |= said->secure;
    attrs.partitioned |= said->partitioned;
    attrs.readable &= !said->http_only;
    return attrs;
}

static const char *with_others(const char *line, const sx_set_cookie *said,
                               apr_pool_t *pool)
{
    for (int i = 0; i < said->others->nelts; i++)
        line = apr_pstrcat(
            pool, line, "; ",
            zero_ended(APR_ARRAY_IDX(said->others, i, sx_str), pool), NULL);
    return line;
}

/* The text of ${sealed}, or NULL and why it cannot be sent. */
static const char *fitting(const sx_sealed_scope *scope,
                           const sx_sealed *sealed, const char **why,
                           apr_pool_t *pool)
{
    sx_str text = sx_sealed_make(scope, sealed, pool);
    size_t size = strlen(scope->name) + text.len;

    if (size <= SX_COOKIE_MAX)
        return zero_ended(text, pool);
    *why = apr_psprintf(pool,
                        "sealed, its name and value have %" APR_SIZE_T_FMT
                        " bytes, of which browsers keep %d",
                        size, SX_COOKIE_MAX);
    return NULL;
}

static const char *seal_said(const sx_seal_policy *policy,
                             const sx_set_cookie *said, const char *url_path,
                             int64_t now_s, const char **why, apr_pool_t *pool)
{
    sx_sealed sealed = {
        .value = said->value,
        .attrs = complete(policy, said, pool),
        .issued_s = now_s,
    };
    const char *name = policy->scope.name;
    sx_cookie_attrs attrs = sealed.attrs;
    const char *text;

    *why = sx_cookie_clash(name, &attrs, pool);
    if (*why)
        return NULL;
    if (said->has_lifetime && said->lifetime_s <= 0)
        return sx_cookie_line(name, "", &attrs, -1, now_s, pool);
    if (said->has_lifetime)
        sealed.lifetime_s = least(said->lifetime_s, policy->scope.max_age_s);
    sealed.path_is_browsers = !attrs.path;
    if (!attrs.path)
        sealed.attrs.path = zero_ended(sx_cookie_default_path(url_path), pool);
    text = fitting(&policy->scope, &sealed, why, pool);
    return text ? sx_cookie_line(name, text, &attrs, sealed.lifetime_s, now_s,
                                 pool)
                : NULL;
}

const char *sx_sealed_set_cookie(const sx_seal_policy *policy, const char *line,
                                 const char *url_path, int64_t now_s,
                                 const char **why, apr_pool_t *pool)
{
    sx_set_cookie said;

    *why = sx_set_cookie_read(line, now_s, &said, pool);
    if (!*why && !policy->scope.keys)
        *why = "there is no key";
    if (*why)
        return NULL;
    line = seal_said(policy, &said, url_path, now_s, why, pool);
    return line ? with_others(line, &said, pool) : NULL;
}

const char *sx_sealed_reissue(const sx_sealed_scope *scope,
                              const sx_sealed *sealed, const char *url_path,
                              int64_t now_s, apr_pool_t *pool)
{
    sx_cookie_attrs attrs = sealed->attrs;
    int64_t left = 0;
    const char *text, *why;

    if (sealed->kid == sx_keys_first(scope->keys))
        return NULL;
    if (sealed->path_is_browsers &&
        !sx_str_eq(sx_cookie_default_path(url_path), sx_str_of(attrs.path)))
        return NULL;
    if (sealed->path_is_browsers)
        attrs.path = NULL;
    if (sealed->lifetime_s) {
        left = sealed->issued_s + sealed->lifetime_s - now_s;
        /* In its last second it must not turn into another kind of cookie. */
        left = left > 1 ? left : 1;
    }
    text = fitting(scope, sealed, &why, pool);
    return text ? sx_cookie_line(scope->name, text, &attrs, left, now_s, pool)
                : NULL;
}
