/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session <-> bytes.  Integers are little-endian.
 *
 *   head     format 1 | flags 1 (bit 0: persist) | idle_s 4 | version 8 |
 *            handle 8 | created_s 8 | login_s 8 | id_born_ms 8 | epoch 8 |
 *            entries 2 | messages 1
 *   flagged  seat 8 (bit 1) | client's User-Agent 4 (bit 2) | address 4
 *            (bit 3) | TLS 4 (bit 4): each there if its bit is set, and not 0
 *   entry    type 1 | key length 1 | value length v | key | value
 *   message  id 8 | level length 1 | text length v | level | text, and if
 *            anybody has taken one (bit 5), 1 byte more: 0, or 1 and the
 *            claim: id 8 | since_ms 8 | place 8 | born 8 | pid 4
 *
 * v is a LEB128 number of 1..4 bytes and no longer than it must be.  There is
 * one way to write each session, so decode(bytes) implies encode(decode(bytes))
 * == bytes: whatever is unknown, spare, doubled or left over is refused.
 * Both directions hold entries and messages against the same predicates.
 */
#include <endian.h>
#include <string.h>
#include <apr_strings.h>
#include "sx_codec.h"

enum { FORMAT = 2 };
enum {
    FLAG_PERSIST = 1,
    FLAG_SEAT = 2,
    FLAG_CLIENT = 4, /* and the next bits, one a part */
    FLAG_CLAIMS = 32
};

_Static_assert(FLAG_CLIENT << SX_CLIENT_PARTS == FLAG_CLAIMS, "own bits");

#define HEAD_LEN        57
#define ENTRY_LEN_MIN   4  /* with a key of one byte */
#define MESSAGE_LEN_MIN 11 /* with a level of one byte */
#define CLAIM_LEN       36
#define LENGTH_MAX      0x0fffffffU

_Static_assert(HEAD_LEN == 1 + 1 + 4 + 6 * 8 + 2 + 1, "head");
_Static_assert(SX_KEY_MAX < 256 && SX_LEVEL_MAX < 256, "lengths of one byte");
_Static_assert(SX_KEYS_MAX < 65536 && SX_FLASH_MAX < 256, "counts");

static bool entry_ok(const sx_entry *entry)
{
    return entry->key.len >= 1 && entry->key.len <= SX_KEY_MAX &&
           entry->value.len <= LENGTH_MAX &&
           sx_type_accepts(entry->type, entry->value);
}

static bool message_ok(const sx_message *message)
{
    return sx_is_level(message->level) && message->text.len <= SX_FLASH_BYTES;
}

static size_t length_size(size_t len)
{
    return len < (1U << 7)    ? 1
           : len < (1U << 14) ? 2
           : len < (1U << 21) ? 3
                              : 4;
}

static unsigned flags_of(const sx_session *session)
{
    unsigned flags = session->persist ? FLAG_PERSIST : 0;

    flags |= session->seat ? FLAG_SEAT : 0;
    for (unsigned i = 0; i < SX_CLIENT_PARTS; i++) {
        flags |= session->client[i] ? (unsigned)FLAG_CLIENT << i : 0;
    }
    return flags;
}

/* Bytes of what is there only if its flag is set. */
static size_t flagged_len(unsigned flags)
{
    size_t len = flags & FLAG_SEAT ? 8 : 0;

    for (unsigned i = 0; i < SX_CLIENT_PARTS; i++) {
        len += flags & (unsigned)FLAG_CLIENT << i ? 4 : 0;
    }
    return len;
}

static bool has_claims(const sx_session *session)
{
    for (int i = 0; i < session->messages->nelts; i++) {
        if (APR_ARRAY_IDX(session->messages, i, sx_message).claim.id != 0) {
            return true;
        }
    }
    return false;
}

/* The size of the encoded session, or 0 if it must not be encoded. */
static size_t measure(const sx_session *session)
{
    size_t size = HEAD_LEN + flagged_len(flags_of(session)), texts = 0;
    bool claims = has_claims(session);

    if (session->entries->nelts > SX_KEYS_MAX ||
        session->messages->nelts > SX_FLASH_MAX) {
        return 0;
    }
    for (int i = 0; i < session->entries->nelts; i++) {
        const sx_entry *e = &APR_ARRAY_IDX(session->entries, i, sx_entry);

        if (!entry_ok(e)) {
            return 0;
        }
        size += 2 + length_size(e->value.len) + e->key.len + e->value.len;
    }
    for (int i = 0; i < session->messages->nelts; i++) {
        const sx_message *m = &APR_ARRAY_IDX(session->messages, i, sx_message);

        if (!message_ok(m)) {
            return 0;
        }
        texts += m->text.len;
        size += 9 + length_size(m->text.len) + m->level.len + m->text.len;
        size += claims ? 1 : 0;
        size += m->claim.id != 0 ? CLAIM_LEN : 0;
    }
    return texts <= SX_FLASH_BYTES ? size : 0;
}

static char *put_int(char *p, uint64_t value, size_t width)
{
    value = htole64(value);
    memcpy(p, &value, width);
    return p + width;
}

static char *put_length(char *p, size_t len)
{
    while (len >= 0x80) {
        *p++ = (char)(unsigned char)(0x80 | (len & 0x7f));
        len >>= 7;
    }
    *p++ = (char)(unsigned char)len;
    return p;
}

static char *put_bytes(char *p, sx_str s)
{
    if (s.len > 0) {
        memcpy(p, s.p, s.len);
    }
    return p + s.len;
}

static char *put_head(char *p, const sx_session *session)
{
    p = put_int(p, FORMAT, 1);
    p = put_int(p, flags_of(session) | (has_claims(session) ? FLAG_CLAIMS : 0),
                1);
    p = put_int(p, session->idle_s, 4);
    p = put_int(p, session->version, 8);
    p = put_int(p, session->handle, 8);
    p = put_int(p, (uint64_t)session->created_s, 8);
    p = put_int(p, (uint64_t)session->login_s, 8);
    p = put_int(p, (uint64_t)session->id_born_ms, 8);
    p = put_int(p, session->epoch, 8);
    p = put_int(p, (uint64_t)session->entries->nelts, 2);
    p = put_int(p, (uint64_t)session->messages->nelts, 1);
    p = session->seat ? put_int(p, session->seat, 8) : p;
    for (unsigned i = 0; i < SX_CLIENT_PARTS; i++) {
        p = session->client[i] ? put_int(p, session->client[i], 4) : p;
    }
    return p;
}

static char *put_claim(char *p, const sx_flash_claim *claim)
{
    p = put_int(p, claim->id != 0, 1);
    if (claim->id == 0) {
        return p;
    }
    p = put_int(p, claim->id, 8);
    p = put_int(p, (uint64_t)claim->since_ms, 8);
    p = put_int(p, claim->by.place, 8);
    p = put_int(p, claim->by.born, 8);
    return put_int(p, claim->by.pid, 4);
}

sx_str sx_encode(const sx_session *session, apr_pool_t *pool)
{
    size_t size = measure(session);
    bool claims = has_claims(session);
    char *bytes, *p;

    if (size == 0) {
        return (sx_str){NULL, 0};
    }
    bytes = apr_palloc(pool, size);
    p = put_head(bytes, session);
    for (int i = 0; i < session->entries->nelts; i++) {
        const sx_entry *e = &APR_ARRAY_IDX(session->entries, i, sx_entry);

        p = put_int(p, (uint64_t)e->type, 1);
        p = put_int(p, e->key.len, 1);
        p = put_length(p, e->value.len);
        p = put_bytes(p, e->key);
        p = put_bytes(p, e->value);
    }
    for (int i = 0; i < session->messages->nelts; i++) {
        const sx_message *m = &APR_ARRAY_IDX(session->messages, i, sx_message);

        p = put_int(p, m->id, 8);
        p = put_int(p, m->level.len, 1);
        p = put_length(p, m->text.len);
        p = put_bytes(p, m->level);
        p = put_bytes(p, m->text);
        p = claims ? put_claim(p, &m->claim) : p;
    }
    return (sx_str){bytes, size};
}

/* What is still to be read.  After a read too far `bad` stays set and every
 * further read gives zeros, so that only the end need look. */
typedef struct reader {
    const unsigned char *p;
    size_t left;
    bool claims; /* somebody has taken a message */
    bool bad;
} reader;

static const unsigned char *get_bytes(reader *in, size_t len)
{
    const unsigned char *p = in->p;

    if (len > in->left) {
        in->bad = true;
        in->left = 0;
        return NULL;
    }
    in->p += len;
    in->left -= len;
    return p;
}

static uint64_t get_int(reader *in, size_t width)
{
    const unsigned char *p = get_bytes(in, width);
    uint64_t value = 0;

    if (p != NULL) {
        memcpy(&value, p, width);
    }
    return le64toh(value);
}

static size_t get_length(reader *in)
{
    size_t value = 0;

    for (unsigned shift = 0; shift < 28; shift += 7) {
        size_t byte = (size_t)get_int(in, 1);

        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            /* A last byte of 0 adds nothing: a longer text of this number. */
            in->bad = in->bad || (byte == 0 && shift > 0);
            return value;
        }
    }
    in->bad = true;
    return 0;
}

static sx_str get_str(reader *in, size_t len)
{
    const unsigned char *p = get_bytes(in, len);

    return p != NULL ? (sx_str){(const char *)p, len} : (sx_str){"", 0};
}

static bool get_entries(reader *in, apr_array_header_t *entries, int count)
{
    for (int i = 0; i < count; i++) {
        sx_entry *e = apr_array_push(entries);
        size_t key_len, value_len;

        e->type = (sx_type)get_int(in, 1);
        key_len = (size_t)get_int(in, 1);
        value_len = get_length(in);
        e->key = get_str(in, key_len);
        e->value = get_str(in, value_len);
        if (in->bad || !entry_ok(e)) {
            return false;
        }
    }
    return true;
}

static void get_claim(reader *in, sx_flash_claim *claim)
{
    uint64_t claimed = in->claims ? get_int(in, 1) : 0;

    *claim = (sx_flash_claim){0};
    if (claimed == 0) {
        return;
    }
    claim->id = get_int(in, 8);
    claim->since_ms = (int64_t)get_int(in, 8);
    claim->by.place = get_int(in, 8);
    claim->by.born = get_int(in, 8);
    claim->by.pid = (uint32_t)get_int(in, 4);
    in->bad = in->bad || claimed != 1 || claim->id == 0;
}

static bool get_messages(reader *in, apr_array_header_t *messages, int count)
{
    size_t texts = 0;

    for (int i = 0; i < count; i++) {
        sx_message *m = apr_array_push(messages);
        size_t level_len, text_len;

        m->id = get_int(in, 8);
        level_len = (size_t)get_int(in, 1);
        text_len = get_length(in);
        m->level = get_str(in, level_len);
        m->text = get_str(in, text_len);
        get_claim(in, &m->claim);
        texts += m->text.len;
        if (in->bad || !message_ok(m)) {
            return false;
        }
    }
    return texts <= SX_FLASH_BYTES;
}

static uint32_t hash_key(sx_str key)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.p[i]) * 16777619U;
    }
    return hash ^ (hash >> 15);
}

/* Is a key there twice?  Through a table at most half full: keys chosen to
 * meet in one slot make it as slow as comparing all pairs, half a millisecond
 * for the most keys allowed, and no slower. */
static bool has_twins(const apr_array_header_t *array)
{
    const sx_entry *entries = (const sx_entry *)array->elts;
    uint16_t table[2 * SX_KEYS_MAX]; /* index + 1; 0: free */
    uint32_t mask = 15;

    while (mask + 1 < 2 * (uint32_t)array->nelts) {
        mask = 2 * mask + 1;
    }
    memset(table, 0, (mask + 1) * sizeof(table[0]));
    for (int i = 0; i < array->nelts; i++) {
        uint32_t slot = hash_key(entries[i].key) & mask;

        while (table[slot] != 0) {
            if (sx_str_eq(entries[table[slot] - 1].key, entries[i].key)) {
                return true;
            }
            slot = (slot + 1) & mask;
        }
        table[slot] = (uint16_t)(i + 1);
    }
    return false;
}

_Static_assert((SX_KEYS_MAX & (SX_KEYS_MAX - 1)) == 0, "table of has_twins");

/* What is there only if its flag is set; then it is not 0. */
static bool get_flagged(reader *in, unsigned flags, sx_session *session)
{
    session->seat = flags & FLAG_SEAT ? get_int(in, 8) : 0;
    for (unsigned i = 0; i < SX_CLIENT_PARTS; i++) {
        session->client[i] =
            flags & (unsigned)FLAG_CLIENT << i ? (uint32_t)get_int(in, 4) : 0;
    }
    in->claims = (flags & FLAG_CLAIMS) != 0;
    return flags_of(session) == (flags & ~(unsigned)FLAG_CLAIMS);
}

/* The head, with arrays of the right size.  NULL if it is not one. */
static sx_session *get_head(reader *in, int *entries, int *messages,
                            apr_pool_t *pool)
{
    sx_session *session = apr_pcalloc(pool, sizeof(*session));
    uint64_t format = get_int(in, 1);
    unsigned flags = (unsigned)get_int(in, 1);

    session->pool = pool;
    session->persist = (flags & FLAG_PERSIST) != 0;
    session->idle_s = (uint32_t)get_int(in, 4);
    session->version = get_int(in, 8);
    session->handle = get_int(in, 8);
    session->created_s = (int64_t)get_int(in, 8);
    session->login_s = (int64_t)get_int(in, 8);
    session->id_born_ms = (int64_t)get_int(in, 8);
    session->epoch = get_int(in, 8);
    *entries = (int)get_int(in, 2);
    *messages = (int)get_int(in, 1);
    /* Counts are held against the bytes that are there before anything is
     * allocated by them. */
    if (!get_flagged(in, flags, session) || in->bad || format != FORMAT ||
        *entries > SX_KEYS_MAX || *messages > SX_FLASH_MAX ||
        (size_t)*entries * ENTRY_LEN_MIN + (size_t)*messages * MESSAGE_LEN_MIN >
            in->left) {
        return NULL;
    }
    session->entries = apr_array_make(pool, *entries, sizeof(sx_entry));
    session->messages = apr_array_make(pool, *messages, sizeof(sx_message));
    return session;
}

sx_session *sx_decode(sx_str bytes, apr_pool_t *pool)
{
    reader in = {.left = bytes.len};
    int entries = 0, messages = 0;
    sx_session *session;

    if (bytes.len < HEAD_LEN) {
        return NULL;
    }
    in.p = apr_pmemdup(pool, bytes.p, bytes.len);
    session = get_head(&in, &entries, &messages, pool);
    if (session == NULL || !get_entries(&in, session->entries, entries) ||
        has_twins(session->entries) ||
        !get_messages(&in, session->messages, messages) || in.left != 0 ||
        has_claims(session) != in.claims) {
        return NULL;
    }
    return session;
}
