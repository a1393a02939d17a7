/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of the configuration: durations, sizes, switches, `name=value`
 * options.  Each parser returns NULL or the second half of a sentence that
 * says what is accepted; the caller puts the directive and the word in front.
 */
#ifndef MOD_SX_PARSE_H
#define MOD_SX_PARSE_H

#include <stdbool.h>
#include "apr_pools.h"

/** `90`, `90s`, `15m`, `12h`, `7d`: milliseconds, up to ten years. */
const char *mod_sx_parse_duration(const char *word, apr_int64_t *ms);

/** `65536`, `64k`, `16m`, `1g`: bytes. */
const char *mod_sx_parse_size(const char *word, apr_int64_t *bytes);

/** `1%` to `100%`. */
const char *mod_sx_parse_percent(const char *word, unsigned *percent);

/** `On` or `Off` in any case: 1 or 0. */
const char *mod_sx_parse_switch(const char *word, int *value);

/** A name that may be in file names, log lines and MACs: a plain one. */
const char *mod_sx_parse_name(const char *word);

/** A group's name or number. */
const char *mod_sx_parse_group(const char *word, gid_t *gid, apr_pool_t *pool);

/** Is ${word} `name=...`?  Then ${*value} is what follows. */
bool mod_sx_parse_option(const char *word, const char *name,
                         const char **value);

/** ${word}, for a message: if it is a URL with a user and a password in it,
 *  without these. */
const char *mod_sx_without_password(const char *word, apr_pool_t *pool);

#endif
