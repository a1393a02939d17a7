/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields are written one behind the other, numbers in as few bytes as they
 * need, strings behind their length; both sides are of one build, and another
 * one is told by the version.  Reading goes on to the end with whatever it
 * finds, and then asks once if all of it was there: what was sealed here is
 * either whole or was never opened.
 */
#include "sx_ticket.h"

#include <stdio.h>
#include <string.h>
#include <apr_strings.h>
#include "sx_seal.h"
#include "sx_tag.h"

#define VERSION   2
#define HEAD      2     /* version and kid */
#define TEXT_MAX  16000 /* what every gateway hands on */
#define PLAIN_MAX (TEXT_MAX / 4 * 3 - HEAD - SX_SEAL_OVERHEAD)
_Static_assert(SX_ALIAS_LEN == 2 * SX_ALIAS_BYTES, "hex digits");

#define NUMBER 10 /* bytes at most */

/* Bytes that are written, or read. */
typedef struct fields {
    char *p;
    size_t len;  /* so far */
    size_t size; /* there are */
    bool bad;    /* they were not enough */
} fields;

static char *next(fields *f, size_t len)
{
    char *at = f->p + f->len;

    if (len > f->size - f->len) {
        f->bad = true;
        return NULL;
    }
    f->len += len;
    return at;
}

/* Seven bits a byte, as long as there are more: most are small. */
static void put_number(fields *f, uint64_t n)
{
    char *at = next(f, 1);

    while (at && n > 127) {
        *at = (char)(unsigned char)(n | 128);
        n >>= 7;
        at = next(f, 1);
    }
    if (at)
        *at = (char)n;
}

static uint64_t get_number(fields *f)
{
    const char *at = next(f, 1);
    uint64_t n = 0;

    for (int shift = 0; at && shift < 64; shift += 7) {
        n |= (uint64_t)(*at & 127) << shift;
        if (!(*at & 128))
            break;
        at = next(f, 1);
    }
    return n;
}

/* One of a few words. */
static unsigned get_word(fields *f, unsigned last)
{
    uint64_t n = get_number(f);

    f->bad |= n > last;
    return n > last ? 0 : (unsigned)n;
}

static void put_time(fields *f, int64_t ms)
{
    put_number(f, (uint64_t)ms);
}

static int64_t get_time(fields *f)
{
    return (int64_t)get_number(f);
}

static void put_bytes(fields *f, const void *bytes, size_t len)
{
    char *at = next(f, len);

    if (at && bytes)
        memcpy(at, bytes, len);
}

static void get_bytes(fields *f, void *bytes, size_t len)
{
    const char *at = next(f, len);

    if (at)
        memcpy(bytes, at, len);
}

static void put_str(fields *f, sx_str s)
{
    put_number(f, s.p ? s.len + 1 : 0);
    put_bytes(f, s.p, s.len);
}

/* One that was not there stays so. */
static sx_str get_str(fields *f, apr_pool_t *pool)
{
    uint64_t n = get_number(f);
    const char *at =
        n ? next(f, n > f->size ? f->size + 1 : (size_t)n - 1) : NULL;

    return at ? sx_str_dup((sx_str){at, (size_t)n - 1}, pool)
              : (sx_str){NULL, 0};
}

static const char *get_z(fields *f, apr_pool_t *pool)
{
    sx_str s = get_str(f, pool);

    return s.p ? s.p : "";
}

/* ---- the policy --------------------------------------------------------- */

static void put_policy(fields *f, const sx_realm *realm)
{
    put_str(f, sx_str_of(realm->scope.cookie_name));
    put_str(f, sx_str_of(realm->scope.ns));
    put_time(f, realm->times.idle_ms);
    put_time(f, realm->times.idle_max_ms);
    put_time(f, realm->times.absolute_ms);
    put_time(f, realm->times.renew_ms);
    put_time(f, realm->times.grace_ms);
    put_time(f, realm->times.touch_ms);
    put_number(f, realm->limits.max_size);
    put_number(f, realm->limits.idle_max_s);
    put_number(f, realm->limits.flash_max);
    put_number(f, realm->limits.flash_bytes);
    put_str(f, realm->user_key);
    put_number(f, realm->encrypt);
    put_number(f, realm->per_user.max);
    put_number(f, realm->per_user.deny);
    put_number(f, realm->client.bind);
    for (int i = 0; i < SX_CLIENT_PARTS; i++)
        put_str(f, realm->client.part[i]);
}

static void get_policy(fields *f, sx_realm *realm, apr_pool_t *pool)
{
    realm->scope.cookie_name = get_z(f, pool);
    realm->scope.ns = get_z(f, pool);
    realm->times.idle_ms = get_time(f);
    realm->times.idle_max_ms = get_time(f);
    realm->times.absolute_ms = get_time(f);
    realm->times.renew_ms = get_time(f);
    realm->times.grace_ms = get_time(f);
    realm->times.touch_ms = get_time(f);
    realm->limits.max_size = (size_t)get_number(f);
    realm->limits.idle_max_s = (uint32_t)get_number(f);
    realm->limits.flash_max = (uint32_t)get_number(f);
    realm->limits.flash_bytes = (size_t)get_number(f);
    realm->user_key = get_str(f, pool);
    realm->encrypt = get_number(f) != 0;
    realm->per_user.max = (unsigned)get_number(f);
    realm->per_user.deny = get_number(f) != 0;
    realm->client.bind = (sx_bind)get_word(f, SX_BIND_KILL);
    for (int i = 0; i < SX_CLIENT_PARTS; i++)
        realm->client.part[i] = get_str(f, pool);
}

/* ---- the session -------------------------------------------------------- */

/* It was verified where the ticket was made. */
static void put_id(fields *f, const sx_id *id)
{
    put_number(f, id != NULL);
    if (!id)
        return;
    put_number(f, id->kid);
    put_bytes(f, id->text, SX_ID_LEN);
    put_bytes(f, id->store_key, SX_STORE_KEY_LEN);
    put_bytes(f, id->alias, SX_ALIAS_BYTES);
    put_bytes(f, id->seal_key, SX_SECRET_LEN);
}

static const sx_id *get_id(fields *f, apr_pool_t *pool)
{
    sx_id *id;

    if (get_number(f) == 0)
        return NULL;
    id = apr_pcalloc(pool, sizeof *id);
    id->kid = (unsigned char)get_number(f);
    get_bytes(f, id->text, SX_ID_LEN);
    get_bytes(f, id->store_key, SX_STORE_KEY_LEN);
    get_bytes(f, id->alias, SX_ALIAS_BYTES);
    get_bytes(f, id->seal_key, SX_SECRET_LEN);
    return id;
}

void sx_alias_of(const sx_id *id, char alias[SX_ALIAS_LEN + 1])
{
    (void)sx_hex(id->alias, SX_ALIAS_BYTES, alias);
}

/* ---- fields ------------------------------------------------------------- */

static void put_ticket(fields *f, const sx_ticket *ticket)
{
    put_policy(f, &ticket->realm);
    put_str(f, sx_str_of(ticket->store));
    put_number(f, ticket->life);
    put_number(f, ticket->rules.evicts);
    put_number(f, ticket->rules.max_anonymous);
    put_number(f, ticket->rules.max_namespace);
    put_id(f, ticket->id);
    put_number(f, ticket->handle);
    put_number(f, ticket->via_alias);
    put_number(f, ticket->unavailable);
    put_number(f, ticket->may_send_cookie);
    put_number(f, ticket->is_closed);
}

static void get_ticket(fields *f, sx_ticket *ticket, apr_pool_t *pool)
{
    get_policy(f, &ticket->realm, pool);
    ticket->store = get_z(f, pool);
    ticket->life = get_number(f);
    ticket->rules.evicts = get_number(f) != 0;
    ticket->rules.max_anonymous = (unsigned)get_number(f);
    ticket->rules.max_namespace = (unsigned)get_number(f);
    ticket->id = get_id(f, pool);
    ticket->handle = get_number(f);
    ticket->via_alias = get_number(f) != 0;
    ticket->unavailable = get_number(f) != 0;
    ticket->may_send_cookie = get_number(f) != 0;
    ticket->is_closed = get_number(f) != 0;
}

/* ---- ticket ------------------------------------------------------------- */

#define BOUND_MAX (2 + HEAD + SX_ALIAS_LEN)

static sx_str ticket_bound(const char head[HEAD], sx_str alias,
                           char room[BOUND_MAX])
{
    memcpy(room, "tk", 2);
    memcpy(room + 2, head, HEAD);
    memcpy(room + 2 + HEAD, alias.p, alias.len);
    return (sx_str){room, 2 + HEAD + alias.len};
}

static void reply_to(sx_reply_to *to, const char head[HEAD], sx_str sealed)
{
    to->kid = (unsigned char)head[1];
    memcpy(to->mark, sealed.p + 1, SX_MARK_LEN);
}

/* alias | '.' | base64url( head | sealed ) */
static const char *text_of(sx_str alias, const char head[HEAD], sx_str sealed,
                           apr_pool_t *pool)
{
    size_t len = HEAD + sealed.len;
    char *bytes = apr_palloc(pool, len);

    memcpy(bytes, head, HEAD);
    memcpy(bytes + HEAD, sealed.p, sealed.len);
    return apr_pstrcat(pool, alias.p, ".",
                       sx_to_text((sx_str){bytes, len}, pool).p, NULL);
}

const char *sx_ticket_make(const sx_ticket *ticket, sx_reply_to *to,
                           apr_pool_t *pool)
{
    const sx_keys *keys = ticket->realm.scope.keys;
    unsigned char kid = sx_keys_first(keys);
    char head[HEAD] = {VERSION, (char)kid};
    char room[BOUND_MAX], plain[PLAIN_MAX], alias[SX_ALIAS_LEN + 1] = "";
    fields f = {.p = plain, .size = sizeof plain};
    sx_str sealed;

    put_ticket(&f, ticket);
    if (f.bad)
        return NULL;
    if (ticket->id)
        sx_alias_of(ticket->id, alias);
    sealed = sx_seal(sx_keys_get(keys, kid, SX_PURPOSE_TICKET),
                     ticket_bound(head, sx_str_of(alias), room),
                     (sx_str){plain, f.len}, pool);
    sx_wipe(plain, f.len);
    reply_to(to, head, sealed);
    return text_of(sx_str_of(alias), head, sealed, pool);
}

/* What is in front of the dot, if that is an alias or nothing. */
static bool alias_in(sx_str text, sx_str *alias)
{
    const char *dot = memchr(
        text.p, '.', text.len > SX_ALIAS_LEN ? SX_ALIAS_LEN + 1 : text.len);

    *alias = (sx_str){text.p, dot ? (size_t)(dot - text.p) : 0};
    return dot && (alias->len == 0 || alias->len == SX_ALIAS_LEN);
}

bool sx_ticket_alias(const char *text, char alias[SX_ALIAS_LEN + 1])
{
    sx_str found;

    if (!alias_in(sx_str_of(text), &found) || found.len == 0)
        return false;
    memcpy(alias, found.p, SX_ALIAS_LEN);
    alias[SX_ALIAS_LEN] = '\0';
    return true;
}

bool sx_ticket_open(const sx_keys *keys, sx_str text, sx_ticket *ticket,
                    sx_reply_to *to, apr_pool_t *pool)
{
    char room[BOUND_MAX];
    const unsigned char *key;
    sx_str alias, bytes, sealed, plain;
    fields f;

    memset(ticket, 0, sizeof *ticket);
    if (text.len == 0 || !alias_in(text, &alias))
        return false;
    text.p += alias.len + 1;
    text.len -= alias.len + 1;
    if (!sx_from_text(text, &bytes, pool) || bytes.len <= HEAD ||
        bytes.p[0] != VERSION)
        return false;
    sealed = (sx_str){bytes.p + HEAD, bytes.len - HEAD};
    key = sx_keys_get(keys, (unsigned char)bytes.p[1], SX_PURPOSE_TICKET);
    if (!key || !sx_unseal(key, ticket_bound(bytes.p, alias, room), sealed,
                           false, &plain, pool))
        return false;
    reply_to(to, bytes.p, sealed);
    f = (fields){.p = (char *)(uintptr_t)plain.p, .size = plain.len};
    get_ticket(&f, ticket, pool);
    ticket->realm.scope.keys = keys;
    return !f.bad && f.len == plain.len;
}

/* ---- reply -------------------------------------------------------------- */

/* What is said by a letter alone: read or written, and if it is upper case,
 * that the id is due for another one. */
static char letter_of(const sx_committed *done)
{
    return done->wrote ? (done->old_id ? 'W' : 'w')
                       : (done->old_id ? 'R' : 'r');
}

static bool read_letter(char letter, sx_committed *done)
{
    done->wrote = letter == 'w' || letter == 'W';
    done->old_id = letter == 'R' || letter == 'W';
    return letter == letter_of(done);
}

#define WORD_LEN 9 /* and a tag */

static bool only_used(const sx_committed *done)
{
    return done->cookie == SX_COOKIE_KEEP && !done->created && !done->renewed &&
           !done->destroyed && !done->logged_out && !done->evicted &&
           !done->client_changed && !done->retries;
}

/* That of ${letter}, for this ticket; false: there is no such key. */
static bool make_word(const sx_keys *keys, const sx_reply_to *to, char letter,
                      char word[WORD_LEN + 1])
{
    const unsigned char *key = sx_keys_get(keys, to->kid, SX_PURPOSE_REPLY);
    char text[1 + SX_MARK_LEN] = {letter};

    if (!key)
        return false;
    memcpy(text + 1, to->mark, SX_MARK_LEN);
    snprintf(word, WORD_LEN + 1, "%c%08x", letter,
             sx_short_tag(key, (sx_str){text, sizeof text}));
    return true;
}

static sx_str reply_bound(const sx_reply_to *to, char room[2 + SX_MARK_LEN])
{
    memcpy(room, "re", 2);
    memcpy(room + 2, to->mark, SX_MARK_LEN);
    return (sx_str){room, 2 + SX_MARK_LEN};
}

const char *sx_reply_make(const sx_keys *keys, const sx_reply_to *to,
                          const sx_committed *done, apr_pool_t *pool)
{
    char plain[16 * NUMBER + SX_ID_LEN], room[2 + SX_MARK_LEN];
    char word[WORD_LEN + 1];
    fields f = {.p = plain, .size = sizeof plain};
    bool sends = done->cookie == SX_COOKIE_SEND;
    sx_str sealed;

    if (only_used(done) && make_word(keys, to, letter_of(done), word))
        return apr_pstrdup(pool, word);
    put_number(&f, done->cookie);
    put_str(&f, sends ? (sx_str){done->id.text, SX_ID_LEN} : (sx_str){NULL, 0});
    put_number(&f, done->persist);
    put_time(&f, done->hard_end_ms);
    put_number(&f, done->handle);
    put_number(&f, done->created);
    put_number(&f, done->renewed);
    put_number(&f, done->destroyed);
    put_number(&f, done->wrote);
    put_number(&f, done->old_id);
    put_number(&f, done->logged_out);
    put_number(&f, done->evicted);
    put_number(&f, done->client_changed);
    put_number(&f, done->retries);
    sealed = sx_seal(sx_keys_get(keys, to->kid, SX_PURPOSE_REPLY),
                     reply_bound(to, room), (sx_str){plain, f.len}, pool);
    sx_wipe(plain, f.len);
    return sx_to_text(sealed, pool).p;
}

static bool read_word(const sx_keys *keys, const sx_reply_to *to, sx_str text,
                      sx_committed *done)
{
    char word[WORD_LEN + 1];

    return read_letter(text.p[0], done) &&
           make_word(keys, to, text.p[0], word) &&
           sx_str_eq(text, sx_str_of(word));
}

bool sx_reply_open(const sx_id_scope *scope, const sx_reply_to *to, sx_str text,
                   sx_committed *done, apr_pool_t *pool)
{
    const unsigned char *key =
        sx_keys_get(scope->keys, to->kid, SX_PURPOSE_REPLY);
    char room[2 + SX_MARK_LEN];
    sx_str sealed, plain, id;
    fields f;

    memset(done, 0, sizeof *done);
    if (text.len == WORD_LEN)
        return read_word(scope->keys, to, text, done);
    if (!key || !sx_from_text(text, &sealed, pool) ||
        !sx_unseal(key, reply_bound(to, room), sealed, false, &plain, pool))
        return false;
    f = (fields){.p = (char *)(uintptr_t)plain.p, .size = plain.len};
    done->cookie = (sx_cookie_action)get_word(&f, SX_COOKIE_DELETE);
    id = get_str(&f, pool);
    done->persist = get_number(&f) != 0;
    done->hard_end_ms = get_time(&f);
    done->handle = get_number(&f);
    done->created = get_number(&f) != 0;
    done->renewed = get_number(&f) != 0;
    done->destroyed = get_number(&f) != 0;
    done->wrote = get_number(&f) != 0;
    done->old_id = get_number(&f) != 0;
    done->logged_out = get_number(&f) != 0;
    done->evicted = (unsigned)get_number(&f);
    done->client_changed = (unsigned)get_number(&f);
    done->retries = (unsigned)get_number(&f);
    return !f.bad && f.len == plain.len &&
           (done->cookie != SX_COOKIE_SEND ||
            sx_id_verify(&done->id, id, scope));
}
