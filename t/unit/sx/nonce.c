/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces of threads that draw at one time are all different, and not only in
 * their first bytes.  Those of processes are the business of fork.c. */
#include <pthread.h>
#include <stdlib.h>
#include "sx_keys.h"
#include "sx_nonce.h"
#include "tap.h"

#define THREADS 4
#define EACH    10000
#define PART    8 /* bytes that are looked at */

static unsigned char all[THREADS][EACH][SX_NONCE_LEN];

static void *draw(void *row)
{
    unsigned char(*mine)[SX_NONCE_LEN] = row;

    for (int i = 0; i < EACH; i++)
        sx_nonce(mine[i], SX_NONCE_LEN);
    return NULL;
}

static size_t at; /* of the part */

static int by_part(const void *a, const void *b)
{
    return memcmp((const char *)a + at, (const char *)b + at, PART);
}

static int doubles(void)
{
    const unsigned char *flat = all[0][0];
    int count = 0;

    qsort(all, (size_t)THREADS * EACH, SX_NONCE_LEN, by_part);
    for (size_t i = 1; i < (size_t)THREADS * EACH; i++)
        count += by_part(flat + (i - 1) * SX_NONCE_LEN,
                         flat + i * SX_NONCE_LEN) == 0;
    return count;
}

static void test_threads(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, draw, all[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (at = 0; at < SX_NONCE_LEN; at += PART)
        ok(doubles() == 0, "bytes %zu to %zu are alike in no two", at,
           at + PART);
}

static void test_shorter(void)
{
    unsigned char nonce[SX_NONCE_LEN] = {0};

    sx_nonce(nonce, 16);
    is_int(nonce[16] | nonce[SX_NONCE_LEN - 1], 0,
           "a shorter one ends where it is told");
    ok(memcmp(nonce, nonce + 16, 8) != 0, "and is there up to that");
}

int main(void)
{
    ok(sx_crypto_init(), "the library starts");
    test_threads();
    test_shorter();
    return done_testing();
}
