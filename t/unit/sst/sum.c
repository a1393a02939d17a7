/* SPDX-License-Identifier: Apache-2.0 */
/* Files of before were summed with this, and sst_layout2.c reads them.  Who
 * changes the checksum gives that reader the one that was, and the new one a
 * layout of its own: then these figures move there. */
#include "util.h"

#include "sst_layout.h"

#define BYTES_MAX 100000u

static const struct {
    size_t len;
    uint64_t seed, sum;
} known[] = {
    {0, 0, UINT64_C(0x2d06800538d394c2)},
    {0, 2, UINT64_C(0xf36cf7ecd1fcfda0)},
    {1, 0, UINT64_C(0xc44bdff4074eecdb)},
    {7, 0, UINT64_C(0x916c593be6beaccd)},
    {8, 0, UINT64_C(0xf9c04d813da5eae2)},
    {8, 2, UINT64_C(0x2870e5ee383f7589)},
    {9, 0, UINT64_C(0x3ae7cccffd37339c)},
    {16, 0, UINT64_C(0x34e9beada9992231)},
    {16, 2, UINT64_C(0x97da5ffc5401e37b)},
    {17, 0, UINT64_C(0x99e05057a4d42653)},
    {63, 0, UINT64_C(0xc3b9c47b072b8ed6)},
    {64, 0, UINT64_C(0x25be06e38ab4ffc9)},
    {64, 2, UINT64_C(0xddb8cf458c2c8473)},
    {88, 0, UINT64_C(0xe31eca7f921c2953)},
    {88, 2, UINT64_C(0x95f43c9036b782c1)},
    {128, 0, UINT64_C(0x23d85ce687b3eb7f)},
    {128, 2, UINT64_C(0x73f3b623295d2c6b)},
    {129, 0, UINT64_C(0xf80a7353a5a78ce7)},
    {240, 0, UINT64_C(0xe77e31c41b3aab1e)},
    {240, 2, UINT64_C(0xd4f4095d641918f2)},
    {241, 0, UINT64_C(0x9c564120efd2e9b8)},
    {250, 0, UINT64_C(0x6513550df9bda14a)},
    {250, 2, UINT64_C(0x9054241c88dcec5c)},
    {480, 0, UINT64_C(0xd82d8c65600a14a0)},
    {480, 2, UINT64_C(0x2764654d436f0f2)},
    {481, 0, UINT64_C(0x631b18257eae857e)},
    {720, 0, UINT64_C(0xdad28aa073b3557)},
    {720, 2, UINT64_C(0x7cdd90589eab45e8)},
    {1000, 0, UINT64_C(0xa85d5a1e437ff110)},
    {1000, 2, UINT64_C(0x13806ec0aeceebf0)},
    {1023, 0, UINT64_C(0x7a459d4e05e28167)},
    {1024, 0, UINT64_C(0x7494aae7349f3f8c)},
    {1024, 2, UINT64_C(0xc9a5683a30d246e6)},
    {1025, 0, UINT64_C(0xfebf1201d9afd723)},
    {4096, 0, UINT64_C(0x32de500ae8118ad4)},
    {4096, 2, UINT64_C(0xea49c909b8fe268e)},
    {65536, 0, UINT64_C(0x8ff1327aeda7bb49)},
    {65536, 2, UINT64_C(0xabfc7fcadb161a3a)},
    {100000, 0, UINT64_C(0x40981110616d2c80)},
    {100000, 2, UINT64_C(0xab66f2d60354d943)},
};

int main(void)
{
    static unsigned char bytes[BYTES_MAX];

    for (size_t i = 0; i < BYTES_MAX; i++) {
        bytes[i] = (unsigned char)(i * 167 + (i >> 8) * 59);
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint64_t sum = sst_sum(bytes, known[i].len, known[i].seed);

        ok(sum == known[i].sum,
           "%zu bytes from %llx sum up to what they did in layout 2 (%#llx)",
           known[i].len, (unsigned long long)known[i].seed,
           (unsigned long long)sum);
    }
    return done_testing();
}
