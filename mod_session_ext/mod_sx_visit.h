/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request knows of its sessions, and loading them.
 *
 * What belongs to the client's request hangs on the top request_rec (follow
 * `main` and `prev`): one visit for each session that its parts meet, mostly
 * one.  What belongs to one request_rec (main, redirected, sub) is a part.
 * Nothing hangs on a subrequest that the page needs: it goes first.
 */
#ifndef MOD_SX_VISIT_H
#define MOD_SX_VISIT_H

#include "httpd.h"
#include "mod_sx_config.h"
#include "sx_commit.h"

/* A session as one client's request meets it. */
typedef struct mod_sx_visit {
    struct mod_sx_visit *next;
    const char *store_name;
    bool carried; /* the cookie store: `realm.store` is of this request alone */
    const mod_sx_dir *dir; /* the scope whose policy `realm` holds */
    sx_realm realm;
    sx_cookie_attrs cookie;
    bool persistent; /* SessionExtCookie persistent */
    bool is_loaded;
    bool is_stale; /* an app has written since: read again what shows it */
    bool is_noted; /* PHP has seen to the access, and to all that a commit
                    * without commands would do */
    sx_loaded loaded;
    struct mod_sx_bridge *bridge; /* its table for users of mod_session; NULL:
                                   * none has asked */
    uint64_t claim;         /* that this request has on messages; 0: none */
    bool shown;             /* the page has shown what it took by it */
    sx_delta *delta;        /* commands harvested and not yet committed */
    const char *set_cookie; /* the header value this request sends, or NULL */
    const char *new_id;     /* after a commit: what the client will hold; ""
                              * none */
} mod_sx_visit;

/* The client's request. */
typedef struct mod_sx_top {
    apr_pool_t *pool;    /* of the top request: outlives all its parts */
    const char *cookies; /* the Cookie header as it came, or NULL */
    mod_sx_visit *visits;
    bool finished;     /* committed once: the access is noted */
    bool over;         /* being logged: nobody sees what is handed out now */
    bool asked;        /* httpd itself has, for one of its parts... */
    bool asked_of_one; /* ...of a client that has sent an id */
    struct mod_sx_opened *opened; /* what was sealed in `cookies` */
    apr_array_header_t *sealed;   /* of sx_str: texts made for this client */
    const char *shown;            /* what apps were made to find there */
} mod_sx_top;

/* One request_rec. */
typedef struct mod_sx_part {
    mod_sx_top *top;
    ap_conf_vector_t *scope;  /* the configuration `visit` was made for */
    mod_sx_visit *visit;      /* NULL: no sessions here */
    apr_array_header_t *vars; /* of sx_var: what was exposed, or NULL */
    const apr_array_header_t *flash;  /* messages it was handed, or NULL */
    struct mod_sx_php_ticket *ticket; /* that its app has, or NULL */
    bool app_ran;                     /* a handler was asked... */
    bool is_file;    /* ...and it was core's: nobody saw `vars` */
    bool told_user;  /* REMOTE_USER is the session's */
    bool committed;  /* its response has been through a filter */
    bool error_page; /* httpd's own: nobody sees what an app made */
    bool deciding;   /* the hooks that decide about access are running... */
    bool user_is_checked; /* ...those behind authentication */
    const char *vary;     /* what caches are told, as it was put... */
    const char *control;  /* ...into err_headers_out */
    int refusal; /* the status by which a session's state refuses, or OK */
    ap_conf_vector_t *seal_scope; /* the configuration `seals` is that of */
    apr_array_header_t *seals; /* of mod_sx_opened *; NULL: none are sealed */
    bool sets_sealed;          /* its response sets one... */
    bool reissues;             /* ...that no app has asked for */
} mod_sx_part;

/** The part of ${r}; made at the first call. */
mod_sx_part *mod_sx_part_of(request_rec *r);

/** The visit of the scope that ${r} is in, not yet loaded perhaps; NULL where
 *  sessions are off. */
mod_sx_visit *mod_sx_visit_of(request_rec *r);

/** The same, loaded. */
mod_sx_visit *mod_sx_load(request_rec *r);

/** The same, loaded as far as the app about to run needs it: where nothing of a
 *  session is exported, and PHP may open it itself, it is left closed. */
mod_sx_visit *mod_sx_load_to_show(request_rec *r);

/** Load ${visit}, whatever scope ${r} is in. */
void mod_sx_load_visit(request_rec *r, mod_sx_visit *visit);

/** Does a cookie of this configuration get Secure in answers to ${r}? */
bool mod_sx_is_secure(request_rec *r, mod_sx_secure secure);

/** Both clocks, now: that of its store, and the wall's. */
sx_now mod_sx_now(const mod_sx_visit *visit);

/** A moment of the store's clock as people read it: counted from the session's
 *  beginning, which both clocks know, so that it is the same at each request.
 */
int64_t mod_sx_wall_of(const sx_loaded *loaded, int64_t moment_ms);

/** Did anything that ran in ${r} see the session or a sealed cookie? */
bool mod_sx_consulted(request_rec *r);

#endif
