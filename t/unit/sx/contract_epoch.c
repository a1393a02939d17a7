/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two slots of sx_store.h that a backend may lack: a session read together
 * with the epoch of its user, and replaced only while that is the same.  On
 * each backend that has them.
 */
#include "contract.h"

/* Tags whose bytes tell their order, and their sign. */
static const uint64_t tags[] = {1, UINT64_C(0x0102030405060708),
                                UINT64_C(0xfffefdfc7f80ff00), UINT64_C(1) << 63,
                                UINT64_MAX};
#define TAGS (sizeof(tags) / sizeof(*tags))

static sx_store_read record, epoch;

static sx_answer both_within(const unsigned char *key, int64_t grace_ms)
{
    return at.realm.store->ops->get_with_epoch(at.realm.store, key, &record,
                                               &epoch, grace_ms, at.now.boot_ms,
                                               at.pool);
}

/* What a read of both answers, for either. */
static bool both(const unsigned char *key, sx_answer of_it, sx_answer of_user)
{
    return both_within(key, 0) == of_it && record.answer == of_it &&
           epoch.answer == of_user;
}

static sx_answer put_if_epoch(const unsigned char *key, uint64_t token,
                              uint64_t its_epoch, sx_record_meta *meta)
{
    return at.realm.store->ops->put_if_epoch(at.realm.store, key, token,
                                             its_epoch, sx_str_of("new"), meta,
                                             at.now.boot_ms);
}

/* The epoch of the user with ${tag} begins: its token. */
static uint64_t begin_epoch(uint64_t tag, const char *bytes, int64_t life_ms)
{
    sx_record_meta meta = meta_of(SX_EPOCH);
    unsigned char key[SX_STORE_KEY_LEN];

    sx_epoch_key(tag, key);
    meta.user_tag = tag;
    meta.expires_ms = at.now.boot_ms + life_ms;
    drop(key, 0);
    if (put(key, 0, sx_str_of(bytes), &meta) != SX_STORE_OK)
        stage_give_up("an epoch could not be made");
    return meta.token;
}

static void end_epoch(uint64_t tag)
{
    unsigned char key[SX_STORE_KEY_LEN];

    sx_epoch_key(tag, key);
    drop(key, 0);
}

static const unsigned char *made_for(uint64_t tag, sx_kind kind,
                                     sx_record_meta *meta)
{
    *meta = meta_of(kind);
    meta->user_tag = tag;
    return made("value", meta);
}

/* ---- reading ------------------------------------------------------------ */

static void test_tags(void)
{
    const unsigned char *keys[TAGS];
    sx_record_meta meta;
    size_t none = 0, right = 0;
    uint64_t token;

    for (size_t i = 0; i < TAGS; i++) {
        keys[i] = made_for(tags[i], SX_USER, &meta);
        none += both(keys[i], SX_STORE_OK, SX_STORE_MISS) &&
                sx_str_eq(record.bytes, sx_str_of("value")) &&
                record.meta.token == meta.token &&
                record.meta.user_tag == tags[i];
    }
    says(none == TAGS, "a session is there, and no epoch of its user");
    for (size_t i = 0; i < TAGS; i++) {
        const char *bytes = apr_psprintf(at.pool, "epoch %d", (int)i);

        token = begin_epoch(tags[i], bytes, HOUR);
        right += both(keys[i], SX_STORE_OK, SX_STORE_OK) &&
                 sx_str_eq(record.bytes, sx_str_of("value")) &&
                 sx_str_eq(epoch.bytes, sx_str_of(bytes)) &&
                 epoch.meta.kind == SX_EPOCH && epoch.meta.token == token &&
                 epoch.meta.user_tag == tags[i];
        for (size_t other = i + 1; other < TAGS; other++)
            right -= !both(keys[other], SX_STORE_OK, SX_STORE_MISS);
    }
    says(right == TAGS, "then it is, to its user's sessions and to no others");
}

static void test_not_there(void)
{
    sx_record_meta meta;
    const unsigned char *key = made_for(88, SX_USER, &meta),
                        *other = made_for(88, SX_ANONYMOUS, &meta);

    begin_epoch(88, "", 2 * SECOND);
    says(both(key, SX_STORE_OK, SX_STORE_OK) && epoch.bytes.len == 0,
         "an epoch may have no bytes");
    says(both(other, SX_STORE_OK, SX_STORE_MISS),
         "who is no user's session has none");
    says(both(stage_key(&at), SX_STORE_MISS, SX_STORE_MISS),
         "nor has what is not there");
    stage_pass(&at, 2 * SECOND);
    says(both(key, SX_STORE_OK, SX_STORE_MISS) &&
             both_within(key, SX_COMMIT_GRACE_MS) == SX_STORE_OK &&
             epoch.answer == SX_STORE_MISS,
         "one that has ended is none, whatever the grace");
    begin_epoch(88, "anew", HOUR);
    end_epoch(88);
    says(both(key, SX_STORE_OK, SX_STORE_MISS), "nor is one that was removed");
    begin_epoch(88, "anew", HOUR);
    stage_pass(&at, MINUTE);
    says(both(key, SX_STORE_MISS, SX_STORE_MISS),
         "a session that has ended is none");
    says(both_within(key, SX_COMMIT_GRACE_MS) == SX_STORE_OK &&
             record.answer == SX_STORE_OK && epoch.answer == SX_STORE_OK,
         "but within a grace it is there, with the epoch");
    end_epoch(88);
}

/* ---- writing ------------------------------------------------------------ */

static void test_put(void)
{
    sx_record_meta meta, again;
    const unsigned char *key = made_for(77, SX_USER, &meta);
    uint64_t first = meta.token, token;

    end_epoch(77);
    says(put_if_epoch(key, first, 1, &meta) == SX_STORE_CHANGED &&
             put_if_epoch(key, first, UINT64_MAX, &meta) == SX_STORE_CHANGED &&
             holds(key, "value"),
         "an epoch that is not there is no other one");
    says(put_if_epoch(key, first, 0, &meta) == SX_STORE_OK &&
             meta.token > first && holds(key, "new"),
         "where there is none, none is compared");
    first = meta.token;
    token = begin_epoch(77, "one", HOUR);
    again = meta;
    says(put_if_epoch(key, first, 0, &again) == SX_STORE_CHANGED &&
             put_if_epoch(key, first, token + 1, &again) == SX_STORE_CHANGED &&
             again.token == first,
         "an epoch that began, or is another, is seen");
    says(put_if_epoch(key, first, token, &meta) == SX_STORE_OK,
         "the same one lets it pass");
    says(put_if_epoch(key, first, token, &again) == SX_STORE_CHANGED,
         "but not if the session is another");
    says(put_if_epoch(stage_key(&at), first, token, &again) == SX_STORE_GONE,
         "or is not there");
    end_epoch(77);
    says(put_if_epoch(key, meta.token, token, &meta) == SX_STORE_CHANGED &&
             put_if_epoch(key, meta.token, 0, &meta) == SX_STORE_OK,
         "one that was removed is none");
    token = begin_epoch(77, "two", 2 * SECOND);
    stage_pass(&at, 2 * SECOND);
    says(put_if_epoch(key, meta.token, token, &meta) == SX_STORE_CHANGED &&
             put_if_epoch(key, meta.token, 0, &meta) == SX_STORE_OK,
         "nor is one that has ended");
    drop(key, 0);
    says(put_if_epoch(key, meta.token, 0, &meta) == SX_STORE_GONE &&
             is_missing(key),
         "a session that was removed does not come back");
}

static void test_backend(void)
{
    const sx_store_ops *ops;

    stage_begin(&at);
    ops = at.realm.store->ops;
    if (ops->get_with_epoch && ops->put_if_epoch) {
        test_tags();
        test_not_there();
        test_put();
    }
    stage_end(&at);
}

int main(void)
{
    return stage_each(test_backend);
}
