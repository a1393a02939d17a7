/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a later layout reads of a file of this one, whatever is in it: nothing
 * outside of the file, without end, and no record that was not put.
 */
#include "image.h"

#include "sst_layout2.h"

/* Damage to the head is found by its checksum, so it is made anew: what lies
 * behind that is to be tried. */
static void sum_again(unsigned char *bytes)
{
    sst_header_shm *header = (sst_header_shm *)(void *)bytes;

    header->sum = sst_sum(&header->geo,
                          sizeof(header->geo) + sizeof(header->hash_key), 2);
}

typedef struct telling {
    uint64_t count;
    uint64_t bytes;
} telling;

static bool is_told(void *baton, const unsigned char *key, const void *value,
                    const shm_meta *meta)
{
    telling *told = baton;
    unsigned char known[SST_KEY_LEN];
    uint64_t number = 0;

    while (number < KEYS &&
           memcmp(key_of(number, known), key, SST_KEY_LEN) != 0) {
        number++;
    }
    MUST(number < KEYS && value_is(value, meta->value_len, number));
    told->count++;
    told->bytes += meta->value_len;
    return true;
}

static void read_all(const unsigned char *bytes, uint64_t len)
{
    static sst_old_head head;
    telling told = {0, 0};
    uint64_t lost = 0;

    if (sst_layout2.head(bytes, len, &head) != NULL) {
        return;
    }
    MUST(sst_layout2.each(bytes, len, is_told, &told, &lost));
    /* One record cannot be led to more often than the file has room for. */
    MUST(told.bytes <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input from = {data, size};
    uint64_t choice, len;
    unsigned char *bytes, *whole;

    image_make();
    choice = fuzz_take(&from, 1);
    len = choice % 4 == 0 ? SIZE / 64 * (choice / 4 + 1) : SIZE;
    whole = malloc(SIZE);
    bytes = malloc(len);
    MUST(whole != NULL && bytes != NULL);
    memcpy(whole, image, SIZE);
    image_hurt(whole, &from, true);
    if (choice % 4 != 1) {
        sum_again(whole);
    }
    /* Memory of its own, so that a look behind its end is seen. */
    memcpy(bytes, whole, len);
    free(whole);
    read_all(bytes, len);
    free(bytes);
    return 0;
}
