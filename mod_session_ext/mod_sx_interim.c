/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ap_send_interim_response() writes a 1xx as bytes straight to the filters of
 * the connection, so only a filter there can take a header out of it, and it
 * has to read bytes.  Over HTTP/2 the same holds: the stream's own connection
 * gets the same bytes and parses them further down.
 *
 * The filter reads only what it must: it is armed before a handler that can
 * send a 1xx runs, edits heads that begin with "HTTP/1.1 1", and rests at the
 * first sign of anything else: the final head, any metadata but a flush (over
 * HTTP/2 the final head is metadata), or what follows a 101.  Bodies and
 * tunnels pass a resting filter untouched.
 *
 * It stays on the connection for the next request, because httpd allocates
 * connection filters from the connection's pool and a connection kept alive
 * would grow with each one added.  One request at a time runs on a
 * connection, so nothing here needs a lock.
 */
#include "mod_sx_interim.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "http_protocol.h"
#include "util_filter.h"

#include "mod_sx_config.h"
#include "mod_sx_headers.h"
#include "mod_sx_seal.h"

#define INTERIM_FILTER  "SX_INTERIM"
#define TRAILERS_FILTER "SX_TRAILERS"

#define INTERIM_START "HTTP/1.1 1"
#define START_LEN     (sizeof(INTERIM_START) - 1)
#define STATUS_LEN    (START_LEN + 2)

/* More than a control header's name and the blanks behind it ever take. */
#define HOLD_MAX 64

typedef enum {
    AT_REST,   /* nothing is read */
    AT_STATUS, /* in the first bytes of what may be a 1xx */
    AT_NAME,   /* in a line that is not yet known to be ours or not */
    AT_COOKIE, /* in one that sets a cookie, whose name is not known yet */
    AT_KEEP,   /* in the rest of a line that stays */
    AT_DROP    /* in the rest of a line that goes */
} interim_at;

typedef struct {
    interim_at at;
    interim_at fate; /* of the header line before: a folded one shares it */
    int tunnel;      /* this is a 101: what follows is not HTTP */
    const apr_array_header_t *seals; /* that are in force, or NULL */
    apr_size_t held; /* bytes not decided yet, from any number of buckets */
    char hold[HOLD_MAX];
    apr_bucket_brigade *out;
} interim_ctx;

static void release(interim_ctx *in)
{
    apr_brigade_write(in->out, NULL, NULL, in->hold, in->held);
    in->held = 0;
}

static void rest(interim_ctx *in)
{
    release(in);
    in->at = AT_REST;
}

/* The held bytes and the rest of their line stay or go together. */
static void decide(interim_ctx *in, interim_at fate)
{
    if (fate == AT_KEEP) {
        release(in);
    }
    in->held = 0;
    in->fate = fate;
    in->at = fate;
}

/* A blank before the colon is an error that some clients forgive. */
static void held_name(const interim_ctx *in, char name[HOLD_MAX])
{
    apr_size_t len = in->held;

    while (len > 0 && apr_isspace(in->hold[len - 1])) {
        len--;
    }
    apr_cpystrn(name, in->hold, len + 1);
}

/* Of a name that is longer than what is held the front decides: better one
 * cookie less than one that leaves unsealed. */
static interim_at fate_of_cookie(const interim_ctx *in)
{
    char text[HOLD_MAX + 2];
    sx_str name;

    apr_cpystrn(text, in->hold, in->held + 1);
    apr_cpystrn(text + in->held, "=", 2);
    name = sx_cookie_name_of(strchr(text, ':') + 1);
    return mod_sx_seal_has(in->seals, name, in->held == HOLD_MAX) ? AT_DROP
                                                                  : AT_KEEP;
}

/* Returns 0 when ${c} shows that this is no interim response. */
static int feed_status(interim_ctx *in, char c)
{
    if (in->held < START_LEN && c != INTERIM_START[in->held]) {
        return 0;
    }
    in->hold[in->held++] = c;
    if (in->held == STATUS_LEN) {
        in->tunnel = memcmp(in->hold + START_LEN, "01", 2) == 0;
        decide(in, AT_KEEP);
    }
    return 1;
}

static void feed_line_end(interim_ctx *in)
{
    int blank = in->held == 0 || (in->held == 1 && in->hold[0] == '\r');

    release(in);
    apr_brigade_putc(in->out, NULL, NULL, '\n');
    in->at = !blank ? AT_NAME : in->tunnel ? AT_REST : AT_STATUS;
}

static void feed_rest(interim_ctx *in, char c)
{
    if (in->at == AT_KEEP) {
        apr_brigade_putc(in->out, NULL, NULL, c);
    }
    if (c == '\n') {
        in->at = AT_NAME;
    }
}

/* Behind the colon of a Set-Cookie, up to what ends the cookie's name: a '='
 * before any letter is a part of neither. */
static void feed_cookie(interim_ctx *in, char c)
{
    const char *name = memchr(in->hold, ':', in->held);
    const char *end = in->hold + in->held;

    do {
        name++;
    } while (name < end && (*name == ' ' || *name == '\t'));
    if (c == ';' || c == '\n') {
        decide(in, AT_KEEP);
    }
    else if ((c == '=' && name < end) || in->held == HOLD_MAX) {
        decide(in, fate_of_cookie(in));
    }
    if (in->at == AT_COOKIE) {
        in->hold[in->held++] = c;
    }
    else {
        feed_rest(in, c);
    }
}

/* At the colon. */
static void feed_colon(interim_ctx *in)
{
    char name[HOLD_MAX];

    held_name(in, name);
    if (mod_sx_is_control_header(name)) {
        decide(in, AT_DROP);
    }
    else if (in->seals && !strcasecmp(name, "Set-Cookie")) {
        in->at = AT_COOKIE;
        in->hold[in->held++] = ':';
    }
    else {
        decide(in, AT_KEEP);
    }
}

static void feed_name(interim_ctx *in, char c)
{
    if (c == '\n') {
        feed_line_end(in);
        return;
    }
    if (c == ':') {
        feed_colon(in);
    }
    else if (in->held == 0 && (c == ' ' || c == '\t')) {
        in->at = in->fate;
    }
    else if (in->held == HOLD_MAX - 1) {
        decide(in, AT_KEEP);
    }
    if (in->at == AT_NAME) {
        in->hold[in->held++] = c;
    }
    else if (in->at == AT_KEEP) {
        apr_brigade_putc(in->out, NULL, NULL, c);
    }
}

/* Edit ${data} into in->out.  Returns how much of it was used: less than
 * ${len} when the filter came to rest. */
static apr_size_t feed(interim_ctx *in, const char *data, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len && in->at != AT_REST; i++) {
        if (in->at == AT_NAME) {
            feed_name(in, data[i]);
        }
        else if (in->at == AT_COOKIE) {
            feed_cookie(in, data[i]);
        }
        else if (in->at != AT_STATUS) {
            feed_rest(in, data[i]);
        }
        else if (!feed_status(in, data[i])) {
            /* Give back what this bucket holds, so that the head of an
             * ordinary response is not cut in two. */
            apr_size_t back = in->held < i ? in->held : i;

            in->held -= back;
            rest(in);
            return i - back;
        }
    }
    return i;
}

/* Move the first bucket of ${bb}, edited, to in->out. */
static apr_status_t take_first(interim_ctx *in, apr_bucket_brigade *bb)
{
    apr_bucket *b = APR_BRIGADE_FIRST(bb);
    const char *data;
    apr_size_t len, used;
    apr_status_t rv;

    if (APR_BUCKET_IS_METADATA(b)) {
        if (!APR_BUCKET_IS_FLUSH(b)) {
            rest(in);
        }
        APR_BUCKET_REMOVE(b);
        APR_BRIGADE_INSERT_TAIL(in->out, b);
        return APR_SUCCESS;
    }
    rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    used = feed(in, data, len);
    if (used == 0 && len > 0) {
        return APR_SUCCESS;
    }
    if (used < len) {
        rv = apr_bucket_split(b, used);
    }
    apr_bucket_delete(b);
    return rv;
}

static apr_status_t interim_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    interim_ctx *in = f->ctx;

    while (in->at != AT_REST && !APR_BRIGADE_EMPTY(bb)) {
        apr_status_t rv = take_first(in, bb);

        if (rv != APR_SUCCESS) {
            apr_brigade_cleanup(in->out);
            return rv;
        }
    }
    APR_BRIGADE_PREPEND(bb, in->out);
    return ap_pass_brigade(f->next, bb);
}

/* They are complete only when the end of the body is passed on. */
static apr_status_t trailers_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        if (APR_BUCKET_IS_EOS(b)) {
            mod_sx_headers_strip(f->r->trailers_out);
            /* Browsers heed none there, and several are one value. */
            if (mod_sx_dir_of(f->r)->seals) {
                apr_table_unset(f->r->trailers_out, "Set-Cookie");
            }
        }
    }
    return ap_pass_brigade(f->next, bb);
}

void mod_sx_interim_register(void)
{
    /* Above every protocol filter, since one of those sends the trailers. */
    ap_register_output_filter(TRAILERS_FILTER, trailers_out, NULL,
                              AP_FTYPE_PROTOCOL - 1);
    ap_register_output_filter(INTERIM_FILTER, interim_out, NULL,
                              AP_FTYPE_CONNECTION);
}

static ap_filter_t *find(ap_filter_t *f, ap_out_filter_func func)
{
    while (f && f->frec->filter_func.out_func != func) {
        f = f->next;
    }
    return f;
}

static void arm(request_rec *r)
{
    conn_rec *c = r->connection;
    ap_filter_t *f = find(c->output_filters, interim_out);
    interim_ctx *in;

    if (!f) {
        in = apr_pcalloc(c->pool, sizeof(*in));
        in->out = apr_brigade_create(c->pool, c->bucket_alloc);
        f = ap_add_output_filter(INTERIM_FILTER, in, r, c);
    }
    in = f->ctx;
    in->seals = mod_sx_dir_of(r)->seals;
    if (in->at == AT_REST) {
        in->at = AT_STATUS;
    }
}

/* The handlers that can send a 1xx with headers of an app's choice. */
static int may_send_interim(const request_rec *r)
{
    return r->proxyreq != PROXYREQ_NONE ||
           (r->handler && (strncmp(r->handler, "proxy", 5) == 0 ||
                           strncmp(r->handler, "lua", 3) == 0));
}

void mod_sx_interim_guard(request_rec *r)
{
    /* A subrequest speaks HTTP/0.9, for which no 1xx is sent, and its
     * trailers go nowhere. */
    if (r->main || !may_send_interim(r)) {
        return;
    }
    if (!find(r->output_filters, trailers_out)) {
        ap_add_output_filter(TRAILERS_FILTER, NULL, r, r->connection);
    }
    if (r->proto_num >= HTTP_VERSION(1, 1)) {
        arm(r);
    }
}
