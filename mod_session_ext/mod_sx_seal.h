/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed cookies of apps in httpd's tables: opened for whoever answers,
 * sealed in what leaves.  Needs no session: where SessionExtSeal says so.
 */
#ifndef MOD_SX_SEAL_H
#define MOD_SX_SEAL_H

#include "mod_sx_visit.h"

/** Open what the client sent of the cookies that the scope of ${r} seals; once
 *  for each part.  Returns false where none are sealed. */
bool mod_sx_seal_open(request_rec *r);

/** The variables of the opened ones, as an array of sx_var; NULL: none. */
apr_array_header_t *mod_sx_seal_vars(request_rec *r);

/** Did the client send one of these cookies, whatever it was worth? */
bool mod_sx_seal_was_sent(request_rec *r);

/** What an app shall find in Cookie: added to ${changes}, of
 *  sx_cookie_change. */
void mod_sx_seal_changes(request_rec *r, apr_array_header_t *changes);

/** Is ${name}, or if it ${is_front} one that begins with it, sealed by one of
 *  ${confs} (of const mod_sx_seal_conf *, or NULL)? */
bool mod_sx_seal_has(const apr_array_header_t *confs, sx_str name,
                     bool is_front);

/** Seal what this response sets.  If it ${may_reissue}, cookies under an old
 *  key come with it under the first one. */
void mod_sx_seal_send(request_rec *r, bool may_reissue);

#endif
