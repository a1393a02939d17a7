/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SessionExtCookie and SessionExtSeal: a line's words to values.  Each parser
 * returns NULL, or the second half of a sentence, with the word or words that
 * it is about in ${*word}.
 */
#ifndef MOD_SX_COOKIE_CONF_H
#define MOD_SX_COOKIE_CONF_H

#include "mod_sx_config.h"

const char *mod_sx_cookie_parse(const char *line, mod_sx_cookie_conf *cookie,
                                const char **word, apr_pool_t *pool);

const char *mod_sx_seal_parse(const char *line, mod_sx_seal_conf *seal,
                              const char **word, apr_pool_t *pool);

/** ${seals} (NULL: none) with ${seal} in place of one of the same name, or
 *  added; a new array. */
apr_array_header_t *mod_sx_seals_with(const apr_array_header_t *seals,
                                      const mod_sx_seal_conf *seal,
                                      apr_pool_t *pool);

/** NULL, or what is wrong with the seals of a merged scope; ${sessions}: there
 *  may be sessions in it. */
const char *mod_sx_seals_check(const mod_sx_dir *dir, const mod_sx_server *conf,
                               bool sessions, apr_pool_t *pool);

#endif
