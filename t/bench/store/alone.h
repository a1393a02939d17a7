/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock alone: the C library's, robust and shared, with nothing behind it.
 * What two processes wait at worst for this one is the machine's, and no store
 * behind such a lock can do better.
 */
#ifndef BENCH_ALONE_H
#define BENCH_ALONE_H

#include <stdbool.h>

/** Before there are workers. */
void alone_begin(void);

/** Take it, hold it for about a microsecond, let it go. */
void alone_turn(void);

/** Many turns of some microseconds, as a sweep has them. */
bool alone_upkeep(void);

#endif
