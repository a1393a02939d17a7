/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id tokens.
 *
 *   raw   = version 1 | kid 1 | random 18 | tag 16
 *   hash  = BLAKE2b-512(key of SX_PURPOSE_ID,
 *                       "sid" 01 | le32 length, cookie name |
 *                       le32 length, namespace | version | kid | random)
 *   store key = hash[0..31]   tag = hash[32..47]   alias = hash[48..63]
 *   seal key  = BLAKE2b-256(key of SX_PURPOSE_RECORD, "rec" 01 | random)
 *
 * The parts of one BLAKE2b output say nothing of each other, so the store key
 * may be seen by a store, and the alias by apps, while the tag is not.  The
 * known answers in the unit test hold this layout: a change of it logs
 * everybody out and needs another version byte.
 */
#include <string.h>
#include <sodium.h>
#include "sx_block.h"
#include "sx_id.h"

#define VERSION    1
#define RANDOM_LEN 18
#define TAG_LEN    16
#define AT_ALIAS   (SX_STORE_KEY_LEN + TAG_LEN)
#define AT_RANDOM  2
#define AT_TAG     (AT_RANDOM + RANDOM_LEN)
#define RAW_LEN    (AT_TAG + TAG_LEN)
#define HASH_LEN   64
#define VARIANT    sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define PREFIX_LEN 4

_Static_assert(RAW_LEN * 4 == SX_ID_LEN * 3, "no spare bits in the text");
_Static_assert(SX_ID_LEN % SX_BLOCK_LEN == 0, "whole blocks");
_Static_assert(HASH_LEN == crypto_generichash_BYTES_MAX, "whole hash");
_Static_assert(AT_ALIAS + SX_ALIAS_BYTES == HASH_LEN, "all fit");

static void update_z(crypto_generichash_state *state, const char *z)
{
    size_t len = strlen(z);
    unsigned char le[4] = {(unsigned char)len, (unsigned char)(len >> 8),
                           (unsigned char)(len >> 16),
                           (unsigned char)(len >> 24)};

    crypto_generichash_update(state, le, sizeof(le));
    crypto_generichash_update(state, (const unsigned char *)z, len);
}

/* The hash over everything in ${raw} before its tag. */
static void make_hash(unsigned char hash[HASH_LEN],
                      const unsigned char raw[RAW_LEN],
                      const unsigned char *key, const sx_id_scope *scope)
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, key, SX_SECRET_LEN, HASH_LEN);
    crypto_generichash_update(&state, (const unsigned char *)"sid\1",
                              PREFIX_LEN);
    update_z(&state, scope->cookie_name);
    update_z(&state, scope->ns);
    crypto_generichash_update(&state, raw, AT_TAG);
    crypto_generichash_final(&state, hash, HASH_LEN);
    sodium_memzero(&state, sizeof(state));
}

/* All of ${id} but its text. */
static void fill(sx_id *id, const unsigned char raw[RAW_LEN],
                 const unsigned char hash[HASH_LEN], const sx_keys *keys)
{
    unsigned char seed[PREFIX_LEN + RANDOM_LEN] = {'r', 'e', 'c', 1};

    id->kid = raw[1];
    memcpy(id->store_key, hash, SX_STORE_KEY_LEN);
    memcpy(id->alias, hash + AT_ALIAS, SX_ALIAS_BYTES);
    memcpy(seed + PREFIX_LEN, raw + AT_RANDOM, RANDOM_LEN);
    crypto_generichash(id->seal_key, SX_SECRET_LEN, seed, sizeof(seed),
                       sx_keys_get(keys, raw[1], SX_PURPOSE_RECORD),
                       SX_SECRET_LEN);
    sodium_memzero(seed, sizeof(seed));
}

void sx_id_mint(sx_id *id, const sx_id_scope *scope)
{
    unsigned char raw[RAW_LEN] = {VERSION, sx_keys_first(scope->keys)};
    unsigned char hash[HASH_LEN];

    randombytes_buf(raw + AT_RANDOM, RANDOM_LEN);
    make_hash(hash, raw, sx_keys_get(scope->keys, raw[1], SX_PURPOSE_ID),
              scope);
    memcpy(raw + AT_TAG, hash + SX_STORE_KEY_LEN, TAG_LEN);
    sodium_bin2base64(id->text, sizeof(id->text), raw, RAW_LEN, VARIANT);
    fill(id, raw, hash, scope->keys);
    sodium_memzero(raw, sizeof(raw));
    sodium_memzero(hash, sizeof(hash));
}

/* The six bits that each letter of ${text} stands for; returns false if one is
 * no letter of the alphabet.  Without a table, of whose cache lines others on
 * this machine might learn which letters they were. */
static bool decode_letters(unsigned char six[SX_BLOCK_LEN], const char *text)
{
    sx_block letter = sx_block_load(text);
    sx_block upper = sx_block_within(letter, 'A', 'Z');
    sx_block lower = sx_block_within(letter, 'a', 'z');
    sx_block digit = sx_block_within(letter, '0', '9');
    sx_block dash = sx_block_equal(letter, '-');
    sx_block line = sx_block_equal(letter, '_');
    sx_block value =
        (upper & (letter - 'A')) | (lower & (letter - ('a' - 26))) |
        (digit & (letter + (52 - '0'))) | (dash & 62) | (line & 63);

    memcpy(six, &value, SX_BLOCK_LEN);
    return !sx_block_any(~(upper | lower | digit | dash | line));
}

/* Not by sodium_base642bin: letter by letter, it takes as long as the rest of
 * verifying an id. */
static bool decode(unsigned char raw[RAW_LEN], sx_str text)
{
    unsigned char six[SX_ID_LEN];
    bool ok = true;

    if (text.len != SX_ID_LEN) {
        return false;
    }
    for (size_t i = 0; i < SX_ID_LEN; i += SX_BLOCK_LEN) {
        ok &= decode_letters(six + i, text.p + i);
    }
    for (size_t i = 0; i < RAW_LEN / 3; i++) {
        const unsigned char *in = six + 4 * i;

        raw[3 * i] = (unsigned char)(in[0] << 2 | in[1] >> 4);
        raw[3 * i + 1] = (unsigned char)(in[1] << 4 | in[2] >> 2);
        raw[3 * i + 2] = (unsigned char)(in[2] << 6 | in[3]);
    }
    sodium_memzero(six, sizeof(six));
    return ok && raw[0] == VERSION;
}

bool sx_id_verify(sx_id *id, sx_str text, const sx_id_scope *scope)
{
    unsigned char raw[RAW_LEN];
    unsigned char hash[HASH_LEN];
    const unsigned char *key;
    bool ok = false;

    if (!decode(raw, text)) {
        goto out;
    }
    key = sx_keys_get(scope->keys, raw[1], SX_PURPOSE_ID);
    if (key == NULL) {
        goto out;
    }
    make_hash(hash, raw, key, scope);
    ok = sodium_memcmp(raw + AT_TAG, hash + SX_STORE_KEY_LEN, TAG_LEN) == 0;
    if (ok) {
        memcpy(id->text, text.p, SX_ID_LEN);
        id->text[SX_ID_LEN] = '\0';
        fill(id, raw, hash, scope->keys);
    }
    sodium_memzero(hash, sizeof(hash));
out:
    sodium_memzero(raw, sizeof(raw));
    if (!ok) {
        sodium_memzero(id, sizeof(*id));
    }
    return ok;
}
