/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpd knows three answers of a provider: granted, denied, and an error, which
 * is a 500.  Where a session cannot be asked, "denied" would be turned into its
 * opposite by `Require not`, so the answer is the error; which status is meant
 * by it stands in the part, and mod_sx_authz_decide, around all that decides,
 * says it.
 */
#include "mod_sx_private.h"
#include "mod_sx_authz.h"

#include <string.h>
#include "ap_expr.h"
#include "ap_provider.h"
#include "apr_atomic.h"
#include "mod_auth.h"
#include "mod_sx_ask.h"
#include "mod_sx_parse.h"

/* A word of a Require line: as it stands, or what an expression comes to. */
typedef struct word {
    sx_str text;
    const ap_expr_info_t *expr; /* NULL: as it stands */
} word;

typedef struct requirement {
    sx_str key;                /* session-key */
    apr_array_header_t *words; /* of word; any of them will do */
    apr_int64_t age_ms;        /* session-age */
} requirement;

/* Does anything here ask for sessions?  Who asks for none need not have the
 * hooks of others run inside of ours, and again where they decline.  A line of
 * a .htaccess file says so while requests run. */
static apr_uint32_t is_used;

void mod_sx_authz_use(void)
{
    apr_atomic_set32(&is_used, 1);
}

typedef bool holds_fn(request_rec *r, const mod_sx_visit *visit,
                      const requirement *required);

/* ---- what is required --------------------------------------------------- */

static const char *refuse(cmd_parms *cmd, const char *name, const char *value,
                          const char *why)
{
    return apr_pstrcat(cmd->pool, "Require ", name, ": '", value, "': ", why,
                       NULL);
}

/* Words keep their quotes up to here. */
static const char *add_words(cmd_parms *cmd, const char *name, const char *line,
                             apr_array_header_t *words)
{
    while (*line) {
        const char *text = ap_getword_conf(cmd->pool, &line);
        const char *err = NULL;
        word *added = apr_array_push(words);

        *added = (word){.text = sx_str_of(text)};
        if (!strstr(text, "%{"))
            continue;
        added->expr = ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_STRING_RESULT,
                                        &err, NULL);
        if (err)
            return refuse(cmd, name, text,
                          apr_pstrcat(cmd->pool,
                                      "with %{ in it a word is a string "
                                      "expression, and this is none: ",
                                      err, NULL));
    }
    return NULL;
}

static const char *parse_none(cmd_parms *cmd, const char *line,
                              const void **parsed)
{
    mod_sx_authz_use();
    *parsed = NULL;
    return *line ? refuse(cmd, "session", line,
                          "nothing is accepted behind it; session-user, "
                          "session-key and session-age take arguments")
                 : NULL;
}

static const char *parse_user(cmd_parms *cmd, const char *line,
                              const void **parsed)
{
    requirement *required = apr_pcalloc(cmd->pool, sizeof *required);

    mod_sx_authz_use();
    *parsed = required;
    required->words = apr_array_make(cmd->pool, 4, sizeof(word));
    return *line ? add_words(cmd, "session-user", line, required->words)
                 : refuse(cmd, "session-user", line,
                          "accepted are one or more names of users");
}

static const char *parse_key(cmd_parms *cmd, const char *line,
                             const void **parsed)
{
    requirement *required = apr_pcalloc(cmd->pool, sizeof *required);
    const char *key = ap_getword_conf(cmd->pool, &line);

    mod_sx_authz_use();
    *parsed = required;
    required->key = sx_str_of(key);
    required->words = apr_array_make(cmd->pool, 4, sizeof(word));
    if (!*key || strlen(key) > SX_KEY_MAX)
        return refuse(cmd, "session-key", key,
                      "a key of 1 to 128 bytes is accepted, and behind it one "
                      "or more values");
    return *line ? add_words(cmd, "session-key", line, required->words)
                 : refuse(cmd, "session-key", key,
                          "behind the key one or more values are accepted");
}

static const char *parse_age(cmd_parms *cmd, const char *line,
                             const void **parsed)
{
    requirement *required = apr_pcalloc(cmd->pool, sizeof *required);
    const char *age = ap_getword_conf(cmd->pool, &line);
    const char *why = mod_sx_parse_duration(age, &required->age_ms);

    mod_sx_authz_use();
    *parsed = required;
    if (why)
        return refuse(cmd, "session-age", age, why);
    if (required->age_ms < 1000)
        return refuse(cmd, "session-age", age, "accepted is 1s or more");
    return *line ? refuse(cmd, "session-age", line,
                          "one duration is accepted, and nothing behind it")
                 : NULL;
}

/* ---- does it hold? ------------------------------------------------------ */

/* What an expression comes to if what it asks for is not there, nothing, is
 * the value of nobody. */
static bool is_one_of(request_rec *r, sx_str value,
                      const apr_array_header_t *words)
{
    for (int i = 0; i < words->nelts; i++) {
        const word *one = &APR_ARRAY_IDX(words, i, word);
        const char *err = NULL;
        const char *text = NULL;

        if (!one->expr && sx_str_eq(value, one->text))
            return true;
        if (one->expr)
            text = ap_expr_str_exec(r, one->expr, &err);
        if (err)
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "an expression behind Require session-user or "
                          "session-key failed: %s",
                          err);
        else if (text && *text && sx_str_eq(value, sx_str_of(text)))
            return true;
    }
    return false;
}

static bool is_there(request_rec *r, const mod_sx_visit *visit,
                     const requirement *required)
{
    (void)r;
    (void)visit;
    (void)required;
    return true;
}

static sx_str user_of(const mod_sx_visit *visit)
{
    return sx_session_user(visit->loaded.session, visit->realm.user_key);
}

static bool is_of_user(request_rec *r, const mod_sx_visit *visit,
                       const requirement *required)
{
    sx_str user = user_of(visit);

    return user.len && is_one_of(r, user, required->words);
}

static bool has_value(request_rec *r, const mod_sx_visit *visit,
                      const requirement *required)
{
    const sx_entry *entry =
        sx_session_get(visit->loaded.session, required->key);

    return entry && sx_type_is_shown(entry->type) &&
           is_one_of(r, entry->value, required->words);
}

/* Counted on the store's clock since the session began: to set the clock of
 * the wall makes no log-in younger. */
static bool is_young(request_rec *r, const mod_sx_visit *visit,
                     const requirement *required)
{
    const sx_session *session = visit->loaded.session;
    int64_t now_s = mod_sx_wall_of(&visit->loaded, mod_sx_now(visit).boot_ms);
    int64_t since_s = user_of(visit).len && session->login_s
                          ? session->login_s
                          : session->created_s;

    (void)r;
    return now_s - since_s <= required->age_ms / 1000;
}

/* ---- providers ---------------------------------------------------------- */

/* Before authentication "denied" would be the last word, and nobody would be
 * asked for the password that AuthType promises. */
static authz_status denied(request_rec *r)
{
    return ap_auth_type(r) && !mod_sx_part_of(r)->user_is_checked
               ? AUTHZ_DENIED_NO_USER
               : AUTHZ_DENIED;
}

static authz_status check(request_rec *r, const void *parsed, holds_fn *holds)
{
    const mod_sx_visit *visit = mod_sx_ask(r);

    if (!visit) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "Require %s: denied, since sessions are off here: it "
                      "needs SessionExt On in this scope and, for a part of a "
                      "page, in that of the page",
                      apr_table_get(r->notes, AUTHZ_PROVIDER_NAME_NOTE));
        mod_sx_part_of(r)->refusal = HTTP_FORBIDDEN;
        return AUTHZ_GENERAL_ERROR;
    }
    if (visit->loaded.status == SX_STATUS_UNAVAILABLE)
        return AUTHZ_GENERAL_ERROR;
    return visit->loaded.status == SX_STATUS_ACTIVE && holds(r, visit, parsed)
               ? AUTHZ_GRANTED
               : denied(r);
}

static authz_status check_none(request_rec *r, const char *line,
                               const void *parsed)
{
    (void)line;
    return check(r, parsed, is_there);
}

static authz_status check_user(request_rec *r, const char *line,
                               const void *parsed)
{
    (void)line;
    return check(r, parsed, is_of_user);
}

static authz_status check_key(request_rec *r, const char *line,
                              const void *parsed)
{
    (void)line;
    return check(r, parsed, has_value);
}

static authz_status check_age(request_rec *r, const char *line,
                              const void *parsed)
{
    (void)line;
    return check(r, parsed, is_young);
}

void mod_sx_authz_register(apr_pool_t *pool)
{
    static const struct {
        const char *name;
        authz_provider provider;
    } providers[] = {
        {"session", {check_none, parse_none}},
        {"session-user", {check_user, parse_user}},
        {"session-key", {check_key, parse_key}},
        {"session-age", {check_age, parse_age}},
    };

    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
        ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, providers[i].name,
                                  AUTHZ_PROVIDER_VERSION,
                                  &providers[i].provider,
                                  AP_AUTH_INTERNAL_PER_CONF);
}

int mod_sx_authz_decide(request_rec *r, int (*hooks)(request_rec *r))
{
    mod_sx_part *part = mod_sx_part_of(r);
    int status;

    if (part->deciding || !apr_atomic_read32(&is_used))
        return DECLINED;
    part->deciding = true;
    part->refusal = OK;
    status = hooks(r);
    part->deciding = false;
    return part->refusal == OK ? status : part->refusal;
}
