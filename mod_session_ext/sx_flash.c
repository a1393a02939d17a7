/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_flash.h"

#include <stdlib.h>

static const sx_flash_claim nobody = {0};

static sx_message *message_at(const apr_array_header_t *messages, int i)
{
    return &APR_ARRAY_IDX(messages, i, sx_message);
}

/* Will whoever has made ${claim} settle it?  Of this place a claim may be a
 * little younger than ${now_ms}, which was read first; and clocks of two boots
 * are not one clock. */
static bool holds(const sx_flash_claim *claim, const sx_process *self,
                  int64_t now_ms)
{
    int64_t age = now_ms - claim->since_ms;

    if (claim->id == 0)
        return false;
    if (claim->by.place == 0 || claim->by.place != self->place)
        return age < SX_FLASH_LEASE_MS && age > -SX_FLASH_LEASE_MS;
    return age < SX_FLASH_LOST_MS && sx_process_lives(&claim->by);
}

const char *sx_flash_queue(apr_array_header_t *messages, sx_message message,
                           uint32_t max, size_t max_bytes)
{
    size_t bytes = message.level.len + message.text.len;

    for (int i = 0; i < messages->nelts; i++) {
        const sx_message *waiting = message_at(messages, i);
        bytes += waiting->level.len + waiting->text.len;
    }
    if ((unsigned)messages->nelts >= max)
        return "Session-Flash: too many messages are waiting";
    if (bytes > max_bytes)
        return "Session-Flash: too many bytes are waiting";
    APR_ARRAY_PUSH(messages, sx_message) = message;
    return NULL;
}

bool sx_flash_take(apr_array_header_t *messages, const sx_flash_claim *claim)
{
    bool any = false;

    for (int i = 0; i < messages->nelts; i++) {
        sx_message *message = message_at(messages, i);

        if (message->claim.id == claim->id ||
            holds(&message->claim, &claim->by, claim->since_ms))
            continue;
        message->claim = *claim;
        any = true;
    }
    return any;
}

const apr_array_header_t *sx_flash_taken(const apr_array_header_t *messages,
                                         uint64_t id, apr_pool_t *pool)
{
    apr_array_header_t *taken = NULL;

    for (int i = 0; i < messages->nelts; i++) {
        if (message_at(messages, i)->claim.id != id)
            continue;
        if (!taken)
            taken = apr_array_make(pool, messages->nelts, sizeof(sx_message));
        APR_ARRAY_PUSH(taken, sx_message) = *message_at(messages, i);
    }
    return taken;
}

bool sx_flash_settle(apr_array_header_t *messages, uint64_t id, bool shown)
{
    int kept = 0;
    bool any = false;

    for (int i = 0; i < messages->nelts; i++) {
        sx_message *message = message_at(messages, i);
        bool ours = message->claim.id == id;

        any |= ours;
        if (ours)
            message->claim = nobody;
        if (!ours || !shown)
            *message_at(messages, kept++) = *message;
    }
    messages->nelts = kept;
    return any;
}

void sx_flash_move_on(apr_array_header_t *messages, const sx_process *self,
                      int64_t now_ms)
{
    int kept = 0;

    for (int i = 0; i < messages->nelts; i++) {
        sx_message *message = message_at(messages, i);

        if (holds(&message->claim, self, now_ms))
            continue;
        message->claim = nobody;
        *message_at(messages, kept++) = *message;
    }
    messages->nelts = kept;
}
