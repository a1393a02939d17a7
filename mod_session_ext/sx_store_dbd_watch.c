/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_dbd_watch.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS    50L
#define QUIET_MOST 20 /* ticks without a connection that is lent */

/* ---- sockets ------------------------------------------------------------ */

/* Both libraries can be asked for it where APR has loaded them, for all to see.
 * MariaDB's leaves its connections to whatever this process executes, so to CGI
 * programs; of all it alone. */
void sx_dbd_watch_socket(const sx_dbd_store *store, sx_dbd_conn *conn)
{
    const bool is_mysql = !strcmp(store->dialect->driver, "mysql");
    int (*socket_of)(const void *connection) = NULL;
    int fd = -1;

    if (store->dialect->is_file)
        return;
    *(void **)&socket_of =
        dlsym(RTLD_DEFAULT, is_mysql ? "mysql_get_socket" : "PQsocket");
    if (socket_of)
        fd = socket_of(apr_dbd_native_handle(store->driver, conn->handle));
    if (fd < 0)
        return;
    if (is_mysql)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    conn->socket = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* ---- statements --------------------------------------------------------- */

int64_t sx_dbd_limit_ms(const sx_dbd_store *store)
{
    const int64_t row_ms = store->dialect->row_ms;

    return store->wait_ms + (row_ms > store->wait_ms ? row_ms : store->wait_ms);
}

void sx_dbd_watch_statement(sx_dbd_conn *conn)
{
    if (conn->socket >= 0)
        __atomic_store_n(&conn->late_us, sx_boot_us() + conn->limit_ms * 1000,
                         __ATOMIC_RELEASE);
}

void sx_dbd_watch_answer(sx_dbd_conn *conn)
{
    __atomic_store_n(&conn->late_us, 0, __ATOMIC_RELEASE);
}

/* ---- the thread --------------------------------------------------------- */

static void cut_late_locked(sx_dbd_store *store)
{
    const int64_t now_us = sx_boot_us();

    for (sx_dbd_conn *conn = store->lent; conn; conn = conn->next) {
        int64_t late_us = __atomic_load_n(&conn->late_us, __ATOMIC_ACQUIRE);

        if (late_us == 0 || late_us > now_us)
            continue;
        (void)shutdown(conn->socket, SHUT_RDWR);
        conn->is_cut = true;
        store->suspect_us = now_us;
        __atomic_store_n(&conn->late_us, 0, __ATOMIC_RELEASE);
        sx_dbd_tell(store, "a connection was cut",
                    "a statement was not answered in time");
    }
}

static void wait_tick_locked(sx_dbd_store *store)
{
    const struct timespec end = sx_monotonic_in(TICK_MS);

    pthread_cond_clockwait(&store->watch, &store->lock, CLOCK_MONOTONIC, &end);
}

static void *watch(void *baton)
{
    sx_dbd_store *store = baton;
    int quiet = 0;

    pthread_mutex_lock(&store->lock);
    while (!store->watch_ends) {
        quiet = store->lent ? 0 : quiet + 1;
        store->watch_sleeps = quiet > QUIET_MOST;
        if (store->watch_sleeps)
            pthread_cond_wait(&store->watch, &store->lock);
        else
            wait_tick_locked(store);
        store->watch_sleeps = false;
        cut_late_locked(store);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

/* Signals are for others. */
static bool begin_thread(sx_dbd_store *store)
{
    sigset_t every, before;
    bool begun;

    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    begun = pthread_create(&store->watcher, NULL, watch, store) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return begun;
}

/* ---- what is lent ------------------------------------------------------- */

void sx_dbd_watch_locked(sx_dbd_store *store, sx_dbd_conn *conn)
{
    conn->next = store->lent;
    store->lent = conn;
    if (conn->socket < 0)
        return;
    if (!store->is_watched)
        store->is_watched = begin_thread(store);
    else if (store->watch_sleeps)
        pthread_cond_signal(&store->watch);
}

void sx_dbd_unwatch_locked(sx_dbd_store *store, sx_dbd_conn *conn)
{
    sx_dbd_conn **at = &store->lent;

    while (*at && *at != conn)
        at = &(*at)->next;
    if (*at)
        *at = conn->next;
}

/* ---- beginning, end ----------------------------------------------------- */

void sx_dbd_watch_begin(sx_dbd_store *store)
{
    pthread_cond_init(&store->watch, NULL);
}

void sx_dbd_watch_forget_locked(sx_dbd_store *store)
{
    store->lent = NULL;
    store->is_watched = store->watch_sleeps = false;
    store->silent_us = 0;
    sx_dbd_watch_begin(store);
}

void sx_dbd_watch_end(sx_dbd_store *store)
{
    bool is_watched;

    pthread_mutex_lock(&store->lock);
    is_watched = store->is_watched && store->pid == getpid();
    store->watch_ends = true;
    if (is_watched)
        pthread_cond_signal(&store->watch);
    pthread_mutex_unlock(&store->lock);
    if (is_watched)
        pthread_join(store->watcher, NULL);
}
