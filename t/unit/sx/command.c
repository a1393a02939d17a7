/* SPDX-License-Identifier: Apache-2.0 */
/* Control headers -> delta: what each accepts, and that a refusal says where
 * and never what. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "sx_command.h"
#include "sx_form.h"

static apr_pool_t *pool;

/* The operations of ${delta} as text: "SET a=1; INCR n+2". */
static const char *listed(const sx_delta *delta)
{
    static const char *const words[SX_OP_COUNT] = {"CLEAR", "UNSET",   "SET",
                                                   "PUT",   "APPEND",  "INCR",
                                                   "IDLE",  "PERSIST", "FLASH"};
    sx_buf text = {.pool = pool};

    sx_buf_append(&text, "", 0);
    for (int code = 0; code < SX_OP_COUNT; code++) {
        const apr_array_header_t *list = delta->ops[code];

        for (int i = 0; list && i < list->nelts; i++) {
            const sx_op *op = &APR_ARRAY_IDX(list, i, sx_op);
            const char *line = apr_psprintf(
                pool, "%s%s %s=%s#%" APR_INT64_T_FMT, text.len ? "; " : "",
                words[code], op->key.p ? op->key.p : "",
                op->value.p ? op->value.p : "", op->number);

            sx_buf_append(&text, line, strlen(line));
        }
    }
    return text.p;
}

/* ---- one header --------------------------------------------------------- */

typedef struct good_case {
    const char *name, *value;
    const char *ops;
    const char *label;
} good_case;

static const good_case goods[] = {
    {"Session-Set", "a=1&b=2", "SET a=1#0; SET b=2#0", "pairs by ampersand"},
    {"session-SET", "a=1, b=2", "SET a=1#0; SET b=2#0", "pairs by comma"},
    {"Session-Set", "a%3Db=%26+x", "SET a=b=& x#0", "pairs are decoded"},
    {"Session-Set", "a==b", "SET a==b#0", "equals signs in a value"},
    {"Session-Set", "a=", "SET a=#0", "an empty value"},
    {"Session-Set", "a=1&a=2", "SET a=1#0; SET a=2#0", "a key twice, in order"},
    {"Session-Set", "A=1&a=2", "SET A=1#0; SET a=2#0", "case of keys"},
    {"Session-Set", "", "", "an empty list of pairs"},
    {"Session-Set", " , & ", "", "separators without pairs"},
    {"Session-Set", "k=%28%29+%7B+%3A%3B%7D", "SET k=() { :;}#0",
     "a value like a shell function"},
    {"Session-Set", "k=%0d%0aX%3a+y", "SET k=\r\nX: y#0",
     "an encoded line end is data"},
    {"Session-Set", "\xc3\xa4=\xff", "SET \xc3\xa4=\xff#0",
     "raw bytes beyond ASCII"},
    {"Session-Append", "a=x,a=y", "APPEND a=x#0; APPEND a=y#0", "parts"},
    {"Session-Incr", "n=1&m=-2", "INCR n=#1; INCR m=#-2", "increments"},
    {"Session-Incr", "n=9223372036854775807, n=-9223372036854775808",
     "INCR n=#9223372036854775807; INCR n=#-9223372036854775808",
     "the ends of 64 bits"},
    {"Session-Unset", "a, b%20c", "UNSET a=#0; UNSET b c=#0", "keys"},
    {"Session-Unset", "", "", "no keys"},
    {"Session-Clear", "on", "CLEAR =#0", "clear"},
    {"Session-Clear", "On , oN", "CLEAR =#0; CLEAR =#0", "words in any case"},
    {"Session-Idle", "600", "IDLE =#600", "seconds"},
    {"Session-Idle", "default, 5", "IDLE =#0; IDLE =#5", "default, then more"},
    {"Session-Persist", "on, off", "PERSIST =#1; PERSIST =#0", "on and off"},
    {"Session-Flash", "info=Saved&warning=Low+stock",
     "FLASH info=Saved#0; FLASH warning=Low stock#0", "messages"},
    {"Session-Flash", "abcdefghijklmnopqrstuvwxyzabcdef=",
     "FLASH abcdefghijklmnopqrstuvwxyzabcdef=#0", "a level of 32 letters"},
};

static void test_good(void)
{
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        const good_case *test = &goods[i];
        sx_delta *delta = sx_delta_create(pool);

        sx_command_parse(delta, test->name, test->value);
        ok(delta->refused == NULL, "%s accepts: %s", test->name, test->label);
        is_str(listed(delta), test->ops,
               apr_psprintf(pool, "%s reads: %s", test->name, test->label));
    }
}

typedef struct bad_case {
    const char *name, *value;
    const char *why;
    const char *label;
} bad_case;

#define PERCENT "'%' is not followed by two hex digits"
#define BLANK   "a blank must be written '+' or %20"
#define NUMBER  "not a whole number of 64 bits"
#define LEVEL   "a level is 1 to 32 letters a to z"
#define VERSION "not a version as SESSION_VERSION gives it"
#define SECONDS "accepted are: a number of seconds above 0, default"

static const bad_case bads[] = {
    {"Session-Set", "user=al%zz", "byte 7: " PERCENT, "a wrong escape"},
    {"Session-Set", "a=1, b=2, c=%4", "byte 12: " PERCENT, "a cut escape"},
    {"Session-Set", "a=1,%", "byte 4: a pair has no '='", "a percent sign"},
    {"Session-Set", "a%=1", "byte 1: " PERCENT, "a wrong escape in a key"},
    {"Session-Set", "a=1 2", "byte 3: " BLANK, "a raw blank in a value"},
    {"Session-Set", "a b=1", "byte 1: " BLANK, "a raw blank in a key"},
    {"Session-Set", "a = 1", "byte 1: " BLANK, "blanks around '='"},
    {"Session-Set", "a=\x01", "byte 2: a control byte", "a control byte"},
    {"Session-Set", "a=1\tb", "byte 3: a control byte", "a tab"},
    {"Session-Set", "a=1\r\nX: y", "byte 3: a control byte", "a line end"},
    {"Session-Set", "a=\x7f", "byte 2: a control byte", "DEL"},
    {"Session-Set", "a", "byte 0: a pair has no '='", "a word"},
    {"Session-Set", "a=1&b", "byte 4: a pair has no '='",
     "a word behind a pair"},
    {"Session-Set", "=", "byte 0: a key is empty", "an equals sign"},
    {"Session-Set", "a=&&=b", "byte 4: a key is empty", "an empty key"},
    {"Session-Incr", "a=", "byte 2: " NUMBER, "no number"},
    {"Session-Incr", "a=+1", "byte 2: " NUMBER, "a plus sign"},
    {"Session-Incr", "a=%2B1", "byte 2: " NUMBER, "an encoded plus sign"},
    {"Session-Incr", "a=01", "byte 2: " NUMBER, "a leading zero"},
    {"Session-Incr", "a=-0", "byte 2: " NUMBER, "minus zero"},
    {"Session-Incr", "a=1.5", "byte 2: " NUMBER, "a fraction"},
    {"Session-Incr", "a=0x10", "byte 2: " NUMBER, "hex"},
    {"Session-Incr", "a=9223372036854775808", "byte 2: " NUMBER, "too much"},
    {"Session-Incr", "a=1%00", "byte 2: " NUMBER, "a NUL behind a number"},
    {"Session-Unset", "a, b=1",
     "byte 4: keys are expected here, without values", "a value"},
    {"Session-Unset", "a b", "byte 1: " BLANK, "a blank in a key"},
    {"Session-Clear", "off", "byte 0: accepted is: on", "another word"},
    {"Session-Clear", "", "byte 0: the value is empty", "nothing"},
    {"Session-Clear", "on, o", "byte 4: accepted is: on", "a cut word"},
    {"Session-Flash-Keep", "yes", "byte 0: accepted is: on", "another word"},
    {"Session-Persist", "1", "byte 0: accepted are: on, off", "a number"},
    {"Session-Idle", "0", "byte 0: " SECONDS, "zero"},
    {"Session-Idle", "-1", "byte 0: " SECONDS, "a negative number"},
    {"Session-Idle", "10m", "byte 0: " SECONDS, "a unit"},
    {"Session-Idle", "010", "byte 0: " SECONDS, "a leading zero"},
    {"Session-Idle", "9223372036854775808", "byte 0: " SECONDS, "too much"},
    {"Session-Idle", " ", "byte 0: the value is empty", "a blank"},
    {"Session-Flash", "Info=x", "byte 0: " LEVEL, "a capital in the level"},
    {"Session-Flash", "i1=x", "byte 0: " LEVEL, "a digit in the level"},
    {"Session-Flash", "=x", "byte 0: " LEVEL, "no level"},
    {"Session-Flash", "a=x,abcdefghijklmnopqrstuvwxyzabcdefg=x",
     "byte 4: " LEVEL, "a level of 33 letters"},
    {"Session-Flash", "info=a b", "byte 6: " BLANK, "a raw blank in the text"},
    {"Session-Flash", "hello", "byte 0: a pair has no '='", "a bare text"},
    {"Session-If-Version", "", "byte 0: the value is empty", "nothing"},
    {"Session-If-Version", "-1", "byte 0: " VERSION, "a negative number"},
    {"Session-If-Version", "007", "byte 0: " VERSION, "leading zeros"},
    {"Session-If-Version", "17, x", "byte 4: " VERSION, "a word"},
    {"Session-If-Version", "18446744073709551616", "byte 0: " VERSION,
     "more than 64 bits"},
    {"Session-If-Version", "17, 18",
     "byte 4: another version was already given", "two versions"},
    {"Session-Destroy", "off", "byte 0: accepted is: on", "another word"},
    {"Session-Destroy", "", "byte 0: the value is empty", "nothing"},
    {"Session-Destroy", "on, off", "byte 4: accepted is: on", "a second word"},
    {"Session-Destroy", "on\x01", "byte 2: a control byte", "a control byte"},
    {"Session-Renew", "discard, keep", "byte 9: accepted are: on, discard",
     "another word"},
};

static void test_bad(void)
{
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        const bad_case *test = &bads[i];
        sx_delta *delta = sx_delta_create(pool);

        sx_command_parse(delta, test->name, test->value);
        is_str(delta->refused,
               apr_psprintf(pool, "%s: %s", test->name, test->why),
               apr_psprintf(pool, "%s refuses: %s", test->name, test->label));
        ok(!delta->destroy && delta->renew == SX_KEEP_ID,
           "and nothing is ended or renewed by it");
    }
}

/* ---- words that are no operations --------------------------------------- */

static void test_flags(void)
{
    sx_delta *delta = sx_delta_create(pool);

    sx_command_parse(delta, "Session-Destroy", "on, on");
    sx_command_parse(delta, "Session-Flash-Keep", "on");
    sx_command_parse(delta, "Session-Renew", "discard, on");
    sx_command_parse(delta, "Session-If-Version", "17, 17");
    sx_command_parse(delta, "Session-If-Version", "17");
    ok(delta->destroy && delta->keep_flash, "Destroy and Flash-Keep are read");
    is_int(delta->renew, SX_RENEW_DISCARD, "of Renew the stronger wish holds");
    ok(delta->has_if_version && delta->if_version == 17,
       "one version may be given often");
    is_str(delta->refused, NULL, "and none of it is refused");
    delta = sx_delta_create(pool);
    sx_command_parse(delta, "Session-If-Version", "18446744073709551615");
    ok(delta->if_version == UINT64_MAX, "a version has 64 bits");
    delta = sx_delta_create(pool);
    sx_command_parse(delta, "Session-If-Version", "0");
    ok(delta->has_if_version && delta->if_version == 0,
       "version 0 is a version");
    sx_command_parse(delta, "Session-If-Version", "1");
    ok(delta->refused, "another version in another header is refused");
}

static void test_after_refusal(void)
{
    sx_delta *delta = sx_delta_create(pool);

    sx_command_parse(delta, "Session-Set", "a");
    sx_command_parse(delta, "Session-Set", "%=%");
    sx_command_parse(delta, "Session-Append", "a=1");
    sx_command_parse(delta, "Session-Destroy", "on");
    sx_command_parse(delta, "Session-Renew", "on");
    sx_command_parse(delta, "Session-If-Version", "3");
    is_str(delta->refused, "Session-Set: byte 0: a pair has no '='",
           "the first reason stays");
    ok(delta->destroy && delta->renew == SX_RENEW,
       "Destroy and Renew are read after a refusal");
    ok(delta->has_if_version, "and so is If-Version");
    ok(delta->ops[SX_OP_APPEND] == NULL, "data commands are not");
    sx_command_parse(delta, "Session-Destroy", "no");
    ok(delta->destroy, "a bad Destroy does not take back a good one");
    is_str(delta->refused, "Session-Set: byte 0: a pair has no '='",
           "nor does its reason replace the first");
}

static void test_logout(void)
{
    sx_delta *delta = sx_delta_create(pool);

    sx_command_parse(delta, "Session-Logout", "others");
    ok(delta->logout && !delta->destroy && !delta->refused,
       "a Logout of the others leaves this session");
    sx_command_parse(delta, "Session-Logout", "All, others");
    ok(delta->logout && delta->destroy && !delta->refused,
       "one of all does not, whatever is beside it");
    delta = sx_delta_create(pool);
    sx_command_parse(delta, "Session-Logout", "all, mine");
    ok(!delta->logout && !delta->destroy, "a malformed one is not obeyed");
    is_str(delta->refused, "Session-Logout: byte 5: accepted are: all, others",
           "and refused");
    sx_command_parse(delta, "Session-Logout", "all");
    ok(delta->logout && delta->destroy, "a good one is, all the same");
}

/* ---- names -------------------------------------------------------------- */

static void test_names(void)
{
    static const char *const order[] = {"Session-If-Version", "Session-Destroy",
                                        "Session-Logout",     "Session-Clear",
                                        "Session-Unset",      "Session-Set",
                                        "Session-Append",     "Session-Incr",
                                        "Session-Idle",       "Session-Persist",
                                        "Session-Renew",      "Session-Flash",
                                        "Session-Flash-Keep", NULL};
    static const char *const foreign[] = {"",
                                          "Session",
                                          "Session-",
                                          "Session-Id",
                                          "Set-Cookie",
                                          "Session-S",
                                          "Session-Sets",
                                          "X-Session-Set",
                                          "Session_Set",
                                          NULL};
    const char *const *names = sx_command_names();
    sx_delta *delta = sx_delta_create(pool);
    int same = 0;

    while (names[same] && order[same] &&
           strcmp(names[same], order[same]) == 0 && sx_command_is(names[same]))
        same++;
    ok(!names[same] && !order[same], "the names are there, in their order");
    ok(sx_command_is("SESSION-FLASH-KEEP") && sx_command_is("session-set"),
       "their case does not matter");
    for (int i = 0; foreign[i]; i++) {
        sx_command_parse(delta, foreign[i], "a=1");
        ok(!sx_command_is(foreign[i]), "\"%s\" is no control header",
           foreign[i]);
    }
    ok(!delta->refused && delta->bytes == 0 && !delta->ops[SX_OP_SET],
       "and what is none is not read");
}

/* ---- limits ------------------------------------------------------------- */

static char *repeated(const char *text, size_t times)
{
    size_t len = strlen(text);
    char *p = apr_palloc(pool, len * times + 1);

    for (size_t i = 0; i < times; i++)
        memcpy(p + i * len, text, len);
    p[len * times] = '\0';
    return p;
}

static void test_key_length(void)
{
    sx_delta *delta = sx_delta_create(pool);
    const char *longest = repeated("%6b", 128);

    sx_command_parse(delta, "Session-Unset", longest);
    ok(!delta->refused, "a key of 128 bytes is accepted, however encoded");
    sx_command_parse(delta, "Session-Set",
                     apr_pstrcat(pool, "a=1,", longest, "k=1", NULL));
    is_str(delta->refused,
           "Session-Set: byte 4: a key is longer than 128 bytes",
           "a key of 129 bytes is refused");
}

static void test_total_bytes(void)
{
    sx_delta *delta = sx_delta_create(pool);
    char *half = repeated("x", SX_COMMANDS_MAX / 2);

    memcpy(half, "k=", 2);
    sx_command_parse(delta, "Session-Append", half);
    sx_command_parse(delta, "Session-Append", half);
    ok(!delta->refused && delta->bytes == SX_COMMANDS_MAX,
       "a mebibyte of commands is accepted");
    is_int(delta->ops[SX_OP_APPEND]->nelts, 2, "whole");
    sx_command_parse(delta, "Session-Destroy", "on");
    ok(delta->refused && delta->destroy,
       "what is more is refused, but a Destroy is obeyed");
}

static void test_operations(void)
{
    sx_delta *delta = sx_delta_create(pool);

    sx_command_parse(delta, "Session-Set",
                     repeated("a=&", SX_COMMAND_OPS_MAX - 1));
    sx_command_parse(delta, "Session-Incr", "n=1");
    is_str(delta->refused, NULL, "as many operations as may be are accepted");
    sx_command_parse(delta, "Session-Unset", "a");
    is_str(delta->refused,
           "Session-Unset: byte 0: too many commands in one response",
           "one more is refused, whatever it is");
    delta = sx_delta_create(pool);
    sx_command_parse(delta, "Session-Set", repeated("a=&", 300000));
    ok(delta->refused && delta->ops[SX_OP_SET]->nelts == SX_COMMAND_OPS_MAX,
       "a flood of pairs costs no more than the bound");
}

/* Junk of every kind, in every header: accepted or refused, and no reason says
 * anything of the junk. */
static void test_junk(uint64_t seed)
{
    static const char alphabet[] = "QZ%&,=+ 07-\x01\x7f\xff";
    apr_pool_t *outer = pool;
    int reasons = 0, leaks = 0, copies = 0;

    apr_pool_create(&pool, outer);
    for (int round = 0; round < 20000; round++) {
        sx_delta *delta = sx_delta_create(pool);
        char value[24];
        const char *name = sx_command_names()[round % 13];
        const sx_op *op;

        for (size_t i = 0; i < sizeof value; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            value[i] = alphabet[(seed >> 33) % (sizeof alphabet - 1)];
        }
        value[(size_t)round % sizeof value] = '\0';
        sx_command_parse(delta, name, value);
        reasons += delta->refused != NULL;
        leaks += delta->refused &&
                 (strchr(delta->refused, 'Q') || strchr(delta->refused, 'Z') ||
                  strncmp(delta->refused, name, strlen(name)) != 0);
        if (delta->ops[SX_OP_SET]) {
            op = &APR_ARRAY_IDX(delta->ops[SX_OP_SET], 0, sx_op);
            copies += op->key.p >= value && op->key.p < value + sizeof value;
        }
        if (round % 512 == 0)
            apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    pool = outer;
    ok(reasons > 10000 && reasons < 20000,
       "junk is refused, but not all of it");
    is_int(leaks, 0, "no reason holds a byte of the value");
    is_int(copies, 0, "no operation points into the header");
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv);

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_good();
    test_bad();
    test_flags();
    test_after_refusal();
    test_logout();
    test_names();
    test_key_length();
    test_total_bytes();
    test_operations();
    test_junk(seed);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
