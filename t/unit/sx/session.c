/* SPDX-License-Identifier: Apache-2.0 */
/* The session model, by example and against a naive model of itself. */
#include <apr_general.h>
#include <apr_strings.h>
#include "sx_session.h"
#include "tap.h"

static apr_pool_t *pool;

static sx_str s(const char *z)
{
    return sx_str_of(z);
}

static int number(const char *digits)
{
    return (int)strtol(digits, NULL, 10);
}

/* "key=value,..." in order. */
static const char *listed(const sx_session *session)
{
    const char *text = "";

    for (int i = 0; i < session->entries->nelts; i++) {
        const sx_entry *e = &APR_ARRAY_IDX(session->entries, i, sx_entry);

        text = apr_psprintf(pool, "%s%s%.*s=%.*s", text, i ? "," : "",
                            (int)e->key.len, e->key.p, (int)e->value.len,
                            e->value.p);
    }
    return text;
}

static sx_session *abc(void)
{
    sx_session *session = sx_session_create(pool);

    sx_session_set(session, s("a"), s("1"), SX_TEXT);
    sx_session_set(session, s("b"), s("2"), SX_TEXT);
    sx_session_set(session, s("c"), s("3"), SX_TEXT);
    return session;
}

static void test_new(void)
{
    sx_session *session = sx_session_create(pool);

    ok(session->version == 0 && session->handle == 0 && session->idle_s == 0 &&
           session->login_s == 0 && !session->persist &&
           session->entries->nelts == 0 && session->messages->nelts == 0,
       "a new session is empty");
    is_int(sx_session_size(session), 0, "its size is 0");
    ok(sx_session_get(session, s("a")) == NULL, "a key is not there");
    ok(!sx_session_unset(session, s("a")), "unset of a missing key is false");
    ok(!sx_session_clear(session), "clear of an empty session is false");
    is_int(sx_session_user(session, s("user")).len, 0, "it has no user");
}

static void test_set(void)
{
    sx_session *session = abc();
    const sx_entry *entry;

    is_str(listed(session), "a=1,b=2,c=3", "keys are in order of first set");
    ok(sx_session_set(session, s("a"), s("9"), SX_TEXT),
       "another value is a change");
    is_str(listed(session), "a=9,b=2,c=3", "a replaced key keeps its place");
    ok(!sx_session_set(session, s("a"), s("9"), SX_TEXT),
       "the same value is none");
    ok(sx_session_set(session, s("a"), s("9"), SX_INT),
       "another type is a change");
    entry = sx_session_get(session, s("a"));
    ok(entry != NULL && entry->type == SX_INT, "the type is kept");
    ok(sx_session_get(session, s("A")) == NULL, "case matters in keys");
    ok(sx_session_get(session, s("")) == NULL &&
           sx_session_get(session, s("aa")) == NULL,
       "a key is compared whole");
    ok(sx_session_set(session, s("b"), s(""), SX_TEXT) &&
           sx_session_get(session, s("b")) != NULL,
       "an empty value is a value");
    ok(!sx_session_set(session, s("b"), (sx_str){NULL, 0}, SX_TEXT),
       "empty is empty whatever the pointer");
}

static void test_bytes(void)
{
    sx_session *session = sx_session_create(pool);
    char key[] = {'k', 0, '1'}, value[] = {0, 1, 0};
    const sx_entry *entry;

    sx_session_set(session, (sx_str){key, 3}, (sx_str){value, 3}, SX_OPAQUE);
    ok(sx_session_get(session, s("k")) == NULL, "NUL does not end a key");
    memset(value, 'x', sizeof(value));
    entry = sx_session_get(session, (sx_str){key, 3});
    ok(entry != NULL && sx_str_eq(entry->value, (sx_str){"\0\1\0", 3}),
       "values may hold NUL and are copied");
    key[0] = 'K';
    ok(sx_session_get(session, (sx_str){key, 3}) == NULL, "so are keys");
    is_int(sx_session_size(session), 6, "size counts keys and values");
}

static void test_unset(void)
{
    sx_session *session = abc();

    ok(sx_session_unset(session, s("b")), "unset tells that it was there");
    is_str(listed(session), "a=1,c=3", "the others keep their order");
    ok(sx_session_unset(session, s("c")) && sx_session_unset(session, s("a")),
       "the last and the first can go");
    is_str(listed(session), "", "until nothing is left");
    session = abc();
    *(sx_message *)apr_array_push(session->messages) =
        (sx_message){.id = 1, .level = s("info"), .text = s("x")};
    ok(sx_session_clear(session) && session->entries->nelts == 0,
       "clear removes all keys");
    is_int(session->messages->nelts, 1, "messages stay");
    sx_session_set(session, s("user"), s("alice"), SX_TEXT);
    ok(sx_str_eq(sx_session_user(session, s("user")), s("alice")),
       "the user is the value of the user key");
}

static void test_clone(void)
{
    sx_session *one = abc(), *two;
    apr_pool_t *short_lived;

    one->version = 7;
    one->handle = 8;
    one->created_s = 9;
    one->login_s = 10;
    one->id_born_ms = 11;
    one->idle_s = 12;
    one->persist = true;
    *(sx_message *)apr_array_push(one->messages) =
        (sx_message){.id = 1, .level = s("info"), .text = s("x")};
    apr_pool_create(&short_lived, pool);
    two = sx_session_clone(one, short_lived);
    ok(two->version == 7 && two->handle == 8 && two->created_s == 9 &&
           two->login_s == 10 && two->id_born_ms == 11 && two->idle_s == 12 &&
           two->persist && two->pool == short_lived &&
           two->messages->nelts == 1,
       "a copy has all that the session has");
    sx_session_set(two, s("a"), s("other"), SX_TEXT);
    sx_session_set(two, s("d"), s("4"), SX_TEXT);
    sx_session_unset(two, s("b"));
    apr_array_clear(two->messages);
    is_str(listed(one), "a=1,b=2,c=3", "changing the copy changes nothing");
    is_int(one->messages->nelts, 1, "also of messages");
    is_str(listed(two), "a=other,c=3,d=4", "but the copy");
    apr_pool_destroy(short_lived);
    one = sx_session_clone(one, pool);
    is_str(listed(one), "a=1,b=2,c=3", "and its end leaves the session whole");
}

static const struct {
    sx_type type;
    bool fits;
    const char *value;
} values[] = {
    {SX_TEXT, true, ""},
    {SX_TEXT, true, "\x80\xff\n"},
    {SX_OPAQUE, true, ""},
    {SX_OPAQUE, true, "O:1:{"},
    {SX_SECRET, true, "O:1:{"},
    {SX_INT, true, "0"},
    {SX_INT, true, "-7"},
    {SX_INT, true, "9223372036854775807"},
    {SX_INT, true, "-9223372036854775808"},
    {SX_INT, false, "9223372036854775808"},
    {SX_INT, false, "-9223372036854775809"},
    {SX_INT, false, ""},
    {SX_INT, false, "-"},
    {SX_INT, false, "-0"},
    {SX_INT, false, "+7"},
    {SX_INT, false, "007"},
    {SX_INT, false, " 7"},
    {SX_INT, false, "7 "},
    {SX_INT, false, "1.0"},
    {SX_INT, false, "1e3"},
    {SX_INT, false, "0x10"},
    {SX_BOOL, true, "0"},
    {SX_BOOL, true, "1"},
    {SX_BOOL, false, ""},
    {SX_BOOL, false, "2"},
    {SX_BOOL, false, "00"},
    {SX_BOOL, false, "true"},
    {SX_FLOAT, true, "0"},
    {SX_FLOAT, true, "-0"},
    {SX_FLOAT, true, "42"},
    {SX_FLOAT, true, "0.10000000000000001"},
    {SX_FLOAT, true, "-0.5"},
    {SX_FLOAT, true, "1.0E+25"},
    {SX_FLOAT, true, "1.7976931348623157E+308"},
    {SX_FLOAT, true, "-4.9406564584124654E-324"},
    {SX_FLOAT, true, "INF"},
    {SX_FLOAT, true, "-INF"},
    {SX_FLOAT, true, "NAN"},
    {SX_FLOAT, false, "-NAN"},
    {SX_FLOAT, false, ""},
    {SX_FLOAT, false, "-"},
    {SX_FLOAT, false, "."},
    {SX_FLOAT, false, "1."},
    {SX_FLOAT, false, ".5"},
    {SX_FLOAT, false, "+1"},
    {SX_FLOAT, false, "01"},
    {SX_FLOAT, false, "00.5"},
    {SX_FLOAT, false, "0.50"},
    {SX_FLOAT, false, "1.0"},
    {SX_FLOAT, false, "1.10E+25"},
    {SX_FLOAT, false, "1.00E+25"},
    {SX_FLOAT, false, "1E+25"},
    {SX_FLOAT, false, "1.0E25"},
    {SX_FLOAT, false, "1.0E+"},
    {SX_FLOAT, false, "1.0E+05"},
    {SX_FLOAT, false, "1.0E+0"},
    {SX_FLOAT, false, "1.0e+25"},
    {SX_FLOAT, false, "1.0E+25x"},
    {SX_FLOAT, false, "inf"},
    {SX_FLOAT, false, "1,5"},
    {SX_FLOAT, false, "1.5 "},
    {SX_FLOAT, false, "0.333333333333333333333333333333333"},
    {SX_TYPE_COUNT, false, "1"},
    {(sx_type)99, false, "1"},
};

static void test_types(void)
{
    static const char *const names[] = {"text",   "int",    "bool",   "float",
                                        "opaque", "secret", "unknown"};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        unsigned name = values[i].type < 6 ? (unsigned)values[i].type : 6;

        ok(sx_type_accepts(values[i].type, s(values[i].value)) ==
               values[i].fits,
           "\"%s\" is %s", i == 1 ? "any bytes" : values[i].value,
           apr_psprintf(pool, "%s%s value", values[i].fits ? "a " : "no ",
                        names[name]));
    }
}

/* A naive model: what each key holds and when it came. */
typedef struct model {
    int value[32]; /* -1: not there */
    int since[32];
} model;

static bool agrees(const sx_session *session, const model *m)
{
    int there = 0, last = -1;

    for (int i = 0; i < session->entries->nelts; i++) {
        const sx_entry *e = &APR_ARRAY_IDX(session->entries, i, sx_entry);
        int k = number(e->key.p + 1);

        if (m->value[k] != number(e->value.p) || m->since[k] <= last) {
            return false;
        }
        last = m->since[k];
    }
    for (int k = 0; k < 32; k++) {
        there += m->value[k] >= 0;
    }
    return there == session->entries->nelts;
}

static bool step(sx_session *session, model *m, long what, int now)
{
    int k = (int)(what % 32), value = (int)(what / 32 % 4);
    sx_str key = s(apr_psprintf(session->pool, "k%d", k));
    bool changed, wanted;

    if (what / 128 % 50 == 0) {
        wanted = session->entries->nelts > 0;
        changed = sx_session_clear(session);
        memset(m->value, -1, sizeof(m->value));
    }
    else if (what / 128 % 3 == 0) {
        wanted = m->value[k] >= 0;
        changed = sx_session_unset(session, key);
        m->value[k] = -1;
    }
    else {
        wanted = m->value[k] != value;
        changed = sx_session_set(
            session, key, s(apr_psprintf(session->pool, "%d", value)), SX_INT);
        m->since[k] = m->value[k] < 0 ? now : m->since[k];
        m->value[k] = value;
    }
    return changed == wanted && agrees(session, m);
}

static void test_model(uint64_t seed)
{
    unsigned short state[3] = {(unsigned short)seed,
                               (unsigned short)(seed >> 16),
                               (unsigned short)(seed >> 32)};
    sx_session *session = sx_session_create(pool);
    model m;
    int good = 0;

    memset(&m, -1, sizeof(m));
    for (int i = 0; i < 20000; i++) {
        good += step(session, &m, nrand48(state), i);
    }
    is_int(good, 20000, "20000 random operations do as a naive model does");
}

static void test_many(void)
{
    sx_session *session = sx_session_create(pool);
    int good = 0;

    for (int i = 0; i < SX_KEYS_MAX; i++) {
        sx_session_set(session, s(apr_psprintf(pool, "key%d", i)),
                       s(apr_psprintf(pool, "%d", i)), SX_INT);
    }
    is_int(session->entries->nelts, SX_KEYS_MAX, "1024 keys can be set");
    for (int i = 0; i < SX_KEYS_MAX; i++) {
        const sx_entry *e =
            sx_session_get(session, s(apr_psprintf(pool, "key%d", i)));

        good += e != NULL && number(e->value.p) == i;
    }
    is_int(good, SX_KEYS_MAX, "and each is found");
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv);

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_new();
    test_set();
    test_bytes();
    test_unset();
    test_clone();
    test_types();
    test_model(seed);
    test_many();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
