/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_dump.h"

#include <inttypes.h>
#include <string.h>
#include <apr_strings.h>
#include <jansson.h>

#include "sx_copy_notes.h"
#include "sx_seal.h"

/* Beyond this no moment is one: 1e14 ms is the year 5138. */
#define MS_MAX INT64_C(100000000000000)

/* ---- writing ------------------------------------------------------------- */

const char *sx_dump_head(const char *store, uint64_t life, int64_t taken_ms,
                         apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "{\"htsession\":%d,\"store\":\"%s\","
                        "\"life\":\"%016" PRIx64 "\",\"taken\":%" PRId64 "}",
                        SX_DUMP_VERSION, store, life, taken_ms);
}

const char *sx_dump_record(const unsigned char *key, const sx_record_meta *meta,
                           sx_str bytes, apr_pool_t *pool)
{
    char hex[2 * SX_STORE_KEY_LEN + 1];
    const char *facts = apr_psprintf(
        pool,
        "{\"key\":\"%s\",\"kind\":\"%s\",\"ns\":\"%08x\","
        "\"tag\":\"%016" PRIx64 "\",\"handle\":\"%016" PRIx64 "\","
        "\"created\":%" PRId64 ",\"access\":%" PRId64 ",\"expires\":%" PRId64
        ",\"end\":%" PRId64 ",\"bytes\":\"",
        sx_hex(key, SX_STORE_KEY_LEN, hex), sx_kind_str(meta->kind), meta->ns,
        meta->user_tag, meta->handle, meta->created_ms, meta->last_access_ms,
        meta->expires_ms, meta->hard_end_ms);

    return apr_pstrcat(pool, facts, sx_to_text(bytes, pool).p, "\"}", NULL);
}

const char *sx_dump_end(uint64_t records, apr_pool_t *pool)
{
    return apr_psprintf(pool, "{\"records\":%" PRIu64 "}", records);
}

/* ---- reading ------------------------------------------------------------- */

/* An object and what is wrong with it; members are counted, so that one that
 * nobody has asked for is noticed. */
typedef struct reader {
    json_t *object;
    size_t asked;
    const char *why;
    apr_pool_t *pool;
} reader;

static void wrong(reader *in, const char *member, const char *accepted)
{
    if (!in->why)
        in->why = apr_pstrcat(in->pool, "\"", member, "\": accepted is ",
                              accepted, NULL);
}

static sx_str get_text(reader *in, const char *member, const char *accepted)
{
    const json_t *value = json_object_get(in->object, member);

    in->asked++;
    if (!json_is_string(value)) {
        wrong(in, member, accepted);
        return (sx_str){"", 0};
    }
    return (sx_str){json_string_value(value), json_string_length(value)};
}

static int64_t get_int(reader *in, const char *member, int64_t max,
                       const char *accepted)
{
    const json_t *value = json_object_get(in->object, member);
    int64_t number = 0;

    in->asked++;
    if (json_is_integer(value))
        number = json_integer_value(value);
    if (!json_is_integer(value) || number < -max || number > max) {
        wrong(in, member, accepted);
        return 0;
    }
    return number;
}

static int64_t get_ms(reader *in, const char *member)
{
    return get_int(in, member, MS_MAX,
                   "a moment in ms since 1970, up to the year 5138");
}

static void get_hex(reader *in, const char *member, unsigned char *bytes,
                    size_t len)
{
    const char *accepted = apr_psprintf(
        in->pool, "a string of %d hex digits in lower case", (int)(2 * len));
    sx_str text = get_text(in, member, accepted);

    memset(bytes, 0, len);
    if (text.len != strspn(text.p, "0123456789abcdef") ||
        !sx_unhex(text.p, len, bytes))
        wrong(in, member, accepted);
}

static uint64_t get_word(reader *in, const char *member, size_t len)
{
    unsigned char bytes[8];
    uint64_t word = 0;

    get_hex(in, member, bytes, len);
    for (size_t i = 0; i < len; i++)
        word = word << 8 | bytes[i];
    return word;
}

static sx_kind get_kind(reader *in)
{
    static const char accepted[] =
        "\"anonymous\", \"user\", \"alias\", \"epoch\" or \"tombstone\"";
    sx_str text = get_text(in, "kind", accepted);

    for (sx_kind kind = SX_ANONYMOUS; kind <= SX_TOMBSTONE; kind++)
        if (sx_str_eq(text, sx_str_of(sx_kind_str(kind))))
            return kind;
    wrong(in, "kind", accepted);
    return SX_ANONYMOUS;
}

static void read_record(reader *in, sx_dump_line *line)
{
    sx_record_meta *meta = &line->meta;
    sx_str text;

    get_hex(in, "key", line->key, sizeof line->key);
    if (sx_copy_is_note(line->key))
        wrong(in, "key", "no key of a note of htsession copy");
    meta->kind = get_kind(in);
    meta->ns = (uint32_t)get_word(in, "ns", 4);
    meta->user_tag = get_word(in, "tag", 8);
    meta->handle = get_word(in, "handle", 8);
    meta->created_ms = get_ms(in, "created");
    meta->last_access_ms = get_ms(in, "access");
    meta->expires_ms = get_ms(in, "expires");
    meta->hard_end_ms = get_ms(in, "end");
    text = get_text(in, "bytes", "a string");
    if (!sx_from_text(text, &line->bytes, in->pool))
        wrong(in, "bytes", "base64url without padding");
    if (!sx_record_meta_ok(meta))
        wrong(in, "end",
              "a moment not before \"expires\" and not before "
              "\"created\", at most ten years behind that");
}

static void read_head(reader *in, sx_dump_line *line)
{
    int64_t version = get_int(in, "htsession", INT64_MAX, "a number");

    if (version != SX_DUMP_VERSION && !in->why)
        in->why = apr_psprintf(in->pool,
                               "\"htsession\": the format has version "
                               "%" PRId64 ", accepted is %d",
                               version, SX_DUMP_VERSION);
    (void)get_text(in, "store", "a word");
    line->life = get_word(in, "life", 8);
    line->taken_ms = get_ms(in, "taken");
}

static void read_end(reader *in, sx_dump_line *line)
{
    int64_t records = get_int(in, "records", INT64_MAX, "a number");

    if (records < 0)
        wrong(in, "records", "a number that is not negative");
    line->records = (uint64_t)records;
}

static sx_dump_what read_object(reader *in, sx_dump_line *line)
{
    sx_dump_what what = SX_DUMP_RECORD;

    if (json_object_get(in->object, "htsession")) {
        what = SX_DUMP_HEAD;
        read_head(in, line);
    }
    else if (json_object_get(in->object, "records")) {
        what = SX_DUMP_END;
        read_end(in, line);
    }
    else {
        read_record(in, line);
    }
    if (!in->why && json_object_size(in->object) != in->asked)
        in->why = "it has a member that is not known";
    return in->why ? SX_DUMP_BAD : what;
}

sx_dump_what sx_dump_read(sx_str text, sx_dump_line *line, const char **why,
                          apr_pool_t *pool)
{
    reader in = {.pool = pool};
    sx_dump_what what = SX_DUMP_BAD;
    json_error_t error;

    memset(line, 0, sizeof *line);
    in.object = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!in.object)
        in.why = apr_psprintf(pool,
                              "byte %d: no JSON as it is accepted: one object "
                              "a line, no member twice",
                              error.position);
    else if (!json_is_object(in.object))
        in.why = "accepted is one JSON object a line";
    else
        what = read_object(&in, line);
    json_decref(in.object);
    *why = in.why;
    return what;
}
