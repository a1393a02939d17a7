/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_FIELD 3 /* of /proc/PID/stat, see proc(5) */
#define BORN_FIELD  22

/* The beginning of ${path} as text; "" if it cannot be read. */
static bool read_text(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len;

    text[0] = '\0';
    if (fd < 0)
        return false;
    len = read(fd, text, room - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    return len > 0;
}

/* False: there is none, or nobody may look at it. */
static bool read_stat(uint32_t pid, char *state, uint64_t *born)
{
    char path[32], text[1024];
    const char *p;

    snprintf(path, sizeof path, "/proc/%u/stat", (unsigned)pid);
    if (!read_text(path, text, sizeof text))
        return false;
    /* The second field is the program's name, which may hold anything. */
    p = strrchr(text, ')');
    for (int field = 2; p && field < STATE_FIELD; field++)
        p = strchr(p + 1, ' ');
    if (!p)
        return false;
    *state = p[1];
    for (int field = STATE_FIELD; p && field < BORN_FIELD; field++)
        p = strchr(p + 1, ' ');
    if (!p)
        return false;
    *born = strtoull(p + 1, NULL, 10);
    return true;
}

/* The boot id is random, and its first 16 digits are enough of it. */
static uint64_t this_place(void)
{
    char id[64], digits[17];
    struct stat ns;
    size_t n = 0;

    if (!read_text("/proc/sys/kernel/random/boot_id", id, sizeof id) ||
        stat("/proc/self/ns/pid", &ns) != 0)
        return 0;
    for (const char *p = id; *p && n < 16; p++)
        if (*p != '-')
            digits[n++] = *p;
    digits[n] = '\0';
    return strtoull(digits, NULL, 16) ^ (uint64_t)ns.st_ino;
}

sx_process sx_process_self(void)
{
    sx_process self = {.pid = (uint32_t)getpid()};
    char state;

    if (read_stat(self.pid, &state, &self.born))
        self.place = this_place();
    return self;
}

bool sx_process_lives(const sx_process *process)
{
    uint64_t born;
    char state;

    if (read_stat(process->pid, &state, &born))
        return born == process->born && state != 'Z' && state != 'X';
    return kill((pid_t)process->pid, 0) == 0 || errno != ESRCH;
}
