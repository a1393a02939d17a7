/* SPDX-License-Identifier: Apache-2.0 */
/* A file store as a process has it open, and what its files share.  For the
 * files of sx_store_file alone. */
#ifndef SX_STORE_FILE_HANDLE_H
#define SX_STORE_FILE_HANDLE_H

#include <pthread.h>
#include <stdio.h>
#include "sx_store_file_dir.h"
#include "sx_store_file_record.h"

/* Where a sweep has come to: of one thread at a time, by `lock`. */
typedef struct sx_file_sweep {
    pthread_mutex_t lock;
    int fd;    /* of the sweep's lock, kept while this process sweeps; -1 */
    pid_t pid; /* which that is: a fork does not sweep for its parent */
    unsigned bucket;
    void *names; /* DIR *: open in the middle of a bucket; NULL */
    uint64_t left;
    int64_t reached_ms; /* when the clock was noted */
} sx_file_sweep;

typedef struct sx_file_store {
    sx_store base;
    const char *path;
    int dir;
    sx_file_facts facts;
    sx_file_figures *figures;   /* never NULL */
    int queue[SX_FILE_BUCKETS]; /* the lock of who is first; only he looks */
    int64_t told; /* the last error that was logged, and its second; atomic */
    sx_file_sweep sweep;
} sx_file_store;

#define SX_FILE_COUNT(store, name, n)                                          \
    __atomic_fetch_add(&(store)->figures->name, (uint64_t)(n), __ATOMIC_RELAXED)

/* A record that was opened. */
typedef struct sx_file_found {
    int fd;
    unsigned char head[SX_FILE_HEAD_LEN];
    sx_record_meta meta;
    size_t len;
} sx_file_found;

/** Open the file ${name} and read its head.  OK, and found->fd has to be
 *  closed; MISS; DAMAGED; UNAVAILABLE. */
sx_answer sx_file_find(sx_file_store *store, const unsigned char *key,
                       const char *name, int flags, sx_file_found *found);

/** Lock the bucket of ${key}: a descriptor, or -1 and the answer in
 *  ${answer}. */
int sx_file_enter(sx_file_store *store, const unsigned char *key,
                  sx_answer *answer);

/** Behind the bucket's lock: set what is at ${name} aside. */
void sx_file_set_aside(sx_file_store *store, const char *name);

/** What a system call that failed comes to; told in the log, once a second. */
sx_answer sx_file_failed(sx_file_store *store, const char *what);

/** What is not there is a miss only if the store is. */
sx_answer sx_file_missing(sx_file_store *store);

/** The time that a file bears: of ${end_ms}, so that a sweep need not open it
 *  to see that it is not due. */
void sx_file_set_due(int fd, int64_t end_ms);

extern const sx_store_ops sx_file_ops;

/** See sx_store_ops. */
sx_answer sx_file_each(sx_store *store, sx_store_visit *visit, void *baton,
                       int64_t now_ms, apr_pool_t *pool);
sx_answer sx_file_sweep_some(sx_store *store, int64_t budget_us, int64_t now_ms,
                             sx_sweep_report *report);

#endif
