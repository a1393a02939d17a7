/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions for other modules of httpd: what apps do by environment variables
 * and response headers, by calls.
 *
 * All of these are optional functions, so that a module needs nothing of ours
 * to be linked, and works without us: they are looked up by name when all
 * modules are loaded, and are NULL if mod_session_ext is not among them.
 *
 *     static APR_OPTIONAL_FN_TYPE(session_ext_get) *session_get;
 *
 *     static void look_up(void)
 *     {
 *         session_get = APR_RETRIEVE_OPTIONAL_FN(session_ext_get);
 *     }
 *     ...
 *     ap_hook_optional_fn_retrieve(look_up, NULL, NULL, APR_HOOK_MIDDLE);
 *
 * WHICH SESSION.  That of the scope ${r} is in: so it is known from the hook
 * header_parser on, when <Location> and <Directory> have been merged.  A
 * subrequest shares the session of its page.
 *
 * WHO MAY CALL, AND WHEN.  Whoever works on ${r}, in that thread; there are no
 * two at a time, as with all that hangs on a request_rec.  To read: as long as
 * the request lives, in log_transaction, too.  To change: until the head of
 * the response leaves, which is before an output filter of the type
 * AP_FTYPE_CONTENT_SET or later has seen its first brigade.
 *
 * WHAT READING DOES.  It makes no session and no cookie.  The answer counts as
 * one that has been decided by the session: it gets `Vary: Cookie`, and
 * `Cache-Control: private` for whoever came with an id.  If the store cannot be
 * asked while access is being decided, access is refused with 503.
 *
 * WHAT CHANGING DOES.  A call notes a wish.  When the response is ready, all
 * wishes of the request, and the control headers of its response, are one
 * commit: applied to what the session has become by then, all of the data or
 * none, and done before the first byte leaves.  Nothing is locked until then.
 * So what is read stays as the request found it, and that a wish was noted
 * does not promise that it comes true: a 5xx response drops those for data
 * (set, unset, incr, flash, clear, if_version), a limit of the scope refuses
 * them, the store may be full or away; the error log and docs/headers.md say
 * which.  Of calls for one key the later one counts; control headers for it
 * come after all calls.  SessionExtAccept does not concern calls.
 *
 * A response that passes no filter (nph- programs) commits when the request is
 * logged: then what is in a session changes, but none begins or is renewed.
 *
 * STRINGS.  Those returned live as long as r->pool.  Those passed are copied.
 *
 * What has no function here a module can ask for by a response header, as apps
 * do: apr_table_addn(r->err_headers_out, "Session-Idle", "600").  Flash
 * messages for this page are in r->subprocess_env (FLASH_DATA) when handlers
 * run.
 *
 * In hooks that also run for subrequests which only look something up (those of
 * mod_dir, mod_negotiation and others), whoever counts asks ap_is_initial_req
 * first: else one page counts several times.
 *
 * Names and members that are here stay; structures grow at their end.
 */
#ifndef MOD_SESSION_EXT_H
#define MOD_SESSION_EXT_H

#include "httpd.h"
#include "apr_optional.h"

/* SESSION_STATUS. */
typedef enum session_ext_status {
    SESSION_EXT_NONE,       /* the request came without the cookie */
    SESSION_EXT_ACTIVE,     /* there is a session */
    SESSION_EXT_INVALID,    /* the cookie leads to none */
    SESSION_EXT_UNAVAILABLE /* the store could not be asked; it may be there */
} session_ext_status;

typedef struct session_ext_info {
    session_ext_status status;
    /* Without SESSION_EXT_ACTIVE, NULL and 0: */
    const char *handle;   /* 16 hex digits, the same through all renewals */
    const char *user;     /* value of the user key; NULL: nobody is in */
    apr_uint64_t version; /* grows when keys change */
    apr_time_t created;
    apr_time_t last_access; /* noted at most once a SessionExtTouchInterval */
    apr_time_t expires;     /* the absolute end */
} session_ext_info;

/* What session_ext_order takes: see docs/headers.md for each header. */
typedef enum session_ext_wish {
    SESSION_EXT_CLEAR,         /* Session-Clear: what was set before goes */
    SESSION_EXT_RENEW,         /* Session-Renew: on */
    SESSION_EXT_RENEW_DISCARD, /* Session-Renew: discard */
    SESSION_EXT_DESTROY,       /* Session-Destroy */
    SESSION_EXT_LOGOUT_ALL,    /* Session-Logout: all */
    SESSION_EXT_LOGOUT_OTHERS, /* Session-Logout: others */
    SESSION_EXT_FLASH_KEEP     /* Session-Flash-Keep */
} session_ext_wish;

/* The formatter takes "request_rec *r" for a product. */
/* clang-format off */

/** What is known of the session; NULL where sessions are off. */
APR_DECLARE_OPTIONAL_FN(const session_ext_info *, session_ext_look,
                        (request_rec *r));

/**
 * The value of a key, with a NUL behind it and its bytes counted in ${*len};
 * NULL: there is none, or none to be shown: an opaque one of a language, or a
 * secret, which belongs to the module that has made it.  With a ${len} of
 * NULL a value with a NUL in it counts as none.
 */
APR_DECLARE_OPTIONAL_FN(const char *, session_ext_get,
                        (request_rec *r, const char *key, apr_size_t *len));

/** The same of a secret; NULL: there is none, or it is none. */
APR_DECLARE_OPTIONAL_FN(const char *, session_ext_get_secret,
                        (request_rec *r, const char *key, apr_size_t *len));

/*
 * All that change return
 *
 *   APR_SUCCESS   the wish is noted
 *   APR_ENOTIMPL  sessions are off in this scope
 *   APR_EINVAL    a key that is not 1 to 128 bytes, a level that is not 1 to 32
 *                 letters a to z, a second version, an unknown wish
 *   APR_ENOSPC    more than 4 096 wishes, or more than 1 MiB
 *   APR_EOF       too late: the head of the response has left
 *
 * and whatever is not APR_SUCCESS has changed nothing.
 */

/** ${len} bytes of any kind at ${value}. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, session_ext_set,
                        (request_rec *r, const char *key, const char *value,
                         apr_size_t len));

/**
 * The same for what only modules of httpd shall see, such as a password or the
 * token of another server: it is in no environment, request header, expression
 * or log.  It stays a secret when it is set again.  Apps of the scope share the
 * session: they may replace it or take it away, unread.
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, session_ext_set_secret,
                        (request_rec *r, const char *key, const char *value,
                         apr_size_t len));

APR_DECLARE_OPTIONAL_FN(apr_status_t, session_ext_unset,
                        (request_rec *r, const char *key));

/** Add to a whole number; it counts from 0 if it is not there. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, session_ext_incr,
                        (request_rec *r, const char *key, apr_int64_t by));

/** Queue a message for the next page. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, session_ext_flash,
                        (request_rec *r, const char *level, const char *text));

/** Data only if the session is at ${version} (0: is not there); else 409. */
APR_DECLARE_OPTIONAL_FN(apr_status_t, session_ext_if_version,
                        (request_rec *r, apr_uint64_t version));

APR_DECLARE_OPTIONAL_FN(apr_status_t, session_ext_order,
                        (request_rec *r, session_ext_wish wish));

/* clang-format on */

#endif
