/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module record and the hook table, and nothing else: what runs when.
 * Data flows one way: load -> expose -> run -> commit (mod_sx_request.h).
 */
#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "http_request.h"

#include "mod_sx_authz.h"
#include "mod_sx_config.h"
#include "mod_sx_expr.h"
#include "mod_sx_functions.h"
#include "mod_sx_log.h"
#include "mod_sx_php.h"
#include "mod_sx_request.h"
#include "mod_sx_server.h"
#include "mod_sx_session_bridge.h"
#include "mod_sx_socache.h"
#include "mod_sx_status.h"

/* Everything else is hidden (-fvisibility=hidden); httpd looks this up. */
extern module AP_MODULE_DECLARE_DATA __attribute__((visibility("default")))
session_ext_module;

static void register_hooks(apr_pool_t *pool)
{
    /* Its filter puts what SessionHeader says into the session that we commit:
     * it comes before ours. */
    static const char *const mod_session[] = {"mod_session.c", NULL};
    /* PHP starts there, and opens what we have made. */
    static const char *const php[] = {"mod_php.c", NULL};

    mod_sx_register_filters();
    mod_sx_authz_register(pool);
    mod_sx_socache_register(pool);
    mod_sx_functions_register();
    mod_sx_php_register();
    mod_sx_bridge_register();

    /* Start: check the configuration, open stores and keys; in each child look
     * inside the stores. */
    ap_hook_pre_config(mod_sx_status_register, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_sx_log_register, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_expr_lookup(mod_sx_expr_lookup, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_sx_socache_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_sx_bridge_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(mod_sx_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(mod_sx_post_config, NULL, php, APR_HOOK_MIDDLE);
    ap_hook_child_init(mod_sx_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(mod_sx_socache_child_init, NULL, NULL, APR_HOOK_MIDDLE);

    /* Nothing from a client may pose as ours. */
    ap_hook_post_read_request(mod_sx_post_read_request, NULL, NULL,
                              APR_HOOK_FIRST);
    ap_hook_translate_name(mod_sx_translate_name, NULL, NULL,
                           APR_HOOK_REALLY_FIRST);
    /* The user is known before access is decided. */
    ap_hook_header_parser(mod_sx_header_parser, NULL, NULL, APR_HOOK_MIDDLE);
    /* Around all others that decide about access. */
    ap_hook_check_access_ex(mod_sx_access_checker_ex, NULL, NULL,
                            APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(mod_sx_check_user_id, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(mod_sx_auth_checker, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    /* The environment is there before any other fixup looks, and once more
     * after mod_env's SetEnv. */
    ap_hook_fixups(mod_sx_fixups_first, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(mod_sx_fixups_last, NULL, NULL, APR_HOOK_REALLY_LAST);
    /* Behind mod_cache, which must see the id cookie, and before any handler
     * of an app, which must not.  By number: httpd's sort by module names does
     * not keep the order of two hooks of one module. */
    ap_hook_handler(mod_sx_handler_first, NULL, NULL,
                    APR_HOOK_REALLY_FIRST + 1);
    /* Reached only by what core's own handler will serve: a plain file. */
    ap_hook_handler(mod_sx_handler_last, NULL, NULL, APR_HOOK_REALLY_LAST - 1);
    ap_hook_insert_filter(mod_sx_insert_filter, mod_session, NULL,
                          APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(mod_sx_insert_error_filter, mod_session, NULL,
                                APR_HOOK_MIDDLE);
    /* mod_headers edits responses behind our first filter; what it adds is
     * taken out by a second one. */
    ap_hook_insert_filter(mod_sx_insert_last_filter, NULL, NULL,
                          APR_HOOK_REALLY_LAST);
    ap_hook_insert_error_filter(mod_sx_insert_last_filter, NULL, NULL,
                                APR_HOOK_REALLY_LAST);
    ap_hook_log_transaction(mod_sx_log_transaction, NULL, NULL, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(session_ext) = {STANDARD20_MODULE_STUFF, mod_sx_create_dir,
                                  mod_sx_merge_dir,        mod_sx_create_server,
                                  mod_sx_merge_server,     mod_sx_directives,
                                  register_hooks,
#if defined(AP_MODULE_FLAG_NONE)
                                  AP_MODULE_FLAG_NONE
#endif
};
