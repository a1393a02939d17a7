/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a flash message, on a list: who may take it, what becomes of it,
 * and which claims are void. */
#include <sys/wait.h>
#include <signal.h>
#include <apr_general.h>
#include "sx_flash.h"
#include "tap.h"

#define NOW    ((int64_t)10000000)
#define SECOND ((int64_t)1000)
#define HOUR   (3600 * SECOND)

static apr_pool_t *pool;
static sx_process self;

static apr_array_header_t *list_of(const char *texts)
{
    apr_array_header_t *list = apr_array_make(pool, 8, sizeof(sx_message));

    for (const char *p = texts; *p; p++)
        APR_ARRAY_PUSH(list, sx_message) = (sx_message){
            .id = (uint64_t)*p, .level = sx_str_of("info"), .text = {p, 1}};
    return list;
}

/* All texts in a row, those in capitals that somebody has. */
static const char *texts_of(const apr_array_header_t *list)
{
    static char texts[64];
    int n = 0;

    for (; list && n < list->nelts; n++) {
        const sx_message *m = &APR_ARRAY_IDX(list, n, sx_message);

        texts[n] = (char)(m->text.p[0] - (m->claim.id ? 'a' - 'A' : 0));
    }
    texts[n] = '\0';
    return texts;
}

static sx_flash_claim claim_of(uint64_t id, sx_process by, int64_t since_ms)
{
    return (sx_flash_claim){id, since_ms, by};
}

/* A claim ${by}, made at ${since}: can another request of this process take the
 * message from it? */
static bool is_void(sx_process by, int64_t since)
{
    apr_array_header_t *list = list_of("a");
    sx_flash_claim first = claim_of(1, by, since),
                   second = claim_of(2, self, NOW);

    sx_flash_take(list, &first);
    return sx_flash_take(list, &second);
}

static void test_take_and_settle(void)
{
    apr_array_header_t *list = list_of("ab");
    sx_flash_claim first = claim_of(1, self, NOW),
                   second = claim_of(2, self, NOW);

    ok(sx_flash_take(list, &first), "a request takes what waits");
    is_str(texts_of(sx_flash_taken(list, 1, pool)), "AB",
           "all of it, in order");
    ok(!sx_flash_take(list, &first), "once");
    ok(!sx_flash_take(list, &second) && !sx_flash_taken(list, 2, pool),
       "another request gets none of that");
    APR_ARRAY_PUSH(list, sx_message) = (sx_message){
        .id = 'c', .level = sx_str_of("info"), .text = sx_str_of("c")};
    ok(sx_flash_take(list, &second), "but what was queued since");
    is_str(texts_of(sx_flash_taken(list, 2, pool)), "C", "and that alone");
    ok(!sx_flash_settle(list, 3, true), "who has none settles none");
    ok(sx_flash_settle(list, 1, true), "what one request has shown goes");
    is_str(texts_of(list), "C", "and leaves the other's");
    ok(sx_flash_settle(list, 2, false), "what was not shown is given back");
    is_str(texts_of(list), "c", "for another page");
    ok(!sx_flash_settle(list, 2, true), "a claim is settled once");
}

static void test_order(void)
{
    apr_array_header_t *list = list_of("abcd");
    sx_flash_claim first = claim_of(1, self, NOW),
                   second = claim_of(2, self, NOW);

    APR_ARRAY_IDX(list, 1, sx_message).claim = second;
    APR_ARRAY_IDX(list, 3, sx_message).claim = second;
    sx_flash_take(list, &first);
    sx_flash_settle(list, 2, false);
    sx_flash_settle(list, 1, false);
    is_str(texts_of(list), "abcd", "what is given back keeps its place");
    sx_flash_take(list, &first);
    APR_ARRAY_IDX(list, 1, sx_message).claim = second;
    sx_flash_settle(list, 1, true);
    is_str(texts_of(list), "B", "what is shown goes from between");
}

static void test_queue(void)
{
    apr_array_header_t *list = list_of("a");
    sx_message more = {
        .id = 9, .level = sx_str_of("info"), .text = sx_str_of("b")};

    ok(sx_flash_queue(list, more, 1, 100) != NULL, "not more than may wait");
    ok(sx_flash_queue(list, more, 2, 9) != NULL, "nor more bytes");
    ok(sx_flash_queue(list, more, 2, 10) == NULL, "as many of both may");
    is_str(texts_of(list), "ab", "and stand behind");
}

/* A child that lives until it is told, then a zombie until it is reaped. */
static void test_death(void)
{
    int there[2], go[2];
    sx_process child;
    char byte;
    pid_t pid;

    if (pipe(there) != 0 || pipe(go) != 0)
        return;
    pid = fork();
    if (pid == 0) {
        child = sx_process_self();
        byte = write(there[1], &child, sizeof child) == sizeof child;
        close(go[1]);
        _exit(read(go[0], &byte, 1) == 0);
    }
    if (read(there[0], &child, sizeof child) != sizeof child)
        return;
    ok(child.pid == (uint32_t)pid && child.place == self.place,
       "a process names itself");
    ok(!is_void(child, NOW) && !is_void(child, NOW - HOUR + 1),
       "a claim holds while its process lives, also of a slow page");
    ok(is_void(child, NOW - HOUR), "for an hour, after which it is lost");
    ok(!is_void(child, NOW + SECOND),
       "also one that was made after the time was read");
    kill(pid, SIGKILL);
    while (sx_process_lives(&child))
        usleep(1000);
    ok(is_void(child, NOW), "the claim of a zombie is void");
    waitpid(pid, NULL, 0);
    ok(is_void(child, NOW), "and that of a process that is gone");
    child = self;
    child.born++;
    ok(is_void(child, NOW), "though its pid is another one's now");
    close(go[1]);
}

static void test_elsewhere(void)
{
    sx_process other = self;

    other.place++;
    ok(!is_void(other, NOW) && !is_void(other, NOW - 300 * SECOND + 1),
       "of another host, boot or container a claim holds for a while");
    ok(is_void(other, NOW - 300 * SECOND), "five minutes");
    ok(!is_void(other, NOW + 300 * SECOND - 1) &&
           is_void(other, NOW + 300 * SECOND),
       "also if its clock is not ours");
    other = self;
    other.place = 0;
    other.pid = 0x7fffffff;
    ok(!is_void(other, NOW) && is_void(other, NOW - 300 * SECOND),
       "and so without a place");
    self.place = 0;
    ok(!is_void(other, NOW) && is_void(other, NOW - 300 * SECOND),
       "as between two of them");
    self = sx_process_self();
}

static void test_move_on(void)
{
    apr_array_header_t *list = list_of("abc");
    sx_process dead = self;

    dead.born++;
    APR_ARRAY_IDX(list, 0, sx_message).claim = claim_of(1, self, NOW);
    APR_ARRAY_IDX(list, 1, sx_message).claim = claim_of(2, dead, NOW);
    sx_flash_move_on(list, &self, NOW);
    is_str(texts_of(list), "bc",
           "under a new id a living page's messages are shown ones; a dead "
           "one's are free");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    self = sx_process_self();
    ok(self.place != 0 && self.born != 0 && self.pid == (uint32_t)getpid(),
       "this process is known by place, birth and pid");
    ok(sx_process_lives(&self), "and lives");
    test_take_and_settle();
    test_order();
    test_queue();
    test_death();
    test_elsewhere();
    test_move_on();
    return done_testing();
}
