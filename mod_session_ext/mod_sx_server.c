/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_server.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "mod_sx_attach.h"
#include "mod_sx_check.h"
#include "mod_sx_kind.h"
#include "mod_sx_path.h"
#include "mod_sx_share.h"
#include "mod_sx_status.h"
#include "mod_sx_uses.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

/* Raised when shm_store's handle or this table changes: a module upgraded by a
 * graceful restart must not misread what its predecessor left. */
#define RETAINED_VERSION 2
#define RETAINED_KEY     "mod_session_ext"
#define RETAINED_MAX     16
#define SIZE_DEFAULT     ((apr_uint64_t)64 << 20)

typedef struct retained_store {
    const char *name;
    const char *path;
    shm_store *segment;
} retained_store;

typedef struct retained_keys {
    const char *path;
    void *blob; /* sx_keys_save */
    apr_size_t len;
} retained_keys;

/* On the process pool: strings are copied there. */
typedef struct retained {
    int version;
    int nstores, nkeys;
    retained_store stores[RETAINED_MAX];
    retained_keys keys[RETAINED_MAX];
    uint64_t *counters; /* shared by all children, of all generations */
    size_t counters_size;
} retained;

/* Not by what is kept: the generation before may have had no sessions, and to
 * end it would be no better. */
bool mod_sx_is_restart(void)
{
    return ap_state_query(AP_SQ_CONFIG_GEN) > 1;
}

static void log_core(sx_log_level level, const char *message)
{
    static const int levels[] = {APLOG_ERR, APLOG_WARNING, APLOG_INFO};

    ap_log_error(APLOG_MARK, levels[level], 0, ap_server_conf, "%s", message);
}

/* ---- stores ------------------------------------------------------------- */

/* Without a size: what is there already, else 64m or a quarter of the room. */
static apr_uint64_t default_size(const mod_sx_store_conf *conf,
                                 apr_pool_t *pool)
{
    struct stat st;
    apr_uint64_t size = SIZE_DEFAULT, room;

    if (lstat(conf->path, &st) == 0 &&
        shm_store_size_ok((apr_uint64_t)st.st_size))
        return (apr_uint64_t)st.st_size;
    if (!mod_sx_free_room(conf->path, &room, pool) || room / 4 >= size)
        return size;
    size = room / 4 / SST_SIZE_MIN * SST_SIZE_MIN;
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf,
                 "ShmStore '%s': %" APR_UINT64_T_FMT "m, a quarter of the free "
                 "room at %s",
                 conf->name, size >> 20, conf->path);
    return size;
}

static retained_store *find_retained(retained *kept, const char *name)
{
    for (int i = 0; i < kept->nstores; i++)
        if (!strcmp(kept->stores[i].name, name))
            return &kept->stores[i];
    return NULL;
}

static shm_store *open_new(const shm_store_config *config, retained *kept,
                           const char *name, char *err, size_t errlen)
{
    apr_pool_t *forever = ap_server_conf->process->pool;
    retained_store *slot;

    if (kept->nstores == RETAINED_MAX) {
        apr_snprintf(err, errlen, "a server has at most %d stores in its life",
                     RETAINED_MAX);
        return NULL;
    }
    slot = &kept->stores[kept->nstores];
    slot->segment = shm_store_open(config, err, errlen);
    if (!slot->segment)
        return NULL;
    slot->name = apr_pstrdup(forever, name);
    slot->path = apr_pstrdup(forever, config->path);
    kept->nstores++;
    return slot->segment;
}

/* The segment of one ShmStore: mapped since an earlier generation, or opened
 * now.  NULL with the reason in ${err}; a notice there, too. */
static shm_store *open_store(const mod_sx_store_conf *conf, retained *kept,
                             char *err, size_t errlen)
{
    apr_pool_t *pool = ap_server_conf->process->pconf;
    retained_store *slot = find_retained(kept, conf->name);
    shm_store_config config = {
        .path = conf->path,
        .size = conf->size ? conf->size : default_size(conf, pool),
        .max_record = conf->max_record,
        .on_full = conf->on_full,
        .max_anonymous = conf->max_anonymous,
        .max_namespace = conf->max_namespace,
        .owner = geteuid(),
        .group = conf->gid,
        .shared = conf->group != NULL,
        .is_server = true,
        .snapshot = conf->snapshot,
    };

    if (!slot)
        return open_new(&config, kept, conf->name, err, errlen);
    if (strcmp(slot->path, conf->path))
        apr_snprintf(err, errlen,
                     "file= is taken at the next start: %s stays "
                     "in use",
                     slot->path);
    else if (shm_store_reopen(slot->segment, &config, err, errlen) != SST_OK &&
             !*err)
        apr_snprintf(err, errlen, "the store keeps its old size");
    return slot->segment;
}

static bool prepare_kind(mod_sx_segment *segment, server_rec *server,
                         apr_pool_t *pool)
{
    const char *why = segment->conf->kind->prepare(segment, pool);

    if (segment->conf->kind->remote)
        segment->breaker = mod_sx_share(sizeof *segment->breaker, pool);
    if (why)
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, "%s", why);
    return !why || mod_sx_is_restart();
}

static bool open_segment(mod_sx_segment *segment, retained *kept,
                         server_rec *server, apr_pool_t *pool)
{
    char err[512] = "";

    if (segment->conf->kind)
        return prepare_kind(segment, server, pool);
    segment->told = mod_sx_share(sizeof *segment->told, pool);
    segment->segment = open_store(segment->conf, kept, err, sizeof err);
    if (*err)
        ap_log_error(APLOG_MARK, segment->segment ? APLOG_WARNING : APLOG_CRIT,
                     0, server, "ShmStore '%s': %s", segment->conf->name, err);
    return segment->segment || mod_sx_is_restart();
}

static int open_stores(server_rec *server, retained *kept, apr_pool_t *pool)
{
    mod_sx_server *main_conf = mod_sx_server_of(server);

    main_conf->segments = apr_array_make(pool, 2, sizeof(mod_sx_segment));
    for (int i = 0; i < main_conf->stores->nelts; i++) {
        mod_sx_segment *segment = apr_array_push(main_conf->segments);
        *segment = (mod_sx_segment){
            .conf = APR_ARRAY_IDX(main_conf->stores, i, mod_sx_store_conf *)};
        if (!open_segment(segment, kept, server, pool))
            return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* ---- keys --------------------------------------------------------------- */

static void retain_keys(retained *kept, const char *path, const sx_keys *keys)
{
    apr_pool_t *forever = ap_server_conf->process->pool;
    retained_keys *slot = NULL;

    for (int i = 0; i < kept->nkeys; i++)
        if (!strcmp(kept->keys[i].path, path))
            slot = &kept->keys[i];
    if (!slot) {
        if (kept->nkeys == RETAINED_MAX)
            return;
        slot = &kept->keys[kept->nkeys++];
        slot->path = apr_pstrdup(forever, path);
        slot->len = sx_keys_blob_size();
        slot->blob = apr_palloc(forever, slot->len);
    }
    if (slot->len == sx_keys_blob_size())
        sx_keys_save(keys, slot->blob);
}

static sx_keys *restore_keys(const retained *kept, const char *path)
{
    for (int i = 0; i < kept->nkeys; i++)
        if (!strcmp(kept->keys[i].path, path))
            return sx_keys_restore(kept->keys[i].blob, kept->keys[i].len);
    return NULL;
}

static apr_status_t free_keys(void *keys)
{
    sx_keys_free(keys);
    return APR_SUCCESS;
}

/* Load a key file, or at a restart go on with the keys of before. */
static sx_keys *load_keys(const mod_sx_key_file *file, server_rec *server,
                          retained *kept, apr_pool_t *pool)
{
    const char *why = NULL;
    sx_keys *keys;

    if (file->where == NULL)
        why = sx_keys_generate(file->path, pool);
    keys = why ? NULL : mod_sx_load_key_file(file, &why, pool);
    if (keys) {
        retain_keys(kept, file->path, keys);
    }
    else {
        keys = restore_keys(kept, file->path);
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, "%s%s", why,
                     keys ? "; the keys loaded before stay in use" : "");
    }
    if (keys)
        apr_pool_cleanup_register(pool, keys, free_keys, apr_pool_cleanup_null);
    return keys;
}

/* Servers that name the same file share one set. */
static sx_keys *keys_of_earlier(server_rec *first, server_rec *server,
                                const char *path)
{
    for (server_rec *s = first; s != server; s = s->next) {
        const mod_sx_server *conf = mod_sx_server_of(s);
        if (conf->keys && !strcmp(mod_sx_key_file_of(conf)->path, path))
            return conf->keys;
    }
    return NULL;
}

static int load_all_keys(server_rec *first, retained *kept, apr_pool_t *pool)
{
    bool restart = mod_sx_is_restart();

    for (server_rec *s = first; s; s = s->next) {
        mod_sx_server *conf = mod_sx_server_of(s);
        const mod_sx_key_file *file = mod_sx_key_file_of(conf);
        conf->keys = keys_of_earlier(first, s, file->path);
        if (!conf->keys)
            conf->keys = load_keys(file, s, kept, pool);
        if (!conf->keys && !restart)
            return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* A snapshot is sealed by the keys of the first server that uses the store. */
static void choose_snapshot_keys(server_rec *server, apr_pool_t *pool)
{
    const mod_sx_server *main_conf = mod_sx_server_of(server);

    for (int i = 0; i < main_conf->segments->nelts; i++) {
        mod_sx_segment *segment =
            &APR_ARRAY_IDX(main_conf->segments, i, mod_sx_segment);
        const mod_sx_server *user =
            mod_sx_first_user_of(server, segment->conf, pool);
        if (user && user->key_file)
            segment->keys = user->keys;
    }
}

/* Another build may count more: the old children keep the old memory. */
static void share_counters(retained *kept)
{
    if (kept->counters_size != MOD_SX_COUNTERS_SIZE) {
        void *memory = mmap(NULL, MOD_SX_COUNTERS_SIZE, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        kept->counters = memory == MAP_FAILED ? NULL : memory;
        kept->counters_size = MOD_SX_COUNTERS_SIZE;
    }
    mod_sx_counters_set(kept->counters);
}

/* ---- hooks -------------------------------------------------------------- */

static retained *retained_of(server_rec *server)
{
    retained *kept = ap_retained_data_get(RETAINED_KEY);

    if (!kept) {
        kept = ap_retained_data_create(RETAINED_KEY, sizeof *kept);
        kept->version = RETAINED_VERSION;
    }
    else if (kept->version != RETAINED_VERSION) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server,
                     "this build of mod_session_ext cannot take over from the "
                     "one before: sessions are unavailable until the server is "
                     "stopped and started");
        return NULL;
    }
    return kept;
}

bool mod_sx_open_segment(mod_sx_segment *segment, server_rec *server,
                         apr_pool_t *pool)
{
    retained *kept = retained_of(server);

    return !kept || open_segment(segment, kept, server, pool);
}

/* A virtual host without any server directive of ours has been given the main
 * server's configuration itself; a name of its own needs a copy. */
static void name_servers(server_rec *server, apr_pool_t *pconf)
{
    const mod_sx_server *main_conf = mod_sx_server_of(server);

    for (server_rec *s = server; s; s = s->next) {
        mod_sx_server *conf = mod_sx_server_of(s);
        char *name = apr_pstrdup(pconf, s->server_hostname ? s->server_hostname
                                                           : "default");

        if (s != server && conf == main_conf) {
            conf = apr_pmemdup(pconf, conf, sizeof *conf);
            ap_set_module_config(s->module_config, &session_ext_module, conf);
        }
        ap_str_tolower(name);
        conf->ns = name;
    }
}

int mod_sx_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *server)
{
    retained *kept;
    int status;

    (void)plog;
    /* At start the configuration is read twice: the first is a rehearsal. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    if (!sx_crypto_init()) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server,
                     "libsodium cannot be used on this host");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    sx_log_set(log_core);
    name_servers(server, pconf);
    if (!mod_sx_in_use(server))
        return OK;
    mod_sx_complete_stores(server, pconf);
    kept = retained_of(server);
    if (!kept)
        return OK;
    share_counters(kept);
    status = open_stores(server, kept, pconf);
    if (status == OK)
        status = load_all_keys(server, kept, pconf);
    if (status == OK)
        choose_snapshot_keys(server, ptemp);
    return status;
}

/* Written once in a child, before it has threads. */
static sx_process self;

const sx_process *mod_sx_self(void)
{
    return &self;
}

void mod_sx_child_init(apr_pool_t *pchild, server_rec *server)
{
    mod_sx_server *main_conf = mod_sx_server_of(server);

    self = sx_process_self();
    if (!main_conf->segments)
        return;
    for (server_rec *s = server; s; s = s->next)
        if (mod_sx_server_of(s)->keys)
            sx_keys_after_fork(mod_sx_server_of(s)->keys);
    for (int i = 0; i < main_conf->segments->nelts; i++)
        mod_sx_attach(&APR_ARRAY_IDX(main_conf->segments, i, mod_sx_segment),
                      pchild);
}

static const mod_sx_segment *find_segment(const char *name)
{
    const mod_sx_server *main_conf = mod_sx_server_of(ap_server_conf);

    for (int i = 0; main_conf->segments && i < main_conf->segments->nelts;
         i++) {
        const mod_sx_segment *segment =
            &APR_ARRAY_IDX(main_conf->segments, i, mod_sx_segment);
        if (!strcmp(segment->conf->name, name))
            return segment;
    }
    return NULL;
}

sx_store *mod_sx_backend(const char *name)
{
    const mod_sx_segment *segment = find_segment(name);

    return segment ? mod_sx_attached(segment) : NULL;
}

sx_store *mod_sx_backend_for(const char *name, const mod_sx_dir *dir,
                             apr_pool_t *pool)
{
    const mod_sx_segment *segment = find_segment(name);

    if (segment && segment->conf->kind && segment->conf->kind->for_request)
        return segment->conf->kind->for_request(segment->conf, dir, pool);
    return segment ? mod_sx_attached(segment) : NULL;
}

const mod_sx_store_conf *mod_sx_store_conf_of(const char *name)
{
    const mod_sx_segment *segment = find_segment(name);

    return segment ? segment->conf : NULL;
}
