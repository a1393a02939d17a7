/* SPDX-License-Identifier: Apache-2.0 */
/* Small objects as records: what is written is read, and nothing else is. */
#include "tap.h"

#include <string.h>
#include "sx_keys.h"
#include "sx_object.h"

static const unsigned char secret[SX_SECRET_LEN] = {1}, other[SX_SECRET_LEN];

static bool same_key(const unsigned char *by, const char *owner_a,
                     const char *id_a, const char *owner_b, const char *id_b)
{
    unsigned char a[SX_STORE_KEY_LEN], b[SX_STORE_KEY_LEN];

    sx_object_key(secret, sx_str_of(owner_a), sx_str_of(id_a), a);
    sx_object_key(by, sx_str_of(owner_b), sx_str_of(id_b), b);
    return memcmp(a, b, sizeof a) == 0;
}

static void test_keys(void)
{
    ok(same_key(secret, "ssl", "id", "ssl", "id"), "one id has one key");
    ok(!same_key(secret, "ssl", "id", "ssl", "ie"), "another has another");
    ok(!same_key(secret, "ssl", "id", "tls", "id"),
       "and so has the id of another owner");
    ok(!same_key(secret, "ssl", "id", "ss", "lid"),
       "an owner ends where its name does");
    ok(!same_key(other, "ssl", "id", "ssl", "id"),
       "under another secret all keys are others");
}

static bool comes_back(sx_str id, sx_str value)
{
    unsigned char record[256];
    size_t len = sx_object_size(id.len, value.len);
    sx_str id_back, value_back;

    memset(record, 'x', sizeof record);
    sx_object_write(record, id, value);
    return record[len] == 'x' &&
           sx_object_read(record, len, &id_back, &value_back) &&
           sx_str_eq(id, id_back) && sx_str_eq(value, value_back) &&
           id_back.p[id_back.len] == '\0';
}

static void test_records(void)
{
    sx_str none = {NULL, 0}, bytes = {"a\0b", 3};

    ok(comes_back(bytes, bytes), "any bytes come back");
    ok(comes_back(none, bytes), "also under an empty id");
    ok(comes_back(bytes, none), "and an empty value");
    ok(comes_back(none, none), "and both");
}

/* Each length up to that of a record, and each claim of an id's length. */
static void test_cut(void)
{
    unsigned char record[32];
    size_t len = sx_object_size(3, 2);
    sx_str id, value;
    int read = 0, outside = 0;

    sx_object_write(record, sx_str_of("abc"), sx_str_of("de"));
    for (size_t i = 0; i < len - 2; i++)
        read += sx_object_read(record, i, &id, &value);
    is_int(read, 0, "a record that is cut before its value is none");
    for (int claim = 0; claim < 256; claim++) {
        record[0] = (unsigned char)claim;
        if (sx_object_read(record, len, &id, &value))
            outside += id.len + 1 + value.len + 4 != len;
    }
    is_int(outside, 0, "whatever length is claimed, nothing outside is read");
    record[0] = 3;
    record[3] = 0xff;
    ok(!sx_object_read(record, len, &id, &value),
       "nor with a length of many gigabytes");
}

int main(void)
{
    if (!sx_crypto_init())
        return 1;
    test_keys();
    test_records();
    test_cut();
    return done_testing();
}
