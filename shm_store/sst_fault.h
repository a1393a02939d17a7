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
 * which the process can be made to die, so that a test can try them all.  A
 * bulk copy counts as three: before it, in its middle, and behind it.
 */
#ifndef SST_FAULT_H
#define SST_FAULT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef SST_TEST_HOOKS
/* What a test may set: no such state exists in the shipped library. */
typedef struct sst_test_hooks {
    long die_at; /* die by SIGKILL before this store; 0: never */
    long count;  /* stores so far */
    int has_boot;
    unsigned char boot_id[16]; /* told instead of the kernel's */
    uint64_t pid_ns;           /* not 0: told instead of the kernel's */
    int64_t real_ms;           /* not 0: told instead of the wall clock */
} sst_test_hooks;

extern sst_test_hooks sst_test;
void sst_fault_point(void);
#else
static inline void sst_fault_point(void)
{
}
#endif

/* Neither loads nor stores pass, as far as the compiler is concerned. */
static inline void sst_order(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#define SST_STORE(lvalue, value)                                               \
    do {                                                                       \
        sst_fault_point();                                                     \
        __atomic_store_n(&(lvalue), (value), __ATOMIC_RELAXED);                \
        sst_order();                                                           \
    } while (0)

#define SST_LOAD(lvalue) __atomic_load_n(&(lvalue), __ATOMIC_RELAXED)

/* A counter: the lock makes the sum right, the store makes it readable. */
#define SST_ADD(lvalue, amount) SST_STORE(lvalue, (lvalue) + (amount))
#define SST_SUB(lvalue, amount) SST_STORE(lvalue, (lvalue) - (amount))

/* The one store that makes a record, or its end, visible. */
static inline void sst_publish(uint64_t *word, uint64_t value)
{
    sst_fault_point();
    sst_order();
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    sst_order();
}

static inline void sst_copy(void *to, const void *from, size_t len)
{
    sst_fault_point();
#ifdef SST_TEST_HOOKS
    memcpy(to, from, len / 2);
    sst_fault_point();
    memcpy((char *)to + len / 2, (const char *)from + len / 2, len - len / 2);
    sst_order();
    sst_fault_point();
#else
    memcpy(to, from, len);
    sst_order();
#endif
}

/* The fence also keeps the compiler from dropping it as a dead store. */
static inline void sst_wipe(void *at, size_t len)
{
    sst_fault_point();
#ifdef SST_TEST_HOOKS
    memset(at, 0, len / 2);
    sst_fault_point();
    memset((char *)at + len / 2, 0, len - len / 2);
#else
    memset(at, 0, len);
#endif
    __asm__ __volatile__("" : : "r"(at) : "memory");
}

#endif
