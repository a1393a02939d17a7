/* SPDX-License-Identifier: Apache-2.0 */
/* Cookies in httpd's header tables.  The id cookie: hidden from apps on the way
 * in, set once at most on the way out. */
#ifndef MOD_SX_COOKIE_H
#define MOD_SX_COOKIE_H

#include "mod_sx_visit.h"

/** Make the Cookie header what the handler of ${r} shall see: ${changes} is of
 *  sx_cookie_change. */
void mod_sx_cookie_show(request_rec *r, const apr_array_header_t *changes);

/** Put the Cookie header back as it came. */
void mod_sx_cookie_restore(request_rec *r);

/** Send, replace or delete the id cookie in this response, as ${done} says. */
void mod_sx_cookie_send(request_rec *r, mod_sx_visit *visit,
                        const sx_committed *done, sx_now now);

/* What becomes of a Set-Cookie line: itself, another one, or NULL. */
typedef const char *mod_sx_cookie_editor(void *baton, const char *line);

/** Let ${edit} see each Set-Cookie line of ${table}, in order.  Returns how
 *  many it has changed; if none, the table is as it was. */
int mod_sx_cookie_edit(apr_table_t *table, mod_sx_cookie_editor *edit,
                       void *baton, apr_pool_t *pool);

/** Remove what an app itself has set under the id cookie's name. */
void mod_sx_cookie_drop_foreign(request_rec *r, const mod_sx_visit *visit);

#endif
