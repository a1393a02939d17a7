/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stores of sst_fault.h in a build with SST_TEST_HOOKS; nothing of this is
 * in a shipped library.
 *
 * A site is one place in the sources that stores.  Its name is file, function
 * and statement, which stay when lines move; the n-th of the same name in a
 * file has the suffix "#n".  A list of all is in a linker section.
 *
 *   SST_FAULT_LIST=1     a program prints its sites and ends
 *   SST_FAULT_DROP=NAME  the store at NAME never happens; a compare and swap
 *                        says that it did
 *   SST_FAULT_SWAP=NAME  the store at NAME comes behind the next one of its
 *                        thread.  Who stores sees no difference, as with a
 *                        compiler's reordering; who dies in between leaves
 *                        the second store without the first.  No store is
 *                        moved behind an unlock.
 *   SST_FAULT_HITS=FILE  a byte for each site, in the order of the list, is
 *                        set when it stores
 */
#ifndef SST_FAULT_SITES_H
#define SST_FAULT_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The stores before which a death leaves something else with SST_FAULT_SWAP
 * than without: only those need be tried. */
typedef struct sst_test_deaths {
    long stores;
    long count;
    long at[4096];
} sst_test_deaths;

/* What a test may set. */
typedef struct sst_test_hooks {
    long die_at; /* die by SIGKILL before this store; 0: never */
    long count;  /* stores so far */
    long cut_at; /* cut the file off before this store; 0: never */
    int cut_fd;
    long cut_to; /* bytes that are left of it */
    int has_boot;
    unsigned char boot_id[16]; /* told instead of the kernel's */
    uint64_t pid_ns;           /* not 0: told instead of the kernel's */
    int64_t real_ms;           /* not 0: told instead of the wall clock */
    sst_test_deaths *deaths;   /* not NULL: where SST_FAULT_SWAP matters */
} sst_test_hooks;

extern sst_test_hooks sst_test;

typedef struct sst_site {
    const char *file;
    const char *function;
    const char *text;
    int line;
    unsigned char drop, swap;
    unsigned char *hit;
} sst_site;

/* A pointer to each, because structs in a section may have gaps. */
#define SST_SITE(statement)                                                    \
    __extension__({                                                            \
        static sst_site site = {__FILE__, __func__, statement, __LINE__,       \
                                0,        0,        NULL};                     \
        static sst_site *const ref                                             \
            __attribute__((section("sst_sites"), used)) = &site;               \
        (void)ref;                                                             \
        &site;                                                                 \
    })

/* One store between them, or none if begin says false. */
bool sst_site_begin(sst_site *site, void *at, size_t len);
void sst_site_end(const void *at, size_t len);

void sst_site_copy(sst_site *site, void *to, const void *from, size_t len);
void sst_site_wipe(sst_site *site, void *at, size_t len);

/* Nothing that was stored under a lock may come behind its unlock. */
void sst_fault_settle(void);

#define SST_STORE_AT(site_, lvalue, value, order)                              \
    do {                                                                       \
        sst_site *const here_ = (site_);                                       \
        __typeof__(&(lvalue)) const at_ = &(lvalue);                           \
        __typeof__(lvalue) const what_ = (value);                              \
                                                                               \
        if (sst_site_begin(here_, at_, sizeof(what_))) {                       \
            __atomic_store_n(at_, what_, order);                               \
            sst_site_end(at_, sizeof(what_));                                  \
        }                                                                      \
    } while (0)

#define SST_STORE(lvalue, value)                                               \
    SST_STORE_AT(SST_SITE("SST_STORE(" #lvalue ", " #value ")"), lvalue,       \
                 value, __ATOMIC_RELAXED)
#define SST_ADD(lvalue, amount)                                                \
    SST_STORE_AT(SST_SITE("SST_ADD(" #lvalue ", " #amount ")"), lvalue,        \
                 (lvalue) + (amount), __ATOMIC_RELAXED)
#define SST_SUB(lvalue, amount)                                                \
    SST_STORE_AT(SST_SITE("SST_SUB(" #lvalue ", " #amount ")"), lvalue,        \
                 (lvalue) - (amount), __ATOMIC_RELAXED)
#define SST_RELEASE(lvalue, value)                                             \
    SST_STORE_AT(SST_SITE("SST_RELEASE(" #lvalue ", " #value ")"), lvalue,     \
                 value, __ATOMIC_RELEASE)
#define sst_publish(word, value)                                               \
    SST_STORE_AT(SST_SITE("sst_publish(" #word ", " #value ")"), *(word),      \
                 value, __ATOMIC_RELEASE)

#define SST_SWAP_IF(lvalue, expected, value)                                   \
    __extension__({                                                            \
        sst_site *const here_ =                                                \
            SST_SITE("SST_SWAP_IF(" #lvalue ", " #value ")");                  \
        bool done_;                                                            \
                                                                               \
        if (sst_site_begin(here_, &(lvalue), sizeof(lvalue))) {                \
            done_ = __atomic_compare_exchange_n(                               \
                &(lvalue), &(expected), (value), false, __ATOMIC_SEQ_CST,      \
                __ATOMIC_RELAXED);                                             \
            sst_site_end(&(lvalue), sizeof(lvalue));                           \
        }                                                                      \
        else {                                                                 \
            done_ =                                                            \
                __atomic_load_n(&(lvalue), __ATOMIC_ACQUIRE) == (expected);    \
        }                                                                      \
        done_;                                                                 \
    })

#define sst_copy(to, from, len)                                                \
    sst_site_copy(SST_SITE("sst_copy(" #to ", " #from ", " #len ")"), to,      \
                  from, len)
#define sst_wipe(at, len)                                                      \
    sst_site_wipe(SST_SITE("sst_wipe(" #at ", " #len ")"), at, len)

#endif
