/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log tells what the client was left with: the log-in, not who asked for it.
 * An id is none of its names.
 */
#include "mod_sx_private.h"
#include "mod_sx_log.h"

#include <string.h>
#include "mod_log_config.h"
#include "mod_sx_ask.h"

#define KEY_PREFIX "key:"

/* The last of a request's parts that is where sessions are: an error page may
 * be where there are none. */
static const mod_sx_visit *visit_of(request_rec *r)
{
    const mod_sx_visit *visit = NULL;

    for (; r && !visit; r = r->prev)
        visit = mod_sx_load(r);
    return visit;
}

static const char *item_of(const mod_sx_visit *visit, const char *name,
                           apr_pool_t *pool)
{
    size_t prefix = strlen(KEY_PREFIX);

    if (!strncmp(name, KEY_PREFIX, prefix))
        return mod_sx_ask_key(visit, name + prefix, pool);
    for (const char *const *fact = mod_sx_ask_facts(); *fact; fact++)
        if (!strcmp(name, *fact))
            return mod_sx_ask_fact(visit, name, pool);
    return mod_sx_ask_key(visit, name, pool);
}

/* NULL is written as "-". */
static const char *log_item(request_rec *r, char *name)
{
    const mod_sx_visit *visit = visit_of(r);
    const char *item = visit ? item_of(visit, name, r->pool) : NULL;

    return item ? ap_escape_logitem(r->pool, item) : NULL;
}

int mod_sx_log_register(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    static char tag[] = "^SX";
    APR_OPTIONAL_FN_TYPE(ap_register_log_handler) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler);

    (void)plog;
    (void)ptemp;
    /* The last of internal redirects, unless the format says otherwise. */
    if (add)
        add(pconf, tag, log_item, 0);
    return OK;
}
