/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB as a store in memory: its file lies on tmpfs, opened with MDB_NOSYNC,
 * MDB_NOMETASYNC and MDB_WRITEMAP, so that nothing is written anywhere but to
 * the map, as in the other stores.  A get renews a kept read transaction and
 * copies the value; a put is a transaction of its own.
 */
#include <lmdb.h>
#include <unistd.h>
#include "engine.h"

#define AMPLE 4 /* times what is stored: pages are copied on write */
#define FLAGS (MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP)
#define BULK  1000 /* puts of one transaction while filling */

static char path[512];
static size_t map_size;
static MDB_env *env;
static MDB_dbi dbi;
static MDB_txn *reader; /* reset between gets */
static MDB_txn *bulk;
static unsigned in_bulk;

static int open_env(void)
{
    MDB_txn *txn;
    int rc = mdb_env_create(&env);

    reader = NULL;
    if (rc == 0)
        rc = mdb_env_set_mapsize(env, map_size);
    if (rc == 0)
        rc = mdb_env_open(env, path, FLAGS, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc == 0)
        rc = mdb_dbi_open(txn, NULL, 0, &dbi);
    return rc == 0 ? mdb_txn_commit(txn) : rc;
}

static const char *lmdb_open(const bench_plan *plan)
{
    int rc;

    snprintf(path, sizeof path, "%s/bench-%d.mdb", plan->dir, (int)getpid());
    map_size =
        (plan->records * (BENCH_KEY_LEN + plan->len + plan->room) * AMPLE +
         (16 << 20)) &
        ~(size_t)4095;
    rc = open_env();
    return rc == 0 ? NULL : mdb_strerror(rc);
}

/* An environment is never taken across a fork; the inherited one is left
 * alone. */
static bool lmdb_child(void)
{
    return open_env() == 0;
}

static size_t lmdb_get(uint64_t record, unsigned char *buf, size_t cap)
{
    unsigned char bytes[BENCH_KEY_LEN];
    MDB_val key = {sizeof bytes, bytes}, value;
    size_t len = 0;
    int rc = reader ? mdb_txn_renew(reader)
                    : mdb_txn_begin(env, NULL, MDB_RDONLY, &reader);

    if (rc != 0)
        return 0;
    bench_key(record, bytes);
    if (mdb_get(reader, dbi, &key, &value) == 0 && value.mv_size <= cap) {
        len = value.mv_size;
        memcpy(buf, value.mv_data, len);
    }
    mdb_txn_reset(reader);
    return len;
}

static int put_in(MDB_txn *txn, uint64_t record, const unsigned char *value,
                  size_t len)
{
    unsigned char bytes[BENCH_KEY_LEN];
    MDB_val key = {sizeof bytes, bytes};
    MDB_val data = {len, (void *)(uintptr_t)value};

    bench_key(record, bytes);
    return mdb_put(txn, dbi, &key, &data, 0);
}

static bool lmdb_bulk(bool on)
{
    MDB_txn *done = bulk;

    in_bulk = 0;
    bulk = NULL;
    return on ? mdb_txn_begin(env, NULL, 0, &bulk) == 0
              : mdb_txn_commit(done) == 0;
}

static bool lmdb_put(uint64_t record, const unsigned char *value, size_t len)
{
    MDB_txn *txn;

    if (bulk && in_bulk++ < BULK)
        return put_in(bulk, record, value, len) == 0;
    if (bulk)
        return lmdb_bulk(false) && lmdb_bulk(true) &&
               put_in(bulk, record, value, len) == 0;
    if (mdb_txn_begin(env, NULL, 0, &txn) != 0)
        return false;
    if (put_in(txn, record, value, len) == 0)
        return mdb_txn_commit(txn) == 0;
    mdb_txn_abort(txn);
    return false;
}

/* Pages of the tree; those that wait to be used again do not count. */
static uint64_t lmdb_used(void)
{
    MDB_stat stat;

    if (mdb_env_stat(env, &stat) != 0)
        return 0;
    return (stat.ms_branch_pages + stat.ms_leaf_pages +
            stat.ms_overflow_pages) *
           stat.ms_psize;
}

static void lmdb_close(void)
{
    char lock[sizeof path + 8];

    mdb_env_close(env);
    snprintf(lock, sizeof lock, "%s-lock", path);
    unlink(path);
    unlink(lock);
}

const bench_engine engine_lmdb = {
    .name = "lmdb",
    .open = lmdb_open,
    .child = lmdb_child,
    .get = lmdb_get,
    .put = lmdb_put,
    .bulk = lmdb_bulk,
    .used = lmdb_used,
    .close = lmdb_close,
};
