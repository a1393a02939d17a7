/* SPDX-License-Identifier: Apache-2.0 */
/* The clock that all hosts of a Redis store agree on, as one process has it,
 * and the life of the store; sx_store_redis.h says why it is like that. */
#ifndef SX_STORE_REDIS_CLOCK_H
#define SX_STORE_REDIS_CLOCK_H

#include <pthread.h>
#include "sx_store_redis_wire.h"

/* Further apart than this is no drift, and no slow reply. */
#define SX_REDIS_STEP_MS 2000

typedef struct sx_redis_clock {
    pthread_mutex_t lock; /* of the next four */
    bool known;
    int64_t shift, turn; /* of Redis' time; its number */
    const char *shown;   /* which store, for messages */
    /* atomic: */
    int64_t offset_ms; /* of CLOCK_BOOTTIME */
    int64_t last_ms;   /* that was told */
    int64_t due_us;    /* of the next look */
    uint64_t life;
} sx_redis_clock;

/* A look that is under way. */
typedef struct sx_redis_look {
    sx_redis_command command;
    char life[24], shift[24], turn[24];
    int64_t sent_ms;
} sx_redis_look;

void sx_redis_clock_init(sx_redis_clock *clock, const char *shown);

/** Is it time to look?  To one caller only, once a second. */
bool sx_redis_look_due(sx_redis_clock *clock);

/** Fill in ${look}; its keys and name are the caller's, ARGV begin at
 *  look->command.count. */
void sx_redis_look_begin(sx_redis_clock *clock, sx_redis_look *look);

/** Take what Redis has said to it.  False: it is no answer to that. */
bool sx_redis_look_end(sx_redis_clock *clock, const sx_redis_look *look,
                       const redisReply *reply);

/** Now, in ms: never less than it has told before. */
int64_t sx_redis_clock_ms(sx_redis_clock *clock);

#endif
