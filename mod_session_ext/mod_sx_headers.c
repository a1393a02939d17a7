/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_headers.h"

#include <strings.h>
#include "mod_sx_config.h"
#include "mod_sx_upstream.h"
#include "sx_command.h"
#include "sx_ticket.h"

int mod_sx_is_control_header(const char *name)
{
    return sx_command_is(name) || !strcasecmp(name, SX_REPLY_HEADER);
}

static bool accepts_commands(request_rec *r)
{
    return MOD_SX_OR(mod_sx_dir_of(r)->accept, !mod_sx_upstream_is_http(r));
}

void mod_sx_headers_strip(apr_table_t *table)
{
    const apr_array_header_t *list = apr_table_elts(table);
    int i = 0;

    while (i < list->nelts) {
        const char *key = APR_ARRAY_IDX(list, i, apr_table_entry_t).key;

        /* Moves the later ones down: then another one is at this place. */
        if (key && mod_sx_is_control_header(key))
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
