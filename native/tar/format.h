/* The ustar header block (POSIX.1-2008, pax). Numbers are octal digits, ended by NUL or space. */
#pragma once
#include <stdint.h>

#define TAR_BLOCK 512u

struct tar_header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char unused[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

enum tar_type {
    TAR_FILE_OLD = '\0',
    TAR_FILE = '0',
    TAR_HARD_LINK = '1',
    TAR_SYMLINK = '2',
    TAR_CHARACTER_DEVICE = '3',
    TAR_BLOCK_DEVICE = '4',
    TAR_FOLDER = '5',
    TAR_FIFO = '6',
    TAR_CONTIGUOUS_FILE = '7',
    TAR_PAX = 'x',
    TAR_PAX_GLOBAL = 'g',
    TAR_GNU_LONG_LINK = 'K',
    TAR_GNU_LONG_NAME = 'L',
};

/* Sum of the header's bytes with its checksum field taken as spaces. */
static inline uint32_t tar_checksum(const struct tar_header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint32_t sum = 8 * ' ';
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        if (i < 148 || i >= 156)
            sum += bytes[i];
    return sum;
}
