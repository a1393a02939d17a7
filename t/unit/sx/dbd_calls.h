/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the database backend share: calls on the stage `at`, the
 * same table opened again, rows that are held, and what is told in the log. */
#ifndef DBD_CALLS_H
#define DBD_CALLS_H

#include "backends.h"

static stage at;

#define says(condition, sentence)                                              \
    ok((condition), "%s: %s", stage_on->name, (sentence))
#define SECRET "geheim-4711"

static inline bool on_server(void)
{
    return stage_on != &stage_sqlite;
}

/* ---- what is told ------------------------------------------------------- */

static char told[65536];

static inline void tell(sx_log_level level, const char *message)
{
    size_t len = strlen(told);

    (void)level;
    snprintf(told + len, sizeof(told) - len, "%s\n", message);
}

/* ---- calls -------------------------------------------------------------- */

static inline sx_answer put(const unsigned char *key, uint64_t token,
                            sx_str bytes, sx_record_meta *meta)
{
    *meta = (sx_record_meta){.kind = SX_USER,
                             .user_tag = UINT64_MAX - 1,
                             .handle = UINT64_MAX,
                             .created_ms = at.now.boot_ms,
                             .last_access_ms = at.now.boot_ms,
                             .expires_ms = at.now.boot_ms + MINUTE,
                             .hard_end_ms = at.now.boot_ms + HOUR};
    return at.realm.store->ops->put_if(at.realm.store, key, token, bytes, meta,
                                       at.now.boot_ms);
}

static inline const unsigned char *made(const char *bytes)
{
    const unsigned char *key = stage_key(&at);
    sx_record_meta meta;

    if (put(key, 0, sx_str_of(bytes), &meta) != SX_STORE_OK)
        stage_give_up("a record could not be made");
    return key;
}

static inline sx_answer get(const unsigned char *key, sx_str *bytes,
                            sx_record_meta *meta)
{
    return at.realm.store->ops->get(at.realm.store, key, bytes, meta, 0,
                                    at.now.boot_ms, at.pool);
}

static inline sx_answer asked(const unsigned char *key)
{
    sx_record_meta meta;
    sx_str bytes;

    return get(key, &bytes, &meta);
}

static inline int64_t boot_ms(void)
{
    return sx_boot_us() / 1000;
}

static inline sx_store *again(const char *boot_id, int64_t at_boot_ms)
{
    sx_dbd_config *config =
        apr_pmemdup(at.pool, dbd_inner->config, sizeof(*config));
    const char *why = NULL;
    sx_store *store;

    config->boot_id = boot_id;
    config->boot_ms = at_boot_ms;
    store = sx_store_dbd_open(config, &why, at.pool);
    if (!store)
        stage_give_up(why);
    return store;
}

/* The first bytes of ${key}, as a log might have them. */
static inline void test_told(const unsigned char *key)
{
    char hex[17], *last;

    for (size_t i = 0; i < 8; i++)
        snprintf(hex + 2 * i, 3, "%02x", key[i]);
    says(told[0] && !strstr(told, SECRET) && !strstr(told, hex),
         "no line of the log has a key or a value");
    for (char *line = apr_strtok(told, "\n", &last); line;
         line = apr_strtok(NULL, "\n", &last))
        diag("told: %s", line);
}

/* A connection of ours that holds every row, until it is broken. */
static inline sx_dbd_conn *take_rows(sx_dbd_store *store)
{
    sx_dbd_conn *conn;

    if (!store || sx_dbd_acquire(store, &conn) != SX_STORE_OK)
        stage_give_up("no connection");
    if (sx_dbd_run(store, conn, "BEGIN") != 0 ||
        sx_dbd_run(store, conn,
                   sx_dbd_text(store->dialect, "UPDATE {table} SET handle = 1",
                               store->table, at.pool)) != 0)
        stage_give_up("no row can be held");
    return conn;
}

static inline void begin_dbd(void)
{
    apr_initialize();
    sx_log_set(tell);
    stage_use(getenv("SXTEST_BACKEND") ? stage_chosen()[0] : &stage_sqlite);
    stage_begin(&at);
}

#endif
