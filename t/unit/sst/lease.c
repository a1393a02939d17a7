/* SPDX-License-Identifier: Apache-2.0 */
/* The cleanup thread: one sweeps, and another when that one is killed. */
#include "util.h"

#define TAKEOVER_MS 2000

/* A child that runs a cleanup thread, tells when it is the runner, and when it
 * gets a byte, stops it and leaves. */
static pid_t runner_start(shm_store *store, int *told, int *stop)
{
    int tell[2], go[2];
    shm_cleanup *cleanup;
    char byte = 0;
    pid_t pid;

    (void)!pipe(tell);
    (void)!pipe(go);
    pid = fork();
    if (pid == 0) {
        close(go[1]);
        cleanup = shm_store_cleanup_start(store, NULL);
        while (cleanup != NULL && !shm_store_cleanup_is_runner(cleanup)) {
            usleep(5000);
        }
        (void)!write(tell[1], "r", 1);
        (void)!read(go[0], &byte, 1);
        shm_store_cleanup_stop(cleanup);
        _exit(0);
    }
    close(tell[1]);
    close(go[0]);
    *told = tell[0];
    *stop = go[1];
    return pid;
}

static int64_t runs_after(int told)
{
    int64_t began = shm_store_clock_ms();
    char byte;

    return read(told, &byte, 1) == 1 ? shm_store_clock_ms() - began : -1;
}

int main(void)
{
    unsigned char key[SST_KEY_LEN];
    int told[3], stop[3];
    int64_t now, began, took;
    shm_store_config config;
    shm_cleanup *cleanup;
    shm_store *store;
    shm_stats stats;
    shm_meta meta;
    scratch at;
    pid_t pid[3];

    scratch_make(&at);
    config = config_of(&at, MIB);
    now = shm_store_clock_ms();
    store = store_with(&config, now);
    meta = meta_of(SST_USER, now - HOUR_MS, 1000);
    is_int(shm_store_put_if(store, key_of(1, key), 0, "x", 1, &meta, NULL, now),
           SST_OK, "a record that is over");
    pid[0] = runner_start(store, &told[0], &stop[0]);
    took = runs_after(told[0]);
    ok(took >= 0 && took < 500, "a first thread runs at once (%d ms)",
       (int)took);
    for (int i = 0; i < 100; i++) {
        if (shm_store_stats(store, &stats) != SST_OK || stats.records == 0) {
            break;
        }
        usleep(10000);
    }
    is_int(stats.records, 0, "and sweeps what is over");

    cleanup = shm_store_cleanup_start(store, NULL);
    ok(cleanup != NULL, "a second one starts");
    usleep(50000);
    ok(!shm_store_cleanup_is_runner(cleanup), "and waits");
    kill(pid[0], SIGKILL);
    waitpid(pid[0], NULL, 0);
    began = shm_store_clock_ms();
    while (!shm_store_cleanup_is_runner(cleanup) &&
           shm_store_clock_ms() - began < 2 * TAKEOVER_MS) {
        usleep(5000);
    }
    took = shm_store_clock_ms() - began;
    ok(took <= TAKEOVER_MS, "after a kill -9 it takes over (%d ms)", (int)took);

    began = shm_store_clock_ms();
    shm_store_cleanup_stop(cleanup);
    took = shm_store_clock_ms() - began;
    ok(took < 200, "stop does not wait for its tick (%d ms)", (int)took);
    pid[1] = runner_start(store, &told[1], &stop[1]);
    took = runs_after(told[1]);
    ok(took >= 0 && took < 500,
       "and gives the lease up, so that the next runs at once (%d ms)",
       (int)took);
    (void)!write(stop[1], "s", 1);
    waitpid(pid[1], NULL, 0);
    shm_store_cleanup_stop(NULL);
    check_clean(store, "the store is sound");
    for (int i = 0; i < 2; i++) {
        close(told[i]);
        close(stop[i]);
    }
    shm_store_close(store);
    scratch_remove(&at);
    return done_testing();
}
