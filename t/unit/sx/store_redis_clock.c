/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock that hosts of a Redis store agree on, when the wall clock of Redis'
 * host steps.  Its script runs on a real server; only what that says of the
 * time is changed on the way, as if the step had been there.
 */
#include "redis_server.h"
#include "sx_store_redis_clock.h"

static int64_t step_ms; /* of the wall clock of redis' host */

/* What the store does once a second; false: not understood. */
static bool look(sx_redis_clock *clock)
{
    sx_redis_look l = {.command = {.count = 0}};
    const sx_str *args = l.command.args;
    char stepped[24];
    redisReply *reply;
    int64_t time_ms;
    bool good;
    char *real;

    sx_redis_look_begin(clock, &l);
    reply = redis_say(
        "EVAL %s 1 clock %b %b %b", sx_redis_script_text(SX_REDIS_LOOK),
        args[0].p, args[0].len, args[1].p, args[1].len, args[2].p, args[2].len);
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 4 ||
        !sx_parse_int64(sx_str_of(reply->element[3]->str), &time_ms))
        stage_give_up("redis does not tell the time");
    snprintf(stepped, sizeof(stepped), "%lld", (long long)time_ms + step_ms);
    real = reply->element[3]->str;
    reply->element[3]->str = stepped;
    reply->element[3]->len =
        (__typeof__(reply->element[3]->len))strlen(stepped);
    good = sx_redis_look_end(clock, &l, reply);
    reply->element[3]->str = real;
    freeReplyObject(reply);
    return good;
}

static sx_redis_clock begun(void)
{
    sx_redis_clock clock;

    sx_redis_clock_init(&clock, "a test's store");
    if (!look(&clock))
        stage_give_up("a clock that does not begin");
    return clock;
}

static bool agree(sx_redis_clock *a, sx_redis_clock *b)
{
    int64_t apart = sx_redis_clock_ms(a) - sx_redis_clock_ms(b);

    return apart < 100 && apart > -100;
}

/* Has it gone on as it was, from ${began_ms}? */
static bool goes_on(sx_redis_clock *clock, int64_t began_ms)
{
    int64_t gone_ms = sx_redis_clock_ms(clock) - began_ms;

    return gone_ms >= 0 && gone_ms < 5000;
}

static void test_step(int64_t ms, const char *where)
{
    sx_redis_clock one = begun(), two = begun(), late;
    int64_t began = sx_redis_clock_ms(&one);

    step_ms += ms;
    look(&one); /* sees it */
    look(&one); /* and says so */
    look(&two);
    late = begun();
    ok(goes_on(&one, began), "a step %s moves not who sees it first", where);
    ok(goes_on(&two, began) && agree(&one, &two), "nor the next");
    ok(agree(&one, &late), "nor who comes later");
    for (int i = 0; i < 3; i++)
        (void)(look(&two) && look(&one) && look(&late));
    ok(goes_on(&one, began) && agree(&one, &two) && agree(&one, &late),
       "and all stay where they are");
}

/* Two see it at one time: what the second says is of a shift that is gone. */
static void test_both_see_it(void)
{
    sx_redis_clock one = begun(), two = begun();
    int64_t began = sx_redis_clock_ms(&one);

    step_ms += 1800000;
    look(&one);
    look(&two);
    look(&one);
    look(&two);
    ok(goes_on(&one, began) && goes_on(&two, began) && agree(&one, &two),
       "a step that two see is taken out once");
}

/* Who opens the store between a step and the first look of another. */
static void test_wrong_at_first(void)
{
    sx_redis_clock one = begun(), ahead, behind;
    int64_t began = sx_redis_clock_ms(&one), was;

    step_ms += 7200000;
    ahead = begun();
    ok(!agree(&one, &ahead), "who comes right behind a step is wrong");
    look(&one);
    look(&one);
    was = sx_redis_clock_ms(&ahead);
    look(&ahead);
    ok(goes_on(&one, began) && sx_redis_clock_ms(&ahead) >= was,
       "it follows the others, and does not go back for that");
    ok(sx_redis_clock_ms(&ahead) - was < 100,
       "but stands until they are there");
    step_ms -= 7200000;
    behind = begun();
    look(&one);
    look(&one);
    look(&behind);
    ok(goes_on(&one, began) && agree(&one, &behind),
       "who was behind them is there at once");
}

static void test_drift(void)
{
    sx_redis_clock one = begun();
    int64_t began = sx_redis_clock_ms(&one), told;

    step_ms += 1500;
    look(&one);
    told = sx_redis_clock_ms(&one);
    ok(told - began >= 1500 && told - began < 6000, "what drifts is followed");
    step_ms -= 1500;
    look(&one);
    ok(sx_redis_clock_ms(&one) >= told, "but never back");
}

int main(void)
{
    static const char *const nothing_more[] = {NULL};

    redis_start(nothing_more);
    test_step(3600000, "forward");
    test_step(-86400000, "back");
    test_both_see_it();
    test_wrong_at_first();
    test_drift();
    return done_testing();
}
