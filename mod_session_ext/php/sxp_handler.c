/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PHP means by these functions is in its session.c: open, (validate,) read
 * begin a session, write or update_timestamp and close end it, and
 * session_regenerate_id() is destroy or write, close, open, create_sid, read.
 * There the id changes at once and the data is put under both ids; here the id
 * changes with the next commit.
 *
 * PHP would take the id from a cookie of its own.  It gets one from us in open,
 * and so asks for none.
 */
#include "sxp_handler.h"

#include "ext/standard/basic_functions.h"
#include "sxp_changes.h"
#include "sxp_request.h"
#include "sxp_sapi.h"
#include "sxp_space.h"
#include "sxp_values.h"
#include "sxp_wire.h"

/* What an app's own save handler makes of a session is one value to us. */
#define BLOB "@session"

#define SWEEP_US 2000 /* of one request for all others */

static bool is_direct(void)
{
    return PS(mod) == &sxp_handler;
}

/* Of another serializer, which session_encode() is asked for. */
static bool is_foreign(void)
{
    return is_direct() && PS(serializer) &&
           PS(serializer)->encode != sxp_values_encode;
}

bool sxp_handler_is_open(void)
{
    return PS(session_status) == php_session_active && SXP(request) &&
           SXP(request)->is_open;
}

/* ---- turns -------------------------------------------------------------- */

static bool gives_up(void)
{
    return zend_atomic_bool_load_ex(&EG(timed_out));
}

static void end_turn(sxp_request *request)
{
    if (request->turn)
        sx_place_end_turn(sxp_request_place(), request->turn);
    request->turn = 0;
    request->gave_up = false;
}

/* Requests of PHP that write one session take turns, as its apps expect. */
static bool wants_turn(const sxp_request *request, uint64_t handle)
{
    return !SXP(merges) && !request->only_reads && !SXP(in_regenerate) &&
           !request->gave_up && request->turn != handle;
}

/* Whoever gives up goes on without. */
static void wait_for(sxp_request *request, uint64_t handle)
{
    end_turn(request);
    if (sx_place_take_turn(sxp_request_place(), handle, gives_up)) {
        request->turn = handle;
        return;
    }
    request->gave_up = true;
    php_error_docref(NULL, E_WARNING,
                     "The session is not kept for this request alone");
}

/* Who is told by httpd which session it is waits before it looks, and so need
 * not look again. */
static bool wait_first(sxp_request *request)
{
    if (request->outage || !request->id || !request->handle ||
        !wants_turn(request, request->handle))
        return false;
    wait_for(request, request->handle);
    return true;
}

/* Is the session still as it was loaded? */
static bool is_as_loaded(const sxp_request *request)
{
    const sx_loaded *loaded = &request->loaded;
    sx_store *store = request->realm.store;
    sx_record_meta meta;
    sx_str bytes;

    return store->ops->get(store, loaded->id.store_key, &bytes, &meta, 0,
                           sx_place_now().boot_ms,
                           request->pool) == SX_STORE_OK &&
           meta.token == loaded->meta.token;
}

/* ---- id ----------------------------------------------------------------- */

static void show_id(const sxp_request *request)
{
    if (PS(id) && !strcmp(ZSTR_VAL(PS(id)), request->alias))
        return;
    if (PS(id))
        zend_string_release(PS(id));
    PS(id) = zend_string_init(request->alias, strlen(request->alias), 0);
}

/* The cookie is not PHP's, and no URL has an id in it. */
static void send_nothing(void)
{
    PS(send_cookie) = false;
    PS(define_sid) = false;
    PS(use_only_cookies) = true;
}

static bool begin(sxp_request *request)
{
    /* Others may have been here since it was open last, or while it waited. */
    if (wait_first(request) || request->was_open)
        request->is_loaded = false;
    if (!sxp_request_load(request)) {
        end_turn(request);
        return false;
    }
    return true;
}

static zend_result open_session(PS_OPEN_ARGS)
{
    sxp_request *request = sxp_request_get();

    (void)save_path;
    PS_SET_MOD_DATA(request);
    request->space = sxp_space_of(session_name, request->pool);
    request->only_reads = SXP(in_read_and_close);
    if (SXP(in_regenerate)) {
        request->is_open = true;
        return SUCCESS;
    }
    if (!begin(request))
        return FAILURE;
    request->is_open = request->was_open = true;
    send_nothing();
    show_id(request);
    return SUCCESS;
}

static zend_string *create_sid(PS_CREATE_SID_ARGS)
{
    sxp_request *request = PS_GET_MOD_DATA();

    /* session_create_id(): some other one. */
    if (!SXP(in_regenerate))
        return php_session_create_id(mod_data);
    sxp_request_renew(request);
    return zend_string_init(request->alias, strlen(request->alias), 0);
}

static zend_result validate_sid(PS_VALIDATE_SID_ARGS)
{
    const sxp_request *request = PS_GET_MOD_DATA();

    return request && !SXP(in_regenerate) &&
                   !strcmp(ZSTR_VAL(key), request->alias)
               ? SUCCESS
               : FAILURE;
}

/* ---- read --------------------------------------------------------------- */

/* Who had the turn before may have written, or given the session another id. */
static bool take_turn(sxp_request *request)
{
    uint64_t handle = request->loaded.meta.handle;

    if (request->loaded.status != SX_STATUS_ACTIVE ||
        !wants_turn(request, handle))
        return true;
    wait_for(request, handle);
    if (request->gave_up || is_as_loaded(request))
        return true;
    request->is_loaded = false;
    if (!sxp_request_load(request))
        return false;
    show_id(request);
    return true;
}

static const sx_entry *blob_of(const apr_array_header_t *entries)
{
    const sx_entry *entry = (const sx_entry *)entries->elts;

    return entries->nelts == 1 && entry->type == SX_OPAQUE &&
                   sx_str_eq(entry->key, sx_str_of(BLOB))
               ? entry
               : NULL;
}

static zend_string *in_foreign(sxp_request *request)
{
    zend_string *text;

    sxp_values_set(request, request->known);
    text = PS(serializer)->encode();
    return text ? text : ZSTR_EMPTY_ALLOC();
}

static zend_string *what_php_reads(sxp_request *request)
{
    const sx_entry *blob = blob_of(request->known);

    if (blob && !is_direct())
        return zend_string_init(blob->value.p, blob->value.len, 0);
    if (request->known->nelts == 0 && !is_direct())
        return ZSTR_EMPTY_ALLOC();
    return is_foreign() ? in_foreign(request) : sxp_wire_make(request->known);
}

static zend_result read_session(PS_READ_ARGS)
{
    sxp_request *request = PS_GET_MOD_DATA();
    const sx_loaded *loaded = &request->loaded;

    (void)key;
    (void)maxlifetime;
    if (SXP(in_regenerate)) {
        *val = ZSTR_EMPTY_ALLOC();
        return SUCCESS;
    }
    if (!take_turn(request))
        return FAILURE;
    request->known =
        loaded->status == SX_STATUS_ACTIVE
            ? sxp_space_entries(request->space, loaded->session, request->pool)
            : apr_array_make(request->pool, 1, sizeof(sx_entry));
    *val = what_php_reads(request);
    return SUCCESS;
}

/* ---- write -------------------------------------------------------------- */

/* What PHP wants to be there; NULL: it has thrown, or there is nothing. */
static apr_array_header_t *what_php_writes(sxp_request *request,
                                           zend_string *val)
{
    sx_str bytes = {ZSTR_VAL(val), ZSTR_LEN(val)};
    apr_array_header_t *entries;

    if (is_foreign())
        return sxp_values_get(request->pool);
    if (bytes.len == 0 && is_direct())
        return NULL;
    entries = sxp_wire_read(bytes, request->pool);
    if (entries)
        return entries;
    entries = apr_array_make(request->pool, 1, sizeof(sx_entry));
    if (bytes.len)
        APR_ARRAY_PUSH(entries, sx_entry) = (sx_entry){
            .key = sx_str_of(BLOB), .value = bytes, .type = SX_OPAQUE};
    return entries;
}

/* Empty as it may be: who begins a session to write gets one. */
static bool commit(sxp_request *request, sx_delta *delta)
{
    /* With nothing to say since the last one. */
    if (request->is_noted && !sx_delta_asks(delta) && !request->wanted &&
        !request->renews) {
        request->failed = false;
        return true;
    }
    delta->reserve = request->loaded.status == SX_STATUS_NONE ||
                     request->loaded.status == SX_STATUS_INVALID;
    request->failed = !sxp_request_commit(request, delta);
    return !request->failed;
}

/* The bytes of ${entries} are those of ${val}, which so has to stay. */
static void know(sxp_request *request, apr_array_header_t *entries,
                 zend_string *val)
{
    if (request->wire)
        zend_string_release(request->wire);
    request->wire = zend_string_copy(val);
    request->known = entries;
}

/* Before headers leave, what is over a limit is left for the end, which tells:
 * it may be gone by then. */
static bool write_all(sxp_request *request, zend_string *val, bool is_end)
{
    apr_array_header_t *entries = what_php_writes(request, val);
    const char *why;

    request->failed = true;
    if (!entries || EG(exception))
        return false;
    why = sxp_changes_limit(request->space, entries, &request->realm.limits,
                            request->pool);
    if (why && !is_end)
        return commit(request, sx_delta_create(request->pool));
    if (why) {
        php_error_docref(NULL, E_WARNING,
                         "The session was not written, and is what it was: %s",
                         why);
        return false;
    }
    if (!commit(request, sxp_changes(request->space, request->known, entries,
                                     request->pool)))
        return false;
    know(request, entries, val);
    return true;
}

static zend_result write_session(PS_WRITE_ARGS)
{
    sxp_request *request = PS_GET_MOD_DATA();

    (void)key;
    (void)maxlifetime;
    return write_all(request, val, true) ? SUCCESS : FAILURE;
}

static zend_result update_timestamp(PS_UPDATE_TIMESTAMP_ARGS)
{
    sxp_request *request = PS_GET_MOD_DATA();

    (void)key;
    (void)val;
    (void)maxlifetime;
    return commit(request, sx_delta_create(request->pool)) ? SUCCESS : FAILURE;
}

void sxp_handler_headers_leave(sxp_request *request)
{
    zend_string *val;

    if (!sxp_handler_is_open()) {
        if (request->wanted || sxp_request_is_unnoted(request))
            (void)sxp_request_commit(request, sx_delta_create(request->pool));
        return;
    }
    /* In the middle of a __sleep() that prints, nothing is serialized. */
    if (!is_direct() || BG(serialize_lock)) {
        /* What its own handler writes will be there at the end. */
        (void)commit(request, sx_delta_create(request->pool));
        return;
    }
    val = sxp_values_encode();
    if (!val)
        return;
    (void)write_all(request, val, false);
    zend_string_release(val);
}

/* ---- destroy, close, gc ------------------------------------------------- */

/* Of the session, all that this space has: the session may have more. */
static sx_delta *leave_space(sxp_request *request)
{
    const sx_session *session = request->loaded.session;
    apr_array_header_t *all =
        sxp_space_entries(request->space, session, request->pool);
    sx_delta *delta = sxp_changes(
        request->space, all, apr_array_make(request->pool, 1, sizeof(sx_entry)),
        request->pool);

    if (!request->space || all->nelts == session->entries->nelts) {
        delta = sx_delta_create(request->pool);
        delta->destroy = true;
        return delta;
    }
    if (sxp_request_may_send(request))
        delta->renew = SX_RENEW;
    return delta;
}

/* Behind the headers it ends, too: whoever logs out is out.  But it cannot be
 * done as it should. */
bool sxp_handler_destroy(sxp_request *request)
{
    bool may_send = sxp_request_may_send(request);

    if (request->loaded.status != SX_STATUS_ACTIVE)
        return true;
    if (!sxp_request_commit(request, leave_space(request)))
        return false;
    if (!may_send)
        php_error_docref(NULL, E_WARNING,
                         "The headers have been sent: the session has ended, "
                         "and its client keeps a cookie that is worth nothing");
    return may_send;
}

static zend_result destroy_session(PS_DESTROY_ARGS)
{
    sxp_request *request = PS_GET_MOD_DATA();

    /* Nobody but its own client ends a session by its id. */
    if (!request || SXP(in_regenerate) || strcmp(ZSTR_VAL(key), request->alias))
        return SUCCESS;
    if (!sxp_request_load(request))
        return FAILURE;
    return sxp_handler_destroy(request) ? SUCCESS : FAILURE;
}

static zend_result close_session(PS_CLOSE_ARGS)
{
    sxp_request *request = PS_GET_MOD_DATA();

    if (!request)
        return SUCCESS;
    if (!SXP(in_regenerate))
        end_turn(request);
    request->is_open = false;
    PS_SET_MOD_DATA(NULL);
    return SUCCESS;
}

static zend_long collect_garbage(PS_GC_ARGS)
{
    (void)mod_data;
    (void)maxlifetime;
    *nrdels = (zend_long)sx_place_sweep(sxp_request_place(), SWEEP_US,
                                        sx_place_now().boot_ms);
    return *nrdels;
}

const ps_module sxp_handler = {
    "session_ext", open_session,     close_session,   read_session,
    write_session, destroy_session,  collect_garbage, create_sid,
    validate_sid,  update_timestamp,
};
