/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of all texts only those that were issued open, as tickets and as replies: the
 * input is laid over them, or stands for itself.  And whatever a holder of the
 * keys seals as one is read in its bounds.
 */
#include <apr_strings.h>

#include "pool.h"
#include "sx_seal.h"
#include "sx_ticket.h"

static sx_id_scope scope = {.cookie_name = "sid", .ns = "example"};

static void begin(void)
{
    static const unsigned char kids[] = {1};
    static const unsigned char secret[1][SX_SECRET_LEN] = {{7}};

    if (scope.keys == NULL) {
        MUST(sx_crypto_init());
        scope.keys = sx_keys_from_memory(kids, secret, 1);
    }
}

static sx_id *one_id(apr_pool_t *pool)
{
    sx_id *id = apr_palloc(pool, sizeof(*id));

    sx_id_mint(id, &scope);
    return id;
}

/* ${text}, with pairs of input bytes laid over it: where, and what. */
static sx_str lay_over(const char *text, const uint8_t *data, size_t size,
                       apr_pool_t *pool)
{
    size_t len = strlen(text);
    char *over = apr_pstrmemdup(pool, text, len);

    for (size_t i = 0; i + 2 < size; i += 3) {
        over[(data[i] | (size_t)data[i + 1] << 8) % len] = (char)data[i + 2];
    }
    return (sx_str){over, len};
}

/* Strings of a ticket that opened are whole, wherever they came from. */
static void use(const sx_ticket *ticket)
{
    size_t read = strlen(ticket->store) +
                  strlen(ticket->realm.scope.cookie_name) +
                  strlen(ticket->realm.scope.ns) + ticket->realm.user_key.len;

    for (unsigned i = 0; i < SX_CLIENT_PARTS; i++) {
        read += ticket->realm.client.part[i].len;
    }
    if (ticket->id != NULL) {
        read += strnlen(ticket->id->text, SX_ID_LEN + 1);
        MUST(ticket->id->text[SX_ID_LEN] == '\0');
    }
    MUST(read < 1000000 && ticket->realm.client.bind <= SX_BIND_KILL);
}

static bool opens(sx_str text, apr_pool_t *pool)
{
    sx_ticket ticket;
    sx_reply_to to;
    bool opened = sx_ticket_open(scope.keys, text, &ticket, &to, pool);

    if (opened) {
        use(&ticket);
    }
    return opened;
}

/* ---- tickets ------------------------------------------------------------ */

/* The input may come back to us, but what is in it was sealed by nobody. */
static void judge_ticket(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    sx_str input = {(const char *)data, size}, over;
    sx_ticket made = {
        .realm = {.scope = scope, .user_key = input},
        .store = "/run/store",
        .id = size % 2 ? one_id(pool) : NULL,
    };
    sx_reply_to to;
    sx_ticket read;
    const char *text;

    made.realm.client.part[0] = input;
    text = sx_ticket_make(&made, &to, pool);
    if (text == NULL) {
        MUST(size > 4000);
        return;
    }
    MUST(sx_ticket_open(scope.keys, sx_str_of(text), &read, &to, pool));
    MUST(sx_str_eq(read.realm.user_key, input) && !read.id == !made.id);
    use(&read);
    over = lay_over(text, data, size, pool);
    MUST(opens(over, pool) == sx_str_eq(over, sx_str_of(text)));
    MUST(!opens((sx_str){text, size % strlen(text)}, pool));
    (void)opens(input, pool);
}

/* What a holder of the key may have made of any bytes. */
static void judge_fields(sx_str fields, apr_pool_t *pool)
{
    static const char head[] = "tk\2\1";
    sx_str sealed = sx_seal(sx_keys_get(scope.keys, 1, SX_PURPOSE_TICKET),
                            (sx_str){head, 4}, fields, pool);
    char *raw = apr_palloc(pool, sealed.len + 2);

    memcpy(raw, head + 2, 2);
    memcpy(raw + 2, sealed.p, sealed.len);
    (void)opens(sx_str_of(apr_pstrcat(
                    pool, ".",
                    sx_to_text((sx_str){raw, sealed.len + 2}, pool).p, NULL)),
                pool);
}

/* ---- replies ------------------------------------------------------------ */

static bool replies(const sx_reply_to *to, sx_str text, apr_pool_t *pool)
{
    sx_committed done;

    return sx_reply_open(&scope, to, text, &done, pool);
}

static void judge_reply(const sx_committed *done, const uint8_t *data,
                        size_t size, apr_pool_t *pool)
{
    sx_reply_to to = {.kid = 1}, other = {.kid = 1, .mark = {1}};
    const char *text = sx_reply_make(scope.keys, &to, done, pool);
    sx_str over = lay_over(text, data, size, pool);

    MUST(replies(&to, sx_str_of(text), pool));
    MUST(!replies(&other, sx_str_of(text), pool));
    MUST(replies(&to, over, pool) == sx_str_eq(over, sx_str_of(text)));
    MUST(!replies(&to, (sx_str){text, size % strlen(text)}, pool));
}

static void judge_sealed_reply(sx_str fields, apr_pool_t *pool)
{
    sx_reply_to to = {.kid = 1};
    char bound[2 + SX_MARK_LEN] = "re";
    sx_committed done;

    if (sx_reply_open(
            &scope, &to,
            sx_to_text(sx_seal(sx_keys_get(scope.keys, 1, SX_PURPOSE_REPLY),
                               (sx_str){bound, sizeof(bound)}, fields, pool),
                       pool),
            &done, pool)) {
        MUST(done.cookie <= SX_COOKIE_DELETE);
        MUST(done.cookie != SX_COOKIE_SEND ||
             strlen(done.id.text) == SX_ID_LEN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = pool_for_one();
    sx_str input = {(const char *)data, size};
    sx_committed done = {.wrote = size % 2};

    begin();
    judge_ticket(data, size, pool);
    judge_fields(input, pool);
    judge_reply(&done, data, size, pool);
    done.created = true;
    judge_reply(&done, data, size, pool);
    judge_sealed_reply(input, pool);
    apr_pool_destroy(pool);
    return 0;
}
