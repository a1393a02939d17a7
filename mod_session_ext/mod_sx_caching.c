/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_caching.h"

#include <string.h>
#include "mod_sx_seal.h"

/* One value of both tables, taken out of both: the http filter lays one table
 * over the other, and two lines of one name would leave. */
static const char *take(request_rec *r, const char *name)
{
    const char *value = apr_table_getm(r->pool, r->headers_out, name);
    const char *other = apr_table_getm(r->pool, r->err_headers_out, name);

    apr_table_unset(r->headers_out, name);
    apr_table_unset(r->err_headers_out, name);
    if (value && other)
        return apr_pstrcat(r->pool, value, ", ", other, NULL);
    return value ? value : other;
}

/* Errors and redirects keep only err_headers_out. */
static void put(request_rec *r, const char *name, const char *value)
{
    apr_table_setn(r->err_headers_out, name, value);
}

static void vary_by_cookie(request_rec *r)
{
    const char *vary = take(r, "Vary");

    if (!vary)
        vary = "Cookie";
    else if (!ap_find_token(r->pool, vary, "Cookie") &&
             !ap_find_token(r->pool, vary, "*"))
        vary = apr_pstrcat(r->pool, vary, ", Cookie", NULL);
    put(r, "Vary", vary);
}

/* Directives that let a shared cache keep the response. */
static bool is_for_shared_caches(const char *word)
{
    return !strcasecmp(word, "public") || !strncasecmp(word, "s-maxage", 8);
}

/* As a whole word: private="X-App" speaks of one header only. */
static bool keeps_shared_caches_out(const char *word)
{
    return !strcasecmp(word, "private") || !strcasecmp(word, "no-store");
}

static void keep_private(request_rec *r)
{
    const char *control = take(r, "Cache-Control");
    const char *result = NULL;
    bool is_private = false;
    char *word, *state;

    if (control) {
        char *words = apr_pstrdup(r->pool, control);
        for (word = apr_strtok(words, ",", &state); word;
             word = apr_strtok(NULL, ",", &state)) {
            apr_collapse_spaces(word, word);
            if (is_for_shared_caches(word))
                continue;
            is_private |= keeps_shared_caches_out(word);
            result =
                result ? apr_pstrcat(r->pool, result, ", ", word, NULL) : word;
        }
    }
    if (!is_private)
        result =
            apr_pstrcat(r->pool, "private", result ? ", " : "", result, NULL);
    put(r, "Cache-Control", result);
}

/* Is it for this client alone? */
static bool is_personal(request_rec *r, const mod_sx_visit *visit)
{
    return mod_sx_consulted(r) &&
           ((visit && visit->loaded.status != SX_STATUS_NONE) ||
            mod_sx_part_of(r)->top->asked_of_one || mod_sx_seal_was_sent(r));
}

void mod_sx_caching_apply(request_rec *r, const mod_sx_visit *visit)
{
    const mod_sx_part *part = mod_sx_part_of(r);
    bool ours = (visit && visit->set_cookie) || part->reissues;
    bool personal = is_personal(r, visit) || part->sets_sealed;

    if (mod_sx_consulted(r) || part->sets_sealed)
        vary_by_cookie(r);
    if (ours) {
        take(r, "Cache-Control");
        put(r, "Cache-Control", "no-store");
    }
    else if (personal) {
        keep_private(r);
    }
    /* mod_cache asks this note before it stores. */
    if (ours || personal)
        apr_table_setn(r->subprocess_env, "no-cache", "1");
}
