/* SPDX-License-Identifier: Apache-2.0 */
/* The switchboard of the crash tests; nothing in a shipped build. */
#include "sst_fault.h"

#ifdef SST_TEST_HOOKS
#include <signal.h>
#include <unistd.h>

sst_test_hooks sst_test;

void sst_fault_point(void)
{
    /* Not exact with threads, and need not be: enumeration uses one. */
    long count = __atomic_add_fetch(&sst_test.count, 1, __ATOMIC_RELAXED);

    if (count == sst_test.die_at) {
        /* SIGKILL runs no handler and no exit function, as the real one. */
        kill(getpid(), SIGKILL);
        _exit(99);
    }
}
#endif
