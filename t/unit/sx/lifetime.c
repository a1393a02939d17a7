/* SPDX-License-Identifier: Apache-2.0 */
/* Lifetimes: arithmetic on (policy, session, now), at and around each edge. */
#include <apr_general.h>

#include "sx_lifetime.h"
#include "tap.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define NOW    (1000 * HOUR)

static const sx_lifetimes usual = {
    .idle_ms = 30 * MINUTE,
    .idle_max_ms = 2 * HOUR,
    .absolute_ms = 12 * HOUR,
    .renew_ms = HOUR,
    .grace_ms = 10 * SECOND,
    .touch_ms = MINUTE,
};

static void test_idle(void)
{
    sx_session session = {.idle_s = 0};

    is_int(sx_lifetime_idle_ms(&usual, &session), 30 * MINUTE,
           "without a wish the scope's idle timeout counts");
    session.idle_s = 60;
    is_int(sx_lifetime_idle_ms(&usual, &session), MINUTE,
           "an app may lower it");
    session.idle_s = 7200;
    is_int(sx_lifetime_idle_ms(&usual, &session), 2 * HOUR,
           "and raise it to the maximum");
    session.idle_s = 7201;
    is_int(sx_lifetime_idle_ms(&usual, &session), 2 * HOUR, "not beyond");
    session.idle_s = UINT32_MAX;
    is_int(sx_lifetime_idle_ms(&usual, &session), 2 * HOUR,
           "whatever it asks for");
}

static void test_end(void)
{
    sx_session session = {.idle_s = 0};

    is_int(sx_lifetime_end(&usual, &session, NOW + HOUR, NOW),
           NOW + 30 * MINUTE, "a session ends an idle timeout from now");
    is_int(sx_lifetime_end(&usual, &session, NOW + 30 * MINUTE - 1, NOW),
           NOW + 30 * MINUTE - 1, "or at its absolute end, if that is nearer");
    is_int(sx_lifetime_end(&usual, &session, NOW - 1, NOW), NOW - 1,
           "which stays where it is");
    session.idle_s = 7200;
    is_int(sx_lifetime_end(&usual, &session, NOW + HOUR, NOW), NOW + HOUR,
           "a raised idle timeout does not move it");
}

static void test_touch(void)
{
    sx_session session = {.idle_s = 0};
    sx_record_meta meta = {.last_access_ms = NOW};
    sx_lifetimes policy = usual;

    ok(!sx_lifetime_touch_due(&usual, &session, &meta, NOW + MINUTE - 1),
       "within the touch interval no access is noted");
    ok(sx_lifetime_touch_due(&usual, &session, &meta, NOW + MINUTE),
       "at its end one is");
    session.idle_s = 100;
    ok(!sx_lifetime_touch_due(&usual, &session, &meta, NOW + 10 * SECOND - 1),
       "a short idle timeout shortens it");
    ok(sx_lifetime_touch_due(&usual, &session, &meta, NOW + 10 * SECOND),
       "to a tenth");
    policy.touch_ms = 0;
    ok(sx_lifetime_touch_due(&policy, &session, &meta, NOW),
       "an interval of 0 notes every access");
}

static void test_renew(void)
{
    sx_session session = {.id_born_ms = NOW};
    sx_lifetimes policy = usual;

    ok(!sx_lifetime_renew_due(&usual, &session, NOW + HOUR - 1),
       "an id younger than the interval stays");
    ok(sx_lifetime_renew_due(&usual, &session, NOW + HOUR),
       "one of that age is due");
    ok(!sx_lifetime_renew_due(&usual, &session, NOW - HOUR + 1),
       "who began before it was made does not renew it again");
    ok(sx_lifetime_renew_due(&usual, &session, NOW - HOUR),
       "one that is of another clock is due");
    policy.renew_ms = 0;
    ok(!sx_lifetime_renew_due(&policy, &session, NOW + 100 * HOUR),
       "with an interval of 0 none ever is");
}

int main(void)
{
    test_idle();
    test_end();
    test_touch();
    test_renew();
    return done_testing();
}
