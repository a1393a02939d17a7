/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store.h"

#include <endian.h>
#include <string.h>

const char *sx_kind_str(sx_kind kind)
{
    static const char *const words[] = {
        [SX_ANONYMOUS] = "anonymous", [SX_USER] = "user",
        [SX_ALIAS] = "alias",         [SX_EPOCH] = "epoch",
        [SX_TOMBSTONE] = "tombstone",
    };

    return kind >= SX_ANONYMOUS && kind <= SX_TOMBSTONE ? words[kind] : "?";
}

const char *sx_answer_str(sx_answer answer)
{
    static const char *const words[] = {
        [SX_STORE_OK] = "ok",
        [SX_STORE_MISS] = "miss",
        [SX_STORE_GONE] = "gone",
        [SX_STORE_CHANGED] = "changed",
        [SX_STORE_FULL] = "full",
        [SX_STORE_TOOBIG] = "too big",
        [SX_STORE_DAMAGED] = "damaged",
        [SX_STORE_BUSY] = "busy",
        [SX_STORE_UNAVAILABLE] = "unavailable",
        [SX_STORE_UNKNOWN] = "reply lost",
    };

    return (unsigned)answer < sizeof words / sizeof *words ? words[answer]
                                                           : "?";
}

bool sx_answer_is_outage(sx_answer answer)
{
    return answer == SX_STORE_BUSY || answer == SX_STORE_UNAVAILABLE ||
           answer == SX_STORE_UNKNOWN;
}

bool sx_key_is_of_epoch(const unsigned char *key)
{
    return !memcmp(key, SX_EPOCH_KEY_BEGIN, sizeof SX_EPOCH_KEY_BEGIN);
}

bool sx_record_meta_ok(const sx_record_meta *meta)
{
    return meta->kind >= SX_ANONYMOUS && meta->kind <= SX_TOMBSTONE &&
           meta->expires_ms <= meta->hard_end_ms &&
           /* unsigned: an end before the beginning is far away, too */
           (uint64_t)meta->hard_end_ms - (uint64_t)meta->created_ms <=
               (uint64_t)SX_RECORD_LIFE_MAX_MS;
}

void sx_record_meta_order(sx_record_meta *meta)
{
    meta->expires_ms = sx_max64(meta->expires_ms, meta->created_ms);
    meta->last_access_ms = sx_min64(
        sx_max64(meta->last_access_ms, meta->created_ms), meta->hard_end_ms);
}

/* Who comes late, or with a clock behind, takes nothing back. */
bool sx_record_meta_touch(sx_record_meta *meta, int64_t expires_ms,
                          int64_t now_ms)
{
    if (meta->expires_ms <= now_ms)
        return false;
    expires_ms =
        sx_max64(expires_ms, now_ms < meta->last_access_ms ? meta->expires_ms
                                                           : meta->created_ms);
    meta->expires_ms = sx_min64(expires_ms, meta->hard_end_ms);
    meta->last_access_ms =
        sx_min64(sx_max64(now_ms, meta->last_access_ms), meta->hard_end_ms);
    return true;
}

bool sx_record_meta_yields(const sx_record_meta *meta, uint64_t token,
                           int64_t now_ms)
{
    return token ? meta->token == token : meta->expires_ms <= now_ms;
}

/* The tag is a keyed hash already, of the namespace, too.  What is put before
 * it keeps it from ever being an id's store key. */
void sx_epoch_key(uint64_t tag, unsigned char key[SX_STORE_KEY_LEN])
{
    static const char name[SX_STORE_KEY_LEN - 8] = SX_EPOCH_KEY_BEGIN;

    tag = htole64(tag);
    memcpy(key, name, sizeof name);
    memcpy(key + sizeof name, &tag, sizeof tag);
}
