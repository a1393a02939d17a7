/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conductor: the one place where the order of a request is decided.
 *
 *   load     lazily, when anybody asks (mod_sx_visit.h)
 *   decide   access, by what the session says (mod_sx_authz.h)
 *   expose   environment and request headers, in fixups
 *   run      the app; nothing is locked
 *   commit   in the output filter, before the first byte leaves
 */
#ifndef MOD_SX_REQUEST_H
#define MOD_SX_REQUEST_H

#include "httpd.h"

/* The hooks, in the order in which they run. */
void mod_sx_register_filters(void);
int mod_sx_post_read_request(request_rec *r);
int mod_sx_translate_name(request_rec *r);
int mod_sx_header_parser(request_rec *r);
int mod_sx_access_checker_ex(request_rec *r);
int mod_sx_check_user_id(request_rec *r);
int mod_sx_auth_checker(request_rec *r);
int mod_sx_fixups_first(request_rec *r);
int mod_sx_fixups_last(request_rec *r);
int mod_sx_handler_first(request_rec *r);
int mod_sx_handler_last(request_rec *r);
void mod_sx_insert_filter(request_rec *r);
void mod_sx_insert_error_filter(request_rec *r);
void mod_sx_insert_last_filter(request_rec *r);
int mod_sx_log_transaction(request_rec *r);

#endif
