/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PHP extension session_ext: $_SESSION on the sessions of the core.  What
 * its files share: the settings, and what is known of the request under way.
 *
 *   session_ext   the module: settings, start and end
 *   sxp_request   one request: ticket or own cookie, load, commit, reply
 *   sxp_handler   what PHP's session module calls
 *   sxp_values    $_SESSION as entries, and back
 *   sxp_units     which keys share objects or references
 *   sxp_wire      entries as the one string that PHP hands around
 *   sxp_lock      one request of a session after the other
 *   sxp_near      httpd's ticket, where httpd is in this process
 *   sxp_sapi      between PHP and its server: environment, headers
 *   sxp_wrap      functions of PHP's session module that are told apart
 *   sxp_functions session_ext_*()
 *
 * Where there are threads PHP would need another way to keep one request of a
 * session from the other (sxp_lock.c), so it is built for PHP without them.
 */
#ifndef SXP_H
#define SXP_H

#include "php.h"
#include "SAPI.h"
#include "ext/session/php_session.h"

#include "sx_commit.h"
#include "sx_place.h"
#include "sx_near.h"

#ifdef ZTS
#error "session_ext is for PHP without threads (php-fpm, mod_php with prefork)"
#endif

/* One request, from its first look at a session to its end. */
typedef struct sxp_request {
    apr_pool_t *pool;
    sx_realm realm;
    bool has_ticket; /* httpd is in front, and owns the cookie */
    sx_near *near;   /* its ticket, if httpd is in this process; or NULL */
    bool may_send;   /* a cookie, as long as the headers are here */
    bool via_alias;
    bool is_closed; /* httpd has not opened it: it wants to hear of its use */
    sx_reply_to to; /* what the reply is bound to */
    const char *store; /* path of httpd's, or NULL */
    sx_place_rules rules;
    uint64_t life;      /* of the store that httpd means; 0: of any */
    uint64_t handle;    /* of the session, as httpd says; 0 */
    bool has_id;        /* of the client it is known... */
    const sx_id *id;    /* ...that this is its id; NULL: it has none */
    const char *outage; /* why there can be no session, or NULL */
    bool is_loaded;
    sx_loaded loaded;
    sx_id fresh; /* the id of a session that begins, or of a renewal */
    bool has_fresh;
    bool renews; /* session_regenerate_id was called */
    unsigned char named[SX_STORE_KEY_LEN]; /* the id that `alias` is of */
    char alias[SX_ALIAS_LEN + 1];          /* session_id() */
    bool is_open;                          /* between open and close */
    bool was_open;                         /* at least once */
    bool only_reads;                       /* by read_and_close */
    const char *space;         /* what the names of its keys begin with */
    apr_array_header_t *known; /* of sx_entry: as PHP has read them, or
                                * written them last */
    zend_string *wire;         /* where their bytes are, or NULL */
    uint64_t turn;             /* handle of the session whose turn it has; 0 */
    bool gave_up;              /* has waited for it in vain */
    sx_delta *wanted;          /* by functions of ours; NULL: nothing */
    sx_committed told;         /* what the reply has to say */
    bool has_told;
    bool is_noted; /* a commit is done: the access is noted */
    bool failed;   /* the last write did */
} sxp_request;

/* Settings, and where PHP is: what it wants to find under this name. */
typedef struct zend_session_ext_globals {
    char *store_file;
    char *key_file;
    zend_long store_size;
    char *ns;
    char *cookie_name;
    char *user_key;
    zend_long idle_timeout;
    zend_long absolute_timeout;
    zend_long renew_interval;
    zend_long renew_grace;
    zend_long touch_interval;
    zend_long max_size;
    bool encrypt;
    bool merges;   /* concurrency */
    char *ticket;  /* as it came; of PHP's memory */
    sx_near *near; /* or where it is */
    char *cookies; /* as PHP is told of them; the same */
    sxp_request *request;
    bool in_regenerate;
    bool in_read_and_close;
    bool in_headers;
} zend_session_ext_globals;

extern zend_session_ext_globals session_ext_globals;
#define SXP(field) (session_ext_globals.field)

extern const ps_module sxp_handler;

#endif
