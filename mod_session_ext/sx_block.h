/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sixteen bytes at once, for what is run over all values of a session at each
 * request.  By the vector types that gcc and clang have for every machine:
 * where it has no vectors they make other code of the same meaning.
 *
 * A comparison gives a block of its own: 0xff where it holds, else 0.
 */
#ifndef SX_BLOCK_H
#define SX_BLOCK_H

#include <string.h>
#include "sx.h"

typedef unsigned char sx_block __attribute__((vector_size(16)));

#define SX_BLOCK_LEN sizeof(sx_block)

static inline sx_block sx_block_load(const char *p)
{
    sx_block block;

    memcpy(&block, p, sizeof block);
    return block;
}

/** Which bytes are ${byte}? */
static inline sx_block sx_block_equal(sx_block block, unsigned char byte)
{
    return (sx_block)(block == byte);
}

/** Which bytes are in ${first}..${last}? */
static inline sx_block sx_block_within(sx_block block, unsigned char first,
                                       unsigned char last)
{
    return (sx_block)(block - first <= (unsigned char)(last - first));
}

/** Is any bit set? */
static inline bool sx_block_any(sx_block block)
{
    uint64_t half[2];

    memcpy(half, &block, sizeof half);
    return (half[0] | half[1]) != 0;
}

#endif
