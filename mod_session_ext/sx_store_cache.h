/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions in a cache of somebody else, which can keep bytes under a key, give
 * them back and forget them: what httpd calls a socache (memcached, shmcb, dbm,
 * Redis).  What a cache lacks comes from a store beside it, `beside`, a segment
 * of this host:
 *
 *   order     A cache has no compare-and-put.  So writers of one key are one
 *             after the other, by the queue of `beside`: on this host.  Two
 *             hosts must not share sessions by one cache, and do not: see life.
 *   ends      A cache may forget anything at any time.  A session that it
 *             forgets has ended; an epoch or a registry that it forgot would
 *             bring back who has been logged out.  So these, and tombstones,
 *             are records of `beside`, which never gives them up.
 *   life      A record is of one life of `beside`, whose epochs it goes by.
 *             After that segment was lost, or on another host, it is a miss.
 *   times     Ends are exact, on the clock of `beside`, and are in the record;
 *             what the cache is told is only when it may forget.  That clock
 *             begins anew with each boot, so a record of before is a miss.
 *   truth     Who can write to a cache could write anything.  A record bears a
 *             tag (BLAKE2b) under a secret that is in `beside` alone: it is
 *             whole, and was put here under this key, or it is damaged.  An
 *             older one of the same key would still be taken for it.
 *
 * An outage is no miss.  There are caches that know no difference (memcached's
 * client, when its server is down).  So what was not found is a miss only if
 * something can be written to the cache at that moment.  One that is always
 * there is believed: what is written may push somebody out.
 *
 * What it cannot do: show all it has, sweep, queue.  A record lives for 30 days
 * without an access at most.  Tokens are of the wall clock's microseconds:
 * after an end under the same key, if that goes back, they may too.
 *
 * No call waits for another writer longer than SX_CACHE_WAIT_MS; how long for
 * the cache, that one says.
 */
#ifndef SX_STORE_CACHE_H
#define SX_STORE_CACHE_H

#include "sx_store.h"

#define SX_CACHE_WAIT_MS 250

/* The cache.  Ids have SX_STORE_KEY_LEN bytes.  Any thread of any process. */
typedef struct sx_cache {
    void *baton;
    /** Into ${bytes}, which has room for ${*len}, which becomes the length.
     *  OK; MISS; UNAVAILABLE. */
    sx_answer (*retrieve)(void *baton, const unsigned char *id,
                          unsigned char *bytes, size_t *len);
    /** Keep ${bytes} for ${life_s} seconds, or shorter.  OK; FULL: they do not
     *  fit; UNKNOWN: it may or may not have happened. */
    sx_answer (*store)(void *baton, const unsigned char *id, sx_str bytes,
                       int64_t life_s);
    /** OK; MISS; UNKNOWN. */
    sx_answer (*remove)(void *baton, const unsigned char *id);
    size_t max_record;  /* bytes that a record may have */
    bool one_at_a_time; /* nor may anybody read while another calls it */
    bool always_there;
    uint64_t boot; /* of this host, a number: times are of its clock */
} sx_cache;

/**
 * A backend over ${cache} and ${beside}, both borrowed.  ${beside} must have a
 * queue that keeps others out, and be used with the same ${cache} only in this
 * way.  NULL: it cannot be asked now.
 */
sx_store *sx_store_cache_create(const sx_cache *cache, sx_store *beside,
                                int64_t now_ms, apr_pool_t *pool);

#endif
