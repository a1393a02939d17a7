/* SPDX-License-Identifier: Apache-2.0 */
#include "sst_format.h"

#include "sst_lock.h"

uint64_t sst_ident_sum(const sst_header_shm *header)
{
    return sst_sum(&header->geo, sizeof(header->geo) + sizeof(header->hash_key),
                   SST_LAYOUT_VERSION);
}

void sst_handle_load(shm_store *store, const sst_header_shm *from)
{
    uint64_t backed =
        store->file_size < store->map_len ? store->file_size : store->map_len;
    uint32_t class_id = 0;

    store->geo = from->geo;
    memcpy(store->hash_key, from->hash_key, sizeof(store->hash_key));
    store->base_ms = sst_clock(from)->base_ms;
    store->page_shift = (unsigned)__builtin_ctz(store->geo.page_size);
    sst_classes_make(store->classes, store->geo.page_size);
    for (uint32_t units = 0; units < SST_CLASS_UNITS; units++) {
        while (class_id + 1 < store->geo.nclasses &&
               store->classes[class_id].size < units * 16) {
            class_id++;
        }
        store->class_of[units] = (uint8_t)class_id;
    }
    store->npages_seen = sst_pages_in(&store->geo, backed);
}

bool sst_locks_make(const shm_store *store)
{
    sst_lock_shm *commit = sst_at(store, store->geo.commit_off);
    bool done = true;

    for (uint32_t no = 0; no < store->geo.nshards && done; no++) {
        done = sst_lock_init(&sst_shard_header(store, no)->lock);
    }
    for (uint32_t no = 0; no < SST_COMMIT_LOCKS && done; no++) {
        done = sst_lock_init(&commit[no]);
    }
    return done;
}

static void tokens_from(const shm_store *store, uint64_t token)
{
    for (uint32_t no = 0; no < store->geo.nshards; no++) {
        SST_STORE(sst_shard_header(store, no)->token, token);
    }
}

bool sst_format(shm_store *store, sst_header_shm *made, uint64_t token,
                bool wipe)
{
    sst_header_shm *header = sst_header(store);
    uint64_t size =
        store->file_size < SST_SIZE_MAX ? store->file_size : SST_SIZE_MAX;
    uint64_t end;

    if (!sst_geometry_make(&made->geo, size)) {
        return false;
    }
    made->magic = SST_MAGIC;
    made->version = SST_LAYOUT_VERSION;
    made->mutex_size = sizeof(pthread_mutex_t);
    made->endian = SST_ENDIAN_MARK;
    made->word = SST_WORD_MARK;
    made->sum = sst_ident_sum(made);
    sst_publish(&header->state, made->state);
    sst_handle_load(store, made);
    made->npages = store->npages_seen;
    end = wipe ? store->geo.pages_off +
                     (uint64_t)store->npages_seen * store->geo.page_size
               : store->geo.pages_off;
    sst_wipe(sst_at(store, store->geo.shards_off), end - store->geo.shards_off);
    if (!sst_locks_make(store)) {
        return false;
    }
    tokens_from(store, token);
    sst_copy(header, made, sizeof(*made));
    return true;
}
