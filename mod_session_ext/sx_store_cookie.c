/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_store_cookie.h.  First the two forms of a record, in the cookie and in
 * `inner`, then what is known of each session of the request, then the slots
 * of the backend. */
#include "sx_store_cookie.h"

#include <endian.h>
#include <string.h>
#include <apr_strings.h>
#include "sx_seal.h"
#include "sx_tag.h"

#define SEPARATOR '.'

/* The token of a session that `inner` does not hold: no store gives it. */
#define TOKEN_CARRIED UINT64_MAX

#define TRIES_MAX 100 /* to end what others write at the same time */

/* A session of this request, by its id. */
typedef struct carried {
    struct carried *next;
    unsigned char key[SX_STORE_KEY_LEN];
    sx_str load;      /* as the client sent it; empty: none */
    bool is_doubtful; /* sent with two different loads */
    bool is_new;      /* made by this response: no client knows it */
    /* As the last get found it, or the last put left it. */
    sx_str bytes;
    sx_record_meta meta;
    uint64_t sequence;
    uint64_t inner_token; /* 0: `inner` has nothing of it */
    bool is_shared;       /* it has, but not for longer than the share */
    bool has_load;        /* the client's cookie carries it, alive... */
    bool is_newest;       /* ...and nobody has written since */
    int64_t now_ms;
    /* What the response must send behind the id: NULL nothing, "" the id
     * alone. */
    const char *text;
} carried;

typedef struct cookie_backend {
    sx_store base;
    sx_store *inner;
    sx_id_scope scope;
    apr_pool_t *pool;
    int64_t wall_ms; /* that the wall clock is ahead of the store's */
    bool may_not_send;
    carried *sessions; /* the last one made is the first */
} cookie_backend;

static cookie_backend *backend_of(sx_store *store)
{
    return (cookie_backend *)store;
}

/* ---- in the cookie ------------------------------------------------------ */

/* Little-endian.  Times are those of the wall clock, since that of a store
 * begins anew with each boot. */
typedef struct load_head {
    uint8_t version, kind;
    uint8_t unused[6];
    uint64_t life; /* of `inner` */
    uint64_t sequence;
    uint64_t created_ms, last_access_ms, expires_ms, hard_end_ms;
    uint64_t user_tag, handle;
} load_head;

_Static_assert(sizeof(load_head) == 72, "format");
#define LOAD_VERSION 1

static uint64_t life_of(const cookie_backend *backend)
{
    return backend->inner->ops->life(backend->inner);
}

static sx_str binding(const carried *of)
{
    return (sx_str){(const char *)of->key, SX_STORE_KEY_LEN};
}

static uint64_t to_wall(const cookie_backend *backend, int64_t ms)
{
    return htole64((uint64_t)(ms + backend->wall_ms));
}

static int64_t from_wall(const cookie_backend *backend, uint64_t ms)
{
    return (int64_t)le64toh(ms) - backend->wall_ms;
}

static load_head head_of(const cookie_backend *backend, const carried *of,
                         const sx_record_meta *meta)
{
    return (load_head){
        .version = LOAD_VERSION,
        .kind = (uint8_t)meta->kind,
        .life = htole64(life_of(backend)),
        .sequence = htole64(of->sequence),
        .created_ms = to_wall(backend, meta->created_ms),
        .last_access_ms = to_wall(backend, meta->last_access_ms),
        .expires_ms = to_wall(backend, meta->expires_ms),
        .hard_end_ms = to_wall(backend, meta->hard_end_ms),
        .user_tag = htole64(meta->user_tag),
        .handle = htole64(meta->handle),
    };
}

/* kid 1 | sealed: the first key seals, whatever key the id is of.  NULL: larger
 * than a cookie may be. */
static const char *make_load(const cookie_backend *backend, const carried *of,
                             sx_str bytes, const sx_record_meta *meta)
{
    const load_head head = head_of(backend, of, meta);
    const size_t used = strlen(backend->scope.cookie_name) + SX_ID_LEN + 1;
    const unsigned char kid = sx_keys_first(backend->scope.keys);
    apr_pool_t *pool = backend->pool;
    sx_str sealed;
    char *p;

    if (used + bytes.len > SX_COOKIE_MAX)
        return NULL;
    p = apr_palloc(pool, sizeof head + bytes.len);
    memcpy(p, &head, sizeof head);
    memcpy(p + sizeof head, bytes.p, bytes.len);
    sealed = sx_seal(sx_keys_get(backend->scope.keys, kid, SX_PURPOSE_CARRIED),
                     binding(of), (sx_str){p, sizeof head + bytes.len}, pool);
    p = apr_palloc(pool, 1 + sealed.len);
    p[0] = (char)kid;
    memcpy(p + 1, sealed.p, sealed.len);
    sealed = sx_to_text((sx_str){p, 1 + sealed.len}, pool);
    return used + sealed.len <= SX_COOKIE_MAX ? sealed.p : NULL;
}

/* What the client's cookie carries, if it is one of ours and of this life of
 * `inner`. */
static bool open_load(const cookie_backend *backend, const carried *of,
                      load_head *head, sx_str *bytes, apr_pool_t *pool)
{
    const unsigned char *key;
    sx_str sealed, plain;

    if (of->load.len == 0 || of->is_doubtful ||
        !sx_from_text(of->load, &sealed, pool) || sealed.len == 0)
        return false;
    key = sx_keys_get(backend->scope.keys, (unsigned char)sealed.p[0],
                      SX_PURPOSE_CARRIED);
    if (!key ||
        !sx_unseal(key, binding(of), (sx_str){sealed.p + 1, sealed.len - 1},
                   false, &plain, pool) ||
        plain.len < sizeof *head)
        return false;
    memcpy(head, plain.p, sizeof *head);
    *bytes = (sx_str){plain.p + sizeof *head, plain.len - sizeof *head};
    return head->version == LOAD_VERSION &&
           le64toh(head->life) == life_of(backend) &&
           (head->kind == SX_ANONYMOUS || head->kind == SX_USER);
}

static void meta_of_load(const cookie_backend *backend, const load_head *head,
                         sx_record_meta *meta)
{
    *meta = (sx_record_meta){
        .kind = (sx_kind)head->kind,
        .ns = sx_ns_number(backend->scope.ns),
        .user_tag = le64toh(head->user_tag),
        .handle = le64toh(head->handle),
        .created_ms = from_wall(backend, head->created_ms),
        .last_access_ms = from_wall(backend, head->last_access_ms),
        .expires_ms = from_wall(backend, head->expires_ms),
        .hard_end_ms = from_wall(backend, head->hard_end_ms),
    };
}

/* ---- in `inner` --------------------------------------------------------- */

/* form 1 | sequence 8 | end 8 | bytes.  The end is that of the session or the
 * alias, before or behind which `inner` may forget it.  Forms 0 and 1 are those
 * of sx_seal: a session of before this scope had the cookie store. */
enum { FORM_HEAD = 2, FORM_LEN = 17 };

typedef struct form {
    uint64_t sequence;
    int64_t expires_ms;
} form;

static sx_str make_form(form of, sx_str bytes, apr_pool_t *pool)
{
    const uint64_t numbers[2] = {htole64(of.sequence),
                                 htole64((uint64_t)of.expires_ms)};
    char *p = apr_palloc(pool, FORM_LEN + bytes.len);

    p[0] = FORM_HEAD;
    memcpy(p + 1, numbers, sizeof numbers);
    if (bytes.len)
        memcpy(p + FORM_LEN, bytes.p, bytes.len);
    return (sx_str){p, FORM_LEN + bytes.len};
}

static bool open_form(sx_str *bytes, const sx_record_meta *meta, form *of)
{
    uint64_t numbers[2];

    *of = (form){0, meta->expires_ms};
    if (bytes->len == 0 || bytes->p[0] != FORM_HEAD)
        return bytes->len > 0;
    if (bytes->len < FORM_LEN)
        return false;
    memcpy(numbers, bytes->p + 1, sizeof numbers);
    *of = (form){le64toh(numbers[0]), (int64_t)le64toh(numbers[1])};
    *bytes = (sx_str){bytes->p + FORM_LEN, bytes->len - FORM_LEN};
    return true;
}

/* Over what `inner` was found to have.  If that has ended meanwhile, a session
 * that its cookie carries is none the less there. */
static sx_answer put_inner(const cookie_backend *backend, carried *of,
                           form what, sx_str bytes, sx_record_meta *meta,
                           int64_t now_ms)
{
    sx_store *inner = backend->inner;
    sx_answer answer;

    bytes = make_form(what, bytes, backend->pool);
    answer = inner->ops->put_if(inner, of->key, of->inner_token, bytes, meta,
                                now_ms);
    if (answer == SX_STORE_GONE && of->has_load)
        answer = inner->ops->put_if(inner, of->key, 0, bytes, meta, now_ms);
    if (answer == SX_STORE_OK)
        of->inner_token = meta->token;
    return answer;
}

/* ---- the sessions of a request ------------------------------------------ */

static carried *find(const cookie_backend *backend, const unsigned char *key)
{
    carried *of = backend->sessions;

    while (of && memcmp(of->key, key, SX_STORE_KEY_LEN) != 0)
        of = of->next;
    return of;
}

static carried *add(cookie_backend *backend, const unsigned char *key)
{
    carried *of = apr_pcalloc(backend->pool, sizeof *of);

    memcpy(of->key, key, SX_STORE_KEY_LEN);
    of->next = backend->sessions;
    backend->sessions = of;
    return of;
}

static void take_one(cookie_backend *backend, sx_str *value)
{
    sx_str load = {"", 0};
    carried *of;
    sx_id id;

    if (value->len > SX_ID_LEN && value->p[SX_ID_LEN] == SEPARATOR) {
        load = (sx_str){value->p + SX_ID_LEN + 1, value->len - SX_ID_LEN - 1};
        value->len = SX_ID_LEN;
    }
    if (!sx_id_verify(&id, *value, &backend->scope))
        return;
    of = find(backend, id.store_key);
    if (!of) {
        of = add(backend, id.store_key);
        of->load = load;
    }
    else if (!sx_str_eq(of->load, load)) {
        of->is_doubtful = true;
    }
    sx_wipe(&id, sizeof id);
}

void sx_store_cookie_take(sx_store *store, sx_str *values, size_t count,
                          sx_now now)
{
    cookie_backend *backend = backend_of(store);

    backend->wall_ms = now.wall_s * 1000 - now.boot_ms;
    backend->sessions = NULL;
    for (size_t i = 0; i < count; i++)
        take_one(backend, &values[i]);
}

void sx_store_cookie_may_send(sx_store *store, bool may)
{
    backend_of(store)->may_not_send = !may;
}

/* ---- get ---------------------------------------------------------------- */

/* What `inner` says of the session of ${of}, and the newer of both. */
static sx_answer choose(cookie_backend *backend, carried *of,
                        const sx_record_meta *found, sx_str shared,
                        int64_t grace_ms, apr_pool_t *pool)
{
    form what = {0};
    load_head head;
    sx_str load;

    of->inner_token = 0;
    of->sequence = 0;
    if (found) {
        if (!open_form(&shared, found, &what))
            return SX_STORE_DAMAGED;
        of->inner_token = found->token;
        of->sequence = what.sequence;
        of->is_shared = found->expires_ms < what.expires_ms;
        of->bytes = shared;
        of->meta = *found;
        of->meta.expires_ms = what.expires_ms;
    }
    of->has_load = open_load(backend, of, &head, &load, pool) &&
                   from_wall(backend, head.expires_ms) + grace_ms > of->now_ms;
    of->is_newest =
        of->has_load && (!found || le64toh(head.sequence) >= what.sequence);
    if (of->is_newest) {
        of->sequence = le64toh(head.sequence);
        of->bytes = load;
        meta_of_load(backend, &head, &of->meta);
    }
    return found || of->has_load ? SX_STORE_OK : SX_STORE_MISS;
}

/* An alias is kept up to the end of the session, and then is a tombstone. */
static sx_answer open_alias(sx_str *bytes, sx_record_meta *meta,
                            int64_t grace_ms, int64_t now_ms)
{
    form what;

    if (!open_form(bytes, meta, &what))
        return SX_STORE_DAMAGED;
    meta->expires_ms = meta->hard_end_ms = what.expires_ms;
    return what.expires_ms + grace_ms > now_ms ? SX_STORE_OK : SX_STORE_MISS;
}

static sx_answer get(sx_store *store, const unsigned char *key, sx_str *bytes,
                     sx_record_meta *meta, int64_t grace_ms, int64_t now_ms,
                     apr_pool_t *pool)
{
    cookie_backend *backend = backend_of(store);
    carried *of = find(backend, key);
    sx_answer answer = backend->inner->ops->get(backend->inner, key, bytes,
                                                meta, grace_ms, now_ms, pool);

    if (answer == SX_STORE_OK && meta->kind == SX_EPOCH)
        return SX_STORE_OK;
    if (answer == SX_STORE_OK && meta->kind == SX_ALIAS)
        return open_alias(bytes, meta, grace_ms, now_ms);
    if (answer == SX_STORE_OK && meta->kind == SX_TOMBSTONE)
        return SX_STORE_MISS;
    if ((answer != SX_STORE_OK && answer != SX_STORE_MISS) ||
        (answer == SX_STORE_MISS && !of))
        return answer;
    if (!of)
        of = add(backend, key);
    of->now_ms = now_ms;
    answer = choose(backend, of, answer == SX_STORE_OK ? meta : NULL, *bytes,
                    grace_ms, pool);
    if (answer != SX_STORE_OK)
        return answer;
    *bytes = of->bytes;
    *meta = of->meta;
    meta->token = of->inner_token ? of->inner_token : TOKEN_CARRIED;
    return SX_STORE_OK;
}

/* ---- put ---------------------------------------------------------------- */

/* A session that nobody else can know yet needs no share. */
static sx_answer put_session(cookie_backend *backend, carried *of, sx_str bytes,
                             sx_record_meta *meta, int64_t now_ms)
{
    const char *text =
        backend->may_not_send ? NULL : make_load(backend, of, bytes, meta);
    form what = {of->sequence, meta->expires_ms};
    sx_record_meta shared = *meta;
    sx_answer answer = SX_STORE_OK;

    if (text)
        shared.expires_ms =
            sx_min64(meta->expires_ms, now_ms + SX_CARRY_SHARE_MS);
    if (!text || !of->is_new)
        answer = put_inner(backend, of, what, bytes, &shared, now_ms);
    /* Without room for the share, others merge less well. */
    if (answer != SX_STORE_OK && !(answer == SX_STORE_FULL && text))
        return answer;
    of->bytes = sx_str_dup(bytes, backend->pool);
    of->meta = *meta;
    of->text = text || backend->may_not_send ? text : "";
    meta->token = of->inner_token ? of->inner_token : TOKEN_CARRIED;
    return SX_STORE_OK;
}

/* The id that an alias leads to is known to nobody who comes with the old one,
 * so `inner` must have its session.  It was put just before. */
static sx_answer put_alias(cookie_backend *backend, carried *of, sx_str bytes,
                           sx_record_meta *meta, int64_t now_ms)
{
    carried *fresh = backend->sessions;
    form what = {fresh->sequence, fresh->meta.expires_ms};
    sx_record_meta kept = fresh->meta;
    sx_answer answer = SX_STORE_OK;

    if (fresh->is_new && !fresh->inner_token)
        answer = put_inner(backend, fresh, what, fresh->bytes, &kept, now_ms);
    if (answer != SX_STORE_OK)
        return answer;
    what = (form){0, meta->expires_ms};
    kept = *meta;
    kept.expires_ms = kept.hard_end_ms = of->meta.hard_end_ms;
    answer = put_inner(backend, of, what, bytes, &kept, now_ms);
    if (answer == SX_STORE_OK) {
        fresh->text = "";
        of->text = NULL;
    }
    return answer;
}

static sx_answer put_if(sx_store *store, const unsigned char *key,
                        uint64_t token, sx_str bytes, sx_record_meta *meta,
                        int64_t now_ms)
{
    cookie_backend *backend = backend_of(store);
    carried *of;

    if (!sx_record_meta_ok(meta))
        return SX_STORE_UNAVAILABLE;
    if (meta->kind == SX_EPOCH)
        return backend->inner->ops->put_if(backend->inner, key, token, bytes,
                                           meta, now_ms);
    of = token ? find(backend, key) : add(backend, key);
    if (!of)
        return SX_STORE_GONE;
    if (!token)
        of->is_new = true;
    of->inner_token = token == TOKEN_CARRIED ? 0 : token;
    if (meta->kind == SX_ALIAS)
        return put_alias(backend, of, bytes, meta, now_ms);
    of->sequence++;
    return put_session(backend, of, bytes, meta, now_ms);
}

/* ---- touch, remove ------------------------------------------------------ */

static sx_answer touch(sx_store *store, const unsigned char *key,
                       int64_t expires_ms, int64_t now_ms)
{
    cookie_backend *backend = backend_of(store);
    sx_store *inner = backend->inner;
    carried *of = find(backend, key);
    sx_record_meta meta;
    sx_answer answer;
    sx_str bytes;

    if (!of || (of->inner_token && !of->is_shared))
        return inner->ops->touch(inner, key, expires_ms, now_ms);
    /* Nothing was found of it, or what was found has ended since. */
    if ((!of->is_newest && !of->inner_token) || of->meta.expires_ms <= now_ms)
        return SX_STORE_MISS;
    if (!of->is_newest || backend->may_not_send)
        return SX_STORE_OK;
    /* An end that came meanwhile is not to be followed by a cookie. */
    answer =
        inner->ops->get(inner, key, &bytes, &meta, 0, now_ms, backend->pool);
    if (answer != SX_STORE_MISS && answer != SX_STORE_OK)
        return answer;
    if (answer == SX_STORE_OK && meta.token != of->inner_token)
        return SX_STORE_MISS;
    meta = of->meta;
    expires_ms = sx_min64(expires_ms, meta.hard_end_ms);
    if (now_ms >= meta.last_access_ms) {
        meta.last_access_ms = now_ms;
        meta.expires_ms = expires_ms;
    }
    else if (expires_ms > meta.expires_ms) /* late, it takes nothing back */
        meta.expires_ms = expires_ms;
    of->text = make_load(backend, of, of->bytes, &meta);
    return SX_STORE_OK;
}

/* What `inner` has under the key now, for an end that comes whatever it is. */
static sx_answer look_again(const cookie_backend *backend, carried *of)
{
    sx_record_meta meta;
    sx_str bytes;
    sx_answer answer =
        backend->inner->ops->get(backend->inner, of->key, &bytes, &meta,
                                 SX_COMMIT_GRACE_MS, of->now_ms, backend->pool);

    if (answer == SX_STORE_OK && meta.kind == SX_TOMBSTONE)
        return SX_STORE_MISS;
    of->inner_token = answer == SX_STORE_OK ? meta.token : 0;
    return answer == SX_STORE_MISS || answer == SX_STORE_DAMAGED ? SX_STORE_OK
                                                                 : answer;
}

/* A tombstone, for as long as a cookie of the session could live. */
static sx_answer bury(const cookie_backend *backend, carried *of)
{
    sx_record_meta meta = of->meta;
    sx_answer answer;

    meta.kind = SX_TOMBSTONE;
    meta.expires_ms = meta.hard_end_ms;
    answer = put_inner(backend, of, (form){0, meta.hard_end_ms},
                       (sx_str){"", 0}, &meta, of->now_ms);
    return answer == SX_STORE_FULL ? SX_STORE_UNAVAILABLE : answer;
}

static sx_answer remove_session(sx_store *store, const unsigned char *key,
                                uint64_t token)
{
    cookie_backend *backend = backend_of(store);
    carried *of = find(backend, key);
    sx_answer answer = SX_STORE_CHANGED;

    if (!of || (of->is_new && of->inner_token))
        answer = backend->inner->ops->remove(backend->inner, key, token);
    else if (of->is_new)
        answer = SX_STORE_OK;
    else if (token) {
        of->inner_token = token == TOKEN_CARRIED ? 0 : token;
        answer = bury(backend, of);
    }
    else
        for (int i = 0; i < TRIES_MAX && answer == SX_STORE_CHANGED; i++) {
            answer = look_again(backend, of);
            if (answer == SX_STORE_OK)
                answer = bury(backend, of);
        }
    if (of && answer == SX_STORE_OK)
        of->text = NULL;
    return answer;
}

/* ---- the rest ----------------------------------------------------------- */

static sx_answer queue_enter(sx_store *store, const unsigned char *key,
                             int64_t wait_ms)
{
    sx_store *inner = backend_of(store)->inner;

    return inner->ops->queue_enter
               ? inner->ops->queue_enter(inner, key, wait_ms)
               : SX_STORE_OK;
}

static void queue_leave(sx_store *store, const unsigned char *key)
{
    sx_store *inner = backend_of(store)->inner;

    if (inner->ops->queue_enter)
        inner->ops->queue_leave(inner, key);
}

static int64_t clock_ms(sx_store *store)
{
    store = backend_of(store)->inner;
    return store->ops->clock_ms(store);
}

static const char *carry(sx_store *store, const unsigned char *key)
{
    const carried *of = find(backend_of(store), key);

    return of ? of->text : NULL;
}

static const sx_store_ops cookie_ops = {
    .name = "cookie",
    .get = get,
    .put_if = put_if,
    .touch = touch,
    .remove = remove_session,
    .queue_enter = queue_enter,
    .queue_leave = queue_leave,
    .clock_ms = clock_ms,
    .carry = carry,
};

sx_store *sx_store_cookie_create(sx_store *inner, const sx_id_scope *scope,
                                 apr_pool_t *pool)
{
    cookie_backend *backend = apr_pcalloc(pool, sizeof *backend);

    backend->base.ops = &cookie_ops;
    backend->inner = inner;
    backend->scope = *scope;
    backend->pool = pool;
    return &backend->base;
}
