/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_flash.h"

#include <string.h>
#include "mod_sx_upstream.h"
#include "sx_flash_claim.h"
#include "sx_flash.h"

/* ---- for whom they are -------------------------------------------------- */

bool mod_sx_flash_is_page_dest(const char *dest)
{
    return !strcasecmp(dest, "document") || !strcasecmp(dest, "iframe") ||
           !strcasecmp(dest, "frame");
}

/* By method and request headers alone. */
static bool wants_flash(request_rec *r)
{
    int mode = MOD_SX_OR(mod_sx_dir_of(r)->flash, SX_FLASH_ON);
    const char *dest = apr_table_get(r->headers_in, "Sec-Fetch-Dest");
    const char *accept = apr_table_get(r->headers_in, "Accept");

    if (mode == SX_FLASH_OFF || r->header_only || r->method_number == M_TRACE ||
        !mod_sx_upstream_is_told(r) ||
        apr_table_get(r->headers_in, "Sec-Purpose"))
        return false;
    if (mode == SX_FLASH_FETCH)
        return true;
    if (dest)
        return mod_sx_flash_is_page_dest(dest);
    if (apr_table_get(r->headers_in, "X-Requested-With"))
        return false;
    return !accept || ap_strcasestr(accept, "text/html") ||
           ap_strcasestr(accept, "*/*");
}

/* Without SetHandler and the like httpd names the handler by the content type;
 * apps are among those if the type is one of its own. */
bool mod_sx_flash_is_core(request_rec *r)
{
    const char *handler = r->handler;

    if (!handler || !*handler || !strcmp(handler, "default-handler") ||
        !strcmp(handler, "redirect-handler"))
        return true;
    return r->content_type &&
           !strncmp(r->content_type, handler, strlen(handler)) &&
           strncmp(handler, "application/x-httpd-", 20) != 0 &&
           strncmp(handler, "httpd/", 6) != 0;
}

/* Which filter reads the environment nobody can tell by its name: a filter of
 * mod_ext_filter has any, and what mod_filter has declared is decided later.
 * So these are those that do not, of all that edit what a handler makes. */
bool mod_sx_flash_is_parsed(request_rec *r)
{
    static const char *const blind[] = {
        "bytype:deflate", "bytype:brotli_compress", "substitute", "sed"};
    const ap_filter_t *f = r->output_filters;
    size_t i;

    for (; f && f->frec->ftype == AP_FTYPE_RESOURCE; f = f->next) {
        for (i = 0; i < sizeof blind / sizeof *blind; i++)
            if (!strcmp(f->frec->name, blind[i]))
                break;
        if (i == sizeof blind / sizeof *blind)
            return true;
    }
    return false;
}

/* ---- handing out -------------------------------------------------------- */

const apr_array_header_t *mod_sx_flash_of(request_rec *r)
{
    const mod_sx_part *part = mod_sx_part_of(r);
    const mod_sx_part *page = r->main ? mod_sx_part_of(r->main) : NULL;

    if (!page)
        return part->flash;
    /* It may lie in another scope, and be of another session. */
    return page->visit == part->visit ? mod_sx_flash_of(r->main) : NULL;
}

/* Of a response that is known to give them back nothing is handed out: the
 * next page would show it again. */
static bool may_take(request_rec *r, const mod_sx_visit *visit)
{
    return visit && !r->main && !mod_sx_part_of(r)->committed &&
           !mod_sx_part_of(r)->top->over &&
           visit->loaded.status == SX_STATUS_ACTIVE &&
           visit->loaded.session->messages->nelts > 0 && wants_flash(r) &&
           r->status < 500;
}

/* Not an error of this request: it has all but the messages, and they wait. */
static void tell_untaken(request_rec *r, sx_answer answer)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  "flash messages wait for another page: the session could "
                  "not be written (%s)",
                  sx_answer_str(answer));
}

const apr_array_header_t *mod_sx_flash_take(request_rec *r)
{
    mod_sx_visit *visit = mod_sx_load(r);
    mod_sx_part *part = mod_sx_part_of(r);
    uint64_t id = visit ? visit->claim : 0;
    sx_answer answer;

    if (r->main || part->flash || !may_take(r, visit))
        return mod_sx_flash_of(r);
    while (id == 0)
        sx_random(&id, sizeof id);
    answer = sx_flash_claim_for(&visit->realm, &visit->loaded, id,
                                mod_sx_now(visit), part->top->pool);
    if (answer != SX_STORE_OK)
        tell_untaken(r, answer);
    else
        part->flash = sx_flash_taken(visit->loaded.session->messages, id,
                                     part->top->pool);
    if (part->flash || answer == SX_STORE_UNKNOWN)
        visit->claim = id;
    return part->flash;
}

/* ---- shown or not ------------------------------------------------------- */

/* Who went on to another page before this one came will not see it.  A client
 * that closes half of its connection and then reads would be handed them twice;
 * no browser does, nor a proxy on behalf of one.  Behind TLS the end comes as
 * data, and nobody can tell. */
static bool has_left(request_rec *r)
{
    apr_socket_t *socket = ap_get_conn_socket(r->connection);
    int at_end = 0;

    if (r->connection->aborted)
        return true;
    return socket && apr_socket_atreadeof(socket, &at_end) == APR_SUCCESS &&
           at_end;
}

bool mod_sx_flash_was_shown(request_rec *r, const mod_sx_visit *visit)
{
    const mod_sx_part *part = mod_sx_part_of(r);

    return part->flash && part->visit == visit && mod_sx_consulted(r) &&
           mod_sx_upstream_is_told(r) && !part->error_page &&
           !visit->delta->keep_flash &&
           !(r->status >= 300 && r->status < 400) && r->status < 500 &&
           !has_left(r);
}

/* A CGI program that speaks HTTP itself: mod_cgi takes every filter of the
 * request away.  Whatever status it sent, it had the page. */
bool mod_sx_flash_went_around(request_rec *r)
{
    while (r->next)
        r = r->next;
    return mod_sx_part_of(r)->flash && !r->connection->aborted &&
           r->output_filters &&
           r->output_filters->frec->ftype >= AP_FTYPE_CONNECTION;
}
