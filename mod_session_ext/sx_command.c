/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row per control header: its name, how its items are read, and whether it
 * is read although another command was refused.  The order of the rows is the
 * order of application as apps know it; sx_op_code repeats it.
 *
 * Every header is a list, whatever its meaning: httpd joins repeated headers
 * with ", " before anybody sees them.
 */
#include "sx_command.h"

#include <string.h>
#include <apr_cstr.h>
#include <apr_strings.h>
#include "sx_form.h"

/* One header value while it is read. */
typedef struct reading {
    sx_delta *delta;
    const char *header; /* its name as the table spells it */
    sx_str value;
    sx_op_code code; /* what the items become, where they become operations */
} reading;

/* Reads one item; returns false after a refusal. */
typedef bool item_fn(reading *in, sx_str item);

/* ---- refusal ------------------------------------------------------------ */

/* The reason says nothing of the bytes found there: they may be a secret. */
static bool refuse(reading *in, const char *where, const char *why)
{
    sx_delta *delta = in->delta;

    if (!delta->refused)
        delta->refused =
            apr_psprintf(delta->pool, "%s: byte %" APR_SIZE_T_FMT ": %s",
                         in->header, (apr_size_t)(where - in->value.p), why);
    return false;
}

/* ---- numbers and words -------------------------------------------------- */

static bool parse_uint64(sx_str s, uint64_t *out)
{
    uint64_t n = 0;

    if (s.len == 0 || (s.p[0] == '0' && s.len > 1))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

static bool is_word(sx_str item, const char *word)
{
    return item.len == strlen(word) &&
           apr_cstr_casecmpn(item.p, word, item.len) == 0;
}

static bool read_if_version(reading *in, sx_str item)
{
    sx_delta *delta = in->delta;
    uint64_t version;

    if (!parse_uint64(item, &version))
        return refuse(in, item.p, "not a version as SESSION_VERSION gives it");
    if (delta->has_if_version && delta->if_version != version)
        return refuse(in, item.p, "another version was already given");
    delta->has_if_version = true;
    delta->if_version = version;
    return true;
}

static bool read_destroy(reading *in, sx_str item)
{
    if (!is_word(item, "on"))
        return refuse(in, item.p, "accepted is: on");
    in->delta->destroy = true;
    return true;
}

static bool read_logout(reading *in, sx_str item)
{
    bool all = is_word(item, "all");

    if (!all && !is_word(item, "others"))
        return refuse(in, item.p, "accepted are: all, others");
    in->delta->logout = true;
    in->delta->destroy |= all;
    return true;
}

static bool read_renew(reading *in, sx_str item)
{
    sx_renewal wish;

    if (is_word(item, "on"))
        wish = SX_RENEW;
    else if (is_word(item, "discard"))
        wish = SX_RENEW_DISCARD;
    else
        return refuse(in, item.p, "accepted are: on, discard");
    if (wish > in->delta->renew)
        in->delta->renew = wish;
    return true;
}

static bool read_flash_keep(reading *in, sx_str item)
{
    if (!is_word(item, "on"))
        return refuse(in, item.p, "accepted is: on");
    in->delta->keep_flash = true;
    return true;
}

/* ---- operations --------------------------------------------------------- */

static bool add(reading *in, const char *where, sx_op op)
{
    if (sx_delta_count(in->delta) >= SX_COMMAND_OPS_MAX)
        return refuse(in, where, "too many commands in one response");
    op.code = in->code;
    sx_delta_add(in->delta, op);
    return true;
}

static bool decode(reading *in, sx_str text, sx_str *out)
{
    size_t at = 0;

    if (sx_form_decode(text, out, &at, in->delta->pool))
        return true;
    return refuse(in, text.p + at,
                  text.p[at] == '%' ? "'%' is not followed by two hex digits"
                                    : "a blank must be written '+' or %20");
}

static bool decode_key(reading *in, sx_str text, sx_str *key)
{
    if (text.len == 0)
        return refuse(in, text.p, "a key is empty");
    if (!decode(in, text, key))
        return false;
    if (key->len > SX_KEY_MAX)
        return refuse(in, text.p, "a key is longer than 128 bytes");
    return true;
}

static bool read_clear(reading *in, sx_str item)
{
    if (!is_word(item, "on"))
        return refuse(in, item.p, "accepted is: on");
    return add(in, item.p, (sx_op){0});
}

static bool read_persist(reading *in, sx_str item)
{
    sx_op op = {.number = is_word(item, "on")};

    if (!op.number && !is_word(item, "off"))
        return refuse(in, item.p, "accepted are: on, off");
    return add(in, item.p, op);
}

static bool read_idle(reading *in, sx_str item)
{
    sx_op op = {0};

    if (!is_word(item, "default") &&
        (!sx_parse_int64(item, &op.number) || op.number <= 0))
        return refuse(in, item.p,
                      "accepted are: a number of seconds above 0, default");
    return add(in, item.p, op);
}

static bool read_key(reading *in, sx_str item)
{
    sx_op op = {0};
    const char *equals = memchr(item.p, '=', item.len);

    if (equals)
        return refuse(in, equals, "keys are expected here, without values");
    return decode_key(in, item, &op.key) && add(in, item.p, op);
}

/* Split at the first '='; those behind it belong to the value, as every
 * decoder of forms has it. */
static bool split(reading *in, sx_str item, sx_str *left, sx_str *right)
{
    const char *equals = memchr(item.p, '=', item.len);

    if (!equals)
        return refuse(in, item.p, "a pair has no '='");
    *left = (sx_str){item.p, (size_t)(equals - item.p)};
    *right = (sx_str){equals + 1, item.len - left->len - 1};
    return true;
}

static bool read_pair(reading *in, sx_str item)
{
    sx_op op = {0};
    sx_str key, value;

    return split(in, item, &key, &value) && decode_key(in, key, &op.key) &&
           decode(in, value, &op.value) && add(in, item.p, op);
}

static bool read_incr(reading *in, sx_str item)
{
    sx_op op = {0};
    sx_str key, value, number;

    if (!split(in, item, &key, &value) || !decode_key(in, key, &op.key) ||
        !decode(in, value, &number))
        return false;
    if (!sx_parse_int64(number, &op.number))
        return refuse(in, value.p, "not a whole number of 64 bits");
    return add(in, item.p, op);
}

static bool read_flash(reading *in, sx_str item)
{
    sx_op op = {0};
    sx_str level, text;

    if (!split(in, item, &level, &text) || !decode(in, level, &op.key))
        return false;
    if (!sx_is_level(op.key))
        return refuse(in, level.p, "a level is 1 to 32 letters a to z");
    return decode(in, text, &op.value) && add(in, item.p, op);
}

/* ---- the table ---------------------------------------------------------- */

/* name, item reader, operation, read in spite of a refusal, may be empty.
 *
 * What is read in spite of a refusal is obeyed or answered in spite of it, and
 * the result must not depend on which header came first.  A list of keys or
 * pairs may be empty: an app that encodes an empty map meant no change. */
#define COMMANDS(row)                                                          \
    row("Session-If-Version", read_if_version, SX_OP_COUNT, true,              \
        false) row("Session-Destroy", read_destroy, SX_OP_COUNT, true, false)  \
        row("Session-Logout", read_logout, SX_OP_COUNT, true,                  \
            false) row("Session-Clear", read_clear, SX_OP_CLEAR, false, false) \
            row("Session-Unset", read_key, SX_OP_UNSET, false,                 \
                true) row("Session-Set", read_pair, SX_OP_SET, false, true)    \
                row("Session-Append", read_pair, SX_OP_APPEND, false, true)    \
                    row("Session-Incr", read_incr, SX_OP_INCR, false, true)    \
                        row("Session-Idle", read_idle, SX_OP_IDLE, false,      \
                            false) row("Session-Persist", read_persist,        \
                                       SX_OP_PERSIST, false, false)            \
                            row("Session-Renew", read_renew, SX_OP_COUNT,      \
                                true, false) row("Session-Flash", read_flash,  \
                                                 SX_OP_FLASH, false, true)     \
                                row("Session-Flash-Keep", read_flash_keep,     \
                                    SX_OP_COUNT, false, false)

typedef struct control_header {
    const char *name;
    size_t len;
    item_fn *read;
    sx_op_code code;
    bool always;
    bool may_be_empty;
} control_header;

#define COMMAND_ROW(name, read, code, always, may_be_empty)                    \
    {name, sizeof(name) - 1, read, code, always, may_be_empty},
#define COMMAND_NAME(name, read, code, always, may_be_empty) name,

static const control_header commands[] = {COMMANDS(COMMAND_ROW)};
static const char *const names[] = {COMMANDS(COMMAND_NAME) NULL};

const char *const *sx_command_names(void)
{
    return names;
}

static const control_header *find(const char *name)
{
    static const char common[] = "Session-";
    size_t common_len = sizeof common - 1;
    size_t len;

    /* Most headers of a response are none of ours. */
    if (apr_cstr_casecmpn(name, common, common_len) != 0)
        return NULL;
    len = strlen(name);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (commands[i].len == len &&
            apr_cstr_casecmp(name + common_len,
                             commands[i].name + common_len) == 0)
            return &commands[i];
    return NULL;
}

bool sx_command_is(const char *name)
{
    return find(name) != NULL;
}

static bool check_bytes(reading *in)
{
    for (size_t i = 0; i < in->value.len; i++) {
        unsigned char c = (unsigned char)in->value.p[i];

        if (c < ' ' || c == 0x7f)
            return refuse(in, in->value.p + i, "a control byte");
    }
    return true;
}

/* Counts what was sent, also what is not read any more, so that one header
 * more or less is never the difference between refused and half obeyed. */
static bool check_total(reading *in)
{
    sx_delta *delta = in->delta;

    delta->bytes += in->value.len;
    if (delta->bytes <= SX_COMMANDS_MAX)
        return true;
    return refuse(in, in->value.p, "more than 1 MiB of commands");
}

static bool read_items(reading *in, const control_header *row)
{
    bool any = false;
    size_t pos = 0;
    sx_str item;

    if (!check_bytes(in))
        return false;
    while (sx_form_next(in->value, &pos, &item)) {
        any = true;
        if (!row->read(in, item))
            return false;
    }
    return any || row->may_be_empty ||
           refuse(in, in->value.p, "the value is empty");
}

void sx_command_parse(sx_delta *delta, const char *name, const char *value)
{
    const control_header *row = find(name);
    const sx_delta before = *delta;
    reading in = {.delta = delta, .value = sx_str_of(value)};
    bool within;

    if (!row)
        return;
    in.header = row->name;
    in.code = row->code;
    within = check_total(&in);
    if (!row->always && (!within || delta->refused))
        return;
    if (!read_items(&in, row)) {
        /* "on, junk" is one malformed value, not one good and one bad. */
        delta->destroy = before.destroy;
        delta->logout = before.logout;
        delta->renew = before.renew;
    }
}
