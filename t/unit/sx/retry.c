/* SPDX-License-Identifier: Apache-2.0 */
/* Writers of a store that has no queue make way by waiting: not before they
 * must, longer and longer, and not for ever. */
#include <time.h>

#include "sx_keys.h"
#include "sx_retry.h"
#include "tap.h"

typedef struct trial {
    unsigned tries, wins_at;
    int64_t first_us, last_us;
} trial;

static int64_t monotonic_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static sx_answer once(void *baton, unsigned i)
{
    trial *t = baton;

    t->last_us = monotonic_us();
    if (t->tries++ == 0)
        t->first_us = t->last_us;
    return i == t->wins_at ? SX_STORE_OK : SX_STORE_CHANGED;
}

static sx_answer run(trial *t)
{
    static const sx_store_ops ops = {.name = "no queue"};
    static const unsigned char key[SX_STORE_KEY_LEN];
    sx_store store = {&ops};

    return sx_retry(&store, key, once, t);
}

int main(void)
{
    trial quick = {.wins_at = 1}, late = {.wins_at = 12},
          never = {.wins_at = -1U};
    int64_t took_us;

    if (!sx_crypto_init())
        return 1;
    ok(run(&quick) == SX_STORE_OK && quick.tries == 2,
       "the second try comes at once");
    ok(run(&late) == SX_STORE_OK && late.tries == 13 &&
           late.last_us - late.first_us > 5000,
       "the thirteenth after some time");
    ok(run(&never) == SX_STORE_CHANGED, "who never wins gives up");
    took_us = never.last_us - never.first_us;
    ok(took_us > (SX_COMMIT_WAIT_MS - 500) * INT64_C(1000) &&
           took_us < (SX_COMMIT_WAIT_MS + 500) * INT64_C(1000),
       "after the time that it may take: the last try came after %lld us",
       (long long)took_us);
    ok(never.tries > 20 && never.tries < 200,
       "in which it has tried, but not all the time: %u", never.tries);
    return done_testing();
}
