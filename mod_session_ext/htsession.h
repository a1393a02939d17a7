/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of htsession share: one run of the tool, how it ends, and
 * what is said in which form. */
#ifndef HTSESSION_H
#define HTSESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "htsession_store.h"
#include "sx_keys.h"

typedef enum outcome {
    DONE = 0,
    NOT_FOUND = 1,
    BAD_USAGE = 2,
    BROKEN = 3 /* damaged, not reached, not written */
} outcome;

typedef struct tool {
    const char *file; /* the first operand: a store, or a file to be made */
    const char *arg;
    const char *key_file;
    bool json;
    bool force;
    const char *user; /* list, logout: of this one, by these two */
    const char *ns;
    const char *keys;
    const char *size;   /* bench */
    const char *output; /* dump */
    bool terminal;      /* standard error is one: show progress */
    tool_store at;
    int64_t now_ms;  /* the store's clock */
    int64_t wall_ms; /* wall clock at the same moment */
    uint64_t visited;
    int64_t shown_ms; /* when that was shown last; 0: it is not */
    apr_pool_t *pool;
} tool;

/* What a subcommand does; its result is the exit status. */
typedef outcome tool_run(tool *t);

/* htsession_records.c */
tool_run tool_list, tool_show, tool_destroy;
/* htsession_users.c */
tool_run tool_logout;
/* htsession_upkeep.c */
tool_run tool_sweep, tool_check, tool_keygen;
/* htsession_copy.c, htsession_dump.c */
tool_run tool_copy, tool_dump, tool_load;
/* htsession_stats.c; htsession_count.c: of what is no segment */
tool_run tool_stats, tool_count;

/* htsession_snapshot.c */
tool_run tool_snapshot, tool_restore;

/* htsession_bench.c */
tool_run tool_bench;

/** Read both clocks. */
void tool_read_clocks(tool *t);

/** "htsession: FILE: ..." on standard error, behind all that was printed.
 *  Returns BROKEN. */
outcome tool_fail(const tool *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The same for an answer of the store that is no success. */
outcome tool_fail_answer(const tool *t, sx_answer answer);
outcome tool_fail_status(const tool *t, shm_status status);

/** "htsession: FILE: COMMAND: ..." for what this kind of store cannot do.
 *  Returns BAD_USAGE. */
outcome tool_cannot(const tool *t, const char *command, const char *why);

/** Show all live records to ${visit}; ${again} as that of sx_patient_each. */
outcome tool_each(tool *t, sx_store_visit *visit, void (*again)(void *baton),
                  void *baton);

/** What ${run} answers with the keys of the file ${path}, or BROKEN when they
 *  cannot be had, which is then told. */
typedef outcome tool_keyed(tool *t, const sx_keys *keys, void *baton);
outcome tool_with_keys(tool *t, const char *path, tool_keyed *run, void *baton);

/* A user as a store knows it: tags by each key of a key file. */
typedef struct tool_who {
    uint32_t ns;
    size_t count;
    uint64_t tags[SX_KEYS_PER_FILE];
} tool_who;

/** The user t->user of t->ns; and is the session with this ${meta} one of
 *  theirs? */
tool_who tool_who_of(const tool *t, const sx_keys *keys);
bool tool_is_of(const tool_who *who, const sx_record_meta *meta);

/** Has it been ended with all others of its user, though it lies there? */
bool tool_has_ended(const tool *t, const sx_record_meta *meta);

/** A session and no alias, epoch or tombstone? */
bool tool_is_session(const sx_record_meta *meta);

/** One more record was looked at; tool_progress_end takes the line away. */
void tool_progress(tool *t);
void tool_progress_end(tool *t);

/** ${text} as a string of JSON, on standard output. */
void tool_put_json(const char *text);

/** A time of the store in ISO 8601 and UTC. */
const char *tool_time(const tool *t, int64_t ms, char text[32]);

#endif
