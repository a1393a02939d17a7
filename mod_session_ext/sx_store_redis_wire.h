/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to Redis: commands out, as many replies back, before a
 * deadline that holds for all of it, also if bytes come one by one.  hiredis
 * writes commands and reads replies; what is between is here, since its own
 * calls know a deadline for each read only, and no limit for a reply.
 *
 * A connection is used by one thread at a time.
 */
#ifndef SX_STORE_REDIS_WIRE_H
#define SX_STORE_REDIS_WIRE_H

#include <hiredis/hiredis.h>
#include "sx_store_redis.h"
#include "sx_store_redis_script.h"

#define SX_REDIS_ARGS 12

typedef struct sx_redis_command {
    sx_redis_script script; /* SX_REDIS_SCRIPTS: a plain command */
    int count;
    sx_str args[SX_REDIS_ARGS];
} sx_redis_command;

typedef struct sx_redis_conn sx_redis_conn;

/* Where a host is: as getaddrinfo has it. */
struct addrinfo;

typedef enum sx_redis_sent {
    SX_REDIS_REPLIED,
    SX_REDIS_NOT_SENT, /* Redis has not got all of it, so it did nothing */
    SX_REDIS_LOST      /* it may have done all, and no reply came */
} sx_redis_sent;

/** Connect to the socket of ${config}, or to ${hosts} in turn.  NULL, and
 *  ${*why} is a constant, if none answers before ${until_us}. */
sx_redis_conn *sx_redis_connect(const sx_redis_config *config,
                                const struct addrinfo *hosts, int64_t until_us,
                                const char **why);
void sx_redis_close(sx_redis_conn *conn);

/** Has the other side closed it, or said what nobody has asked? */
bool sx_redis_is_stale(const sx_redis_conn *conn);

/**
 * Send ${count} commands and read a reply to each into ${replies}, to be freed
 * by freeReplyObject.  If it is not SX_REDIS_REPLIED there is none, ${*why} is
 * a constant, and the connection is of no more use.
 */
sx_redis_sent sx_redis_exchange(sx_redis_conn *conn,
                                const sx_redis_command *commands, int count,
                                redisReply **replies, int64_t until_us,
                                const char **why);

#endif
