/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of sx_store.h where callers meet: in the queue of a key, in
 * several processes, and as threads of one; on each backend that can. */
#include <pthread.h>
#include <sys/wait.h>

#include "contract.h"

/* ---- the queue ---------------------------------------------------------- */

/* A process that stands first in the queue of ${key} and does not leave. */
static pid_t first_in_queue(const unsigned char *key)
{
    int told[2];
    char byte;
    pid_t pid;

    if (pipe(told) != 0 || (pid = fork()) < 0)
        stage_give_up("fork");
    if (pid == 0) {
        sx_store *store = at.realm.store;

        byte = store->ops->queue_enter(store, key, 1000) == SX_STORE_OK;
        if (write(told[1], &byte, 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    if (read(told[0], &byte, 1) != 1 || !byte)
        stage_give_up("the queue could not be entered");
    close(told[0]);
    close(told[1]);
    return pid;
}

static void test_queue(void)
{
    sx_store *store = at.realm.store;
    const unsigned char *key = stage_key(&at);
    sx_record_meta meta = meta_of(SX_USER);
    pid_t first;

    for (int i = 0; i < 2; i++) {
        says(store->ops->queue_enter(store, key, 10) == SX_STORE_OK,
             "the queue of a key is entered, and left");
        store->ops->queue_leave(store, key);
    }
    first = first_in_queue(key);
    says(store->ops->queue_enter(store, key, 10) == SX_STORE_BUSY,
         "who is not first waits as long as it has said");
    says(put(key, 0, sx_str_of("x"), &meta) == SX_STORE_OK,
         "but no writer is kept out");
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    says(store->ops->queue_enter(store, key, 1000) == SX_STORE_OK,
         "who was killed in it holds up nobody");
    store->ops->queue_leave(store, key);
}

/* ---- another process ---------------------------------------------------- */

static void test_other_process(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("mine", &meta);
    int status;
    pid_t pid = fork();
    sx_str got;

    if (pid == 0)
        _exit(get(key, &got, &found) == SX_STORE_OK &&
                      put(key, found.token, sx_str_of("its"), &meta) ==
                          SX_STORE_OK
                  ? 0
                  : 1);
    says(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
         "another process finds a record and replaces it");
    says(put(key, meta.token, sx_str_of("late"), &meta) == SX_STORE_CHANGED &&
             holds(key, "its"),
         "which this one is told");
}

/* ---- threads ------------------------------------------------------------ */

#define THREADS 4
#define ROUNDS  100

static const unsigned char *sum_key;

/* Adds one, ROUNDS times: how often that was confirmed. */
static void *add_up(void *baton)
{
    const sx_store_ops *ops = at.realm.store->ops;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        sx_answer answer = SX_STORE_CHANGED;

        while (answer == SX_STORE_CHANGED) {
            sx_record_meta meta;
            sx_str bytes;
            int64_t sum;

            apr_pool_clear(pool);
            answer = ops->get(at.realm.store, sum_key, &bytes, &meta, 0,
                              at.now.boot_ms, pool);
            if (answer != SX_STORE_OK || !sx_parse_int64(bytes, &sum))
                break;
            answer =
                ops->put_if(at.realm.store, sum_key, meta.token,
                            sx_int64_str(sum + 1, pool), &meta, at.now.boot_ms);
        }
        *(int *)baton += answer == SX_STORE_OK;
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void test_threads(void)
{
    sx_record_meta meta = meta_of(SX_USER);
    pthread_t threads[THREADS];
    int confirmed[THREADS] = {0}, all = 0;

    sum_key = made("0", &meta);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, add_up, &confirmed[i]) != 0)
            stage_give_up("no thread");
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        all += confirmed[i];
    }
    says(all == THREADS * ROUNDS && holds(sum_key, "400"),
         "threads that share a handle add up to what they were told");
}

static void test_backend(void)
{
    stage_begin(&at);
    if (stage_can(CANNOT_QUEUE))
        test_queue();
    if (stage_can(CANNOT_COMPARE)) {
        test_other_process();
        test_threads();
    }
    stage_end(&at);
}

int main(void)
{
    return stage_each(test_backend);
}
