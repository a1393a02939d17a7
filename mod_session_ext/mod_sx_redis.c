/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_redis.h"

#include <string.h>
#include "apr_hash.h"
#include "sx_store_redis.h"

/* With a colon behind it, or as a URL begins. */
#define PREFIX "redis"

/* What was read from words of SessionExtStore, by the name of the store, which
 * has no password.  Of one reading of the configuration. */
static apr_hash_t *configs;

static apr_status_t forget_configs(void *unused)
{
    (void)unused;
    configs = NULL;
    return APR_SUCCESS;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* The same place with another key to it is a mistake in one of the lines. */
static bool note(const char *name, const sx_redis_config *config,
                 apr_pool_t *pool)
{
    const sx_redis_config *other;

    if (!configs) {
        configs = apr_hash_make(pool);
        apr_pool_cleanup_register(pool, NULL, forget_configs,
                                  apr_pool_cleanup_null);
    }
    other = apr_hash_get(configs, name, APR_HASH_KEY_STRING);
    if (!other)
        apr_hash_set(configs, name, APR_HASH_KEY_STRING,
                     apr_pmemdup(pool, config, sizeof *config));
    return !other || (same_text(other->user, config->user) &&
                      same_text(other->password, config->password) &&
                      same_text(other->password_file, config->password_file) &&
                      same_text(other->ca_file, config->ca_file) &&
                      same_text(other->cert_file, config->cert_file) &&
                      same_text(other->key_file, config->key_file));
}

/* As a word of SessionExtStore, without user and password. */
static const char *name_of(const sx_redis_config *config, apr_pool_t *pool)
{
    const char *place =
        apr_pstrcat(pool, config->path ? PREFIX ":" : "", config->shown, NULL);

    if (config->db)
        place = apr_psprintf(pool, config->path ? "%s?db=%u" : "%s/%u", place,
                             config->db);
    return strcmp(config->prefix, SX_REDIS_PREFIX)
               ? apr_pstrcat(pool, place,
                             config->path && config->db ? "&" : "?",
                             "prefix=", config->prefix, NULL)
               : place;
}

/* redis://HOST is as good as redis:redis://HOST. */
static const char *name(cmd_parms *cmd, const char *word, const char **why)
{
    const char *rest = word + strlen(PREFIX), *name;
    const bool is_url = !strncmp(rest, "://", 3) || !strncmp(rest, "s://", 4);
    sx_redis_config config;

    if (!is_url && *rest != ':') {
        *why = "no such store: accepted is redis:URL";
        return NULL;
    }
    *why = sx_redis_config_read(&config, is_url ? word : rest + 1, cmd->pool);
    if (*why)
        return NULL;
    name = name_of(&config, cmd->pool);
    if (!note(name, &config, cmd->pool))
        *why = "another line names the same place with another user, password "
               "or file";
    return *why ? NULL : name;
}

static const char *judge(const mod_sx_store_conf *store,
                         sx_redis_config *config, apr_pool_t *pool)
{
    const sx_redis_config *noted =
        configs ? apr_hash_get(configs, store->name, APR_HASH_KEY_STRING)
                : NULL;
    const char *why = "no line names it";

    if (noted) {
        *config = *noted;
        why = sx_redis_config_load(config, pool);
    }
    return why ? apr_psprintf(pool, "SessionExtStore '%s': %s", store->name,
                              why)
               : NULL;
}

static const char *check(const mod_sx_server *main_conf,
                         const mod_sx_store_conf *store, apr_pool_t *pool)
{
    sx_redis_config config;

    (void)main_conf;
    return judge(store, &config, pool);
}

static const char *prepare(mod_sx_segment *store, apr_pool_t *pool)
{
    sx_redis_config *config = apr_pcalloc(pool, sizeof *config);

    store->shared = config;
    return judge(store->conf, config, pool);
}

static sx_store *open_redis(const mod_sx_segment *store, const char **why,
                            apr_pool_t *pool)
{
    return sx_store_redis_open(store->shared, why, pool);
}

const mod_sx_kind mod_sx_redis = {
    .prefix = PREFIX,
    .accepted = "redis:URL",
    .sessions = "sessions in Redis",
    .outlives = "sessions in Redis outlive a reboot",
    .max_record = SX_REDIS_RECORD_MAX,
    .remote = true,
    .name = name,
    .check = check,
    .prepare = prepare,
    .open = open_redis,
};
