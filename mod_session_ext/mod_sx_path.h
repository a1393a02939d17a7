/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of a configuration: where they really lead, and the room there. */
#ifndef MOD_SX_PATH_H
#define MOD_SX_PATH_H

#include <stdbool.h>
#include "httpd.h"

/** ${path} with its directory as it really is: a store follows no link. */
const char *mod_sx_resolve_directory(const char *path, apr_pool_t *pool);

/** Free bytes of the file system that ${path} is or will be on. */
bool mod_sx_free_room(const char *path, apr_uint64_t *bytes, apr_pool_t *pool);

#endif
