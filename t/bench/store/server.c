/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and ends a server program: see server.h. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "server.h"

#define TRIES  500 /* of 10 ms */
#define ABSENT 127 /* what a shell says of a program that it cannot find */

static void become(char *const argv[])
{
    int null = open("/dev/null", O_RDWR);

    /* Standard input carries the orders, standard output the answers. */
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[0], argv);
    _exit(ABSENT);
}

pid_t server_start(char *const argv[], const char *socket,
                   bool (*answers)(const char *socket))
{
    pid_t pid;
    int status;

    unlink(socket);
    pid = fork();
    if (pid == 0)
        become(argv);
    if (pid < 0)
        return -1;
    for (int i = 0; i < TRIES; i++) {
        usleep(10000);
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) && WEXITSTATUS(status) == ABSENT ? 0 : -1;
        if (access(socket, F_OK) == 0 && answers(socket))
            return pid;
    }
    server_kill(pid);
    return -1;
}

void server_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
