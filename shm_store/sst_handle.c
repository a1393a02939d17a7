/* SPDX-License-Identifier: Apache-2.0 */
/* What a handle knows of time, of this boot, and of the size of its file. */
#include "sst_handle.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

uint64_t shm_store_life(const shm_store *store)
{
    return sst_sum(store->hash_key, sizeof(store->hash_key), 0);
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
    bytes = sst_segment_len((uint64_t)st.st_size);
    seen = sst_pages_in(&store->geo,
                        bytes < store->map_len ? bytes : store->map_len);
    __atomic_store_n(&store->npages_seen, seen, __ATOMIC_RELAXED);
    return told < seen ? told : seen;
}

void sst_boot_id(uint8_t boot_id[16])
{
    char text[64] = {0};
    int fd;

#ifdef SST_TEST_HOOKS
    if (sst_test.has_boot) {
        memcpy(boot_id, sst_test.boot_id, 16);
        return;
    }
#endif
    memset(boot_id, 0, 16);
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, text, sizeof(text) - 1);

        if (got > 0) {
            sodium_hex2bin(boot_id, 16, text, (size_t)got, "-\n", NULL, NULL);
        }
        close(fd);
    }
}

void sst_clock_set(sst_header_shm *header, const sst_clock_shm *clock)
{
    uint64_t other = (SST_LOAD(header->clock) & 1) ^ 1;

    sst_copy(&header->clocks[other], clock, sizeof(*clock));
    sst_publish(&header->clock, other);
}
