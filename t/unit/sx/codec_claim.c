/* SPDX-License-Identifier: Apache-2.0 */
/* The codec: messages that somebody has taken, of which records that hold none
 * know nothing. */
#include <apr_general.h>
#include "sx_codec.h"
#include "tap.h"

#define HEAD                                                                   \
    "\x58\x02\x00\x00"                                                         \
    "\x08\x07\x06\x05\x04\x03\x02\x01"                                         \
    "\x88\x77\x66\x55\x44\x33\x22\x11"                                         \
    "\x00\xf1\x53\x65\x00\x00\x00\x00"                                         \
    "\xff\xff\xff\xff\xff\xff\xff\xff"                                         \
    "\x39\x30\x00\x00\x00\x00\x00\x00"                                         \
    "\xf0\xde\xbc\x9a\x78\x56\x34\x12"                                         \
    "\x00\x00"
#define M_INFO                                                                 \
    "\xef\xcd\xab\x89\x67\x45\x23\x01"                                         \
    "\x04\x05infoSaved"
/* By process 4660, which was born at tick 4096, at 500 ms. */
#define CLAIM                                                                  \
    "\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8"                                         \
    "\xf4\x01\x00\x00\x00\x00\x00\x00"                                         \
    "\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8"                                         \
    "\x00\x10\x00\x00\x00\x00\x00\x00"                                         \
    "\x34\x12\x00\x00"
#define NOBODY "\0\0\0\0\0\0\0\0"
#define BYTES(literal)                                                         \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }

static const sx_str taken = BYTES("\x02\x20" HEAD "\x01" M_INFO "\x01" CLAIM);
static const sx_str nobodys = BYTES("\x02\x00" HEAD "\x01" M_INFO);
static const sx_str one_of_two =
    BYTES("\x02\x20" HEAD "\x02" M_INFO "\x00" M_INFO "\x01" CLAIM);

static const struct {
    const char *name;
    sx_str bytes;
} bad[] = {
    {"the flag without a claim", BYTES("\x02\x20" HEAD "\x01" M_INFO)},
    {"the flag, and nobody has", BYTES("\x02\x20" HEAD "\x01" M_INFO "\x00")},
    {"the flag without messages", BYTES("\x02\x20" HEAD "\x00")},
    {"a claim without the flag",
     BYTES("\x02\x00" HEAD "\x01" M_INFO "\x01" CLAIM)},
    {"nobody's without the flag", BYTES("\x02\x00" HEAD "\x01" M_INFO "\x00")},
    {"a claim that is cut", BYTES("\x02\x20" HEAD "\x01" M_INFO "\x01" NOBODY)},
    {"a claim of 2", BYTES("\x02\x20" HEAD "\x01" M_INFO "\x02" CLAIM)},
    {"a claim of nobody", BYTES("\x02\x20" HEAD "\x01" M_INFO "\x01" NOBODY
                                "1234567812345678123456781234")},
    {"a claim of nobody that is there",
     BYTES("\x02\x20" HEAD "\x01" M_INFO "\x00" CLAIM)},
};

static apr_pool_t *pool;

/* The one message of ${session}; if there is none, an empty one. */
static sx_message message_of(const sx_session *session)
{
    return session && session->messages->nelts == 1
               ? APR_ARRAY_IDX(session->messages, 0, sx_message)
               : (sx_message){0};
}

static bool writes(const sx_session *session, sx_str bytes)
{
    return session && sx_str_eq(sx_encode(session, pool), bytes);
}

static bool is_info(const sx_message *m)
{
    return m->id == 0x0123456789abcdefULL &&
           sx_str_eq(m->level, sx_str_of("info")) &&
           sx_str_eq(m->text, sx_str_of("Saved"));
}

static void test_taken(void)
{
    sx_session *session = sx_decode(taken, pool);
    sx_message m = message_of(session);

    ok(is_info(&m) && m.claim.id == 0xc8c7c6c5c4c3c2c1ULL &&
           m.claim.since_ms == 500 &&
           m.claim.by.place == 0xb8b7b6b5b4b3b2b1ULL &&
           m.claim.by.born == 4096 && m.claim.by.pid == 4660,
       "who has taken a message is read");
    ok(writes(session, taken), "and written");
    session = sx_decode(nobodys, pool);
    m = message_of(session);
    ok(is_info(&m) && m.claim.id == 0, "and that nobody has");
    ok(writes(session, nobodys), "too");
}

static void test_some(void)
{
    sx_session *session = sx_decode(one_of_two, pool);

    ok(session && session->messages->nelts == 2 &&
           !APR_ARRAY_IDX(session->messages, 0, sx_message).claim.id &&
           APR_ARRAY_IDX(session->messages, 1, sx_message).claim.id,
       "of two messages one may be taken");
    ok(writes(session, one_of_two), "and is written so");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_taken();
    test_some();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ok(sx_decode(bad[i].bytes, pool) == NULL, "refused: %s", bad[i].name);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
