/* SPDX-License-Identifier: Apache-2.0 */
/* A delta applied to a session: each operation, their order, their limits. */
#include <apr_general.h>
#include <apr_strings.h>
#include <sys/resource.h>

#include "sx_command.h"
#include "sx_keys.h"
#include "tap.h"

static apr_pool_t *pool;
static const sx_limits wide = {65536, 3600, SX_FLASH_MAX, SX_FLASH_BYTES};

static sx_str s(const char *z)
{
    return sx_str_of(z);
}

/* A session of one entry of each type: what operations meet. */
static sx_session *typed(void)
{
    sx_session *session = sx_session_create(pool);

    sx_session_set(session, s("text"), s("x"), SX_TEXT);
    sx_session_set(session, s("int"), s("7"), SX_INT);
    sx_session_set(session, s("bool"), s("1"), SX_BOOL);
    sx_session_set(session, s("float"), s("0.5"), SX_FLOAT);
    sx_session_set(session, s("opaque"), s("a:0:{}"), SX_OPAQUE);
    sx_session_set(session, s("secret"), s("pass"), SX_SECRET);
    sx_session_set(session, s("digits"), s("41"), SX_TEXT);
    session->version = 5;
    return session;
}

/* "Name: value | Name: value" without the "Session-". */
static sx_delta *delta_of(const char *text)
{
    sx_delta *delta = sx_delta_create(pool);
    char *rest = apr_pstrdup(pool, text);

    while (*rest) {
        char *end = strstr(rest, " | ");
        char *colon = strchr(rest, ':');

        if (end) {
            *end = '\0';
        }
        if (!colon) {
            return delta;
        }
        *colon = '\0';
        sx_command_parse(delta, apr_pstrcat(pool, "Session-", rest, NULL),
                         colon + 2);
        rest = end ? end + 3 : colon + 2 + strlen(colon + 2);
    }
    return delta;
}

static const char *const type_words[SX_TYPE_COUNT] = {
    "text", "int", "bool", "float", "opaque", "secret"};

/* "type:value" of a key, or "none". */
static const char *shown(const sx_session *session, const char *key)
{
    const sx_entry *entry = sx_session_get(session, s(key));

    return entry ? apr_psprintf(pool, "%s:%.*s", type_words[entry->type],
                                (int)entry->value.len, entry->value.p)
                 : "none";
}

/* ---- one operation ------------------------------------------------------ */

typedef struct one_case {
    const char *commands, *key, *want;
    bool data;
    const char *label;
} one_case;

static const one_case ones[] = {
    {"Set: new=1", "new", "text:1", true, "a new key is text"},
    {"Set: text=y", "text", "text:y", true, "a text is replaced"},
    {"Set: text=x", "text", "text:x", false, "the same text is no change"},
    {"Set: int=8", "int", "int:8", true, "an int stays one"},
    {"Set: int=08", "int", "text:08", true, "unless the text is not canonical"},
    {"Set: bool=0", "bool", "bool:0", true, "a bool stays one"},
    {"Set: bool=2", "bool", "text:2", true, "unless it is none"},
    {"Set: float=1.5", "float", "float:1.5", true, "a float stays one"},
    {"Set: float=abc", "float", "text:abc", true, "unless it is none"},
    {"Set: opaque=x", "opaque", "text:x", true,
     "an opaque value turns to text"},
    {"Set: opaque=a:0:{}", "opaque", "text:a:0:{}", true, "even of the same"},
    {"Set: secret=new", "secret", "secret:new", true, "a secret stays one"},
    {"Set: a=1&a=2", "a", "text:2", true, "the last pair of a key wins"},
    {"Unset: text", "text", "none", true, "unset removes"},
    {"Unset: none", "none", "none", false, "unset of nothing is no change"},
    {"Clear: on", "int", "none", true, "clear removes"},
    {"Append: text=y", "text", "text:xy", true, "append appends"},
    {"Append: new=y", "new", "text:y", true, "append makes a key"},
    {"Append: new=", "new", "text:", true, "even of nothing"},
    {"Append: text=", "text", "text:x", false, "nothing appended is no change"},
    {"Append: int=1", "int", "text:71", true, "a number appended to is text"},
    {"Append: text=1&text=2, text=3", "text", "text:x123", true, "in order"},
    {"Incr: int=2", "int", "int:9", true, "an int is added to"},
    {"Incr: digits=1", "digits", "text:42", true, "and a text of digits"},
    {"Incr: new=-3", "new", "text:-3", true, "a missing key counts as 0"},
    {"Incr: int=0", "int", "int:7", false, "0 is no change"},
    {"Incr: new=0", "new", "text:0", true, "but makes a key"},
    {"Incr: int=2&int=3", "int", "int:12", true, "twice adds twice"},
    {"Set: n=9223372036854775806 | Incr: n=1", "n", "text:9223372036854775807",
     true, "up to the largest int64"},
    {"Set: n=-9223372036854775807 | Incr: n=-1", "n",
     "text:-9223372036854775808", true, "down to the smallest"},
};

static void test_ones(void)
{
    for (size_t i = 0; i < sizeof(ones) / sizeof(*ones); i++) {
        const one_case *c = &ones[i];
        sx_session *session = typed();
        sx_change change;
        sx_applied applied = sx_delta_apply(delta_of(c->commands), session,
                                            true, &wide, &change);

        if (!ok(applied == SX_APPLIED && change.data == c->data &&
                    session->version == (c->data ? 6u : 5u) &&
                    strcmp(shown(session, c->key), c->want) == 0,
                "%s: %s", c->commands, c->label)) {
            diag("got %s, data %d", shown(session, c->key), change.data);
        }
    }
}

/* ---- refused ------------------------------------------------------------ */

static const struct {
    const char *commands, *header;
} refusals[] = {
    {"Append: opaque=x", "Session-Append"},
    {"Incr: opaque=1", "Session-Incr"},
    {"Append: secret=x", "Session-Append"},
    {"Incr: secret=1", "Session-Incr"},
    {"Incr: text=1", "Session-Incr"},
    {"Incr: bool=1", "Session-Incr"},
    {"Incr: float=1", "Session-Incr"},
    {"Set: n= | Incr: n=1", "Session-Incr"},
    {"Set: n=01 | Incr: n=1", "Session-Incr"},
    {"Set: n=9223372036854775807 | Incr: n=1", "Session-Incr"},
    {"Set: n=-9223372036854775808 | Incr: n=-1", "Session-Incr"},
    {"Set: =x", "Session-Set"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        sx_session *session = typed();
        sx_change change;
        sx_applied applied = sx_delta_apply(delta_of(refusals[i].commands),
                                            session, true, &wide, &change);

        ok(applied == SX_APPLY_REFUSED && change.why &&
               strncmp(change.why, refusals[i].header,
                       strlen(refusals[i].header)) == 0 &&
               session->version == 5,
           "\"%s\" is refused by name of its header", refusals[i].commands);
    }
}

/* ---- order -------------------------------------------------------------- */

static void test_order(void)
{
    sx_session *session = typed();
    sx_change change;

    sx_delta_apply(delta_of("Incr: n=1 | Append: n=0 | Set: n=4 | Unset: n | "
                            "Clear: on"),
                   session, true, &wide, &change);
    is_str(shown(session, "n"), "text:41",
           "clear, unset, set, append, incr: whatever order they came in");
    is_int(session->entries->nelts, 1, "and the clear came first");
    is_int((long long)session->version, 6, "as one version");
}

/* ---- sizes -------------------------------------------------------------- */

static sx_applied apply_within(sx_session *session, const char *text,
                               size_t max_size)
{
    sx_limits limits = wide;
    sx_change change;

    limits.max_size = max_size;
    return sx_delta_apply(delta_of(text), session, true, &limits, &change);
}

static void test_sizes(void)
{
    sx_session *session = sx_session_create(pool);

    is_int(apply_within(session, "Set: a=12345&b=12345", 12), SX_APPLIED,
           "names and values up to the limit are accepted");
    is_int(apply_within(session, "Append: a=x", 12), SX_APPLY_REFUSED,
           "a byte more is not");
    session = sx_session_create(pool);
    apply_within(session, "Set: a=12345&b=12345", 12);
    is_int(apply_within(session, "Set: a=1234567&b=123", 12), SX_APPLIED,
           "one value may grow by what another one of the header shrinks");
    is_int(apply_within(session, "Unset: a | Set: c=1234567", 12), SX_APPLIED,
           "or is unset");
    is_int(apply_within(session, "Unset: b | Clear: on", 1), SX_APPLIED,
           "what takes away is accepted whatever the limit is now");
    session = sx_session_create(pool);
    apply_within(session, "Set: n=9", 2);
    is_int(apply_within(session, "Incr: n=1", 2), SX_APPLY_REFUSED,
           "a number may grow beyond it, too");
}

static void test_keys(void)
{
    sx_session *session = sx_session_create(pool);
    sx_change change;
    const char *list = "Set: k0=0";

    for (int i = 1; i < SX_KEYS_MAX; i++) {
        list = apr_psprintf(pool, "%s&k%d=0", list, i);
    }
    is_int(sx_delta_apply(delta_of(list), session, true, &wide, &change),
           SX_APPLIED, "a session may have 1024 keys");
    is_int(sx_delta_apply(delta_of("Set: k5=1"), session, true, &wide, &change),
           SX_APPLIED, "which may change");
    for (int i = 0; i < 3; i++) {
        static const char *const more[] = {"Set: m=1", "Append: m=1",
                                           "Incr: m=1"};

        is_int(sx_delta_apply(delta_of(more[i]),
                              sx_session_clone(session, pool), true, &wide,
                              &change),
               SX_APPLY_REFUSED, "and one more is refused");
    }
}

static long resident_kb(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

/* Parts of one value must not each leave a copy of all before them. */
static void test_many_parts(void)
{
    sx_session *session = sx_session_create(pool);
    sx_limits limits = wide;
    sx_delta *delta = sx_delta_create(pool);
    sx_change change;
    char part[256];
    const sx_entry *entry;
    bool right = true;
    long before;

    limits.max_size = 4 << 20;
    for (int i = 0; i < 4000; i++) {
        memset(part, 'a' + i % 26, sizeof(part));
        sx_delta_add(delta, (sx_op){.code = SX_OP_APPEND,
                                    .key = s("k"),
                                    .value = sx_str_dup(
                                        (sx_str){part, sizeof(part)}, pool)});
    }
    before = resident_kb();
    is_int(sx_delta_apply(delta, session, true, &limits, &change), SX_APPLIED,
           "a megabyte in 4000 parts is applied");
    entry = sx_session_get(session, s("k"));
    for (int i = 0; i < 4000; i++) {
        right = right && entry->value.len == 4000 * sizeof(part) &&
                entry->value.p[(size_t)i * sizeof(part)] == 'a' + i % 26;
    }
    ok(right, "and every part is in its place");
    ok(resident_kb() - before < 32 * 1024, "in a few times its size");
}

/* ---- the rest ----------------------------------------------------------- */

static void test_idle_and_persist(void)
{
    sx_session *session = typed();
    sx_change change;

    sx_delta_apply(delta_of("Idle: 600 | Persist: on"), session, true, &wide,
                   &change);
    ok(session->idle_s == 600 && session->persist && change.other &&
           !change.data && session->version == 5,
       "idle and persist are noted and are no version");
    sx_delta_apply(delta_of("Idle: 600 | Persist: on"), session, true, &wide,
                   &change);
    ok(!change.other, "the same again is no change");
    sx_delta_apply(delta_of("Idle: 99999"), session, true, &wide, &change);
    is_int(session->idle_s, 3600, "an idle timeout beyond the maximum is cut");
    sx_delta_apply(delta_of("Idle: default"), session, true, &wide, &change);
    is_int(session->idle_s, 0, "default takes it back");
}

static void test_flash(void)
{
    sx_session *session = typed();
    sx_limits limits = wide;
    sx_delta *delta = delta_of("Flash: info=a&warning=b&info=c");
    sx_change change;
    sx_message *list;
    uint64_t id;

    sx_delta_apply(delta, session, true, &wide, &change);
    list = (sx_message *)session->messages->elts;
    ok(session->messages->nelts == 3 && change.other && !change.data &&
           sx_str_eq(list[1].level, s("warning")) &&
           sx_str_eq(list[2].text, s("c")),
       "messages are queued in order");
    id = list[1].id;
    ok(list[0].id && id && list[2].id && list[0].id != id && id != list[2].id,
       "each has an id of its own");
    sx_delta_apply(delta, typed(), true, &wide, &change);
    ok(((sx_message *)session->messages->elts)[1].id == id,
       "which a second try does not change");
    list[1].claim.id = 77;
    delta = delta_of("Flash: info=d");
    delta->claim = 77;
    delta->shown = true;
    limits.flash_max = 3;
    is_int(sx_delta_apply(delta, session, true, &limits, &change), SX_APPLIED,
           "what was shown makes room for what is queued");
    ok(session->messages->nelts == 3 && change.other && !change.data &&
           sx_str_eq(list[1].text, s("c")) && sx_str_eq(list[2].text, s("d")),
       "it goes, the others stay in order");
    delta = sx_delta_create(pool);
    delta->claim = 77;
    ok(sx_delta_asks(delta) && !sx_delta_has_data(delta),
       "to settle a claim is no data command");
    sx_delta_apply(delta, session, true, &wide, &change);
    ok(session->messages->nelts == 3 && !change.other,
       "and without its messages changes nothing");
    session->messages->nelts = 2;
    limits.flash_max = 2;
    is_int(sx_delta_apply(delta_of("Flash: info=x"), session, true, &limits,
                          &change),
           SX_APPLY_REFUSED, "more than may wait are refused");
    limits.flash_max = 9;
    limits.flash_bytes = 15;
    is_int(sx_delta_apply(delta_of("Flash: info=x"), session, true, &limits,
                          &change),
           SX_APPLIED, "bytes up to the limit are accepted");
    is_int(sx_delta_apply(delta_of("Flash: info="), session, true, &limits,
                          &change),
           SX_APPLY_REFUSED, "more are not");
    sx_delta_apply(delta_of("Clear: on"), session, true, &wide, &change);
    is_int(session->messages->nelts, 3, "a clear leaves the messages");
}

static void test_if_version(void)
{
    sx_session *session = typed();
    sx_change change;

    is_int(sx_delta_apply(delta_of("If-Version: 5"), session, true, &wide,
                          &change),
           SX_APPLIED, "If-Version holds at that version");
    is_int(sx_delta_apply(delta_of("If-Version: 4 | Set: =x"), session, true,
                          &wide, &change),
           SX_APPLY_VERSION, "at another it does not, whatever else is wrong");
    is_int(sx_delta_apply(delta_of("If-Version: 0"), session, true, &wide,
                          &change),
           SX_APPLY_VERSION, "0 does not where a session is");
    session = sx_session_create(pool);
    is_int(sx_delta_apply(delta_of("If-Version: 0"), session, false, &wide,
                          &change),
           SX_APPLIED, "and holds where none is");
    is_int((long long)session->version, 1, "which then begins at 1");
}

static void test_drop(void)
{
    sx_delta *delta = delta_of("Set: a=1 | Flash: info=x | If-Version: 3 | "
                               "Incr: =x | Destroy: on | Renew: on");

    ok(sx_delta_has_data(delta) && sx_delta_creates(delta),
       "a delta knows that it has data");
    sx_delta_drop_data(delta);
    ok(!sx_delta_has_data(delta) && !sx_delta_creates(delta) && !delta->refused,
       "dropped, they are gone with what was wrong with them");
    ok(delta->destroy && delta->renew == SX_RENEW, "Destroy and Renew stay");
    ok(!sx_delta_has_data(delta_of("Renew: on | Destroy: on")),
       "which are no data");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!sx_crypto_init())
        return 1;
    test_ones();
    test_refusals();
    test_order();
    test_sizes();
    test_keys();
    test_many_parts();
    test_idle_and_persist();
    test_flash();
    test_if_version();
    test_drop();
    return done_testing();
}
