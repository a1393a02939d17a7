/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every store into the segment goes through here, for two reasons.
 *
 * Order. A process may be killed between any two instructions, so the order
 * of its stores is part of the design and the compiler may not change it.
 * The stores are relaxed atomics with a compiler fence behind each.  That is
 * enough: the next owner of the lock sees all that a dead thread stored, and
 * the living order themselves by the lock.
 *
 * Proof. In a build with SST_TEST_HOOKS each store is a numbered point at
 * which the process can be made to die, so that a test can try them all; a
 * bulk copy or wipe counts as three: before it, in its middle, and behind it.
 * Each place in the sources that stores is a site with a name, and can be made
 * to forget its store or to change places with the next one, so that the tests
 * can be asked whether they would notice; see sst_fault_sites.h.
 */
#ifndef SST_FAULT_H
#define SST_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Neither loads nor stores pass, as far as the compiler is concerned. */
static inline void sst_order(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#define SST_LOAD(lvalue) __atomic_load_n(&(lvalue), __ATOMIC_RELAXED)

#ifdef SST_TEST_HOOKS
#include "sst_fault_sites.h"
#else

#define SST_STORE(lvalue, value)                                               \
    do {                                                                       \
        __atomic_store_n(&(lvalue), (value), __ATOMIC_RELAXED);                \
        sst_order();                                                           \
    } while (0)

/* A counter: the lock makes the sum right, the store makes it readable. */
#define SST_ADD(lvalue, amount) SST_STORE(lvalue, (lvalue) + (amount))
#define SST_SUB(lvalue, amount) SST_STORE(lvalue, (lvalue) - (amount))

/* Give up a word that others take without the lock: all before it is done. */
#define SST_RELEASE(lvalue, value)                                             \
    do {                                                                       \
        sst_order();                                                           \
        __atomic_store_n(&(lvalue), (value), __ATOMIC_RELEASE);                \
        sst_order();                                                           \
    } while (0)

/* Compare and swap: true if ${lvalue} was ${expected}, which otherwise gets
 * what it is. */
#define SST_SWAP_IF(lvalue, expected, value)                                   \
    __atomic_compare_exchange_n(&(lvalue), &(expected), (value), false,        \
                                __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)

/* Nothing that was stored under a lock may come behind its unlock. */
static inline void sst_fault_settle(void)
{
}

/* The one store that makes a record, or its end, visible. */
static inline void sst_publish(uint64_t *word, uint64_t value)
{
    SST_RELEASE(*word, value);
}

static inline void sst_copy(void *to, const void *from, size_t len)
{
    memcpy(to, from, len);
    sst_order();
}

/* The fence also keeps the compiler from dropping it as a dead store. */
static inline void sst_wipe(void *at, size_t len)
{
    memset(at, 0, len);
    __asm__ __volatile__("" : : "r"(at) : "memory");
}

#endif

#endif
