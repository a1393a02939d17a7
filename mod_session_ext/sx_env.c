/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables are made in order of worth: what every app needs, all data in one
 * text, messages, and last the single keys, which repeat the data.  So when a
 * gateway has little room, what is lost is first what is there twice.
 *
 * A value goes out raw only if no shell, log or gateway can read it as
 * anything but text; everything else is percent-encoded or left out by name.
 */
#include "sx_env.h"

#include <string.h>
#include <strings.h>
#include <apr_strings.h>
#include "sx_block.h"
#include "sx_form.h"

#define DATA_PART 8000 /* as long as a header line of httpd may be */
#define PART_NAME sizeof("SESSION_DATA_1234567890")

/* The part of all room that is kept back for SESSION_ENV_OMITTED, if anything
 * is omitted. */
#define OMITTED_SHARE 8

#define OMITTED "SESSION_ENV_OMITTED"

#define FIXED_NAMES(row)                                                       \
    row("SESSION_STATUS") row("SESSION_HANDLE") row("SESSION_USER")            \
        row("SESSION_CREATED") row("SESSION_LAST_ACCESS")                      \
            row("SESSION_EXPIRES") row("SESSION_IDLE_LEFT")                    \
                row("SESSION_VERSION") row("SESSION_DATA")                     \
                    row("SESSION_DATA_PARTS") row("FLASH_COUNT")               \
                        row("FLASH_DATA") row("SESSION_ENV_OMITTED")           \
                            row("SESSION_EXT_TICKET")

#define NAME_ROW(name) name,

static const char *const fixed_names[] = {FIXED_NAMES(NAME_ROW) NULL};

/* One list of variables in the making. */
typedef struct env_ctx {
    const sx_env_in *in;
    apr_pool_t *pool;
    apr_array_header_t *vars;
    apr_array_header_t *omitted; /* of sx_str, in the form in which they go
                                  * into SESSION_ENV_OMITTED */
    size_t max_var;
    size_t left; /* of max_total */
} env_ctx;

/* ---- names -------------------------------------------------------------- */

const char *sx_status_name(sx_status status)
{
    static const char *const words[] = {
        [SX_STATUS_NONE] = "none",
        [SX_STATUS_ACTIVE] = "active",
        [SX_STATUS_INVALID] = "invalid",
        [SX_STATUS_UNAVAILABLE] = "unavailable",
    };

    return words[status];
}

const char *const *sx_env_names(void)
{
    return fixed_names;
}

/* What is behind ${prefix} in ${name}, or NULL. */
static const char *after(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 ? name + len : NULL;
}

/* strspn with ranges of ASCII, whatever the locale. */
static size_t span(const char *s, char first, char last)
{
    size_t n = 0;

    while (s[n] >= first && s[n] <= last)
        n++;
    return n;
}

static bool is_flash_name(const char *rest)
{
    size_t digits = span(rest, '0', '9');
    size_t letters = span(rest, 'a', 'z');

    if (digits)
        return strcmp(rest + digits, "_LEVEL") == 0 ||
               strcmp(rest + digits, "_TEXT") == 0;
    return letters > 0 && rest[letters] == '\0';
}

bool sx_env_is_ours(const char *name)
{
    const char *rest;

    /* Asked of every variable of a request: most are told by one byte, those
     * of mod_ssl and CGI by the next. */
    if (strncmp(name, "SE", 2) != 0 && strncmp(name, "FL", 2) != 0)
        return false;
    for (const char *const *fixed = fixed_names; *fixed; fixed++)
        if (strcmp(name, *fixed) == 0)
            return true;
    if ((rest = after(name, "SESSION_VAR_")) || (rest = after(name, "SEALED_")))
        return *rest != '\0';
    if ((rest = after(name, "SESSION_DATA_"))) {
        size_t digits = span(rest, '0', '9');
        return digits > 0 && rest[digits] == '\0';
    }
    if ((rest = after(name, "FLASH_")))
        return is_flash_name(rest);
    return false;
}

static bool is_var_name(sx_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return key.len > 0;
}

/* ---- one variable ------------------------------------------------------- */

static bool has_control(sx_block block)
{
    return sx_block_any(sx_block_within(block, 0, ' ' - 1) |
                        sx_block_equal(block, 0x7f));
}

/* May ${value} stand in an environment as it is?  An unpatched bash runs what
 * begins like a function. */
static bool is_plain(sx_str value)
{
    char rest[SX_BLOCK_LEN];
    size_t i = 0;

    for (; i + SX_BLOCK_LEN <= value.len; i += SX_BLOCK_LEN)
        if (has_control(sx_block_load(value.p + i)))
            return false;
    memset(rest, ' ', sizeof rest);
    if (i < value.len)
        memcpy(rest, value.p + i, value.len - i);
    if (has_control(sx_block_load(rest)))
        return false;
    return value.len < 4 || memcmp(value.p, "() {", 4) != 0;
}

/* ${value} has a NUL behind it; both strings live as long as the list. */
static bool put(env_ctx *ctx, const char *name, sx_str value)
{
    size_t need = strlen(name) + value.len;

    if (need > ctx->max_var || need > ctx->left)
        return false;
    ctx->left -= need;
    APR_ARRAY_PUSH(ctx->vars, sx_var) = (sx_var){name, value.p};
    return true;
}

/* The same for a value of the session, which may have no NUL behind it. */
static bool put_copy(env_ctx *ctx, const char *name, sx_str value)
{
    return put(ctx, name, sx_str_dup(value, ctx->pool));
}

static void omit(env_ctx *ctx, const char *item)
{
    APR_ARRAY_PUSH(ctx->omitted, sx_str) = sx_str_of(item);
}

static void omit_key(env_ctx *ctx, sx_str key)
{
    sx_buf buf = {.pool = ctx->pool};

    sx_form_encode(&buf, key);
    omit(ctx, buf.p);
}

/* A colon is never in an encoded key, so this item cannot be taken for one. */
static void omit_var(env_ctx *ctx, const char *name)
{
    omit(ctx, apr_pstrcat(ctx->pool, "env:", name, NULL));
}

/* What is plain by its making: words, numbers, encoded data. */
static void put_made(env_ctx *ctx, const char *name, sx_str value)
{
    if (!put(ctx, name, value))
        omit_var(ctx, name);
}

static void put_or_omit(env_ctx *ctx, const char *name, sx_str value)
{
    if (is_plain(value))
        put_made(ctx, name, value);
    else
        omit_var(ctx, name);
}

static void put_number(env_ctx *ctx, const char *name, int64_t number)
{
    put_made(ctx, name, sx_int64_str(number, ctx->pool));
}

/* ---- the session itself ------------------------------------------------- */

static sx_str handle_str(uint64_t handle, apr_pool_t *pool)
{
    sx_str hex = {.len = 2 * sizeof handle};
    char *p = apr_palloc(pool, hex.len + 1);

    hex.p = p;
    for (int shift = 60; shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[handle >> shift & 15];
    *p = '\0';
    return hex;
}

static void put_facts(env_ctx *ctx)
{
    const sx_env_in *in = ctx->in;
    const sx_session *session = in->session;

    put_made(ctx, "SESSION_STATUS", sx_str_of(sx_status_name(in->status)));
    if (in->status != SX_STATUS_ACTIVE || !session)
        return;
    put_made(ctx, "SESSION_HANDLE", handle_str(session->handle, ctx->pool));
    if (in->user.len)
        put_or_omit(ctx, "SESSION_USER", sx_str_dup(in->user, ctx->pool));
    put_number(ctx, "SESSION_CREATED", session->created_s);
    put_number(ctx, "SESSION_LAST_ACCESS", in->last_access_s);
    put_number(ctx, "SESSION_EXPIRES", in->expires_s);
    put_number(ctx, "SESSION_IDLE_LEFT", in->idle_left_s);
    put_made(ctx, "SESSION_VERSION",
             sx_uint64_str(session->version, ctx->pool));
}

/* ---- SESSION_DATA ------------------------------------------------------- */

static size_t part_size(const env_ctx *ctx)
{
    if (ctx->max_var >= DATA_PART + PART_NAME)
        return DATA_PART;
    return ctx->max_var > PART_NAME ? ctx->max_var - PART_NAME : 1;
}

/* What ${len} bytes of data take in all, at most: any two parts in a row are
 * longer than one part may be. */
static size_t data_cost(const env_ctx *ctx, size_t len)
{
    size_t size = part_size(ctx);

    if (len <= size)
        return len + sizeof("SESSION_DATA") - 1;
    return len + (2 * (len / size) + 1) * PART_NAME +
           sizeof("SESSION_DATA_PARTS1234567890");
}

/* Where the part that begins at ${p} ends: behind the last '&' that fits, as
 * most apps read part by part; inside a pair only if the pair is longer. */
static size_t part_len(const char *p, size_t len, size_t size)
{
    const char *cut;

    if (len <= size)
        return len;
    cut = memrchr(p, '&', size);
    return cut ? (size_t)(cut - p) + 1 : size;
}

static void put_data(env_ctx *ctx, sx_str data)
{
    size_t size = part_size(ctx);
    int64_t parts = 0;

    if (data.len <= size) {
        put_made(ctx, "SESSION_DATA", data);
        return;
    }
    while (data.len) {
        size_t len = part_len(data.p, data.len, size);

        put_made(
            ctx,
            apr_psprintf(ctx->pool, "SESSION_DATA_%" APR_INT64_T_FMT, ++parts),
            sx_str_dup((sx_str){data.p, len}, ctx->pool));
        data.p += len;
        data.len -= len;
    }
    put_number(ctx, "SESSION_DATA_PARTS", parts);
}

static bool is_selected(const sx_env_in *in, sx_str key)
{
    if (in->all_keys)
        return true;
    for (int i = 0; in->keys && i < in->keys->nelts; i++)
        if (sx_str_eq(key, sx_str_of(APR_ARRAY_IDX(in->keys, i, const char *))))
            return true;
    return false;
}

/* Marks in ${missing} the entries that are not in the data. */
static void make_data(env_ctx *ctx, bool *missing)
{
    const apr_array_header_t *entries = ctx->in->session->entries;
    sx_buf data = {.pool = ctx->pool};

    for (int i = 0; i < entries->nelts; i++) {
        const sx_entry *entry = &APR_ARRAY_IDX(entries, i, sx_entry);
        size_t before = data.len;

        if (!is_selected(ctx->in, entry->key))
            continue;
        missing[i] = !sx_type_is_shown(entry->type);
        if (missing[i])
            continue;
        sx_form_pair(&data, entry->key, entry->value);
        if (data_cost(ctx, data.len) > ctx->left) {
            data.len = before;
            missing[i] = true;
        }
    }
    sx_buf_append(&data, "", 0);
    put_data(ctx, (sx_str){data.p, data.len});
}

/* Is there an earlier key that differs from this one in nothing but case?
 * httpd's own tables take the two for one when they are handed on. */
static bool is_shadowed(const apr_array_header_t *entries, int index)
{
    sx_str key = APR_ARRAY_IDX(entries, index, sx_entry).key;

    for (int i = 0; i < index; i++) {
        sx_str other = APR_ARRAY_IDX(entries, i, sx_entry).key;

        if (other.len == key.len && strncasecmp(other.p, key.p, key.len) == 0)
            return true;
    }
    return false;
}

static const char *key_var_name(sx_str key, apr_pool_t *pool)
{
    static const char prefix[] = "SESSION_VAR_";
    size_t prefix_len = sizeof prefix - 1;
    char *name = apr_palloc(pool, prefix_len + key.len + 1);

    memcpy(name, prefix, prefix_len);
    memcpy(name + prefix_len, key.p, key.len);
    name[prefix_len + key.len] = '\0';
    return name;
}

static void make_key_vars(env_ctx *ctx, bool *missing)
{
    const apr_array_header_t *entries = ctx->in->session->entries;

    for (int i = 0; i < entries->nelts; i++) {
        const sx_entry *entry = &APR_ARRAY_IDX(entries, i, sx_entry);

        if (!sx_type_is_shown(entry->type) ||
            !is_selected(ctx->in, entry->key) || !is_var_name(entry->key) ||
            !is_plain(entry->value))
            continue;
        if (is_shadowed(entries, i) ||
            !put_copy(ctx, key_var_name(entry->key, ctx->pool), entry->value))
            missing[i] = true;
    }
}

/* ---- flash -------------------------------------------------------------- */

/* The texts of ${level}, joined by blanks. */
static sx_str join_level(env_ctx *ctx, sx_str level)
{
    const apr_array_header_t *messages = ctx->in->messages;
    sx_buf buf = {.pool = ctx->pool};

    for (int i = 0; i < messages->nelts; i++) {
        const sx_message *message = &APR_ARRAY_IDX(messages, i, sx_message);

        if (!sx_str_eq(message->level, level) || !is_plain(message->text))
            continue;
        if (buf.p)
            sx_buf_append(&buf, " ", 1);
        sx_buf_append(&buf, message->text.p, message->text.len);
    }
    return (sx_str){buf.p, buf.len};
}

/* Is message ${index} the first of its level that can stand as it is? */
static bool is_first_of_level(const apr_array_header_t *messages, int index)
{
    const sx_message *message = &APR_ARRAY_IDX(messages, index, sx_message);

    for (int i = 0; i < index; i++) {
        const sx_message *other = &APR_ARRAY_IDX(messages, i, sx_message);

        if (sx_str_eq(other->level, message->level) && is_plain(other->text))
            return false;
    }
    return true;
}

static bool put_message(env_ctx *ctx, int number, const sx_message *message)
{
    const char *level = apr_psprintf(ctx->pool, "FLASH_%d_LEVEL", number);
    const char *text = apr_psprintf(ctx->pool, "FLASH_%d_TEXT", number);

    return sx_is_level(message->level) && is_plain(message->text) &&
           put_copy(ctx, level, message->level) &&
           put_copy(ctx, text, message->text);
}

/* Is ${name} one of ours but for case?  See is_shadowed. */
static bool is_ours_in_any_case(const char *name)
{
    for (const char *const *fixed = fixed_names; *fixed; fixed++)
        if (strcasecmp(name, *fixed) == 0)
            return true;
    return false;
}

static void put_levels(env_ctx *ctx)
{
    const apr_array_header_t *messages = ctx->in->messages;

    for (int i = 0; i < messages->nelts; i++) {
        const sx_message *message = &APR_ARRAY_IDX(messages, i, sx_message);
        const char *name;

        if (!sx_is_level(message->level) || !is_plain(message->text) ||
            !is_first_of_level(messages, i))
            continue;
        name = apr_pstrcat(ctx->pool, "FLASH_",
                           sx_str_dup(message->level, ctx->pool).p, NULL);
        /* Asks again whether it is plain: "()" and "{ ..." join to what a
         * shell might run. */
        if (is_ours_in_any_case(name))
            omit_var(ctx, name);
        else
            put_or_omit(ctx, name, join_level(ctx, message->level));
    }
}

static void make_flash(env_ctx *ctx)
{
    const apr_array_header_t *messages = ctx->in->messages;
    sx_buf data = {.pool = ctx->pool};

    if (!messages)
        return;
    put_number(ctx, "FLASH_COUNT", messages->nelts);
    if (messages->nelts == 0)
        return;
    for (int i = 0; i < messages->nelts; i++) {
        const sx_message *message = &APR_ARRAY_IDX(messages, i, sx_message);

        sx_form_pair(&data, message->level, message->text);
    }
    put_made(ctx, "FLASH_DATA", (sx_str){data.p, data.len});
    for (int i = 0; i < messages->nelts; i++)
        if (!put_message(ctx, i + 1, &APR_ARRAY_IDX(messages, i, sx_message)))
            omit(ctx, apr_psprintf(ctx->pool, "flash:%d", i + 1));
    put_levels(ctx);
}

/* ---- SESSION_ENV_OMITTED ------------------------------------------------ */

/* All items in a row, or as many as there is room for and the number of the
 * others.  Returns whether all are there. */
static bool join_omitted(env_ctx *ctx, size_t room, sx_buf *buf)
{
    const apr_array_header_t *items = ctx->omitted;
    const char *more;
    size_t kept_len = 0;
    int i, kept = 0;

    for (i = 0; i < items->nelts; i++) {
        sx_str item = APR_ARRAY_IDX(items, i, sx_str);

        if (buf->len + 1 + item.len > room)
            break;
        if (buf->len)
            sx_buf_append(buf, ",", 1);
        sx_buf_append(buf, item.p, item.len);
        if (buf->len + sizeof ",more:1234567890" <= room) {
            kept_len = buf->len;
            kept = i + 1;
        }
    }
    if (i == items->nelts)
        return true;
    more = apr_psprintf(ctx->pool, "%smore:%d", kept ? "," : "",
                        items->nelts - kept);
    buf->len = kept_len;
    sx_buf_append(buf, more, strlen(more));
    return false;
}

/* Pushed without asking for room: with a sane gateway the shortest list fits,
 * and to say nothing would be worse. */
static bool put_omitted(env_ctx *ctx)
{
    size_t room = ctx->max_var < ctx->left ? ctx->max_var : ctx->left;
    sx_buf buf = {.pool = ctx->pool};
    bool all;

    if (ctx->omitted->nelts == 0)
        return true;
    room = room > sizeof OMITTED ? room - sizeof OMITTED : 0;
    all = join_omitted(ctx, room, &buf);
    APR_ARRAY_PUSH(ctx->vars, sx_var) = (sx_var){OMITTED, buf.p};
    return all;
}

/* ---- all ---------------------------------------------------------------- */

/* Make everything with ${kept} bytes kept back for the list of what is
 * omitted.  Returns whether that list is whole. */
static bool make(env_ctx *ctx, size_t kept)
{
    const sx_env_in *in = ctx->in;
    const apr_array_header_t *entries = in->session->entries;
    bool *missing = apr_pcalloc(ctx->pool, (size_t)entries->nelts + 1);

    ctx->vars = apr_array_make(ctx->pool, 32, sizeof(sx_var));
    ctx->omitted = apr_array_make(ctx->pool, 4, sizeof(sx_str));
    ctx->left = in->max_total ? in->max_total - kept : SIZE_MAX;
    put_facts(ctx);
    make_data(ctx, missing);
    make_flash(ctx);
    make_key_vars(ctx, missing);
    for (int i = 0; i < entries->nelts; i++)
        if (missing[i])
            omit_key(ctx, APR_ARRAY_IDX(entries, i, sx_entry).key);
    ctx->left += in->max_total ? kept : 0;
    return put_omitted(ctx);
}

apr_array_header_t *sx_env_facts(const sx_env_in *in, apr_pool_t *pool)
{
    env_ctx ctx = {.in = in, .pool = pool, .left = SIZE_MAX};

    ctx.max_var = in->max_var ? in->max_var : SIZE_MAX;
    ctx.vars = apr_array_make(pool, 8, sizeof(sx_var));
    ctx.omitted = apr_array_make(pool, 1, sizeof(sx_str));
    put_facts(&ctx);
    return ctx.vars;
}

apr_array_header_t *sx_env_make(const sx_env_in *in, apr_pool_t *pool)
{
    env_ctx ctx = {.in = in, .pool = pool};

    if (in->status != SX_STATUS_ACTIVE || !in->session)
        return sx_env_facts(in, pool);
    ctx.max_var = in->max_var ? in->max_var : SIZE_MAX;
    /* Mostly nothing is omitted, so room for the list is kept only after a
     * first try has shown that it is needed. */
    if (!make(&ctx, 0) && in->max_total)
        make(&ctx, in->max_total / OMITTED_SHARE);
    return ctx.vars;
}

void sx_env_add_sealed(apr_array_header_t *vars, const char *name, sx_str value,
                       apr_pool_t *pool)
{
    static const char prefix[] = "SEALED_";
    const char *full = apr_pstrcat(pool, prefix, name, NULL);

    if (!is_var_name(sx_str_of(name)) || !is_plain(value))
        return;
    for (int i = 0; i < vars->nelts; i++)
        if (strcasecmp(APR_ARRAY_IDX(vars, i, sx_var).name, full) == 0)
            return;
    APR_ARRAY_PUSH(vars, sx_var) = (sx_var){full, sx_str_dup(value, pool).p};
}
