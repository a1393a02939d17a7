/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis runs for a call, whole and between two other commands. */
#ifndef SX_STORE_REDIS_SCRIPT_H
#define SX_STORE_REDIS_SCRIPT_H

#include "sx_store.h"

#define SX_REDIS_SHA 41 /* with its NUL */

typedef enum sx_redis_script {
    SX_REDIS_GET,
    SX_REDIS_PUT,
    SX_REDIS_TOUCH,
    SX_REDIS_REMOVE,
    SX_REDIS_FORGET,
    SX_REDIS_WALK,
    SX_REDIS_LOOK,
    SX_REDIS_SCRIPTS
} sx_redis_script;

/* What they answer, by number. */
enum { SX_REDIS_DONE, SX_REDIS_MISSING, SX_REDIS_CHANGED };

/** The text of a script, and what EVALSHA calls it. */
const char *sx_redis_script_text(sx_redis_script script);
void sx_redis_script_sha(sx_redis_script script, char sha[SX_REDIS_SHA]);

#endif
