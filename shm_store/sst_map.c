/* SPDX-License-Identifier: Apache-2.0 */
/* See sst_map.h. */
#include "sst_map.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HUGE_PAGE ((uint64_t)2 << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; C libraries learn it later */
#endif

static uint64_t round_up(uint64_t n)
{
    return (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

static bool is_tmpfs(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/* Maps the file from ${from} on, a multiple of a huge page, at an address that
 * is one, too: only then can the kernel use them.  What lies behind ${len} up
 * to the next such address is reserved.  MAP_FAILED with errno. */
static unsigned char *map_aligned(int fd, uint64_t from, uint64_t len)
{
    uint64_t room = round_up(len);
    unsigned char *reserved =
        mmap(NULL, room + HUGE_PAGE, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    unsigned char *at, *mapped;
    size_t before;

    if (reserved == MAP_FAILED) {
        return reserved;
    }
    before = round_up((uintptr_t)reserved) - (uintptr_t)reserved;
    at = reserved + before;
    if (before > 0) {
        munmap(reserved, before);
    }
    munmap(at + room, HUGE_PAGE - before);
    mapped = mmap(at, len, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, (off_t)from);
    if (mapped == MAP_FAILED) {
        int why = errno;

        munmap(at, room);
        errno = why;
    }
    return mapped;
}

/*
 * Huge pages come about where the file is mapped and has a page already, so
 * each stretch of 2 MB gets its first one.  This costs less than 512 small
 * pages do; which is what those get, later, that could not be collapsed.
 */
static int allocate_huge(int fd, uint64_t from, uint64_t end)
{
    unsigned char *at;
    int rc = 0;

    for (uint64_t i = from; i < end && rc == 0; i += HUGE_PAGE) {
        rc = posix_fallocate(fd, (off_t)i, 1);
    }
    if (rc != 0) {
        return rc;
    }
    at = map_aligned(fd, from, end - from);
    if (at != MAP_FAILED) {
        (void)madvise(at, end - from, MADV_COLLAPSE);
        munmap(at, round_up(end - from));
    }
    return 0;
}

int sst_map_allocate(int fd, uint64_t have, uint64_t want)
{
    uint64_t from = round_up(have), end = want / HUGE_PAGE * HUGE_PAGE;
    int rc = 0;

    if (from < end && is_tmpfs(fd)) {
        rc = allocate_huge(fd, from, end);
    }
    return rc != 0 ? rc : posix_fallocate(fd, 0, (off_t)want);
}

bool sst_map(shm_store *store)
{
    /* Room to grow into; past the end of the file it is never touched. */
    store->map_len = store->file_size * SST_GROWTH;
    store->base = map_aligned(store->fd, 0, store->map_len);
    if (store->base == MAP_FAILED) {
        store->map_len = store->file_size;
        store->base = map_aligned(store->fd, 0, store->map_len);
    }
    if (store->base == MAP_FAILED) {
        return false;
    }
    (void)madvise(store->base, store->map_len, MADV_DONTDUMP);
    return true;
}

void sst_unmap(shm_store *store)
{
    munmap(store->base, round_up(store->map_len));
}
