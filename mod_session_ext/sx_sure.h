/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes that come to a sure end though the store's answer was lost on its way
 * (SX_STORE_UNKNOWN): what transaction processing calls "in doubt".
 *
 * A command must not be applied twice, and to do it once more is to do that if
 * the first had arrived.  So whoever has lost an answer looks: sealed bytes
 * have a nonce of their own (sx_seal.h), and who finds their own bytes has
 * written them.  Where the record of before still lies the same put is made
 * again, with the same token and the same bytes: a store lets one of any
 * number in, also if the first of them arrives last.  Where another record lies
 * nobody can tell whether it came after ours or instead of it; then the answer
 * stays SX_STORE_UNKNOWN, and nothing may be applied again.
 *
 * With token 0 nothing is made again under the same key: a first that arrives
 * late, when the second has made the record and a third has ended it, would
 * revive it.  A new session takes another id instead (sx_attempt_put_fresh).
 */
#ifndef SX_SURE_H
#define SX_SURE_H

#include "sx_store.h"

/** How often one command is begun anew for an answer that was lost. */
#define SX_LOST_MAX 2

typedef struct sx_put {
    const unsigned char *key;
    uint64_t token; /* of the record that it replaces; 0: it makes one */
    sx_str bytes;   /* that nobody else writes */
    sx_record_meta *meta;
    bool with_epoch;      /* unless its user's epoch has another token... */
    uint64_t epoch_token; /* ...than this (put_if_epoch) */
} sx_put;

/**
 * As put_if of the store, whose answers these are: OK only if the record is
 * there, or was; what could not be made sure is SX_STORE_UNKNOWN.
 */
sx_answer sx_sure_put(sx_store *store, const sx_put *put, int64_t now_ms,
                      apr_pool_t *pool);

/** Remove the record of ${key} with that token, or any (0): once more if the
 *  answer was lost.  What is MISS then was removed by us or by another. */
sx_answer sx_sure_remove(sx_store *store, const unsigned char *key,
                         uint64_t token);

#endif
