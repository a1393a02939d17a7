/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores as the tool names and opens them: in the words of SessionExtStore, but
 * that a segment is named by its file, since a ShmStore's name is known to its
 * server alone.  A kind of store is a row in the table of htsession_store.c.
 */
#ifndef HTSESSION_STORE_H
#define HTSESSION_STORE_H

#include "shm_store.h"
#include "sx_store.h"

typedef struct tool_store {
    const char *spec; /* as it was named, but without anything secret */
    sx_store *sx;
    shm_store *segment; /* NULL: it is of another kind */
    shm_attach_report attached;
} tool_store;

/**
 * Open what ${spec} names; it is closed with ${pool}.  Stores that belong to
 * one user are used as that user: what is made in them must be theirs.  So root
 * is not root any more behind this call, see tool_store_as_root.  Returns NULL,
 * or a sentence that names the store and what is wrong.
 */
const char *tool_store_open(const char *spec, tool_store *store,
                            apr_pool_t *pool);

/** For files that root alone can read: root once more, if this is root's run.
 *  Returns what tool_store_as goes back to. */
uid_t tool_store_as_root(void);
void tool_store_as(uid_t user);

/** One line for each kind, as the help has it: how it is named, what it is. */
typedef void tool_store_tell(const char *named, const char *what);
void tool_store_kinds(tool_store_tell *tell);

#endif
