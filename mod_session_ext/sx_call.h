/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of C programs -> delta: what sx_command is for response headers, with
 * the same limits.
 *
 * A delta is applied kind by kind, and a program calls in an order of its own:
 * so that "set, then unset" does not end with the key, a call takes back what
 * was asked for before and is undone by it.
 */
#ifndef SX_CALL_H
#define SX_CALL_H

#include "sx_delta.h"

typedef enum sx_called {
    SX_CALLED,
    SX_CALL_INVALID, /* no key or level as they may be, or a second version */
    SX_CALL_TOO_MUCH /* over what one response may ask for */
} sx_called;

/* Bytes are copied into the delta's pool.  Whatever is not SX_CALLED has
 * changed nothing. */

/** ${key} shall be ${value}, whatever was asked of it before; of the type that
 *  is there or was asked for, else text. */
sx_called sx_call_set(sx_delta *delta, sx_str key, sx_str value);

/** The same with a type. */
sx_called sx_call_put(sx_delta *delta, sx_str key, sx_str value, sx_type type);

/** ${key} shall not be there. */
sx_called sx_call_unset(sx_delta *delta, sx_str key);

/** Nothing shall be there. */
sx_called sx_call_clear(sx_delta *delta);

/** Add ${by} to the number in ${key}. */
sx_called sx_call_incr(sx_delta *delta, sx_str key, int64_t by);

/** Queue a message. */
sx_called sx_call_flash(sx_delta *delta, sx_str level, sx_str text);

/** Only at this version; 0: only if there is no session. */
sx_called sx_call_if_version(sx_delta *delta, uint64_t version);

#endif
