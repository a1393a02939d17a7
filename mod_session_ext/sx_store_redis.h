/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Redis backend: one string value a record, in a database that several
 * hosts share.
 *
 *   PREFIXkkk...32   a record: head 68 | bytes, under its store key as it is
 *   PREFIXstore      a hash: the last token, the clock's shift, the life
 *
 * A session takes its sealed bytes and about 230 more on a 64-bit server, 7.0
 * with jemalloc: 68 of head, 35 of key, and what Redis needs for a key that
 * expires.  A hash with a field for each fact would be a table for each
 * session, since Redis packs only what has no field above 64 bytes.
 *
 * One round trip.  Each call is one command, or one script of a few lines that
 * Redis runs whole between two other commands; EVALSHA, and EVAL where Redis
 * does not know the script yet.  A load brings the epoch of the user, and a
 * write compares it: get_with_epoch, put_if_epoch.
 *
 * Tokens are the microseconds of Redis' clock, or one more than the last one if
 * that is not behind it.  So they grow when its clock goes back, and also when
 * a crash has taken the last of them: what comes after it is later.
 *
 * Ends are decided by whoever asks, as the contract has it.  Redis itself takes
 * a record away by its own expiry, a commit grace and a minute behind the end:
 * there is nothing to sweep.  That expiry is by the wall clock of Redis' host:
 * a step forward of more than that minute there takes records before their end,
 * as it does for everything that expires in Redis.
 *
 * The clock has to be one for all hosts, may never go back, and no wall clock
 * may move it; and Redis knows no other than the wall clock of its host.  So
 * hosts meet by Redis' clock, and go on by their own: a process takes over the
 * time of Redis and goes on by CLOCK_BOOTTIME.  About once a second, along with
 * some call, it looks again.  What drifts is followed; a difference of more
 * than 2 s is a step of Redis' wall clock, and the process that sees it first
 * puts the difference, as a shift, into PREFIXstore, so that Redis' time and
 * shift together are what they were, for all.  Who has taken over the wrong
 * time within that second is told by the shift's number and follows.  Only a
 * step while no process is there is not seen.
 *
 * Connections are of a process: one for each call that is under way, kept for
 * the next one, made anew behind a fork.  No call waits for another one's.  A
 * connection is made within 100 ms, and a call ends within 250 ms, the
 * connection included: UNAVAILABLE if Redis cannot have done it, UNKNOWN for a
 * write whose reply did not come.  A connection that has failed in any way is
 * closed.  A name of a host is looked up when the store is opened, not by a
 * call, since that knows no deadline.
 *
 * What is asked of Redis: 5 or later, without Cluster (a script uses keys of
 * two slots), and `maxmemory-policy noeviction`: whoever evicts an epoch record
 * brings back who was logged out.  What is confirmed is what Redis keeps of it:
 * with `appendfsync always` all, over every crash.
 *
 * TLS is by OpenSSL (sx_store_redis_tls.h).
 *
 * Not done: Sentinel and Cluster, which the client library knows nothing of.
 *
 * As PHP's and Django's handlers on Redis, but with a compare-and-put.
 */
#ifndef SX_STORE_REDIS_H
#define SX_STORE_REDIS_H

#include "sx_store.h"

#define SX_REDIS_PREFIX     "sx:"             /* unless another one is said */
#define SX_REDIS_RECORD_MAX ((size_t)1 << 20) /* more takes too long */
#define SX_REDIS_CONNECT_MS 100
#define SX_REDIS_CALL_MS    250

/* Of sx_store_redis_tls.h. */
typedef struct sx_redis_tls sx_redis_tls;

/* Where it is, and how it lets us in.  Texts live as long as the pool. */
typedef struct sx_redis_config {
    const char *shown; /* for messages: no password, no query */
    const char *path;  /* of a socket, or NULL */
    const char *host, *port;
    const char *user, *password; /* NULL: none */
    const char *password_file;   /* absolute, as the next; NULL: none */
    const char *ca_file, *cert_file, *key_file;
    bool is_tls;
    sx_redis_tls *tls;  /* set by sx_redis_config_load, if it is */
    const char *prefix; /* of all keys */
    unsigned db;
} sx_redis_config;

/**
 * Read ${url}: redis://[USER[:PASSWORD]@]HOST[:PORT][/DB], the same with
 * rediss:// for TLS, or unix:PATH; each with ?db=N, prefix=TEXT and
 * password-file=PATH joined by &, and with TLS ca-file=, cert-file= and
 * key-file=PATH.  Returns NULL, or one sentence on what is wrong and what is
 * accepted, without the password.
 */
const char *sx_redis_config_read(sx_redis_config *config, const char *url,
                                 apr_pool_t *pool);

/** Read the files that it names: the password, which is the first line of a
 *  regular file that belongs to root or the user, with nothing for others to
 *  read, as the key of TLS has to be; and certificates.  Before there are
 *  threads, by a user who may.  Returns NULL, or one sentence. */
const char *sx_redis_config_load(sx_redis_config *config, apr_pool_t *pool);

/** Open the store: in each process, or before it forks.  Asks Redis for the
 *  time.  The handle lives as long as ${pool}.  NULL: ${*why} says why, without
 *  anything secret. */
sx_store *sx_store_redis_open(const sx_redis_config *config, const char **why,
                              apr_pool_t *pool);

#endif
