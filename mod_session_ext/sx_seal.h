/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing: XChaCha20-Poly1305 with a random 24-byte nonce.
 *
 * A sealed value is  format 1 | nonce 24 | ciphertext | tag 16.  What it is
 * bound to (purpose, namespace, store key...) is passed as associated data, so
 * that a value moved to another place does not open.  A value in the clear is
 * format 2 | nonce 16 | bytes;  once it was  format 0 | bytes.  sx_unseal
 * accepts them only when the caller says so: there is no fallback from sealed
 * to clear.
 *
 * Either way no two values have the same bytes, also of the same plaintext:
 * who finds their own has written them (sx_sure.h).
 */
#ifndef SX_SEAL_H
#define SX_SEAL_H

#include "sx_keys.h"

#define SX_SEAL_OVERHEAD  41 /* bytes that a sealed value is longer */
#define SX_CLEAR_OVERHEAD 17 /* and one in the clear */
#define SX_MAC_LEN        16

/** Seal ${plain} under ${key}, bound to ${bound_to}. */
sx_str sx_seal(const unsigned char key[SX_SECRET_LEN], sx_str bound_to,
               sx_str plain, apr_pool_t *pool);

/** The same bytes in the clear, with format and nonce in front. */
sx_str sx_seal_clear(sx_str plain, apr_pool_t *pool);

/**
 * Open what sx_seal (or, if ${allow_clear}, sx_seal_clear) made.  Returns true
 * and the bytes in ${plain}, or false: damaged, made for something else, or
 * clear where it may not be.
 */
bool sx_unseal(const unsigned char key[SX_SECRET_LEN], sx_str bound_to,
               sx_str sealed, bool allow_clear, sx_str *plain,
               apr_pool_t *pool);

/** The tag by which ${text}, which may be read by all, is known to be ours
 *  (keyed BLAKE2b). */
void sx_mac(const unsigned char key[SX_SECRET_LEN], sx_str text,
            unsigned char tag[SX_MAC_LEN]);

/** Is ${tag} that of ${text}?  In constant time. */
bool sx_mac_verify(const unsigned char key[SX_SECRET_LEN], sx_str text,
                   const unsigned char tag[SX_MAC_LEN]);

/** Bytes as base64url without padding, and back: false unless ${text} is what
 *  sx_to_text makes of some bytes, so that each value has one text. */
sx_str sx_to_text(sx_str bytes, apr_pool_t *pool);
bool sx_from_text(sx_str text, sx_str *bytes, apr_pool_t *pool);

#endif
