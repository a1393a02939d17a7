/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small object of another module as a record of a store: bytes under an id
 * that may be any bytes of any length.
 *
 * A store's keys have 32 bytes, so an object lies under a hash of its id and of
 * the name of the module that it belongs to.  The hash has a secret key,
 * because ids come from outside: a URL, a user's name.  Who does not know the
 * key cannot prepare ids that meet in one place of the store, nor tell from a
 * store's keys whose objects are in it.  The record has the whole id
 * nevertheless: whoever walks over all objects wants it, and it is compared, so
 * that a record which is not the id's own is nothing to it.
 */
#ifndef SX_OBJECT_H
#define SX_OBJECT_H

#include "sx.h"

/** Where in a store the object ${id} of ${owner} lies. */
void sx_object_key(const unsigned char secret[SX_SECRET_LEN], sx_str owner,
                   sx_str id, unsigned char key[SX_STORE_KEY_LEN]);

/** Bytes of the record of an object. */
size_t sx_object_size(size_t id_len, size_t value_len);

/** Write that record: sx_object_size bytes. */
void sx_object_write(unsigned char *record, sx_str id, sx_str value);

/** Read it: false unless it is whole.  ${id} and ${value} lie in ${record}, the
 *  first with a NUL behind it. */
bool sx_object_read(const unsigned char *record, size_t len, sx_str *id,
                    sx_str *value);

#endif
