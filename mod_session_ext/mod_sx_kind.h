/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds of stores that SessionExtStore names with an argument, as file:DIR: a
 * row each.  What they have in common is done elsewhere once: names and scopes
 * (mod_sx_uses), checks (mod_sx_check), start (mod_sx_server), and in a child
 * opening, trying again and sweeping (mod_sx_keeper).  Segments of ShmStore are
 * no kind: their files and memory outlive generations.
 */
#ifndef MOD_SX_KIND_H
#define MOD_SX_KIND_H

#include "mod_sx_server.h"

/** A figure of a store, for the status page. */
typedef void mod_sx_tell_figure(void *baton, const char *name, uint64_t value);

struct mod_sx_kind {
    const char *prefix;   /* what its words and names begin with: "file:" */
    bool is_word;         /* so does a word that is this without the colon */
    const char *accepted; /* such a word, for messages: "file:DIR" */
    const char *sessions; /* "sessions in files" */
    const char *outlives; /* "files outlive a reboot": what needs keys that do,
                           * too; NULL: nothing does */
    apr_uint32_t max_record;
    bool remote; /* reached over a network: a breaker stands before it */

    /** The word as the name of the store: the same name is the same store.
     *  NULL, and in ${why} what is accepted. */
    const char *(*name)(cmd_parms *cmd, const char *word, const char **why);

    /** What follows from the name, and stores that this one needs
     *  (mod_sx_want_store).  NULL: nothing. */
    void (*complete)(mod_sx_server *main_conf, mod_sx_store_conf *store,
                     apr_pool_t *pool);

    /** For httpd -t: NULL or a sentence.  Changes nothing. */
    const char *(*check)(const mod_sx_server *main_conf,
                         const mod_sx_store_conf *store, apr_pool_t *pool);

    /** In the parent, before there are children, with ${pool} that of the
     *  configuration: NULL, or a sentence why it cannot be used. */
    const char *(*prepare)(mod_sx_segment *store, apr_pool_t *pool);

    /** In a child: the backend, or NULL and why.  Then it is asked again, once
     *  a second, with another ${pool}.  NULL: there is nothing to be kept open,
     *  as in a store that is made of others. */
    sx_store *(*open)(const mod_sx_segment *store, const char **why,
                      apr_pool_t *pool);

    /** The backend for one request of the scope ${dir}, or NULL.  NULL instead
     *  of the function: what was opened. */
    sx_store *(*for_request)(const mod_sx_store_conf *store,
                             const mod_sx_dir *dir, apr_pool_t *pool);

    /** Its figures.  Any child.  NULL: it has none. */
    void (*figures)(const mod_sx_segment *store, mod_sx_tell_figure *tell,
                    void *baton);
};

/** The kind that ${word}, or a name, is of, in any case, or NULL.  A name
 *  without a colon is of none. */
const mod_sx_kind *mod_sx_kind_of(const char *word);

/** The name of the store that ${word} means: of a ShmStore (shm, shm:NAME), or
 *  of a kind.  NULL, and in ${why} what is accepted. */
const char *mod_sx_store_of_word(cmd_parms *cmd, const char *word,
                                 const char **why);

/** What SessionExtStore accepts, as the end of a sentence. */
const char *mod_sx_kind_words(apr_pool_t *pool);

#endif
