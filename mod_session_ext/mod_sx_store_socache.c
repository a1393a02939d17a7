/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_store_socache.h"

#include <stdlib.h>
#include <string.h>
#include "ap_provider.h"
#include "ap_socache.h"
#include "mod_sx_uses.h"
#include "sx_store_cache.h"

extern module AP_MODULE_DECLARE_DATA session_ext_module;

#define PREFIX "socache:"

/* At most 16 bytes, says the interface, and part of keys and file names. */
#define OWNER "session_ext"

/* Most sessions are smaller than that; shmcb divides its room by it. */
#define USUAL_SIZE 512

/* ---- how providers differ ----------------------------------------------- */

/* No record is longer than ${most}: dbm takes less than 950 bytes of an id and
 * its object, and memcached 1m of all.  ${accepted} is that for the check of
 * SessionExtMaxSize, which counts with the 1k that many keys may cost. */
static const struct trait {
    const char *provider; /* NULL: every other */
    apr_uint32_t accepted, most;
    apr_status_t missing; /* what it says of what it has not */
    bool always_there;    /* and if it says so, it has not */
} traits[] = {
    {"dbm", 512 + 1024, 820, APR_EGENERAL, false},
    {"shmcb", 1048576 - 2048, 1048576 - 2048, APR_NOTFOUND, true},
    {NULL, 1048576 - 2048, 1048576 - 2048, APR_NOTFOUND, false},
};

/* Made by the parent, in the pool of the configuration. */
typedef struct socache {
    const ap_socache_provider_t *provider;
    ap_socache_instance_t *instance;
    const struct trait *trait;
    sx_cache cache;
} socache;

static const struct trait *trait_of(const char *provider)
{
    const struct trait *trait = traits;

    while (trait->provider && strcmp(trait->provider, provider))
        trait++;
    return trait;
}

/* ---- the word ----------------------------------------------------------- */

/* PROVIDER of a name; behind it ARGS, or NULL. */
static const char *split(const char *name, const char **args, apr_pool_t *pool)
{
    const char *word = name + strlen(PREFIX), *colon = strchr(word, ':');

    *args = colon && colon[1] ? colon + 1 : NULL;
    return colon ? apr_pstrmemdup(pool, word, (apr_size_t)(colon - word))
                 : word;
}

static const char *name(cmd_parms *cmd, const char *word, const char **why)
{
    if (word[strlen(PREFIX)] == '\0' || word[strlen(PREFIX)] == ':') {
        *why = "accepted behind socache: is the name of a provider, as "
               "memcache or shmcb, and its arguments behind another colon";
        return NULL;
    }
    return apr_pstrcat(cmd->pool, PREFIX, word + strlen(PREFIX), NULL);
}

static void complete(mod_sx_server *main_conf, mod_sx_store_conf *store,
                     apr_pool_t *pool)
{
    const char *args;

    mod_sx_want_store(main_conf, MOD_SX_DEFAULT_STORE, pool);
    store->max_record = trait_of(split(store->name, &args, pool))->accepted;
}

/* ---- the provider ------------------------------------------------------- */

static const char *refusal(const mod_sx_store_conf *store, const char *why,
                           apr_pool_t *pool)
{
    return apr_psprintf(pool, "SessionExtStore '%s': %s", store->name, why);
}

static const char *accepted_providers(apr_pool_t *pool)
{
    apr_array_header_t *names = ap_list_provider_names(
        pool, AP_SOCACHE_PROVIDER_GROUP, AP_SOCACHE_PROVIDER_VERSION);
    const char *all = "";

    for (int i = 0; i < names->nelts; i++)
        all = apr_pstrcat(
            pool, all, i ? ", " : "",
            APR_ARRAY_IDX(names, i, ap_list_provider_names_t).provider_name,
            NULL);
    return all;
}

/* Of several memcacheds one that comes back brings back what has ended since
 * it went. */
static const char *check_args(const char *provider, const char *args)
{
    return !strcmp(provider, "memcache") && args && strchr(args, ',')
               ? "of several servers one that comes back brings back "
                 "sessions that have ended: accepted is one"
               : NULL;
}

static const char *make(const mod_sx_store_conf *store, socache *made,
                        apr_pool_t *pool)
{
    const char *args, *why;
    const char *provider = split(store->name, &args, pool);

    made->trait = trait_of(provider);
    made->provider = ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, provider,
                                        AP_SOCACHE_PROVIDER_VERSION);
    if (!made->provider)
        return refusal(store,
                       apr_psprintf(pool,
                                    "no module with the socache provider '%s' "
                                    "is loaded (as mod_socache_%s): those that "
                                    "are there are %s",
                                    provider, provider,
                                    accepted_providers(pool)),
                       pool);
    why = check_args(provider, args);
    if (!why)
        why = made->provider->create(&made->instance, args, pool, pool);
    return why ? refusal(store, why, pool) : NULL;
}

static const char *check(const mod_sx_server *main_conf,
                         const mod_sx_store_conf *store, apr_pool_t *pool)
{
    socache made;

    (void)main_conf;
    return make(store, &made, pool);
}

/* ---- its calls ---------------------------------------------------------- */

static sx_answer retrieve(void *baton, const unsigned char *id,
                          unsigned char *bytes, size_t *len)
{
    const socache *s = baton;
    unsigned int got = (unsigned int)*len;
    apr_status_t status;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    status = s->provider->retrieve(s->instance, ap_server_conf, id,
                                   SX_STORE_KEY_LEN, bytes, &got, pool);
    apr_pool_destroy(pool);
    if (status == APR_SUCCESS && got > *len)
        return SX_STORE_UNAVAILABLE;
    *len = got;
    if (status == APR_SUCCESS)
        return SX_STORE_OK;
    return status == APR_NOTFOUND || status == s->trait->missing
               ? SX_STORE_MISS
               : SX_STORE_UNAVAILABLE;
}

static sx_answer store_bytes(void *baton, const unsigned char *id, sx_str bytes,
                             int64_t life_s)
{
    const socache *s = baton;
    apr_time_t end = apr_time_now() + apr_time_from_sec(life_s + 1);
    apr_status_t status;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    /* The interface promises not to write there, but does not say so. */
    status = s->provider->store(
        s->instance, ap_server_conf, id, SX_STORE_KEY_LEN, end,
        (unsigned char *)(apr_uintptr_t)bytes.p, (unsigned int)bytes.len, pool);
    apr_pool_destroy(pool);
    return status == APR_SUCCESS                          ? SX_STORE_OK
           : status == APR_ENOSPC || status == APR_ENOMEM ? SX_STORE_FULL
                                                          : SX_STORE_UNKNOWN;
}

static sx_answer remove_bytes(void *baton, const unsigned char *id)
{
    const socache *s = baton;
    apr_status_t status;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    status = s->provider->remove(s->instance, ap_server_conf, id,
                                 SX_STORE_KEY_LEN, pool);
    apr_pool_destroy(pool);
    return status == APR_SUCCESS    ? SX_STORE_OK
           : status == APR_NOTFOUND ? SX_STORE_MISS
                                    : SX_STORE_UNKNOWN;
}

/* The first 16 digits of the kernel's number of this boot; 0: not known. */
static uint64_t boot_of_host(apr_pool_t *pool)
{
    char text[64] = "", digits[17] = "";
    apr_size_t len = sizeof text - 1, n = 0;
    apr_file_t *file;

    if (apr_file_open(&file, "/proc/sys/kernel/random/boot_id", APR_FOPEN_READ,
                      0, pool) != APR_SUCCESS)
        return 0;
    (void)apr_file_read(file, text, &len);
    apr_file_close(file);
    for (const char *p = text; *p && n < 16; p++)
        if (apr_isxdigit(*p))
            digits[n++] = *p;
    return strtoull(digits, NULL, 16);
}

/* ---- start -------------------------------------------------------------- */

/* Nothing is destroyed when the configuration is read again: what a provider
 * has in its pool goes with that, and what it keeps otherwise, as the files of
 * dbm, has sessions in it that are to be found again. */
static const char *prepare(mod_sx_segment *store, apr_pool_t *pool)
{
    const struct ap_socache_hints hints = {.avg_id_len = SX_STORE_KEY_LEN,
                                           .avg_obj_size = USUAL_SIZE,
                                           .expiry_interval =
                                               apr_time_from_sec(300)};
    socache *made = apr_pcalloc(pool, sizeof *made);
    const char *why = make(store->conf, made, pool);
    apr_status_t status;

    if (why)
        return why;
    status = made->provider->init(made->instance, OWNER, &hints, ap_server_conf,
                                  pool);
    if (status != APR_SUCCESS)
        return refusal(
            store->conf,
            apr_psprintf(pool, "the provider cannot begin: %pm", &status),
            pool);
    made->cache = (sx_cache){
        .baton = made,
        .retrieve = retrieve,
        .store = store_bytes,
        .remove = remove_bytes,
        .max_record = made->trait->most,
        .one_at_a_time =
            (made->provider->flags & AP_SOCACHE_FLAG_NOTMPSAFE) != 0,
        .always_there = made->trait->always_there,
        .boot = boot_of_host(pool),
    };
    store->shared = made;
    return NULL;
}

static sx_store *open_socache(const mod_sx_segment *store, const char **why,
                              apr_pool_t *pool)
{
    const socache *made = store->shared;
    sx_store *beside = mod_sx_backend(MOD_SX_DEFAULT_STORE), *opened = NULL;

    if (!made)
        *why = "its provider could not begin";
    else if (beside)
        opened = sx_store_cache_create(&made->cache, beside,
                                       beside->ops->clock_ms(beside), pool);
    if (made && !opened)
        *why =
            "the ShmStore '" MOD_SX_DEFAULT_STORE "' beside it cannot be asked";
    return opened;
}

const mod_sx_kind mod_sx_store_socache = {
    .prefix = PREFIX,
    .accepted = "socache:PROVIDER[:ARGS]",
    .sessions = "sessions in a cache",
    .max_record = 1048576,
    .remote = true,
    .name = name,
    .complete = complete,
    .check = check,
    .prepare = prepare,
    .open = open_socache,
};
