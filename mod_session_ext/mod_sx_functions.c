/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of other modules: they read as expressions do, and write into the
 * delta that the control headers of the response go to, so that there is one
 * commit and one way for everything.
 */
#include "mod_sx_private.h"
#include "mod_sx_functions.h"

#include "mod_session_ext.h"
#include "mod_sx_ask.h"
#include "sx_call.h"

/* ---- reading ------------------------------------------------------------ */

static apr_time_t wall_time(const sx_loaded *loaded, int64_t moment_ms)
{
    return apr_time_from_sec(mod_sx_wall_of(loaded, moment_ms));
}

static void describe(request_rec *r, const mod_sx_visit *visit,
                     session_ext_info *info)
{
    const sx_loaded *loaded = &visit->loaded;

    info->handle = mod_sx_ask_fact(visit, "HANDLE", r->pool);
    info->user = mod_sx_ask_fact(visit, "USER", r->pool);
    info->version = loaded->session->version;
    info->created = apr_time_from_sec(loaded->session->created_s);
    info->last_access = wall_time(loaded, loaded->meta.last_access_ms);
    info->expires = wall_time(loaded, loaded->meta.hard_end_ms);
}

static const session_ext_info *session_ext_look(request_rec *r)
{
    static const session_ext_status said[] = {
        [SX_STATUS_NONE] = SESSION_EXT_NONE,
        [SX_STATUS_ACTIVE] = SESSION_EXT_ACTIVE,
        [SX_STATUS_INVALID] = SESSION_EXT_INVALID,
        [SX_STATUS_UNAVAILABLE] = SESSION_EXT_UNAVAILABLE,
    };
    const mod_sx_visit *visit = mod_sx_ask(r);
    session_ext_info *info;

    if (!visit)
        return NULL;
    info = apr_pcalloc(r->pool, sizeof *info);
    info->status = said[visit->loaded.status];
    if (visit->loaded.status == SX_STATUS_ACTIVE)
        describe(r, visit, info);
    return info;
}

static const char *session_ext_get(request_rec *r, const char *key,
                                   apr_size_t *len)
{
    const mod_sx_visit *visit = mod_sx_ask(r);
    sx_str value = {0};

    if (!len)
        return visit ? mod_sx_ask_key(visit, key, r->pool) : NULL;
    if (visit)
        value = mod_sx_ask_bytes(visit, key, r->pool);
    *len = value.len;
    return value.p;
}

static const char *session_ext_get_secret(request_rec *r, const char *key,
                                          apr_size_t *len)
{
    const mod_sx_visit *visit = mod_sx_ask(r);
    const sx_entry *entry =
        visit && visit->loaded.status == SX_STATUS_ACTIVE
            ? sx_session_get(visit->loaded.session, sx_str_of(key))
            : NULL;
    sx_str value = {0};

    if (entry && entry->type == SX_SECRET)
        value = sx_str_dup(entry->value, r->pool);
    if (len)
        *len = value.len;
    return value.p;
}

/* ---- changing ----------------------------------------------------------- */

/* Will no commit of this request come any more?  What a part of a page asks for
 * is committed with its own response once the page's headers have left. */
static bool is_too_late(request_rec *r)
{
    const mod_sx_part *part = mod_sx_part_of(r);

    return part->top->over ||
           (part->top->finished && (!r->main || part->committed));
}

/* Where the wishes of ${r} go; NULL: nowhere, and ${*why} says why. */
static sx_delta *delta_of(request_rec *r, apr_status_t *why)
{
    mod_sx_visit *visit = mod_sx_visit_of(r);

    *why = !visit ? APR_ENOTIMPL : is_too_late(r) ? APR_EOF : APR_SUCCESS;
    return *why == APR_SUCCESS ? visit->delta : NULL;
}

static apr_status_t status_of(sx_called called)
{
    switch (called) {
    case SX_CALLED:
        return APR_SUCCESS;
    case SX_CALL_TOO_MUCH:
        return APR_ENOSPC;
    case SX_CALL_INVALID:
        break;
    }
    return APR_EINVAL;
}

static apr_status_t session_ext_set(request_rec *r, const char *key,
                                    const char *value, apr_size_t len)
{
    apr_status_t why;
    sx_delta *delta = delta_of(r, &why);

    return delta ? status_of(
                       sx_call_set(delta, sx_str_of(key), (sx_str){value, len}))
                 : why;
}

static apr_status_t session_ext_set_secret(request_rec *r, const char *key,
                                           const char *value, apr_size_t len)
{
    apr_status_t why;
    sx_delta *delta = delta_of(r, &why);

    return delta ? status_of(sx_call_put(delta, sx_str_of(key),
                                         (sx_str){value, len}, SX_SECRET))
                 : why;
}

static apr_status_t session_ext_unset(request_rec *r, const char *key)
{
    apr_status_t why;
    sx_delta *delta = delta_of(r, &why);

    return delta ? status_of(sx_call_unset(delta, sx_str_of(key))) : why;
}

static apr_status_t session_ext_incr(request_rec *r, const char *key,
                                     apr_int64_t by)
{
    apr_status_t why;
    sx_delta *delta = delta_of(r, &why);

    return delta ? status_of(sx_call_incr(delta, sx_str_of(key), by)) : why;
}

static apr_status_t session_ext_flash(request_rec *r, const char *level,
                                      const char *text)
{
    apr_status_t why;
    sx_delta *delta = delta_of(r, &why);

    return delta ? status_of(
                       sx_call_flash(delta, sx_str_of(level), sx_str_of(text)))
                 : why;
}

static apr_status_t session_ext_if_version(request_rec *r, apr_uint64_t version)
{
    apr_status_t why;
    sx_delta *delta = delta_of(r, &why);

    return delta ? status_of(sx_call_if_version(delta, version)) : why;
}

static sx_called obey(sx_delta *delta, session_ext_wish wish)
{
    switch (wish) {
    case SESSION_EXT_CLEAR:
        return sx_call_clear(delta);
    case SESSION_EXT_RENEW:
        if (delta->renew == SX_KEEP_ID)
            delta->renew = SX_RENEW;
        return SX_CALLED;
    case SESSION_EXT_RENEW_DISCARD:
        delta->renew = SX_RENEW_DISCARD;
        return SX_CALLED;
    case SESSION_EXT_LOGOUT_ALL:
        delta->logout = delta->destroy = true;
        return SX_CALLED;
    case SESSION_EXT_LOGOUT_OTHERS:
        delta->logout = true;
        return SX_CALLED;
    case SESSION_EXT_DESTROY:
        delta->destroy = true;
        return SX_CALLED;
    case SESSION_EXT_FLASH_KEEP:
        delta->keep_flash = true;
        return SX_CALLED;
    }
    return SX_CALL_INVALID;
}

static apr_status_t session_ext_order(request_rec *r, session_ext_wish wish)
{
    apr_status_t why;
    sx_delta *delta = delta_of(r, &why);

    return delta ? status_of(obey(delta, wish)) : why;
}

/* ------------------------------------------------------------------------- */

void mod_sx_functions_register(void)
{
    APR_REGISTER_OPTIONAL_FN(session_ext_look);
    APR_REGISTER_OPTIONAL_FN(session_ext_get);
    APR_REGISTER_OPTIONAL_FN(session_ext_set);
    APR_REGISTER_OPTIONAL_FN(session_ext_get_secret);
    APR_REGISTER_OPTIONAL_FN(session_ext_set_secret);
    APR_REGISTER_OPTIONAL_FN(session_ext_unset);
    APR_REGISTER_OPTIONAL_FN(session_ext_incr);
    APR_REGISTER_OPTIONAL_FN(session_ext_flash);
    APR_REGISTER_OPTIONAL_FN(session_ext_if_version);
    APR_REGISTER_OPTIONAL_FN(session_ext_order);
}
