/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_redis_clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define LOOK_US 1000000

static int64_t boot_ms(void)
{
    return sx_boot_us() / 1000;
}

void sx_redis_clock_init(sx_redis_clock *clock, const char *shown)
{
    *clock = (sx_redis_clock){.shown = shown, .last_ms = INT64_MIN};
    pthread_mutex_init(&clock->lock, NULL);
}

bool sx_redis_look_due(sx_redis_clock *clock)
{
    int64_t now_us = sx_monotonic_us();
    int64_t due_us = __atomic_load_n(&clock->due_us, __ATOMIC_RELAXED);

    return now_us >= due_us && __atomic_compare_exchange_n(
                                   &clock->due_us, &due_us, now_us + LOOK_US,
                                   false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void add(sx_redis_command *command, const char *text)
{
    command->args[command->count++] = sx_str_of(text);
}

void sx_redis_look_begin(sx_redis_clock *clock, sx_redis_look *look)
{
    uint64_t life;

    if (getrandom(&life, sizeof life, GRND_NONBLOCK) != sizeof life)
        life = (uint64_t)sx_monotonic_us();
    snprintf(look->life, sizeof look->life, "%" PRIu64, life);
    pthread_mutex_lock(&clock->lock);
    snprintf(look->shift, sizeof look->shift, "%" PRId64, clock->shift);
    snprintf(look->turn, sizeof look->turn, "%" PRId64, clock->turn);
    pthread_mutex_unlock(&clock->lock);
    add(&look->command, look->life);
    add(&look->command, look->shift);
    add(&look->command, look->turn);
    look->sent_ms = boot_ms();
}

/* What Redis has said. */
typedef struct seen {
    uint64_t life;
    int64_t shift, turn, time_ms; /* with the shift */
    int64_t from_ms, to_ms;       /* CLOCK_BOOTTIME when it was so */
} seen;

static bool is_number(const redisReply *reply, int64_t *number)
{
    return reply->type == REDIS_REPLY_STRING &&
           sx_parse_int64((sx_str){reply->str, (size_t)reply->len}, number);
}

static bool read_seen(seen *s, const redisReply *reply)
{
    char *end;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        !is_number(reply->element[1], &s->shift) ||
        !is_number(reply->element[2], &s->turn) ||
        !is_number(reply->element[3], &s->time_ms) ||
        __builtin_add_overflow(s->time_ms, s->shift, &s->time_ms))
        return false;
    s->life = strtoull(reply->element[0]->str, &end, 10);
    return end != reply->element[0]->str && *end == '\0' &&
           s->time_ms > -(INT64_C(1) << 52) && s->time_ms < INT64_C(1) << 52;
}

static void set_offset(sx_redis_clock *clock, int64_t offset_ms)
{
    __atomic_store_n(&clock->offset_ms, offset_ms, __ATOMIC_RELAXED);
}

/* Follow what drifts, and no further than it takes to agree with what may have
 * been so. */
static void follow(sx_redis_clock *clock, const seen *s, int64_t from_ms,
                   int64_t to_ms)
{
    if (s->time_ms > to_ms)
        set_offset(clock, clock->offset_ms + s->time_ms - to_ms);
    else if (s->time_ms < from_ms)
        set_offset(clock, clock->offset_ms + s->time_ms - from_ms);
    clock->shift = s->shift;
    clock->turn = s->turn;
}

static void take_locked(sx_redis_clock *clock, const seen *s)
{
    const int64_t from_ms = s->from_ms + clock->offset_ms;
    const int64_t to_ms = s->to_ms + clock->offset_ms;
    const bool is_near = s->time_ms >= from_ms - SX_REDIS_STEP_MS &&
                         s->time_ms <= to_ms + SX_REDIS_STEP_MS;

    if (clock->known && is_near) {
        follow(clock, s, from_ms, to_ms);
    }
    else if (clock->known && s->turn == clock->turn && s->life == clock->life) {
        sx_log(SX_LOG_WARN,
               "the clock of the host of %s has stepped by about %" PRId64
               " ms; the time of sessions goes on as it was",
               clock->shown, s->time_ms - to_ms);
        clock->shift = s->shift + to_ms - s->time_ms;
        __atomic_store_n(&clock->due_us, 0, __ATOMIC_RELAXED);
    }
    else {
        if (clock->known)
            sx_log(SX_LOG_WARN,
                   "other processes have another time of %s, by about %" PRId64
                   " ms; this one follows",
                   clock->shown, s->time_ms - to_ms);
        set_offset(clock, s->time_ms - s->to_ms);
        clock->shift = s->shift;
        clock->turn = s->turn;
        clock->known = true;
    }
    __atomic_store_n(&clock->life, s->life, __ATOMIC_RELAXED);
}

bool sx_redis_look_end(sx_redis_clock *clock, const sx_redis_look *look,
                       const redisReply *reply)
{
    seen s = {.from_ms = look->sent_ms, .to_ms = boot_ms()};

    if (!read_seen(&s, reply))
        return false;
    pthread_mutex_lock(&clock->lock);
    take_locked(clock, &s);
    pthread_mutex_unlock(&clock->lock);
    return true;
}

int64_t sx_redis_clock_ms(sx_redis_clock *clock)
{
    int64_t now_ms =
        boot_ms() + __atomic_load_n(&clock->offset_ms, __ATOMIC_RELAXED);
    int64_t last_ms = __atomic_load_n(&clock->last_ms, __ATOMIC_RELAXED);

    while (now_ms > last_ms)
        if (__atomic_compare_exchange_n(&clock->last_ms, &last_ms, now_ms,
                                        false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return now_ms;
    return last_ms;
}
