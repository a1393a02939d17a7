/* SPDX-License-Identifier: Apache-2.0 */
/* See sx_copy_notes.h. */
#include "sx_copy_notes.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include "sx_patient.h"

#define FORMAT   1
#define HEAD_LEN 8
#define BITS_MAX 10
#define ABOUT    256 /* notes of a bucket, if there are not too many */
#define HEAD     UINT64_MAX
#define TRIES    20 /* of a lost race */

/* As in the record. */
typedef struct shape {
    unsigned char key[SX_STORE_KEY_LEN];
    uint64_t from_token, to_token, expires_ms, hard_end_ms;
} shape;

_Static_assert(sizeof(shape) == 64, "format");

static const char name[16] = "copied sessions";

/* Buckets of other bits have other keys: so new ones are there before the head
 * names them. */
static void note_key(uint64_t life, int bits, uint64_t bucket,
                     unsigned char key[SX_STORE_KEY_LEN])
{
    if (bucket != HEAD)
        bucket |= (uint64_t)bits << 32;
    life = htole64(life);
    bucket = htole64(bucket);
    memcpy(key, name, sizeof name);
    memcpy(key + sizeof name, &life, sizeof life);
    memcpy(key + sizeof name + sizeof life, &bucket, sizeof bucket);
}

bool sx_copy_is_note(const unsigned char *key)
{
    return memcmp(key, name, sizeof name) == 0;
}

static uint64_t bucket_of(const unsigned char *key, int bits)
{
    return (uint64_t)(key[0] << 8 | key[1]) >> (16 - bits);
}

static int bits_for(size_t count)
{
    int bits = 0;

    while (bits < BITS_MAX && count >> bits > ABOUT)
        bits++;
    return bits;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const sx_copy_note *)a)->key,
                  ((const sx_copy_note *)b)->key, SX_STORE_KEY_LEN);
}

/* ---- reading ------------------------------------------------------------- */

static sx_copy_note note_from(const unsigned char *bytes)
{
    sx_copy_note note = {.there = false};
    shape s;

    memcpy(&s, bytes, sizeof s);
    memcpy(note.key, s.key, sizeof s.key);
    note.from_token = le64toh(s.from_token);
    note.to_token = le64toh(s.to_token);
    note.expires_ms = (int64_t)le64toh(s.expires_ms);
    note.hard_end_ms = (int64_t)le64toh(s.hard_end_ms);
    return note;
}

/* False: it is none of ours. */
static bool add_bucket(sx_copy_notes *notes, sx_str bytes)
{
    if (bytes.len < HEAD_LEN || bytes.p[0] != FORMAT ||
        bytes.p[1] != notes->bits ||
        (bytes.len - HEAD_LEN) % sizeof(shape) != 0)
        return false;
    for (size_t at = HEAD_LEN; at < bytes.len; at += sizeof(shape))
        APR_ARRAY_PUSH(notes->known, sx_copy_note) =
            note_from((const unsigned char *)bytes.p + at);
    return true;
}

/* OK with -1: there are none. */
static sx_answer read_bits(sx_store *to, uint64_t life, int *bits,
                           apr_pool_t *pool)
{
    unsigned char key[SX_STORE_KEY_LEN];
    sx_record_meta meta;
    sx_str bytes;
    sx_answer answer;

    *bits = -1;
    note_key(life, 0, HEAD, key);
    answer = sx_patient_get(to, key, &bytes, &meta, pool);
    if (answer != SX_STORE_OK)
        return answer == SX_STORE_MISS ? SX_STORE_OK : answer;
    if (bytes.len != HEAD_LEN || bytes.p[0] != FORMAT ||
        (unsigned char)bytes.p[1] > BITS_MAX)
        return SX_STORE_DAMAGED;
    *bits = (unsigned char)bytes.p[1];
    return SX_STORE_OK;
}

sx_answer sx_copy_notes_read(sx_store *to, uint64_t life, sx_copy_notes *notes,
                             apr_pool_t *pool)
{
    sx_answer answer = read_bits(to, life, &notes->bits, pool);
    const uint64_t buckets = notes->bits < 0 ? 0 : 1U << notes->bits;
    apr_pool_t *each;

    notes->known = apr_array_make(pool, 64, sizeof(sx_copy_note));
    notes->added = apr_array_make(pool, 64, sizeof(sx_copy_note));
    apr_pool_create(&each, pool);
    for (uint64_t i = 0; i < buckets && answer == SX_STORE_OK; i++) {
        unsigned char key[SX_STORE_KEY_LEN];
        sx_record_meta meta;
        sx_str bytes;

        apr_pool_clear(each);
        note_key(life, notes->bits, i, key);
        answer = sx_patient_get(to, key, &bytes, &meta, each);
        if (answer == SX_STORE_OK && !add_bucket(notes, bytes))
            answer = SX_STORE_DAMAGED;
        else if (answer == SX_STORE_MISS)
            answer = SX_STORE_OK;
    }
    apr_pool_destroy(each);
    qsort(notes->known->elts, (size_t)notes->known->nelts, sizeof(sx_copy_note),
          by_key);
    return answer;
}

void sx_copy_notes_turn(sx_copy_notes *notes, int64_t shift_ms)
{
    notes->bits = -1;
    for (int i = 0; i < notes->known->nelts; i++) {
        sx_copy_note *note = &APR_ARRAY_IDX(notes->known, i, sx_copy_note);
        uint64_t token = note->from_token;

        note->from_token = note->to_token;
        note->to_token = token;
        note->expires_ms += shift_ms;
        note->hard_end_ms += shift_ms;
    }
}

sx_copy_note *sx_copy_note_of(const sx_copy_notes *notes,
                              const unsigned char *key)
{
    sx_copy_note wanted;

    memset(&wanted, 0, sizeof wanted);
    memcpy(wanted.key, key, sizeof wanted.key);
    return bsearch(&wanted, notes->known->elts, (size_t)notes->known->nelts,
                   sizeof(sx_copy_note), by_key);
}

sx_copy_note *sx_copy_note_add(sx_copy_notes *notes, const unsigned char *key)
{
    sx_copy_note *note = apr_array_push(notes->added);

    *note = (sx_copy_note){.there = true, .seen = true};
    memcpy(note->key, key, sizeof note->key);
    return note;
}

/* ---- writing ------------------------------------------------------------- */

static void note_to(const sx_copy_note *note, unsigned char *bytes)
{
    shape s = {.from_token = htole64(note->from_token),
               .to_token = htole64(note->to_token),
               .expires_ms = htole64((uint64_t)note->expires_ms),
               .hard_end_ms = htole64((uint64_t)note->hard_end_ms)};

    memcpy(s.key, note->key, sizeof s.key);
    memcpy(bytes, &s, sizeof s);
}

static sx_answer remove_bucket(sx_store *to, const unsigned char *key)
{
    sx_answer answer = sx_patient_remove(to, key, 0);

    return answer == SX_STORE_MISS ? SX_STORE_OK : answer;
}

/* Once more if another copy is at it, too. */
static sx_answer put_bucket(sx_store *to, const unsigned char *key,
                            sx_str bytes, int64_t end_ms, apr_pool_t *pool)
{
    sx_answer answer = SX_STORE_CHANGED;

    for (int i = 0;
         i < TRIES && (answer == SX_STORE_CHANGED || answer == SX_STORE_GONE);
         i++) {
        const int64_t now_ms = to->ops->clock_ms(to);
        sx_record_meta had = {.token = 0}, put = {.kind = SX_EPOCH};
        sx_str there;

        answer = sx_patient_get(to, key, &there, &had, pool);
        if (answer == SX_STORE_OK && sx_str_eq(there, bytes) &&
            had.hard_end_ms >= end_ms)
            return SX_STORE_OK;
        if (answer != SX_STORE_OK && answer != SX_STORE_MISS)
            return answer;
        put.created_ms = put.last_access_ms = now_ms;
        put.hard_end_ms = end_ms < now_ms + SX_RECORD_LIFE_MAX_MS
                              ? end_ms
                              : now_ms + SX_RECORD_LIFE_MAX_MS;
        put.expires_ms = put.hard_end_ms;
        answer = sx_patient_put(to, key, answer == SX_STORE_OK ? had.token : 0,
                                bytes, &put, pool);
    }
    return answer;
}

/* Where buckets go to. */
typedef struct target {
    sx_store *to;
    uint64_t life;
    int bits;
    int64_t shift_ms;
    int64_t end_ms; /* of them all */
    apr_pool_t *pool;
} target;

/* ${count} notes; without any there is no bucket, but a head. */
static sx_answer write_bucket(target *at, uint64_t bucket,
                              const sx_copy_note *notes, size_t count)
{
    size_t len = HEAD_LEN + count * sizeof(shape);
    unsigned char *bytes = apr_pcalloc(at->pool, len);
    int64_t end_ms = at->to->ops->clock_ms(at->to) + 1000;
    unsigned char key[SX_STORE_KEY_LEN];

    note_key(at->life, at->bits, bucket, key);
    if (count == 0 && bucket != HEAD)
        return remove_bucket(at->to, key);
    bytes[0] = FORMAT;
    bytes[1] = (unsigned char)at->bits;
    for (size_t i = 0; i < count; i++) {
        note_to(&notes[i], bytes + HEAD_LEN + i * sizeof(shape));
        if (notes[i].hard_end_ms + at->shift_ms > end_ms)
            end_ms = notes[i].hard_end_ms + at->shift_ms;
    }
    if (end_ms > at->end_ms)
        at->end_ms = end_ms;
    return put_bucket(at->to, key, (sx_str){(const char *)bytes, len},
                      bucket == HEAD ? at->end_ms : end_ms, at->pool);
}

static apr_array_header_t *seen_ones(const sx_copy_notes *notes,
                                     apr_pool_t *pool)
{
    apr_array_header_t *all =
        apr_array_append(pool, notes->known, notes->added);
    sx_copy_note *list = (sx_copy_note *)all->elts;
    int kept = 0;

    for (int i = 0; i < all->nelts; i++)
        if (list[i].seen)
            list[kept++] = list[i];
    all->nelts = kept;
    qsort(list, (size_t)kept, sizeof *list, by_key);
    return all;
}

static sx_answer write_buckets(target *at, const sx_copy_note *list,
                               size_t count)
{
    sx_answer answer = SX_STORE_OK;
    size_t begin = 0;

    for (uint64_t i = 0; i < 1U << at->bits && answer == SX_STORE_OK; i++) {
        size_t end = begin;

        while (end < count && bucket_of(list[end].key, at->bits) == i)
            end++;
        apr_pool_clear(at->pool);
        answer = write_bucket(at, i, list + begin, end - begin);
        begin = end;
    }
    return answer;
}

static sx_answer remove_buckets(sx_store *to, uint64_t life, int bits)
{
    const uint64_t buckets = bits < 0 ? 0 : 1U << bits;
    sx_answer answer = SX_STORE_OK;

    for (uint64_t i = 0; i < buckets && answer == SX_STORE_OK; i++) {
        unsigned char key[SX_STORE_KEY_LEN];

        note_key(life, bits, i, key);
        answer = remove_bucket(to, key);
    }
    return answer;
}

sx_answer sx_copy_notes_write(sx_store *to, uint64_t life,
                              const sx_copy_notes *notes, int64_t shift_ms,
                              apr_pool_t *pool)
{
    const apr_array_header_t *all = seen_ones(notes, pool);
    target at = {.to = to,
                 .life = life,
                 .bits = bits_for((size_t)all->nelts),
                 .shift_ms = shift_ms};
    sx_answer answer;

    apr_pool_create(&at.pool, pool);
    answer =
        write_buckets(&at, (const sx_copy_note *)all->elts, (size_t)all->nelts);
    if (answer == SX_STORE_OK)
        answer = write_bucket(&at, HEAD, NULL, 0);
    if (answer == SX_STORE_OK && notes->bits != at.bits)
        answer = remove_buckets(to, life, notes->bits);
    apr_pool_destroy(at.pool);
    return answer;
}

/* The head last: while it is there the rest can be found. */
sx_answer sx_copy_notes_remove(sx_store *to, uint64_t life, apr_pool_t *pool)
{
    unsigned char key[SX_STORE_KEY_LEN];
    int bits;
    sx_answer answer = read_bits(to, life, &bits, pool);

    if (answer != SX_STORE_OK || bits < 0)
        return answer;
    answer = remove_buckets(to, life, bits);
    note_key(life, 0, HEAD, key);
    return answer == SX_STORE_OK ? remove_bucket(to, key) : answer;
}
