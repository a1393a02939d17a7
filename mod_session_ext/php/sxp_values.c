/* SPDX-License-Identifier: Apache-2.0 */
#include "sxp_values.h"

#include "zend_smart_str.h"
#include "zend_strtod.h"
#include "ext/standard/php_var.h"
#include "sxp_request.h"
#include "sxp_units.h"
#include "sxp_wire.h"

#define PRECISION 17 /* digits by which a double is told from all others */

static HashTable *session_array(void)
{
    zval *vars = &PS(http_session_vars);

    if (!Z_ISREF_P(vars) || Z_TYPE_P(Z_REFVAL_P(vars)) != IS_ARRAY)
        return NULL;
    return Z_ARRVAL_P(Z_REFVAL_P(vars));
}

/* ---- out of PHP --------------------------------------------------------- */

static sx_str key_of(zend_string *name, zend_ulong number, apr_pool_t *pool)
{
    if (name)
        return (sx_str){ZSTR_VAL(name), ZSTR_LEN(name)};
    return sx_int64_str((int64_t)number, pool);
}

static sx_str double_text(double number, apr_pool_t *pool)
{
    smart_str text = {0};
    sx_str copy;

    smart_str_append_double(&text, number, PRECISION, false);
    copy = sx_str_dup((sx_str){ZSTR_VAL(text.s), ZSTR_LEN(text.s)}, pool);
    smart_str_free(&text);
    return copy;
}

/* False: it is none. */
static bool get_scalar(const zval *value, sx_entry *entry, apr_pool_t *pool)
{
    switch (Z_TYPE_P(value)) {
    case IS_STRING:
        entry->type = SX_TEXT;
        entry->value = (sx_str){Z_STRVAL_P(value), Z_STRLEN_P(value)};
        return true;
    case IS_LONG:
        entry->type = SX_INT;
        entry->value = sx_int64_str(Z_LVAL_P(value), pool);
        return true;
    case IS_TRUE:
    case IS_FALSE:
        entry->type = SX_BOOL;
        entry->value = sx_str_of(Z_TYPE_P(value) == IS_TRUE ? "1" : "0");
        return true;
    case IS_DOUBLE:
        entry->type = SX_FLOAT;
        entry->value = double_text(Z_DVAL_P(value), pool);
        return true;
    default:
        return false;
    }
}

/* Numbers of other keys may be the same variable: that is asked of PHP's
 * serializer. */
static bool may_share(const zval *value)
{
    return Z_ISREF_P(value) && Z_REFCOUNT_P(value) > 1;
}

static void get_value(zval *value, sx_entry *entry, apr_array_header_t *items,
                      apr_pool_t *pool)
{
    zval *plain = value;
    bool is_scalar;

    ZVAL_DEREF(plain);
    is_scalar = get_scalar(plain, entry, pool);
    if (is_scalar && !may_share(value))
        return;
    APR_ARRAY_PUSH(items, sxp_item) =
        (sxp_item){.key = entry->key, .value = value, .is_scalar = is_scalar};
    if (!is_scalar)
        entry->type = SX_OPAQUE;
}

/* What the serializer has made goes to its entries: both lists are in the same
 * order. */
static void fill_in(apr_array_header_t *entries,
                    const apr_array_header_t *items)
{
    int next = 0;

    for (int i = 0; i < entries->nelts && next < items->nelts; i++) {
        sx_entry *entry = &APR_ARRAY_IDX(entries, i, sx_entry);
        const sxp_item *item = &APR_ARRAY_IDX(items, next, sxp_item);

        if (entry->key.p != item->key.p)
            continue;
        next++;
        if (item->opaque.len == 0)
            continue;
        entry->type = SX_OPAQUE;
        entry->value = item->opaque;
    }
}

apr_array_header_t *sxp_values_get(apr_pool_t *pool)
{
    HashTable *vars = session_array();
    apr_array_header_t *entries, *items;
    zend_ulong number;
    zend_string *name;
    zval *value;

    if (!vars)
        return NULL;
    entries = apr_array_make(pool, (int)zend_hash_num_elements(vars) + 1,
                             sizeof(sx_entry));
    items = apr_array_make(pool, 4, sizeof(sxp_item));
    ZEND_HASH_FOREACH_KEY_VAL_IND(vars, number, name, value)
    {
        sx_entry *entry = apr_array_push(entries);

        entry->key = key_of(name, number, pool);
        get_value(value, entry, items, pool);
    }
    ZEND_HASH_FOREACH_END();
    if (!sxp_units_make(items, pool))
        return NULL;
    fill_in(entries, items);
    return entries;
}

zend_string *sxp_values_encode(void)
{
    sxp_request *request = sxp_request_get();
    apr_array_header_t *entries = sxp_values_get(request->pool);

    return entries ? sxp_wire_make(entries) : NULL;
}

/* ---- into PHP ----------------------------------------------------------- */

static double double_of(sx_str text)
{
    char number[64];

    if (text.len >= sizeof number)
        return 0;
    memcpy(number, text.p, text.len);
    number[text.len] = '\0';
    if (!strcmp(number, "INF"))
        return ZEND_INFINITY;
    if (!strcmp(number, "-INF"))
        return -ZEND_INFINITY;
    if (!strcmp(number, "NAN"))
        return ZEND_NAN;
    return zend_strtod(number, NULL);
}

static bool unserialize(sx_str text, zval *value)
{
    const unsigned char *at = (const unsigned char *)text.p;
    const unsigned char *end = at + text.len;
    php_unserialize_data_t seen;
    zval *made;
    bool ok;

    PHP_VAR_UNSERIALIZE_INIT(seen);
    made = var_tmp_var(&seen);
    ok = php_var_unserialize(made, &at, end, &seen) && at == end;
    if (ok)
        ZVAL_COPY(value, made);
    PHP_VAR_UNSERIALIZE_DESTROY(seen);
    return ok && !EG(exception);
}

static void put(HashTable *vars, sx_str key, zval *value)
{
    zend_symtable_str_update(vars, key.p, key.len, value);
}

/* The value is there already if its unit was first, and then it stays: what it
 * shares with others is in it. */
static bool is_member_of(const apr_array_header_t *entries, sx_str key,
                         sx_str unit)
{
    for (int i = 0; i < entries->nelts; i++) {
        const sx_entry *entry = &APR_ARRAY_IDX(entries, i, sx_entry);

        if (sx_str_eq(entry->key, key))
            return entry->type == SX_OPAQUE && entry->value.len > 1 &&
                   entry->value.p[0] == SXP_MEMBER &&
                   sx_str_eq((sx_str){entry->value.p + 1, entry->value.len - 1},
                             unit);
    }
    return false;
}

/* Of a unit, its own key and those whose entries still say that they belong to
 * it: others have been written since, alone. */
static bool put_unit(HashTable *vars, const apr_array_header_t *entries,
                     const sx_entry *entry, apr_pool_t *pool)
{
    sx_str text = {entry->value.p + 1, entry->value.len - 1};
    zend_ulong number;
    zend_string *name;
    zval all, *value;

    if (!unserialize(text, &all))
        return false;
    if (Z_TYPE(all) != IS_ARRAY) {
        zval_ptr_dtor(&all);
        return false;
    }
    ZEND_HASH_FOREACH_KEY_VAL(Z_ARRVAL(all), number, name, value)
    {
        sx_str key = key_of(name, number, pool);

        if (!sx_str_eq(key, entry->key) &&
            !is_member_of(entries, key, entry->key))
            continue;
        Z_TRY_ADDREF_P(value);
        put(vars, key, value);
    }
    ZEND_HASH_FOREACH_END();
    zval_ptr_dtor(&all);
    return true;
}

static bool put_opaque(HashTable *vars, const apr_array_header_t *entries,
                       const sx_entry *entry, apr_pool_t *pool)
{
    zval value;

    if (entry->value.len < 2)
        return false;
    switch (entry->value.p[0]) {
    case SXP_MEMBER:
        return true;
    case SXP_UNIT:
        return put_unit(vars, entries, entry, pool);
    case SXP_VALUE:
        if (!unserialize((sx_str){entry->value.p + 1, entry->value.len - 1},
                         &value))
            return false;
        put(vars, entry->key, &value);
        return true;
    default:
        return false;
    }
}

static bool put_entry(HashTable *vars, const apr_array_header_t *entries,
                      const sx_entry *entry, apr_pool_t *pool)
{
    int64_t number;
    zval value;

    switch (entry->type) {
    case SX_TEXT:
        ZVAL_STRINGL_FAST(&value, entry->value.p, entry->value.len);
        break;
    case SX_INT:
        if (!sx_parse_int64(entry->value, &number))
            return false;
        ZVAL_LONG(&value, number);
        break;
    case SX_BOOL:
        ZVAL_BOOL(&value, entry->value.len == 1 && entry->value.p[0] == '1');
        break;
    case SX_FLOAT:
        ZVAL_DOUBLE(&value, double_of(entry->value));
        break;
    case SX_OPAQUE:
        return put_opaque(vars, entries, entry, pool);
    case SX_TYPE_COUNT:
    default:
        return false;
    }
    put(vars, entry->key, &value);
    return true;
}

/* What is not known to be there is not taken away. */
static void forget(sxp_request *request, sx_str key)
{
    apr_array_header_t *known = request->known;

    for (int i = 0; known && i < known->nelts; i++)
        if (sx_str_eq(APR_ARRAY_IDX(known, i, sx_entry).key, key)) {
            APR_ARRAY_IDX(known, i, sx_entry) =
                APR_ARRAY_IDX(known, known->nelts - 1, sx_entry);
            apr_array_pop(known);
            return;
        }
}

/* Classes that unserialize may change $_SESSION themselves, so it is looked up
 * again for each. */
void sxp_values_set(sxp_request *request, const apr_array_header_t *entries)
{
    int unread = 0;

    for (int i = 0; i < entries->nelts && session_array(); i++) {
        const sx_entry *entry = &APR_ARRAY_IDX(entries, i, sx_entry);

        SEPARATE_ARRAY(Z_REFVAL(PS(http_session_vars)));
        if (put_entry(session_array(), entries, entry, request->pool))
            continue;
        unread++;
        forget(request, entry->key);
    }
    if (unread && !EG(exception))
        php_error_docref(NULL, E_WARNING,
                         "%d of the values of the session could not be read, "
                         "and are left out",
                         unread);
}

zend_result sxp_values_decode(const char *bytes, size_t len)
{
    sxp_request *request = sxp_request_get();
    apr_array_header_t *entries =
        sxp_wire_read((sx_str){bytes, len}, request->pool);

    if (!entries)
        return len == 0 ? SUCCESS : FAILURE;
    sxp_values_set(request, entries);
    return SUCCESS;
}
