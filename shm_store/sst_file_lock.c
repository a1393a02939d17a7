/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>

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
