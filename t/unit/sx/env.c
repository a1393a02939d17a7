/* SPDX-License-Identifier: Apache-2.0 */
/* Session -> environment: what is exported, how it is cut, and that nothing is
 * missing in silence. */
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include "sx_env.h"
#include "sx_form.h"

static apr_pool_t *pool;
static sx_session *session;
static sx_env_in in;

static sx_str s(const char *z)
{
    return sx_str_of(z);
}

/* A session of version 17 without keys, and no messages. */
static void fresh(void)
{
    session = sx_session_create(pool);
    session->version = 17;
    session->handle = 0xabcdef;
    session->created_s = 1000;
    in = (sx_env_in){.status = SX_STATUS_ACTIVE,
                     .session = session,
                     .last_access_s = 1100,
                     .expires_s = 44200,
                     .idle_left_s = 1800,
                     .all_keys = true};
}

static void set(const char *key, const char *value)
{
    sx_session_set(session, s(key), s(value), SX_TEXT);
}

static void message(const char *level, sx_str text)
{
    APR_ARRAY_PUSH(session->messages, sx_message) =
        (sx_message){.level = s(level), .text = text};
    in.messages = session->messages;
}

static const char *value_of(const apr_array_header_t *vars, const char *name)
{
    const char *found = NULL;

    for (int i = 0; i < vars->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(vars, i, sx_var).name, name) == 0)
            found = APR_ARRAY_IDX(vars, i, sx_var).value;
    return found;
}

static const char *env(const char *name)
{
    return value_of(sx_env_make(&in, pool), name);
}

/* ---- the facts ---------------------------------------------------------- */

static void test_status(void)
{
    static const struct {
        sx_status status;
        const char *word;
    } words[] = {{SX_STATUS_NONE, "none"},
                 {SX_STATUS_INVALID, "invalid"},
                 {SX_STATUS_UNAVAILABLE, "unavailable"}};

    fresh();
    set("a", "1");
    message("info", s("x"));
    for (int i = 0; i < 3; i++) {
        const apr_array_header_t *vars;

        in.status = words[i].status;
        vars = sx_env_make(&in, pool);
        ok(vars->nelts == 1 &&
               strcmp(value_of(vars, "SESSION_STATUS"), words[i].word) == 0,
           "status %s is exported alone", words[i].word);
    }
}

static void test_facts(void)
{
    static const char *const want[][2] = {
        {"SESSION_STATUS", "active"},  {"SESSION_HANDLE", "0000000000abcdef"},
        {"SESSION_CREATED", "1000"},   {"SESSION_LAST_ACCESS", "1100"},
        {"SESSION_EXPIRES", "44200"},  {"SESSION_IDLE_LEFT", "1800"},
        {"SESSION_VERSION", "17"},     {"SESSION_USER", NULL},
        {"SESSION_DATA", ""},          {"SESSION_DATA_PARTS", NULL},
        {"SESSION_ENV_OMITTED", NULL}, {"FLASH_COUNT", NULL},
        {"FLASH_DATA", NULL},          {"SESSION_EXT_TICKET", NULL}};

    fresh();
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        is_str(env(want[i][0]), want[i][1],
               apr_psprintf(pool, "an empty session: %s", want[i][0]));
    in.user = (sx_str){"aliceXX", 5};
    is_str(env("SESSION_USER"), "alice", "a user is exported, by its length");
    in.user = s("al\nice");
    is_str(env("SESSION_USER"), NULL, "a user with a line end is not");
    is_str(env("SESSION_ENV_OMITTED"), "env:SESSION_USER", "and is named");
    session->version = UINT64_MAX;
    is_str(env("SESSION_VERSION"), "18446744073709551615",
           "a version has 64 bits");
    session->handle = UINT64_MAX;
    is_str(env("SESSION_HANDLE"), "ffffffffffffffff", "a handle has 16 digits");
}

/* ---- keys --------------------------------------------------------------- */

typedef struct key_case {
    const char *key;
    sx_str value;
    sx_type type;
    const char *var; /* value of SESSION_VAR_<key>, or NULL */
    const char *data;
    const char *omitted;
    const char *label;
} key_case;

#define RAW(text)                                                              \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }

static const key_case keys[] = {
    {"user", RAW("alice"), SX_TEXT, "alice", "user=alice", NULL, "a text"},
    {"n", RAW("-7"), SX_INT, "-7", "n=-7", NULL, "an integer"},
    {"b", RAW("1"), SX_BOOL, "1", "b=1", NULL, "a boolean"},
    {"f", RAW("0.5"), SX_FLOAT, "0.5", "f=0.5", NULL, "a float"},
    {"o", RAW("a:0:{}"), SX_OPAQUE, NULL, "", "o", "an opaque value"},
    {"o p", RAW("x"), SX_OPAQUE, NULL, "", "o+p",
     "an opaque value of an odd key"},
    {"pw", RAW("x"), SX_SECRET, NULL, "", "pw", "a secret"},
    {"aZ_09", RAW("x"), SX_TEXT, "x", "aZ_09=x", NULL, "a key of all kinds"},
    {"a-b", RAW("x"), SX_TEXT, NULL, "a-b=x", NULL, "a key with a hyphen"},
    {"a.b", RAW("x"), SX_TEXT, NULL, "a.b=x", NULL, "a key with a dot"},
    {"a=b", RAW("x"), SX_TEXT, NULL, "a%3Db=x", NULL, "a key with '='"},
    {"\xc3\xa4", RAW("x"), SX_TEXT, NULL, "%C3%A4=x", NULL,
     "a key beyond "
     "ASCII"},
    {"k", RAW(""), SX_TEXT, "", "k=", NULL, "an empty value"},
    {"k", RAW("\xc3\xa4"), SX_TEXT, "\xc3\xa4", "k=%C3%A4", NULL, "UTF-8"},
    {"k", RAW("a\nb"), SX_TEXT, NULL, "k=a%0Ab", NULL, "a line end"},
    {"k", RAW("a\tb"), SX_TEXT, NULL, "k=a%09b", NULL, "a tab"},
    {"k", RAW("a\0b"), SX_TEXT, NULL, "k=a%00b", NULL, "a NUL"},
    {"k", RAW("\x7f"), SX_TEXT, NULL, "k=%7F", NULL, "a DEL"},
    {"k", RAW("() { :;}; echo x"), SX_TEXT, NULL,
     "k=%28%29+%7B+%3A%3B%7D%3B+echo+x", NULL, "a shell function"},
    {"k", RAW("() {"), SX_TEXT, NULL, "k=%28%29+%7B", NULL, "its beginning"},
    {"k", RAW("() "), SX_TEXT, "() ", "k=%28%29+", NULL, "less than that"},
    {"k", RAW("x() {"), SX_TEXT, "x() {", "k=x%28%29+%7B", NULL, "it inside"},
};

static void test_keys(void)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const key_case *test = &keys[i];
        const char *name = apr_pstrcat(pool, "SESSION_VAR_", test->key, NULL);

        fresh();
        sx_session_set(session, s(test->key), test->value, test->type);
        is_str(env(name), test->var,
               apr_psprintf(pool, "alone: %s", test->label));
        is_str(env("SESSION_DATA"), test->data,
               apr_psprintf(pool, "in the data: %s", test->label));
        is_str(env("SESSION_ENV_OMITTED"), test->omitted,
               apr_psprintf(pool, "omitted: %s", test->label));
    }
}

static void test_selection(void)
{
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(char *));

    fresh();
    set("a", "1");
    set("b", "2");
    set("c", "3");
    sx_session_set(session, s("o"), s("x"), SX_OPAQUE);
    is_str(env("SESSION_DATA"), "a=1&b=2&c=3",
           "keys are in order of first set");
    APR_ARRAY_PUSH(list, const char *) = "c";
    APR_ARRAY_PUSH(list, const char *) = "a";
    APR_ARRAY_PUSH(list, const char *) = "gone";
    in.all_keys = false;
    in.keys = list;
    is_str(env("SESSION_DATA"), "a=1&c=3",
           "only selected keys are in the data");
    ok(!env("SESSION_VAR_b") && env("SESSION_VAR_c"),
       "and only those have a variable");
    is_str(env("SESSION_ENV_OMITTED"), NULL,
           "an opaque key that is not selected is not named");
    in.keys = NULL;
    is_str(env("SESSION_DATA"), "", "without a list none is selected");
}

/* ---- cutting ------------------------------------------------------------ */

static int number(const char *text)
{
    int64_t n = -1;

    sx_parse_int64(s(text), &n);
    return (int)n;
}

static const char *joined(const apr_array_header_t *vars, int *parts)
{
    const char *count = value_of(vars, "SESSION_DATA_PARTS");
    sx_buf text = {.pool = pool};

    *parts = count ? number(count) : 0;
    for (int i = 1; i <= *parts; i++) {
        const char *part =
            value_of(vars, apr_psprintf(pool, "SESSION_DATA_%d", i));

        if (!part)
            return NULL;
        sx_buf_append(&text, part, strlen(part));
    }
    return text.p;
}

static char *filled(size_t len)
{
    char *p = apr_palloc(pool, len + 1);

    memset(p, 'x', len);
    p[len] = '\0';
    return p;
}

static void test_boundary(void)
{
    const apr_array_header_t *vars;
    int parts;

    fresh();
    set("k", filled(7998));
    vars = sx_env_make(&in, pool);
    ok(value_of(vars, "SESSION_DATA") &&
           strlen(value_of(vars, "SESSION_DATA")) == 8000 &&
           !value_of(vars, "SESSION_DATA_1") &&
           !value_of(vars, "SESSION_DATA_PARTS"),
       "8000 bytes of data are one variable");
    set("k", filled(7999));
    vars = sx_env_make(&in, pool);
    is_str(joined(vars, &parts), apr_pstrcat(pool, "k=", filled(7999), NULL),
           "8001 bytes are cut, and the parts give the whole");
    is_int(parts, 2, "into two parts");
    ok(!value_of(vars, "SESSION_DATA"), "and nothing is there uncut");
}

static void test_pair_boundaries(void)
{
    const apr_array_header_t *vars;
    const char *whole = "", *first;
    int parts, inside = 0;

    fresh();
    for (int i = 0; i < 300; i++) {
        const char *key = apr_psprintf(pool, "key%d", i);

        set(key, filled((size_t)(i * 7) % 200));
        whole = apr_pstrcat(pool, whole, i ? "&" : "", key, "=",
                            filled((size_t)(i * 7) % 200), NULL);
    }
    vars = sx_env_make(&in, pool);
    is_str(joined(vars, &parts), whole,
           "the parts of many pairs give the whole");
    ok(parts >= 4 && parts <= 6, "the parts are well filled");
    for (int i = 1; i < parts; i++) {
        first = value_of(vars, apr_psprintf(pool, "SESSION_DATA_%d", i));
        inside += first[strlen(first) - 1] != '&';
    }
    is_int(inside, 0, "every cut is between two pairs");
    set("key1", filled(30000));
    vars = sx_env_make(&in, pool);
    first = joined(vars, &parts);
    ok(first && strlen(first) == strlen(whole) + 30000 - 7,
       "a pair longer than a part is cut inside and nothing is lost");
}

/* ---- room --------------------------------------------------------------- */

static size_t total_of(const apr_array_header_t *vars, size_t *largest)
{
    size_t total = 0;

    *largest = 0;
    for (int i = 0; i < vars->nelts; i++) {
        const sx_var *var = &APR_ARRAY_IDX(vars, i, sx_var);
        size_t len = strlen(var->name) + strlen(var->value);

        total += len;
        *largest = len > *largest ? len : *largest;
    }
    return total;
}

static bool listed(const char *list, const char *item)
{
    size_t pos = 0;
    sx_str got;

    while (list && sx_form_next(s(list), &pos, &got))
        if (sx_str_eq(got, s(item)))
            return true;
    return false;
}

/* Every key is in the data and has its variable, or is named. */
static int silent(const apr_array_header_t *vars)
{
    const char *omitted = value_of(vars, "SESSION_ENV_OMITTED");
    const char *data = value_of(vars, "SESSION_DATA");
    int parts, count = 0;

    if (!data)
        data = joined(vars, &parts);
    for (int i = 0; i < session->entries->nelts; i++) {
        const char *key = APR_ARRAY_IDX(session->entries, i, sx_entry).key.p;
        const char *pair = apr_pstrcat(pool, key, "=", NULL);
        bool there =
            data && strstr(data, pair) &&
            value_of(vars, apr_pstrcat(pool, "SESSION_VAR_", key, NULL));

        count += there == listed(omitted, key);
    }
    return count;
}

static void test_rooms(void)
{
    size_t largest;
    int over = 0, quiet = 0, damaged = 0, facts = 0, whole = 0;

    fresh();
    for (int i = 0; i < 60; i++)
        set(apr_psprintf(pool, "key%02d", i), filled((size_t)(i * 131) % 900));
    for (size_t room = 4096; room < 80000; room += 997) {
        const apr_array_header_t *vars;
        const char *omitted;

        in.max_total = room;
        in.max_var = room % 2 ? 8190 : 700;
        vars = sx_env_make(&in, pool);
        omitted = value_of(vars, "SESSION_ENV_OMITTED");
        over += total_of(vars, &largest) > room || largest > in.max_var;
        quiet += !(omitted && strstr(omitted, "more:")) && silent(vars);
        damaged += !value_of(vars, "SESSION_DATA") &&
                   !value_of(vars, "SESSION_DATA_PARTS");
        facts += value_of(vars, "SESSION_VERSION") != NULL;
        whole += omitted == NULL;
    }
    is_int(over, 0, "no room is ever exceeded");
    is_int(quiet, 0, "a key is exported twice, or named");
    is_int(damaged, 0, "the data is there, if not all of it");
    is_int(facts, 77, "what every app needs is there in the least room");
    ok(whole > 0, "in much room nothing is omitted");
}

static void test_what_goes_first(void)
{
    char *wide = filled(1500);

    fresh();
    set("big", filled(2000));
    set("small", "1");
    in.max_total = 4096;
    ok(env("SESSION_DATA") && !env("SESSION_VAR_big") &&
           env("SESSION_VAR_small"),
       "of data that is there twice the single key gives way");
    is_str(env("SESSION_ENV_OMITTED"), "big", "and is named");
    set("big", filled(5000));
    is_str(env("SESSION_DATA"), "small=1",
           "a pair too large leaves the others");
    is_str(env("SESSION_ENV_OMITTED"), "big", "and is named once");
    memset(wide, '~', 1500);
    set("big", wide);
    ok(env("SESSION_VAR_big") && !strstr(env("SESSION_DATA"), "big"),
       "a value may have room as it is and none encoded");
    is_str(env("SESSION_ENV_OMITTED"), "big", "and is named then too");
    set("big", filled(5000));
    in.max_total = 0;
    in.max_var = 4096;
    ok(env("SESSION_DATA_2") && !env("SESSION_VAR_big"),
       "where one variable has little room the data is cut smaller");
    is_str(env("SESSION_ENV_OMITTED"), "big", "and the single key is named");
}

static void test_long_omissions(void)
{
    const apr_array_header_t *vars;
    const char *list, *more;
    size_t largest;
    int commas = 0;

    fresh();
    for (int i = 0; i < SX_KEYS_MAX; i++)
        sx_session_set(session, s(apr_psprintf(pool, "%s%d", filled(100), i)),
                       s("x"), SX_OPAQUE);
    in.max_var = 8190;
    in.max_total = 60000;
    vars = sx_env_make(&in, pool);
    list = value_of(vars, "SESSION_ENV_OMITTED");
    more = list ? strstr(list, ",more:") : NULL;
    total_of(vars, &largest);
    ok(more && largest <= 8190,
       "a list without room for all ends with a count");
    for (const char *p = list; more && p <= more; p++)
        commas += *p == ',';
    ok(more && commas + number(more + 6) == SX_KEYS_MAX,
       "and names and count give all");
    in.max_var = in.max_total = 0;
    list = env("SESSION_ENV_OMITTED");
    ok(list && !strstr(list, "more:") && strlen(list) > 100 * SX_KEYS_MAX,
       "without a bound all are named");
}

/* ---- flash -------------------------------------------------------------- */

static void test_flash(void)
{
    static const char *const want[][2] = {
        {"FLASH_COUNT", "3"},
        {"FLASH_1_LEVEL", "info"},
        {"FLASH_1_TEXT", "Saved"},
        {"FLASH_2_LEVEL", "warning"},
        {"FLASH_2_TEXT", "Low stock"},
        {"FLASH_3_LEVEL", "info"},
        {"FLASH_3_TEXT", "Bye"},
        {"FLASH_info", "Saved Bye"},
        {"FLASH_warning", "Low stock"},
        {"FLASH_4_LEVEL", NULL},
        {"FLASH_DATA", "info=Saved&warning=Low+stock&info=Bye"},
        {"SESSION_ENV_OMITTED", NULL}};

    fresh();
    message("info", s("Saved"));
    message("warning", (sx_str){"Low stocks", 9});
    message("info", s("Bye"));
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        is_str(env(want[i][0]), want[i][1],
               apr_psprintf(pool, "three messages: %s", want[i][0]));
    fresh();
    in.messages = apr_array_make(pool, 1, sizeof(sx_message));
    ok(env("FLASH_COUNT") && strcmp(env("FLASH_COUNT"), "0") == 0 &&
           !env("FLASH_DATA"),
       "a page that may have messages and has none is told so");
}

static void test_hostile_flash(void)
{
    fresh();
    message("info", s("a\nb"));
    message("info", s("() { :;}; x"));
    message("info", s("fine"));
    message("Bad_1", s("x"));
    message("warning", s("()"));
    message("warning", s("{ :;}; x"));
    is_str(env("FLASH_COUNT"), "6", "odd messages are counted");
    is_str(env("FLASH_DATA"),
           "info=a%0Ab&info=%28%29+%7B+%3A%3B%7D%3B+x&info=fine&Bad_1=x"
           "&warning=%28%29&warning=%7B+%3A%3B%7D%3B+x",
           "and encoded");
    ok(!env("FLASH_1_TEXT") && !env("FLASH_2_TEXT") && !env("FLASH_4_TEXT"),
       "but none is exported raw");
    ok(!env("FLASH_1_LEVEL") && !env("FLASH_Bad_1"), "nor their levels");
    is_str(env("FLASH_3_TEXT"), "fine", "the next keeps its number");
    is_str(env("FLASH_info"), "fine", "a level has the texts that may be raw");
    ok(env("FLASH_5_TEXT") && !env("FLASH_warning"),
       "texts that are harmless alone are not joined to a shell function");
    is_str(env("SESSION_ENV_OMITTED"),
           "flash:1,flash:2,flash:4,env:FLASH_warning",
           "all that is missing is named");
}

static void test_levels_named_like_ours(void)
{
    fresh();
    message("count", s("x"));
    is_str(env("FLASH_COUNT"), "1", "a level named count leaves the number");
    is_str(env("SESSION_ENV_OMITTED"), "env:FLASH_count", "and that is said");
}

static void test_large_flash(void)
{
    fresh();
    message("info", s(filled(5000)));
    message("info", s("x"));
    in.max_var = 4096;
    is_str(env("SESSION_ENV_OMITTED"), "env:FLASH_DATA,flash:1,env:FLASH_info",
           "a text too large for a variable is named wherever it is missing");
    is_str(env("FLASH_2_TEXT"), "x", "and the others are there");
}

/* ---- names -------------------------------------------------------------- */

static void test_names(void)
{
    static const char *const ours[] = {
        "SESSION_STATUS",   "SESSION_EXT_TICKET", "SESSION_DATA_1",
        "SESSION_DATA_123", "SESSION_VAR_x",      "SESSION_VAR_a_B_9",
        "FLASH_1_LEVEL",    "FLASH_12_TEXT",      "FLASH_info",
        "FLASH_COUNT",      "SEALED_theme",       "SESSION_DATA_PARTS"};
    static const char *const others[] = {"",
                                         "SESSION",
                                         "SESSION_",
                                         "SESSION_SAVE",
                                         "SESSION_ID",
                                         "SESSION_COOKIE",
                                         "SESSION_VAR_",
                                         "SESSION_VARS",
                                         "SESSION_DATA_",
                                         "SESSION_DATA_1x",
                                         "SESSION_DATA_x",
                                         "FLASH_",
                                         "FLASH_INFO",
                                         "FLASH_1",
                                         "FLASH_1_",
                                         "FLASH_1_OTHER",
                                         "FLASH_1_LEVELS",
                                         "FLASH_a1",
                                         "FLASH__LEVEL",
                                         "FLASHLIGHT",
                                         "SEALED_",
                                         "session_status",
                                         "HTTP_SESSION",
                                         "XSESSION_VAR_a",
                                         "SESSION_STATUS ",
                                         "REDIRECT_SESSION_STATUS"};
    const char *const *names = sx_env_names();
    int fixed = 0;

    for (; names[fixed]; fixed++)
        ok(sx_env_is_ours(names[fixed]), "%s is ours", names[fixed]);
    is_int(fixed, 14, "there are as many fixed names as documented");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        ok(sx_env_is_ours(ours[i]), "%s is ours", ours[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ok(!sx_env_is_ours(others[i]), "\"%s\" is not ours", others[i]);
}

static void test_made_names(void)
{
    const apr_array_header_t *vars;
    int foreign = 0, twice = 0, http = 0;

    fresh();
    in.user = s("u");
    set("a", filled(9000));
    set("A", "1");
    set("STATUS", "x");
    sx_session_set(session, s("o"), s("x"), SX_OPAQUE);
    message("info", s("x"));
    message("data", s("y"));
    vars = sx_env_make(&in, pool);
    for (int i = 0; i < vars->nelts; i++) {
        const char *name = APR_ARRAY_IDX(vars, i, sx_var).name;

        foreign += !sx_env_is_ours(name);
        http += strncmp(name, "HTTP_", 5) == 0;
        for (int k = 0; k < i; k++)
            twice += strcmp(name, APR_ARRAY_IDX(vars, k, sx_var).name) == 0;
    }
    is_int(foreign, 0, "every name that is made is known as ours");
    is_int(twice, 0, "and is made once");
    is_int(http, 0, "and cannot be that of a request header");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_status();
    test_facts();
    test_keys();
    test_selection();
    test_boundary();
    test_pair_boundaries();
    test_rooms();
    test_what_goes_first();
    test_long_omissions();
    test_flash();
    test_hostile_flash();
    test_levels_named_like_ours();
    test_large_flash();
    test_names();
    test_made_names();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
