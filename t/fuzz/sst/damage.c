/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment that somebody damages while it is in use: no answer is another
 * record's, nothing loops or faults, a check ends; and the server that comes
 * next finds or makes it sound.
 */
#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shm_store_config config;
    fuzz_input from = {data, size};
    shm_attach_report report;
    uint64_t choice;
    char why[200];
    shm_store *store;

    image_make();
    config = config_of(&image_at, SIZE);
    scratch_unlink(&image_at, "");
    store = store_new(&image_at, SIZE);
    memcpy(store->hash_key, ((sst_header_shm *)(void *)image)->hash_key,
           sizeof(store->hash_key));
    memcpy(store->base, image, SIZE);
    choice = fuzz_take(&from, 1);
    image_hurt(store->base, &from, false);
    image_use(store, choice, START_MS);
    image_hurt(store->base, &from, false);
    image_use(store, choice + 1, START_MS);
    (void)!shm_store_check(store, why, sizeof(why));
    shm_store_close(store);

    store = shm_store_open(&config, why, sizeof(why));
    MUST(store != NULL);
    if (shm_store_attach(store, START_MS, &report) == SST_OK) {
        MUST(image_sound(store));
    }
    shm_store_close(store);
    return 0;
}
