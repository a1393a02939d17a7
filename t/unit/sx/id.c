/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id tokens: the known answers were computed apart from libsodium, so that
 * the format cannot change unnoticed.  Everything that is not exactly an
 * issued token of this scope must be refused, and leave nothing behind.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <ctype.h>
#include "sx_id.h"
#include "tap.h"

#define TOKEN "AQGgoaKjpKWmp6ipqqusra6vsLE03LvhMelY-MVBsneeJSql"

static apr_pool_t *pool;
static sx_keys *keys; /* kid 1: 00 01 .. 1f */
static sx_id_scope scope = {NULL, "__Host-sid", "example.org"};

static sx_keys *keys_of(size_t count, const unsigned char *kids,
                        const unsigned char *first_bytes)
{
    unsigned char secrets[SX_KEYS_PER_FILE][SX_SECRET_LEN];

    for (size_t i = 0; i < count; i++) {
        for (unsigned j = 0; j < SX_SECRET_LEN; j++) {
            secrets[i][j] = (unsigned char)(first_bytes[i] + j);
        }
    }
    return sx_keys_from_memory(
        kids, (const unsigned char(*)[SX_SECRET_LEN])secrets, count);
}

static bool verifies(const char *text, size_t len, const sx_id_scope *in)
{
    sx_id id;

    return sx_id_verify(&id, (sx_str){text, len}, in);
}

static const char *hex(const unsigned char *bytes)
{
    char *text = apr_pcalloc(pool, 65);

    for (size_t i = 0; i < 32; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    return text;
}

static const struct {
    const char *name, *cookie, *ns, *text, *store_key, *seal_key;
    unsigned char first_byte;
} known[] = {
    {"a token", "__Host-sid", "example.org", TOKEN,
     "bac1494d5b7d2afc56e4105c106e769113eeffb0564aedbcacdb3009ef9b94b1",
     "b4b733f6d4c50a5c1f6c0bdc0a5f935c3e72978f681398ba00051046ee96d45d", 0},
    {"a token of another key", "__Host-sid", "example.org",
     "AQGgoaKjpKWmp6ipqqusra6vsLHdBfVX1p_oPoPT1raO1MFj",
     "0dd82707a6dc670caf6a07134ecb7d83c927aebd47d03fe2017cc09c8f0e2499",
     "a91e28eaf15fde0d4bb9c378090ef589ef07cde5e95f28ad62017e1123000977", 100},
    {"a token of an empty namespace", "sid", "",
     "AQH_______________________-3Oo6bBE4kvTkjCpUKFlyx",
     "1c062415ad222dc534e50bc60933e582c737953b8101be5aa21a748cfc6ba8b5",
     "a9432ed6ce9fd524238364fb05c742e1573b61ab9ade3a6b1728a818c35b9f48", 0},
};

static void test_known(void)
{
    static const unsigned char kid = 1;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        sx_keys *set = keys_of(1, &kid, &known[i].first_byte);
        sx_id_scope in = {set, known[i].cookie, known[i].ns};
        sx_id id;

        ok(sx_id_verify(&id, sx_str_of(known[i].text), &in) && id.kid == 1,
           "%s is verified", known[i].name);
        is_str(id.text, known[i].text, "its text is given back");
        is_str(hex(id.store_key), known[i].store_key, "its store key is known");
        is_str(hex(id.seal_key), known[i].seal_key, "its seal key is known");
        sx_keys_free(set);
    }
    ok(!verifies("AgGgoaKjpKWmp6ipqqusra6vsLF65NXv8No4ScWR6LSz1XJe", 48,
                 &scope),
       "version 2 is refused though its tag is right");
    ok(!verifies("AQegoaKjpKWmp6ipqqusra6vsLFp0gPV1Bwnim54qoBiHDrX", 48,
                 &scope),
       "an unknown kid is refused though its tag is right");
}

static void test_flips(void)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                   "qrstuvwxyz0123456789-_";
    char text[SX_ID_LEN];
    int accepted = 0;

    memcpy(text, TOKEN, SX_ID_LEN);
    for (int i = 0; i < SX_ID_LEN * 8; i++) {
        text[i / 8] = (char)(text[i / 8] ^ (1 << (i % 8)));
        accepted += verifies(text, SX_ID_LEN, &scope);
        text[i / 8] = (char)(text[i / 8] ^ (1 << (i % 8)));
    }
    is_int(accepted, 0, "every flip of a bit of the text is refused");
    for (int i = 0; i < SX_ID_LEN * 64; i++) {
        char was = text[i / 64];

        text[i / 64] = alphabet[i % 64];
        accepted += text[i / 64] != was && verifies(text, SX_ID_LEN, &scope);
        text[i / 64] = was;
    }
    is_int(accepted, 0, "every other letter in any place is refused");
    for (int i = 0; i < SX_ID_LEN * 256; i++) {
        char was = text[i / 256];

        text[i / 256] = (char)(i % 256);
        accepted += text[i / 256] != was && verifies(text, SX_ID_LEN, &scope);
        text[i / 256] = was;
    }
    is_int(accepted, 0, "so is every other byte");
    ok(verifies(text, SX_ID_LEN, &scope), "the token itself still verifies");
}

static void test_case(void)
{
    char text[SX_ID_LEN];
    int accepted = 0;

    for (int i = 0; i < SX_ID_LEN; i++) {
        memcpy(text, TOKEN, SX_ID_LEN);
        if (isalpha((unsigned char)text[i])) {
            text[i] = (char)(text[i] ^ 0x20);
            accepted += verifies(text, SX_ID_LEN, &scope);
        }
    }
    is_int(accepted, 0, "a token with one letter of the other case is refused");
    for (int i = 0; i < SX_ID_LEN; i++) {
        text[i] = (char)toupper((unsigned char)TOKEN[i]);
    }
    ok(!verifies(text, SX_ID_LEN, &scope), "an upper-case token is refused");
    for (int i = 0; i < SX_ID_LEN; i++) {
        text[i] = (char)tolower((unsigned char)TOKEN[i]);
    }
    ok(!verifies(text, SX_ID_LEN, &scope), "a lower-case token is refused");
}

static void test_lengths(void)
{
    static const char *const tails[] = {"=",  "==", "A",    "AA",   "AAAA",
                                        " ",  "\t", "\n",   "%3D",  ";",
                                        "\"", ",",  "\x80", ".tail"};
    char nul[SX_ID_LEN + 1] = TOKEN;
    int accepted = 0;

    for (size_t len = 0; len < SX_ID_LEN; len++) {
        accepted += verifies(TOKEN, len, &scope);
        accepted += verifies(&TOKEN[SX_ID_LEN - len], len, &scope);
    }
    is_int(accepted, 0, "every piece of a token is refused");
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        const char *behind = apr_pstrcat(pool, TOKEN, tails[i], NULL);
        const char *before = apr_pstrcat(pool, tails[i], TOKEN, NULL);

        accepted += verifies(behind, strlen(behind), &scope);
        accepted += verifies(before, strlen(before), &scope);
        accepted += verifies(before, SX_ID_LEN, &scope);
        accepted += verifies(behind + strlen(tails[i]), SX_ID_LEN, &scope);
    }
    is_int(accepted, 0, "a token with something before or behind is refused");
    ok(!verifies(nul, SX_ID_LEN + 1, &scope), "also if that is a NUL");
    ok(!verifies(NULL, 0, &scope), "no text is refused");
}

static void test_encodings(void)
{
    int accepted = 0;
    char text[SX_ID_LEN + 1] = TOKEN;

    for (int i = 0; i < SX_ID_LEN; i++) {
        const char *coded =
            apr_psprintf(pool, "%.*s%%%02X%s", i, TOKEN,
                         (unsigned char)TOKEN[i], &TOKEN[i + 1]);

        accepted += verifies(coded, strlen(coded), &scope);
        accepted += verifies(coded, SX_ID_LEN, &scope);
    }
    is_int(accepted, 0, "a percent-encoded token is refused");
    *strchr(text, '-') = '+';
    ok(!verifies(text, SX_ID_LEN, &scope),
       "the other base64 alphabet is refused");
}

/* Each of the 64 letters has one spelling: no byte outside of the alphabet is
 * read as one of it. */
static void test_spellings(void)
{
    bool seen[256] = {false};
    int letters = 0, accepted = 0;

    while (letters < 64) {
        sx_id id;
        int place = 0;

        sx_id_mint(&id, &scope);
        while (place < SX_ID_LEN && seen[(unsigned char)id.text[place]]) {
            place++;
        }
        if (place == SX_ID_LEN) {
            continue;
        }
        seen[(unsigned char)id.text[place]] = true;
        letters++;
        for (int i = 1; i < 256; i++) {
            id.text[place] = (char)(id.text[place] + 1);
            accepted += verifies(id.text, SX_ID_LEN, &scope);
        }
    }
    is_int(accepted, 0, "each letter has one spelling");
}

static void test_scopes(void)
{
    static const struct {
        const char *name, *cookie, *ns;
    } others[] = {
        {"another cookie name", "sid", "example.org"},
        {"a cookie name of other case", "__host-sid", "example.org"},
        {"another namespace", "__Host-sid", "example.com"},
        {"a namespace of other case", "__Host-sid", "Example.org"},
        {"an empty namespace", "__Host-sid", ""},
        {"a border moved forth", "__Host-side", "xample.org"},
        {"a border moved back", "__Host-si", "dexample.org"},
        {"both exchanged", "example.org", "__Host-sid"},
    };
    static const unsigned char kid = 1, zero = 0;
    sx_keys *other = keys_of(1, &kid, &(unsigned char){77});
    sx_keys *renamed = keys_of(1, &zero, &zero);
    sx_id_scope in = scope;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        in.cookie_name = others[i].cookie;
        in.ns = others[i].ns;
        ok(!verifies(TOKEN, SX_ID_LEN, &in), "refused in a scope with %s",
           others[i].name);
    }
    in = scope;
    in.keys = other;
    ok(!verifies(TOKEN, SX_ID_LEN, &in), "refused under another secret");
    in.keys = renamed;
    ok(!verifies(TOKEN, SX_ID_LEN, &in),
       "refused where the secret has another kid");
    sx_keys_free(other);
    sx_keys_free(renamed);
}

static void test_wiped(void)
{
    static const sx_id empty;
    char forged[SX_ID_LEN + 1] = TOKEN;
    sx_id id;

    forged[SX_ID_LEN - 1] = 'A';
    memset(&id, 0x55, sizeof(id));
    ok(!sx_id_verify(&id, sx_str_of(forged), &scope) &&
           memcmp(&id, &empty, sizeof(id)) == 0,
       "a forged token leaves nothing behind");
    memset(&id, 0x55, sizeof(id));
    ok(!sx_id_verify(&id, sx_str_of("x"), &scope) &&
           memcmp(&id, &empty, sizeof(id)) == 0,
       "neither does a short one");
}

static int by_text(const void *a, const void *b)
{
    return memcmp(a, b, SX_ID_LEN);
}

static void test_mint(void)
{
    enum { MANY = 10000 };
    char(*texts)[SX_ID_LEN] = calloc(MANY, SX_ID_LEN);
    int good = 0, doubles = 0;

    for (int i = 0; i < MANY; i++) {
        sx_id made, read;

        sx_id_mint(&made, &scope);
        good += strlen(made.text) == SX_ID_LEN && made.kid == 1 &&
                sx_id_verify(&read, sx_str_of(made.text), &scope) &&
                memcmp(made.store_key, read.store_key, SX_STORE_KEY_LEN) == 0 &&
                memcmp(made.seal_key, read.seal_key, SX_SECRET_LEN) == 0 &&
                strcmp(made.text, read.text) == 0;
        memcpy(texts[i], made.text, SX_ID_LEN);
    }
    is_int(good, MANY, "what is minted verifies to the same keys");
    qsort(texts, MANY, SX_ID_LEN, by_text);
    for (int i = 1; i < MANY; i++) {
        doubles += memcmp(texts[i - 1], texts[i], SX_ID_LEN) == 0;
    }
    is_int(doubles, 0, "no id comes twice");
    free(texts);
}

static void test_rotation(void)
{
    static const unsigned char new_kids[] = {255, 1}, new_bytes[] = {9, 0};
    static const unsigned char last_kids[] = {255}, last_bytes[] = {9};
    sx_keys *rotated = keys_of(2, new_kids, new_bytes);
    sx_keys *last = keys_of(1, last_kids, last_bytes);
    sx_id_scope in = {rotated, scope.cookie_name, scope.ns};
    sx_id id;

    ok(sx_id_verify(&id, sx_str_of(TOKEN), &in) && id.kid == 1,
       "after a rotation the old token is read, by its old kid");
    sx_id_mint(&id, &in);
    is_int(id.kid, 255, "new tokens are made with the first key");
    in.keys = last;
    ok(verifies(id.text, SX_ID_LEN, &in), "and outlive the old key");
    ok(!verifies(TOKEN, SX_ID_LEN, &in), "a token of a removed key is refused");
    sx_keys_free(rotated);
    sx_keys_free(last);
}

int main(void)
{
    static const unsigned char kid = 1, zero = 0;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(sx_crypto_init(), "the library starts");
    keys = keys_of(1, &kid, &zero);
    scope.keys = keys;
    test_known();
    test_flips();
    test_case();
    test_lengths();
    test_encodings();
    test_spellings();
    test_scopes();
    test_wiped();
    test_mint();
    test_rotation();
    sx_keys_free(keys);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
