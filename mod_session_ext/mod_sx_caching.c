/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_caching.h"

#include <string.h>
#include "mod_sx_seal.h"

static const char *take_from(apr_table_t *table, const char *name,
                             apr_pool_t *pool)
{
    const char *value = apr_table_get(table, name);

    if (!value)
        return NULL;
    value = apr_table_getm(pool, table, name);
    apr_table_unset(table, name);
    return value;
}

/* One value of both tables, taken out of both: the http filter lays one table
 * over the other, and two lines of one name would leave. */
static const char *take(request_rec *r, const char *name)
{
    const char *value = take_from(r->headers_out, name, r->pool);
    const char *other = take_from(r->err_headers_out, name, r->pool);

    if (value && other)
        return apr_pstrcat(r->pool, value, ", ", other, NULL);
    return value ? value : other;
}

/* Errors and redirects keep only err_headers_out. */
static void put(request_rec *r, const char *name, const char *value)
{
    apr_table_setn(r->err_headers_out, name, value);
}

/* Has nobody said anything since we have put the very string ${value} there? */
static bool is_as_put(request_rec *r, const char *name, const char *value)
{
    return value && apr_table_get(r->err_headers_out, name) == value &&
           !apr_table_get(r->headers_out, name);
}

static void vary_by_cookie(request_rec *r, mod_sx_part *part)
{
    const char *vary;

    if (is_as_put(r, "Vary", part->vary))
        return;
    vary = take(r, "Vary");
    if (!vary)
        vary = "Cookie";
    else if (!ap_find_token(r->pool, vary, "Cookie") &&
             !ap_find_token(r->pool, vary, "*"))
        vary = apr_pstrcat(r->pool, vary, ", Cookie", NULL);
    part->vary = vary;
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

/* All of ${control} but what shared caches may not be told, and whether what is
 * left keeps them out. */
static const char *without_shared(const char *control, bool *is_private,
                                  apr_pool_t *pool)
{
    const char *result = NULL;
    char *word, *state;

    word = apr_strtok(apr_pstrdup(pool, control), ",", &state);
    for (; word; word = apr_strtok(NULL, ",", &state)) {
        apr_collapse_spaces(word, word);
        if (is_for_shared_caches(word))
            continue;
        *is_private |= keeps_shared_caches_out(word);
        result = result ? apr_pstrcat(pool, result, ", ", word, NULL) : word;
    }
    return result;
}

static void keep_private(request_rec *r, mod_sx_part *part)
{
    const char *control;
    bool is_private = false;

    if (is_as_put(r, "Cache-Control", part->control))
        return;
    control = take(r, "Cache-Control");
    /* What PHP says for its sessions, most of the time. */
    if (control && !strcmp(control, "no-store, no-cache, must-revalidate"))
        is_private = true;
    else if (control)
        control = without_shared(control, &is_private, r->pool);
    if (!is_private)
        control =
            apr_pstrcat(r->pool, "private", control ? ", " : "", control, NULL);
    part->control = control;
    put(r, "Cache-Control", control);
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
    mod_sx_part *part = mod_sx_part_of(r);
    bool ours = (visit && visit->set_cookie) || part->reissues;
    bool personal = is_personal(r, visit) || part->sets_sealed;

    if (mod_sx_consulted(r) || part->sets_sealed)
        vary_by_cookie(r, part);
    if (ours) {
        take(r, "Cache-Control");
        put(r, "Cache-Control", "no-store");
    }
    else if (personal) {
        keep_private(r, part);
    }
    /* mod_cache asks this note before it stores. */
    if (ours || personal)
        apr_table_setn(r->subprocess_env, "no-cache", "1");
}
