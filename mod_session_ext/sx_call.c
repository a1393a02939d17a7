/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_call.h"

static bool is_key(sx_str key)
{
    return key.len > 0 && key.len <= SX_KEY_MAX;
}

/* The bytes of a refused call do not count: its caller knows that. */
static sx_called add(sx_delta *delta, sx_op op)
{
    if (sx_delta_count(delta) >= SX_COMMAND_OPS_MAX ||
        op.value.len > SX_COMMANDS_MAX ||
        delta->bytes + op.key.len + op.value.len > SX_COMMANDS_MAX)
        return SX_CALL_TOO_MUCH;
    delta->bytes += op.key.len + op.value.len;
    op.key = sx_str_dup(op.key, delta->pool);
    op.value = sx_str_dup(op.value, delta->pool);
    sx_delta_add(delta, op);
    return SX_CALLED;
}

/* What would be applied behind ${code}, and is older than it. */
static void take_back(sx_delta *delta, sx_op_code code, const sx_str *key)
{
    static const sx_op_code later[] = {SX_OP_UNSET, SX_OP_SET, SX_OP_PUT,
                                       SX_OP_APPEND, SX_OP_INCR};

    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (later[i] > code)
            sx_delta_forget(delta, later[i], key);
}

static sx_called replace(sx_delta *delta, sx_op op)
{
    sx_called called = add(delta, op);

    if (called == SX_CALLED)
        take_back(delta, op.code, op.key.len ? &op.key : NULL);
    return called;
}

/* The type that was asked for before: a secret stays one. */
static const sx_type *asked_type(const sx_delta *delta, sx_str key)
{
    const apr_array_header_t *puts = delta->ops[SX_OP_PUT];

    for (int i = puts ? puts->nelts : 0; i-- > 0;)
        if (sx_str_eq(APR_ARRAY_IDX(puts, i, sx_op).key, key))
            return &APR_ARRAY_IDX(puts, i, sx_op).type;
    return NULL;
}

sx_called sx_call_set(sx_delta *delta, sx_str key, sx_str value)
{
    const sx_type *type = asked_type(delta, key);

    if (type)
        return sx_call_put(delta, key, value, *type);
    return is_key(key)
               ? replace(delta,
                         (sx_op){.code = SX_OP_SET, .key = key, .value = value})
               : SX_CALL_INVALID;
}

sx_called sx_call_put(sx_delta *delta, sx_str key, sx_str value, sx_type type)
{
    return is_key(key) ? replace(delta, (sx_op){.code = SX_OP_PUT,
                                                .key = key,
                                                .value = value,
                                                .type = type})
                       : SX_CALL_INVALID;
}

sx_called sx_call_unset(sx_delta *delta, sx_str key)
{
    return is_key(key)
               ? replace(delta, (sx_op){.code = SX_OP_UNSET, .key = key})
               : SX_CALL_INVALID;
}

sx_called sx_call_clear(sx_delta *delta)
{
    return replace(delta, (sx_op){.code = SX_OP_CLEAR});
}

sx_called sx_call_incr(sx_delta *delta, sx_str key, int64_t by)
{
    return is_key(key)
               ? add(delta,
                     (sx_op){.code = SX_OP_INCR, .key = key, .number = by})
               : SX_CALL_INVALID;
}

sx_called sx_call_flash(sx_delta *delta, sx_str level, sx_str text)
{
    return sx_is_level(level)
               ? add(delta,
                     (sx_op){.code = SX_OP_FLASH, .key = level, .value = text})
               : SX_CALL_INVALID;
}

sx_called sx_call_if_version(sx_delta *delta, uint64_t version)
{
    if (delta->has_if_version && delta->if_version != version)
        return SX_CALL_INVALID;
    delta->has_if_version = true;
    delta->if_version = version;
    return SX_CALLED;
}
