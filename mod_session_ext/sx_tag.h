/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short names for what must not lie in a store itself: a number that is the
 * same for the same text.  Pure functions, for any thread.  Those with a subkey
 * (sx_keys_get; not NULL) tell nobody without it anything, not even by a list
 * of all likely texts.
 */
#ifndef SX_TAG_H
#define SX_TAG_H

#include "sx.h"

/** Tag of two strings, never 0: BLAKE2b.  What lies beside a record for a user,
 *  and so has to be one user's alone among millions. */
uint64_t sx_tag(const unsigned char *subkey, sx_str a, sx_str b);

/** Tag of a string, never 0: SipHash-2-4, at a tenth of what the other costs,
 *  for what is asked at each request and compared with one tag only. */
uint32_t sx_short_tag(const unsigned char *subkey, sx_str value);

/** A namespace's number in a store.  No secret and no key, so that quotas do
 *  not change with a rotation. */
uint32_t sx_ns_number(const char *ns);

#endif
