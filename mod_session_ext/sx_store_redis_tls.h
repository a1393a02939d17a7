/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS to Redis, by OpenSSL on a socket that does not block: the client library
 * of Debian 12 has none.  The server's certificate must be one for the host of
 * the URL, and of an authority that is trusted; there is no way to do without.
 *
 * For sx_store_redis alone.
 */
#ifndef SX_STORE_REDIS_TLS_H
#define SX_STORE_REDIS_TLS_H

#include <sys/types.h>
#include "sx_store_redis.h"

/* One connection; OpenSSL's own. */
struct ssl_st;

/** What all connections by ${config} share, in config->tls, which lives as
 *  long as ${pool}: with authorities, and a certificate of the client's, if
 *  files are named.  Returns NULL, or one sentence. */
const char *sx_redis_tls_load(sx_redis_config *config, apr_pool_t *pool);

/** A connection over ${fd}, or NULL. */
struct ssl_st *sx_redis_tls_begin(const sx_redis_config *config, int fd);
void sx_redis_tls_end(struct ssl_st *tls);

/** Go on with the handshake: 1 done, 0 the other side is not who it should be
 *  or broke off, -1 wait for ${*events} first. */
int sx_redis_tls_greet(struct ssl_st *tls, short *events);

/** As send and recv: -1 with ${*events} to wait for, or with 0 if it broke. */
ssize_t sx_redis_tls_send(struct ssl_st *tls, const char *bytes, size_t len,
                          short *events);
ssize_t sx_redis_tls_recv(struct ssl_st *tls, char *bytes, size_t len,
                          short *events);

#endif
