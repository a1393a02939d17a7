/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled in front of mod_test_session.c of httpd's own tests, as it is: that
 * makes up a session from the query, and says in headers what it was given to
 * save.  Here it makes up none, so that mod_session has ours, and what it says
 * is said of a session that goes on to be saved.
 */
#ifndef OVER_OURS_H
#define OVER_OURS_H

#include "mod_session.h"

static ap_HOOK_session_save_t *told_save;

static apr_status_t tell_and_pass_on(request_rec *r, session_rec *record)
{
    (void)told_save(r, record);
    return DECLINED;
}

static void hook_before_ours(ap_HOOK_session_save_t *save)
{
    told_save = save;
    ap_hook_session_save(tell_and_pass_on, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

#define ap_hook_session_load(load, before, after, order) ((void)(load))
#define ap_hook_session_save(save, before, after, order) hook_before_ours(save)

#endif
