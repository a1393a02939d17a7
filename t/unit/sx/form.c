/* SPDX-License-Identifier: Apache-2.0 */
/* The form codec: exact both ways, strict about what is no escape. */
#include "tap.h"

#include <apr_general.h>
#include "sx_form.h"

static sx_str bytes(const char *p, size_t len)
{
    return (sx_str){p, len};
}

static void test_every_byte(apr_pool_t *pool)
{
    int same = 0, alphabet = 0;

    for (int c = 0; c < 256; c++) {
        char raw[3] = {'x', (char)c, 'y'};
        sx_buf text = {.pool = pool};
        sx_str back;
        size_t at;

        sx_form_encode(&text, bytes(raw, 3));
        alphabet += strspn(text.p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                   "nopqrstuvwxyz0123456789-._*+%") == text.len;
        same += sx_form_decode(bytes(text.p, text.len), &back, &at, pool) &&
                sx_str_eq(back, bytes(raw, 3)) && back.p[3] == '\0';
    }
    is_int(same, 256, "every byte comes back from its encoding");
    is_int(alphabet, 256,
           "an encoding has unreserved characters, + and % only");
}

static bool same_as_alone(const char *raw, size_t len, apr_pool_t *pool)
{
    sx_buf text = {.pool = pool}, parts = {.pool = pool};

    sx_form_encode(&text, bytes(raw, len));
    for (size_t i = 0; i < len; i++)
        sx_form_encode(&parts, bytes(raw + i, 1));
    return text.len == parts.len && !strcmp(text.p, parts.p);
}

/* Text that is kept is copied many bytes at once: a byte that must not be is
 * found wherever it stands in it, and nothing else is lost or added. */
static void test_every_place(apr_pool_t *pool)
{
    enum { LEN = 50 };
    apr_pool_t *each;
    char raw[LEN];
    int same = 0;

    apr_pool_create(&each, pool);
    for (int i = 0; i < 256 * LEN; i++) {
        memset(raw, 'v', LEN);
        raw[i % LEN] = (char)(i / LEN);
        same += same_as_alone(raw, LEN, each);
        apr_pool_clear(each);
    }
    is_int(same, 256 * LEN, "any byte in any place is encoded as it is alone");
    same = 0;
    for (size_t len = 0; len <= LEN; len++)
        same += len == 0 || same_as_alone(raw, len, pool);
    is_int(same, LEN + 1, "a text of any length is encoded to its end");
}

static void test_random_strings(uint64_t seed, apr_pool_t *pool)
{
    int same = 0, size = 0;

    for (int round = 0; round < 500; round++) {
        char raw[64];
        size_t len = (size_t)round % sizeof raw;
        sx_buf text = {.pool = pool};
        sx_str back;
        size_t at;

        for (size_t i = 0; i < len; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            raw[i] = (char)(seed >> 33);
        }
        sx_form_encode(&text, bytes(raw, len));
        same += sx_form_decode(bytes(text.p, text.len), &back, &at, pool) &&
                sx_str_eq(back, bytes(raw, len));
        size += text.len <= 3 * len && strlen(text.p) == text.len;
    }
    is_int(same, 500, "random strings come back from their encoding");
    is_int(size, 500, "no encoding is longer than three times the string");
}

static void test_fixed_forms(apr_pool_t *pool)
{
    sx_buf buf = {.pool = pool};

    sx_form_encode(&buf, bytes("az AZ09-._*~/&,=%+\0\xff", 20));
    is_str(buf.p, "az+AZ09-._*%7E%2F%26%2C%3D%25%2B%00%FF",
           "what is kept, the blank, and upper-case escapes");
    buf = (sx_buf){.pool = pool};
    sx_form_pair(&buf, sx_str_of("a"), sx_str_of("1&2"));
    sx_form_pair(&buf, sx_str_of("b c"), sx_str_of(""));
    is_str(buf.p, "a=1%262&b+c=", "pairs are joined by one &");
    buf = (sx_buf){.pool = pool};
    sx_form_encode(&buf, sx_str_of(""));
    is_str(buf.p, "", "the encoding of nothing is an empty string");
}

typedef struct decode_case {
    const char *text;
    const char *want; /* NULL: refused */
    int at;
    const char *label;
} decode_case;

static const decode_case decodings[] = {
    {"", "", 0, "nothing is nothing"},
    {"a+b%20c", "a b c", 0, "both forms of a blank are decoded"},
    {"%c3%A4", "\xc3\xa4", 0, "hex digits of either case are decoded"},
    {"\xc3\xa4", "\xc3\xa4", 0, "raw bytes above ASCII stay"},
    {"a==b", "a==b", 0, "an equals sign is no escape"},
    {"%2525", "%25", 0, "only one layer is decoded"},
    {"a b", NULL, 1, "a raw blank is refused where it stands"},
    {" a", NULL, 0, "a raw blank in front is refused"},
    {"ab\tc", NULL, 2, "a raw tab is refused"},
    {"ab\r\nc", NULL, 2, "a raw line end is refused"},
    {"a\x7f", NULL, 1, "a raw DEL is refused"},
    {"%", NULL, 0, "a lone percent sign is refused"},
    {"ab%4", NULL, 2, "a percent sign with one digit is refused"},
    {"ab%4g", NULL, 2, "a percent sign with a wrong second digit is refused"},
    {"ab%g4", NULL, 2, "a percent sign with a wrong first digit is refused"},
    {"%41%", NULL, 3, "a percent sign after an escape is refused"},
    {"%+1", NULL, 0, "a sign is no hex digit"},
    {"%u0041", NULL, 0, "escapes of scripts are refused"},
};

static void test_decoding(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof decodings / sizeof *decodings; i++) {
        const decode_case *test = &decodings[i];
        sx_str out = {NULL, 0};
        size_t at = 99;
        bool good = sx_form_decode(sx_str_of(test->text), &out, &at, pool);

        if (test->want)
            ok(good && sx_str_eq(out, sx_str_of(test->want)), "%s",
               test->label);
        else
            ok(!good && at == (size_t)test->at, "%s", test->label);
    }
}

static void test_decoding_bounds(apr_pool_t *pool)
{
    sx_str out;
    size_t at;

    ok(!sx_form_decode(bytes("a%41", 3), &out, &at, pool) && at == 1,
       "an escape that is cut by the length is not read beyond it");
    ok(sx_form_decode(sx_str_of("a%00b"), &out, &at, pool) &&
           sx_str_eq(out, bytes("a\0b", 3)),
       "NUL is a byte like others when it is encoded");
    ok(!sx_form_decode(bytes("a\0b", 3), &out, &at, pool) && at == 1,
       "a raw NUL is refused");
}

typedef struct list_case {
    const char *list;
    const char *items; /* each followed by '|' */
    const char *label;
} list_case;

static const list_case lists[] = {
    {"", "", "an empty list has no items"},
    {"a", "a|", "one item"},
    {"a=1&b=2", "a=1|b=2|", "items between ampersands"},
    {"a=1, b=2", "a=1|b=2|", "items as httpd joins headers"},
    {" \ta=1 & b=2\t,c ", "a=1|b=2|c|", "blanks around items are trimmed"},
    {"a b", "a b|", "a blank inside an item is left to the decoder"},
    {"&&,a,,&b&", "a|b|", "empty items are skipped"},
    {" , & \t,", "", "separators and blanks alone are an empty list"},
    {"a=&&=b", "a=|=b|", "odd pairs are items"},
    {"a%26b%2Cc", "a%26b%2Cc|", "encoded separators are none"},
};

static void test_lists(apr_pool_t *pool)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        sx_buf got = {.pool = pool};
        size_t pos = 0;
        sx_str item;

        sx_buf_append(&got, "", 0);
        while (sx_form_next(sx_str_of(lists[i].list), &pos, &item)) {
            sx_buf_append(&got, item.p, item.len);
            sx_buf_append(&got, "|", 1);
        }
        is_str(got.p, lists[i].items, lists[i].label);
    }
}

/* Linear without a clock: the position only moves on, and each item lies
 * behind the one before. */
static void test_one_pass(apr_pool_t *pool)
{
    size_t len = 1u << 20, pos = 0, last = 0, items = 0;
    char *text = apr_palloc(pool, len + 1);
    bool forward = true;
    sx_str item;

    for (size_t i = 0; i < len; i++)
        text[i] = "a& ,"[i % 4];
    text[len] = '\0';
    while (sx_form_next(bytes(text, len), &pos, &item)) {
        forward = forward && (size_t)(item.p - text) >= last && pos > last;
        last = pos;
        items++;
    }
    ok(forward && items == len / 4, "a megabyte of items is one pass");
    ok(!sx_form_next(bytes(text, len), &pos, &item) && pos == len,
       "the end of a list stays the end");
}

static void test_growth(apr_pool_t *pool)
{
    sx_buf buf = {.pool = pool};

    for (int i = 0; i < 100000; i++)
        sx_buf_append(&buf, "abc", 3);
    ok(buf.len == 300000 && strlen(buf.p) == 300000 && buf.cap <= 2 * 300001,
       "a text grows to what was appended, with at most as much room again");
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_every_byte(pool);
    test_every_place(pool);
    test_random_strings(tap_seed(argc, argv), pool);
    test_fixed_forms(pool);
    test_decoding(pool);
    test_decoding_bounds(pool);
    test_lists(pool);
    test_one_pass(pool);
    test_growth(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
