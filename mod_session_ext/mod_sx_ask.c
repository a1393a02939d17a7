/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_ask.h"

#include <string.h>
#include "mod_sx_env.h"

const mod_sx_visit *mod_sx_ask(request_rec *r)
{
    mod_sx_part *part = mod_sx_part_of(r);
    const mod_sx_visit *visit = mod_sx_load(r);

    if (!visit)
        return NULL;
    part->top->asked = true;
    part->top->asked_of_one |= visit->loaded.status != SX_STATUS_NONE;
    if (part->deciding && visit->loaded.status == SX_STATUS_UNAVAILABLE)
        part->refusal = HTTP_SERVICE_UNAVAILABLE;
    return visit;
}

sx_str mod_sx_ask_bytes(const mod_sx_visit *visit, const char *key,
                        apr_pool_t *pool)
{
    const sx_entry *entry =
        visit->loaded.status == SX_STATUS_ACTIVE
            ? sx_session_get(visit->loaded.session, sx_str_of(key))
            : NULL;

    return entry && sx_type_is_shown(entry->type)
               ? sx_str_dup(entry->value, pool)
               : (sx_str){0};
}

const char *mod_sx_ask_key(const mod_sx_visit *visit, const char *key,
                           apr_pool_t *pool)
{
    sx_str value = mod_sx_ask_bytes(visit, key, pool);

    return value.len && memchr(value.p, '\0', value.len) ? NULL : value.p;
}

const char *const *mod_sx_ask_facts(void)
{
    static const char *const names[] = {"STATUS",    "HANDLE",      "USER",
                                        "CREATED",   "LAST_ACCESS", "EXPIRES",
                                        "IDLE_LEFT", "VERSION",     NULL};

    return names;
}

const char *mod_sx_ask_fact(const mod_sx_visit *visit, const char *name,
                            apr_pool_t *pool)
{
    const apr_array_header_t *facts = mod_sx_env_facts(visit, pool);

    for (int i = 0; i < facts->nelts; i++) {
        const sx_var *fact = &APR_ARRAY_IDX(facts, i, sx_var);

        if (!strcmp(fact->name + strlen("SESSION_"), name))
            return fact->value;
    }
    return NULL;
}
