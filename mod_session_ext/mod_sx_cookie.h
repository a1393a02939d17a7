/* SPDX-License-Identifier: Apache-2.0 */
/* The id cookie in httpd's header tables: hidden from apps on the way in, set
 * once at most on the way out. */
#ifndef MOD_SX_COOKIE_H
#define MOD_SX_COOKIE_H

#include "mod_sx_visit.h"

/** Take the id cookie of ${visit} out of the Cookie header that the handler of
 *  ${r} will see. */
void mod_sx_cookie_hide(request_rec *r, const mod_sx_visit *visit);

/** Put the Cookie header back as it came. */
void mod_sx_cookie_restore(request_rec *r);

/** Send, replace or delete the id cookie in this response, as ${done} says. */
void mod_sx_cookie_send(request_rec *r, mod_sx_visit *visit,
                        const sx_committed *done, sx_now now);

/** Remove what an app itself has set under the id cookie's name. */
void mod_sx_cookie_drop_foreign(request_rec *r, const mod_sx_visit *visit);

#endif
