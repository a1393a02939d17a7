/* SPDX-License-Identifier: Apache-2.0 */
/* Huge pages, where the kernel has them for tmpfs: at creation, after growth,
 * and in a process that came later.  What does not fill one is small. */
#include "util.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "sst_handle.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define HUGE_PAGE (2 * MIB)

/* Bytes that this process sees of the segment through huge pages. */
static long long mapped_huge(const shm_store *store)
{
    FILE *in = fopen("/proc/self/smaps", "r");
    char line[512];
    long long kb = -1;
    bool ours = false;

    while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
        static const char name[] = "ShmemPmdMapped:";
        char *end;
        unsigned long from = strtoul(line, &end, 16);

        if (end > line && *end == '-') {
            ours = from == (unsigned long)(uintptr_t)store->base;
        }
        else if (ours && strncmp(line, name, sizeof(name) - 1) == 0) {
            kb = strtoll(line + sizeof(name) - 1, NULL, 10);
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    return kb * 1024;
}

static void touch_all(const shm_store *store)
{
    for (uint64_t i = 0; i < store->file_size; i += 4096) {
        (void)*(volatile unsigned char *)(store->base + i);
    }
}

/* Asked of the kernel itself, with a file that has one page. */
static bool kernel_can(const scratch *at)
{
    char path[PATH_ROOM + 8];
    unsigned char *reserved, *aligned;
    struct statfs fs;
    bool can = false;
    int fd;

    snprintf(path, sizeof(path), "%s/probe", at->dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    reserved = mmap(NULL, 2 * HUGE_PAGE, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fd >= 0 && reserved != MAP_FAILED && fstatfs(fd, &fs) == 0 &&
        fs.f_type == 0x01021994 && ftruncate(fd, (off_t)HUGE_PAGE) == 0) {
        aligned = (unsigned char *)(((uintptr_t)reserved + HUGE_PAGE - 1) /
                                    HUGE_PAGE * HUGE_PAGE);
        if (mmap(aligned, HUGE_PAGE, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED) {
            *aligned = 1;
            can = madvise(aligned, HUGE_PAGE, MADV_COLLAPSE) == 0;
        }
    }
    munmap(reserved, 2 * HUGE_PAGE);
    close(fd);
    unlink(path);
    return can;
}

static void see(const shm_store *store, bool can, const char *name)
{
    struct stat st;

    ok(fstat(store->fd, &st) == 0 && (uint64_t)st.st_size == store->file_size &&
           (uint64_t)st.st_blocks * 512 >= store->file_size,
       "%s: all of the file is allocated", name);
    ok((uintptr_t)store->base % HUGE_PAGE == 0,
       "%s: the address is one of a huge page", name);
    touch_all(store);
    if (can) {
        is_int(mapped_huge(store),
               (long long)(store->file_size / HUGE_PAGE * HUGE_PAGE), name);
    }
    else {
        is_int(mapped_huge(store) > 0, false, name);
    }
}

int main(void)
{
    shm_store_config config;
    shm_store *store, *other;
    scratch at;
    bool can;

    scratch_make(&at);
    can = kernel_can(&at);
    diag("this kernel has %s for tmpfs", can ? "huge pages" : "no huge pages");
    config = config_of(&at, 7 * MIB);
    store = store_with(&config, START_MS);
    see(store, can, "a new segment");
    config.size = 21 * MIB;
    is_int(shm_store_reopen(store, &config, NULL, 0), SST_OK, "it grows");
    {
        /* The piece across the old end is of small pages. */
        uint64_t small = HUGE_PAGE, tail = 21 * MIB % HUGE_PAGE;

        touch_all(store);
        is_int(mapped_huge(store),
               can ? (long long)(store->file_size - small - tail) : 0,
               "what it grew by is huge, too");
    }
    config.is_server = false;
    other = store_with(&config, START_MS);
    touch_all(other);
    is_int(mapped_huge(other), mapped_huge(store), "who comes later sees them");
    shm_store_close(other);
    check_clean(store, "the store is sound");
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
