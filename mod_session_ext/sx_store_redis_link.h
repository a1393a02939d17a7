/* SPDX-License-Identifier: Apache-2.0 */
/* A Redis store as a process has it open: its connections, and asking one
 * question.  For the files of sx_store_redis alone. */
#ifndef SX_STORE_REDIS_LINK_H
#define SX_STORE_REDIS_LINK_H

#include "sx_store_redis_clock.h"

#define SX_REDIS_IDLE_MAX 256 /* connections that wait for the next call */
#define SX_REDIS_KEY_MAX  (64 + SX_STORE_KEY_LEN)

typedef struct sx_redis_store {
    sx_store base;
    sx_redis_config config;
    size_t prefix_len;
    struct addrinfo *hosts; /* NULL for a socket */
    char shas[SX_REDIS_SCRIPTS][SX_REDIS_SHA];
    char state_key[SX_REDIS_KEY_MAX];
    char epoch_key[SX_REDIS_KEY_MAX]; /* up to the tag */
    char db[12];
    sx_redis_clock clock;
    pid_t pid;            /* of the process that the rest is of; atomic */
    pthread_mutex_t lock; /* of the next two */
    sx_redis_conn *idle[SX_REDIS_IDLE_MAX];
    int idle_count;
    int64_t told; /* the last message, and its second; atomic */
} sx_redis_store;

/* Why something could not be done, for people; nothing secret is in it. */
typedef struct sx_redis_why {
    char text[96];
} sx_redis_why;

/** The key of a record, in ${buf}. */
sx_str sx_redis_key(const sx_redis_store *store, const unsigned char *key,
                    char buf[SX_REDIS_KEY_MAX]);

/** Begin ${command}: ${script} with ${keys} ("0" to "9") keys. */
void sx_redis_begin(const sx_redis_store *store, sx_redis_command *command,
                    sx_redis_script script, const char *keys);
void sx_redis_add(sx_redis_command *command, sx_str arg);

/**
 * Ask Redis.  OK: ${*reply} is an answer, and no error but WRONGTYPE, to be
 * freed by freeReplyObject.  Otherwise: FULL; UNAVAILABLE, it was not done;
 * UNKNOWN, only if it ${writes}.  What failed is told in the log, once a
 * second.
 */
sx_answer sx_redis_ask(sx_redis_store *store, const sx_redis_command *command,
                       bool writes, redisReply **reply);

/** A reply that Redis does not give: told, and UNAVAILABLE; UNKNOWN if it
 *  ${writes}.  Frees it. */
sx_answer sx_redis_nonsense(sx_redis_store *store, bool writes,
                            redisReply *reply);

/** Ask for the time.  False, and ${why}. */
bool sx_redis_meet(sx_redis_store *store, sx_redis_why *why);

/** Close all connections of this process. */
void sx_redis_leave(sx_redis_store *store);

#endif
