/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_nonce.h"

#include <pthread.h>
#include <string.h>
#include "sx_keys.h"

#define STOCK 32

/* Of one thread. */
static _Thread_local struct {
    unsigned char nonces[STOCK][SX_NONCE_LEN];
    unsigned left;
} stock;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* In the new process, whose only thread is the one that forked. */
static void on_fork(void)
{
    stock.left = 0;
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
}

void sx_nonce(unsigned char *nonce, size_t len)
{
    if (!stock.left)
        restock();
    memcpy(nonce, stock.nonces[--stock.left], len);
}
