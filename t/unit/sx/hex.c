/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hex digits, and what of them is none. */
#include <string.h>
#include "sx.h"
#include "tap.h"

int main(void)
{
    static const char *const wrong[] = {"",     "0",     "00f",   "00ff7",
                                        "00fg", "00 ff", "00ff ", "0x00ff"};
    unsigned char all[256], back[256];
    char hex[2 * sizeof(all) + 1];
    int refused = 0;

    for (unsigned i = 0; i < sizeof(all); i++)
        all[i] = (unsigned char)i;
    is_str(sx_hex(all, 3, hex), "000102", "bytes are digits, two each");
    is_str(sx_hex(all + 0xfe, 2, hex), "feff", "in lower case");
    is_str(sx_hex(all, 0, hex), "", "and none are none");
    sx_hex(all, sizeof(all), hex);
    ok(sx_unhex(hex, sizeof(back), back) && !memcmp(all, back, sizeof(all)),
       "each comes back");
    ok(sx_unhex("00fFaB", 3, back) && !memcmp(back, "\x00\xff\xab", 3),
       "also from upper case");
    ok(sx_unhex("", 0, back), "and none from none");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        refused += !sx_unhex(wrong[i], 2, back);
    is_int(refused, 8, "too few, too many and others are refused");
    return done_testing();
}
