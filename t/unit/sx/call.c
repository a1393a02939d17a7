/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of C programs -> delta: each counts in its order, within the limits of
 * a response. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "sx_call.h"

static apr_pool_t *pool;

static sx_str str(const char *z)
{
    return sx_str_of(z);
}

/* What a session with a=1 b=2 becomes: "a=1 b=2", with a secret "a=1! b=2", or
 * what refused it. */
static const char *applied(const sx_delta *delta)
{
    static const sx_limits limits = {65536, 3600, SX_FLASH_MAX, SX_FLASH_BYTES};
    sx_session *session = sx_session_create(pool);
    const char *text = "";
    sx_change change;

    sx_session_set(session, str("a"), str("1"), SX_TEXT);
    sx_session_set(session, str("b"), str("2"), SX_TEXT);
    session->version = 7;
    switch (sx_delta_apply(delta, session, true, &limits, &change)) {
    case SX_APPLY_VERSION:
        return "another version";
    case SX_APPLY_REFUSED:
        return change.why;
    case SX_APPLIED:
        break;
    }
    for (int i = 0; i < session->entries->nelts; i++) {
        const sx_entry *e = &APR_ARRAY_IDX(session->entries, i, sx_entry);

        text = apr_pstrcat(pool, text, *text ? " " : "", e->key.p, "=",
                           e->value.p, e->type == SX_SECRET ? "!" : "", NULL);
    }
    return text;
}

/* Calls as one letter each: s a=9, p a=8 as a secret, u a, i a+5, c; S, U, I
 * for b. */
static const sx_delta *called(const char *letters)
{
    sx_delta *delta = sx_delta_create(pool);

    for (; *letters; letters++) {
        sx_str key = str(strchr("SUI", *letters) ? "b" : "a");

        switch (*letters | 0x20) {
        case 's':
            sx_call_set(delta, key, str("9"));
            break;
        case 'p':
            sx_call_put(delta, key, str("8"), SX_SECRET);
            break;
        case 'u':
            sx_call_unset(delta, key);
            break;
        case 'i':
            sx_call_incr(delta, key, 5);
            break;
        default:
            sx_call_clear(delta);
        }
    }
    return delta;
}

static void test_order(void)
{
    static const struct {
        const char *calls, *becomes, *label;
    } cases[] = {
        {"", "a=1 b=2", "nothing"},
        {"s", "a=9 b=2", "set"},
        {"u", "b=2", "unset"},
        {"i", "a=6 b=2", "incr"},
        {"c", "", "clear"},
        {"su", "b=2", "set, then unset"},
        {"us", "b=2 a=9", "unset, then set"},
        {"si", "a=14 b=2", "set, then incr"},
        {"is", "a=9 b=2", "incr, then set"},
        {"iu", "b=2", "incr, then unset"},
        {"ui", "b=2 a=5", "unset, then incr"},
        {"sc", "", "set, then clear"},
        {"ic", "", "incr, then clear"},
        {"cs", "a=9", "clear, then set"},
        {"cus", "a=9", "clear, unset, set"},
        {"ii", "a=11 b=2", "incr twice"},
        {"isi", "a=14 b=2", "incr, set, incr"},
        {"sU", "a=9", "another key is left alone"},
        {"sIS", "a=9 b=9", "each key by itself"},
        {"sSc", "", "clear takes all"},
        {"p", "a=8! b=2", "a secret"},
        {"sp", "a=8! b=2", "set, then a secret"},
        {"ip", "a=8! b=2", "incr, then a secret"},
        {"ps", "a=9! b=2", "a secret, then set: still one"},
        {"pps", "a=9! b=2", "also the second time"},
        {"pu", "b=2", "a secret, then unset"},
        {"pus", "b=2 a=9", "a secret, unset, set: none any more"},
        {"pc", "", "a secret, then clear"},
        {"pS", "a=8! b=9", "another key is no secret"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_str(applied(called(cases[i].calls)), cases[i].becomes,
               cases[i].label);
}

static void test_refused(void)
{
    sx_delta *delta = sx_delta_create(pool);
    const char *longest = apr_psprintf(pool, "%0*d", SX_KEY_MAX, 1);
    sx_str longer = str(apr_psprintf(pool, "%0*d", SX_KEY_MAX + 1, 1));
    sx_str level = str("abcdefghijklmnopqrstuvwxyzabcdefg");

    is_int(sx_call_set(delta, str(""), str("x")), SX_CALL_INVALID, "no key");
    is_int(sx_call_set(delta, longer, str("x")), SX_CALL_INVALID,
           "a key of 129 bytes to set");
    is_int(sx_call_unset(delta, longer), SX_CALL_INVALID, "to unset");
    is_int(sx_call_incr(delta, longer, 1), SX_CALL_INVALID, "to add to");
    is_int(sx_call_flash(delta, level, str("x")), SX_CALL_INVALID,
           "a level of 33 letters");
    is_int(sx_call_flash(delta, str("Info"), str("x")), SX_CALL_INVALID,
           "a level with another character");
    is_int(sx_call_put(delta, longer, str("x"), SX_SECRET), SX_CALL_INVALID,
           "to keep as a secret");
    ok(!sx_delta_asks(delta), "nothing came of these");
    is_int(sx_call_set(delta, str(longest), str("x")), SX_CALLED, "128 bytes");
    level.len = SX_LEVEL_MAX;
    is_int(sx_call_flash(delta, level, str("x")), SX_CALLED, "32 letters");
}

static void test_version(void)
{
    sx_delta *delta = sx_delta_create(pool);

    is_int(sx_call_if_version(delta, 7), SX_CALLED, "a version");
    is_int(sx_call_if_version(delta, 7), SX_CALLED, "the same again");
    is_int(sx_call_if_version(delta, 8), SX_CALL_INVALID, "another one");
    is_str(applied(delta), "a=1 b=2", "holds");
    delta = sx_delta_create(pool);
    sx_call_if_version(delta, 8);
    is_str(applied(delta), "another version", "does not hold");
}

static void test_much(void)
{
    sx_delta *delta = sx_delta_create(pool);
    char *huge = apr_pcalloc(pool, SX_COMMANDS_MAX + 1);
    int n = 0;

    while (sx_call_incr(delta, str("a"), 1) == SX_CALLED)
        n++;
    is_int(n, SX_COMMAND_OPS_MAX, "as many wishes as pairs of headers");
    is_int(sx_call_set(delta, str("a"), str("")), SX_CALL_TOO_MUCH,
           "whatever they are");
    delta = sx_delta_create(pool);
    is_int(sx_call_set(delta, str("a"), (sx_str){huge, SX_COMMANDS_MAX}),
           SX_CALL_TOO_MUCH, "a byte more than fits");
    is_int(sx_call_set(delta, str("a"), (sx_str){huge, SIZE_MAX}),
           SX_CALL_TOO_MUCH, "as many bytes as can be counted");
    ok(!sx_delta_asks(delta), "nothing came of these");
    is_int(sx_call_set(delta, str("a"), (sx_str){huge, SX_COMMANDS_MAX - 1}),
           SX_CALLED, "all that fits");
    is_int(sx_call_flash(delta, str("i"), str("")), SX_CALL_TOO_MUCH,
           "and no more");
}

static void test_copied(void)
{
    sx_delta *delta = sx_delta_create(pool);
    char key[] = "a", value[] = "x";

    sx_call_set(delta, str(key), str(value));
    key[0] = value[0] = '?';
    is_str(applied(delta), "a=x b=2", "what was passed may be changed");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_order();
    test_refused();
    test_version();
    test_much();
    test_copied();
    apr_terminate();
    return done_testing();
}
