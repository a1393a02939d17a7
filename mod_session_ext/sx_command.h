/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response headers -> delta.  The table of control headers is here and only
 * here: a new one is a row in sx_command.c, an operation in sx_delta, and a
 * section in docs/headers.md.
 */
#ifndef SX_COMMAND_H
#define SX_COMMAND_H

#include "sx_delta.h"

/** The control headers' names in the order in which they are applied; the
 *  list ends with NULL. */
const char *const *sx_command_names(void);

/** Is ${name} one of them, in any case? */
bool sx_command_is(const char *name);

/**
 * Parse the value of the control header ${name} into ${delta}.  May be called
 * for each header of a response in any order; several of one name add up.
 *
 * A value that is malformed or over a limit sets ${delta->refused} to one
 * sentence that names the header, the byte offset (from 0) and the reason, and
 * never a key or value; the first reason stays.  A malformed Destroy, Logout
 * or Renew is refused likewise and not obeyed; a well-formed one is obeyed
 * whatever was refused beside it.
 *
 * ${value} may be a list, as httpd joins repeated headers; a name that is not a
 * control header's is ignored.  Strings are copied into the delta's pool.
 */
void sx_command_parse(sx_delta *delta, const char *name, const char *value);

#endif
