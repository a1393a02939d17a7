/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_dbd_sql.h"

#include <string.h>
#include <apr_strings.h>

/* ---- SQLite ------------------------------------------------------------- */

static const char *const sqlite_tables[] = {
    "CREATE TABLE IF NOT EXISTS {table} (store_key BLOB PRIMARY KEY, kind "
    "INTEGER "
    "NOT NULL, ns INTEGER NOT NULL, user_tag INTEGER NOT NULL, handle INTEGER "
    "NOT NULL, created_ms INTEGER NOT NULL, last_access_ms INTEGER NOT NULL, "
    "expires_ms INTEGER NOT NULL, hard_end_ms INTEGER NOT NULL, token INTEGER "
    "NOT NULL, bytes BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS \"{name}_expires\" ON {table} (expires_ms)",
    "CREATE INDEX IF NOT EXISTS \"{name}_user_tag\" ON {table} (user_tag)",
    "CREATE TABLE IF NOT EXISTS {meta} (name TEXT PRIMARY KEY, number INTEGER "
    "NOT "
    "NULL)",
    NULL};

static const char *const sqlite_session[] = {"PRAGMA busy_timeout=100",
                                             "PRAGMA journal_mode=WAL",
                                             "PRAGMA synchronous=NORMAL", NULL};

static const sx_dbd_limit no_limits[] = {{NULL, NULL}};

static bool says(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

/* SQLite's old interface, which APR's driver uses, has one code for most. */
static sx_dbd_outcome sqlite_judge(int code, const char *text)
{
    (void)code;
    if (says(text, "locked"))
        return SX_DBD_WAITED;
    if (says(text, "is full") || says(text, "disk I/O error"))
        return SX_DBD_NO_ROOM;
    if (says(text, "too big"))
        return SX_DBD_TOO_LARGE;
    return says(text, "schema has changed") ? SX_DBD_STALE : SX_DBD_REFUSED;
}

static const sx_dbd_dialect sqlite = {
    .driver = "sqlite3",
    .is_file = true,
    .seek = 0,
    .params = "",
    .tables = sqlite_tables,
    .session = sqlite_session,
    .limits = no_limits,
    .wall_ms = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS "
               "INTEGER)",
    .absent =
        "INSERT INTO {meta} (name, number) VALUES ('%s', %" APR_INT64_T_FMT
        ") ON CONFLICT (name) DO NOTHING",
    .least = "MIN",
    .greatest = "MAX",
    .bytes = {"", ""},
    /* No function of its gives a byte by its number: one of all 256 does. */
    .epoch =
        "(SELECT CAST(x'{epochs}' || substr(o, 1 + (s.user_tag & 255), 1) || "
        "substr(o, 1 + (s.user_tag >> 8 & 255), 1) || "
        "substr(o, 1 + (s.user_tag >> 16 & 255), 1) || "
        "substr(o, 1 + (s.user_tag >> 24 & 255), 1) || "
        "substr(o, 1 + (s.user_tag >> 32 & 255), 1) || "
        "substr(o, 1 + (s.user_tag >> 40 & 255), 1) || "
        "substr(o, 1 + (s.user_tag >> 48 & 255), 1) || "
        "substr(o, 1 + (s.user_tag >> 56 & 255), 1) AS BLOB) "
        "FROM (SELECT x'{octets}' AS o))",
    .get_key = "hex(store_key)",
    .insert = " ON CONFLICT (store_key) DO NOTHING",
    .sweep = "DELETE FROM {table} WHERE store_key IN (SELECT store_key FROM "
             "{table} WHERE "
             "expires_ms <= %lld ORDER BY expires_ms LIMIT 64)",
    .durable = {"PRAGMA synchronous=NORMAL", "PRAGMA synchronous=FULL"},
    .judge = sqlite_judge};

/* ---- PostgreSQL --------------------------------------------------------- */

static const char *const pgsql_tables[] = {
    "CREATE TABLE IF NOT EXISTS {table} (store_key bytea PRIMARY KEY, kind "
    "smallint "
    "NOT NULL, ns bigint NOT NULL, user_tag bigint NOT NULL, handle bigint NOT "
    "NULL, created_ms bigint NOT NULL, last_access_ms bigint NOT NULL, "
    "expires_ms bigint NOT NULL, hard_end_ms bigint NOT NULL, token bigint NOT "
    "NULL, bytes bytea NOT NULL)",
    /* What is sealed cannot be compressed. */
    "ALTER TABLE {table} ALTER COLUMN bytes SET STORAGE EXTERNAL",
    "CREATE INDEX IF NOT EXISTS \"{name}_expires\" ON {table} (expires_ms)",
    "CREATE INDEX IF NOT EXISTS \"{name}_user_tag\" ON {table} (user_tag)",
    "CREATE TABLE IF NOT EXISTS {meta} (name text PRIMARY KEY, number bigint "
    "NOT "
    "NULL)",
    NULL};

static const char *const pgsql_session[] = {
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
    NULL};

/* The first needs a right that few have, and makes texts of errors English. */
static const sx_dbd_limit pgsql_limits[] = {{"SET lc_messages = 'C'", NULL},
                                            {"SET lock_timeout = ", ""},
                                            {"SET statement_timeout = ", ""},
                                            {NULL, NULL}};

/* All errors have one code, and a text in the server's language. */
static sx_dbd_outcome pgsql_judge(int code, const char *text)
{
    (void)code;
    if (says(text, "ERROR:") && says(text, "timeout"))
        return SX_DBD_WAITED;
    if (says(text, "ERROR:") && says(text, "No space left"))
        return SX_DBD_NO_ROOM;
    return SX_DBD_PERHAPS_LOST;
}

static const sx_dbd_dialect pgsql = {
    .driver = "pgsql",
    .seek = 1,
    .hex = true,
    .params = "connect_timeout=2 tcp_user_timeout=250 keepalives_idle=1 "
              "keepalives_interval=1 keepalives_count=2 "
              "application_name=session_ext ",
    .tables = pgsql_tables,
    .session = pgsql_session,
    .limits = pgsql_limits,
    .unprepare = "DEALLOCATE ALL",
    .wall_ms =
        "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
    .absent =
        "INSERT INTO {meta} (name, number) VALUES ('%s', %" APR_INT64_T_FMT
        ") ON CONFLICT (name) DO NOTHING",
    .least = "LEAST",
    .greatest = "GREATEST",
    .bytes = {"encode(", ", 'hex')"},
    /* Its digits, of which a pair is a byte, from behind. */
    .epoch = "decode('{epochs}' || translate('opmnklijghefcdab', "
             "'abcdefghijklmnop', lpad(to_hex(s.user_tag), 16, '0')), 'hex')",
    .get_key = "encode(store_key, 'hex')",
    .insert = " ON CONFLICT (store_key) DO NOTHING",
    /* Once more outside: a row that was written meanwhile is looked at anew. */
    .sweep =
        "DELETE FROM {table} WHERE expires_ms <= %lld AND store_key IN (SELECT "
        "store_key FROM {table} WHERE expires_ms <= %lld ORDER BY expires_ms "
        "LIMIT 64 FOR UPDATE SKIP LOCKED)",
    .judge = pgsql_judge};

/* ---- MariaDB, MySQL ----------------------------------------------------- */

static const char *const mysql_tables[] = {
    "CREATE TABLE IF NOT EXISTS {table} (store_key BINARY(32) NOT NULL PRIMARY "
    "KEY, "
    "kind SMALLINT NOT NULL, ns BIGINT NOT NULL, user_tag BIGINT NOT NULL, "
    "handle BIGINT NOT NULL, created_ms BIGINT NOT NULL, last_access_ms BIGINT "
    "NOT NULL, expires_ms BIGINT NOT NULL, hard_end_ms BIGINT NOT NULL, token "
    "BIGINT NOT NULL, bytes MEDIUMBLOB NOT NULL, INDEX `{name}_expires` "
    "(expires_ms), INDEX `{name}_user_tag` (user_tag)) ENGINE=InnoDB",
    "CREATE TABLE IF NOT EXISTS {meta} (name VARCHAR(100) NOT NULL PRIMARY "
    "KEY, "
    "number BIGINT NOT NULL) ENGINE=InnoDB",
    NULL};

static const char *const mysql_session[] = {
    "SET SESSION autocommit = 1, time_zone = '+00:00', "
    "sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = 1, "
    "lock_wait_timeout = 1",
    NULL};

/* Where a log that repeats statements forbids it, it stays as it is. */
#define ISOLATION(variable)                                                    \
    "SET SESSION " variable " = IF(@@log_bin AND @@binlog_format = "           \
    "'STATEMENT', @@" variable ", 'READ-COMMITTED')"

/* Each of MariaDB, and of MySQL. */
static const sx_dbd_limit mysql_limits[] = {
    {ISOLATION("tx_isolation"), NULL},
    {ISOLATION("transaction_isolation"), NULL},
    {"SET SESSION max_statement_time = ", " / 1000"},
    {"SET SESSION max_execution_time = ", ""},
    {NULL, NULL}};

static sx_dbd_outcome mysql_judge(int code, const char *text)
{
    (void)text;
    switch (code) {
    case 1062: /* duplicate key */
        return SX_DBD_DUPLICATE;
    case 1213: /* deadlock: we are who gave way */
        return SX_DBD_AGAIN;
    case 1205: /* lock wait timeout */
    case 1969: /* MariaDB: max_statement_time */
    case 3024: /* MySQL: max_execution_time */
        return SX_DBD_WAITED;
    case 1021: /* disk full */
    case 1114: /* table full */
        return SX_DBD_NO_ROOM;
    case 1153: /* larger than max_allowed_packet, says the server */
    case 2020: /* says the client; both are done with the connection */
        return SX_DBD_TOO_LARGE;
    case 1243: /* this session has no such statement: it is another */
    case 2006: /* could not be sent */
    case 2030: /* nor prepared */
        return SX_DBD_STALE;
    default:
        /* From 2000 they are the client's, from 3000 the server's again. */
        return (code >= 2000 && code < 3000) || code == 1053 || code == 1927
                   ? SX_DBD_LOST
                   : SX_DBD_REFUSED;
    }
}

static const sx_dbd_dialect mysql = {
    .row_ms = 1000,
    .driver = "mysql",
    .seek = 0,
    /* To be reconnected behind our back would lose the settings. */
    .params = "reconnect=0 ",
    .tables = mysql_tables,
    .session = mysql_session,
    .limits = mysql_limits,
    .wall_ms = "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
    .absent = "INSERT IGNORE INTO {meta} (name, number) VALUES ('%s', "
              "%" APR_INT64_T_FMT ")",
    .least = "LEAST",
    .greatest = "GREATEST",
    .bytes = {"", ""},
    .epoch = "CONCAT(UNHEX('{epochs}'), REVERSE(UNHEX(LPAD(HEX(s.user_tag), "
             "16, '0'))))",
    .get_key = "HEX(store_key)",
    .insert = "",
    .sweep = "DELETE FROM {table} WHERE expires_ms <= %lld ORDER BY expires_ms "
             "LIMIT "
             "64",
    .judge = mysql_judge};

const sx_dbd_dialect *sx_dbd_dialect_of(const char *driver)
{
    static const sx_dbd_dialect *const all[3] = {&sqlite, &pgsql, &mysql};

    for (int i = 0; i < 3; i++)
        if (!strcmp(all[i]->driver, driver))
            return all[i];
    return NULL;
}

/* ---- texts -------------------------------------------------------------- */

#define BESIDE                                                                 \
    "kind, ns, user_tag, handle, created_ms, last_access_ms, expires_ms, "     \
    "hard_end_ms, token"
#define WHOLE(of)                                                              \
    of ".kind, " of ".ns, " of ".user_tag, " of ".handle, " of                 \
       ".created_ms, " of ".last_access_ms, " of ".expires_ms, " of            \
       ".hard_end_ms, " of ".token, {bytes(}" of ".bytes{)}"
#define BOTH WHOLE("s") ", " WHOLE("e")
#define REPLACE                                                                \
    "UPDATE {table} SET kind = %lld, ns = %lld, user_tag = %lld, handle = "    \
    "%lld, created_ms = %lld, last_access_ms = %lld, expires_ms = %lld, "      \
    "hard_end_ms = %lld, token = %lld, bytes = %pDb WHERE store_key = %pDb "   \
    "AND token = %lld AND kind >= %lld"
#define REMOVE                                                                 \
    "UPDATE {table} SET kind = 0, bytes = %pDb WHERE "                         \
    "store_key = %pDb AND kind <> 0"

/* In TOUCH the end comes first: MySQL's assignments see those before them. */
static const char *const statements[SX_DBD_STATEMENTS] = {
    [SX_DBD_GET] =
        "SELECT " WHOLE("s") " FROM {table} s WHERE s.store_key = %pDb",
    /* 2 is SX_USER. */
    [SX_DBD_GET_BOTH] =
        "SELECT " BOTH " FROM {table} s LEFT JOIN {table} e ON s.kind = 2 AND "
        "e.store_key = {epoch} WHERE s.store_key = %pDb",
    [SX_DBD_LOOK] =
        "SELECT kind, token, expires_ms FROM {table} WHERE store_key = %pDb",
    [SX_DBD_INSERT] =
        "INSERT INTO {table} (" BESIDE ", bytes, store_key) VALUES (%lld, "
        "%lld, %lld, %lld, %lld, %lld, %lld, %lld, %lld, %pDb, %pDb){insert}",
    [SX_DBD_REPLACE] = REPLACE,
    /* MySQL reads no table that it writes, but what was made of it before: the
     * inner one, for its LIMIT. */
    [SX_DBD_REPLACE_IF] =
        REPLACE " AND COALESCE((SELECT e.token FROM (SELECT token FROM {table} "
                "WHERE store_key = %pDb AND kind <> 0 AND expires_ms > %lld "
                "LIMIT 1) e), 0) = %lld",
    [SX_DBD_TOUCH] =
        "UPDATE {table} SET expires_ms = {least}(hard_end_ms, {greatest}(%lld, "
        "CASE WHEN %lld < last_access_ms THEN expires_ms ELSE created_ms END)),"
        " last_access_ms = {least}(hard_end_ms, {greatest}(last_access_ms, "
        "%lld)) WHERE store_key = %pDb AND kind <> 0 AND expires_ms > %lld",
    [SX_DBD_REMOVE] = REMOVE,
    [SX_DBD_REMOVE_IF] = REMOVE " AND token = %lld",
    [SX_DBD_FORGET] = "DELETE FROM {table} WHERE store_key = %pDb",
    [SX_DBD_EACH] =
        "SELECT " BESIDE ", length(bytes), {key} FROM {table} WHERE store_key "
        "> %pDb AND kind <> 0 AND expires_ms > %lld ORDER BY store_key LIMIT "
        "200",
    [SX_DBD_LEASE] =
        "UPDATE {meta} SET number = %lld WHERE name = 'sweep' AND (number <= "
        "%lld OR number > %lld)",
    [SX_DBD_REACHED] = "UPDATE {meta} SET number = %lld WHERE name = "
                       "'reached' AND number < %lld",
};

_Static_assert(SX_USER == 2, "as a statement has it");

static const char *hex_of(const unsigned char *bytes, size_t len,
                          apr_pool_t *pool)
{
    char *hex = apr_palloc(pool, 2 * len + 1);

    return sx_hex(bytes, len, hex);
}

/* With what all keys of epochs begin, before the tag. */
static const char *epochs(apr_pool_t *pool)
{
    unsigned char key[SX_STORE_KEY_LEN];

    sx_epoch_key(0, key);
    return hex_of(key, sizeof key - 8, pool);
}

static const char *octets(apr_pool_t *pool)
{
    unsigned char all[256];

    for (unsigned i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)i;
    return hex_of(all, sizeof all, pool);
}

/* What ${name} stands for; "" if it is none of ours. */
static const char *word_of(const sx_dbd_dialect *dialect, const char *table,
                           sx_str name, apr_pool_t *pool)
{
    const char *quote = dialect == &mysql ? "`" : "\"";
    const struct {
        const char *name, *text;
    } words[] = {
        {"name", table},
        {"table", apr_pstrcat(pool, quote, table, quote, NULL)},
        {"meta", apr_pstrcat(pool, quote, table, "_meta", quote, NULL)},
        {"bytes(", dialect->bytes[0]},
        {")", dialect->bytes[1]},
        {"epochs", epochs(pool)},
        {"octets", octets(pool)},
        {"key", dialect->get_key},
        {"insert", dialect->insert},
        {"least", dialect->least},
        {"greatest", dialect->greatest},
    };

    if (sx_str_eq(name, sx_str_of("epoch")))
        return sx_dbd_text(dialect, dialect->epoch, table, pool);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (sx_str_eq(name, sx_str_of(words[i].name)))
            return words[i].text;
    return "";
}

const char *sx_dbd_text(const sx_dbd_dialect *dialect, const char *sql,
                        const char *table, apr_pool_t *pool)
{
    const char *text = "", *begin, *end;

    for (; (begin = strchr(sql, '{')) != NULL; sql = end + 1) {
        end = begin + strcspn(begin, "}");
        text = apr_pstrcat(
            pool, text, apr_pstrmemdup(pool, sql, (size_t)(begin - sql)),
            word_of(dialect, table,
                    (sx_str){begin + 1, (size_t)(end - begin - 1)}, pool),
            NULL);
    }
    return apr_pstrcat(pool, text, sql, NULL);
}

const char *sx_dbd_statement_text(const sx_dbd_dialect *dialect,
                                  sx_dbd_statement which, const char *table,
                                  apr_pool_t *pool)
{
    return sx_dbd_text(
        dialect, which == SX_DBD_SWEEP ? dialect->sweep : statements[which],
        table, pool);
}

const char *sx_dbd_tables_text(const sx_dbd_dialect *dialect, const char *table,
                               apr_pool_t *pool)
{
    const char *text = "";

    for (const char *const *sql = dialect->tables; *sql; sql++)
        text = apr_pstrcat(pool, text, *text ? " " : "",
                           sx_dbd_text(dialect, *sql, table, pool), ";", NULL);
    return text;
}
