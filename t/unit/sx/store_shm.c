/* SPDX-License-Identifier: Apache-2.0 */
/* What the shared-memory backend has beside the contract (contract.c): a store
 * that is full, and what it then does, are said in the log. */
#include "stage.h"

static stage at;
static char last_log[200];

static void note_log(sx_log_level level, const char *message)
{
    (void)level;
    snprintf(last_log, sizeof(last_log), "%s", message);
}

/* Records of ${kind}, until one is refused or there are ${most}. */
static sx_answer fill(sx_kind kind, unsigned most)
{
    char *bytes = apr_pcalloc(at.pool, 1000);
    sx_store *store = at.realm.store;
    sx_answer answer = SX_STORE_OK;

    for (unsigned no = 0; no < most && answer == SX_STORE_OK; no++) {
        unsigned char key[SX_STORE_KEY_LEN] = {0};
        sx_record_meta meta = {.kind = kind,
                               .ns = 77,
                               .created_ms = at.now.boot_ms,
                               .last_access_ms = at.now.boot_ms,
                               .expires_ms = at.now.boot_ms + MINUTE,
                               .hard_end_ms = at.now.boot_ms + HOUR};

        memcpy(key, &no, sizeof(no));
        answer = store->ops->put_if(store, key, 0, (sx_str){bytes, 1000}, &meta,
                                    at.now.boot_ms);
    }
    return answer;
}

int main(void)
{
    apr_initialize();
    sx_log_set(note_log);
    stage_begin(&at);
    is_int(fill(SX_USER, 100000), SX_STORE_FULL, "a full store says so");
    ok(strstr(last_log, "no room") != NULL, "and the log says why");
    stage_end(&at);
    stage_begin_with(&at, MIB, SST_EVICT);
    is_int(fill(SX_ANONYMOUS, 3000), SX_STORE_OK, "one that evicts goes on");
    ok(strstr(last_log, "evicted") != NULL, "and the log says so");
    stage_end(&at);
    return done_testing();
}
