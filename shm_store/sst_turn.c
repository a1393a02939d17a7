/* SPDX-License-Identifier: Apache-2.0 */
#include "shm_turn.h"

#include <errno.h>
#include <fcntl.h>

#include "sst_handle.h"

#define TURNS_AT (UINT64_C(1) << 61)

static struct flock turn_of(short type, uint64_t number)
{
    return (struct flock){.l_type = type,
                          .l_whence = SEEK_SET,
                          .l_start = (off_t)(number >> 2 | TURNS_AT),
                          .l_len = 1};
}

/* Of the process, not of the descriptor: that one is the same in all that were
 * forked where it was opened. */
bool shm_turn_take(shm_store *store, uint64_t number, bool (*gives_up)(void))
{
    struct flock turn = turn_of(F_WRLCK, number);

    while (fcntl(store->fd, F_SETLKW, &turn) != 0) {
        if (errno != EINTR || (gives_up != NULL && gives_up())) {
            return false;
        }
    }
    return true;
}

void shm_turn_end(shm_store *store, uint64_t number)
{
    struct flock turn = turn_of(F_UNLCK, number);

    (void)fcntl(store->fd, F_SETLK, &turn);
}
