/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that really write one session at the same time, on each backend. */
#include <sys/wait.h>

#include "backends.h"

#define WRITERS 4

static stage at;

#define says(condition, sentence)                                              \
    ok((condition), "%s: %s", stage_on->name, (sentence))

/* ${work} in each of WRITERS processes; the sum of what they return, which is
 * at most 255 each. */
static int in_processes(int (*work)(const char *cookie, int no),
                        const char *cookie)
{
    pid_t pids[WRITERS];
    int sum = 0;

    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] < 0) {
            stage_give_up("fork");
        }
        if (pids[i] == 0) {
            alarm(60);
            _exit(work(cookie, i));
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;

        if (waitpid(pids[i], &status, 0) != pids[i] || !WIFEXITED(status)) {
            stage_give_up("a writer died");
        }
        sum += WEXITSTATUS(status);
    }
    return sum;
}

static bool counts(long long wanted)
{
    return !stage_can(CANNOT_COUNT) || records(&at) == wanted;
}

static int increment(const char *cookie, int no)
{
    int done = 0;

    (void)no;
    for (int i = 0; i < 100; i++) {
        done +=
            request(&at, cookie, "Session-Incr: n=1")->verdict == SX_COMMIT_OK;
    }
    return done;
}

static void test_increments(void)
{
    const char *cookie = begin(&at, "Session-Set: n=0");

    says(in_processes(increment, cookie) == 400,
         "400 increments by four processes are all confirmed");
    is_str(value_of(&at, cookie, "n"), "400", "and give exactly 400");
    says(version_of(&at, cookie) == 401, "in 400 versions");
}

static int set_own(const char *cookie, int no)
{
    int done = 0;

    for (int i = 0; i < 50; i++) {
        const char *text =
            apr_psprintf(at.pool, "Session-Set: k%d_%d=%d", no, i, i);

        done += request(&at, cookie, text)->verdict == SX_COMMIT_OK;
    }
    return done;
}

static void test_keys(void)
{
    const char *cookie = begin(&at, "Session-Set: a=1");

    says(in_processes(set_own, cookie) == 200, "200 sets are confirmed");
    says(load(&at, cookie)->session->entries->nelts == 201,
         "and every key is there");
}

/* Of all that start from the same id one may win. */
static int renew(const char *cookie, int no)
{
    sx_loaded *loaded = load(&at, cookie);

    (void)no;
    usleep(20000);
    return commit(&at, loaded, "Session-Renew: on")->cookie == SX_COOKIE_SEND;
}

static void test_renewals(void)
{
    long long before = records(&at);
    int rounds = 10, won = 0;

    for (int i = 0; i < rounds; i++) {
        won += in_processes(renew, begin(&at, "Session-Set: a=1"));
    }
    says(won == rounds, "of parallel renewals exactly one wins, each time");
    says(counts(before + rounds), "and no loser leaves a record");
}

/* Who gets the same id gets it from the winner's alias. */
static int renew_silently(const char *cookie, int no)
{
    sx_loaded *loaded = load(&at, cookie);
    sx_committed *done;

    usleep(20000);
    done = commit(&at, loaded, apr_psprintf(at.pool, "Session-Set: k%d=1", no));
    return done->cookie == SX_COOKIE_SEND && done->verdict == SX_COMMIT_OK &&
           strcmp(load(&at, cookie)->id.text, done->id.text) == 0;
}

static void test_silent_renewals(void)
{
    long long before = records(&at);
    int rounds = 10, right = 0, keys = 0;

    at.realm.times.renew_ms = SECOND;
    for (int i = 0; i < rounds; i++) {
        const char *cookie = begin(&at, "Session-Set: a=1");

        stage_pass(&at, 2 * SECOND);
        right += in_processes(renew_silently, cookie);
        keys += load(&at, cookie)->session->entries->nelts;
    }
    says(right == rounds * WRITERS,
         "requests that race for a silent renewal end under one id");
    says(keys == rounds * (WRITERS + 1), "with the writes of all");
    says(counts(before + 2 * rounds), "in one session and one alias each");
}

/* Each logs in again and again, as one user who may have three sessions. */
static int log_in(const char *cookie, int no)
{
    int done = 0;

    (void)cookie;
    (void)no;
    for (int i = 0; i < 25; i++) {
        sx_committed *in = request(&at, NULL, "Session-Set: user=alice");

        done += in->cookie == SX_COOKIE_SEND;
    }
    return done;
}

static bool count_users(void *baton, const unsigned char *key,
                        const sx_record_meta *meta, size_t bytes)
{
    (void)key;
    (void)bytes;
    *(int *)baton += meta->kind == SX_USER;
    return true;
}

static void test_log_ins(void)
{
    sx_store *store = at.realm.store;
    int left = 0;

    at.realm.per_user = (sx_per_user){3, false};
    says(in_processes(log_in, NULL) == 100, "100 log-ins of one user succeed");
    says(store->ops->each(store, count_users, &left, at.now.boot_ms, at.pool) ==
                 SX_STORE_OK &&
             left == 3,
         "and three sessions are left");
    stage_pass(&at, HOUR);
    at.realm.per_user = (sx_per_user){3, true};
    says(in_processes(log_in, NULL) == 3,
         "where log-ins are refused, three of 100 succeed");
    at.realm.per_user = (sx_per_user){0, false};
}

static void test_backend(void)
{
    stage_begin(&at);
    test_increments();
    test_keys();
    test_renewals();
    test_silent_renewals();
    /* Who cannot count sessions cannot limit them. */
    if (stage_can(CANNOT_EACH))
        test_log_ins();
    stage_end(&at);
}

int main(void)
{
    return stage_each(test_backend);
}
