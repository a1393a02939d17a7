/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target is a file with LLVMFuzzerTestOneInput: libFuzzer calls it with
 * bytes of its own choice in make fuzz, t/fuzz/replay.c with those of the
 * corpus and with variations of them in make check.  What must hold is said by
 * MUST, which stops the process: the input is then the reproducer.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,  \
                    #condition);                                               \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* Bytes of the input, one after the other; zeros behind its end. */
typedef struct fuzz_input {
    const uint8_t *at;
    size_t left;
} fuzz_input;

static inline uint64_t fuzz_take(fuzz_input *from, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes && from->left > 0; i++, from->left--) {
        value |= (uint64_t)*from->at++ << (8 * i);
    }
    return value;
}

#endif
