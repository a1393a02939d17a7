/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PHP's serializer itself knows what is shared: given all values one after the
 * other it writes `r:N;` or `R:N;` where a value is the Nth of before.  So they
 * are serialized in one go, and only if there is anything that looks like such
 * a mark are the numbers counted, by reading the text as unserialize() would:
 * to whom does the Nth belong?  To look at the values instead would miss what
 * __serialize() gives away.
 *
 * Inside of C:...{}, written by a class itself, nothing can be read: then all
 * items are taken for one unit.
 */
#include "sxp_units.h"

#include "zend_smart_str.h"
#include "ext/standard/php_var.h"

/* One item while it is worked on. */
typedef struct mark {
    size_t from, to;  /* in the text of all */
    uint64_t first;   /* number of its value */
    int unit;         /* index of the first item that it shares with */
    bool has_numbers; /* in its text, which mean nothing elsewhere */
} mark;

typedef struct scan {
    const char *p, *end;
    uint64_t count; /* values so far */
    mark *marks;
    int at; /* which item */
    bool unknown;
} scan;

/* ---- who shares with whom ----------------------------------------------- */

static int root_of(const mark *marks, int i)
{
    while (marks[i].unit != i)
        i = marks[i].unit;
    return i;
}

static void join(mark *marks, int a, int b)
{
    int x = root_of(marks, a), y = root_of(marks, b);

    if (x < y)
        marks[y].unit = x;
    else
        marks[x].unit = y;
}

static void note_number(scan *s, uint64_t number)
{
    int owner = s->at;

    s->marks[s->at].has_numbers = true;
    while (owner > 0 && s->marks[owner].first > number)
        owner--;
    join(s->marks, owner, s->at);
}

/* ---- reading the text --------------------------------------------------- */

static uint64_t read_number(scan *s)
{
    uint64_t n = 0;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        n = n * 10 + (uint64_t)(*s->p++ - '0');
    return n;
}

static void skip(scan *s, uint64_t bytes)
{
    uint64_t left = (uint64_t)(s->end - s->p);

    s->p += bytes < left ? bytes : left;
}

static void skip_past(scan *s, char c)
{
    const char *found = memchr(s->p, c, (size_t)(s->end - s->p));

    s->p = found ? found + 1 : s->end;
}

/* `s:LENGTH:"..."` and what is behind it, from the length on. */
static void skip_string(scan *s)
{
    uint64_t len = read_number(s);

    skip(s, len + 3);
}

static void skip_key(scan *s)
{
    char type = *s->p;

    skip(s, 2);
    if (type != 's') {
        skip_past(s, ';');
        return;
    }
    skip_string(s);
    skip(s, 1);
}

static void read_value(scan *s);

/* `COUNT:{key value ...}` */
static void read_pairs(scan *s)
{
    uint64_t n = read_number(s);

    skip(s, 2);
    while (n-- > 0 && s->p < s->end) {
        skip_key(s);
        read_value(s);
    }
    skip(s, 1);
}

static void read_value(scan *s)
{
    char type;

    if (s->p >= s->end)
        return;
    type = *s->p;
    skip(s, 2);
    s->count += type != 'R';
    switch (type) {
    case 'r':
    case 'R':
        note_number(s, read_number(s));
        skip(s, 1);
        break;
    case 'N':
        break;
    case 's':
    case 'E':
        skip_string(s);
        skip(s, 1);
        break;
    case 'a':
        read_pairs(s);
        break;
    case 'O':
        skip_string(s);
        skip(s, 1);
        read_pairs(s);
        break;
    case 'C':
        s->unknown = true;
        s->p = s->end;
        break;
    default:
        skip_past(s, ';');
    }
}

static void find_units(scan *s, const char *text, int n)
{
    for (s->at = 0; s->at < n && !s->unknown; s->at++) {
        mark *m = &s->marks[s->at];

        m->first = s->count + 1;
        s->p = text + m->from;
        s->end = text + m->to;
        read_value(s);
    }
    for (int i = 0; s->unknown && i < n; i++) {
        s->marks[i].unit = 0;
        s->marks[i].has_numbers = true;
    }
}

/* ---- writing ------------------------------------------------------------ */

static bool serialize(smart_str *to, zval *value)
{
    php_serialize_data_t seen;

    PHP_VAR_SERIALIZE_INIT(seen);
    php_var_serialize(to, value, &seen);
    PHP_VAR_SERIALIZE_DESTROY(seen);
    return !EG(exception);
}

static sx_str tagged(char tag, sx_str text, apr_pool_t *pool)
{
    char *p = apr_palloc(pool, text.len + 1);

    p[0] = tag;
    memcpy(p + 1, text.p, text.len);
    return (sx_str){p, text.len + 1};
}

static bool write_alone(char tag, zval *value, sx_str *to, apr_pool_t *pool)
{
    smart_str text = {0};
    bool ok = serialize(&text, value);

    if (ok)
        *to = tagged(tag, (sx_str){ZSTR_VAL(text.s), ZSTR_LEN(text.s)}, pool);
    smart_str_free(&text);
    return ok;
}

static bool write_unit(apr_array_header_t *items, const mark *marks, int first,
                       apr_pool_t *pool)
{
    sxp_item *list = (sxp_item *)items->elts;
    zval all;
    bool ok;

    array_init(&all);
    for (int i = first; i < items->nelts; i++) {
        if (root_of(marks, i) != first)
            continue;
        Z_TRY_ADDREF_P(list[i].value);
        zend_symtable_str_update(Z_ARRVAL(all), list[i].key.p, list[i].key.len,
                                 list[i].value);
        if (i != first)
            list[i].opaque = tagged(SXP_MEMBER, list[first].key, pool);
    }
    ok = write_alone(SXP_UNIT, &all, &list[first].opaque, pool);
    zval_ptr_dtor(&all);
    return ok;
}

static bool is_shared(const mark *marks, int i, int n)
{
    for (int j = i + 1; j < n; j++)
        if (root_of(marks, j) == i)
            return true;
    return false;
}

static bool write_items(apr_array_header_t *items, const mark *marks,
                        const char *text, apr_pool_t *pool)
{
    for (int i = 0; i < items->nelts; i++) {
        sxp_item *item = &APR_ARRAY_IDX(items, i, sxp_item);
        const mark *m = &marks[i];
        bool ok = true;

        if (root_of(marks, i) != i)
            continue;
        if (is_shared(marks, i, items->nelts))
            ok = write_unit(items, marks, i, pool);
        else if (item->is_scalar)
            item->opaque = (sx_str){NULL, 0};
        else if (m->has_numbers)
            ok = write_alone(SXP_VALUE, item->value, &item->opaque, pool);
        else
            item->opaque = tagged(
                SXP_VALUE, (sx_str){text + m->from, m->to - m->from}, pool);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- all ---------------------------------------------------------------- */

/* May be what it looks like, or stand in a text. */
static bool looks_shared(const char *text, size_t len)
{
    for (const char *p = text; (p = memchr(p, ':', len - (size_t)(p - text)));
         p++)
        if (p > text && (p[-1] == 'r' || p[-1] == 'R' || p[-1] == 'C'))
            return true;
    return false;
}

static bool serialize_all(apr_array_header_t *items, mark *marks,
                          smart_str *text)
{
    php_serialize_data_t seen;

    PHP_VAR_SERIALIZE_INIT(seen);
    for (int i = 0; i < items->nelts && !EG(exception); i++) {
        marks[i].unit = i;
        marks[i].from = text->s ? ZSTR_LEN(text->s) : 0;
        php_var_serialize(text, APR_ARRAY_IDX(items, i, sxp_item).value, &seen);
        marks[i].to = text->s ? ZSTR_LEN(text->s) : 0;
    }
    PHP_VAR_SERIALIZE_DESTROY(seen);
    return !EG(exception);
}

static bool make_units(apr_array_header_t *items, apr_pool_t *pool)
{
    mark *marks = apr_pcalloc(pool, (apr_size_t)items->nelts * sizeof *marks);
    smart_str text = {0};
    bool ok;

    ok = serialize_all(items, marks, &text) && text.s;
    if (ok && looks_shared(ZSTR_VAL(text.s), ZSTR_LEN(text.s))) {
        scan s = {.marks = marks};

        find_units(&s, ZSTR_VAL(text.s), items->nelts);
    }
    if (ok)
        ok = write_items(items, marks, ZSTR_VAL(text.s), pool);
    smart_str_free(&text);
    return ok;
}

/* What a __sleep() prints has no place in front of the headers that are about
 * to leave; it is called again at the end. */
bool sxp_units_make(apr_array_header_t *items, apr_pool_t *pool)
{
    bool is_quiet = SXP(in_headers) && !OG(running);
    bool ok;

    if (items->nelts == 0)
        return true;
    if (is_quiet && php_output_start_default() == FAILURE)
        return false;
    ok = make_units(items, pool);
    if (is_quiet)
        php_output_discard();
    return ok;
}
