/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sx_registry.h.
 *
 *   record   format 1 | zero 7 | seats, 80 bytes each, the oldest first
 *   seat     number 8 | handle 8 | epoch 8 | login_s 8 | since_ms 8 |
 *            id_born_ms 8 | store key 32
 *
 * Integers are little-endian.  The record is an epoch's kind to the store: it
 * is never given up for want of room, since whoever is not named is out.  It
 * has no user tag: a store's journal takes an epoch with one for a log-out.
 */
#include "sx_registry.h"

#include <endian.h>
#include <string.h>
#include <apr_strings.h>
#include "sx_sure.h"
#include "sx_tag.h"
#include "sx_user.h"

#define FORMAT    1
#define HEAD_LEN  8
#define TRIES_MAX 100

/* Behind a seat whose session is being written nobody looks for so long, which
 * is longer than a commit takes. */
#define FRESH_MS 10000

typedef struct seat {
    uint64_t number, handle, epoch;
    int64_t login_s;
    int64_t since_ms;   /* store clock: being written since; 0: it is there */
    int64_t id_born_ms; /* of the id that `key` is of: a later one is right */
    unsigned char key[SX_STORE_KEY_LEN];
} seat;

_Static_assert(sizeof(seat) == SX_SEAT_BYTES, "no byte between fields");

typedef struct registry {
    const sx_realm *realm;
    uint64_t tag;
    uint64_t token; /* of its record; 0: there is none */
    int lost;       /* answers, so far */
    int64_t end_ms; /* of the longest session in it */
    seat *seats;    /* with room for one more */
    size_t count;
    sx_now now;
    apr_pool_t *pool;
} registry;

/* ---- the record --------------------------------------------------------- */

static void registry_key(uint64_t tag, unsigned char key[SX_STORE_KEY_LEN])
{
    static const char name[SX_STORE_KEY_LEN - 8] = "sessions of a user";

    tag = htole64(tag);
    memcpy(key, name, sizeof name);
    memcpy(key + sizeof name, &tag, sizeof tag);
}

/* Both ways are the same. */
static void swap_ints(seat *s)
{
    s->number = htole64(s->number);
    s->handle = htole64(s->handle);
    s->epoch = htole64(s->epoch);
    s->login_s = (int64_t)htole64((uint64_t)s->login_s);
    s->since_ms = (int64_t)htole64((uint64_t)s->since_ms);
    s->id_born_ms = (int64_t)htole64((uint64_t)s->id_born_ms);
}

/* As the store remembers it.  SX_STORE_DAMAGED: and what it said is lost, so
 * nobody is named. */
static sx_answer read_remembered(registry *r, uint64_t tag)
{
    unsigned char key[SX_STORE_KEY_LEN];
    sx_record_meta meta;
    sx_str bytes = {"", 0};
    sx_answer answer;

    r->tag = tag;
    r->token = 0;
    r->end_ms = 0;
    r->count = 0;
    registry_key(tag, key);
    answer = r->realm->store->ops->get(r->realm->store, key, &bytes, &meta, 0,
                                       r->now.boot_ms, r->pool);
    if (answer == SX_STORE_OK) {
        r->token = meta.token;
        r->end_ms = meta.hard_end_ms;
        if (bytes.len >= HEAD_LEN && bytes.p[0] == FORMAT &&
            (bytes.len - HEAD_LEN) % SX_SEAT_BYTES == 0)
            r->count = (bytes.len - HEAD_LEN) / SX_SEAT_BYTES;
        else
            answer = SX_STORE_DAMAGED;
    }
    r->seats = apr_palloc(r->pool, (r->count + 1) * sizeof *r->seats);
    if (r->count)
        memcpy(r->seats, bytes.p + HEAD_LEN, r->count * SX_SEAT_BYTES);
    for (size_t i = 0; i < r->count; i++)
        swap_ints(&r->seats[i]);
    if (answer == SX_STORE_DAMAGED)
        sx_log(SX_LOG_WARN, "the registry of a user's sessions is damaged; "
                            "those that it named are ended");
    return answer == SX_STORE_MISS ? SX_STORE_OK : answer;
}

static sx_answer read_registry(registry *r, uint64_t tag)
{
    sx_store *store = r->realm->store;
    unsigned char key[SX_STORE_KEY_LEN];

    registry_key(tag, key);
    if (store->ops->refresh)
        store->ops->refresh(store, key);
    return read_remembered(r, tag);
}

static sx_answer write_registry(registry *r, int64_t end_ms)
{
    size_t len = HEAD_LEN + r->count * SX_SEAT_BYTES;
    char *bytes = apr_pcalloc(r->pool, len);
    unsigned char key[SX_STORE_KEY_LEN];
    sx_record_meta meta = {
        .kind = SX_EPOCH,
        .ns = sx_ns_number(r->realm->scope.ns),
        .created_ms = r->now.boot_ms,
        .last_access_ms = r->now.boot_ms,
        .expires_ms = end_ms > r->end_ms ? end_ms : r->end_ms,
    };
    sx_answer answer;

    meta.hard_end_ms = meta.expires_ms;
    bytes[0] = FORMAT;
    for (size_t i = 0; i < r->count; i++) {
        seat s = r->seats[i];

        swap_ints(&s);
        memcpy(bytes + HEAD_LEN + i * SX_SEAT_BYTES, &s, sizeof s);
    }
    registry_key(r->tag, key);
    answer = sx_sure_put(r->realm->store,
                         &(sx_put){.key = key,
                                   .token = r->token,
                                   .bytes = {bytes, len},
                                   .meta = &meta},
                         r->now.boot_ms, r->pool);
    /* It ended between the two, or nobody can tell: whose seat there is, is
     * read again, and a seat has a number of its own. */
    return answer == SX_STORE_GONE ||
                   (answer == SX_STORE_UNKNOWN && r->lost++ < SX_LOST_MAX)
               ? SX_STORE_CHANGED
               : answer;
}

/* ---- seats -------------------------------------------------------------- */

static size_t find(const registry *r, uint64_t number)
{
    size_t i = 0;

    while (i < r->count && r->seats[i].number != number)
        i++;
    return i;
}

static void take_out(registry *r, size_t i)
{
    memmove(r->seats + i, r->seats + i + 1,
            (r->count - i - 1) * sizeof *r->seats);
    r->count--;
}

static void put_in(registry *r, size_t i, const seat *s)
{
    memmove(r->seats + i + 1, r->seats + i, (r->count - i) * sizeof *r->seats);
    r->seats[i] = *s;
    r->count++;
}

/* Was the id that this seat knows made later?  Not if it is of a clock that has
 * begun anew since: a snapshot outlives a reboot. */
static bool knows_later(const registry *r, const seat *s, int64_t born_ms)
{
    return s->id_born_ms > born_ms &&
           s->id_born_ms <= r->now.boot_ms + FRESH_MS;
}

/* Is there a session behind it still?  Any answer but OK, GONE: an outage. */
static sx_answer look_behind(const registry *r, const seat *s, apr_pool_t *pool)
{
    sx_session session = {.handle = s->handle, .epoch = s->epoch};
    sx_found at = {.session = &session};
    int64_t writing_ms = s->since_ms ? r->now.boot_ms - s->since_ms : -1;
    sx_record_meta meta;
    sx_str bytes;
    sx_answer answer;

    if (writing_ms < 0 || writing_ms >= FRESH_MS) {
        answer = r->realm->store->ops->get(r->realm->store, s->key, &bytes,
                                           &meta, 0, r->now.boot_ms, pool);
        if (answer == SX_STORE_MISS || answer == SX_STORE_DAMAGED)
            return SX_STORE_GONE;
        if (answer != SX_STORE_OK)
            return answer;
        if (meta.handle != s->handle)
            return SX_STORE_GONE;
    }
    at.meta.kind = SX_USER;
    at.meta.user_tag = r->tag;
    return sx_epoch_check(r->realm, &at, r->now, pool);
}

/* Take out those that nobody sits in any more. */
static sx_answer prune(registry *r)
{
    apr_pool_t *each;
    sx_answer answer = SX_STORE_OK;

    apr_pool_create(&each, r->pool);
    for (size_t i = 0; i < r->count && answer == SX_STORE_OK;) {
        apr_pool_clear(each);
        answer = look_behind(r, &r->seats[i], each);
        if (answer == SX_STORE_GONE) {
            take_out(r, i);
            answer = SX_STORE_OK;
        }
        else {
            i++;
        }
    }
    apr_pool_destroy(each);
    return answer;
}

/* ---- the user's other registries ---------------------------------------- */

static void remove_records(const sx_realm *realm, const seat *seats,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sx_answer answer = sx_sure_remove(realm->store, seats[i].key, 0);

        if (sx_answer_is_outage(answer))
            sx_log(SX_LOG_WARN,
                   "the record of a session that has ended for a newer log-in "
                   "could not be removed (%s)",
                   sx_answer_str(answer));
    }
}

/* The oldest, until ${max} are left.  They lie behind the others, where the
 * caller finds them. */
static size_t evict(registry *r, size_t max)
{
    size_t out = r->count > max ? r->count - max : 0;
    seat *all = apr_pmemdup(r->pool, r->seats, r->count * sizeof *all);

    r->count -= out;
    memcpy(r->seats, all + out, r->count * sizeof *all);
    memcpy(r->seats + r->count, all, out * sizeof *all);
    return out;
}

/* Those of another key that still live and do not sit in ${own}, too. */
static sx_answer read_other(registry *r, uint64_t tag, const registry *own)
{
    sx_answer answer = read_registry(r, tag);

    if (answer == SX_STORE_DAMAGED)
        answer = SX_STORE_OK;
    if (answer == SX_STORE_OK)
        answer = prune(r);
    for (size_t i = r->count; i-- > 0 && answer == SX_STORE_OK;)
        if (find(own, r->seats[i].number) < own->count)
            take_out(r, i);
    return answer;
}

/* Leave ${max} of them. */
static sx_answer trim_other(registry *r, uint64_t tag, const registry *own,
                            size_t max, unsigned *evicted)
{
    sx_answer answer = SX_STORE_CHANGED;
    size_t out = 0;

    for (int i = 0; i < TRIES_MAX && answer == SX_STORE_CHANGED; i++) {
        answer = read_other(r, tag, own);
        if (answer != SX_STORE_OK || r->count <= max)
            return answer;
        out = evict(r, max);
        answer = write_registry(r, r->end_ms);
    }
    if (answer == SX_STORE_OK) {
        remove_records(r->realm, r->seats + r->count, out);
        *evicted += (unsigned)out;
    }
    return answer;
}

/* All of them: how many, and with ${evicted} none beyond the limit. */
static sx_answer count_others(const sx_sitting *who, const registry *own,
                              size_t *count, unsigned *evicted)
{
    const sx_realm *realm = who->realm;
    sx_str user = sx_session_user(who->session, realm->user_key);
    registry r = {.realm = realm, .now = who->now, .pool = own->pool};
    sx_answer answer = SX_STORE_OK;

    *count = own->count;
    for (unsigned kid = 0; kid < 256 && answer == SX_STORE_OK; kid++) {
        uint64_t tag;
        size_t max = realm->per_user.max;

        if (!sx_keys_get(realm->scope.keys, (unsigned char)kid,
                         SX_PURPOSE_USER))
            continue;
        tag = sx_user_tag(realm, (unsigned char)kid, user);
        if (tag == own->tag)
            continue;
        max = max > *count ? max - *count : 0;
        answer = evicted ? trim_other(&r, tag, own, max, evicted)
                         : read_other(&r, tag, own);
        *count += r.count;
    }
    return answer;
}

/* ---- before a write ----------------------------------------------------- */

/* Among the others by its log-in.  Who comes later logged in earlier than those
 * of the same second who are here. */
static size_t place_of(const registry *r, int64_t login_s)
{
    size_t i = 0;

    while (i < r->count && r->seats[i].login_s < login_s)
        i++;
    return i;
}

static seat seat_of(const sx_sitting *who)
{
    seat s = {
        .number = who->session->seat,
        .handle = who->session->handle,
        .epoch = who->session->epoch,
        .login_s = who->session->login_s,
        .id_born_ms = who->session->id_born_ms,
    };

    memcpy(s.key, who->id->store_key, SX_STORE_KEY_LEN);
    return s;
}

/* Its renewal has begun: nobody shall look behind its seat until it is there
 * again.  One of another key has no seat here yet. */
static sx_answer confirm(registry *r, const sx_sitting *who, bool is_new_here)
{
    size_t i = find(r, who->session->seat);
    seat s = seat_of(who);

    s.since_ms = who->now.boot_ms;
    if (i < r->count)
        r->seats[i].since_ms = s.since_ms;
    else if (is_new_here)
        put_in(r, place_of(r, s.login_s), &s);
    else
        return SX_STORE_GONE;
    return write_registry(r, who->meta->hard_end_ms);
}

/* A session from before there was a limit takes a seat if there is room; it
 * ends nobody.  Its writers are one: they share what the first has taken. */
static sx_answer join(registry *r, const sx_sitting *who, uint64_t number)
{
    sx_answer answer = SX_STORE_OK;
    seat s;

    for (size_t i = 0; i < r->count; i++)
        if (r->seats[i].handle == who->session->handle) {
            who->session->seat = r->seats[i].number;
            return SX_STORE_OK;
        }
    if (r->count >= who->realm->per_user.max)
        answer = prune(r);
    if (answer != SX_STORE_OK || r->count >= who->realm->per_user.max)
        return answer;
    who->session->seat = number;
    s = seat_of(who);
    put_in(r, place_of(r, s.login_s), &s);
    return write_registry(r, who->meta->hard_end_ms);
}

/* A log-in where one too many is refused. */
static sx_answer admit(registry *r, const sx_sitting *who, sx_claim *claim)
{
    size_t all, i = find(r, claim->number);
    sx_answer answer = SX_STORE_OK;
    seat s = seat_of(who);

    s.since_ms = who->now.boot_ms;
    if (i < r->count) { /* at an earlier try */
        r->seats[i].since_ms = s.since_ms;
        return write_registry(r, who->meta->hard_end_ms);
    }
    answer = prune(r);
    if (answer == SX_STORE_OK)
        answer = count_others(who, r, &all, NULL);
    if (answer != SX_STORE_OK)
        return answer;
    claim->denied = all >= who->realm->per_user.max;
    if (claim->denied)
        return SX_STORE_FULL;
    put_in(r, r->count, &s);
    answer = write_registry(r, who->meta->hard_end_ms);
    if (answer == SX_STORE_OK)
        claim->tag = r->tag;
    return answer;
}

static sx_answer reserve_once(registry *r, const sx_sitting *who,
                              uint64_t tag_before, sx_claim *claim)
{
    sx_session *session = who->session;
    bool had_none = session->seat == 0;
    sx_answer answer = read_registry(r, who->meta->user_tag);

    if (answer != SX_STORE_OK && answer != SX_STORE_DAMAGED)
        return answer;
    if (!had_none)
        return confirm(r, who, who->meta->user_tag != tag_before);
    if (who->logs_in) {
        session->seat = claim->number;
        answer = admit(r, who, claim);
    }
    else {
        answer = join(r, who, claim->number);
    }
    if (answer != SX_STORE_OK)
        session->seat = 0;
    return answer;
}

sx_answer sx_registry_reserve(const sx_sitting *who, uint64_t tag_before,
                              sx_claim *claim)
{
    const sx_per_user *limit = &who->realm->per_user;
    registry r = {.realm = who->realm, .now = who->now};
    sx_session *session = who->session;
    sx_answer answer = SX_STORE_CHANGED;

    /* In its place: nothing of it changes. */
    if (session->seat ? !who->moves : limit->max == 0)
        return SX_STORE_OK;
    while (claim->number == 0)
        sx_random(&claim->number, sizeof claim->number);
    if (session->seat == 0 && who->logs_in && !limit->deny) {
        session->seat = claim->number;
        return SX_STORE_OK;
    }
    apr_pool_create(&r.pool, who->pool);
    for (int i = 0; i < TRIES_MAX && answer == SX_STORE_CHANGED; i++) {
        apr_pool_clear(r.pool);
        answer = reserve_once(&r, who, tag_before, claim);
    }
    apr_pool_destroy(r.pool);
    return answer;
}

/* ---- after it ----------------------------------------------------------- */

static sx_answer settle_once(registry *r, const sx_sitting *who, size_t *out)
{
    const sx_per_user *limit = &who->realm->per_user;
    sx_answer answer = read_registry(r, who->meta->user_tag);
    size_t i = find(r, who->session->seat);
    seat s = seat_of(who);

    *out = 0;
    if (answer != SX_STORE_OK && answer != SX_STORE_DAMAGED)
        return answer;
    if (i == r->count && (!who->logs_in || limit->deny))
        return SX_STORE_GONE;
    if (i < r->count && !who->logs_in &&
        knows_later(r, &r->seats[i], s.id_born_ms))
        return SX_STORE_OK; /* renewed again, and told so, before us */
    if (i < r->count)
        take_out(r, i);
    if (!who->logs_in) {
        put_in(r, i, &s);
        return write_registry(r, who->meta->hard_end_ms);
    }
    if (limit->max && !limit->deny && r->count >= limit->max) {
        answer = prune(r);
        if (answer != SX_STORE_OK)
            return answer;
    }
    put_in(r, r->count, &s);
    if (limit->max && !limit->deny)
        *out = evict(r, limit->max);
    return write_registry(r, who->meta->hard_end_ms);
}

sx_answer sx_registry_settle(const sx_sitting *who, unsigned *evicted)
{
    const sx_per_user *limit = &who->realm->per_user;
    registry r = {.realm = who->realm, .now = who->now};
    sx_answer answer = SX_STORE_CHANGED;
    size_t out = 0, all;

    if (who->session->seat == 0)
        return SX_STORE_OK;
    apr_pool_create(&r.pool, who->pool);
    for (int i = 0; i < TRIES_MAX && answer == SX_STORE_CHANGED; i++) {
        apr_pool_clear(r.pool);
        answer = settle_once(&r, who, &out);
    }
    if (answer == SX_STORE_OK) {
        remove_records(who->realm, r.seats + r.count, out);
        *evicted += (unsigned)out;
        if (who->logs_in && limit->max && !limit->deny)
            answer = count_others(who, &r, &all, evicted);
    }
    apr_pool_destroy(r.pool);
    /* What was decided is not tried again from its beginning. */
    return answer == SX_STORE_CHANGED ? SX_STORE_BUSY : answer;
}

void sx_registry_leave(const sx_realm *realm, const sx_claim *claim, sx_now now,
                       apr_pool_t *pool)
{
    registry r = {.realm = realm, .now = now};
    sx_answer answer = SX_STORE_CHANGED;
    size_t i;

    apr_pool_create(&r.pool, pool);
    for (int try = 0; try < TRIES_MAX && answer == SX_STORE_CHANGED; try++) {
        apr_pool_clear(r.pool);
        answer = read_registry(&r, claim->tag);
        i = find(&r, claim->number);
        if (answer != SX_STORE_OK || i == r.count)
            break;
        take_out(&r, i);
        answer = write_registry(&r, r.end_ms);
    }
    apr_pool_destroy(r.pool);
}

/* ---- at load ------------------------------------------------------------ */

/* Who died between its renewal and telling so has left the old place here. */
static void tell_place(registry *r, size_t i, const sx_found *at)
{
    if (!memcmp(r->seats[i].key, at->id.store_key, SX_STORE_KEY_LEN) ||
        knows_later(r, &r->seats[i], at->session->id_born_ms))
        return;
    r->seats[i].id_born_ms = at->session->id_born_ms;
    memcpy(r->seats[i].key, at->id.store_key, SX_STORE_KEY_LEN);
    (void)write_registry(r, r->end_ms);
}

sx_answer sx_registry_check(const sx_realm *realm, const sx_found *at,
                            sx_now now, apr_pool_t *pool)
{
    registry r = {.realm = realm, .now = now, .pool = pool};
    sx_answer answer;
    size_t i;

    if (at->meta.kind != SX_USER || at->session->seat == 0)
        return SX_STORE_OK;
    answer = read_remembered(&r, at->meta.user_tag);
    i = find(&r, at->session->seat);
    /* What is remembered may be older than this seat. */
    if (answer == SX_STORE_OK && i == r.count && realm->store->ops->refresh) {
        answer = read_registry(&r, at->meta.user_tag);
        i = find(&r, at->session->seat);
    }
    if (sx_answer_is_outage(answer))
        return answer;
    if (i == r.count)
        return SX_STORE_GONE;
    tell_place(&r, i, at);
    return SX_STORE_OK;
}
