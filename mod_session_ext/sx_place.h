/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store and its keys, as a program beside the server has them: the PHP
 * extension.  Both are opened where a program begins, and may do more than
 * later: in the master of php-fpm or the parent of httpd.  Processes that are
 * forked from there look inside, when they need it for the first time.
 *
 * What could not be opened then is tried again whenever it is needed, with what
 * rights there are by then: the server that makes store and keys may begin
 * after us.
 *
 * One thread at a time; one place a process, and what is forked from it.
 */
#ifndef SX_PLACE_H
#define SX_PLACE_H

#include "sx_keys.h"
#include "sx_process.h"
#include "sx_store.h"

typedef struct sx_place_config {
    const char *store_file;
    const char *key_file;
    uint64_t make_size; /* bytes of a store that is made if there is none; 0:
                         * none is made */
} sx_place_config;

/* What the server says of its store, beside where it is. */
typedef struct sx_place_rules {
    bool evicts;            /* for a user the oldest of another goes */
    unsigned max_anonymous; /* per cent; 0: no limit */
    unsigned max_namespace;
} sx_place_rules;

typedef struct sx_place sx_place;

/** A place that is not opened yet.  Strings of ${config} are borrowed, and
 *  ${pool} must outlive it; it ends with sx_place_close. */
sx_place *sx_place_create(const sx_place_config *config, apr_pool_t *pool);

/** Open what is not open.  NULL, or one sentence that names the file, what is
 *  wrong and what is accepted; it lives until the next call. */
const char *sx_place_open(sx_place *place);

/**
 * Be inside, in the process that is about to use it.  ${life}, if not 0, is
 * that of the store which the server means; when ours has another one, and the
 * file has been replaced, that is opened.  NULL, or a sentence.
 */
const char *sx_place_enter(sx_place *place, uint64_t life, int64_t now_ms);

/** Inside: write by these rules from now on.  Until said otherwise, nobody with
 *  a user goes, and there are no limits. */
void sx_place_obey(sx_place *place, const sx_place_rules *rules);

/** Behind sx_place_enter. */
sx_store *sx_place_store(const sx_place *place);
const sx_process *sx_place_self(const sx_place *place);

/** The keys; NULL before sx_place_open. */
const sx_keys *sx_place_keys(const sx_place *place);

/** Read the key file again: its keys may have been rotated.  False: it could
 *  not be read, and the keys are those of before. */
bool sx_place_reread_keys(sx_place *place);

/**
 * Take the turn of the session ${handle}: one process at a time has it, and no
 * longer than it lives.  Waits for it, and asks ${gives_up}, if not NULL,
 * whenever a signal comes in between.  A process that has it has it again.
 * False: gave up, or there can be no turns.  Nobody else who uses the store is
 * kept waiting (shm_turn.h).
 */
bool sx_place_take_turn(sx_place *place, uint64_t handle,
                        bool (*gives_up)(void));
void sx_place_end_turn(sx_place *place, uint64_t handle);

/** Both clocks, now. */
sx_now sx_place_now(void);

/** Free what has ended, for about ${budget_us} microseconds: how many. */
uint64_t sx_place_sweep(sx_place *place, int64_t budget_us, int64_t now_ms);

/** Leave.  NULL is fine. */
void sx_place_close(sx_place *place);

#endif
