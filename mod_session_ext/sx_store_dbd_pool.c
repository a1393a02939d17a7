/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of a process: lent to one thread at a time, and few.
 *
 * One that rested for a second, or since another was lost, is asked whether it
 * lives before it is lent: so the restart of a database costs a question, and
 * leaves no write of which nobody knows whether it was done.  When connecting
 * has failed, one thread at a time tries again, each half second; the others
 * are told at once.
 *
 * A fork has no connections: it forgets those of its parent, and never ends
 * them, which would tell the server that its parent has gone.  SQLite wants
 * more, since its locks are of a process and it notes which it has: no process
 * forks with a database open.  So it is closed before, and opened after.
 */
#include "sx_store_dbd_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FRESH_US   1000000 /* rested for no longer, it is taken as it is */
#define BETWEEN_US 500000  /* attempts to connect */
#define UNUSED_US  60000000
#define TRIES      4 /* to do a call */

/* ---- forks -------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static sx_dbd_store *all;

static void end_idle_locked(sx_dbd_store *store)
{
    sx_dbd_conn *conn;

    while ((conn = store->idle) != NULL) {
        store->idle = conn->next;
        store->count--;
        sx_dbd_disconnect(store, conn);
    }
}

static void before_fork(void)
{
    pthread_mutex_lock(&all_lock);
    for (sx_dbd_store *store = all; store; store = store->next) {
        pthread_mutex_lock(&store->lock);
        if (store->dialect->is_file && store->pid == getpid())
            end_idle_locked(store);
    }
}

static void after_fork(void)
{
    for (sx_dbd_store *store = all; store; store = store->next)
        pthread_mutex_unlock(&store->lock);
    pthread_mutex_unlock(&all_lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

static void forget_others_locked(sx_dbd_store *store)
{
    if (store->pid == getpid())
        return;
    store->idle = NULL;
    store->count = 0;
    store->is_trying = false;
    store->pid = getpid();
    sx_dbd_watch_forget_locked(store);
}

/* ---- beginning, end ----------------------------------------------------- */

static apr_status_t conns_end(void *baton)
{
    sx_dbd_store *store = baton;

    pthread_mutex_lock(&all_lock);
    for (sx_dbd_store **at = &all; *at; at = &(*at)->next)
        if (*at == store) {
            *at = store->next;
            break;
        }
    pthread_mutex_unlock(&all_lock);
    sx_dbd_watch_end(store);
    pthread_mutex_lock(&store->lock);
    forget_others_locked(store);
    end_idle_locked(store);
    pthread_mutex_unlock(&store->lock);
    return APR_SUCCESS;
}

void sx_dbd_conns_begin(sx_dbd_store *store, apr_pool_t *pool)
{
    pthread_once(&once, watch_forks);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->rests, NULL);
    sx_dbd_watch_begin(store);
    store->pid = getpid();
    pthread_mutex_lock(&all_lock);
    store->next = all;
    all = store;
    pthread_mutex_unlock(&all_lock);
    apr_pool_cleanup_register(pool, store, conns_end, apr_pool_cleanup_null);
}

/* ---- lending ------------------------------------------------------------ */

/* Behind the lock. */
static void gone_locked(sx_dbd_store *store)
{
    store->count--;
    pthread_cond_signal(&store->rests);
}

static sx_answer connect_another(sx_dbd_store *store, sx_dbd_conn **conn)
{
    const char *why;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    *conn = sx_dbd_connect(store, false, &why, pool);
    if (!*conn)
        sx_dbd_tell(store, "no connection", why);
    apr_pool_destroy(pool);
    pthread_mutex_lock(&store->lock);
    store->is_down = !*conn;
    store->is_trying = false;
    if (!*conn) {
        store->again_us = sx_boot_us() + BETWEEN_US;
        gone_locked(store);
    }
    else {
        sx_dbd_watch_locked(store, *conn);
    }
    pthread_mutex_unlock(&store->lock);
    return *conn ? SX_STORE_OK : SX_STORE_UNAVAILABLE;
}

/* Is a rested one to be asked first? */
static bool is_doubtful(const sx_dbd_store *store, const sx_dbd_conn *conn)
{
    return !store->dialect->is_file &&
           (conn->rested_us <= store->suspect_us ||
            sx_boot_us() - conn->rested_us > FRESH_US);
}

typedef enum choice { LENT, ASK, CONNECT, DOWN, LATE } choice;

static choice choose_locked(sx_dbd_store *store, const struct timespec *end,
                            sx_dbd_conn **conn)
{
    const unsigned most = store->config->connections
                              ? store->config->connections
                              : SX_DBD_CONNECTIONS;

    forget_others_locked(store);
    if (sx_boot_us() < store->silent_us)
        return DOWN;
    while (!store->idle && store->count >= most)
        if (pthread_cond_clockwait(&store->rests, &store->lock, CLOCK_MONOTONIC,
                                   end) != 0 &&
            !store->idle && store->count >= most)
            return LATE;
    *conn = store->idle;
    if (*conn) {
        store->idle = (*conn)->next;
        sx_dbd_watch_locked(store, *conn);
        return is_doubtful(store, *conn) ? ASK : LENT;
    }
    if (store->is_down && (store->is_trying || sx_boot_us() < store->again_us))
        return DOWN;
    store->is_trying = store->is_down;
    store->count++;
    return CONNECT;
}

/* Who does not even say that it lives would keep each who asks it. */
static void note_silence(sx_dbd_store *store, const sx_dbd_conn *conn)
{
    pthread_mutex_lock(&store->lock);
    if (conn->is_cut)
        store->silent_us = sx_boot_us() + SX_DBD_SILENT_MS * 1000;
    pthread_mutex_unlock(&store->lock);
}

sx_answer sx_dbd_acquire(sx_dbd_store *store, sx_dbd_conn **conn)
{
    const struct timespec end = sx_monotonic_in(store->wait_ms);
    choice chosen;

    for (;;) {
        pthread_mutex_lock(&store->lock);
        chosen = choose_locked(store, &end, conn);
        pthread_mutex_unlock(&store->lock);
        if (chosen != ASK || sx_dbd_run(store, *conn, "SELECT 1") == 0)
            break;
        note_silence(store, *conn);
        sx_dbd_release(store, *conn, true);
    }
    if (chosen == LATE)
        return SX_STORE_BUSY;
    if (chosen == DOWN)
        return SX_STORE_UNAVAILABLE;
    return chosen == CONNECT ? connect_another(store, conn) : SX_STORE_OK;
}

/* One that nobody needed for a minute: the last in the row. */
static sx_dbd_conn *unused_locked(sx_dbd_store *store, int64_t now_us)
{
    sx_dbd_conn **at = &store->idle, *unused;

    while (*at && (*at)->next)
        at = &(*at)->next;
    unused = *at;
    if (!unused || now_us - unused->rested_us < UNUSED_US)
        return NULL;
    *at = NULL;
    return unused;
}

void sx_dbd_release(sx_dbd_store *store, sx_dbd_conn *conn, bool is_broken)
{
    sx_dbd_conn *end = is_broken ? conn : NULL;
    const int64_t now_us = sx_boot_us();

    if (is_broken)
        sx_dbd_count(&store->figures->dropped);
    pthread_mutex_lock(&store->lock);
    sx_dbd_unwatch_locked(store, conn);
    if (is_broken) {
        store->suspect_us = now_us;
    }
    else {
        end = unused_locked(store, now_us);
        conn->rested_us = now_us;
        conn->next = store->idle;
        store->idle = conn;
    }
    if (end)
        store->count--;
    pthread_cond_signal(&store->rests);
    pthread_mutex_unlock(&store->lock);
    if (end)
        sx_dbd_disconnect(store, end);
}

/* ---- a call ------------------------------------------------------------- */

/* SQLite's writers: by asking again, since such locks know no deadline. */
static bool lock_writers(const sx_dbd_store *store, const sx_dbd_conn *conn)
{
    struct flock all_of_it = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int64_t end_us = sx_boot_us() + store->wait_ms * 1000;
    struct timespec pause = {.tv_nsec = 50000};

    while (fcntl(conn->lock, F_OFD_SETLK, &all_of_it) != 0) {
        if (sx_boot_us() > end_us)
            return false;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 1000000)
            pause.tv_nsec *= 2;
    }
    return true;
}

static void unlock_writers(const sx_dbd_conn *conn)
{
    struct flock all_of_it = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

    fcntl(conn->lock, F_OFD_SETLK, &all_of_it);
}

static sx_dbd_outcome call_on(sx_dbd_store *store, sx_dbd_conn *conn,
                              sx_dbd_call *call, void *baton, bool writes)
{
    const bool locks = writes && conn->lock >= 0;
    sx_dbd_outcome outcome;

    if (locks && !lock_writers(store, conn))
        return SX_DBD_WAITED;
    outcome = call(store, conn, baton);
    if (locks)
        unlock_writers(conn);
    return outcome;
}

static sx_answer answer_of(sx_dbd_outcome outcome)
{
    switch (outcome) {
    case SX_DBD_DONE:
        return SX_STORE_OK;
    case SX_DBD_WAITED:
    case SX_DBD_AGAIN:
        return SX_STORE_BUSY;
    case SX_DBD_LOST:
        return SX_STORE_UNKNOWN;
    case SX_DBD_NO_ROOM:
        return SX_STORE_FULL;
    case SX_DBD_TOO_LARGE:
        return SX_STORE_TOOBIG;
    default:
        return SX_STORE_UNAVAILABLE;
    }
}

static sx_answer counted(sx_dbd_figures *figures, sx_answer answer)
{
    if (answer == SX_STORE_BUSY)
        sx_dbd_count(&figures->busy);
    else if (answer == SX_STORE_FULL)
        sx_dbd_count(&figures->full);
    else if (sx_answer_is_outage(answer))
        sx_dbd_count(&figures->failed);
    return answer;
}

sx_answer sx_dbd_do(sx_dbd_store *store, sx_dbd_call *call, void *baton,
                    bool writes, const char *what)
{
    sx_dbd_outcome outcome = SX_DBD_STALE;

    for (int i = 0; i < TRIES; i++) {
        sx_dbd_conn *conn;
        sx_answer answer = sx_dbd_acquire(store, &conn);

        if (answer != SX_STORE_OK)
            return counted(store->figures, answer);
        outcome = call_on(store, conn, call, baton, writes);
        sx_dbd_release(store, conn,
                       outcome == SX_DBD_LOST || outcome == SX_DBD_STALE ||
                           outcome == SX_DBD_TOO_LARGE ||
                           outcome == SX_DBD_REFUSED);
        if (outcome != SX_DBD_STALE && outcome != SX_DBD_AGAIN)
            break;
    }
    if (outcome == SX_DBD_LOST)
        sx_dbd_tell(store, what, "its reply was lost");
    return counted(store->figures, answer_of(outcome));
}
