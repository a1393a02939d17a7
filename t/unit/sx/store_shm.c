/* SPDX-License-Identifier: Apache-2.0 */
/* The shared-memory backend keeps the contract of a store: each answer by its
 * name, and beside the bytes what was put beside them. */
#include "stage.h"

static stage at;
static sx_store *store;
static char last_log[200];

static void note_log(sx_log_level level, const char *message)
{
    (void)level;
    snprintf(last_log, sizeof(last_log), "%s", message);
}

static const unsigned char *key_of(unsigned no)
{
    unsigned char *key = apr_pcalloc(at.pool, SX_STORE_KEY_LEN);

    memcpy(key, &no, sizeof(no));
    return key;
}

static sx_record_meta meta_of(sx_kind kind)
{
    return (sx_record_meta){.kind = kind,
                            .ns = 77,
                            .user_tag = 88,
                            .handle = 99,
                            .created_ms = at.now.boot_ms,
                            .last_access_ms = at.now.boot_ms,
                            .expires_ms = at.now.boot_ms + MINUTE,
                            .hard_end_ms = at.now.boot_ms + HOUR};
}

static sx_answer put(unsigned no, uint64_t token, sx_str bytes,
                     sx_record_meta *meta)
{
    return store->ops->put_if(store, key_of(no), token, bytes, meta,
                              at.now.boot_ms);
}

static sx_answer get(unsigned no, sx_str *bytes, sx_record_meta *meta)
{
    return store->ops->get(store, key_of(no), bytes, meta, 0, at.now.boot_ms,
                           at.pool);
}

static void test_answers(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    sx_str bytes = sx_str_of("value"), got;
    uint64_t first;

    is_int(get(1, &got, &found), SX_STORE_MISS, "what is not there is a miss");
    is_int(put(1, 7, bytes, &meta), SX_STORE_GONE,
           "a put with a token makes nothing");
    is_int(put(1, 0, bytes, &meta), SX_STORE_OK, "a put without one does");
    first = meta.token;
    is_int(get(1, &got, &found), SX_STORE_OK, "it is there");
    ok(sx_str_eq(got, bytes), "with its bytes");
    ok(first != 0 && found.token == first, "and its token");
    is_int(put(1, 0, bytes, &meta), SX_STORE_CHANGED, "once");
    is_int(put(1, first + 1, bytes, &meta), SX_STORE_CHANGED,
           "another token is told so");
    is_int(put(1, first, sx_str_of("new"), &meta), SX_STORE_OK,
           "its own replaces it");
    ok(meta.token > first, "by a larger one");
    is_int(store->ops->remove(store, key_of(1), first), SX_STORE_CHANGED,
           "an old token removes nothing");
    is_int(store->ops->remove(store, key_of(1), meta.token), SX_STORE_OK,
           "its own removes it");
    is_int(store->ops->remove(store, key_of(1), 0), SX_STORE_MISS, "once");
    is_int(store->ops->touch(store, key_of(1), at.now.boot_ms, at.now.boot_ms),
           SX_STORE_MISS, "and there is nothing to touch");
}

static void test_beside(void)
{
    static const sx_kind kinds[] = {SX_ANONYMOUS, SX_USER, SX_ALIAS};
    sx_record_meta meta, found;
    sx_str got;

    for (unsigned i = 0; i < 3; i++) {
        meta = meta_of(kinds[i]);
        if (put(10 + i, 0, sx_str_of(""), &meta) != SX_STORE_OK ||
            get(10 + i, &got, &found) != SX_STORE_OK)
            stage_give_up("put and get");
        ok(found.kind == kinds[i] && got.len == 0, "kind %d is kept",
           (int)kinds[i]);
    }
    ok(found.ns == 77 && found.user_tag == 88 && found.handle == 99,
       "so are namespace, tag and handle");
    ok(found.created_ms == meta.created_ms &&
           found.last_access_ms == meta.last_access_ms &&
           found.expires_ms == meta.expires_ms &&
           found.hard_end_ms == meta.hard_end_ms,
       "and the four times");
    meta.kind = SX_USER;
    meta.created_ms = meta.hard_end_ms + 1;
    is_int(put(20, 0, sx_str_of(""), &meta), SX_STORE_UNAVAILABLE,
           "times that contradict each other are not stored");
}

static void test_times(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    sx_now now = at.now;
    sx_str got;

    if (put(30, 0, sx_str_of("x"), &meta) != SX_STORE_OK)
        stage_give_up("put");
    stage_pass(&at, MINUTE - SECOND);
    is_int(get(30, &got, &found), SX_STORE_OK, "before its end it is there");
    is_int(store->ops->touch(store, key_of(30), at.now.boot_ms + MINUTE,
                             at.now.boot_ms),
           SX_STORE_OK, "an access moves the end");
    stage_pass(&at, 2 * SECOND);
    is_int(get(30, &got, &found), SX_STORE_OK, "so that it still is");
    is_int(found.expires_ms, now.boot_ms + 2 * MINUTE - SECOND,
           "up to the new end");
    stage_pass(&at, MINUTE);
    is_int(get(30, &got, &found), SX_STORE_MISS, "then it is a miss");
    is_int(store->ops->get(store, key_of(30), &got, &found, MINUTE,
                           at.now.boot_ms, at.pool),
           SX_STORE_OK, "within a grace it can be had");
    is_int(store->ops->touch(store, key_of(30), at.now.boot_ms + MINUTE,
                             at.now.boot_ms),
           SX_STORE_MISS, "but no access revives it");
}

static void test_sizes(void)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000, 256 * 1024};
    char *bytes = apr_palloc(at.pool, 256 * 1024 + 1);

    for (size_t i = 0; i < 256 * 1024 + 1; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        sx_record_meta meta = meta_of(SX_USER), found;
        sx_str value = {bytes, sizes[i]}, got;

        ok(put(40 + i, 0, value, &meta) == SX_STORE_OK &&
               get(40 + i, &got, &found) == SX_STORE_OK &&
               sx_str_eq(got, value),
           "%lu bytes come back", (unsigned long)sizes[i]);
        store->ops->remove(store, key_of(40 + i), 0);
    }
    {
        sx_record_meta meta = meta_of(SX_USER);

        is_int(put(50, 0, (sx_str){bytes, 256 * 1024 + 1}, &meta),
               SX_STORE_TOOBIG, "more than a record may have does not");
    }
}

static void test_queue(void)
{
    is_int(store->ops->queue_enter(store, key_of(60), 10), SX_STORE_OK,
           "the queue of a key is entered");
    store->ops->queue_leave(store, key_of(60));
    is_int(store->ops->queue_enter(store, key_of(60), 10), SX_STORE_OK,
           "and left");
    store->ops->queue_leave(store, key_of(60));
}

static void test_full(void)
{
    char *bytes = apr_pcalloc(at.pool, 1000);
    sx_answer answer = SX_STORE_OK;
    unsigned no;

    sx_log_set(note_log);
    for (no = 1000; no < 100000 && answer == SX_STORE_OK; no++) {
        sx_record_meta meta = meta_of(SX_USER);

        answer = put(no, 0, (sx_str){bytes, 1000}, &meta);
    }
    is_int(answer, SX_STORE_FULL, "a full store says so");
    ok(strstr(last_log, "no room") != NULL, "and the log says why");
    stage_end(&at);
    stage_begin_with(&at, MIB, SST_EVICT);
    store = at.realm.store;
    sx_log_set(note_log);
    bytes = apr_pcalloc(at.pool, 1000);
    answer = SX_STORE_OK;
    for (no = 1000; no < 4000 && answer == SX_STORE_OK; no++) {
        sx_record_meta meta = meta_of(SX_ANONYMOUS);

        answer = put(no, 0, (sx_str){bytes, 1000}, &meta);
    }
    is_int(answer, SX_STORE_OK, "one that evicts goes on");
    ok(strstr(last_log, "evicted") != NULL, "and the log says so");
}

int main(void)
{
    apr_initialize();
    stage_begin(&at);
    store = at.realm.store;
    test_answers();
    test_beside();
    test_times();
    test_sizes();
    test_queue();
    test_full();
    stage_end(&at);
    return done_testing();
}
