/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a life of a session's messages: queued, taken by pages of this
 * process, of one that is dead and of another host, settled, moved on, sealed
 * and opened, while time passes.  Beside it stands a list that knows of each
 * message only who holds it.  No message is lost, none is held by two, and they
 * stay in order.
 */
#include "pool.h"
#include "sx_codec.h"
#include "sx_flash.h"

#define REQUESTS  8
#define MAX       6
#define MAX_BYTES 40

typedef enum maker { HERE, DEAD, ELSEWHERE, MAKERS } maker;

typedef struct known {
    uint64_t id, request; /* request 0: nobody holds it */
    maker by;
    int64_t since;
    size_t bytes;
} known;

typedef struct life {
    apr_pool_t *pool;
    sx_session *session;
    sx_process processes[MAKERS];
    known list[MAX];
    int n;
    int64_t now;
    uint64_t queued;
} life;

/* What ${viewer} must think.  DEAD is of the place of HERE. */
static bool held(const life *l, const known *k, maker viewer)
{
    int64_t age = l->now - k->since;

    if (k->request == 0)
        return false;
    if ((k->by == ELSEWHERE) != (viewer == ELSEWHERE))
        return age < SX_FLASH_LEASE_MS;
    return k->by != DEAD && age < SX_FLASH_LOST_MS;
}

static void queue(life *l, fuzz_input *in)
{
    sx_message message = {.id = ++l->queued};
    size_t bytes = 0;
    const char *refused;

    message.level = sx_str_of(&"warning"[fuzz_take(in, 1) % 7]);
    message.text = sx_str_of(&"of 12 letters"[fuzz_take(in, 1) % 14]);
    for (int i = 0; i < l->n; i++)
        bytes += l->list[i].bytes;
    bytes += message.level.len + message.text.len;

    refused = sx_flash_queue(l->session->messages, message, MAX, MAX_BYTES);
    MUST((refused == NULL) == (l->n < MAX && bytes <= MAX_BYTES));
    if (refused == NULL)
        l->list[l->n++] = (known){
            .id = message.id, .bytes = message.level.len + message.text.len};
}

static void take(life *l, uint64_t request, maker by)
{
    sx_flash_claim claim = {request, l->now, l->processes[by]};
    bool any = false;

    for (int i = 0; i < l->n; i++) {
        known *k = &l->list[i];

        if (k->request == request || held(l, k, by))
            continue;
        k->request = request;
        k->by = by;
        k->since = l->now;
        any = true;
    }
    MUST(sx_flash_take(l->session->messages, &claim) == any);
}

static void settle(life *l, uint64_t request, bool shown)
{
    int kept = 0;
    bool any = false;

    for (int i = 0; i < l->n; i++) {
        known k = l->list[i];

        if (k.request == request) {
            any = true;
            k.request = 0;
            if (shown)
                continue;
        }
        l->list[kept++] = k;
    }
    l->n = kept;
    MUST(sx_flash_settle(l->session->messages, request, shown) == any);
}

static void move_on(life *l)
{
    int kept = 0;

    for (int i = 0; i < l->n; i++) {
        if (held(l, &l->list[i], HERE))
            continue;
        l->list[i].request = 0;
        l->list[kept++] = l->list[i];
    }
    l->n = kept;
    sx_flash_move_on(l->session->messages, &l->processes[HERE], l->now);
}

static void seal_and_open(life *l)
{
    sx_str bytes = sx_encode(l->session, l->pool);

    l->session = sx_decode(bytes, l->pool);
    MUST(l->session != NULL);
}

static void compare(const life *l)
{
    const apr_array_header_t *messages = l->session->messages;
    int held_by[REQUESTS + 1] = {0};

    MUST(messages->nelts == l->n);
    for (int i = 0; i < l->n; i++) {
        const sx_message *m = &APR_ARRAY_IDX(messages, i, sx_message);

        MUST(m->id == l->list[i].id && m->claim.id == l->list[i].request);
        MUST(m->level.len + m->text.len == l->list[i].bytes);
        held_by[m->claim.id]++;
    }
    for (uint64_t request = 1; request <= REQUESTS; request++) {
        const apr_array_header_t *taken =
            sx_flash_taken(messages, request, l->pool);

        MUST((taken != NULL ? taken->nelts : 0) == held_by[request]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    life l = {.pool = pool_for_one(), .now = 1000000};

    l.session = sx_session_create(l.pool);
    l.processes[HERE] = sx_process_self();
    l.processes[DEAD] = l.processes[ELSEWHERE] = l.processes[HERE];
    l.processes[DEAD].born++;
    l.processes[ELSEWHERE].place++;
    while (in.left > 0) {
        unsigned step = (unsigned)fuzz_take(&in, 1);
        uint64_t request = 1 + (step >> 3) % REQUESTS;

        switch (step & 7) {
        case 0:
        case 1:
            queue(&l, &in);
            break;
        case 2:
        case 3:
            take(&l, request, (maker)(fuzz_take(&in, 1) % MAKERS));
            break;
        case 4:
            settle(&l, request, step >> 7);
            break;
        case 5:
            move_on(&l);
            break;
        case 6:
            l.now += (int64_t)fuzz_take(&in, 2) * 100;
            break;
        default:
            seal_and_open(&l);
            break;
        }
        compare(&l);
    }
    apr_pool_destroy(l.pool);
    return 0;
}
