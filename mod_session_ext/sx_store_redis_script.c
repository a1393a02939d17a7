/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts, in Lua as Redis 5 has it.  Where a key holds no record of ours
 * (another type, another length than its head says), there is none: `head`
 * answers nil.  Numbers are doubles: times and tokens are below 2^53, and
 * tokens are compared as the eight bytes that they are.
 */
#include "sx_store_redis_script.h"

#include <string.h>
#include <apr_sha1.h>
#include "sx_store_redis_record.h"

_Static_assert(SX_USER == 2 && SX_REDIS_HEAD_LEN == 68 &&
                   SX_REDIS_TOKEN_AT == 8 && SX_COMMIT_GRACE_MS == 60000,
               "scripts have these as numbers");

#define HEAD                                                                   \
    "local function head(k)\n"                                                 \
    " local h = redis.pcall('GETRANGE', k, 0, 67)\n"                           \
    " if type(h) == 'string' and #h == 68 and h:sub(1, 3) == 'sx\\1' and\n"    \
    "  redis.call('STRLEN', k) == 68 + struct.unpack('<I4', h, 65)\n"          \
    " then return h end\n"                                                     \
    "end\n"                                                                    \
    "local function at(h, i) return (struct.unpack('<i8', h, i)) end\n"

/* KEYS record; ARGV what is before the tag in the key of an epoch.  The record,
 * and that epoch if it is of a user; 0 for what is no string. */
static const char get_text[] =
    "local function value(k)\n"
    " local v = redis.pcall('GET', k)\n"
    " if type(v) == 'table' then return 0 end\n"
    " return v\n"
    "end\n"
    "local v, e = value(KEYS[1]), false\n"
    "if type(v) == 'string' and #v >= 68 and v:byte(4) == 2 then\n"
    " e = value(ARGV[1] .. v:sub(17, 24))\n"
    "end\n"
    "return {v, e}\n";

/* KEYS record, store, and to compare it the epoch; ARGV token or nothing, what
 * is before the new token in the record, what is behind it, ms up to its
 * expiry, now, token of the epoch or nothing.  DONE brings the new token. */
static const char put_text[] = HEAD
    "local h, now = head(KEYS[1]), tonumber(ARGV[5])\n"
    "if KEYS[3] then\n"
    " local e, seen = head(KEYS[3]), ''\n"
    " if e and at(e, 57) > now then seen = e:sub(9, 16)\n"
    " elseif not e and redis.call('EXISTS', KEYS[3]) == 1 then return {2} end\n"
    " if seen ~= ARGV[6] then return {h and 2 or 1} end\n"
    "end\n"
    "if ARGV[1] == '' then\n"
    " if h and at(h, 57) > now then return {2} end\n"
    "elseif not h then return {1}\n"
    "elseif h:sub(9, 16) ~= ARGV[1] then return {2} end\n"
    "local t = redis.call('TIME')\n"
    "local token = t[1] * 1000000 + t[2]\n"
    "local last = tonumber(redis.call('HGET', KEYS[2], 'token')) or 0\n"
    "if h and at(h, 9) > last then last = at(h, 9) end\n"
    "if token <= last then token = last + 1 end\n"
    "redis.call('HSET', KEYS[2], 'token', string.format('%.0f', token))\n"
    "local bytes = struct.pack('<i8', token)\n"
    "redis.call('SET', KEYS[1], ARGV[2] .. bytes .. ARGV[3], 'PX', ARGV[4])\n"
    "return {0, bytes}\n";

/* KEYS record; ARGV its new end, now. */
static const char touch_text[] =
    HEAD "local h = head(KEYS[1])\n"
         "local to, now = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
         "if not h or at(h, 57) <= now then return {1} end\n"
         "local hard, last = at(h, 41), at(h, 49)\n"
         "to = math.max(to, now < last and at(h, 57) or at(h, 33))\n"
         "to = math.min(to, hard)\n"
         "last = math.min(math.max(now, last), hard)\n"
         "redis.call('SETRANGE', KEYS[1], 48, struct.pack('<i8i8', last, to))\n"
         "redis.call('PEXPIRE', KEYS[1],\n"
         " string.format('%.0f', math.max(to - now, 0) + 120000))\n"
         "return {0}\n";

/* KEYS record; ARGV token. */
static const char remove_text[] =
    HEAD "local h = head(KEYS[1])\n"
         "if h and h:sub(9, 16) ~= ARGV[1] then return {2} end\n"
         "redis.call('DEL', KEYS[1])\n"
         "return {h and 0 or 1}\n";

/* KEYS what was found damaged; ARGV its first bytes and its length, or nothing
 * and -1 if it was no string.  It goes if it is that still. */
static const char forget_text[] =
    "local h = redis.pcall('GETRANGE', KEYS[1], 0, 67)\n"
    "if type(h) == 'table' then h = '' end\n"
    "local len = redis.pcall('STRLEN', KEYS[1])\n"
    "if type(len) == 'table' then len = -1 end\n"
    "if h == ARGV[1] and len == tonumber(ARGV[2]) then\n"
    " redis.call('DEL', KEYS[1])\n"
    "end\n"
    "return {0}\n";

/* ARGV cursor, pattern.  The next cursor, then keys and heads in turn. */
static const char walk_text[] = HEAD
    "local r = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 200)\n"
    "local out = {r[1]}\n"
    "for _, k in ipairs(r[2]) do\n"
    " local h = head(k)\n"
    " if h then out[#out + 1] = k; out[#out + 1] = h end\n"
    "end\n"
    "return out\n";

/* KEYS store; ARGV a life if it has none, the shift of whoever asks, and the
 * number of the shift that this one is to follow.  Life, shift, its number, and
 * Redis' own time. */
static const char look_text[] =
    "local s = redis.call('HMGET', KEYS[1], 'life', 'shift', 'turn')\n"
    "if not s[1] then\n"
    " s = {ARGV[1], ARGV[2], '1'}\n"
    "elseif s[3] == ARGV[3] and s[2] ~= ARGV[2] then\n"
    " s = {s[1], ARGV[2], string.format('%.0f', s[3] + 1)}\n"
    "else s.old = true end\n"
    "if not s.old then\n"
    " redis.call('HSET', KEYS[1], 'life', s[1], 'shift', s[2], 'turn', s[3])\n"
    "end\n"
    "local t = redis.call('TIME')\n"
    "local ms = t[1] * 1000 + math.floor(t[2] / 1000)\n"
    "return {s[1], s[2], s[3], string.format('%.0f', ms)}\n";

static const char *const texts[SX_REDIS_SCRIPTS] = {
    [SX_REDIS_GET] = get_text,       [SX_REDIS_PUT] = put_text,
    [SX_REDIS_TOUCH] = touch_text,   [SX_REDIS_REMOVE] = remove_text,
    [SX_REDIS_FORGET] = forget_text, [SX_REDIS_WALK] = walk_text,
    [SX_REDIS_LOOK] = look_text,
};

const char *sx_redis_script_text(sx_redis_script script)
{
    return texts[script];
}

void sx_redis_script_sha(sx_redis_script script, char sha[SX_REDIS_SHA])
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t sha1;

    _Static_assert(SX_REDIS_SHA == 2 * APR_SHA1_DIGESTSIZE + 1, "in hex");
    apr_sha1_init(&sha1);
    apr_sha1_update(&sha1, texts[script], (unsigned)strlen(texts[script]));
    apr_sha1_final(digest, &sha1);
    (void)sx_hex(digest, sizeof digest, sha);
}
