/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing.  The format byte is not part of what is authenticated, and need
 * not be: under any other format byte these bytes are a clear value, which the
 * caller has to ask for, or nothing at all.
 *
 * XChaCha20 because its nonce is long enough to be drawn at random for as many
 * messages as there will ever be, by processes that share no counter; AES-GCM
 * has neither that nor a fast path on every machine.
 */
#include <string.h>
#include <sodium.h>
#include "sx_nonce.h"
#include "sx_seal.h"

enum { FORMAT_OLD_CLEAR = 0, FORMAT_SEALED = 1, FORMAT_CLEAR = 2 };

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define AT_TEXT   (1 + NONCE_LEN)

_Static_assert(AT_TEXT + TAG_LEN == SX_SEAL_OVERHEAD, "overhead");
_Static_assert(NONCE_LEN == SX_NONCE_LEN, "nonce");
_Static_assert(SX_SECRET_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "key");
_Static_assert(SX_MAC_LEN >= crypto_generichash_BYTES_MIN, "tag");

sx_str sx_seal(const unsigned char key[SX_SECRET_LEN], sx_str bound_to,
               sx_str plain, apr_pool_t *pool)
{
    size_t len = plain.len + SX_SEAL_OVERHEAD;
    unsigned char *sealed = apr_palloc(pool, len);

    sealed[0] = FORMAT_SEALED;
    sx_nonce(sealed + 1, NONCE_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        sealed + AT_TEXT, NULL, (const unsigned char *)plain.p, plain.len,
        (const unsigned char *)bound_to.p, bound_to.len, NULL, sealed + 1, key);
    return (sx_str){(char *)sealed, len};
}

sx_str sx_seal_clear(sx_str plain, apr_pool_t *pool)
{
    size_t len = plain.len + SX_CLEAR_OVERHEAD;
    char *clear = apr_palloc(pool, len);

    clear[0] = FORMAT_CLEAR;
    sx_nonce((unsigned char *)clear + 1, SX_CLEAR_OVERHEAD - 1);
    if (plain.len > 0) {
        memcpy(clear + SX_CLEAR_OVERHEAD, plain.p, plain.len);
    }
    return (sx_str){clear, len};
}

static bool open_sealed(const unsigned char *key, sx_str bound_to,
                        sx_str sealed, sx_str *plain, apr_pool_t *pool)
{
    const unsigned char *bytes = (const unsigned char *)sealed.p;
    unsigned char *text;
    size_t len;

    if (sealed.len < SX_SEAL_OVERHEAD) {
        return false;
    }
    len = sealed.len - SX_SEAL_OVERHEAD;
    text = apr_palloc(pool, len + 1);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            text, NULL, NULL, bytes + AT_TEXT, sealed.len - AT_TEXT,
            (const unsigned char *)bound_to.p, bound_to.len, bytes + 1,
            key) != 0) {
        return false;
    }
    text[len] = '\0';
    *plain = (sx_str){(char *)text, len};
    return true;
}

bool sx_unseal(const unsigned char key[SX_SECRET_LEN], sx_str bound_to,
               sx_str sealed, bool allow_clear, sx_str *plain, apr_pool_t *pool)
{
    size_t head;

    *plain = (sx_str){"", 0};
    if (sealed.len == 0) {
        return false;
    }
    if (sealed.p[0] == FORMAT_SEALED) {
        return open_sealed(key, bound_to, sealed, plain, pool);
    }
    head = sealed.p[0] == FORMAT_CLEAR ? SX_CLEAR_OVERHEAD : 1;
    if ((sealed.p[0] != FORMAT_CLEAR && sealed.p[0] != FORMAT_OLD_CLEAR) ||
        sealed.len < head || !allow_clear) {
        return false;
    }
    *plain = sx_str_dup((sx_str){sealed.p + head, sealed.len - head}, pool);
    return true;
}

void sx_mac(const unsigned char key[SX_SECRET_LEN], sx_str text,
            unsigned char tag[SX_MAC_LEN])
{
    crypto_generichash(tag, SX_MAC_LEN, (const unsigned char *)text.p, text.len,
                       key, SX_SECRET_LEN);
}

bool sx_mac_verify(const unsigned char key[SX_SECRET_LEN], sx_str text,
                   const unsigned char tag[SX_MAC_LEN])
{
    unsigned char wanted[SX_MAC_LEN];
    bool same;

    sx_mac(key, text, wanted);
    same = sodium_memcmp(wanted, tag, SX_MAC_LEN) == 0;
    sodium_memzero(wanted, sizeof(wanted));
    return same;
}

/* ---- text ---------------------------------------------------------------- */

/* Not by libsodium, which takes 40 instructions for each letter so that its
 * time tells nothing: what is a text here may be read by anybody. */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
                              "wxyz0123456789-_";

#define NO_LETTER 64

/* What each byte stands for: by a table, which the compiler makes of ranges. */
#define SIX(c)                                                                 \
    ((c) >= 'A' && (c) <= 'Z'   ? ((c) - 'A') & 63                             \
     : (c) >= 'a' && (c) <= 'z' ? ((c) - 'a' + 26) & 63                        \
     : (c) >= '0' && (c) <= '9' ? ((c) - '0' + 52) & 63                        \
     : (c) == '-'               ? 62                                           \
     : (c) == '_'               ? 63                                           \
                                : NO_LETTER)
#define SIX_4(c)  SIX(c), SIX((c) + 1), SIX((c) + 2), SIX((c) + 3)
#define SIX_16(c) SIX_4(c), SIX_4((c) + 4), SIX_4((c) + 8), SIX_4((c) + 12)
#define SIX_64(c)                                                              \
    SIX_16(c), SIX_16((c) + 16), SIX_16((c) + 32), SIX_16((c) + 48)

static const unsigned char sixes[256] = {SIX_64(0), SIX_64(64), SIX_64(128),
                                         SIX_64(192)};

sx_str sx_to_text(sx_str bytes, apr_pool_t *pool)
{
    const unsigned char *in = (const unsigned char *)bytes.p;
    size_t len = bytes.len / 3 * 4 + (bytes.len % 3 * 8 + 5) / 6;
    char *text = apr_palloc(pool, len + 1), *out = text;
    uint32_t bits;

    for (size_t i = 0; i + 3 <= bytes.len; i += 3, in += 3) {
        bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 63];
        *out++ = letters[bits >> 6 & 63];
        *out++ = letters[bits & 63];
    }
    if (bytes.len % 3 != 0) {
        bits = (uint32_t)in[0] << 16 |
               (bytes.len % 3 == 2 ? (uint32_t)in[1] << 8 : 0);
        *out++ = letters[bits >> 18];
        *out++ = letters[bits >> 12 & 63];
        if (bytes.len % 3 == 2) {
            *out++ = letters[bits >> 6 & 63];
        }
    }
    *out = '\0';
    return (sx_str){text, len};
}

/* What is left of a text behind its last whole byte is a 0 of fewer than six
 * bits, so that each value has one text. */
bool sx_from_text(sx_str text, sx_str *bytes, apr_pool_t *pool)
{
    const unsigned char *in = (const unsigned char *)text.p;
    unsigned char *raw = apr_palloc(pool, text.len / 4 * 3 + 3), *out = raw;
    uint32_t bits = 0;
    unsigned have = 0, wrong = 0;
    size_t i = 0;

    for (; i + 4 <= text.len; i += 4, in += 4) {
        unsigned a = sixes[in[0]], b = sixes[in[1]];
        unsigned c = sixes[in[2]], d = sixes[in[3]];

        wrong |= a | b | c | d;
        bits = a << 18 | b << 12 | c << 6 | d;
        *out++ = (unsigned char)(bits >> 16);
        *out++ = (unsigned char)(bits >> 8);
        *out++ = (unsigned char)bits;
    }
    for (bits = 0; i < text.len; i++, in++) {
        wrong |= sixes[*in];
        bits = bits << 6 | (sixes[*in] & 63);
        have += 6;
        if (have >= 8) {
            have -= 8;
            *out++ = (unsigned char)(bits >> have);
        }
    }
    if ((wrong & NO_LETTER) != 0 || have == 6 ||
        (bits & ((1U << have) - 1)) != 0) {
        return false;
    }
    *bytes = (sx_str){(char *)raw, (size_t)(out - raw)};
    return true;
}
