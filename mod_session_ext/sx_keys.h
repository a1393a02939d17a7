/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key file and the keys made from it.
 *
 * A key file has one secret key a line, `kid:base64`, kid a decimal number
 * 0..255, base64 of exactly 32 random bytes; '#' begins a comment line.  The
 * first key writes, all of them read, so a key is rotated by putting a new
 * line on top.  No key is ever used as it stands: each purpose has a subkey of
 * its own, so that a value made for one is nothing to another.
 *
 * Keys live outside pools in locked, undumpable memory (sodium_malloc) and are
 * wiped when freed.
 */
#ifndef SX_KEYS_H
#define SX_KEYS_H

#include <sys/types.h>
#include "sx.h"

#define SX_KEYS_PER_FILE 16

typedef enum sx_purpose {
    SX_PURPOSE_ID = 1,   /* id token: MAC and store key */
    SX_PURPOSE_RECORD,   /* values at rest */
    SX_PURPOSE_ALIAS,    /* the new id, sealed in the record of the old */
    SX_PURPOSE_USER,     /* the clear user tag beside a record */
    SX_PURPOSE_SNAPSHOT, /* snapshots of a store */
    SX_PURPOSE_CLIENT,   /* what is noted of a session's client */
    SX_PURPOSE_SIGN,     /* signed cookies of apps */
    SX_PURPOSE_ENCRYPT,  /* encrypted cookies of apps */
    SX_PURPOSE_CARRIED,  /* sessions that their cookie carries */
    SX_PURPOSE_TICKET,   /* what hands a request's session to PHP... */
    SX_PURPOSE_REPLY,    /* ...and what comes back */
    SX_PURPOSE_COUNT
} sx_purpose;

typedef struct sx_keys sx_keys;

typedef struct sx_keys_file {
    const char *path;
    uid_t owner;         /* besides root, who may own it: the starting user */
    bool group_may_read; /* accept 0640 owned by ${group} */
    gid_t group;
    bool follow_link; /* accept a symbolic link to a regular file */
} sx_keys_file;

/** sodium_init; true if the library can be used.  Call before all else. */
bool sx_crypto_init(void);

/**
 * Read a key file.  Returns the keys, or NULL and in ${*why} a sentence that
 * names the path, the line where there is one, what is wrong and what is
 * accepted; never a byte of a key.  Free with sx_keys_free.
 */
sx_keys *sx_keys_load(const sx_keys_file *file, const char **why,
                      apr_pool_t *pool);

/**
 * Make a new key file, 0600, with one random key of kid 1.  Never overwrites:
 * an existing path is left alone and is not an error.  Returns NULL, or a
 * sentence that names the path and what failed.
 */
const char *sx_keys_generate(const char *path, apr_pool_t *pool);

/** Keys from memory: ${count} pairs of kid and 32 bytes, first writes. */
sx_keys *sx_keys_from_memory(const unsigned char *kids,
                             const unsigned char (*secrets)[SX_SECRET_LEN],
                             size_t count);

/**
 * Carry a set over the unloading of this library: sx_keys_save copies what it
 * is made of (the subkeys, no secret) to ${blob} of sx_keys_blob_size() bytes,
 * sx_keys_restore makes a set of it again, or NULL if ${len} is not this
 * build's.  The caller wipes the blob.
 */
size_t sx_keys_blob_size(void);
void sx_keys_save(const sx_keys *keys, void *blob);
sx_keys *sx_keys_restore(const void *blob, size_t len);

/** Wipe and free.  NULL is fine. */
void sx_keys_free(sx_keys *keys);

/** Lock the memory again: locks are not inherited by fork. */
void sx_keys_after_fork(const sx_keys *keys);

/** The kid that writes. */
unsigned char sx_keys_first(const sx_keys *keys);

/** The 32-byte subkey of ${kid} for ${purpose}, or NULL if there is no such
 *  kid.  Lives as long as ${keys}. */
const unsigned char *sx_keys_get(const sx_keys *keys, unsigned char kid,
                                 sx_purpose purpose);

/** Do both sets hold any secret in common?  For the rule that a store opened
 *  to a group must not share keys with another store. */
bool sx_keys_overlap(const sx_keys *a, const sx_keys *b);

/** Fill with random bytes from the kernel. */
void sx_random(void *buf, size_t len);

/** Overwrite in a way no compiler removes. */
void sx_wipe(void *buf, size_t len);

#endif
