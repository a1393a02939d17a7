/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the database backend has beside the contract (contract.c): its tables
 * and who may not make them, bytes of any kind, its clock, and rows that are no
 * records.  store_dbd_conns.c has its connections.  On SQLite;
 * t/guard/databases.t runs it on the others.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include "dbd_calls.h"

/* ---- bytes -------------------------------------------------------------- */

static void test_bytes(void)
{
    static const char *const texts[] = {
        "", "'", "\"", "\\", "%", "\\x00", "%s%n", "\xff\xfe", "0x41", "NULL"};
    unsigned char all[512];
    sx_record_meta meta, found;
    int same = 0;
    sx_str got;

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (unsigned char)(i * 7);
    for (size_t len = 0; len <= sizeof(all); len += 64) {
        sx_str bytes = {(const char *)all, len};
        const unsigned char *key = stage_key(&at);

        same += put(key, 0, bytes, &meta) == SX_STORE_OK &&
                get(key, &got, &found) == SX_STORE_OK && sx_str_eq(got, bytes);
    }
    says(same == 9, "every byte comes back, NUL among them");
    same = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        same += get(made(texts[i]), &got, &found) == SX_STORE_OK &&
                sx_str_eq(got, sx_str_of(texts[i]));
    says(same == 10, "and none means anything on its way");
    says(found.user_tag == UINT64_MAX - 1 && found.handle == UINT64_MAX,
         "numbers keep all of their bits");
}

static void test_keys(void)
{
    unsigned char keys[4][SX_STORE_KEY_LEN];
    sx_record_meta meta;
    int right = 0;

    memset(keys[0], 0, SX_STORE_KEY_LEN);
    memset(keys[1], ' ', SX_STORE_KEY_LEN);
    memset(keys[2], 0xff, SX_STORE_KEY_LEN);
    memcpy(keys[3], keys[1], SX_STORE_KEY_LEN);
    keys[3][SX_STORE_KEY_LEN - 1] = 0;
    for (int i = 0; i < 4; i++)
        right += put(keys[i], 0, sx_str_of("x"), &meta) == SX_STORE_OK;
    for (int i = 0; i < 4; i++)
        right += asked(keys[i]) == SX_STORE_OK;
    says(right == 8, "so do keys of zeroes, blanks and ones");
}

/* ---- tokens ------------------------------------------------------------- */

static void test_tokens(void)
{
    const unsigned char *key = stage_key(&at);
    sx_record_meta meta;
    uint64_t last;

    put(key, 0, sx_str_of("x"), &meta);
    dbd_sql(&at, "UPDATE {table} SET token = token + 1000000000000");
    last = meta.token + 1000000000000;
    at.realm.store->ops->remove(at.realm.store, key, 0);
    says(put(key, last, sx_str_of("y"), &meta) == SX_STORE_GONE &&
             put(key, last + 1, sx_str_of("y"), &meta) == SX_STORE_GONE &&
             at.realm.store->ops->remove(at.realm.store, key, last) ==
                 SX_STORE_MISS,
         "no token of what was removed brings it back");
    says(dbd_sql(&at, "SELECT count(*) FROM {table} WHERE kind = 0 AND "
                      "length(bytes) = 0") == 1,
         "of which no byte is kept");
    says(put(key, 0, sx_str_of("z"), &meta) == SX_STORE_OK && meta.token > last,
         "tokens grow over that, though the clock is behind");
    says(put(key, UINT64_MAX, sx_str_of("z"), &meta) == SX_STORE_CHANGED,
         "one that was never given fits nothing");
}

/* ---- tables ------------------------------------------------------------- */

static void test_names(void)
{
    static const char *const wrong[] = {"",   "a-b", "a b",     "a\"b",
                                        "t`", "a.b", "\xc3\xa9"};
    char longest[50];
    int refused = 0;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        refused += sx_store_dbd_check_table(wrong[i], at.pool) != NULL;
    says(refused == 7, "names that would have to be quoted are refused");
    memset(longest, 'x', sizeof(longest));
    longest[49] = '\0';
    says(sx_store_dbd_check_table(longest, at.pool) &&
             !sx_store_dbd_check_table(longest + 1, at.pool),
         "and those that are too long");
    says(strstr(sx_store_dbd_check_driver("oracle", at.pool), "'oracle'") !=
             NULL,
         "so are other databases");
}

static void test_life(void)
{
    const unsigned char *key;
    uint64_t life = at.realm.store->ops->life(at.realm.store);
    sx_store *other = again("a boot", at.now.boot_ms);

    says(other->ops->life(other) == life && life != 0,
         "who opens a table finds its life");
    dbd_sql(&at, "DELETE FROM {table}");
    dbd_sql(&at, "DROP TABLE {meta}");
    other = again("a boot", at.now.boot_ms);
    says(other->ops->life(other) != life, "what is missing beside it is made");
    key = made("x");
    dbd_sql(&at, "DROP TABLE {meta}");
    dbd_sql(&at, "DROP TABLE {table}");
    says(asked(key) == SX_STORE_UNAVAILABLE &&
             asked(key) == SX_STORE_UNAVAILABLE,
         "a table that is gone is no miss");
    at.realm.store = again("a boot", at.now.boot_ms);
    dbd_inner = (sx_dbd_store *)at.realm.store;
    says(at.realm.store->ops->life(at.realm.store) != life &&
             asked(key) == SX_STORE_MISS,
         "one that was made anew has another life");
}

/* ---- the clock ---------------------------------------------------------- */

/* What a store's clock shows when the boot's shows ${at_boot_ms}. */
static int64_t shows(sx_store *store, int64_t at_boot_ms)
{
    return store->ops->clock_ms(store) - boot_ms() + at_boot_ms;
}

static bool about(int64_t a, int64_t b)
{
    return a - b < 2 * SECOND && b - a < 2 * SECOND;
}

static void test_clock(void)
{
    int64_t wall = (int64_t)time(NULL) * 1000;
    sx_store *first = again("b1", 5 * HOUR), *next = again("b1", 6 * HOUR);
    sx_sweep_report report;

    says(about(shows(first, 5 * HOUR), wall),
         "a host begins with the database's clock");
    says(about(shows(next, 6 * HOUR), wall + HOUR),
         "and while it runs no step of any wall clock moves it");
    says(about(shows(again("b2", SECOND), SECOND), wall),
         "after a reboot, and on another host, it is the database's");
    first->ops->sweep(first, 1000, wall + 48 * HOUR, &report);
    says(shows(again("b3", SECOND), SECOND) >= wall + 48 * HOUR,
         "but no time that was reached comes again");
}

/* ---- what is no record -------------------------------------------------- */

static void test_damage(void)
{
    static const char *const changes[] = {"kind = 9",
                                          "token = 0",
                                          "token = -5",
                                          "ns = -1",
                                          "hard_end_ms = created_ms - 1",
                                          "expires_ms = hard_end_ms + 1"};
    int told_so = 0, gone = 0;

    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        const unsigned char *key = made("value");

        dbd_sql(&at,
                apr_pstrcat(at.pool, "UPDATE {table} SET ", changes[i], NULL));
        told_so += asked(key) == SX_STORE_DAMAGED;
        gone += asked(key) == SX_STORE_MISS;
        dbd_sql(&at, "DELETE FROM {table}");
    }
    says(told_so == 6, "a row that is no record is told so");
    says(gone == 6, "and taken out");
}

/* ---- epochs ------------------------------------------------------------- */

/* How often a statement was run, as the server counts it: PostgreSQL those on
 * our table, MariaDB all that were prepared.  SQLite does not count. */
static long long statements(void)
{
    if (!on_server())
        return (long long)dbd_inner->figures->statements;
    if (stage_on == &stage_mysql)
        return dbd_sql(&at, "SELECT variable_value FROM "
                            "information_schema.global_status WHERE "
                            "variable_name = 'com_stmt_execute'");
    return dbd_sql(&at, "SELECT sum(calls) FROM pg_stat_statements WHERE query "
                        "LIKE '%{table}%'");
}

#define ROUNDS 50

static void test_round_trips(void)
{
    const char *cookie = begin(&at, "Session-Set: user=alice&n=0");
    long long before, between, behind;
    uint64_t counted;
    int good = 0;

    if (stage_on == &stage_pgsql)
        dbd_sql(&at, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    (void)request(&at, cookie, "Session-Incr: n=1");
    before = statements();
    counted = dbd_inner->figures->statements;
    for (int i = 0; i < ROUNDS; i++)
        good += load(&at, cookie)->status == SX_STATUS_ACTIVE;
    between = statements();
    for (int i = 0; i < ROUNDS; i++)
        good +=
            request(&at, cookie, "Session-Incr: n=1")->verdict == SX_COMMIT_OK;
    behind = statements();
    is_int(good, 2 * ROUNDS, "a logged-in session is loaded and committed");
    is_int(between - before, ROUNDS, "a load is one statement");
    is_int(behind - between, 2 * ROUNDS, "and load and commit are one each");
    is_int((long)(dbd_inner->figures->statements - counted), 3 * ROUNDS,
           "which its figures have, too");
}

static void test_damaged_epoch(void)
{
    const char *cookie = begin(&at, "Session-Set: user=carl"),
               *other = begin(&at, "Session-Set: user=carl");
    sx_loaded *loaded = load(&at, cookie);
    unsigned char key[SX_STORE_KEY_LEN];
    sx_store_read record, epoch;

    sx_epoch_key(loaded->meta.user_tag, key);
    request(&at, other, "Session-Logout: others");
    dbd_sql(&at, "UPDATE {table} SET expires_ms = hard_end_ms + 1 WHERE kind = "
                 "4");
    says(at.realm.store->ops->get_with_epoch(
             at.realm.store, loaded->id.store_key, &record, &epoch, 0,
             at.now.boot_ms, at.pool) == SX_STORE_OK &&
             epoch.answer == SX_STORE_DAMAGED && asked(key) == SX_STORE_MISS,
         "an epoch that is none is told so, and taken out");
}

/* Who waits for a row has looked for the epoch. */
static void test_waits_in_no_way(void)
{
    const unsigned char *key = made("value");
    unsigned char of_user[SX_STORE_KEY_LEN];
    sx_record_meta meta;
    sx_dbd_conn *held;
    sx_str bytes;
    int64_t since;
    pid_t writer;

    get(key, &bytes, &meta);
    sx_epoch_key(meta.user_tag, of_user);
    at.realm.store->ops->remove(at.realm.store, of_user, 0);
    dbd_sql(&at, "DELETE FROM {table} WHERE kind = 0");
    held = take_rows(dbd_inner);
    writer = fork();
    if (writer == 0) {
        at.realm.store->ops->put_if_epoch(at.realm.store, key, meta.token, 0,
                                          sx_str_of("new"), &meta,
                                          at.now.boot_ms);
        _exit(0);
    }
    usleep(200000);
    since = boot_ms();
    says(put(of_user, 0, sx_str_of("epoch"), &meta) == SX_STORE_OK &&
             boot_ms() - since < 300,
         "a write that waits for its session is in no log-out's way");
    sx_dbd_release(dbd_inner, held, true);
    waitpid(writer, NULL, 0);
}

/* A server that logs statements refuses those of some isolation levels. */
static void test_statement_log(void)
{
    static const char *const init[] = {"SET SESSION binlog_format = "
                                       "'STATEMENT'",
                                       NULL};
    sx_dbd_config *config =
        apr_pmemdup(at.pool, dbd_inner->config, sizeof(*config));
    sx_store *usual = at.realm.store;
    const char *why = NULL;
    sx_record_meta meta;

    config->init = init;
    at.realm.store = sx_store_dbd_open(config, &why, at.pool);
    if (!at.realm.store)
        stage_give_up(why);
    says(dbd_sql(&at, "SELECT @@log_bin") == 1 &&
             put(stage_key(&at), 0, sx_str_of("x"), &meta) == SX_STORE_OK,
         "a log of statements forbids no write");
    at.realm.store = usual;
}

/* ---- opening ------------------------------------------------------------ */

static const char *why_not(const char *params, const char *table)
{
    sx_dbd_config *config = apr_pcalloc(at.pool, sizeof(*config));
    const char *why = NULL;

    config->driver = stage_on->name;
    config->params = params;
    config->table = table;
    return sx_store_dbd_open(config, &why, at.pool) ? NULL : why;
}

static pid_t begin_opening(const char *params, const char *table)
{
    pid_t pid = fork();
    const char *why;

    if (pid != 0)
        return pid;
    why = why_not(params, table);
    if (why)
        diag("%s", why);
    _exit(why ? 1 : 0);
}

/* As the children of httpd do; with SQLite they make the file, too. */
static void test_together(void)
{
    int done = 0, status;

    for (int round = 0; round < 5; round++) {
        const char *table = apr_psprintf(at.pool, "together_%d", round);
        const char *params = dbd_inner->config->params;
        pid_t pids[6];

        if (!on_server())
            params = apr_psprintf(at.pool, "%s%d", sqlite_path(&at), round);
        for (int i = 0; i < 6; i++)
            pids[i] = begin_opening(params, table);
        for (int i = 0; i < 6; i++)
            done += pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] &&
                    status == 0;
        if (!on_server())
            sqlite_unlink(&at, params);
    }
    says(done == 30, "who begins a table at one time with others has it");
}

static void test_poor(void)
{
    const char *params = getenv("SXTEST_POOR"), *why;
    const char *table = apr_pstrcat(at.pool, dbd_inner->table, "_p", NULL);
    char *sql, *last;

    if (!params)
        stage_give_up("SXTEST_POOR is not set");
    why = why_not(params, table);
    diag("%s", why ? why : "it was opened");
    says(why && strstr(why, "has to run: CREATE TABLE"),
         "who may make no table is told what has to be run");
    if (!why)
        return;
    sql = apr_pstrdup(at.pool, strstr(why, "CREATE TABLE"));
    for (sql = apr_strtok(sql, ";", &last); sql;
         sql = apr_strtok(NULL, ";", &last))
        dbd_sql(&at, sql);
    if (stage_on == &stage_pgsql)
        dbd_sql(&at, apr_psprintf(at.pool,
                                  "GRANT SELECT, INSERT, UPDATE, DELETE ON "
                                  "%s, %s_meta TO poor",
                                  table, table));
    why = why_not(params, table);
    if (why)
        diag("%s", why);
    says(!why, "and that is enough");
}

static void test_unreachable(void)
{
    const char *why = why_not(
        stage_on == &stage_mysql   ? "sock=/nonexistent/s user=x pass=" SECRET
        : stage_on == &stage_pgsql ? "host=/nonexistent user=x password=" SECRET
                                   : "/nonexistent/x",
        "t");

    diag("%s", why ? why : "it was opened");
    says(why && !strstr(why, SECRET), "a database that cannot be reached is "
                                      "told so, without a password");
    if (stage_on == &stage_pgsql) {
        why = why_not("host=/nonexistent password=a " SECRET, "t");
        diag("%s", why ? why : "it was opened");
        says(why && !strstr(why, SECRET), "nor where the words are wrong");
    }
}

/* ---- SQLite ------------------------------------------------------------- */

static void test_sqlite(void)
{
    const char *why = why_not(":memory:", "t");
    struct stat st;

    diag("%s", why ? why : "it was opened");
    says(why && strstr(why, "WAL"), "a database that is no file is refused");
    unlink(":memory:-lock");
    says(stat(sqlite_path(&at), &st) == 0 && (st.st_mode & 0777) == 0600,
         "the file is its user's alone");
    made("x");
    says(dbd_sql(&at, "PRAGMA synchronous") == 1,
         "a session waits for no disk");
    at.realm.store->ops->remove(at.realm.store, made("y"), 0);
    says(dbd_sql(&at, "PRAGMA synchronous") == 2, "an end does");
}

int main(void)
{
    const unsigned char *key;

    begin_dbd();
    test_bytes();
    test_keys();
    key = made(SECRET);
    test_tokens();
    test_names();
    test_clock();
    test_damage();
    test_damaged_epoch();
    test_round_trips();
    test_together();
    if (on_server()) {
        test_waits_in_no_way();
        test_poor();
        if (stage_on == &stage_mysql)
            test_statement_log();
    }
    else {
        test_sqlite();
    }
    test_unreachable();
    test_life();
    test_told(key);
    stage_end(&at);
    return done_testing();
}
