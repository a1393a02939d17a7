/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A circuit breaker in front of a store that is reached over a network (after
 * Nygard, "Release It!").  A peer that is dead or silent costs each call a
 * deadline; after SX_BREAKER_OUTAGES of them in a row the breaker opens, and
 * every call is answered SX_STORE_UNAVAILABLE at once, without touching the
 * peer.  SX_BREAKER_PAUSE_MS later the next call is let through as a probe, one
 * at a time; when the peer answers, the breaker closes.  Nothing runs beside
 * the calls: what nobody asks for need not recover.
 *
 * What counts.  UNAVAILABLE and UNKNOWN are outages.  Every other answer shows
 * that the peer is there, but BUSY: others of our own kept a record for too
 * long, which says nothing of the peer, either way.  So it neither counts nor
 * makes the count begin anew, and a probe that ends so leaves its place to the
 * next call.  Outages are counted in a row and not in a window: a peer that
 * answers most calls is better than none.
 *
 * A peer that holds a connection open and says nothing may keep a call for as
 * long as its driver has no deadline.  So there are `places` for calls at one
 * time ("bulkhead", in the same book): who finds all of them taken waits for
 * one, and is answered after SX_BREAKER_FULL_MS in which no call came back.
 * When SX_BREAKER_OUTAGES are inside and none has come back for
 * SX_BREAKER_STUCK_MS, further ones are answered at once, too, and no probe is
 * added to those that wait.
 *
 * One state a handle, so each process finds out for itself; SX_BREAKER_OUTAGES
 * is few.  It is four atomic words and a semaphore, and no lock is held over a
 * call.  A probe whose caller has vanished, or hangs, is given up after
 * SX_BREAKER_PROBE_MS.
 */
#ifndef SX_STORE_BREAKER_H
#define SX_STORE_BREAKER_H

#include <stdatomic.h>
#include "sx_store.h"

#define SX_BREAKER_OUTAGES  5
#define SX_BREAKER_PAUSE_MS 500
#define SX_BREAKER_PROBE_MS 2000 /* longer than any call may take */
#define SX_BREAKER_STUCK_MS 1000
#define SX_BREAKER_FULL_MS  250

/* What has happened, in numbers. */
#define SX_BREAKER_FIGURES(X)                                                  \
    X(opened, "times that the store was given up until it answers again")      \
    X(rejected, "calls that were answered without asking it")                  \
    X(probes, "calls that were let through to see if it is back")

/* They may lie in memory that processes share. */
typedef struct sx_breaker_figures {
#define X(name, what) _Atomic uint64_t name;
    SX_BREAKER_FIGURES(X)
#undef X
} sx_breaker_figures;

typedef struct sx_breaker_config {
    /** Of a clock that never goes back, in ms; any thread.  NULL:
     *  CLOCK_MONOTONIC. */
    int64_t (*clock_ms)(void *baton);
    void *baton;
    const char *name; /* for two lines of the log: when it opens and when it
                       * closes; NULL: nothing is said */
    sx_breaker_figures *figures; /* borrowed; NULL: nobody wants to know */
    unsigned places;             /* for calls at one time; 0: for any number */
} sx_breaker_config;

/** A breaker in front of ${inner}, which does what that one can, may be called
 *  by whom that one may, and must end before it.  Closed. */
sx_store *sx_store_breaker_create(sx_store *inner,
                                  const sx_breaker_config *config,
                                  apr_pool_t *pool);

/** Is it open now? */
bool sx_store_breaker_is_open(sx_store *store);

#endif
