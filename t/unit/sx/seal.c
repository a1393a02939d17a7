/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals: only the very bytes, under the very key and binding, open.  The known
 * answer is the XChaCha20-Poly1305 example of the CFRG draft.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include "sx_seal.h"
#include "tap.h"

static apr_pool_t *pool;
static unsigned char key[SX_SECRET_LEN];
static const sx_str bound = {"record of here", 14};
static const sx_str secret = {"name=alice&\0secret", 18};

static bool opens(sx_str sealed, sx_str bound_to, bool allow_clear)
{
    sx_str plain;

    return sx_unseal(key, bound_to, sealed, allow_clear, &plain, pool);
}

static unsigned char *from_hex(const char *hex, size_t *len)
{
    unsigned char *bytes = apr_palloc(pool, strlen(hex) / 2 + 1);

    for (*len = 0; hex[2 * *len] != '\0'; (*len)++) {
        char byte[3] = {hex[2 * *len], hex[2 * *len + 1], '\0'};

        bytes[*len] = (unsigned char)strtoul(byte, NULL, 16);
    }
    return bytes;
}

static void test_known(void)
{
    static const char plain_text[] =
        "Ladies and Gentlemen of the class of '99: If I could offer you only "
        "one tip for the future, sunscreen would be it.";
    static const char sealed_hex[] =
        "01404142434445464748494a4b4c4d4e4f5051525354555657"
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52e"
        "c0875924c1c7987947deafd8780acf49";
    unsigned char draft_key[SX_SECRET_LEN];
    size_t sealed_len, bound_len;
    const unsigned char *sealed = from_hex(sealed_hex, &sealed_len);
    const unsigned char *aad = from_hex("50515253c0c1c2c3c4c5c6c7", &bound_len);
    sx_str plain = {NULL, 0};

    for (unsigned i = 0; i < SX_SECRET_LEN; i++) {
        draft_key[i] = (unsigned char)(0x80 + i);
    }
    ok(sx_unseal(draft_key, (sx_str){(const char *)aad, bound_len},
                 (sx_str){(const char *)sealed, sealed_len}, false, &plain,
                 pool),
       "the example of the draft opens");
    ok(sx_str_eq(plain, sx_str_of(plain_text)), "to the text of the draft");
}

static void test_round_trips(void)
{
    char text[300];
    int good = 0;

    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i * 7);
    }
    for (size_t len = 0; len <= sizeof(text); len++) {
        sx_str sealed = sx_seal(key, bound, (sx_str){text, len}, pool);
        sx_str plain;

        good += sealed.len == len + SX_SEAL_OVERHEAD &&
                sx_unseal(key, bound, sealed, false, &plain, pool) &&
                sx_str_eq(plain, (sx_str){text, len});
    }
    is_int(good, 301, "values of 0..300 bytes come back, 41 bytes longer");
    good = 0;
    for (size_t len = 0; len <= 300; len++) {
        sx_str to = {text, len};

        good += opens(sx_seal(key, to, secret, pool), to, false);
    }
    is_int(good, 301, "so they do with bindings of 0..300 bytes");
    ok(!sx_str_eq(sx_seal(key, bound, secret, pool),
                  sx_seal(key, bound, secret, pool)),
       "the same value is sealed differently each time");
    ok(memmem(sx_seal(key, bound, secret, pool).p,
              secret.len + SX_SEAL_OVERHEAD, "alice", 5) == NULL,
       "and cannot be read");
}

static void test_damage(void)
{
    sx_str sealed = sx_seal(key, bound, secret, pool);
    char *copy = apr_pmemdup(pool, sealed.p, sealed.len);
    sx_str flipped = {copy, sealed.len};
    int opened = 0;

    for (size_t i = 0; i < sealed.len * 8; i++) {
        copy[i / 8] = (char)(copy[i / 8] ^ (1 << (i % 8)));
        opened += opens(flipped, bound, false);
        copy[i / 8] = (char)(copy[i / 8] ^ (1 << (i % 8)));
    }
    is_int(opened, 0, "every flip of a bit is refused");
    for (int format = 3; format < 256; format++) {
        copy[0] = (char)format;
        opened += opens(flipped, bound, false) + opens(flipped, bound, true);
    }
    copy[0] = sealed.p[0];
    is_int(opened, 0, "every unknown format is refused");
    for (size_t len = 0; len < sealed.len; len++) {
        opened += opens((sx_str){sealed.p, len}, bound, false);
        opened += opens((sx_str){sealed.p, len}, bound, true);
    }
    is_int(opened, 0, "every piece is refused");
    ok(!opens(
           (sx_str){apr_pstrmemdup(pool, sealed.p, sealed.len), sealed.len + 1},
           bound, false),
       "a byte more is refused");
    ok(opens(flipped, bound, false), "the undamaged value still opens");
}

static void test_place(void)
{
    sx_str sealed = sx_seal(key, bound, secret, pool);
    sx_str empty = {NULL, 0};
    sx_str plain = {"x", 1};
    int opened = 0;

    for (size_t i = 0; i < 8 * sizeof(key); i++) {
        key[i / 8] = (unsigned char)(key[i / 8] ^ (1U << (i % 8)));
        opened += opens(sealed, bound, false);
        key[i / 8] = (unsigned char)(key[i / 8] ^ (1U << (i % 8)));
    }
    is_int(opened, 0, "no key that differs in a bit opens it");
    ok(!opens(sealed, sx_str_of("record of there"), false) &&
           !opens(sealed, (sx_str){bound.p, bound.len - 1}, false) &&
           !opens(sealed, (sx_str){bound.p, bound.len + 1}, false) &&
           !opens(sealed, empty, false),
       "another binding does not open it");
    ok(!sx_unseal(key, empty, sealed, false, &plain, pool) && plain.len == 0,
       "what does not open gives no bytes");
}

static void test_clear(void)
{
    sx_str clear = sx_seal_clear(secret, pool);
    sx_str nothing = sx_seal_clear((sx_str){NULL, 0}, pool);
    sx_str plain;

    is_int(clear.len, secret.len + SX_CLEAR_OVERHEAD,
           "a clear value is a little longer");
    ok(!sx_str_eq(clear, sx_seal_clear(secret, pool)),
       "no two have the same bytes");
    ok(!opens(clear, bound, false), "it is refused where values are sealed");
    ok(sx_unseal(key, bound, clear, true, &plain, pool) &&
           sx_str_eq(plain, secret),
       "where it is allowed it comes back");
    ok(sx_unseal(key, bound, nothing, true, &plain, pool) && plain.len == 0,
       "an empty clear value comes back");
    ok(sx_unseal(key, bound, sx_seal(key, bound, secret, pool), true, &plain,
                 pool) &&
           sx_str_eq(plain, secret),
       "a sealed value opens also where clear ones are allowed");
    ok(!opens((sx_str){NULL, 0}, bound, true), "nothing at all is refused");
    ok(!opens((sx_str){clear.p, SX_CLEAR_OVERHEAD - 1}, bound, true),
       "so is half a nonce");
    ok(sx_unseal(key, bound, (sx_str){"\0as it was", 10}, true, &plain, pool) &&
           sx_str_eq(plain, sx_str_of("as it was")) &&
           !opens((sx_str){"\0as it was", 10}, bound, false),
       "one without a nonce, as they were once, comes back where allowed");
}

static void test_random_mutations(uint64_t seed)
{
    unsigned short state[3] = {(unsigned short)seed,
                               (unsigned short)(seed >> 16),
                               (unsigned short)(seed >> 32)};
    sx_str sealed = sx_seal(key, bound, secret, pool);
    apr_pool_t *each;
    int opened = 0;

    apr_pool_create(&each, pool);
    for (int i = 0; i < 10000; i++) {
        size_t len = 1 + (size_t)nrand48(state) % (2 * sealed.len);
        char *bytes = malloc(len); /* of the exact size, for ASan */
        sx_str plain;

        for (size_t j = 0; j < len; j++) {
            bytes[j] = j < sealed.len && nrand48(state) % 16 != 0
                           ? sealed.p[j]
                           : (char)nrand48(state);
        }
        if (len != sealed.len || memcmp(bytes, sealed.p, len) != 0) {
            opened += sx_unseal(key, bound, (sx_str){bytes, len}, false, &plain,
                                each);
        }
        free(bytes);
        apr_pool_clear(each);
    }
    is_int(opened, 0, "10000 random mutations are refused");
}

static void test_tags(void)
{
    sx_str text = sx_str_of("light");
    unsigned char tag[SX_MAC_LEN], other_key[SX_SECRET_LEN] = {1};

    sx_mac(key, text, tag);
    ok(sx_mac_verify(key, text, tag), "a tag is that of its text");
    ok(!sx_mac_verify(key, sx_str_of("lighu"), tag), "of no other");
    ok(!sx_mac_verify(key, sx_str_of("ligh"), tag), "nor of a part");
    ok(!sx_mac_verify(other_key, text, tag), "nor under another key");
    tag[SX_MAC_LEN - 1] ^= 1;
    ok(!sx_mac_verify(key, text, tag), "nor with another bit");
}

/* Texts that sx_to_text does not make. */
static const char *const no_texts[] = {"A",      "AB",     "AAB",  "AA==",
                                       "AAA=",   "A+AA",   "A/AA", "AA A",
                                       "AAAA\n", "AAA\x8a"};

static void test_texts(void)
{
    sx_str bytes = {"\0\xff\xfe-_x", 6}, back;
    int wrong = 0;

    is_str(sx_to_text(bytes, pool).p, "AP_-LV94", "bytes as text");
    for (size_t len = 0; len <= bytes.len; len++) {
        sx_str part = {bytes.p, len};

        wrong += !sx_from_text(sx_to_text(part, pool), &back, pool) ||
                 !sx_str_eq(back, part);
    }
    is_int(wrong, 0, "all lengths come back");
    for (size_t i = 0; i < sizeof no_texts / sizeof *no_texts; i++) {
        ok(!sx_from_text(sx_str_of(no_texts[i]), &back, pool),
           "no second text for the same bytes: %d", (int)i);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = tap_seed(argc, argv);

    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(sx_crypto_init(), "the library starts");
    sx_random(key, sizeof(key));
    test_known();
    test_round_trips();
    test_damage();
    test_place();
    test_clear();
    test_random_mutations(seed);
    test_tags();
    test_texts();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
