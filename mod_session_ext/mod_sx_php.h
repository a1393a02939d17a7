/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PHP: where SessionExtPHP is on, the extension works on the session by itself
 * (mod_session_ext/php/), and httpd owns the cookie.  What goes there and back
 * is a ticket and its reply: sx_ticket.h.
 */
#ifndef MOD_SX_PHP_H
#define MOD_SX_PHP_H

#include "mod_sx_visit.h"

/** An app is about to answer ${r}: put the ticket into its environment, if the
 *  scope says so.  Behind all that writes our variables anew. */
void mod_sx_php_hand_out(request_rec *r);

/** Let the extension find the ticket of a request that is near. */
void mod_sx_php_register(void);

/** Another request begins to be answered: what was at hand is not any more. */
void mod_sx_php_forget(void);

/** If PHP has not begun after all: the variables of ${r} that waited for it. */
void mod_sx_php_put_back(request_rec *r);

/** Take the reply out of the response of ${r}, whatever it is worth, and do
 *  what it says: cookie, log, counters; what the request knows of its session
 *  is read again.  Returns whether there was one that counts. */
int mod_sx_php_harvest(request_rec *r);

#endif
