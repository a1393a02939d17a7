/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_upstream.h"

#include <string.h>
#include "mod_sx_config.h"

static bool begins_with(const char *text, const char *start)
{
    return !strncasecmp(text, start, strlen(start));
}

static bool is_one_of(const char *url, const char *const *schemes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (begins_with(url, schemes[i]))
            return true;
    return false;
}

/* The URL behind "proxy:", past the path of a unix socket; NULL: not proxied.
 * SetHandler leaves it in r->handler until mod_proxy runs. */
static const char *target_of(request_rec *r)
{
    const char *target = r->filename;

    if (!target || strncmp(target, "proxy:", 6))
        target = r->handler;
    if (!target || strncmp(target, "proxy:", 6))
        return NULL;
    target += 6;
    if (begins_with(target, "unix:") && strchr(target, '|'))
        target = strchr(target, '|') + 1;
    return target;
}

/* Upstreams that speak plain HTTP are somebody else's servers until the
 * administrator says otherwise; application gateways are local. */
bool mod_sx_upstream_is_http(request_rec *r)
{
    static const char *const schemes[] = {
        "http:", "https:", "h2:", "h2c:", "ws:", "wss:", "balancer:"};
    const char *target = target_of(r);

    if (r->proxyreq == PROXYREQ_NONE || !target)
        return false;
    /* Whatever protocol its members speak. */
    return apr_table_get(r->subprocess_env, "BALANCER_NAME") ||
           is_one_of(target, schemes, sizeof schemes / sizeof *schemes);
}

bool mod_sx_upstream_is_uwsgi(request_rec *r)
{
    const char *target = target_of(r);

    return target && begins_with(target, "uwsgi:");
}

bool mod_sx_upstream_is_told(request_rec *r)
{
    static const char *const schemes[] = {
        "fcgi:", "scgi:", "uwsgi:", "balancer:"};
    const char *target = target_of(r);

    if (!target || MOD_SX_OR(mod_sx_dir_of(r)->request_headers, 0) == 1)
        return true;
    return is_one_of(target, schemes, sizeof schemes / sizeof *schemes);
}
