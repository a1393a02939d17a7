/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start and restart: stores opened by the parent, looked into by each child;
 * keys loaded by the parent.  What must outlive a graceful restart, and with it
 * the unloading of this module, hangs on the process pool and holds no pointer
 * into the module.
 */
#ifndef MOD_SX_SERVER_H
#define MOD_SX_SERVER_H

#include "httpd.h"
#include "mod_sx_config.h"
#include "sx_process.h"
#include "sx_store_breaker.h"

/* An open store.  Made by the parent, completed in each child. */
typedef struct mod_sx_segment {
    const mod_sx_store_conf *conf;
    const sx_keys *keys; /* that seal its snapshot; NULL: none */
    shm_store *segment;  /* NULL: could not be opened at a restart */
    void *shared;        /* what its kind shares among the children, or NULL */
    sx_breaker_figures *breaker; /* so, of one that is remote */
    uint32_t *told;    /* shared by the children, atomic: it was said that the
                     * file was cut off; NULL: each says so */
    sx_store *backend; /* child only, atomic; NULL: unavailable */
} mod_sx_segment;

/** Hook: what `httpd -t` says of stores, keys and their use. */
int mod_sx_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *server);

/** Hook: open stores, load keys.  Fails at start only; at a restart what
 *  worked before goes on and the log says why. */
int mod_sx_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *server);

/** Is this a restart of a server that has been running?  Then what worked
 *  before must go on. */
bool mod_sx_is_restart(void);

/** Open the file of ${segment}, whose `conf` is set, or take it over from the
 *  generation before; ${pool} is pconf.  Returns false, after a line in the
 *  log, if the server must not start; at a restart the store is unavailable. */
bool mod_sx_open_segment(mod_sx_segment *segment, server_rec *server,
                         apr_pool_t *pool);

/** Hook: attach the stores and start their cleanup threads. */
void mod_sx_child_init(apr_pool_t *pchild, server_rec *server);

/** This child. */
const sx_process *mod_sx_self(void);

/** What is configured of the store ${name}, or NULL if there is none. */
const mod_sx_store_conf *mod_sx_store_conf_of(const char *name);

/** The backend of the store ${name}, or NULL if it is unavailable. */
sx_store *mod_sx_backend(const char *name);

/** The same for one request of a scope on it. */
sx_store *mod_sx_backend_for(const char *name, const mod_sx_dir *dir,
                             apr_pool_t *pool);

#endif
