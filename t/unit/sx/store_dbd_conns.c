/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of the database backend: few, shared by threads and by no
 * fork, and lost at any time; and who waits for whom, how long.  On SQLite;
 * t/guard/databases.t runs it on the others.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "dbd_calls.h"

/* Did the last call take about as long as calls may wait? */
static bool waited(int64_t since_ms)
{
    int64_t ms = boot_ms() - since_ms;

    if (ms >= 200 && ms < 2000)
        return true;
    diag("%lld ms", (long long)ms);
    return false;
}

/* ---- waiting ------------------------------------------------------------ */

static int take_lock(void)
{
    struct flock all_of_it = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(apr_pstrcat(at.pool, sqlite_path(&at), "-lock", NULL),
                  O_RDWR | O_CLOEXEC);

    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &all_of_it) != 0)
        stage_give_up("the lock cannot be taken");
    return fd;
}

static void test_waiting(void)
{
    const unsigned char *key = made("x");
    sx_dbd_conn *conn = NULL;
    sx_record_meta meta;
    sx_answer answer;
    int64_t since;
    int fd = -1;

    if (on_server())
        conn = take_rows(dbd_inner);
    else
        fd = take_lock();
    since = boot_ms();
    answer = at.realm.store->ops->remove(at.realm.store, key, 0);
    says(answer == SX_STORE_BUSY && waited(since),
         "who meets a row that another holds waits for 250 ms");
    says(asked(key) == SX_STORE_OK, "and has changed nothing");
    if (fd >= 0)
        close(fd);
    if (conn)
        sx_dbd_release(dbd_inner, conn, true);
    usleep(100000);
    says(put(stage_key(&at), 0, sx_str_of("x"), &meta) == SX_STORE_OK &&
             at.realm.store->ops->remove(at.realm.store, key, 0) == SX_STORE_OK,
         "who is gone holds up nobody");
}

static void test_few(void)
{
    sx_dbd_store *store = dbd_inner;
    sx_dbd_conn *conns[SX_DBD_CONNECTIONS];
    const unsigned char *key = made("x");
    int64_t since;
    int lent = 0;

    for (int i = 0; i < SX_DBD_CONNECTIONS; i++)
        lent += sx_dbd_acquire(store, &conns[i]) == SX_STORE_OK;
    since = boot_ms();
    says(lent == SX_DBD_CONNECTIONS && asked(key) == SX_STORE_BUSY &&
             waited(since),
         "for a connection, too");
    for (int i = 0; i < SX_DBD_CONNECTIONS; i++)
        sx_dbd_release(store, conns[i], i % 2);
    says(asked(key) == SX_STORE_OK, "until one is given back");
}

/* What those before have left in the figures. */
static void test_figures(void)
{
    const sx_dbd_figures *have = dbd_inner->figures;

    diag("%d connections, %d given up, %d calls in vain", (int)have->connected,
         (int)have->dropped, (int)have->busy);
    says(have->connected >= SX_DBD_CONNECTIONS &&
             have->connected <= 2 * SX_DBD_CONNECTIONS,
         "each connection is counted");
    says(have->dropped >= SX_DBD_CONNECTIONS / 2 &&
             have->dropped < SX_DBD_CONNECTIONS,
         "and each that was given up");
    says(have->busy == 2, "and who waited in vain");
    says(have->failed == 0 && have->not_connected == 0 && have->damaged == 0,
         "and nothing that was not");
}

/* ---- forks -------------------------------------------------------------- */

static void test_fork(void)
{
    const unsigned char *key = made("x"), *its = stage_key(&at);
    sx_record_meta meta;
    int status, rounds = 0;

    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            bool good = asked(key) == SX_STORE_OK &&
                        put(its, 0, sx_str_of("its"), &meta) == SX_STORE_OK;

            /* As a child of httpd ends. */
            apr_pool_destroy(at.pool);
            _exit(good ? 0 : 1);
        }
        rounds +=
            pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 &&
            asked(key) == SX_STORE_OK && asked(its) == SX_STORE_OK &&
            at.realm.store->ops->remove(at.realm.store, its, 0) == SX_STORE_OK;
    }
    says(rounds == 5, "a fork has connections of its own, and ends only those");
}

/* As a program ends that leaves all of it to APR. */
static void test_terminate(void)
{
    const unsigned char *key = made("x");
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        bool good = asked(key) == SX_STORE_OK;

        apr_terminate();
        _exit(good ? 0 : 1);
    }
    says(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
         "apr_terminate ends what is open");
}

/* What is open here, and what of that a CGI program would have. */
static int opened(int *inherited)
{
    int count = 0;

    *inherited = 0;
    for (int fd = 3; fd < 100; fd++) {
        int flags = fcntl(fd, F_GETFD);

        count += flags >= 0;
        *inherited += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    return count;
}

static int opened_first, inherited_first;

static void test_inherited(void)
{
    int inherited, count = opened(&inherited);

    says(count > opened_first && inherited == inherited_first,
         "no program that is started here inherits a connection");
}

/* ---- connections that are lost ------------------------------------------ */

/* All but one, by the server. */
static void end_connections(void)
{
    sx_dbd_store *mine = dbd_inner;
    long long id;

    dbd_inner = (sx_dbd_store *)again("a boot", at.now.boot_ms);
    if (stage_on == &stage_pgsql)
        dbd_sql(&at, "SELECT count(pg_terminate_backend(pid)) FROM "
                     "pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                     "backend_type = 'client backend'");
    while (stage_on == &stage_mysql &&
           (id = dbd_sql(&at, "SELECT max(id) FROM "
                              "information_schema.processlist WHERE user = "
                              "'rich' AND id <> connection_id()")) > 0) {
        sx_dbd_conn *conn;

        /* It may have gone by itself. */
        if (sx_dbd_acquire(dbd_inner, &conn) != SX_STORE_OK)
            stage_give_up("no connection");
        (void)sx_dbd_run(dbd_inner, conn,
                         apr_psprintf(at.pool, "KILL CONNECTION %d", (int)id));
        sx_dbd_release(dbd_inner, conn, false);
        usleep(20000);
    }
    dbd_inner = mine;
    usleep(100000);
}

/* Connections at rest, as many as that. */
static void have_connections(int count)
{
    sx_dbd_conn *conns[SX_DBD_CONNECTIONS];

    for (int i = 0; i < count; i++)
        if (sx_dbd_acquire(dbd_inner, &conns[i]) != SX_STORE_OK)
            stage_give_up("no connection");
    for (int i = 0; i < count; i++)
        sx_dbd_release(dbd_inner, conns[i], false);
}

static void test_lost(void)
{
    const unsigned char *key = made("x");
    sx_record_meta meta;
    sx_answer first, then;

    have_connections(6);
    end_connections();
    says(asked(key) == SX_STORE_OK,
         "who reads on a lost connection is not told");
    have_connections(6);
    end_connections();
    first = put(stage_key(&at), 0, sx_str_of("x"), &meta);
    then = put(stage_key(&at), 0, sx_str_of("x"), &meta);
    diag("%s, %s", sx_answer_str(first), sx_answer_str(then));
    says((first == SX_STORE_OK || first == SX_STORE_UNKNOWN) &&
             then == SX_STORE_OK,
         "who writes may not know, and the next one writes");
    have_connections(6);
    sleep(2);
    end_connections();
    says(put(stage_key(&at), 0, sx_str_of("x"), &meta) == SX_STORE_OK,
         "one that rested is asked first, so that nothing is in doubt");
}

int main(void)
{
    const unsigned char *key;

    opened_first = opened(&inherited_first);
    dbd_wait_ms = 0; /* as it is without more words */
    begin_dbd();
    key = made(SECRET);
    test_waiting();
    test_few();
    test_figures();
    test_inherited();
    test_fork();
    test_terminate();
    if (on_server())
        test_lost();
    sx_dbd_tell(dbd_inner, "a test", "is over");
    test_told(key);
    stage_end(&at);
    return done_testing();
}
