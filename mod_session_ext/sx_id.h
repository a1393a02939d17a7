/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id tokens: what the id cookie carries.
 *
 * 36 bytes, 48 base64url characters without padding, so that each text has
 * one decoding:  version 1 | kid 1 | random 18 (144 bits) | tag 16.
 * One keyed BLAKE2b-512 over (purpose, cookie name, namespace, version, kid,
 * random) gives the tag, the store key and the alias: a forged id dies before
 * any store is asked, the store never holds an id, and a token of another
 * cookie name or namespace is just a forgery.  A last part, which needs the
 * random bytes, keys the record's seal: a dump of the store together with the
 * key file opens nothing without the client's cookie.
 */
#ifndef SX_ID_H
#define SX_ID_H

#include "sx_keys.h"

#define SX_ID_LEN      48
#define SX_ALIAS_BYTES 16

typedef struct sx_id {
    char text[SX_ID_LEN + 1]; /* for the cookie only */
    unsigned char kid;
    unsigned char store_key[SX_STORE_KEY_LEN]; /* what the store sees */
    unsigned char alias[SX_ALIAS_BYTES];       /* a name of it for apps */
    unsigned char seal_key[SX_SECRET_LEN];     /* opens the record */
} sx_id;

/* What an id is bound to. */
typedef struct sx_id_scope {
    const sx_keys *keys;
    const char *cookie_name;
    const char *ns;
} sx_id_scope;

/** A new id under the first key. */
void sx_id_mint(sx_id *id, const sx_id_scope *scope);

/**
 * Verify ${text}: exact length, alphabet, version, kid and tag, the tag in
 * constant time.  Fills ${id} and returns true, or returns false with ${id}
 * wiped: one answer, whatever was wrong.  Touches no store, costs about a
 * microsecond.
 */
bool sx_id_verify(sx_id *id, sx_str text, const sx_id_scope *scope);

#endif
