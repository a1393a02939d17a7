/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_patient.h"

#include <time.h>
#include "sx_sure.h"

#define PAUSE_MS  50
#define TRIES_MAX (SX_PATIENT_MS / PAUSE_MS)

static int64_t now_of(sx_store *store)
{
    return store->ops->clock_ms(store);
}

/* Once more?  A try takes its time, too, where a store has a deadline. */
static bool is_to_wait(sx_answer answer, int tries)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

    if (!sx_answer_is_outage(answer) || tries >= TRIES_MAX)
        return false;
    nanosleep(&pause, NULL);
    return true;
}

sx_answer sx_patient_get(sx_store *store, const unsigned char *key,
                         sx_str *bytes, sx_record_meta *meta, apr_pool_t *pool)
{
    sx_answer answer;
    int tries = 0;

    do
        answer =
            store->ops->get(store, key, bytes, meta, 0, now_of(store), pool);
    while (is_to_wait(answer, ++tries));
    return answer;
}

sx_answer sx_patient_put(sx_store *store, const unsigned char *key,
                         uint64_t token, sx_str bytes, sx_record_meta *meta,
                         apr_pool_t *pool)
{
    const sx_put put = {
        .key = key, .token = token, .bytes = bytes, .meta = meta};
    sx_answer answer;
    int tries = 0;

    /* What is not sure by then is for the caller. */
    do
        answer = sx_sure_put(store, &put, now_of(store), pool);
    while (answer != SX_STORE_UNKNOWN && is_to_wait(answer, ++tries));
    return answer;
}

sx_answer sx_patient_touch(sx_store *store, const unsigned char *key,
                           int64_t expires_ms, int64_t now_ms)
{
    sx_answer answer;
    int tries = 0;

    do
        answer = store->ops->touch(store, key, expires_ms, now_ms);
    while (is_to_wait(answer, ++tries));
    return answer;
}

sx_answer sx_patient_remove(sx_store *store, const unsigned char *key,
                            uint64_t token)
{
    bool was_lost = false;
    sx_answer answer;
    int tries = 0;

    do {
        answer = store->ops->remove(store, key, token);
        was_lost = was_lost || answer == SX_STORE_UNKNOWN;
    } while (is_to_wait(answer, ++tries));
    return was_lost && answer == SX_STORE_MISS ? SX_STORE_OK : answer;
}

typedef struct walk {
    sx_store_visit *visit;
    void *baton;
    bool begun;
} walk;

static bool show(void *baton, const unsigned char *key,
                 const sx_record_meta *meta, size_t bytes)
{
    walk *w = baton;

    w->begun = true;
    return w->visit(w->baton, key, meta, bytes);
}

sx_answer sx_patient_each(sx_store *store, sx_store_visit *visit,
                          void (*again)(void *baton), void *baton,
                          apr_pool_t *pool)
{
    walk w = {.visit = visit, .baton = baton};
    sx_answer answer;
    int tries = 0;

    do {
        if (again)
            again(baton);
        answer = store->ops->each(store, show, &w, now_of(store), pool);
    } while ((again || !w.begun) && is_to_wait(answer, ++tries));
    return answer;
}
