/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets and replies: whole through the environment and a header, and nothing
 * to whoever has another key, or has changed a byte. */
#include "stage.h"

#include "sx_ticket.h"

static stage at;

static sx_ticket sample(const sx_id *id)
{
    sx_ticket ticket = {
        .realm = at.realm,
        .store = "/run/store",
        .life = UINT64_C(0x8000000000000001),
        .rules = {true, 80, 25},
        .id = id,
        .handle = 4711,
        .via_alias = true,
        .is_closed = true,
        .may_send_cookie = true,
    };

    ticket.realm.per_user = (sx_per_user){3, true};
    ticket.realm.client = (sx_client){
        .bind = SX_BIND_KILL,
        .part = {{"Mozilla", 7}, {NULL, 0}, {"", 0}},
    };
    return ticket;
}

static bool same_id(const sx_id *a, const sx_id *b)
{
    return a && b && !strcmp(a->text, b->text) && a->kid == b->kid &&
           !memcmp(a->store_key, b->store_key, SX_STORE_KEY_LEN) &&
           !memcmp(a->alias, b->alias, SX_ALIAS_BYTES) &&
           !memcmp(a->seal_key, b->seal_key, SX_SECRET_LEN);
}

static bool open_ticket(const sx_keys *keys, sx_str text, sx_ticket *read)
{
    sx_reply_to to;

    return sx_ticket_open(keys, text, read, &to, at.pool);
}

static void test_ticket(const sx_id *id)
{
    sx_ticket made = sample(id), read;
    sx_reply_to to, read_to;
    const char *text = sx_ticket_make(&made, &to, at.pool);
    const sx_realm *realm = &read.realm;
    char alias[SX_ALIAS_LEN + 1], wanted[SX_ALIAS_LEN + 1];
    sx_id other;

    ok(sx_ticket_open(at.keys, sx_str_of(text), &read, &read_to, at.pool),
       "a ticket opens with the keys that made it");
    ok(to.kid == read_to.kid && !memcmp(to.mark, read_to.mark, SX_MARK_LEN),
       "and both sides know what its reply is bound to");
    sx_alias_of(id, wanted);
    ok(sx_ticket_alias(text, alias) && !strcmp(alias, wanted) &&
           strlen(alias) == SX_ALIAS_LEN,
       "its first letters are the alias of the session");
    sx_id_mint(&other, &at.realm.scope);
    sx_alias_of(&other, alias);
    ok(strcmp(alias, wanted) != 0, "which is that of no other");
    ok(realm->scope.keys == at.keys && !realm->store, "its realm has the keys");
    is_str(realm->scope.cookie_name, "sid", "the cookie's name is in it");
    is_str(realm->scope.ns, "example.org", "and the namespace");
    ok(memcmp(&realm->times, &made.realm.times, sizeof(realm->times)) == 0,
       "times");
    ok(realm->limits.max_size == 65536 && realm->limits.idle_max_s == 3600 &&
           realm->limits.flash_max == SX_FLASH_MAX &&
           realm->limits.flash_bytes == SX_FLASH_BYTES,
       "limits");
    ok(sx_str_eq(realm->user_key, sx_str_of("user")) && realm->encrypt,
       "the user key, and that values are sealed");
    ok(realm->per_user.max == 3 && realm->per_user.deny, "how many of a user");
    ok(realm->client.bind == SX_BIND_KILL &&
           sx_str_eq(realm->client.part[0], sx_str_of("Mozilla")) &&
           !realm->client.part[1].p && realm->client.part[2].p,
       "the client: what is named, what is not, and what is empty");
    is_str(read.store, "/run/store", "the store's file");
    ok(read.life == made.life, "and its life");
    ok(read.rules.evicts && read.rules.max_anonymous == 80 &&
           read.rules.max_namespace == 25,
       "what it lets go, and for whom");
    ok(same_id(read.id, id) && read.handle == 4711, "the id and the handle");
    ok(read.via_alias && read.may_send_cookie && read.is_closed &&
           !read.unavailable,
       "flags");
    ok(strcmp(text, sx_ticket_make(&made, &to, at.pool)) != 0,
       "the same ticket has another text each time");
    made.id = NULL;
    text = sx_ticket_make(&made, &to, at.pool);
    ok(!sx_ticket_alias(text, alias) &&
           open_ticket(at.keys, sx_str_of(text), &read) && !read.id,
       "one without a session says so");
}

/* Who has opened a record need not open it again; but only that one. */
static void test_opened(void)
{
    sx_committed *first = commit(&at, load(&at, NULL), "Session-Set: a=1");
    sx_loaded *loaded = load(&at, first->id.text);
    sx_realm realm = at.realm;
    sx_opened opened = {.token = loaded->meta.token, .plain = loaded->plain};
    sx_loaded again;

    memcpy(opened.store_key, loaded->id.store_key, SX_STORE_KEY_LEN);
    realm.opened = &opened;
    loaded->id.seal_key[0] ^= 1; /* nothing opens with it */
    sx_load_id(&realm, &loaded->id, at.now, &again, at.pool);
    ok(again.status == SX_STATUS_ACTIVE &&
           sx_session_get(again.session, sx_str_of("a")),
       "what was opened before is taken as it is");
    opened.token++;
    sx_load_id(&realm, &loaded->id, at.now, &again, at.pool);
    ok(again.status == SX_STATUS_INVALID, "unless it was written since");
    opened.token--;
    opened.store_key[0] ^= 1;
    sx_load_id(&realm, &loaded->id, at.now, &again, at.pool);
    ok(again.status == SX_STATUS_INVALID, "or is another");
}

static void test_refused(const sx_id *id)
{
    sx_ticket made = sample(id), read;
    sx_reply_to to;
    const char *text = sx_ticket_make(&made, &to, at.pool);
    sx_keys *others = stage_keys((const unsigned char *)"\2", 1);
    sx_keys *later = stage_keys((const unsigned char *)"\2\1", 2);
    char *bent = apr_pstrdup(at.pool, text);
    size_t len = strlen(text);
    unsigned opened = 0;

    ok(!open_ticket(others, sx_str_of(text), &read), "other keys open nothing");
    ok(open_ticket(later, sx_str_of(text), &read), "a rotated one does");
    for (size_t i = 0; i < len; i++) {
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        opened += open_ticket(at.keys, (sx_str){bent, len}, &read);
        bent[i] = text[i];
        opened += open_ticket(at.keys, (sx_str){text, i}, &read);
    }
    is_int(opened, 0, "one with another byte, or fewer, opens never");
    ok(!open_ticket(at.keys, (sx_str){"", 0}, &read), "nor does none");
    made.realm.client.part[0] = (sx_str){apr_pcalloc(at.pool, 16000), 16000};
    ok(!sx_ticket_make(&made, &to, at.pool),
       "one that no gateway takes is not made");
    sx_keys_free(others);
    sx_keys_free(later);
}

static bool open_reply(const sx_reply_to *to, const char *text,
                       sx_committed *read)
{
    return sx_reply_open(&at.realm.scope, to, sx_str_of(text), read, at.pool);
}

static sx_reply_to some_ticket(void)
{
    sx_reply_to to = {.kid = 1};

    sx_random(to.mark, sizeof(to.mark));
    return to;
}

static void test_reply(void)
{
    sx_reply_to to = some_ticket(), other = some_ticket();
    sx_committed made = {.cookie = SX_COOKIE_SEND,
                         .persist = true,
                         .hard_end_ms = 77,
                         .handle = 5,
                         .created = true,
                         .wrote = true,
                         .evicted = 2,
                         .retries = 3};
    sx_id_scope elsewhere = at.realm.scope;
    sx_committed read;
    const char *text;

    sx_id_mint(&made.id, &at.realm.scope);
    text = sx_reply_make(at.keys, &to, &made, at.pool);
    ok(open_reply(&to, text, &read), "a reply opens to its ticket");
    ok(read.cookie == SX_COOKIE_SEND && read.persist &&
           read.hard_end_ms == 77 && !strcmp(read.id.text, made.id.text) &&
           !memcmp(read.id.store_key, made.id.store_key, SX_STORE_KEY_LEN),
       "what the client is sent");
    ok(read.handle == 5 && read.created && read.wrote && !read.renewed &&
           !read.destroyed && read.evicted == 2 && read.retries == 3,
       "and what happened");
    ok(strlen(text) < 1000, "it is far from what a header line may be");
    ok(!open_reply(&other, text, &read), "that to another opens not");
    elsewhere.ns = "elsewhere";
    ok(!sx_reply_open(&elsewhere, &to, sx_str_of(text), &read, at.pool),
       "an id of elsewhere is none");
    ok(!open_reply(&to, "junk", &read) && !open_reply(&to, "", &read),
       "junk is no reply");
    made.cookie = SX_COOKIE_DELETE;
    text = sx_reply_make(at.keys, &to, &made, at.pool);
    ok(open_reply(&to, text, &read) && read.cookie == SX_COOKIE_DELETE &&
           !read.id.text[0],
       "a cookie that goes has no id");
}

/* That the session was used, and nothing else, is one word. */
static void test_words(void)
{
    sx_reply_to to = some_ticket(), other = some_ticket();
    sx_committed made = {0}, read;
    const char *text;
    char *bent;

    for (unsigned i = 0; i < 4; i++) {
        unsigned opened = 0;

        made.wrote = (i & 1) != 0;
        made.old_id = (i & 2) != 0;
        text = sx_reply_make(at.keys, &to, &made, at.pool);
        ok(strlen(text) == 9 && open_reply(&to, text, &read) &&
               read.wrote == made.wrote && read.old_id == made.old_id &&
               read.cookie == SX_COOKIE_KEEP,
           "%s, with %s id", made.wrote ? "written" : "read",
           made.old_id ? "an old" : "its");
        bent = apr_pstrdup(at.pool, text);
        for (size_t n = 0; n < 9; n++) {
            bent[n] = bent[n] == 'w' ? 'r' : 'w';
            opened += open_reply(&to, bent, &read);
            bent[n] = text[n];
        }
        is_int(opened, 0, "no other letter will do");
        ok(!open_reply(&other, text, &read), "nor is it one to another");
    }
}

/* What a request of PHP asks of a commit besides. */
static void test_reserve(void)
{
    sx_delta *delta = sx_delta_create(at.pool);
    const sx_commit_mode page = {true, true};
    sx_committed done;
    sx_loaded *loaded;
    sx_id fresh;

    sx_id_mint(&fresh, &at.realm.scope);
    delta->reserve = true;
    delta->fresh = &fresh;
    sx_commit(&at.realm, load(&at, NULL), delta, page, at.now, &done, at.pool);
    ok(done.created && !strcmp(done.id.text, fresh.text),
       "an empty session is begun, under the id that was given");
    loaded = load(&at, fresh.text);
    is_int(loaded->meta.expires_ms, at.now.boot_ms + SX_RESERVE_MS,
           "for five minutes");
    stage_pass(&at, 2 * MINUTE);
    request(&at, fresh.text, "");
    loaded = load(&at, fresh.text);
    is_int(loaded->meta.expires_ms, at.now.boot_ms + 30 * MINUTE,
           "seen again it lasts as long as any");
    sx_id_mint(&fresh, &at.realm.scope);
    sx_delta_add(delta, (sx_op){.code = SX_OP_PUT,
                                .key = {"n", 1},
                                .value = {"7", 1},
                                .type = SX_INT});
    sx_commit(&at.realm, load(&at, NULL), delta, page, at.now, &done, at.pool);
    loaded = load(&at, fresh.text);
    is_int(loaded->meta.expires_ms, at.now.boot_ms + 30 * MINUTE,
           "and so does one with anything in it");
    ok(sx_session_get(loaded->session, sx_str_of("n"))->type == SX_INT,
       "which has the type that was put");
    is_int(loaded->session->version, 1, "at version 1");
}

int main(void)
{
    sx_id id;

    apr_initialize();
    stage_begin(&at);
    sx_id_mint(&id, &at.realm.scope);
    test_ticket(&id);
    test_opened();
    test_refused(&id);
    test_reply();
    test_words();
    test_reserve();
    stage_end(&at);
    apr_terminate();
    return done_testing();
}
