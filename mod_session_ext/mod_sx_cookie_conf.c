/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_cookie_conf.h"

#include <string.h>
#include "mod_sx_parse.h"
#include "sx_sealed.h"

/* ---- attributes --------------------------------------------------------- */

/* The place of ${word} among ${n} words, or -1. */
static int find_word(const char *word, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (!strcasecmp(word, words[i]))
            return i;
    return -1;
}

static const char *cookie_samesite(mod_sx_cookie_conf *cookie,
                                   const char *value)
{
    static const char *const names[] = {"lax", "strict", "none"};
    int found = find_word(value, names, 3);

    if (found < 0)
        return "samesite is lax, strict or none";
    cookie->samesite = (sx_samesite)found;
    return NULL;
}

static const char *cookie_secure(mod_sx_cookie_conf *cookie, const char *value)
{
    static const char *const names[] = {"auto", "on", "off"};
    int found = find_word(value, names, 3);

    if (found < 0)
        return "secure is auto, on or off";
    cookie->secure = (mod_sx_secure)found;
    return NULL;
}

/* One attribute, or ${other} if ${word} is none. */
static const char *attribute(mod_sx_cookie_conf *cookie, const char *word,
                             const char *other)
{
    const char *value;

    if (mod_sx_parse_option(word, "path", &value))
        cookie->path = value;
    else if (mod_sx_parse_option(word, "domain", &value))
        cookie->domain = value;
    else if (mod_sx_parse_option(word, "samesite", &value))
        return cookie_samesite(cookie, value);
    else if (mod_sx_parse_option(word, "secure", &value))
        return cookie_secure(cookie, value);
    else if (!strcasecmp(word, "partitioned"))
        cookie->partitioned = true;
    else
        return other;
    return NULL;
}

/* What a browser would refuse.  With `auto` what it demands of a secure cookie
 * is held against the TLS case; over plain HTTP such a cookie is never made. */
static const char *check_cookie(const mod_sx_cookie_conf *cookie,
                                apr_pool_t *pool)
{
    sx_cookie_attrs attrs = {
        .path = cookie->path ? cookie->path : "/",
        .domain = cookie->domain,
        .samesite = cookie->samesite,
        .secure = cookie->secure != SX_SECURE_OFF,
        .partitioned = cookie->partitioned,
    };
    const char *why;

    if (cookie->secure == SX_SECURE_AUTO &&
        (cookie->samesite == SX_NONE || cookie->partitioned ||
         (cookie->name && !strncasecmp(cookie->name, "__", 2))))
        attrs.secure = false;
    why =
        sx_cookie_check(mod_sx_cookie_name(cookie, attrs.secure), &attrs, pool);
    if (why && cookie->secure == SX_SECURE_AUTO && !attrs.secure)
        why = apr_pstrcat(
            pool, why, " (secure=auto also serves plain HTTP: say secure=on)",
            NULL);
    return why;
}

/* ---- SessionExtCookie --------------------------------------------------- */

static const char *cookie_word(mod_sx_cookie_conf *cookie, const char *word)
{
    if (mod_sx_parse_option(word, "name", &cookie->name))
        return NULL;
    if (strcasecmp(word, "persistent"))
        return attribute(cookie, word,
                         "accepted are name= path= domain= samesite= secure= "
                         "partitioned persistent");
    cookie->persistent = true;
    return NULL;
}

const char *mod_sx_cookie_name(const mod_sx_cookie_conf *cookie, bool secure)
{
    if (cookie->name)
        return cookie->name;
    return secure && !cookie->domain && !strcmp(cookie->path, "/")
               ? "__Host-sid"
               : "sid";
}

const mod_sx_cookie_conf *mod_sx_cookie_conf_of(const mod_sx_dir *dir)
{
    static const mod_sx_cookie_conf fallback = {.path = "/"};

    return dir->cookie ? dir->cookie : &fallback;
}

const char *mod_sx_cookie_parse(const char *line, mod_sx_cookie_conf *cookie,
                                const char **word, apr_pool_t *pool)
{
    const char *words = line;

    cookie->path = "/";
    while (*line) {
        const char *why;

        *word = ap_getword_conf(pool, &line);
        why = cookie_word(cookie, *word);
        if (why)
            return why;
    }
    *word = words;
    return check_cookie(cookie, pool);
}

/* ---- SessionExtSeal ----------------------------------------------------- */

static const char *seal_max_age(mod_sx_seal_conf *seal, const char *value)
{
    apr_int64_t ms;
    const char *why = mod_sx_parse_duration(value, &ms);

    if (!why && (ms < 1000 || ms / 1000 > SX_SEALED_AGE_MAX_S))
        why = "max-age is 1s to 400d, the longest that browsers keep a cookie";
    if (!why)
        seal->max_age_s = ms / 1000;
    return why;
}

static const char *seal_word(mod_sx_seal_conf *seal, const char *word)
{
    const char *value;
    int http_only;

    if (mod_sx_parse_option(word, "max-age", &value))
        return seal_max_age(seal, value);
    if (!mod_sx_parse_option(word, "httponly", &value))
        return attribute(&seal->cookie, word,
                         "accepted are max-age= path= domain= samesite= "
                         "secure= httponly= partitioned");
    if (mod_sx_parse_switch(value, &http_only))
        return "httponly is on or off";
    seal->readable = !http_only;
    return NULL;
}

static const char *seal_mode(mod_sx_seal_conf *seal, const char *word)
{
    static const char *const names[] = {"sign", "encrypt", "off"};
    int found = find_word(word, names, 3);

    if (found < 0)
        return "behind the cookie's name sign, encrypt or off is accepted";
    seal->off = found == 2;
    seal->mode = found == 0 ? SX_SIGN : SX_ENCRYPT;
    return NULL;
}

/* Of what a browser demands for a prefix nothing is left to the app but what
 * it cannot get wrong by saying nothing. */
static const char *check_seal(mod_sx_seal_conf *seal, apr_pool_t *pool)
{
    mod_sx_cookie_conf *cookie = &seal->cookie;

    if (!cookie->path && !strncasecmp(cookie->name, "__Host-", 7))
        cookie->path = "/";
    return seal->off ? NULL : check_cookie(cookie, pool);
}

const char *mod_sx_seal_parse(const char *line, mod_sx_seal_conf *seal,
                              const char **word, apr_pool_t *pool)
{
    const char *words = line, *why;

    seal->max_age_s = SX_SEALED_AGE_MAX_S;
    seal->cookie.name = ap_getword_conf(pool, &line);
    *word = *line ? ap_getword_conf(pool, &line) : "";
    why = seal_mode(seal, *word);
    if (!why && seal->off && *line) {
        *word = line;
        why = "nothing is accepted behind off";
    }
    while (!why && *line) {
        *word = ap_getword_conf(pool, &line);
        why = seal_word(seal, *word);
    }
    if (why)
        return why;
    *word = words;
    return check_seal(seal, pool);
}

apr_array_header_t *mod_sx_seals_with(const apr_array_header_t *seals,
                                      const mod_sx_seal_conf *seal,
                                      apr_pool_t *pool)
{
    apr_array_header_t *all =
        seals ? apr_array_copy(pool, seals)
              : apr_array_make(pool, 2, sizeof(const mod_sx_seal_conf *));

    for (int i = 0; i < all->nelts; i++) {
        const mod_sx_seal_conf **at =
            &APR_ARRAY_IDX(all, i, const mod_sx_seal_conf *);

        if (!strcmp((*at)->cookie.name, seal->cookie.name)) {
            *at = seal;
            return all;
        }
    }
    APR_ARRAY_PUSH(all, const mod_sx_seal_conf *) = seal;
    return all;
}

/* Is ${name} that of the id cookie in this scope, over TLS or without? */
static bool is_id_cookie(const mod_sx_dir *dir, const char *name)
{
    const mod_sx_cookie_conf *cookie = mod_sx_cookie_conf_of(dir);

    return (cookie->secure != SX_SECURE_OFF &&
            !strcmp(name, mod_sx_cookie_name(cookie, true))) ||
           (cookie->secure != SX_SECURE_ON &&
            !strcmp(name, mod_sx_cookie_name(cookie, false)));
}

const char *mod_sx_seals_check(const mod_sx_dir *dir, const mod_sx_server *conf,
                               bool sessions, apr_pool_t *pool)
{
    for (int i = 0; dir->seals && i < dir->seals->nelts; i++) {
        const mod_sx_seal_conf *seal =
            APR_ARRAY_IDX(dir->seals, i, const mod_sx_seal_conf *);
        const char *name = seal->cookie.name;

        if (seal->off)
            continue;
        if (!conf->key_file)
            return apr_psprintf(pool,
                                "SessionExtSeal: '%s': a sealed cookie "
                                "outlives a reboot, the generated keys do not: "
                                "SessionExtKeyFile is needed",
                                name);
        if (sessions && dir->enabled && is_id_cookie(dir, name))
            return apr_psprintf(pool,
                                "SessionExtSeal: '%s': this is the name of the "
                                "id cookie: accepted is any other, or another "
                                "name= of SessionExtCookie",
                                name);
    }
    return NULL;
}
