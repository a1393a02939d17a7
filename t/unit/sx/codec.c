/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codec.  The property behind most of this: whatever bytes decode is
 * given, it answers NULL or a session that encodes to these very bytes.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include "sx_codec.h"
#include "tap.h"

static apr_pool_t *pool; /* for the whole program */
static apr_pool_t *each; /* cleared by whoever fills it */
static unsigned short rng[3];

#define HEAD                                                                   \
    "\x02\x01\x58\x02\x00\x00"                                                 \
    "\x08\x07\x06\x05\x04\x03\x02\x01"                                         \
    "\x88\x77\x66\x55\x44\x33\x22\x11"                                         \
    "\x00\xf1\x53\x65\x00\x00\x00\x00"                                         \
    "\xff\xff\xff\xff\xff\xff\xff\xff"                                         \
    "\x39\x30\x00\x00\x00\x00\x00\x00"                                         \
    "\xf0\xde\xbc\x9a\x78\x56\x34\x12"
#define COUNTS(e, m) e "\x00" m
#define E_USER       "\x00\x04\x05useralice"
#define E_HITS       "\x01\x04\x02hits42"
#define M_INFO                                                                 \
    "\xef\xcd\xab\x89\x67\x45\x23\x01"                                         \
    "\x04\x05infoSaved"
#define V128                                                                   \
    "----------------------------------------------------------------"         \
    "----------------------------------------------------------------"
#define BYTES(literal)                                                         \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }

static const sx_str known =
    BYTES(HEAD COUNTS("\x02", "\x01") E_USER E_HITS M_INFO);

static void add_message(sx_session *session, uint64_t id, sx_str level,
                        sx_str text)
{
    *(sx_message *)apr_array_push(session->messages) =
        (sx_message){.id = id, .level = level, .text = text};
}

static sx_session *known_session(void)
{
    sx_session *session = sx_session_create(pool);

    session->persist = true;
    session->idle_s = 600;
    session->version = 0x0102030405060708ULL;
    session->handle = 0x1122334455667788ULL;
    session->created_s = 1700000000;
    session->login_s = -1;
    session->id_born_ms = 12345;
    session->epoch = 0x123456789abcdef0ULL;
    sx_session_set(session, sx_str_of("user"), sx_str_of("alice"), SX_TEXT);
    sx_session_set(session, sx_str_of("hits"), sx_str_of("42"), SX_INT);
    add_message(session, 0x0123456789abcdefULL, sx_str_of("info"),
                sx_str_of("Saved"));
    return session;
}

static bool same_claim(const sx_flash_claim *a, const sx_flash_claim *b)
{
    return a->id == b->id && a->since_ms == b->since_ms &&
           a->by.place == b->by.place && a->by.born == b->by.born &&
           a->by.pid == b->by.pid;
}

static bool same_session(const sx_session *a, const sx_session *b)
{
    bool same = a->version == b->version && a->handle == b->handle &&
                a->created_s == b->created_s && a->login_s == b->login_s &&
                a->id_born_ms == b->id_born_ms && a->epoch == b->epoch &&
                a->idle_s == b->idle_s && a->persist == b->persist &&
                a->seat == b->seat &&
                memcmp(a->client, b->client, sizeof a->client) == 0 &&
                a->entries->nelts == b->entries->nelts &&
                a->messages->nelts == b->messages->nelts;

    for (int i = 0; same && i < a->entries->nelts; i++) {
        const sx_entry *x = &APR_ARRAY_IDX(a->entries, i, sx_entry);
        const sx_entry *y = &APR_ARRAY_IDX(b->entries, i, sx_entry);

        same = x->type == y->type && sx_str_eq(x->key, y->key) &&
               sx_str_eq(x->value, y->value);
    }
    for (int i = 0; same && i < a->messages->nelts; i++) {
        const sx_message *x = &APR_ARRAY_IDX(a->messages, i, sx_message);
        const sx_message *y = &APR_ARRAY_IDX(b->messages, i, sx_message);

        same = x->id == y->id && sx_str_eq(x->level, y->level) &&
               sx_str_eq(x->text, y->text) && same_claim(&x->claim, &y->claim);
    }
    return same;
}

/* Refused, or exactly these bytes again?  The bytes are given in a block of
 * their own size, where a read too far is seen by ASan and valgrind. */
static bool lawful(const char *bytes, size_t len, int *decoded)
{
    char *exact = malloc(len ? len : 1);
    sx_session *session;
    bool good = true;

    memcpy(exact, bytes, len);
    session = sx_decode((sx_str){exact, len}, each);
    free(exact);
    if (session != NULL) {
        good = sx_str_eq(sx_encode(session, each), (sx_str){bytes, len});
        ++*decoded;
    }
    apr_pool_clear(each);
    return good;
}

static void test_known(void)
{
    sx_session *session = known_session(), *read;

    ok(sx_str_eq(sx_encode(session, pool), known),
       "a known session has its known bytes");
    read = sx_decode(known, pool);
    ok(read != NULL && same_session(session, read),
       "the known bytes are the known session");
    session = sx_session_create(pool);
    read = sx_decode(sx_encode(session, pool), pool);
    ok(read != NULL && same_session(session, read),
       "an empty session comes back");
    ok(sx_session_set(read, sx_str_of("a"), sx_str_of("b"), SX_TEXT) &&
           sx_encode(read, pool).len == 57 + 5,
       "what was decoded can be changed and encoded");
}

static void test_own_copy(void)
{
    char *bytes = apr_pmemdup(pool, known.p, known.len);
    sx_session *read = sx_decode((sx_str){bytes, known.len}, pool);

    memset(bytes, 0, known.len);
    ok(read != NULL && same_session(known_session(), read),
       "a session does not need the bytes it was made of");
}

static const struct {
    const char *name;
    sx_str bytes;
} bad[] = {
    {"no bytes", {NULL, 0}},
    {"one byte", BYTES("\x01")},
    {"a byte left over",
     BYTES(HEAD COUNTS("\x02", "\x01") E_USER E_HITS M_INFO "\x00")},
    {"an entry left over", BYTES(HEAD COUNTS("\x01", "\x00") E_USER E_HITS)},
    {"an entry missing", BYTES(HEAD COUNTS("\x03", "\x00") E_USER E_HITS)},
    {"a message missing", BYTES(HEAD COUNTS("\x01", "\x01") E_USER)},
    {"a key twice", BYTES(HEAD COUNTS("\x02", "\x00") E_USER E_USER)},
    {"a key twice, far apart",
     BYTES(HEAD COUNTS("\x03", "\x00") E_USER E_HITS "\x04\x04\x01userx")},
    {"an unknown type", BYTES(HEAD COUNTS("\x01", "\x00") "\x06\x01\x00k")},
    {"a type of 255", BYTES(HEAD COUNTS("\x01", "\x00") "\xff\x01\x00k")},
    {"an empty key", BYTES(HEAD COUNTS("\x01", "\x00") "\x00\x00\x01v")},
    {"a key of 129 bytes",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x00\x81\x00-" V128)},
    {"an int that is none",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x01\x01\x01kx")},
    {"an int with a leading zero",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x01\x01\x02k07")},
    {"a bool of 2", BYTES(HEAD COUNTS("\x01", "\x00") "\x02\x01\x01k2")},
    {"a float with a trailing zero",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x03\x01\x03k1.0")},
    {"a length written too long",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x00\x01\x81\x00kv")},
    {"a zero length written too long",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x00\x01\x80\x00k")},
    {"a length of five bytes",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x00\x01\x81\x80\x80\x80\x00kv")},
    {"a length beyond the end",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x00\x01\xff\xff\xff\x7fkv")},
    {"a key beyond the end",
     BYTES(HEAD COUNTS("\x01", "\x00") "\x00\x05\x00k")},
    {"a message without level",
     BYTES(HEAD COUNTS("\x00", "\x01") "12345678\x00\x01x")},
    {"a level in upper case",
     BYTES(HEAD COUNTS("\x00", "\x01") "12345678\x01\x01Xx")},
    {"a level with a NUL",
     BYTES(HEAD COUNTS("\x00", "\x01") "12345678\x02\x01x\0x")},
    {"a level of 33 bytes",
     BYTES(HEAD COUNTS("\x00", "\x01") "12345678\x21\x00"
                                       "abcdefghijklmnopqrstuvwxyzabcdefg")},
    {"1025 entries", BYTES(HEAD "\x01\x04\x00" E_USER)},
    {"33 messages", BYTES(HEAD COUNTS("\x00", "\x21") M_INFO)},
};

static void test_bad(void)
{
    char *bytes;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(sx_decode(bad[i].bytes, pool) == NULL, "refused: %s", bad[i].name);
    }
    bytes = apr_pmemdup(pool, known.p, known.len);
    bytes[1] = 0x21;
    ok(sx_decode((sx_str){bytes, known.len}, pool) == NULL,
       "refused: an unknown flag");
    bytes[1] = 1;
    bytes[0] = 1;
    ok(sx_decode((sx_str){bytes, known.len}, pool) == NULL,
       "refused: format 1 with everything else right");
}

static sx_str filled(size_t len)
{
    char *p = apr_palloc(pool, len + 1);

    memset(p, 'k', len);
    return (sx_str){p, len};
}

static bool comes_back(const sx_session *session)
{
    sx_str bytes = sx_encode(session, pool);
    sx_session *read = sx_decode(bytes, pool);

    return bytes.len > 0 && read != NULL && same_session(session, read) &&
           sx_str_eq(sx_encode(read, pool), bytes);
}

/* Each of what is there only if it is not 0, alone and together. */
static void test_flagged(void)
{
    size_t none = sx_encode(sx_session_create(pool), pool).len;
    int good = 0, refused = 0;

    for (unsigned bits = 0; bits < 16; bits++) {
        sx_session *session = sx_session_create(pool);
        size_t len = none;
        char *zero;
        sx_str bytes;

        session->seat = bits & 1 ? 0x1122334455667788ULL : 0;
        len += bits & 1 ? 8 : 0;
        for (unsigned i = 0; i < SX_CLIENT_PARTS; i++) {
            session->client[i] = bits & 2U << i ? 0x01020304 + i : 0;
            len += bits & 2U << i ? 4 : 0;
        }
        bytes = sx_encode(session, pool);
        good += comes_back(session) && bytes.len == len;
        zero = apr_pmemdup(pool, bytes.p, bytes.len);
        memset(zero + none, 0, bytes.len - none);
        refused += sx_decode((sx_str){zero, bytes.len}, pool) == NULL;
    }
    is_int(good, 16,
           "a seat and parts of the client come back, and what is not "
           "there takes no room");
    is_int(refused, 15, "refused: a flag for what is 0");
}

static void test_lengths(void)
{
    static const size_t edges[] = {0,     1,     127,     128,    16383,
                                   16384, 65535, 2097151, 2097152};
    int good = 0;

    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        sx_session *session = sx_session_create(pool);

        sx_session_set(session, sx_str_of("v"), filled(edges[i]), SX_OPAQUE);
        good += comes_back(session);
    }
    is_int(good, 9, "values on both sides of each length's edge come back");
}

static void test_key_limits(void)
{
    sx_session *session = sx_session_create(pool);

    sx_session_set(session, filled(SX_KEY_MAX), sx_str_of("v"), SX_TEXT);
    ok(comes_back(session), "a key of 128 bytes comes back");
    for (int i = 1; i < SX_KEYS_MAX; i++) {
        sx_session_set(session, sx_str_of(apr_psprintf(pool, "%d", i)),
                       sx_str_of("1"), SX_BOOL);
    }
    ok(comes_back(session), "1024 keys come back");
    sx_session_set(session, sx_str_of("more"), sx_str_of("1"), SX_BOOL);
    is_int(sx_encode(session, pool).len, 0, "1025 keys are not encoded");
    session = sx_session_create(pool);
    sx_session_set(session, filled(SX_KEY_MAX + 1), sx_str_of("v"), SX_TEXT);
    is_int(sx_encode(session, pool).len, 0, "nor is a key of 129 bytes");
    session = sx_session_create(pool);
    sx_session_set(session, sx_str_of(""), sx_str_of("v"), SX_TEXT);
    is_int(sx_encode(session, pool).len, 0, "nor an empty key");
    session = sx_session_create(pool);
    sx_session_set(session, sx_str_of("n"), sx_str_of("1.0"), SX_INT);
    is_int(sx_encode(session, pool).len, 0, "nor an int that is none");
}

static void test_message_limits(void)
{
    sx_session *session = sx_session_create(pool);

    for (int i = 0; i < SX_FLASH_MAX; i++) {
        add_message(session, (uint64_t)i, filled(SX_LEVEL_MAX),
                    filled(SX_FLASH_BYTES / SX_FLASH_MAX));
    }
    ok(comes_back(session), "32 messages of 8192 bytes come back");
    APR_ARRAY_IDX(session->messages, 0, sx_message).text.len++;
    is_int(sx_encode(session, pool).len, 0, "8193 bytes are not encoded");
    APR_ARRAY_IDX(session->messages, 0, sx_message).text.len -= 2;
    add_message(session, 33, sx_str_of("info"), sx_str_of(""));
    is_int(sx_encode(session, pool).len, 0, "nor are 33 messages");
    session = sx_session_create(pool);
    add_message(session, 1, filled(SX_LEVEL_MAX + 1), sx_str_of("x"));
    is_int(sx_encode(session, pool).len, 0, "nor a level of 33 bytes");
    session = sx_session_create(pool);
    add_message(session, 1, sx_str_of("a b"), sx_str_of("x"));
    is_int(sx_encode(session, pool).len, 0, "nor a level with a blank");
}

/* Texts of two messages that are each allowed and together are not. */
static void test_texts_together(void)
{
    sx_session *session = sx_session_create(pool);
    sx_str bytes;
    char *longer;

    add_message(session, 1, sx_str_of("a"), filled(SX_FLASH_BYTES - 200));
    add_message(session, 2, sx_str_of("b"), filled(200));
    bytes = sx_encode(session, pool);
    longer = apr_palloc(pool, bytes.len + 1);
    memcpy(longer, bytes.p, bytes.len);
    longer[bytes.len] = 'k';
    /* id 8, level length 1, then 200 as c8 01 */
    if (longer[bytes.len - 200 - 3] != (char)0xc8) {
        diag("the length is not where it is looked for");
    }
    longer[bytes.len - 200 - 3] = (char)0xc9;
    ok(bytes.len > 0 &&
           sx_decode((sx_str){longer, bytes.len + 1}, pool) == NULL,
       "texts of 8193 bytes together are refused");
}

/* Keys that meet in one slot of a table by the hash's low bits or not: all
 * pairs of equal keys must be found wherever they are. */
static void test_twins_anywhere(void)
{
    enum { N = 200 };
    int missed = 0;

    for (size_t twin = 1; twin < N; twin += 7) {
        sx_session *session = sx_session_create(each);
        sx_str bytes;
        char *copy;

        for (int i = 0; i < N; i++) {
            sx_session_set(session, sx_str_of(apr_psprintf(each, "%03d", i)),
                           sx_str_of(""), SX_TEXT);
        }
        bytes = sx_encode(session, each);
        copy = apr_pmemdup(each, bytes.p, bytes.len);
        memset(copy + 57 + 6 * twin + 3, '0', 3);
        missed += sx_decode((sx_str){copy, bytes.len}, each) != NULL;
        apr_pool_clear(each);
    }
    is_int(missed, 0, "two equal keys are found wherever they are");
}

static size_t below(size_t limit)
{
    return (size_t)nrand48(rng) % limit;
}

static sx_str random_bytes(size_t max, const char *alphabet)
{
    size_t len = below(max + 1);
    char *p = apr_palloc(each, len + 1);

    for (size_t i = 0; i < len; i++) {
        p[i] =
            alphabet ? alphabet[below(strlen(alphabet))] : (char)nrand48(rng);
    }
    return (sx_str){p, len};
}

static sx_str random_value(sx_type type)
{
    switch (type) {
    case SX_INT:
        return sx_str_of(
            apr_psprintf(each, "%ld", (nrand48(rng) - 0x40000000L) * 1000003L));
    case SX_BOOL:
        return sx_str_of(below(2) ? "1" : "0");
    case SX_FLOAT:
        return sx_str_of(apr_psprintf(each, "-%d.%dE-%d", (int)below(10),
                                      (int)below(1000) * 10 + 1,
                                      1 + (int)below(300)));
    default:
        return random_bytes(below(8) ? 40 : 20000, NULL);
    }
}

static sx_session *random_session(size_t keys_max)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    sx_session *session = sx_session_create(each);
    size_t keys = below(keys_max + 1), messages = below(5);

    session->version = (uint64_t)nrand48(rng) << below(33);
    session->handle = (uint64_t)nrand48(rng) * 0x100000001ULL;
    session->created_s = (int64_t)nrand48(rng);
    session->login_s = -(int64_t)nrand48(rng);
    session->id_born_ms = (int64_t)nrand48(rng) << below(30);
    session->epoch = (uint64_t)nrand48(rng) << below(33);
    session->idle_s = (uint32_t)nrand48(rng);
    session->persist = below(2) != 0;
    for (size_t i = 0; i < keys; i++) {
        sx_type type = (sx_type)below(SX_TYPE_COUNT);
        sx_str key = random_bytes(below(4) ? 3 : SX_KEY_MAX, NULL);

        if (key.len > 0) {
            sx_session_set(session, key, random_value(type), type);
        }
    }
    for (size_t i = 0; i < messages; i++) {
        sx_str level = random_bytes(SX_LEVEL_MAX - 1, letters);

        add_message(session, (uint64_t)nrand48(rng),
                    level.len ? level : sx_str_of("info"),
                    random_bytes(300, NULL));
        if (below(4) == 0) {
            APR_ARRAY_IDX(session->messages, i, sx_message).claim =
                (sx_flash_claim){1 + (uint64_t)nrand48(rng), -500, {8, 9, 10}};
        }
    }
    return session;
}

static void test_random_sessions(void)
{
    int good = 0;

    for (int i = 0; i < 2000; i++) {
        sx_session *session = random_session(i % 50 == 0 ? 1000 : 20);
        sx_str bytes = sx_encode(session, each);
        sx_session *read = sx_decode(bytes, each);

        good += bytes.len > 0 && read != NULL && same_session(session, read);
        apr_pool_clear(each);
    }
    is_int(good, 2000, "2000 random sessions come back");
}

static void test_truncation(void)
{
    int decoded = 0, unlawful = 0;
    apr_pool_t *kept;
    sx_str bytes;

    for (size_t len = 0; len < known.len; len++) {
        unlawful += !lawful(known.p, len, &decoded);
    }
    apr_pool_create(&kept, pool);
    for (int i = 0; i < 20; i++) {
        bytes = sx_encode(random_session(8), kept);
        apr_pool_clear(each);
        for (size_t len = bytes.len > 3000 ? bytes.len - 3000 : 0;
             len < bytes.len; len++) {
            unlawful += !lawful(bytes.p, len, &decoded);
        }
        apr_pool_clear(kept);
    }
    apr_pool_destroy(kept);
    is_int(decoded, 0, "no front part of a session is a session");
    is_int(unlawful, 0, "nor anything else");
}

static void test_every_byte(void)
{
    char *bytes = apr_pmemdup(pool, known.p, known.len);
    int decoded = 0, unlawful = 0;

    for (size_t i = 0; i < known.len * 256; i++) {
        char was = bytes[i / 256];

        bytes[i / 256] = (char)(i % 256);
        unlawful += !lawful(bytes, known.len, &decoded);
        bytes[i / 256] = was;
    }
    is_int(unlawful, 0,
           "with any byte changed it is refused or encodes to these bytes");
    ok(decoded > 1000, "changed numbers and texts are still sessions");
}

/* One random edit: a byte, a swap of two stretches, one cut or one doubled. */
static size_t mutate(char *bytes, size_t len)
{
    size_t at = below(len), n = 1 + below(8);

    if (n > len - at) {
        n = len - at;
    }
    switch (below(5)) {
    case 0:
        bytes[at] = (char)nrand48(rng);
        return len;
    case 1:
        bytes[at] = (char)(bytes[at] ^ (1 << below(8)));
        return len;
    case 2:
        memmove(bytes + at, bytes + at + n, len - at - n);
        return len - n;
    case 3:
        memmove(bytes + at + n, bytes + at, len - at);
        return len + n;
    default:
        memcpy(bytes + at, known.p + below(known.len - n), n);
        return len;
    }
}

static void test_mutations(void)
{
    char bytes[4096];
    int decoded = 0, unlawful = 0;

    for (int i = 0; i < 10000; i++) {
        size_t len = known.len;

        memcpy(bytes, known.p, len);
        for (size_t edits = 1 + below(4); edits > 0 && len > 0; edits--) {
            len = mutate(bytes, len);
        }
        unlawful += !lawful(bytes, len, &decoded);
    }
    is_int(unlawful, 0, "10000 random mutations are refused or lawful");
    for (int i = 0; i < 10000; i++) {
        size_t len = below(200);

        for (size_t j = 0; j < len; j++) {
            bytes[j] = (char)nrand48(rng);
        }
        /* Half of them with a head, or none would come past it. */
        if (i % 2 && len > 57) {
            memcpy(bytes, known.p, 57);
        }
        unlawful += !lawful(bytes, len, &decoded);
    }
    is_int(unlawful, 0, "so are 10000 random strings");
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv);

    rng[0] = (unsigned short)seed;
    rng[1] = (unsigned short)(seed >> 16);
    rng[2] = (unsigned short)(seed >> 32);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&each, pool);
    test_known();
    test_own_copy();
    test_bad();
    test_flagged();
    test_lengths();
    test_key_limits();
    test_message_limits();
    test_texts_together();
    test_twins_anywhere();
    test_random_sessions();
    test_truncation();
    test_every_byte();
    test_mutations();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
