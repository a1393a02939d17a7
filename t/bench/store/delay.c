/* SPDX-License-Identifier: Apache-2.0 */
/* See delay.h. */
#include "delay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void delay_begin(delay_watch *watch, const pid_t pids[DELAY_PROCESSES])
{
    char path[64];

    *watch = (delay_watch){0};
    for (int i = 0; i < DELAY_PROCESSES; i++) {
        snprintf(path, sizeof path, "/proc/%ld/schedstat", (long)pids[i]);
        watch->fds[i] = open(path, O_RDONLY | O_CLOEXEC);
    }
}

/* "on the CPU, waited for one, how often": ns. */
static int64_t waited(int fd)
{
    char text[100], *behind;
    ssize_t len = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);

    if (len <= 0)
        return 0;
    text[len] = '\0';
    behind = strchr(text, ' ');
    return behind ? strtoll(behind, NULL, 10) : 0;
}

int64_t delay_look(delay_watch *watch, int64_t now_ns)
{
    int64_t before = watch->seen_ns;

    watch->seen_ns = 0;
    for (int i = 0; i < DELAY_PROCESSES; i++)
        watch->seen_ns += waited(watch->fds[i]);
    watch->looked_ns = now_ns;
    return watch->seen_ns - before;
}
