/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_redis_walk.h"

#include <stdio.h>
#include <string.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include "sx_store_redis_record.h"

typedef struct walk {
    sx_redis_store *store;
    sx_store_visit *visit;
    void *baton;
    int64_t now_ms;
    apr_hash_t *shown; /* their keys */
    apr_pool_t *pool;
} walk;

/* Where the next part begins, from ${cursor}, and what is in this one. */
static sx_answer ask_part(walk *w, char cursor[24], redisReply **reply)
{
    char pattern[SX_REDIS_KEY_MAX];
    sx_redis_command command;
    sx_answer answer;
    size_t len;

    snprintf(pattern, sizeof pattern, "%s*", w->store->config.prefix);
    sx_redis_begin(w->store, &command, SX_REDIS_WALK, "0");
    sx_redis_add(&command, sx_str_of(cursor));
    sx_redis_add(&command, sx_str_of(pattern));
    answer = sx_redis_ask(w->store, &command, false, reply);
    if (answer != SX_STORE_OK)
        return answer;
    if ((*reply)->type != REDIS_REPLY_ARRAY || (*reply)->elements % 2 != 1)
        return sx_redis_nonsense(w->store, false, *reply);
    for (size_t i = 0; i < (*reply)->elements; i++)
        if ((*reply)->element[i]->type != REDIS_REPLY_STRING)
            return sx_redis_nonsense(w->store, false, *reply);
    len = (size_t)(*reply)->element[0]->len;
    if (len == 0 || len >= 24)
        return sx_redis_nonsense(w->store, false, *reply);
    memcpy(cursor, (*reply)->element[0]->str, len + 1);
    return SX_STORE_OK;
}

/* False: whoever is shown them has enough. */
static bool show(walk *w, const redisReply *name, const redisReply *head)
{
    const unsigned char *key =
        (const unsigned char *)name->str + w->store->prefix_len;
    sx_record_meta meta;
    size_t len;

    if ((size_t)name->len != w->store->prefix_len + SX_STORE_KEY_LEN ||
        memcmp(name->str, w->store->config.prefix, w->store->prefix_len) ||
        head->len != SX_REDIS_HEAD_LEN ||
        !sx_redis_head_open(head->str, &meta, &len) ||
        meta.expires_ms <= w->now_ms ||
        apr_hash_get(w->shown, key, SX_STORE_KEY_LEN))
        return true;
    key = apr_pmemdup(w->pool, key, SX_STORE_KEY_LEN);
    apr_hash_set(w->shown, key, SX_STORE_KEY_LEN, key);
    return w->visit(w->baton, key, &meta, len);
}

static bool show_part(walk *w, const redisReply *reply)
{
    bool wanted = true;

    for (size_t i = 1; i + 1 < reply->elements && wanted; i += 2)
        wanted = show(w, reply->element[i], reply->element[i + 1]);
    return wanted;
}

sx_answer sx_redis_each(sx_store *store, sx_store_visit *visit, void *baton,
                        int64_t now_ms, apr_pool_t *pool)
{
    walk w = {.store = (sx_redis_store *)store,
              .visit = visit,
              .baton = baton,
              .now_ms = now_ms,
              .shown = apr_hash_make(pool),
              .pool = pool};
    char cursor[24] = "0";
    sx_answer answer;
    redisReply *reply;
    bool wanted;

    do {
        answer = ask_part(&w, cursor, &reply);
        if (answer != SX_STORE_OK)
            return answer;
        wanted = show_part(&w, reply);
        freeReplyObject(reply);
    } while (wanted && strcmp(cursor, "0") != 0);
    return SX_STORE_OK;
}
