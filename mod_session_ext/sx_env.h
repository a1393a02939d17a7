/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session -> ordered list of environment variables.  The table of names is
 * here and only here; docs/environment.md has a section for each.
 *
 * A variable is never cut and never silently missing: what does not fit the
 * gateway is named in SESSION_ENV_OMITTED.
 */
#ifndef SX_ENV_H
#define SX_ENV_H

#include "sx_session.h"

typedef enum sx_status {
    SX_STATUS_NONE, /* no cookie */
    SX_STATUS_ACTIVE,
    SX_STATUS_INVALID,    /* unknown, expired or forged: one word, no oracle */
    SX_STATUS_UNAVAILABLE /* the store could not be asked */
} sx_status;

const char *sx_status_name(sx_status status);

typedef struct sx_var {
    const char *name;
    const char *value;
} sx_var;

/* All that the variables are made of. */
typedef struct sx_env_in {
    sx_status status;
    const sx_session *session; /* NULL unless ACTIVE */
    sx_str user;
    int64_t last_access_s, expires_s; /* wall clock */
    int64_t idle_left_s;
    bool all_keys;                      /* SessionExtEnv On */
    const apr_array_header_t *keys;     /* else of const char *: those keys */
    const apr_array_header_t *messages; /* of sx_message: handed to this page;
                                         * NULL: none */
    size_t max_var;   /* bytes of name and value together that one variable
                       * may have in this gateway; at least 256, 0: no bound */
    size_t max_total; /* bytes of all names and values; at least 4096, 0: no
                       * bound */
} sx_env_in;

/**
 * The variables, in order, as an array of sx_var.  What has no room is left out
 * from the end of that order, and SESSION_ENV_OMITTED, a list separated by ',',
 * says what:
 *   <key>       urlencoded: an opaque value or a secret, or no room for it in
 *               the data or as a SESSION_VAR_
 *   flash:<n>   message n has no FLASH_<n>_TEXT
 *   env:<NAME>  another variable
 *   more:<n>    at its end: n items for which the list itself has no room
 */
apr_array_header_t *sx_env_make(const sx_env_in *in, apr_pool_t *pool);

/** Of these, those that say something of the session itself, and no data:
 *  SESSION_STATUS to SESSION_VERSION. */
apr_array_header_t *sx_env_facts(const sx_env_in *in, apr_pool_t *pool);

/** Add SEALED_<name>, the value of a sealed cookie, unless the name is none for
 *  a variable, differs from an earlier one in nothing but case, or the value is
 *  no plain text. */
void sx_env_add_sealed(apr_array_header_t *vars, const char *name, sx_str value,
                       apr_pool_t *pool);

/** The fixed names this module owns and unsets first; ends with NULL.  The
 *  numbered and keyed ones are known by sx_env_is_ours. */
const char *const *sx_env_names(void);

/** Is ${name} one of ours, fixed, numbered or keyed? */
bool sx_env_is_ours(const char *name);

#endif
