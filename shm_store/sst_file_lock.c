/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sst_file.h"

#define ATTACH_POLL_MS 2

static struct flock range_of(short type, int byte)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

bool sst_file_lock(int fd, short type, int byte)
{
    struct flock range = range_of(type, byte);

    return fcntl(fd, F_OFD_SETLK, &range) == 0;
}

bool sst_process_lock(int fd, short type, int byte)
{
    struct flock range = range_of(type, byte);

    return fcntl(fd, F_SETLK, &range) == 0;
}

bool sst_file_locked(int fd, int byte, bool by_process)
{
    struct flock range = range_of(F_WRLCK, byte);

    return fcntl(fd, by_process ? F_GETLK : F_OFD_GETLK, &range) != 0 ||
           range.l_type != F_UNLCK;
}

void sst_pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000,
                            .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

bool sst_attach_queue(int fd, long wait_ms)
{
    for (long waited = 0; waited < wait_ms; waited += ATTACH_POLL_MS) {
        if (sst_process_lock(fd, F_WRLCK, SST_BYTE_ATTACH)) {
            return true;
        }
        if (errno != EAGAIN && errno != EACCES) {
            return false;
        }
        sst_pause_ms(ATTACH_POLL_MS);
    }
    return false;
}

/* ---- closing ------------------------------------------------------------ */

/* What this process has of one file. */
typedef struct holding {
    int fds;
    bool locks; /* of the process, taken by one of these */
} holding;

/* The kernel tells of each descriptor which locks were taken by it. */
static bool has_locks(int fd)
{
    char path[64], line[256];
    bool found = false;
    FILE *info;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    info = fopen(path, "re");
    while (info != NULL && !found && fgets(line, sizeof(line), info) != NULL) {
        found = strncmp(line, "lock:", 5) == 0 && strstr(line, " POSIX ");
    }
    if (info != NULL) {
        fclose(info);
    }
    return found;
}

/* Without /proc it is what a process that has only one handle has. */
static holding holding_of(const struct stat *file)
{
    holding has = {0};
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    struct stat st;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int fd = (int)strtol(entry->d_name, NULL, 10);

        if (*entry->d_name == '.' || fstat(fd, &st) != 0 ||
            st.st_dev != file->st_dev || st.st_ino != file->st_ino) {
            continue;
        }
        has.fds++;
        has.locks = has.locks || has_locks(fd);
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return has;
}

void sst_file_close(int fd)
{
    struct stat st;
    holding has = {0};

    if (fstat(fd, &st) == 0) {
        has = holding_of(&st);
    }
    if (has.fds < 2 || !has.locks) {
        close(fd);
        return;
    }
    (void)sst_file_lock(fd, F_UNLCK, SST_BYTE_SERVER);
    (void)sst_file_lock(fd, F_UNLCK, SST_BYTE_USERS);
}
