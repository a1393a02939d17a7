/* SPDX-License-Identifier: Apache-2.0 */
/* What a handle knows of time and of the size of its file. */
#include "sst_handle.h"

#include <sys/stat.h>
#include <time.h>

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t shm_store_clock_ms(void)
{
    return clock_ns(CLOCK_BOOTTIME) / 1000000;
}

int64_t sst_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t sst_real_ms(void)
{
#ifdef SST_TEST_HOOKS
    if (sst_test.real_ms != 0) {
        return sst_test.real_ms;
    }
#endif
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

/* Rounded down: a record never ends late. */
uint32_t sst_tick(const shm_store *store, int64_t ms)
{
    int64_t since;

    if (__builtin_sub_overflow(ms, store->base_ms, &since)) {
        return ms < 0 ? 1 : SST_NEVER - 1;
    }
    if (since < SST_TICK_MS) {
        return 1;
    }
    since /= SST_TICK_MS;
    return since < SST_NEVER ? (uint32_t)since : SST_NEVER - 1;
}

int64_t sst_tick_ms(const shm_store *store, uint32_t tick)
{
    return store->base_ms + (int64_t)tick * SST_TICK_MS;
}

uint32_t sst_pages_now(shm_store *store)
{
    uint32_t told = SST_LOAD(sst_header(store)->npages);
    uint32_t seen = SST_LOAD(store->npages_seen);
    struct stat st;
    uint64_t bytes;

    if (told <= seen) {
        return told;
    }
    if (fstat(store->fd, &st) != 0) {
        return seen;
    }
    bytes = (uint64_t)st.st_size;
    seen = sst_pages_in(&store->geo,
                        bytes < store->map_len ? bytes : store->map_len);
    __atomic_store_n(&store->npages_seen, seen, __ATOMIC_RELAXED);
    return told < seen ? told : seen;
}

void sst_clock_set(sst_header_shm *header, const sst_clock_shm *clock)
{
    uint64_t other = (SST_LOAD(header->clock) & 1) ^ 1;

    sst_copy(&header->clocks[other], clock, sizeof(*clock));
    sst_publish(&header->clock, other);
}
