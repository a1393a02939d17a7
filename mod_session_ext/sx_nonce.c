/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_nonce.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "sx_keys.h"

#define STOCK 32

/* Of one thread. */
static _Thread_local struct {
    unsigned char nonces[STOCK][SX_NONCE_LEN];
    unsigned left;
    unsigned forks; /* as many as there were when they were drawn */
} stock;

static atomic_uint forks; /* between the first process and this one */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, on_fork);
}

static void restock(void)
{
    pthread_once(&once, watch_forks);
    sx_random(stock.nonces, sizeof stock.nonces);
    stock.left = STOCK;
    stock.forks = atomic_load(&forks);
}

void sx_nonce(unsigned char *nonce, size_t len)
{
    if (!stock.left || stock.forks != atomic_load(&forks))
        restock();
    memcpy(nonce, stock.nonces[--stock.left], len);
}
