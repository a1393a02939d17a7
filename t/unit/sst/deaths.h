/* SPDX-License-Identifier: Apache-2.0 */
/* At which of its stores a test lets an operation die. */
#ifndef DEATHS_H
#define DEATHS_H

#include <limits.h>
#include <sys/mman.h>

#include "sst_fault.h"
#include "util.h"

/* Of the operation that runs between deaths_note and deaths_noted, in a child
 * that comes through: how many stores it has, and which of them matter with
 * SST_FAULT_SWAP. */
static sst_test_deaths *noted;

static inline void deaths_note(void)
{
    if (noted == NULL) {
        noted = mmap(NULL, sizeof(*noted), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    }
    noted->count = noted->stores = 0;
    sst_test.deaths = noted;
}

static inline void deaths_noted(void)
{
    sst_test.deaths = NULL;
}

/* With SST_FAULT_SWAP: of very many that matter some, and not always the same
 * of the three that a wipe has. */
static inline long deaths_that_matter(long k)
{
    long step = noted->count / 100 + 1, i = 0;

    step += step % 3 == 0;
    while (i < noted->count && noted->at[i] <= k) {
        i += step;
    }
    return i < noted->count ? noted->at[i] : noted->stores + 1;
}

/* The next to try after the ${k}-th: each of the first and the last ${ends}
 * stores, and one of ${stride} between them.  The last is one that comes
 * through. */
static inline long deaths_next(long k, long stride, long ends)
{
    const long tail = noted->stores - ends;

    if (getenv("SST_FAULT_SWAP") != NULL) {
        return deaths_that_matter(k);
    }
    if (k < ends || k >= tail) {
        return k + 1;
    }
    return k + stride < tail ? k + stride : tail;
}

#endif
