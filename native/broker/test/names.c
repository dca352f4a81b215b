#include "broker/names.h"
#include "check.h"

#include <string.h>

static void repeat(char *text, char c, size_t count)
{
    memset(text, c, count);
    text[count] = 0;
}

static void test_padding(void)
{
    CHECK(name_is_padded("a\0\0\0", 4));
    CHECK(name_is_padded("abc", 4));
    CHECK(!name_is_padded("abcd", 4));
    CHECK(!name_is_padded("\0\0\0\0", 4));
    CHECK(!name_is_padded("a\0b\0", 4));
    CHECK(!name_is_padded("\0bc\0", 4));
    CHECK(!name_is_padded("a\0\0x", 4));
}

static void test_staged(void)
{
    char text[80];
    static const char *const wrong[] = {
        "", ".", "..", "a/b", "a.b", "../a", "A", "a b", "a\n", "a_b", "\xc3\xa9", "a%"
    };
    CHECK(staged_name_is_valid("a") && staged_name_is_valid("-") && staged_name_is_valid("build-0f9"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!staged_name_is_valid(wrong[i]));
    repeat(text, 'x', 64);
    CHECK(staged_name_is_valid(text));
    repeat(text, 'x', 65);
    CHECK(!staged_name_is_valid(text));
}

static void test_layer(void)
{
    char text[160] = "000-";
    static const char *const wrong[] = { "",       "000",          "000-",    "00-a",     "0000-a",   "00a-b",
                                         "000_a",  "000-/",        "000-a/b", "000-..",   "000-a..b", "000-a b",
                                         "000-\n", "000-\xc3\xa9", "000-a*",  "../000-a", "000-a\x7f" };
    CHECK(layer_name_is_valid("000-a") && layer_name_is_valid("999-A_b.c-D") && layer_name_is_valid("010-.hidden"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!layer_name_is_valid(wrong[i]));
    repeat(text + 4, 'x', 124);
    CHECK(layer_name_is_valid(text));
    repeat(text + 4, 'x', 125);
    CHECK(!layer_name_is_valid(text));
}

static void test_hostname(void)
{
    char text[80];
    static const char *const wrong[] = { "", "a.b", "a b", "a\nb", "a/b", "\xc3\xa9", "a\t127.0.0.1" };
    CHECK(hostname_is_valid("a") && hostname_is_valid("box-1") && hostname_is_valid("A_1"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!hostname_is_valid(wrong[i]));
    repeat(text, 'h', 64);
    CHECK(hostname_is_valid(text));
    repeat(text, 'h', 65);
    CHECK(!hostname_is_valid(text));
}

static void test_hex(void)
{
    static const char *const wrong[] = { "", "0", "0g", "g0", "0A", "A0", " 0", "0\n", "+1", "0x" };
    uint8_t bytes[4] = { 0 };
    char text[9];
    CHECK(!unhex("00ff7fa5", bytes, 4) && bytes[0] == 0 && bytes[1] == 0xff && bytes[2] == 0x7f && bytes[3] == 0xa5);
    hex(bytes, 4, text);
    CHECK(!strcmp(text, "00ff7fa5"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(unhex(wrong[i], bytes, 1) < 0);
    CHECK(unhex("00ff7fa", bytes, 4) < 0);
}

void test_names(void)
{
    test_padding();
    test_staged();
    test_layer();
    test_hostname();
    test_hex();
}
