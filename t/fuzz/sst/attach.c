/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attach of any file: a segment that was damaged while nobody used it, and
 * random bytes.  It is refused, or what is attached is sound.
 */
#include "image.h"

static void write_all(const unsigned char *from, size_t len)
{
    int fd = open(image_at.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    MUST(fd >= 0 && write(fd, from, len) == (ssize_t)len);
    MUST(ftruncate(fd, SIZE) == 0);
    close(fd);
}

static void attach_and_use(uint64_t choice)
{
    shm_store_config config = config_of(&image_at, SIZE);
    shm_attach_report report;
    char why[200] = "";
    shm_store *store = shm_store_open(&config, why, sizeof(why));

    MUST(store != NULL);
    if (shm_store_attach(store, START_MS, &report) == SST_OK) {
        MUST(image_sound(store));
        image_use(store, choice, START_MS);
        MUST(image_sound(store));
    }
    else {
        MUST(report.why[0] != '\0');
    }
    shm_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char copy[SIZE];
    fuzz_input from = {data, size};
    uint64_t choice;

    image_make();
    choice = fuzz_take(&from, 1);
    if (choice % 8 == 0) {
        write_all(from.at, from.left);
    }
    else {
        memcpy(copy, image, SIZE);
        image_hurt(copy, &from, true);
        write_all(copy, choice % 8 == 1 ? SIZE / 256 * choice : SIZE);
    }
    attach_and_use(choice);
    return 0;
}
