/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server program behind a unix socket: a child of this process, which ends
 * with it and is ended by its process id.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * Start ${argv} and wait until ${answers}(${socket}) says true.  Returns the
 * process id; 0 if the program is not installed, -1 if it does not answer.
 */
pid_t server_start(char *const argv[], const char *socket,
                   bool (*answers)(const char *socket));

/** End it by SIGKILL and wait for that. */
void server_kill(pid_t pid);

#endif
