/* SPDX-License-Identifier: Apache-2.0 */
/* A dump in memory, for tests of dump, load and journal. */
#ifndef STREAM_H
#define STREAM_H

#include "shm_snapshot.h"
#include "util.h"

typedef struct stream {
    unsigned char *bytes;
    size_t len, room, at;
    /* Called before each piece that is written; no lock is held then. */
    void (*between)(void *baton, size_t piece);
    void *baton;
    size_t pieces, limit; /* limit: so many pieces and no more; 0: all */
} stream;

static inline bool stream_write(void *baton, const void *bytes, size_t len)
{
    stream *to = baton;

    if (to->between != NULL) {
        to->between(to->baton, to->pieces);
    }
    to->pieces++;
    if (to->limit != 0 && to->pieces > to->limit) {
        return false;
    }
    if (to->len + len > to->room) {
        to->room = (to->len + len) * 2;
        to->bytes = realloc(to->bytes, to->room);
    }
    memcpy(to->bytes + to->len, bytes, len);
    to->len += len;
    return true;
}

static inline bool stream_read(void *baton, void *bytes, size_t len)
{
    stream *from = baton;

    if (from->len - from->at < len) {
        return false;
    }
    memcpy(bytes, from->bytes + from->at, len);
    from->at += len;
    return true;
}

static inline shm_status dump_to(shm_store *store, stream *to,
                                 uint64_t generation, int64_t now_ms)
{
    shm_dump_sink sink = {
        .write = stream_write, .baton = to, .generation = generation};
    shm_dump_report report;

    to->len = to->pieces = 0;
    return shm_store_dump(store, &sink, now_ms, &report);
}

static inline shm_status load_from(shm_store *store, stream *from, bool force,
                                   int64_t now_ms, shm_load_report *report)
{
    shm_load_source source = {
        .read = stream_read, .baton = from, .force = force};

    from->at = 0;
    return shm_store_load(store, &source, now_ms, report);
}

static inline uint64_t count_of(shm_store *store)
{
    shm_stats stats;

    return shm_store_stats(store, &stats) == SST_OK ? stats.records
                                                    : UINT64_MAX;
}

#endif
