/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_headers.h"

#include <string.h>
#include "mod_sx_config.h"
#include "sx_command.h"

int mod_sx_is_control_header(const char *name)
{
    return sx_command_is(name);
}

/* Upstreams that speak plain HTTP are somebody else's servers until the
 * administrator says otherwise; application gateways are local. */
static bool is_http_upstream(request_rec *r)
{
    static const char *const schemes[] = {
        "http:", "https:", "h2:", "h2c:", "ws:", "wss:", "balancer:"};
    const char *target = r->filename;

    if (r->proxyreq == PROXYREQ_NONE || !target || strncmp(target, "proxy:", 6))
        return false;
    /* Whatever protocol its members speak. */
    if (apr_table_get(r->subprocess_env, "BALANCER_NAME"))
        return true;
    target += 6;
    if (!strncmp(target, "unix:", 5) && strchr(target, '|'))
        target = strchr(target, '|') + 1;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (!strncasecmp(target, schemes[i], strlen(schemes[i])))
            return true;
    return false;
}

static bool accepts_commands(request_rec *r)
{
    return MOD_SX_OR(mod_sx_dir_of(r)->accept, !is_http_upstream(r));
}

void mod_sx_headers_strip(apr_table_t *table)
{
    const apr_array_header_t *list = apr_table_elts(table);
    int i = 0;

    while (i < list->nelts) {
        const char *key = APR_ARRAY_IDX(list, i, apr_table_entry_t).key;

        /* Moves the later ones down: then another one is at this place. */
        if (key && sx_command_is(key))
            apr_table_unset(table, key);
        else
            i++;
    }
}

/* Most responses carry none: look before a table is touched. */
static int take_out(apr_table_t *table, sx_delta *delta)
{
    const apr_array_header_t *list = apr_table_elts(table);
    int found = 0;

    for (int i = 0; i < list->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(list, i, apr_table_entry_t);
        if (!entry->key || !sx_command_is(entry->key))
            continue;
        found++;
        if (delta)
            sx_command_parse(delta, entry->key, entry->val);
    }
    if (found)
        mod_sx_headers_strip(table);
    return found;
}

int mod_sx_harvest(request_rec *r, sx_delta *delta)
{
    if (delta && !accepts_commands(r))
        delta = NULL;
    return take_out(r->err_headers_out, delta) +
           take_out(r->headers_out, delta);
}
