/* Against the examples of FIPS 180-4 and, at the lengths where the padding changes, against sha256sum. */
#include "broker/sha256.h"
#include "broker/names.h"
#include "broker/sha256-blocks.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
    size_t count; /* of 'a' */
    const char *digest;
} repeated[] = {
    { 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { 1, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" },
    { 54, "a3f01b6939256127582ac8ae9fb47a382a244680806a3f613a118851c1ca1d47" },
    { 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
    { 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
    { 57, "f13b2d724659eb3bf47f2dd6af1accc87b81f09f59f2b75e5c0bed6589dfe8c6" },
    { 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34" },
    { 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
    { 65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0" },
    { 119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb" },
    { 120, "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c" },
    { 121, "e9615320128cc7a3d6078e9af05603188e5ccbf0d07d8b735d3df5e8e0c1281f" },
    { 127, "c57e9278af78fa3cab38667bef4ce29d783787a2f731d4e12200270f0c32320a" },
    { 128, "6836cf13bac400e9105071cd6af47084dfacad4e5e302c94bfed24e013afb73e" },
    { 129, "c12cb024a2e5551cca0e08fce8f1c5e314555cc3fef6329ee994a3db752166ae" },
    { 1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3" },
    { 262144, "dd3dde87623d9a6b354c68c943d189c89c63652d945e7bbdf0986cae91a49521" },
    { 262145, "c592f4a6b099700b5050ce8bc67367f0c8f44810203124e86405c3e7b6f1a2ba" },
    { 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
};

static int is(const uint8_t digest[32], const char *expected)
{
    char text[HEX32];
    hex(digest, 32, text);
    return !strcmp(text, expected);
}

/* The same bytes in pieces of every size up to more than two blocks. */
static void in_pieces(const uint8_t *bytes, size_t length, const char *expected)
{
    unsigned right = 0;
    for (size_t piece = 1; piece <= 130; piece++) {
        struct sha256 context;
        uint8_t digest[32];
        sha256_init(&context);
        for (size_t at = 0; at < length; at += piece)
            sha256_update(&context, bytes + at, piece < length - at ? piece : length - at);
        sha256_final(&context, digest);
        right += (unsigned)is(digest, expected);
    }
    CHECK(right == 130);
}

static void of_text(const char *text, const char *expected)
{
    in_pieces((const uint8_t *)text, strlen(text), expected);
}

static void of_file(const uint8_t *bytes, size_t length, const char *expected)
{
    uint8_t digest[32];
    uint64_t size = 0;
    int fd = memfd_create("test", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    /* Where the descriptor stands does not matter. */
    CHECK(!sha256_file(fd, digest, &size) && size == length && is(digest, expected));
    close(fd);
    CHECK(sha256_file(-1, digest, &size) < 0);
}

/* The two forms agree, whatever the bytes and however many blocks at once. */
static void forms_agree(void)
{
    static uint8_t blocks[64 * 40];
    sha256_compress hardware = sha256_compress_in_hardware();
    uint32_t seed = 1, agreed = 0;
    for (size_t i = 0; i < sizeof blocks; i++)
        blocks[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    for (size_t count = 1; hardware && count <= 40; count++) {
        uint32_t plain[8] = { 1, 2, 3, 4, 5, 6, 7, (uint32_t)count }, fast[8];
        memcpy(fast, plain, sizeof fast);
        sha256_compress_plainly(plain, blocks, count);
        hardware(fast, blocks, count);
        agreed += !memcmp(plain, fast, sizeof fast);
    }
    CHECK(!hardware || agreed == 40);
    if (!hardware)
        fprintf(stderr, "sha256: this processor has no instructions for it; the plain form alone was tried\n");
}

void test_sha256(void)
{
    forms_agree();
    uint8_t *bytes = malloc(1000000);
    CHECK(bytes);
    if (!bytes)
        return;
    memset(bytes, 'a', 1000000);
    of_text("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    of_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
        if (repeated[i].count <= 1000)
            in_pieces(bytes, repeated[i].count, repeated[i].digest);
        of_file(bytes, repeated[i].count, repeated[i].digest);
    }
    free(bytes);
}
