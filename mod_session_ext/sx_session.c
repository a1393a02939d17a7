/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session model.
 *
 * Entries are a plain array searched from the front.  Sessions have a dozen
 * keys, where that beats any index; with the most keys allowed, setting each
 * of them costs about a millisecond in all, and the decoder, which every
 * request pays for, does not go through sx_session_set.
 */
#include <string.h>
#include <apr_strings.h>
#include "sx_session.h"

#define FLOAT_MAX 32 /* bytes; 17 digits, sign, point and exponent are 24 */

sx_session *sx_session_create(apr_pool_t *pool)
{
    sx_session *session = apr_pcalloc(pool, sizeof(*session));

    session->pool = pool;
    session->entries = apr_array_make(pool, 8, sizeof(sx_entry));
    session->messages = apr_array_make(pool, 1, sizeof(sx_message));
    return session;
}

sx_session *sx_session_clone(const sx_session *session, apr_pool_t *pool)
{
    sx_session *copy = apr_pmemdup(pool, session, sizeof(*session));

    copy->pool = pool;
    copy->entries = apr_array_copy(pool, session->entries);
    copy->messages = apr_array_copy(pool, session->messages);
    return copy;
}

/* The place of ${key} in the array, or -1.  Last bytes are compared first:
 * names such as item_1, item_2 differ there, and a call is saved each. */
static int find(const sx_session *session, sx_str key)
{
    const sx_entry *entries = (const sx_entry *)session->entries->elts;
    size_t last = key.len - 1;

    if (key.len == 0) {
        return -1;
    }
    for (int i = 0; i < session->entries->nelts; i++) {
        if (entries[i].key.len == key.len &&
            entries[i].key.p[last] == key.p[last] &&
            memcmp(entries[i].key.p, key.p, last) == 0) {
            return i;
        }
    }
    return -1;
}

const sx_entry *sx_session_get(const sx_session *session, sx_str key)
{
    int i = find(session, key);

    return i < 0 ? NULL : &APR_ARRAY_IDX(session->entries, i, sx_entry);
}

bool sx_session_set(sx_session *session, sx_str key, sx_str value, sx_type type)
{
    int i = find(session, key);
    sx_entry *entry;

    if (i < 0) {
        entry = apr_array_push(session->entries);
        entry->key = sx_str_dup(key, session->pool);
    }
    else {
        entry = &APR_ARRAY_IDX(session->entries, i, sx_entry);
        if (entry->type == type && sx_str_eq(entry->value, value)) {
            return false;
        }
    }
    entry->value = sx_str_dup(value, session->pool);
    entry->type = type;
    return true;
}

/* What is behind moves up, so that the order of first sets stays. */
bool sx_session_unset(sx_session *session, sx_str key)
{
    sx_entry *entries = (sx_entry *)session->entries->elts;
    int i = find(session, key);
    int behind = session->entries->nelts - i - 1;

    if (i < 0) {
        return false;
    }
    memmove(entries + i, entries + i + 1, (size_t)behind * sizeof(*entries));
    session->entries->nelts--;
    return true;
}

bool sx_session_clear(sx_session *session)
{
    bool had = session->entries->nelts > 0;

    apr_array_clear(session->entries);
    return had;
}

size_t sx_session_size(const sx_session *session)
{
    const sx_entry *entries = (const sx_entry *)session->entries->elts;
    size_t size = 0;

    for (int i = 0; i < session->entries->nelts; i++) {
        size += entries[i].key.len + entries[i].value.len;
    }
    return size;
}

sx_str sx_session_user(const sx_session *session, sx_str user_key)
{
    const sx_entry *entry = sx_session_get(session, user_key);

    return entry != NULL ? entry->value : (sx_str){"", 0};
}

static size_t skip_digits(sx_str s, size_t i)
{
    while (i < s.len && s.p[i] >= '0' && s.p[i] <= '9') {
        i++;
    }
    return i;
}

/* A number without leading zeros at ${i}: where it ends, or 0. */
static size_t skip_number(sx_str s, size_t i)
{
    size_t end = skip_digits(s, i);

    return end == i || (s.p[i] == '0' && end > i + 1) ? 0 : end;
}

/* ".digits" and, if there is one, "E+digits" up to the end.  No trailing
 * zero, but for ".0" before an exponent, which always has a fraction. */
static bool is_fraction(sx_str s, size_t dot)
{
    size_t end = skip_digits(s, dot + 1);
    bool exponent = end < s.len && s.p[end] == 'E';

    if (end == dot + 1) {
        return false;
    }
    if (s.p[end - 1] == '0' && !(exponent && end == dot + 2)) {
        return false;
    }
    if (!exponent) {
        return end == s.len;
    }
    if (s.len < end + 3 || (s.p[end + 1] != '+' && s.p[end + 1] != '-')) {
        return false;
    }
    return s.p[end + 2] != '0' && skip_number(s, end + 2) == s.len;
}

static bool is_float(sx_str s)
{
    static const char *const words[] = {"INF", "-INF", "NAN"};
    size_t end;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (sx_str_eq(s, sx_str_of(words[i]))) {
            return true;
        }
    }
    if (s.len == 0 || s.len > FLOAT_MAX) {
        return false;
    }
    end = skip_number(s, s.p[0] == '-' ? 1 : 0);
    if (end == 0) {
        return false;
    }
    return end == s.len || (s.p[end] == '.' && is_fraction(s, end));
}

bool sx_is_level(sx_str level)
{
    for (size_t i = 0; i < level.len; i++)
        if (level.p[i] < 'a' || level.p[i] > 'z')
            return false;
    return level.len > 0 && level.len <= SX_LEVEL_MAX;
}

bool sx_type_accepts(sx_type type, sx_str value)
{
    int64_t ignored;

    switch (type) {
    case SX_TEXT:
    case SX_OPAQUE:
    case SX_SECRET:
        return true;
    case SX_INT:
        return sx_parse_int64(value, &ignored);
    case SX_BOOL:
        return value.len == 1 && (value.p[0] == '0' || value.p[0] == '1');
    case SX_FLOAT:
        return is_float(value);
    case SX_TYPE_COUNT:
        break;
    }
    return false;
}

bool sx_type_is_shown(sx_type type)
{
    return type != SX_OPAQUE && type != SX_SECRET;
}
